"""Labels and numbers that no training row had: refused as evidence, and counted in a table."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.command_line import chainrule

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.table import Schema, read_chunks, unlike_training
from chainrule.tasks import score

CONFIG = cr.FitConfig(hidden_size=4, epochs=2)


def visits(rows=300, seed=0):
    """Cities without rare ones, jobs with two rare ones, numeric codes, ages 18 to 90, dates."""
    rng = np.random.default_rng(seed)
    job = rng.choice(["Teacher", "Carpenter", "Physician"], rows).astype(object)
    job[:3] = ["Cooper", "Wheelwright", "Cooper"]
    return pd.DataFrame(
        {
            "city": rng.choice(["Berlin", "Paris"], rows),
            "job": job,
            "age": rng.permutation(np.resize(np.arange(18, 91), rows)),
            "code": rng.choice([3, 7], rows),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), "D"),
        }
    )


@pytest.fixture(scope="module")
def density():
    # Ages have wide bounds, so that those outside the range of the rows are possible.
    kinds = {"code": "categorical", "age": {"kind": "integer", "least": -9000, "most": 9000}}
    return cr.fit(visits(), kinds=kinds, seed=0, config=CONFIG, verbose=False)


def warnings_of(question):
    """The warnings that a question gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        question()
    return [str(warning.message) for warning in caught]


def range_of(density, name):
    """The range of the training rows in messages: in the column's values, rounded outwards."""
    column = density.schema.columns[density.schema.number(name)]
    low, high = column.decode(column.within_bounds(np.array([column.low, column.high]))).astype(str)
    return f"{low} … {high}"


NEVER = "is a label that no training row has"
GO_ON = "correct it, or leave the cell out"
FEW = "Labels of fewer than min_count rows cannot be distinguished from ones that were never seen"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"city": "berlin"}, f"column 'city': 'berlin' {NEVER} (nearest: 'Berlin'): {GO_ON}"),
        ({"city": "PARIS"}, f"column 'city': 'PARIS' {NEVER} (nearest: 'Paris'): {GO_ON}"),
        (
            {"city": "Rome"},
            f"column 'city': 'Rome' {NEVER}: {GO_ON}; its labels are 'Paris', 'Berlin'",
        ),
        ({"code": 5}, f"column 'code': '5' {NEVER}: {GO_ON}; its labels are '3', '7'"),
        (
            {"job": "Teachr"},
            "column 'job': 'Teachr' is none of the column's labels (nearest: 'Teacher'): "
            f"{GO_ON}. {FEW}",
        ),
        (
            {"job": "carpenter "},
            "column 'job': 'carpenter ' is none of the column's labels (nearest: 'Carpenter'): "
            f"{GO_ON}. {FEW}",
        ),
        (
            {"cities": "Paris"},
            "column(s) 'cities' are not in the model; drop them before asking (nearest: 'city')",
        ),
        (
            {"city": "Paris", "aeg": 3, "jop": "x"},
            "column(s) 'aeg', 'jop' are not in the model; drop them before asking "
            "(nearest to 'aeg': 'age', nearest to 'jop': 'job')",
        ),
    ],
)
def test_given_labels_that_no_row_had_are_refused_with_the_nearest(density, cells, message):
    with pytest.raises(SchemaError) as error:
        density.sample(3, given=cells, seed=0)
    assert str(error.value) == f"given: {message}"


def test_a_given_label_may_be_one_too_rare_to_be_listed(density):
    drawn = []
    assert warnings_of(
        lambda: drawn.append(density.sample(4, given={"job": "Cooper"}, seed=0))
    ) == [
        "given: column 'job': 'Cooper': none of the labels that the model lists; taken for labels "
        "of fewer than min_count training rows, which are no evidence for other cells"
    ]
    assert drawn[0]["job"].tolist() == ["Cooper"] * 4


def test_a_type_that_names_its_labels_vouches_for_them():
    """Labels that the type names and no row has cause a warning, those of few rows none.

    Misspelt ones are refused.
    """
    job = pd.Categorical(
        visits()["job"], ["Cooper", "Carpenter", "Physician", "Teacher", "Tailor", "Wheelwright"]
    )
    density = cr.fit(visits().assign(job=job)[["job", "age"]], seed=0, config=CONFIG, verbose=False)
    assert warnings_of(lambda: density.sample(2, given={"job": "Cooper"})) == []
    (message,) = warnings_of(lambda: density.sample(2, given={"job": "Tailor"}))
    assert message.startswith(
        "given: column 'job': 'Tailor': none of the labels that the model lists"
    )
    with pytest.raises(SchemaError, match="'teacher' is none of the column's labels"):
        density.sample(2, given={"job": "teacher"})


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"age": -5}, "column 'age': value -5 lies outside the range of the training rows"),
        ({"age": 130}, "column 'age': value 130 lies outside the range of the training rows"),
        (
            {"day": "2031-05-01"},
            "column 'day': value '2031-05-01' lies outside the range of the training rows",
        ),
    ],
)
def test_given_numbers_outside_the_training_rows_cause_a_warning(density, cells, message):
    drawn = []
    (warning,) = warnings_of(lambda: drawn.append(density.sample(2, given=cells, seed=0)))
    (name,) = cells
    assert (
        warning
        == f"given: {message}, {range_of(density, name)}; for other cells it counts as the nearer "
        "end"
    )
    assert drawn[0][name].astype(str).tolist() == [str(cells[name])] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        density.sample(
            2, given={"age": 18, "day": "2024-10-20", "city": "Paris", "code": 7}, seed=0
        )


def test_a_given_table_names_its_rows(density):
    rows = pd.DataFrame({"city": ["Paris", None, "paris"], "age": [20, None, None]})
    with pytest.raises(
        SchemaError,
        match=r"the table: column 'city': 'paris' at row 2 is a label that no training row has",
    ):
        density.sample(3, given=rows)
    rows = pd.DataFrame({"city": ["Paris", None, None], "age": [-1, 30, 200]})
    with pytest.warns(
        UserWarning, match="column 'age': value -1 at row 0 and 1 more lie outside the range"
    ):
        density.sample(3, given=rows, seed=0)


def test_the_command_line_refuses_them_too(density, tmp_path):
    density.save(tmp_path / "m")
    for words, message in (
        (
            ["--given", "city=berlin"],
            "--given: column 'city': 'berlin' is a label that no training row has (nearest: "
            "'Berlin')",
        ),
        (
            ["--given", "citty=Berlin"],
            "--given: column(s) 'citty' are not in the model; drop them before asking (nearest: "
            "'city')",
        ),
    ):
        code, out, errors = chainrule("sample", "m", "-n", 2, *words, cwd=tmp_path)
        assert (code, out) == (2, "")
        assert errors.startswith(f"chainrule: {message}")
    code, out, errors = chainrule("sample", "m", "-n", 2, "--given", "age=-5", cwd=tmp_path)
    assert code == 0
    assert (
        "warning: --given: column 'age': value '-5' lies outside the range of the training rows, "
        in errors
    )


QUESTIONS = {
    "log_prob": lambda density, table: density.log_prob(table),
    "parts": lambda density, table: density.log_prob(table, parts=True),
    "explain": lambda density, table: density.explain(table),
    "oddest": lambda density, table: density.oddest(table, top=2),
    "conditional": lambda density, table: density.conditional(table, "age"),
    "impute": lambda density, table: density.impute(table, how="best"),
    "features": lambda density, table: density.features(table),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_tables_are_warned_of_once_a_column(density, question):
    table = visits(60, seed=1).iloc[3:].assign(code=3).reset_index(drop=True)
    table.loc[:3, "city"] = ["berlin", "berlin", "Pariss", "Rome"]
    table.loc[5, "job"] = "Phisician"
    assert warnings_of(lambda: QUESTIONS[question](density, table)) == [
        "column 'city': 4 cells hold none of its labels: 'berlin' (nearest: 'Berlin'), 'Pariss' "
        "(nearest: 'Paris'), 'Rome'; that counts as unlisted",
        "column 'job': 1 cell holds none of its labels: 'Phisician' (nearest: 'Physician'); that "
        "counts as unlisted, like labels of fewer than min_count training rows",
    ]


def test_ordinary_tables_are_not_warned_of(density):
    """The training table with its rare labels, another of the same kind, and rows one by one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for question in QUESTIONS.values():
            question(density, visits())
        other = visits(100, seed=3)
        density.log_prob(other)
        density.conditional(other, "city")
        for row in range(3):
            density.log_prob(visits().iloc[[row]])


def test_many_rare_labels_cause_a_warning_if_training_rows_had_few(density):
    table = visits(60, seed=1)
    table["job"] = [f"job number {k}" for k in range(60)]
    assert warnings_of(lambda: density.log_prob(table)) == [
        "column 'job': 60 cells hold none of its labels: 'job number 0', 'job number 1', 'job "
        "number 2' and 57 more; that counts as unlisted, like labels of fewer than min_count "
        "training rows"
    ]


def test_names_that_differ_in_their_digits_are_not_taken_for_each_other():
    label = np.resize(np.array(["ward 1", "ward 2"], dtype=object), 100)
    label[:2] = ["ward 11", "ward 12"]
    frame = pd.DataFrame({"label": label, "x": np.arange(100) % 2})
    density = cr.fit(frame, seed=0, config=CONFIG, verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        density.log_prob(frame)
        density.log_prob(frame.head(5).assign(label=["ward 21", *["ward 2"] * 4]))
    with pytest.warns(
        UserWarning,
        match=r"column 'label': 1 cell holds none of its labels: 'WARD 2' \(nearest: 'ward 2'\)",
    ):
        density.log_prob(frame.head(5).assign(label=["WARD 2", *["ward 2"] * 4]))


def test_parts_of_a_file_are_warned_of_together(density, tmp_path):
    table = visits(80, seed=2).iloc[3:].reset_index(drop=True)
    table["city"] = table["city"].where(table.index % 7 > 0, table["city"].str.lower())
    table.to_csv(tmp_path / "t.csv", index=False)
    parts = list(read_chunks(tmp_path / "t.csv", rows=10))
    assert len(parts) > 3
    (message,) = warnings_of(lambda: score(density.model, iter(parts)))
    assert message.startswith("column 'city': 11 cells ")
    density.save(tmp_path / "m")
    for words in (
        ["score", "m", "t.csv"],
        ["explain", "m", "t.csv"],
        ["impute", "m", "t.csv"],
        ["conditional", "m", "t.csv", "job"],
    ):
        code, _, errors = chainrule(*words, cwd=tmp_path)
        assert code == 0
        assert errors.count("warning: column 'city': 11 cells hold none of its labels: ") == 1


@pytest.mark.parametrize("question", ["conditional", "impute", "features"])
def test_numbers_far_outside_cause_a_warning_as_evidence(density, question):
    table = visits(40, seed=1).iloc[3:].assign(code=3).reset_index(drop=True)
    table.loc[2, "age"] = 300
    ask = (
        QUESTIONS[question]
        if question != "conditional"
        else lambda *_: density.conditional(table, "city")
    )
    assert warnings_of(lambda: ask(density, table)) == [
        "column 'age': 1 cell, such as 300 at row 2, lies outside the range of the training rows, "
        f"{range_of(density, 'age')}; for other cells that counts as the nearer end"
    ]
    with pytest.warns(
        UserWarning,
        match=(
            "column 'day': 37 cells, such as 202.-.* at row 0, lie outside the range of the "
            "training rows"
        ),
    ):
        density.conditional(table.assign(day=table["day"] + pd.Timedelta(380, "D"), age=30), "city")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        density.conditional(table, "age")  # its own cells are never read
        density.log_prob(table)  # its own score says how odd it is


def test_cells_outside_cause_one_warning_a_column(density):
    table = pl.from_pandas(visits(30, seed=1).iloc[3:].assign(code=3)).with_columns(
        pl.col("age") + 0.5
    )
    (message,) = warnings_of(lambda: density.log_prob(table))
    assert message.startswith("column 'age': 27 cells hold no value of the column, such as ")
    assert message.endswith(
        ": its values are whole numbers from -9000 to 9000; that counts as outside, and as unknown "
        "for other cells"
    )


def test_a_schema_counts_rows_with_rare_labels(density):
    spec = density.schema.to_json()
    assert [column.get("unlisted_rows") for column in spec["columns"]] == [0, 3, None, 0, None]
    for column in spec["columns"]:
        if column["kind"] != "categorical":
            column["rows"] = 0  # not known
    shares = [column.outside_share for column in Schema.from_json(spec).columns]
    assert shares == [0, 0, 1e-6, 0, 1e-6]
    spec["columns"][1]["unlisted_rows"] = 301
    with pytest.raises(
        SchemaError, match="column 'job': 300 rows, 301 of them with labels that are not listed"
    ):
        Schema.from_json(spec)


def test_a_given_label_is_compared_once_of_however_many_rows(density, monkeypatch):
    compared = []
    resembles = unlike_training._resembles
    monkeypatch.setattr(
        unlike_training, "_resembles", lambda *words: compared.append(words) or resembles(*words)
    )
    with pytest.warns(UserWarning, match="none of the labels that the model lists"):
        density.sample(500, given=pd.DataFrame({"job": ["astronaut", "diver"] * 250}), seed=0)
    assert len(compared) == len(set(compared))
