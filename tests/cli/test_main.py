"""The command line, as typed: results on stdout, messages on stderr, exit codes 0, 1 and 2."""

import json
import os
import re
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
from helpers.command_line import chainrule, typed

import chainrule as cr
from chainrule.training import FitConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with tables and a model fitted from the command line."""
    path = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 200)
    rows = np.stack([a, a ^ (rng.random(200) < 0.1), rng.integers(0, 2, 200)], axis=1)
    text = "a,b,c\n" + "".join(f"{x},{y},{z}\n" for x, y, z in rows.tolist())
    (path / "rows.csv").write_text(text)
    np.save(path / "rows.npy", rows)
    np.savez(path / "splits.npz", train=rows[:150], valid=rows[150:180], test=rows[180:])
    words = (
        "fit",
        "rows.csv",
        "-o",
        "m.chainrule",
        "--network",
        "nade",
        "--epochs",
        3,
        "--seed",
        1,
    )
    code, out, errors = chainrule(*words, cwd=path)
    assert (code, out) == (0, "")
    assumed, last = errors.splitlines()[:-1], errors.splitlines()[-1]
    assert assumed == [f"{name}  binary  0 or 1" for name in "abc"]
    assert last.startswith("m.chainrule: 3 epochs in ")
    return path


def test_flags_of_fit_are_the_fields_of_the_configuration():
    """Same names, same defaults, and a help text each, which Python and the command line show."""
    import inspect

    from chainrule.cli import fit

    flags = inspect.signature(fit.run).parameters
    for field in fields(FitConfig):
        assert flags[field.name].default == field.default, field.name
        text = field.metadata["help"]
        assert text[-1] == ".", field.name
        assert len(text) > 20, field.name
        assert f"    {field.name}: {text}" in (FitConfig.__doc__ or "").splitlines()
        (shown,) = flags[field.name].annotation.__metadata__
        assert shown.help == (text if field.name != "hidden_sizes" else f"{text[:-1]}, as 500,500.")


def test_version_and_help(folder):
    assert typed("--version", cwd=folder) == (0, f"chainrule {cr.__version__}\n", "")
    for command in (
        "",
        "demo",
        "fit",
        "score",
        "explain",
        "ask",
        "conditional",
        "sample",
        "impute",
        "proofread",
        "show",
        "view",
        "check",
        "datasets",
    ):
        code, out, _ = chainrule(*command.split(), "--help", cwd=folder)
        assert code == 0
        assert re.search(r"^ *Examples: *$", out, flags=re.MULTILINE)
        assert f"chainrule {command}".strip() in out
    code, out, _ = typed(
        "--show-completion", "bash", cwd=folder, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
    assert code == 0
    assert "_CHAINRULE_COMPLETE" in out


def test_score_prints_csv_and_a_mean(folder):
    code, out, errors = typed("score", "m.chainrule", "rows.csv", cwd=folder)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "row,log_prob"
    values = np.array([float(line.split(",")[1]) for line in lines[1:]])
    scorer = cr.Scorer(folder / "m.chainrule")
    assert np.array_equal(values, scorer.log_prob(folder / "rows.csv"))
    assert errors.startswith(f"200 rows, mean log-likelihood {values.mean():.4f} ± ")


def test_score_json_and_files_agree(folder):
    _, out, _ = chainrule("score", "m.chainrule", "rows.npy", "--json", cwd=folder)
    answer = json.loads(out)
    assert answer["rows"] == 200
    assert answer["mean"] == pytest.approx(np.mean(answer["log_prob"]))
    for name in ("nats.csv", "nats.parquet", "nats.npy", "nats.npz"):
        code, out, _ = chainrule("score", "m.chainrule", "rows.npy", "-o", name, cwd=folder)
        assert (code, out) == (0, "")
    assert np.load(folder / "nats.npy")[:, 1].tolist() == answer["log_prob"]
    assert np.load(folder / "nats.npz")["rows"][:, 1].tolist() == answer["log_prob"]
    import polars as pl

    assert pl.read_parquet(folder / "nats.parquet")["log_prob"].to_list() == answer["log_prob"]
    assert pl.read_csv(folder / "nats.csv")["log_prob"].to_list() == answer["log_prob"]


def test_arrays_of_npz_and_named_splits(folder):
    code, out, errors = chainrule(
        "fit", "splits.npz", "-o", "s.chainrule", "--epochs", 2, "--json", cwd=folder
    )
    assert code == 0
    record = json.loads(out)
    assert (record["train_rows"], record["valid_rows"]) == (150, 30)
    assert len(record["history"]) == 2
    assert "seed" in errors
    assert chainrule("score", "s.chainrule", "splits.npz", cwd=folder)[1].count("\n") == 21
    assert (
        chainrule("score", "s.chainrule", "splits.npz", "--split", "valid", cwd=folder)[1].count(
            "\n"
        )
        == 31
    )
    code, _, errors = chainrule(
        "score", "s.chainrule", "splits.npz", "--split", "vaild", cwd=folder
    )
    assert code == 2
    assert errors == (
        "chainrule: splits.npz: array 'vaild' is unknown; choose one of 'test', 'train', 'valid' "
        "(nearest: 'valid')\n"
    )


def test_validation_rows_are_never_test_rows(folder):
    """--valid takes the validation rows of a data set or file; only score reads test rows."""
    _, out, _ = chainrule(
        "fit", "rows.csv", "-o", "v", "--epochs", 1, "--json", "--valid", "splits.npz", cwd=folder
    )
    assert json.loads(out)["valid_rows"] == 30
    np.savez(folder / "odd.npz", x_train=np.eye(3), test=np.eye(3))
    code, _, errors = chainrule("fit", "odd.npz", "-o", "v", cwd=folder)
    assert (code, errors) == (
        2,
        "chainrule: odd.npz: holds the arrays x_train, test; say which one\n",
    )
    code, _, errors = chainrule("score", "m.chainrule", "rows.csv", "--split", "test", cwd=folder)
    assert code == 2
    assert errors == (
        "chainrule: rows.csv: --split names a split of a data set or an array of an .npz file; "
        "this is neither\n"
    )
    (folder / "odd.npz").unlink()
    (folder / "v").unlink()


def test_the_first_line_can_be_declared(folder):
    (folder / "h.csv").write_text("0,1\n1,0\n1,1\n")
    for flag, rows in (("--header", 2), ("--no-header", 3)):
        _, out, _ = chainrule("fit", "h.csv", "-o", "h", "--epochs", 1, "--json", flag, cwd=folder)
        record = json.loads(out)
        assert record["train_rows"] + record["valid_rows"] == rows
    (folder / "h").unlink()


def test_sample_draws_and_completes(folder):
    code, out, errors = chainrule("sample", "m.chainrule", "-n", 5, "--seed", 3, cwd=folder)
    assert (code, errors) == (0, "")
    assert out.splitlines()[0] == "a,b,c"
    assert len(out.splitlines()) == 6
    assert out == chainrule("sample", "m.chainrule", "-n", 5, "--seed", 3, cwd=folder)[1]
    assert out != chainrule("sample", "m.chainrule", "-n", 5, "--seed", 4, cwd=folder)[1]
    (folder / "holes.csv").write_text("a,b,c\n1,,\n0,1,\n,,\n")
    code, out, _ = chainrule("sample", "m.chainrule", "--given", "holes.csv", cwd=folder)
    rows = [line.split(",") for line in out.splitlines()[1:]]
    assert code == 0
    assert rows[0][0] == "1"
    assert rows[1][:2] == ["0", "1"]
    answer = json.loads(chainrule("sample", "m.chainrule", "-n", 4, "--json", cwd=folder)[1])
    assert [len(v) for v in answer.values()] == [4, 4, 4]


def test_show_and_check(folder):
    code, out, _ = chainrule("show", "m.chainrule", cwd=folder)
    assert code == 0
    assert "NADE(3 columns, hidden_size=200, activation='sigmoid', order=natural)" in out
    assert f"{2 * 3 * 200 + 2 * 200 + 3:,}" in out
    described = json.loads(chainrule("show", "m.chainrule", "--json", cwd=folder)[1])
    assert described["parameters"] == 1603
    assert described["order"] == [0, 1, 2]
    code, out, _ = chainrule("check", "m.chainrule", cwd=folder)
    assert code == 0
    assert out.count(" pass ") == 7
    results = json.loads(chainrule("check", "m.chainrule", "--json", cwd=folder)[1])
    assert all(r["passed"] for r in results)


def test_check_exits_with_1_on_a_broken_model(folder, monkeypatch, capsys):
    """The command fails if a promise is broken. No file breaks one, so check is replaced."""
    import typer

    import chainrule.testing
    from chainrule.cli import check

    broken = [chainrule_testing_result("a promise", False)]
    monkeypatch.setattr(chainrule.testing, "check", lambda density, seed: broken)
    with pytest.raises(typer.Exit) as exit_:
        check.run(folder / "m.chainrule")
    assert exit_.value.exit_code == 1
    assert "FAIL" in capsys.readouterr().out


def chainrule_testing_result(name, passed):
    from chainrule.testing import CheckResult

    return CheckResult(name, passed, "")


def test_datasets_lists_and_json(folder):
    assert "binarized-mnist" in chainrule("datasets", cwd=folder)[1]
    listed = json.loads(chainrule("datasets", "--json", cwd=folder)[1])
    assert set(listed[0]) == {"name", "title", "columns", "rows", "source", "licence"}


# What fit prints before it notices.
ASSUMED = "a  binary  0 or 1\nb  binary  0 or 1\nc  binary  0 or 1\n"

MISUSES = [
    ("fit nowhere.csv -o x", "chainrule: nowhere.csv: no such file\n"),
    ("fit rows.csv -o no/x", "chainrule: no/x: there is no folder no; make it first\n"),
    ("fit rows.csv -o .", "chainrule: .: a folder; name a file\n"),
    ("fit bad.csv -o x",
     "chainrule: column 'b': value 'two' at row 4 (line 6 of bad.csv) is not a number, as 4 of 5 "
     "are: correct it, leave the cell empty, count it as missing by na_values={'b': 'two'} "
     "(--na-values b=two), or pass kinds={'b': 'categorical'} (--kind b=categorical)\n"),
    ("fit rows.csv -o x --kind a=number",
     "chainrule: kinds['a']: kind 'number' is unknown; choose one of 'binary', 'categorical', "
     "'datetime', 'integer', 'leave out', 'real'\n"),
    ("fit rows.csv -o x --kind z=real",
     "chainrule: kinds: column 'z' is unknown; choose one of 'a', 'b', 'c'\n"),
    ("fit rows.csv -o x --kind zip", "chainrule: --kind zip: pass NAME=KIND, as zip=categorical\n"),
    ("fit rows.csv -o x --effort most",
     "chainrule: effort 'most' is unknown; choose one of 'best', 'quick', 'standard'\n"),
    ("fit rows.csv -o x --network orderless --hidden-sizes 5,a",
     "chainrule: --hidden-sizes 5,a: pass whole numbers with commas between, as 500,500\n"),
    ("fit rows.csv -o x --network maid",
     "chainrule: network 'maid' is unknown; choose one of 'auto', 'committee', 'made', 'nade', "
     "'orderless' (nearest: 'made')\n"),
    ("fit rows.csv -o x --network nade --hidden-sizes 5,5",
     "chainrule: hidden_sizes = [5, 5]: NADE has one layer; pass hidden_size\n"),
    ("fit rows.csv -o x --conditional normal",
     "chainrule: conditional 'normal' is unknown; choose one of 'gaussian', 'laplace', "
     "'logistic'\n"),
    ("sample m.chainrule --given a=1 --given a=0",
     "chainrule: --given a=…: given twice; give each cell once\n"),
    ("sample m.chainrule --given a=1 --given rows.csv",
     "chainrule: --given rows.csv: give one file, or cells as NAME=VALUE, not both\n"),
    ("sample m.chainrule --given z=1",
     "chainrule: --given: column(s) 'z' are not in the model; drop them before asking\n"),
    ("sample m.chainrule --given a=7",
     "chainrule: column 'a': value '7' at row 0 is not 0 or 1 (or true/false), as all were when "
     "the model was fitted: correct it, or leave the cell empty\n"),
    ("fit ragged.csv -o x", "chainrule: ragged.csv: line 3 has 1 field(s) where line 1 has 2\n"),
    ("fit empty.csv -o x", "chainrule: empty.csv: the file is empty\n"),
    ("fit head.csv -o x", "chainrule: head.csv: no rows; a model needs at least one\n"),
    ("fit holes2.csv -o x --network nade",
     "missing cells: b 1 empty\n"
     "chainrule: holes2.csv: column 'b' is unknown at row 1 (line 3 of holes2.csv); a "
     "fixed-order network learns from complete rows only: fill or drop the 1 row(s) with missing "
     "cells, or pass network='orderless'\n"),
    ("fit rows.csv -o x --epochs 0", "chainrule: epochs = 0: pass a whole number, at least 1\n"),
    ("fit rows.csv -o x --device tpu",
     "chainrule: device 'tpu' is unknown; choose one of 'auto', 'cpu', 'cuda' (nearest: 'cpu')\n"),
    ("fit rows.csv -o rows.csv",
     "chainrule: rows.csv: is also read by this command; write to another file\n"),
    ("fit rows.csv -o rows.npy",
     "chainrule: rows.npy: exists and is no model file; name another, or remove it first\n"),
    ("score m.chainrule rows.csv -o rows.csv",
     "chainrule: rows.csv: is also read by this command; write to another file\n"),
    ("sample m.chainrule -o pipe.csv",
     "chainrule: pipe.csv: exists and is not a file; name another\n"),
    ("score rows.csv rows.csv",
     "chainrule: rows.csv: not a chainrule file; it does not begin with CHAINRUL\n"),
    ("score nowhere rows.csv", "chainrule: nowhere: no such file\n"),
    ("score m.chainrule bad.csv --strict",
     "chainrule: bad.csv: column(s) 'c' are absent and count as unknown\n"),
    ("score m.chainrule rows.csv -o x.txt",
     "chainrule: x.txt: results are written as .csv, .npy, .npz, .parquet; end the name with one "
     "of these\n"),
    ("sample m.chainrule -n -1", "chainrule: n = -1: pass a whole number of rows, at least 0\n"),
    ("sample m.chainrule --given late.csv",
     "chainrule: row 0: given column 'c' is step 2 of the order, but column 'a' at step 0 is not "
     "known. A fixed order answers exactly only when what is known comes first. What would "
     "serve: knowing column(s) ['a', 'b'] too; or a network whose order begins with the 1 known "
     "column(s) ['c']\n"),
    ("demo --data mnst",
     "chainrule: data set of the demo 'mnst' is unknown; choose one of 'binarized-mnist', "
     "'digits', 'mnist' (nearest: 'mnist')\n"),
    ("demo --side 5", "chainrule: --side 5 is smaller than the images of 8 × 8 pixels\n"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), MISUSES, ids=[words for words, _ in MISUSES])
def test_misuse_is_explained_whole_and_exits_with_2(folder, words, message):
    for name, text in (
        ("bad.csv", "a,b\n0,1\n1,0\n0,1\n1,1\n1,two\n"),
        ("ragged.csv", "a,b\n0,1\n1\n"),
        ("empty.csv", ""),
        ("head.csv", "a,b\n"),
        ("holes2.csv", "a,b\n0,1\n1,\n"),
        ("late.csv", "a,b,c\n,,1\n"),
    ):
        (folder / name).write_text(text)
    if not (folder / "pipe.csv").exists():
        os.mkfifo(folder / "pipe.csv")
    before = sorted(p.name for p in folder.iterdir())
    code, out, errors = chainrule(*words.split(), cwd=folder)
    if "absent" in message:
        assert errors.startswith(message.replace("chainrule: ", "chainrule: warning: "))
        errors, message = (
            errors.splitlines()[1][:40],
            "chainrule: column 'b': value 'two' at row 4"[:40],
        )
    errors = errors.removeprefix(ASSUMED).removeprefix(ASSUMED[: 2 * len(ASSUMED) // 3])
    assert errors == message
    assert code == 2
    assert out == ""
    assert sorted(p.name for p in folder.iterdir()) == before


@pytest.mark.parametrize(
    "words", ["", "fti", "fit rows.csv", "fit rows.csv -o x --epochs many", "score m.chainrule"]
)
def test_wrong_words_exit_with_2(folder, words):
    assert chainrule(*words.split(), cwd=folder)[0] == 2


def test_a_closed_pipe_is_no_error(folder):
    command = f"{sys.executable} -m chainrule.cli.main sample m.chainrule -n 20000 | head -2"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2


def test_closed_streams_are_as_good_as_none(folder):
    command = f"{sys.executable} -m chainrule.cli.main show m.chainrule <&- >&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")


# Modules that take long to import; importing them would raise.
SLOW = ["torch", "numba", "polars", "pandas", "sklearn", "scipy", "chainrule.table.schema"]
AT_ONCE = f"""
import sys
sys.modules.update(dict.fromkeys({SLOW}))
from chainrule.cli.main import main
main()
"""


@pytest.mark.parametrize(
    "words",
    [
        "score m.chainrule gone.csv",
        "score gone.chainrule rows.csv",
        "explain rows.csv rows.csv",
        "impute m.chainrule gone.csv",
        "conditional m.chainrule gone.csv a",
        "sample m.chainrule -n -3",
        "sample gone.chainrule",
        "fit gone.csv -o x.chainrule",
        "fit rows.csv -o gone/x.chainrule",
        "fit rows.csv -o x.chainrule --network none",
        "fit rows.csv -o x.chainrule --bogus",
        "fit empty.csv -o x.chainrule",
        "show gone.chainrule",
        "check rows.csv",
        "ask gone.chainrule a",
        "proofread gone.csv",
        "apply gone.csv rows.csv -o x.csv",
        "drift m.chainrule gone.csv",
        "report m.chainrule gone.csv",
        "quality rows.csv gone.csv",
        "compare rows.csv --families none",
        "view gone.chainrule",
        "demo --data none",
        "nothing",
    ],
)
def test_misuse_is_told_before_anything_slow_is_imported(folder, words):
    (folder / "empty.csv").touch()
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE, *words.split()], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
