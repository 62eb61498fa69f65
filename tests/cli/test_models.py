"""Commands ask NumPy for small tables and PyTorch for large ones, and say the same."""

import io
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from helpers import some_tables
from helpers.command_line import WIDE, chainrule
from helpers.untrained import untrained

import chainrule as cr
from chainrule.cli import models

WITHOUT_TORCH = (
    "import sys\n"
    "sys.modules['torch'] = sys.modules['numba'] = None  # importing them would raise\n"
    "from chainrule.cli.main import main\n"
    "main()\n"
)
COMMANDS = {
    "score": ["score", "m.chainrule", "t.csv"],
    "explain": ["explain", "m.chainrule", "t.csv", "--top", "5"],
    "explain cells": ["explain", "m.chainrule", "t.csv", "--every-cell"],
    "explain rows": ["explain", "m.chainrule", "t.csv", "--rows", "--fdr", "1"],
    "impute": ["impute", "m.chainrule", "t.csv", "--how", "draw", "--seed", "3"],
    "conditional": ["conditional", "m.chainrule", "t.csv", "town"],
    "quantiles": ["conditional", "m.chainrule", "t.csv", "height", "--quantile", "0.2"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a table with holes and a model of it."""
    path = tmp_path_factory.mktemp("models")
    table = some_tables.mixed(60, seed=2, holes=0.1)
    untrained(table).save(path / "m.chainrule")
    table.to_csv(path / "t.csv", index=False)
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_small_tables_need_no_pytorch_and_get_the_same_answers(command, folder, monkeypatch):
    run = [sys.executable, "-c", WITHOUT_TORCH, *COMMANDS[command]]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, env=WIDE)
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(models, "MOST_BYTES", 0)
    code, expected, errors = chainrule(*COMMANDS[command], cwd=folder)
    assert (code, errors) == (0, done.stderr)
    found, of_torch = (pl.read_csv(io.StringIO(text)) for text in (done.stdout, expected))
    assert found.schema == of_torch.schema
    for name, dtype in found.schema.items():
        ours, theirs = found[name], of_torch[name]
        if dtype == pl.Float64:
            np.testing.assert_allclose(
                ours.to_numpy(), theirs.to_numpy(), rtol=1e-9, atol=1e-9, err_msg=name
            )
        else:
            assert ours.to_list() == theirs.to_list()


def test_the_size_of_the_file_decides(folder, monkeypatch):
    def asks(table, glob=False):
        return type(models.scorer_for(folder / "m.chainrule", str(table), glob=glob)._density)

    second = asks(folder / "t.csv")
    assert second.__module__ == "chainrule.without_torch.density"
    assert asks("-") is asks("digits") is second  # their sizes are unknown
    size = (folder / "t.csv").stat().st_size
    monkeypatch.setattr(models, "MOST_BYTES", size)
    assert asks(folder / "t.csv") is second
    monkeypatch.setattr(models, "MOST_BYTES", size - 1)
    assert asks(folder / "t.csv") is cr.Density
    assert asks(folder / "[t].csv", glob=True) is cr.Density
