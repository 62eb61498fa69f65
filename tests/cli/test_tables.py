"""Every question on the command line, from a file or standard input, to stdout and to files."""

import importlib
import io
import json
import re
import signal
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.command_line import chainrule
from helpers.some_tables import mixed
from helpers.struck import struck

import chainrule as cr
from chainrule.cli.tables import kinds_of
from chainrule.errors import ChainruleError, ShapeError
from chainrule.table import read_chunks, unlike_training


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CSV with labels, numbers, an hour, an id and holes, and a model of it."""
    path = tmp_path_factory.mktemp("tables")
    frame = mixed(300)
    frame["hour"] = frame["hour"].dt.strftime("%Y-%m-%d %H:%M")
    frame["sex"] = frame["sex"].map({True: "YES", False: "NO"}).map({"YES": "TRUE", "NO": "FALSE"})
    frame.insert(0, "id", [f"k{n}" for n in range(len(frame))])
    holes = np.random.default_rng(1).random(frame.shape) < 0.1
    holes[:, 0] = False
    frame.mask(holes).to_csv(path / "t.csv", index=False)
    with pytest.warns(UserWarning, match="left out 'id'"):
        density = cr.fit(
            path / "t.csv", effort="quick", seed=0, config=cr.FitConfig(epochs=30), verbose=False
        )
    density.save(path / "m.chainrule")
    return path


def test_scores_of_standard_input_are_those_of_the_file(folder):
    scorer, path = cr.Scorer(folder / "m.chainrule"), folder / "t.csv"
    text = path.read_bytes()
    buffer = io.BytesIO()
    pl.read_csv(path, try_parse_dates=True).write_parquet(buffer)
    wanted = scorer.log_prob(path)
    for data in (text, buffer.getvalue()):
        code, out, errors = chainrule("score", "m.chainrule", "-", cwd=folder, stdin=data)
        assert code == 0, errors
        assert np.array_equal(pd.read_csv(io.StringIO(out))["log_prob"], wanted)
    code, out, errors = chainrule(
        "score", "m.chainrule", "-", "-o", "nats.parquet", "--json", cwd=folder, stdin=text
    )
    assert np.array_equal(pl.read_parquet(folder / "nats.parquet")["log_prob"], wanted)
    assert json.loads(out)["log_prob"] == wanted.tolist()


def test_faults_of_standard_input_name_line_and_column(folder):
    head = b"sex,town,gain,height,price,hour\n"
    for data, message in (
        (
            head + b"TRUE,west,1,170,2.0\n",
            "standard input: line 2 has 5 field(s) where line 1 has 6",
        ),
        (
            head + b"TRUE,west,many,170,2.0,2024-01-01 00:00\n",
            "column 'gain': value 'many' at row 0 (line 2 of standard input)",
        ),
        (b"", "standard input: the file is empty"),
        (
            b"\xff\xfe\x00",
            "standard input: UTF-16 text; save it as UTF-8, as `iconv -f UTF-16 -t UTF-8` does",
        ),
        (b"PAR1 and no more", "standard input: not a readable Parquet file: "),
    ):  # fmt: skip
        code, out, errors = chainrule(
            "score", "m.chainrule", "-", "--strict", cwd=folder, stdin=data
        )
        assert (code, out) == (2, "")
        assert errors.startswith(f"chainrule: {message}")
        assert "/tmp" not in errors
    code, _, errors = chainrule(
        "score", "m.chainrule", "-", "--split", "test", cwd=folder, stdin=head
    )
    assert code == 2
    assert "--split names a split" in errors


def test_explain_shows_the_oddest_cells(folder):
    scorer, path = cr.Scorer(folder / "m.chainrule"), folder / "t.csv"
    wrong = pl.read_csv(path, infer_schema=False)
    cells = wrong["height"].to_list()
    cells[7] = "1700"
    wrong.with_columns(pl.Series("height", cells)).write_csv(folder / "wrong.csv")
    code, out, errors = chainrule("explain", "m.chainrule", "wrong.csv", "--top", 3, cwd=folder)
    assert code == 0, errors
    found = pd.read_csv(io.StringIO(out), dtype={"found": str})
    assert list(found.columns) == ["row", "column", "found", "bits", "expected"]
    assert found.iloc[0][["row", "column", "found"]].tolist() == [7, "height", "1700"]
    assert "…" in found["expected"][0]
    cells = json.loads(
        chainrule("explain", "m.chainrule", "wrong.csv", "--top", 3, "--json", cwd=folder)[1]
    )
    assert [cell["row"] for cell in cells] == found["row"].tolist()
    assert chainrule(
        "explain", "m.chainrule", "t.csv", "--every-cell", "-o", "bits.csv", cwd=folder
    )[:2] == (0, "")
    bits, wanted = pd.read_csv(folder / "bits.csv"), scorer.ask("tails", path)
    assert list(bits.columns) == list(wanted.columns)
    np.testing.assert_allclose(bits["height"], wanted["height"].to_numpy(), rtol=1e-12)
    assert bits["id"].isna().all()


def test_proofread_shows_what_is_wrong_and_what_it_should_be(folder, monkeypatch):
    path = folder / "proofread.csv"
    wrong = pl.read_csv(folder / "t.csv", infer_schema=False)
    cells = wrong["height"].to_list()
    right, cells[7] = cells[7], repr(float(cells[7]) * 10)
    wrong.with_columns(pl.Series("height", cells)).write_csv(path)
    words = "proofread", "proofread.csv", "-m", "m.chainrule"
    code, out, errors = chainrule(*words, cwd=folder)
    assert code == 0, errors
    found = pl.read_csv(io.StringIO(out), infer_schema=False)
    assert found.columns[:5] == ["row", "column", "found", "suggested", "probability"]
    assert found.row(0)[:2] == ("7", "height")
    assert float(found["found"][0]) == pytest.approx(float(cells[7]), rel=1e-9)
    assert float(found["suggested"][0]) == pytest.approx(float(right), rel=1e-4)
    listed = json.loads(chainrule(*words, "--json", cwd=folder)[1])
    assert [cell["kind"] for cell in listed] == found["kind"].to_list()
    assert chainrule(*words, "-o", "findings.csv", cwd=folder)[:2] == (0, "")
    assert (folder / "findings.csv").read_text() == out
    code, _, errors = chainrule(*words, "--html", "review.html", cwd=folder)
    assert code == 0, errors
    assert "review.html: " in errors
    assert "decimal point" in (folder / "review.html").read_text()
    code, _, errors = chainrule(*words, "--html", "review.txt", cwd=folder)
    assert (code, ".html" in errors) == (2, True)
    monkeypatch.setattr("chainrule.cli.shown.terminal_width", lambda: 120)
    code, shown, _ = chainrule(*words, cwd=folder)
    assert code == 0
    assert "decimal point" in shown
    assert "likelihood_ratio" not in shown


def test_proofread_without_a_model_fits_the_table(folder):
    words = "proofread", "t.csv", "--seed", "0", "--quiet", "--fdr", "1"
    code, out, errors = chainrule(*words, cwd=folder)
    assert code == 0
    assert errors.count("\n") == 1  # the id that is left out
    assert out.startswith("row,column,found,suggested,probability,low,high,bits,kind,")


def test_groups_are_named_by_their_column(folder):
    """Ids of tens of rows: a split of rows would divide each of them."""
    table = pl.read_csv(folder / "t.csv")
    keys = [f"key-{row % 8}" for row in range(len(table))]
    table.drop("id").with_columns(who=pl.Series(keys)).write_csv(folder / "groups.csv")
    options = "--groups", "who", "--seed", 0
    brief = "--epochs", 1, "--hidden-size", 4
    code, out, errors = chainrule(
        "fit", "groups.csv", "-o", "g.chainrule", *options, *brief, "--json", cwd=folder
    )
    assert code == 0, errors
    record = json.loads(out)
    assert record["groups"] == {"column": "who", "number": 8}
    assert record["valid_rows"] == np.bincount(np.arange(len(table)) % 8).min()
    assert re.search("who +left out +names the groups of rows", errors)
    assert "8 by 'who', none divided" in chainrule("show", "g.chainrule", cwd=folder)[1]
    words = "proofread", "groups.csv", *options, "--time-limit-s", 2, "--fdr", 1, "--quiet"
    code, out, errors = chainrule(*words, cwd=folder)
    assert code == 0, errors
    assert out.startswith("row,column,")
    assert ",who," not in out
    for command in (("fit", "-o", "x"), ("proofread",)):
        code, _, errors = chainrule(*command, "groups.csv", "--groups", "whom", cwd=folder)
        assert code == 2
        assert "groups.csv: groups: column 'whom' is unknown" in errors
        assert "(nearest: 'who')" in errors
    for name in ("groups.csv", "g.chainrule"):
        (folder / name).unlink()


def test_the_oddest_cells_of_a_file_in_parts_are_those_of_the_whole(folder, monkeypatch):
    density = cr.load(folder / "m.chainrule")
    whole = density.oddest(folder / "t.csv", top=9)
    monkeypatch.setattr(unlike_training, "read_chunks", partial(read_chunks, rows=70))
    assert density.oddest(folder / "t.csv", top=9).equals(whole)
    assert len(density.oddest(folder / "t.csv", top=0)) == 0
    with pytest.raises(ShapeError, match="top = -1"):
        density.oddest(folder / "t.csv", top=-1)


def test_conditionals_are_printed_for_each_row(folder):
    density, path = cr.load(folder / "m.chainrule"), folder / "t.csv"
    _, out, _ = chainrule("conditional", "m.chainrule", "t.csv", "town", cwd=folder)
    found, wanted = pl.read_csv(io.StringIO(out)), density.conditional(path, "town")
    assert found.columns == wanted.columns
    np.testing.assert_allclose(found.to_numpy(), wanted.to_numpy(), rtol=1e-12)
    words = ("conditional", "m.chainrule", "t.csv", "hour", "--quantile", 0.5, "--json")
    answer = json.loads(chainrule(*words, cwd=folder)[1])
    assert list(answer) == ["q0.5"]
    assert answer["q0.5"][0] == str(density.conditional(path, "hour", quantiles=(0.5,))["q0.5"][0])
    for words, message in (
        (("town", "--quantile", 2), "quantiles = [2.0]: pass numbers above 0 and below 1"),
        (("city",), "column 'city' is unknown; choose one of 'gain'"),
        (("id",), "column 'id' is not modelled: labels of which none has 5 rows"),
    ):
        code, out, errors = chainrule("conditional", "m.chainrule", "t.csv", *words, cwd=folder)
        assert (code, out) == (2, "")
        assert message in errors


def test_impute_fills_holes_and_leaves_every_known_cell_as_it_is_written(folder):
    code, out, errors = chainrule("impute", "m.chainrule", "t.csv", cwd=folder)
    assert code == 0, errors
    before = [line.split(",") for line in (folder / "t.csv").read_text().splitlines()]
    after = [line.split(",") for line in out.splitlines()]
    assert len(before) == len(after)
    filled = [
        (a, b)
        for old, new in zip(before, after, strict=True)
        for a, b in zip(old, new, strict=True)
        if a != b
    ]
    assert len(filled) > 100
    assert all(a == "" and b != "" for a, b in filled)
    frame = pl.read_csv(io.StringIO(out), infer_schema=False)
    assert set(frame["sex"]) == {"TRUE", "FALSE"}
    assert frame["gain"].str.contains(r"^\d+\.0$").all()
    assert frame["hour"].str.contains(r"^2024-\d\d-\d\d \d\d:00$").all()
    wanted = cr.load(folder / "m.chainrule").impute(folder / "t.csv", how="best")
    assert frame["town"].to_list() == wanted["town"].to_list()
    assert (
        chainrule(
            "impute",
            "m.chainrule",
            "t.csv",
            "--how",
            "draw",
            "--seed",
            1,
            "-o",
            "f.parquet",
            cwd=folder,
        )[0]
        == 0
    )
    drawn = pl.read_parquet(folder / "f.parquet")
    assert drawn.null_count().sum_horizontal().item() == 0
    assert (drawn["gain"] % 1 == 0).all()
    code, out, errors = chainrule("impute", "m.chainrule", "t.csv", "--how", "guess", cwd=folder)
    assert (code, out) == (2, "")
    assert "how 'guess'" in errors


def test_parts_that_look_otherwise_keep_their_cells_and_their_manner(folder, monkeypatch):
    """Parts differ: whole numbers, then fractions; ids of digits, then others; all unknown."""
    original = read_chunks
    monkeypatch.setattr(unlike_training, "read_chunks", partial(original, rows=4))
    known = {
        "id": ["7", "7", "7", "7", "A12", "", "", "", "", ""],
        "sex": ["TRUE"] * 4 + [""] * 6,
        "town": ["west"] * 4 + [""] * 6,
        "gain": ["13.0"] * 4 + [""] * 6,
        "height": ["170"] * 4 + ["170.6", *[""] * 5],
        "price": ["2"] * 4 + ["2.5", *[""] * 5],
        "hour": ["2024-01-01T00:00"] * 4 + [""] * 6,
    }
    pl.DataFrame(known).write_csv(folder / "parts.csv")
    density = cr.load(folder / "m.chainrule")
    density.impute(folder / "parts.csv", how="best", to=folder / "filled.parquet")
    filled = pl.read_parquet(folder / "filled.parquet")
    assert filled["height"].to_list()[:5] == [170, 170, 170, 170, 170.6]
    assert filled["id"].to_list()[:6] == ["7", "7", "7", "7", "A12", None]
    kinds = [pl.String, pl.Boolean, pl.String, pl.Int64, pl.Float64, pl.Float64, pl.Datetime("us")]
    assert [filled.schema[name] for name in known] == [
        pl.Float64 if k == pl.Int64 else k for k in kinds
    ]
    density.impute(folder / "parts.csv", how="best", to=folder / "filled.csv")
    text = pl.read_csv(folder / "filled.csv", infer_schema=False)
    assert text["height"].to_list()[:5] == known["height"][:5]
    assert set(text["sex"]) <= {"TRUE", "FALSE"}
    assert text["gain"].str.contains(r"^\d+\.0$").all()
    assert text["hour"].str.contains(r"^2024-\d\d-\d\dT\d\d:\d\d$").all()


def test_samples_are_given_cells_and_written_in_parts(folder, monkeypatch):
    words = (
        "sample",
        "m.chainrule",
        "-n",
        40,
        "--given",
        "height=181.5",
        "--given",
        "town=north",
        "--seed",
        3,
    )
    code, out, errors = chainrule(*words, cwd=folder)
    assert code == 0, errors
    found = pd.read_csv(io.StringIO(out))
    assert (found["height"] == 181.5).all()
    assert (found["town"] == "north").all()
    assert chainrule(*words, "-o", "s.parquet", cwd=folder)[0] == 0
    same = pl.read_parquet(folder / "s.parquet")
    assert same["price"].to_list() == found["price"].tolist()
    assert same["hour"].dtype == pl.Datetime
    density = cr.load(folder / "m.chainrule")
    monkeypatch.setattr(importlib.import_module("chainrule.tasks.sample"), "BATCH_ROWS", 15)
    density.sample(40, seed=3, to=folder / "parts.csv")
    assert len(pl.read_csv(folder / "parts.csv")) == 40


def test_arrays_hold_numbers_and_what_is_far_has_a_likelihood(folder):
    code, out, errors = chainrule("sample", "m.chainrule", "-n", 5, "-o", "s.npy", cwd=folder)
    assert (code, out) == (2, "")
    assert (
        "s.npy: column 'town' holds String, no numbers; end the name with .csv or .parquet"
        in errors
    )
    assert not (folder / "s.npy").exists()
    assert (
        chainrule("conditional", "m.chainrule", "t.csv", "town", "-o", "p.npy", cwd=folder)[0] == 0
    )
    assert np.load(folder / "p.npy").shape == (300, 4)
    cells = ",1e300,", ",1e90,", ",inf,", ",tall,", ",,"
    rows = "".join(f"TRUE,west,1{cell}2.0,2024-01-01 00:00\n" for cell in cells)
    (folder / "far.csv").write_text(f"sex,town,gain,height,price,hour\n{rows}")
    code, out, _ = chainrule("score", "m.chainrule", "far.csv", "--json", cwd=folder)
    outside, far, *others, empty = json.loads(out, parse_constant=pytest.fail)["log_prob"]
    assert others == [outside, outside]
    assert far < outside < empty


def test_show_tells_what_each_column_costs(folder):
    code, out, errors = chainrule("show", "m.chainrule", cwd=folder)
    assert code == 0, errors
    record = json.loads(chainrule("show", "m.chainrule", "--json", cwd=folder)[1])["training"][
        "columns"
    ]
    assert "bits per column, 30 validation rows" in out
    line = next(line for line in out.splitlines() if line.startswith("│ height"))
    alone, ours = (f"{record[key][3] / np.log(2):.3f}" for key in ("independent_nats", "nats"))
    assert alone in line
    assert ours in line


@pytest.mark.parametrize(
    "words", ["impute m.chainrule big.csv -o x.csv", "sample m.chainrule -n 60000 -o x.csv"]
)
def test_an_interrupt_leaves_no_half_file(folder, words):
    """It comes when the first of several parts was written."""
    if words.startswith("impute"):
        big = pl.concat([pl.read_csv(folder / "t.csv", infer_schema=False)] * 180)
        big.write_csv(folder / "big.csv")
    before = sorted(path.name for path in folder.iterdir())
    code, errors = struck(
        *words.split(), cwd=folder, signal=signal.SIGINT, watched="*x.csv*", calls=100
    )
    # If the signal arrives during exec(), as in an import, Python ends itself by that signal. A
    # shell reports this as 130, too.
    assert code in (130, -signal.SIGINT), errors
    assert "interrupted; no output file was left, so repeat the command" in errors
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_kind_takes_a_scale_and_bounds_after_commas():
    assert kinds_of(
        ["income=real,log", "a=b=integer,0..120", "n=integer,..9", "m=integer,-5.."]
    ) == {
        "income": {"kind": "real", "scale": "log"},
        "a=b": {"kind": "integer", "least": 0, "most": 120},
        "n": {"kind": "integer", "most": 9},
        "m": {"kind": "integer", "least": -5},
    }
    assert kinds_of(["opens=integer,08:00..18:00", "weight=real,50 kg.."]) == {
        "opens": {"kind": "integer", "least": "08:00", "most": "18:00"},
        "weight": {"kind": "real", "least": "50 kg"},
    }


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("x=real,lug", "kinds['x']: scale 'lug' is unknown"),
        ("x=integer,..", "--kind x=integer,..: write bounds as 0..1, 0.. or ..1"),
        ("x=integer,0..1..2", "--kind x=integer,0..1..2: write bounds as 0..1, 0.. or ..1"),
        ("x=integer,a..2", "--kind x=integer,a..2: the bound 'a' is no number"),
        ("x=integer,lag", "kinds['x']: scale 'lag' is unknown"),
        ("x=datetime,log", "kinds['x']: option 'scale' is unknown"),
        ("x=datetime,0..5", "kinds['x'] least = '0': pass a date such as 2024-12-31"),
        ("x=categorical,0..2", "kinds['x']: option 'least' is unknown"),
    ],
)
def test_a_kind_with_wrong_options_is_explained(option, message):
    with pytest.raises(ChainruleError, match=re.escape(message)):
        kinds_of([option])


def test_odd_rows_are_those_of_the_density(folder):
    rows = pl.read_csv(folder / "t.csv", infer_schema=False)[:12]
    rows = rows.with_columns(
        pl.when(pl.int_range(12) == 4).then(pl.lit("999")).otherwise("height").alias("height")
    )
    rows.write_csv(folder / "odd.csv")
    scorer = cr.Scorer(folder / "m.chainrule")
    wanted = scorer.odd_rows(folder / "odd.csv")
    assert (wanted["row"][0], wanted["column"][0], wanted["found"][0]) == (4, "height", "999")
    code, out, errors = chainrule(
        "explain", "m.chainrule", "odd.csv", "--rows", "--json", cwd=folder
    )
    assert code == 0
    assert [each["p_value"] for each in json.loads(out)] == wanted["p_value"].to_list()
    held = scorer.training["calibration"]["rows"]
    assert f"p-values below 1/{held + 1} = {1 / (held + 1):.2g} follow from the tail" in errors
    words = ("explain", "m.chainrule", "odd.csv", "--rows", "--fdr", "1", "-o", "odd.parquet")
    assert chainrule(*words, cwd=folder)[0] == 0
    assert pl.read_parquet(folder / "odd.parquet").equals(scorer.odd_rows(folder / "odd.csv", 1))
    for words, message in (
        (("--rows", "--every-cell"), "--rows and --every-cell are two questions"),
        (("--rows", "--fdr", "2"), "fdr = 2"),
    ):
        code, _, errors = chainrule("explain", "m.chainrule", "odd.csv", *words, cwd=folder)
        assert code == 2
        assert message in errors
