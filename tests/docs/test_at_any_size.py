"""The page's code runs, and its answers are those of one process."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr

# The planted errors are larger than all incomes of the fit.
pytestmark = pytest.mark.filterwarnings("ignore:column 'income'.*outside the range:UserWarning")

PAGE = (Path(__file__).parents[2] / "docs" / "at-any-size.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


MAKE, DASK, SCHEMA, SPARK, RAY, DUCKDB, SQL = BLOCKS
(SHELL,) = re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def run(folder, name, code):
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    command = [sys.executable, f"{name}.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def require_answers(folder, scores, filled=None):
    """Compares the files of an engine with what one process answers."""
    rows = pl.read_parquet(folder / "people-*.parquet").sort("id")
    scorer = cr.Scorer(folder / "m.chainrule")
    expected = scorer.log_prob(rows.drop("id"))
    found = pl.read_parquet(folder / scores).sort("id")
    np.testing.assert_allclose(found["log_prob"], expected, rtol=1e-12)
    if filled is not None:
        found = pl.read_parquet(folder / filled).sort("id")
        alone = scorer.impute(rows.drop("id"), seed=0)  # ids are the numbers of rows
        np.testing.assert_allclose(found["income"], alone["income"], rtol=1e-9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the page's table and model."""
    made = tmp_path_factory.mktemp("at_any_size")
    run(made, "make", MAKE)
    return made


def test_two_processes_score_and_fill_a_folder_of_files(folder):
    here = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", "-e", "-c", SHELL.replace("filled", "commands")]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = pl.read_parquet(folder / "people-*.parquet")
    expected = cr.Scorer(folder / "m.chainrule").log_prob(rows.drop("id"))
    found = pl.read_csv(folder / "nats.csv")["log_prob"]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert len(list((folder / "commands").iterdir())) == 4


def test_dask_scores_and_fills_a_table_in_parts(folder):
    pytest.importorskip("dask.dataframe")
    assert run(folder, "by_dask", DASK).count("decimal point") >= 8
    require_answers(folder, "scores/*.parquet", "filled/*.parquet")


def test_dask_infers_the_schema_of_all_partitions(folder):
    pytest.importorskip("dask.dataframe")
    assert "town" in run(folder, "schema", SCHEMA)


def test_duckdb_scores_a_table_in_parts(folder):
    pytest.importorskip("duckdb")
    run(folder, "by_duckdb", DUCKDB)
    require_answers(folder, "scores.parquet")


def test_duckdb_orders_rows_by_their_bits(folder):
    pytest.importorskip("duckdb")
    run(folder, "by_sql", SQL)
    rows = pl.read_parquet(folder / "people-*.parquet").sort("id")
    nats = cr.Scorer(folder / "m.chainrule").log_prob(rows.drop("id"))
    found = pl.read_parquet(folder / "odd.parquet")
    assert found["id"].to_list() == np.argsort(nats)[:3].tolist()
    np.testing.assert_allclose(found["bits"], -np.sort(nats)[:3] / np.log(2), rtol=1e-9)


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17")
@pytest.mark.skipif(find_spec("pyspark") is None, reason="Spark is not installed")
def test_spark_scores_and_fills_a_table_in_parts(folder):
    run(folder, "by_spark", SPARK)
    require_answers(folder, "spark-scores/*.parquet", "spark-filled/*.parquet")


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_ray_scores_and_fills_a_table_in_parts(folder):
    run(folder, "by_ray", RAY)
    require_answers(folder, "ray-scores/*.parquet", "ray-filled/*.parquet")
