"""The benchmark of events counts what it says: questions, their rows, and q-errors."""

import json

import numpy as np
import polars as pl
import pytest

from benchmarks.events.ask import as_table, share
from benchmarks.events.census import by_duckdb, q_errors, row_of
from benchmarks.events.queries import counts, questions, wider
from benchmarks.record import RESULTS

RNG = np.random.default_rng(0)
TABLE = pl.DataFrame(
    {
        "age": RNG.integers(17, 90, 800),
        "sex": RNG.choice(["Male", "Female"], 800),
        "gain": np.where(RNG.random(800) < 0.9, 0, RNG.integers(1, 9000, 800)),
    }
)


def test_questions_are_as_described():
    asked = questions(TABLE, 2000, 1)
    assert asked == questions(TABLE, 2000, 1)
    sizes = np.bincount([len(each) for each in asked], minlength=4)[1:] / 2000
    assert sizes == pytest.approx([1 / 3] * 3, abs=0.05)
    assert {type(each["sex"]) for each in asked if "sex" in each} == {str}
    ranges = [each["age"] for each in asked if "age" in each]
    assert all(low is None or low > 17 for low, _ in ranges)
    assert all(high is None or high < 89 for low, high in ranges if low is not None)
    assert (counts(TABLE, asked) > 0).mean() > 0.8


def test_rows_are_counted_as_sql_counts_them():
    asked = [{"age": (30.5, 40)}, {"sex": "Male", "gain": (None, 0.0)}, {"age": (80, None)}]
    where = ("age >= 30.5 AND age <= 40", "sex = 'Male' AND gain <= 0", "age >= 80")
    expected = [round(share(TABLE, each, "true")[0] * len(TABLE)) for each in where]
    assert counts(TABLE, asked).tolist() == expected


def test_a_wider_question_holds_wherever_the_first_does():
    rng = np.random.default_rng(2)
    asked = questions(TABLE, 300, 3)
    pairs = [(question, wider(question, rng)) for question in asked]
    narrow, wide = (counts(TABLE, [pair[k] for pair in pairs]) for k in (0, 1))
    assert (narrow <= wide).all()
    assert (narrow < wide).mean() > 0.2


def test_q_errors_are_of_at_least_one_row():
    errors = q_errors(np.array([0.0, 4.0, 2.0]), np.array([0, 2, 8]))
    assert errors.tolist() == [1, 2, 4]
    assert row_of("x", errors) == {"what": "x", "median": 2, "95 %": 3.8, "99 %": 3.96, "max": 4}


def test_the_estimates_of_duckdb_are_read():
    pytest.importorskip("duckdb")
    found = by_duckdb(TABLE, [{}, {"age": (30, None)}, {"sex": "Male"}])
    assert found[0] == 800
    assert (found[1:] > 0).all()


def test_results_have_all_parts():
    written = json.loads((RESULTS / "events.json").read_text(encoding="utf-8"))
    assert set(written) == {"census", "coverage", "titanic", "adult"}
    assert as_table(written["titanic"]["rows"]).count("\n") == 1 + len(written["titanic"]["rows"])
