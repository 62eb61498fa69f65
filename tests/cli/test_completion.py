"""A shell completes choices, kinds, data sets, and the columns and labels of a model."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from helpers.command_line import typed

import chainrule as cr
from chainrule.cli import completion


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path, rng = tmp_path_factory.mktemp("completed"), np.random.default_rng(0)
    table = pl.DataFrame(
        {"city": rng.choice(["Bern", "Basel", "Oslo"], 60), "cold": rng.random(60)}
    )
    config = cr.FitConfig(hidden_size=2, epochs=1, components=1)
    cr.fit(table, network="nade", seed=0, config=config, verbose=False).save(path / "m.chainrule")
    return path


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fit t.csv --effort s", ["standard"]),
        ("fit t.csv --network ", ["auto", "nade", "made", "committee", "orderless"]),
        ("fit t.csv --kind zip=ca", ["zip=categorical"]),
        ("fit dig", ["digits"]),
        ("conditional m.chainrule t.csv c", ["city", "cold"]),
        ("sample m.chainrule --given ci", ["city="]),
        ("sample m.chainrule --given city=B", ["city=Basel", "city=Bern"]),
        ("sample m.chainrule --seed 1 --given city=O", ["city=Oslo"]),
        ("sample nothing --given ci", []),
    ],
)
def test_a_shell_is_offered(line, offered, folder):
    code, out, errors = typed(
        cwd=folder, _CHAINRULE_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=f"chainrule {line}"
    )
    assert (code, errors) == (0, "")
    assert sorted(out.split('"')[1::2]) == sorted(offered)


def test_what_is_no_model_completes_nothing(folder):
    (folder / "broken.chainrule").write_bytes(b"chainrule, broken")
    for name in ("absent", "broken.chainrule", "."):
        ctx = SimpleNamespace(params={"model": folder / name}, args=[])
        assert completion.columns(ctx, "") == completion.cells(ctx, "a=") == []
