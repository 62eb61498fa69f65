"""Events asked from the shell: the density's answers, in words and as JSON, and misuse."""

import json

import pytest
from helpers import some_tables
from helpers.command_line import chainrule, typed
from helpers.untrained import untrained

import chainrule as cr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("ask")
    untrained(some_tables.mixed(60, seed=2)).save(path / "m.chainrule")
    return path


DRAWS = ["--draws", "5000"]


def test_a_program_reads_the_answer(folder):
    words, given = "height > 172 and sex", "town == 'north'"
    ask = ["ask", "m.chainrule", words, "--given", given, "--json", "--rows", 1000, *DRAWS]
    code, out, errors = chainrule(*ask, cwd=folder)
    assert (code, errors) == (0, "")
    answer = json.loads(out)
    found = cr.load(folder / "m.chainrule").probability(words, given, draws=5000)
    assert (answer["event"], answer["given"], answer["method"]) == (words, given, found.method)
    assert answer["probability"] == pytest.approx(found.value, rel=1e-9)
    assert answer["rows"] == pytest.approx(1000 * found.value)
    assert answer["low"] < answer["probability"] < answer["high"]
    several = chainrule("ask", "m.chainrule", "sex", words, "--json", *DRAWS, cwd=folder)[1]
    assert [each["event"] for each in json.loads(several)] == ["sex", words]


def test_a_person_reads_the_answer(folder):
    code, out, errors = typed("ask", "m.chainrule", "sex", cwd=folder)
    assert (code, errors) == (0, "")
    p = cr.load(folder / "m.chainrule").probability("sex").value
    assert out == f"{p:.6g}, exact\n"
    out = chainrule("ask", "m.chainrule", "sex", "height > 172", *DRAWS, cwd=folder)[1]
    first, second = out.splitlines()
    assert first.startswith("sex: ")
    assert " ± " in second
    assert second.endswith(", by 5,000 draws")
    out = chainrule("ask", "m.chainrule", "height > 260", "--rows", 100, *DRAWS, cwd=folder)[1]
    assert out.endswith(" of 100 rows, by 1,024 paths\n")


MISUSES = [
    (["hieght > 3"], "chainrule: event: no column 'hieght' among 'sex', 'town', 'gain', 'height', "
     "'price', 'hour' (nearest: 'height')\n"),
    (["town == 'nroth'"], "chainrule: column 'town': label 'nroth' is not among 'south', 'north', "
     "'west' (nearest: 'north')\n"),
    (["sex", "--given", "town > 3"], "chainrule: column 'town': its values are labels, which have "
     "no order, so > 3 means nothing; write town in ['south', 'north', 'west']\n"),
    (["__import__('os').system('touch x')"], "chainrule: event: "
     "\"__import__('os').system('touch x')\" is not understood: write comparisons such as age > "
     "60, 30 <= age < 40, sex in ['Female', 'Male'] or income is null, joined by and, or, not\n"),
    (["sex", "--given", "gain > 5 and gain < 2", *DRAWS], "chainrule: given: the condition has no "
     "probability by the model; widen it\n"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), MISUSES, ids=lambda value: str(value)[:30])
def test_misuse_has_a_remedy(words, message, folder):
    assert chainrule("ask", "m.chainrule", *words, cwd=folder) == (2, "", message)
    assert sorted(path.name for path in folder.iterdir()) == ["m.chainrule"]


def test_rows_are_drawn_and_filled_given_an_event(folder):
    given = ["--given", "height > 172", "--given", "town in ['north', 'west']"]
    code, out, _ = chainrule(
        "sample", "m.chainrule", "-n", 30, "--seed", 0, *given, "--json", cwd=folder
    )
    rows = json.loads(out)
    assert code == 0
    assert len(rows["height"]) == 30
    assert min(rows["height"]) > 172
    assert set(rows["town"]) <= {"north", "west"}
    holes = some_tables.mixed(20, seed=3)
    holes["height"] = None
    holes.to_csv(folder / "holes.csv", index=False)
    how = ["--how", "draw", "--seed", 0, "--given", "height > 172", "--json"]
    code, out, _ = chainrule("impute", "m.chainrule", "holes.csv", *how, cwd=folder)
    assert code == 0
    assert min(json.loads(out)["height"]) > 172
    (folder / "holes.csv").unlink()
    code, _, errors = chainrule(
        "sample", "m.chainrule", "--given", "sex=true", "--given", "height > 3", cwd=folder
    )
    assert code == 2
    assert "--given sex=true: not in words" in errors


def test_a_wrong_event_is_refused_without_torch(folder):
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom chainrule.cli.main import main\n"
        "sys.argv = ['chainrule', 'ask', 'm.chainrule', 'hieght > 3']\nmain()\n"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 2
    assert "nearest: 'height'" in done.stderr
