"""The command line on files as people write them: notations, options, and output as the input."""

import io
import json

import numpy as np
import polars as pl
import pytest
from helpers.command_line import chainrule

FIT = ("-o", "m.chainrule", "--effort", "quick", "--hidden-size", 4, "--epochs", 1, "--seed", 0)
SAID = ("--thousands", "menge=,", "--na-values", "satz=-", "--na-values", "land=")


def rows_of(n=120):
    rng = np.random.default_rng(3)
    price, day = rng.gamma(2, 900, n).round(2), rng.integers(1, 29, n)
    lines = []
    for k in range(n):
        written = f"{price[k]:,.2f}".translate(str.maketrans(",.", ".,"))
        cells = [
            written if k % 9 else "",
            f"{day[k]}.{1 + k % 12}.2024" if k % 8 else "",
            ("NA", "DE", "FR")[k % 3],
        ]
        lines.append(";".join([*cells, f"1,{100 + k % 50}", ("-", "1,5%", "2,5%")[k % 3]]))
    return "preis;tag;land;menge;satz\n" + "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A German CSV, and what a fit of it said."""
    folder = tmp_path_factory.mktemp("notation")
    (folder / "t.csv").write_text("\ufeff" + rows_of(), encoding="utf-8")
    code, _, errors = chainrule("fit", "t.csv", *FIT, *SAID, cwd=folder)
    assert code == 0, errors
    (folder / "said").write_text(errors)
    return folder


def test_a_fit_says_how_columns_are_written_and_which_cells_are_missing(folder, tmp_path):
    lines = (folder / "said").read_text().splitlines()
    assert [line.split(None, 2) for line in lines[:5]] == [
        ["preis", "real", "numbers written 1.234,50, 106 different, from 0 on"],
        ["tag", "datetime", "dates written 31.12.2024, in steps of 1 D"],
        ["land", "categorical", "labels, 3 different"],
        ["menge", "integer", "whole numbers written 1,234, 50 different"],
        ["satz", "real", "percent written 12,5%, 2 different, multiples of 0.5, from 0 on"],
    ]
    assert lines[5:7] == [
        "tie: land and satz determine each other, in all rows",
        "missing cells: preis 14 empty; tag 15 empty; satz 40 '-'",
    ]
    (tmp_path / "t.csv").write_text(rows_of())
    code, _, errors = chainrule("fit", "t.csv", *FIT, cwd=tmp_path)
    assert code == 0
    assert "missing cells: preis 14 empty; tag 15 empty; land 40 'NA'\n" in errors
    assert (
        "'land' holds codes of two letters, of which 'NA' may be one: na_values={'land': ''} "
        "(--na-values land=) keeps it as a label\n"
    ) in errors
    assert "--thousands menge=, or --decimal menge=,)" in errors


def test_answers_need_no_flags_and_are_written_as_the_file_is(folder):
    before = pl.read_csv(io.StringIO(rows_of()), separator=";", infer_schema=False)
    code, out, errors = chainrule(
        "impute", "m.chainrule", "t.csv", "--how", "draw", "--seed", 0, cwd=folder
    )
    assert (code, errors) == (0, "")
    filled = pl.read_csv(io.StringIO(out), infer_schema=False)
    for name, pattern in (
        ("preis", r"-?[0-9.]+,[0-9]{2}"),
        ("tag", r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}"),
        ("satz", r"-?[0-9],[0-9]%"),
    ):
        known = before[name].is_not_null() & (before[name] != "-")
        assert filled[name].filter(known).equals(before[name].filter(known))
        assert filled[name].str.contains(f"^{pattern}$").all()
    assert filled["land"].equals(before["land"])
    code, out, _ = chainrule(
        "sample", "m.chainrule", "-n", 40, "--seed", 0, "--given", "preis=1.234,50", cwd=folder
    )
    drawn = pl.read_csv(io.StringIO(out), infer_schema=False)
    assert drawn["preis"].to_list() == ["1.234,50"] * 40
    assert set(drawn["land"]) <= {"NA", "DE", "FR"}
    assert drawn["menge"].str.contains(r"^-?[0-9],[0-9]{3}$|^-?[0-9]{1,3}$").all()
    code, out, _ = chainrule(
        "sample",
        "m.chainrule",
        "-n",
        2,
        "--seed",
        0,
        "--given",
        "preis=1.234,50",
        "--json",
        cwd=folder,
    )
    assert json.loads(out)["preis"] == [1234.5, 1234.5]
    code, out, _ = chainrule("explain", "m.chainrule", "t.csv", "--top", 4, cwd=folder)
    assert set(pl.read_csv(io.StringIO(out), infer_schema=False)["found"]) <= set(
        before.unpivot()["value"]
    )
    whole = chainrule("score", "m.chainrule", "t.csv", cwd=folder)
    assert whole[0] == 0
    assert chainrule("score", "m.chainrule", "t.csv", *SAID, cwd=folder) == whole


def test_a_table_that_is_written_otherwise_is_read_by_the_same_flags(folder, tmp_path):
    (tmp_path / "us.csv").write_text('preis,tag\n"1,234.50",12/31/2024\n"2,345.25",01/30/2024\n')
    (tmp_path / "de.csv").write_text("preis;tag\n1.234,50;31.12.2024\n2.345,25;30.1.2024\n")
    model = folder / "m.chainrule"
    code, out, errors = chainrule("score", model, "us.csv", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert errors.splitlines()[-1] == (
        "chainrule: column 'preis': numbers written 1,234.50 in us.csv, where the fitted table "
        "has numbers written 1.234,50: say so to read_table, by decimal={'preis': '.'} and "
        "thousands={'preis': ','} (--decimal preis=. --thousands preis=,)"
    )
    said = ("--decimal", "preis=.", "--date-format", "%m/%d/%Y")
    answers = [
        chainrule("score", model, *words, cwd=tmp_path)
        for words in (("us.csv", *said), ("de.csv",))
    ]
    assert answers[0][:2] == answers[1][:2]
    assert answers[0][0] == 0
    code, out, _ = chainrule("impute", model, "us.csv", *said, cwd=tmp_path)
    assert out == 'preis,tag\n"1,234.50",12/31/2024\n"2,345.25",01/30/2024\n'
    for flag, value in (
        ("--decimal", ","),
        ("--thousands", "."),
        ("--date-format", "%d.%m.%Y"),
        ("--na-values", "-"),
    ):
        code, _, errors = chainrule("score", model, "de.csv", flag, f"zahl={value}", cwd=tmp_path)
        assert code == 2
        assert "'zahl'" in errors


def test_a_file_without_names_and_with_decimal_commas_has_no_names(tmp_path):
    (tmp_path / "t.csv").write_text("".join(f"{k},5;{k % 7 + 1}.{100 + k},25\n" for k in range(60)))
    code, out, errors = chainrule("fit", "t.csv", *FIT, cwd=tmp_path)
    assert (code, out) == (0, "")
    assert [line.split()[0] for line in errors.splitlines()[:2]] == ["x0", "x1"]
    code, out, _ = chainrule("sample", "m.chainrule", "-n", 3, "--seed", 0, cwd=tmp_path)
    assert all("," in cell for cell in pl.read_csv(io.StringIO(out), infer_schema=False)["x0"])
