"""Control characters of names, labels and paths are shown as escapes, except to programs."""

import json
import unicodedata
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.command_line import chainrule

import chainrule as cr
from chainrule.cli import shown
from chainrule.errors import ChainruleError, SchemaError, printable

PLAIN = "plain é 漢字 \u200cمی\u200cخواهم 👩\u200d🔬 \xa0"
NASTY = {
    "\x1b[2Jgone\x1b[31m": "\\x1b[2Jgone\\x1b[31m",
    "two\nlines\r": "two\\nlines\\r",
    "right\u202eleft": "right\\u202eleft",
    "csi\x9b31m bell\x07": "csi\\x9b31m bell\\x07",
    "[red]bold[/red]": "[red]bold[/red]",
    "link\x1b]8;;http://x\x1b\\here": "link\\x1b]8;;http://x\\x1b\\here",
    "page\u2028sep": "page\\u2028sep",
    PLAIN: PLAIN,
}
TINY = ("--hidden-size", 4, "--epochs", 1, "--members", 1)


def hidden(text):
    """Characters other than line ends that a terminal would obey."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - set(
        "\n\u200c\u200d"
    )


@pytest.mark.parametrize(("text", "shown"), NASTY.items())
def test_what_controls_a_terminal_is_shown_as_its_escape(text, shown):
    assert printable(text) == shown
    assert printable("\ud800") == "\\ud800"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table and its model, both with control characters in names, labels and the file name."""
    path, rng = tmp_path_factory.mktemp("nasty"), np.random.default_rng(0)
    columns = {name: rng.normal(size=60) for name in list(NASTY)[:-1]}
    columns |= {list(NASTY)[-1]: [list(NASTY)[k] for k in rng.integers(0, 3, 60)]}
    pl.DataFrame(columns | {"\x1b[1mid": [f"k{k}" for k in range(60)]}).write_parquet(
        path / "t\x1b[5m.parquet"
    )
    code, _, errors = chainrule("fit", "t\x1b[5m.parquet", "-o", "m\x1b[5m", *TINY, cwd=path)
    assert code == 0
    return path, errors


def test_fit_shows_names_and_paths_by_their_escapes(folder):
    _, errors = folder
    assert not hidden(errors)
    for shown_as in NASTY.values():
        assert shown_as in errors
    assert "\\x1b[1mid" in errors
    assert "m\\x1b[5m: 1 epochs in" in errors
    assert len(errors.splitlines()) <= len(NASTY) + 3


@pytest.mark.parametrize("width", [None, 80, 200])
def test_show_and_explain_do_so_on_any_terminal(folder, monkeypatch, width):
    path, _ = folder
    monkeypatch.setattr(shown, "terminal_width", lambda: width)
    code, out, errors = chainrule("show", "m\x1b[5m", cwd=path)
    assert (code, errors) == (0, "")
    assert not hidden(out)
    assert "[red]bold[/red]" in out
    assert "\\x1b[2Jgone" in out
    if width is None:
        return
    code, out, _ = chainrule("explain", "m\x1b[5m", "t\x1b[5m.parquet", "--top", 60, cwd=path)
    assert code == 0
    assert not hidden(out)
    for command in ("sample", "conditional"):
        words = ("-n", 4) if command == "sample" else ("t\x1b[5m.parquet", list(NASTY)[-1])
        code, out, _ = chainrule(command, "m\x1b[5m", *words, cwd=path)
        assert code == 0
        assert not hidden(out)
    code, out, _ = chainrule("explain", "m\x1b[5m", "t\x1b[5m.parquet", "--every-cell", cwd=path)
    assert code == 0
    assert not hidden(out)
    assert "\\x1b[2Jgone" in out


def test_errors_and_warnings_name_things_by_their_escapes(folder):
    path, _ = folder
    table = pl.read_parquet((path / "t\x1b[5m.parquet").read_bytes())
    table.drop(next(iter(NASTY))).write_parquet(path / "less\n.parquet")
    table.with_columns(pl.lit(1).alias("more\x1b[7m")).write_parquet(path / "more\n.parquet")
    (path / "ragged\x1b.csv").write_text("a,b\n1\n")
    for words, wanted in (
        (("score", "m\x1b[5m", "none\x1b[0m.csv"), "none\\x1b[0m.csv"),
        (
            ("score", "m\x1b[5m", "less\n.parquet"),
            "less\\n.parquet: column(s) '\\x1b[2Jgone\\x1b[31m' are absent",
        ),
        (
            ("score", "m\x1b[5m", "more\n.parquet"),
            "more\\n.parquet: column(s) 'more\\x1b[7m' are not in the model",
        ),
        (
            ("score", "m\x1b[5m", "ragged\x1b.csv"),
            "ragged\\x1b.csv: line 2 has 1 field(s) where line 1 has 2",
        ),
        (
            ("conditional", "m\x1b[5m", "t\x1b[5m.parquet", "who\x1b"),
            "column 'who\\x1b' is unknown",
        ),
        (("fit", "t\x1b[5m.parquet", "-o", "no\x1b/m"), "no\\x1b/m: there is no folder no\\x1b"),
    ):
        _, _, errors = chainrule(*words, cwd=path)
        assert not hidden(errors)
        assert wanted in errors
        assert len(errors.splitlines()) <= 2


def test_python_shows_them_so_too(folder):
    path, _ = folder
    density = cr.load(path / "m\x1b[5m")
    for text in (str(density.schema), repr(density)):
        assert not hidden(text)
    assert str(density.schema).count("\n") == len(density.schema.table_names) - 1
    assert density._repr_html_().count("<tr>") == len(density.schema.table_names) + 1
    error = SchemaError("t\x1b[5m.csv: the column 'x'\n is odd")
    assert (str(error), error.args) == (
        "t\\x1b[5m.csv: the column 'x'\\n is odd",
        ("t\x1b[5m.csv: the column 'x'\n is odd",),
    )
    for read in (cr.load, cr.read_table):
        with pytest.raises(FileNotFoundError) as absent:
            read("none\x1b[0m.csv")
        assert not hidden(str(absent.value))
    with pytest.raises(ChainruleError) as raised:
        cr.infer_schema(path / "ragged\x1b.csv")
    assert not hidden(str(raised.value))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cr.infer_schema(path / "t\x1b[5m.parquet")
    assert not hidden("".join(str(warning.message) for warning in caught))


def test_what_programs_read_stays_as_it_is(folder):
    path, _ = folder
    code, out, _ = chainrule("sample", "m\x1b[5m", "-n", 3, "--json", cwd=path)
    assert code == 0
    assert list(json.loads(out)) == list(NASTY)
    assert chainrule("sample", "m\x1b[5m", "-n", 30, "-o", "s.csv", "--seed", 1, cwd=path)[0] == 0
    drawn = pd.read_csv(path / "s.csv", lineterminator="\n")
    assert list(drawn.columns) == list(NASTY)
    assert set(drawn[list(NASTY)[-1]]) <= set(list(NASTY)[:3])
    code, out, _ = chainrule("sample", "m\x1b[5m", "-n", 3, cwd=path)
    assert "\x1b[2Jgone\x1b[31m" in out
