"""The page's code runs, and its answers are those of one process."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr

PAGE = (Path(__file__).parents[2] / "docs" / "at-any-size.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_tables_in_parts_are_scored_and_filled_by_dask_and_duckdb(tmp_path):
    pytest.importorskip("dask.dataframe")
    pytest.importorskip("duckdb")
    for name, code in zip(("make", "by_dask", "by_duckdb"), BLOCKS, strict=True):
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
        command = [sys.executable, f"{name}.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    rows = pl.read_parquet(tmp_path / "people-*.parquet").sort("id")
    scorer = cr.Scorer(tmp_path / "m.chainrule")
    expected = scorer.log_prob(rows.drop("id"))
    for scores in ("scores/*.parquet", "scores.parquet"):
        found = pl.read_parquet(tmp_path / scores).sort("id")
        np.testing.assert_allclose(found["log_prob"], expected, rtol=1e-12)
    filled = pl.read_parquet(tmp_path / "filled" / "*.parquet").sort("id")
    alone = scorer.impute(rows.drop("id"), seed=0)  # ids are the numbers of rows
    np.testing.assert_allclose(filled["income"], alone["income"], rtol=1e-9)
