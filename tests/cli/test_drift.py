"""``chainrule drift``: exit codes, the sentence that names columns, JSON and refusals."""

import json
import re
from dataclasses import replace

import pytest
from helpers.command_line import PROGRAM, chainrule, on_terminal
from helpers.some_tables import people

import chainrule as cr


@pytest.fixture(scope="module")
def folder(tmp_path_factory, density_of_people):
    folder = tmp_path_factory.mktemp("drift")
    density_of_people.save(folder / "m.chainrule")
    people(1000, seed=20).to_csv(folder / "today.csv", index=False)
    people(1000, seed=22).to_parquet(folder / "yesterday.parquet")
    broken = people(1000, seed=20)
    broken["income"] = broken["income"].sample(frac=1, random_state=0).to_numpy()
    broken.to_csv(folder / "broken.csv", index=False)
    return folder


NAMED = "chainrule: drift (joint p = "
PAIR = "age and income: dependence changed (correlation 0."


def test_like_rows_pass(folder):
    code, out, errors = chainrule("drift", "m.chainrule", "today.csv", cwd=folder)
    assert (code, errors) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "The least probable differences"
    assert lines[-2].startswith("1,000 rows beside 700 held-out rows; ")
    assert lines[-1].startswith("no drift found (joint p = ")


@pytest.mark.parametrize("reference", [(), ("--reference", "yesterday.parquet")])
def test_a_broken_dependence_stops_with_a_sentence_that_names_both_columns(folder, reference):
    code, out, errors = chainrule("drift", "m.chainrule", "broken.csv", *reference, cwd=folder)
    assert code == 3
    (line,) = errors.splitlines()
    assert line.startswith(NAMED)
    assert PAIR in line
    assert out.splitlines()[0] == "What changed"
    assert "age and income" in out


def test_json_is_what_the_library_finds(folder):
    for name, exit_code in (("today.csv", 0), ("broken.csv", 3)):
        code, out, errors = chainrule("drift", "m.chainrule", name, "--json", cwd=folder)
        assert code == exit_code
        found = cr.load(folder / "m.chainrule").drift(folder / name)
        assert json.loads(out) == json.loads(json.dumps(found.to_json()))
        assert (PAIR in errors) == (code == 3)


def test_the_level_decides(folder):
    people(1000, seed=24).to_csv(folder / "other.csv", index=False)
    answer = chainrule("drift", "m.chainrule", "other.csv", "--json", cwd=folder)[1]
    p = json.loads(answer)["p_value"]
    for level, exit_code in ((p * 0.99, 0), (p * 1.01, 3)):
        words = "drift", "m.chainrule", "other.csv", "--fail-under", level
        assert chainrule(*words, cwd=folder)[0] == exit_code


def test_misuse_exits_with_2(folder, density_of_people):
    code, _, errors = chainrule(
        "drift", "m.chainrule", "today.csv", "--fail-under", 1.5, cwd=folder
    )
    assert (code, "above 0 and below 1" in errors) == (2, True)
    assert chainrule("drift", "m.chainrule", "absent.csv", cwd=folder)[0] == 2
    words = "drift", "m.chainrule", "today.csv", "--reference", "absent.csv"
    assert chainrule(*words, cwd=folder)[0] == 2
    code, _, errors = chainrule("drift", "m.chainrule", "-", "--reference", "-", cwd=folder)
    assert (code, "standard input is read once" in errors) == (2, True)
    old = {name: value for name, value in density_of_people.training.items() if name != "drift"}
    replace(density_of_people, training=old).save(folder / "old.chainrule")
    code, out, errors = chainrule("drift", "old.chainrule", "today.csv", cwd=folder)
    assert (code, out) == (2, "")
    assert "pass the rows to compare with as reference (--reference OLD)" in errors
    words = "drift", "old.chainrule", "broken.csv", "--reference", "yesterday.parquet"
    assert chainrule(*words, cwd=folder)[0] == 3


def test_it_fits_a_terminal_of_80_columns(folder):
    words = ["drift", str(folder / "m.chainrule"), str(folder / "today.csv")]
    shown = on_terminal([*PROGRAM, *words], columns=80, NO_COLOR="1")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert max(len(line) for line in plain.splitlines()) <= 80
    assert "│ surprise given the rest" in shown
