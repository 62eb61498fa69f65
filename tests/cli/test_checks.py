"""Misuse and help load no heavy library: a command refuses an absent file at once."""

import json
import os
import subprocess
import sys

import pytest
from helpers.command_line import WIDE

from chainrule import fileformat
from chainrule.cli.checks import require_model, require_table
from chainrule.cli.main import app
from chainrule.report.comparison import FAMILIES
from chainrule.report.comparison.names import FAMILY_NAMES
from chainrule.table import infer_schema
from chainrule.training.arguments import OPTIONS
from chainrule.training.recipes import RECIPES

# Runs commands in one process in which heavy libraries cannot be imported; prints what they print.
NO_TABLES = "none: a folder without a table; tables end with .csv, .txt, .tsv, .data or .parquet"
WITHOUT = """
import contextlib, io, json, sys

class Refused(BaseException):
    pass

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name in {"torch", "numba", "polars", "pandas", "scipy", "sklearn", "matplotlib"}:
            raise Refused(f"imported {name}")

sys.meta_path.insert(0, Refusal())
from chainrule.cli.main import main

found = []
for words in json.loads(sys.argv[1]):
    sys.argv, out, errors = ["chainrule", *words], io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            main()
        except SystemExit as done:
            code = done.code
        except Refused as refused:
            code = str(refused)
    found.append((code, out.getvalue(), errors.getvalue()))
print(json.dumps(found))
"""
NO_FILE, ABSENT = "nowhere.csv: no such file", "no.chainrule: no such file"
FOLDER = "no/x.csv: there is no folder no; make it first"
MISUSES = {
    "fit nowhere.csv -o x": NO_FILE,
    "fit rows.csv --valid nowhere.csv -o x": NO_FILE,
    "fit rows.csv -o no/x.csv": FOLDER,
    "fit none -o x": NO_TABLES,
    "fit words.md -o x": "words.md: unknown type of file '.md'; tables are .npy, .npz, .csv, .tsv, "
    ".txt, .data or .parquet",
    "fit rows.csv -o words.md": "words.md: exists and is no model file; name another, or remove it "
    "first",
    "fit rows.csv -o old": "old.checkpoint holds an interrupted run; pass --resume to continue it, "
    "or delete it to start over",
    "fit rows.csv -o x --objective all": "objective 'all' is unknown; choose one of 'any', "
    "'likelihood'",
    "fit rows.csv -o x --network maid": "network 'maid' is unknown; choose one of 'auto', "
    "'committee', 'made', 'nade', 'orderless' (nearest: 'made')",
    "fit rows.csv -o x --network nade --members 3": "members = 3: of NADEs they make a committee; "
    "pass network='committee'",
    "fit rows.csv -o x --activation tanh": "activation 'tanh' is unknown; choose one of 'relu', "
    "'sigmoid'",
    "fit rows.csv -o x --epochs 0": "epochs = 0: pass a whole number, at least 1",
    "fit rows.csv -o x --effort most": "effort 'most' is unknown; choose one of 'best', 'quick', "
    "'standard'",
    "fit rows.csv -o x --missing maybe": "missing 'maybe' is unknown; choose one of 'informative', "
    "'unknown'",
    "fit rows.csv -o x --ties some": "ties 'some' is unknown; choose one of 'auto', 'none'",
    "fit rows.csv -o x --min-count 0": "min_count = 0: pass the rows that a level needs to be "
    "listed, at least 1",
    "fit rows.csv -o x --time-limit-s 0": "time_limit_s = 0.0: pass a number of seconds above zero",
    "fit rows.csv -o x --device tpu": "device 'tpu' is unknown; choose one of 'auto', 'cpu', "
    "'cuda' (nearest: 'cpu')",
    "fit rows.csv -o x --seed -1": "seed = -1: pass None or an integer below 2**63, at least 0",
    "fit rows.csv -o x --kind a": "--kind a: pass NAME=KIND, as zip=categorical",
    "fit rows.csv -o x --kind a=number": "kinds['a']: kind 'number' is unknown; choose one of "
    "'binary', 'categorical', 'datetime', 'integer', 'leave out', 'real'",
    "fit rows.csv -o x --decimal ;": "decimal ';' is unknown; choose one of ',', '.'",
    "score no.chainrule nowhere.csv": ABSENT,
    "score m.chainrule nowhere.csv": NO_FILE,
    "score m.chainrule none": NO_TABLES,
    "score . rows.csv": ".: a folder, not a chainrule model file",
    "score rows.csv rows.csv": "rows.csv: not a chainrule file; it does not begin with CHAINRUL",
    "score old.checkpoint rows.csv": "old.checkpoint: a chainrule checkpoint file, not a model "
    "file",
    "score m.chainrule rows.csv -o no/x.csv": FOLDER,
    "score m.chainrule rows.csv -o x.txt": "x.txt: results are written as .csv, .npy, .npz, "
    ".parquet; end the name with one of these",
    "score m.chainrule rows.csv --split test": "rows.csv: --split names a split of a data set or "
    "an array of an .npz file; this is neither",
    "score m.chainrule digits --split best": "split 'best' is unknown; choose one of 'test', "
    "'train', 'valid' (nearest: 'test')",
    "explain no.chainrule rows.csv": ABSENT,
    "explain m.chainrule nowhere.csv": NO_FILE,
    "explain m.chainrule rows.csv --top -1": "top = -1: pass how many cells to show, at least 0",
    "proofread nowhere.csv": NO_FILE,
    "proofread rows.csv -m no.chainrule": ABSENT,
    "proofread rows.csv --fdr 0": "fdr = 0.0: pass the share of false findings to expect, above 0 "
    "and at most 1",
    "proofread rows.csv --effort most": "effort 'most' is unknown; choose one of 'best', 'quick', "
    "'standard'",
    "proofread rows.csv --time-limit-s 0": "time_limit_s = 0.0: pass a number of seconds above "
    "zero",
    "proofread rows.csv -m m.chainrule --groups a": "--groups a: --model is fitted already; leave "
    "one of them out",
    "proofread rows.csv --glob": "--glob: files of a pattern are read in parts; pass --model, and "
    "no --html",
    "proofread rows.csv -o x.txt": "x.txt: results are written as .csv, .parquet; end the name "
    "with one of these",
    "conditional no.chainrule rows.csv a": ABSENT,
    "conditional m.chainrule nowhere.csv a": NO_FILE,
    "conditional m.chainrule rows.csv a --quantile 2": "quantiles = [2.0]: pass numbers above 0 "
    "and below 1",
    "impute no.chainrule rows.csv": ABSENT,
    "impute m.chainrule nowhere.csv": NO_FILE,
    "impute m.chainrule rows.csv --how well": "how 'well' is unknown; choose one of 'best', "
    "'draw', 'mean'",
    "sample no.chainrule": ABSENT,
    "sample m.chainrule --given nowhere.csv": NO_FILE,
    "sample m.chainrule --given a=1 --given a=2": "--given a=…: given twice; give each cell once",
    "sample m.chainrule -n -1": "n = -1: pass a whole number of rows, at least 0",
    "sample m.chainrule --temperature 0": "temperature = 0.0 must be above zero; 1 samples the "
    "model as it is",
    "compare nowhere.csv": NO_FILE,
    "compare rows.csv -o rows.csv": "rows.csv: a file; name a folder with -o",
    "compare rows.csv --effort most": "effort 'most' is unknown; choose one of 'best', 'quick', "
    "'standard'",
    "compare rows.csv --families nad": "family 'nad' is unknown; choose one of 'fvsbn', "
    "'gaussians', 'independent', 'made', 'mixture', 'nade', 'orderless', 'rbm', 'tree', 'vae' "
    "(nearest: 'nade')",
    "compare rows.csv --epochs 0": "epochs = 0: pass a whole number, at least 1",
    "show no.chainrule": ABSENT,
    "view no.chainrule": ABSENT,
    "view m.chainrule -o no/x.html": "no/x.html: there is no folder no; make it first",
    "view m.chainrule -o x.png": "x.png: results are written as .html; end the name with one of "
    "these",
    "view m.chainrule --shape 8": "--shape '8': give height and width, such as 28x28",
    "check no.chainrule": ABSENT,
    "check m.chainrule --seed -1": "seed = -1: pass None or an integer below 2**63, at least 0",
    "demo --data mnst": "data set of the demo 'mnst' is unknown; choose one of 'binarized-mnist', "
    "'digits', 'mnist' (nearest: 'mnist')",
    "demo --side 5": "--side 5 is smaller than the images of 8 × 8 pixels",
    "demo --out rows.csv": "rows.csv: a file; name a folder with --out",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a table, a file with the header of a model, and an interrupted run."""
    path = tmp_path_factory.mktemp("checks")
    (path / "rows.csv").write_text("a,b\n0,1\n1,0\n")
    (path / "words.md").write_text("no table\n")
    (path / "none").mkdir()
    for name, kind in (("m.chainrule", "model"), ("old.checkpoint", "checkpoint")):
        fileformat.write(path / name, fileformat.Contents(kind, {}, {}))
    return path


def without_heavy_libraries(commands, folder, script=WITHOUT):
    """The code, output and messages of commands in a process without heavy libraries."""
    words = json.dumps([command.split() for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", script, words],
        capture_output=True, text=True, check=True, cwd=folder, env=WIDE,
    )  # fmt: skip
    return dict(zip(commands, json.loads(done.stdout), strict=True))


def test_misuse_is_refused_without_heavy_libraries(folder):
    before = sorted(os.listdir(folder))
    found = without_heavy_libraries(list(MISUSES), folder)
    assert found == {
        words: [2, "", f"chainrule: {message}\n"] for words, message in MISUSES.items()
    }
    assert sorted(os.listdir(folder)) == before


def test_help_and_wrong_words_load_no_heavy_libraries(folder):
    names = [command.name for command in app.registered_commands]
    helps = ["--help", "--version", "datasets", *(f"{name} --help" for name in names)]
    wrong = ["fti", "fit rows.csv", "fit rows.csv -o x --epochs many", "score m.chainrule"]
    found = without_heavy_libraries([*helps, *wrong], folder)
    assert {words: code for words, (code, *_) in found.items()} == {
        **dict.fromkeys(helps, 0),
        **dict.fromkeys(wrong, 2),
    }


def test_the_refusal_of_imports_would_catch_one(folder):
    """A command that has work to do imports torch."""
    (code, *_) = without_heavy_libraries(["show m.chainrule"], folder)["show m.chainrule"]
    assert code == "imported torch"


def test_names_that_no_column_has_are_refused_without_torch(folder):
    """Tables and headers of models tell their names before torch is imported."""
    script = "import sys\nsys.modules['torch'] = None\n"  # importing it would raise
    script += WITHOUT.replace("sys.meta_path.insert(0, Refusal())", "")
    schema = infer_schema(folder / "rows.csv").to_json()
    model = fileformat.Contents("model", {"model": {"schema": schema}}, {})
    fileformat.write(folder / "named.chainrule", model)
    unknown = "column 'zz' is unknown; choose one of "
    found = without_heavy_libraries(
        [
            "sample named.chainrule --given zz=3",
            "fit rows.csv -o new --kind zz=real",
            "fit rows.csv -o new --groups zz",
            "compare rows.csv -o new --label zz",
        ],
        folder,
        script,
    )
    assert [code for code, *_ in found.values()] == [2, 2, 2, 2]
    errors = [error for *_, error in found.values()]
    assert "column(s) 'zz' are not in the model; drop them before asking" in errors[0]
    assert all(unknown in error for error in errors[1:])
    assert not (folder / "new").exists()


def test_names_that_are_listed_twice_agree():
    """The command line knows these names without the modules that have the things themselves."""
    assert tuple(FAMILIES) == FAMILY_NAMES
    assert {name: recipe.options for name, recipe in RECIPES.items()} == OPTIONS


def test_pipes_and_standard_input_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "rows")  # reading it would wait for a writer
    require_table(str(tmp_path / "rows"))
    require_model(tmp_path / "rows")
    require_table("-")
    require_table("digits")


def test_a_table_that_must_not_be_read_is_refused(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.R_OK)
    with pytest.raises(PermissionError, match=r"rows.csv: cannot be read; change its permissions"):
        require_table(str(folder / "rows.csv"))
