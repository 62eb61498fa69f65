"""``chainrule quality``: tables and JSON from files of any type, and refusals."""

import json
import re

import pytest
from helpers.command_line import PROGRAM, chainrule, on_terminal
from helpers.some_tables import mixed

import chainrule as cr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quality")
    frame = mixed(360, holes=0.02)
    frame[:120].to_csv(folder / "real.csv", index=False)
    frame[120:240].to_parquet(folder / "made.parquet")
    frame[240:].to_csv(folder / "held.csv", index=False)
    return folder


def test_json_is_what_the_library_measures(folder):
    code, out, errors = chainrule(
        "quality", "real.csv", "made.parquet", "--holdout", "held.csv", "--json", "--seed", 3,
        "--target", "sex", "--kind", "price=real", cwd=folder,
    )  # fmt: skip
    assert (code, errors) == (0, "")
    found = cr.quality(
        *(folder / name for name in ("real.csv", "made.parquet", "held.csv")),
        kinds={"price": "real"}, target="sex", seed=3, verbose=False,
    )  # fmt: skip
    answer = json.loads(out)
    assert answer["told_apart"]["auc"] == found.told_apart.auc
    assert answer["utility"]["target"] == "sex"
    assert answer["fidelity"]["shapes"] == found.fidelity.shapes
    assert answer["seed"] == 3


def test_the_tables_are_those_of_print(folder):
    code, out, _ = chainrule("quality", "real.csv", "made.parquet", cwd=folder)
    assert code == 0
    found = cr.quality(folder / "real.csv", folder / "made.parquet", verbose=False)
    for section in found.sections():
        assert section.title in out
        for row in section.rows:
            assert all(cell in out for cell in row)
    assert out.splitlines()[0] == "120 synthetic rows beside 120 real ones"


def test_it_fits_a_terminal_of_80_columns(folder, monkeypatch):
    words = ["quality", str(folder / "real.csv"), str(folder / "made.parquet"), "--rows", "60"]
    shown = on_terminal([*PROGRAM, *words], columns=80, NO_COLOR="1")
    assert "│ column shapes, SDMetrics" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    tables = [line for line in plain.splitlines() if line.strip().startswith(("│", "┃"))]
    assert len(tables) > 10
    assert max(len(line.strip()) for line in tables) <= 80


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["real.csv", "none.csv"], "none.csv"),
        (["real.csv", "made.parquet", "--holdout", "none.csv"], "none.csv"),
        (["real.csv", "made.parquet", "--holdout", ""], "'': the name of a table is empty; give a"),
        (["", "made.parquet"], "'': the name of a table is empty; give a file, a data set or -"),
        (["real.csv", "made.parquet", "--rows", "0"], "rows = 0: pass a whole number, at least 1"),
        (["real.csv", "made.parquet", "--seed", "-1"], "seed"),
        (["real.csv", "made.parquet", "--target", "sx"], "column 'sx' is unknown"),
        (["real.csv", "other.csv"], "lacks the column(s) 'sex'"),
        (["real.csv", "empty.csv"], "empty.csv"),
    ],
)
def test_misuse_exits_with_2_and_one_line(folder, words, message):
    mixed(50).drop(columns="sex").to_csv(folder / "other.csv", index=False)
    (folder / "empty.csv").write_text("sex,town,gain,height,price,hour\n")
    code, out, errors = chainrule("quality", *words, cwd=folder)
    assert (code, out) == (2, "")
    assert errors.startswith("chainrule: ")
    assert message in errors
    assert errors.count("\n") == 1
