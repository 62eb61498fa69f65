"""Answers to the parts of an Arrow table are those to the whole, in a schema known before."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from helpers import some_tables
from helpers.untrained import untrained

from chainrule.errors import SchemaError, ShapeError
from chainrule.tasks.arrow import TASKS

pytestmark = pytest.mark.filterwarnings("ignore:column .*:UserWarning")
ROWS = 100
QUESTIONS = {
    "score": ("score", {}),
    "score, strict": ("score", {"strict": True}),
    "explain": ("explain", {}),
    "explain in units": ("explain", {"relative": False}),
    "impute, draw": ("impute", {}),
    "impute, best": ("impute", {"how": "best"}),
    "impute, mean": ("impute", {"how": "mean"}),
    "sample": ("sample", {}),
    "sample, omit": ("sample", {"rare": "omit", "temperature": 0.7}),
    "sample, other": ("sample", {"other": "elsewhere"}),
}


def fitted():
    """Columns of every kind, with holes and labels too rare to be listed."""
    frame = some_tables.mixed(300, seed=1, holes=0.15)
    rare = np.arange(300) % 4 == 0
    frame.loc[rare, "town"] = [f"rare {k}" for k in np.flatnonzero(rare)]
    return frame


def asked(key="text"):
    """An Arrow table with a key, a column that the model does not know, and empty columns."""
    table = pa.Table.from_pandas(fitted()[:ROWS], preserve_index=False)
    if key == "text":
        # Labels that the model has, so that they may be given.
        towns = [None if k % 3 else "north" for k in range(ROWS)]
        table = table.set_column(1, "town", pa.array(towns, pa.string()))
    ids = [f"row {k}" for k in range(ROWS)] if key == "text" else list(range(ROWS))
    table = table.append_column("id", pa.array(ids))
    return table.append_column("note", pa.array(["?"] * ROWS))


@pytest.fixture(scope="module")
def density():
    return untrained(fitted())


@pytest.fixture(scope="module")
def scorer(density):
    return density.scorer()


def same(found, expected):
    """Asserts equal schemas and cells; numbers to 1e-12 relative."""
    assert found.schema == expected.schema
    for name in expected.column_names:
        ours, theirs = found[name], expected[name]
        if pa.types.is_floating(theirs.type):
            np.testing.assert_allclose(
                ours.to_numpy(), theirs.to_numpy(), rtol=1e-12, atol=1e-12, err_msg=name
            )
        else:
            assert ours.to_pylist() == theirs.to_pylist(), name


def parts(table, number):
    ends = np.linspace(0, len(table), number + 1).astype(int)
    return [table.slice(a, b - a) for a, b in pairwise(ends)]


@pytest.mark.parametrize("number", [1, 3, 20])
@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("who", ["density", "scorer"])
def test_parts_are_answered_as_the_whole_is(name, number, who, request, density):
    task, options = QUESTIONS[name]
    answerer, table = request.getfixturevalue(who), asked()
    how = {"keep": ["id"], "key": "id", "seed": 3, "options": options}
    whole = density.answer_arrow(table, task, **how)
    assert len(whole) == ROWS
    assert whole["id"].to_pylist() == table["id"].to_pylist()
    schema = answerer.answer_schema(task, table.schema, keep=["id"], options=options)
    found = [answerer.answer_arrow(part, task, **how) for part in parts(table, number)]
    assert all(part.schema == schema for part in found)
    tolerance = same if who == "density" or task not in ("explain", "impute") else nearly
    tolerance(pa.concat_tables(found), whole)


def nearly(found, expected):
    """As ``same``, to the accuracy to which a scorer agrees with its density."""
    assert found.schema == expected.schema
    left, right = (table.to_pandas() for table in (found, expected))
    pd.testing.assert_frame_equal(left, right, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("task", ["impute", "sample"])
def test_row_numbers_seed_draws_as_an_integer_key_does(density, task):
    table = asked("text").drop("id").append_column("id", pa.array(range(ROWS), pa.int32()))
    by_key = density.answer_arrow(table, task, key="id", seed=3)
    found = [
        density.answer_arrow(part, task, seed=3, first_row=first)
        for part, first in zip(parts(table, 4), range(0, ROWS, 25), strict=True)
    ]
    same(pa.concat_tables(found), by_key)
    shuffled = np.random.default_rng(0).permutation(ROWS)
    same(density.answer_arrow(table.take(shuffled), task, key="id", seed=3), by_key.take(shuffled))
    other = density.answer_arrow(table, task, key="id", seed=4)
    assert other["height"].to_pylist() != by_key["height"].to_pylist()


def test_answers_are_those_of_the_tasks(density):
    table = asked()
    rows = table.drop(["id", "note"])
    found = density.answer_arrow(table, "score")["log_prob"].to_numpy()
    assert (found == density.log_prob(rows)).all()
    bits = density.answer_arrow(table, "explain")
    np.testing.assert_array_equal(bits.to_pandas(), density.explain(rows).to_pandas())
    filled = density.answer_arrow(table, "impute", seed=7)
    assert filled.equals(density.impute(rows, seed=7))
    drawn = density.answer_arrow(table, "sample", seed=7).to_pandas()
    pd.testing.assert_frame_equal(
        drawn,
        density.sample(ROWS, given=rows.to_pandas(), seed=7),
        check_dtype=False,
        check_column_type=False,
    )


def test_known_cells_pass_through(density):
    table = asked()
    filled = density.answer_arrow(table, "impute")
    for name in filled.column_names:
        assert filled[name].null_count == 0
        known = table[name].is_valid()
        assert filled[name].filter(known).equals(table[name].filter(known))


def test_findings_keep_their_rows_key(density):
    table = asked()
    found = density.answer_arrow(table, "proofread", keep=["id"], options={"fdr": 1.0})
    assert found.schema == density.answer_schema("proofread", table.schema, keep=["id"])
    assert len(found)
    ids = table["id"].to_pylist()
    assert found["id"].to_pylist() == [ids[row] for row in found["row"].to_pylist()]
    part = table.slice(40)
    later = density.answer_arrow(part, "proofread", first_row=40, options={"fdr": 1.0})
    assert min(later["row"].to_pylist()) >= 40
    nothing = density.answer_arrow(table[:0], "proofread", keep=["id"])
    assert nothing.schema == found.schema


@pytest.mark.parametrize("task", TASKS)
def test_batches_empty_tables_and_empty_columns_are_answered(density, task):
    table = asked()
    schema = density.answer_schema(task, table.schema)
    assert density.answer_arrow(table[:0], task).schema == schema
    (batch,) = table[:5].combine_chunks().to_batches()
    assert density.answer_arrow(batch, task).schema == schema
    empty = table[:5].set_column(3, "height", pa.nulls(5))
    answer = density.answer_arrow(empty, task)
    assert answer.schema == density.answer_schema(task, empty.schema)
    if task == "impute":
        assert answer["height"].type == pa.float64()
        assert answer["height"].null_count == 0


def test_a_sample_needs_no_column(density):
    table = pa.table({"id": [f"row {k}" for k in range(20)]})
    drawn = density.answer_arrow(table, "sample", keep=["id"], key="id", seed=1)
    assert drawn.column_names == ["id", *density.schema.names]
    assert len(drawn) == 20


def test_what_does_not_fit_is_refused(density):
    table = asked()

    def refuses(message, error=SchemaError, table=table, task="score", **how):
        with pytest.raises(error, match=message):
            density.answer_arrow(table, task, **how)

    refuses("task 'scor' is unknown.*nearest: 'score'", ShapeError, task="scor")
    refuses("option of score 'how' is unknown", ShapeError, options={"how": "best"})
    refuses("how 'bes' is unknown", ShapeError, task="impute", options={"how": "bes"})
    refuses("keep names 'ID', which is not a column", keep=["ID"])
    refuses("keep names 'town', which is a column of the answer", task="explain", keep=["town"])
    refuses("key names 'ID', which is not a column", key="ID")
    refuses("the table has no column 'height', which the model reads", table=table.drop("height"))
    twice = pa.concat_tables([table[:3], table[:1]])
    refuses(r"key column 'id': the key 'row 0' has 2 rows", table=twice, key="id")
    refuses(r"key column 'id': the key 'row 0' has 2 rows", table=twice, task="impute", key="id")
    hole = table.set_column(6, "id", pa.array(["a", None] * (ROWS // 2)))
    refuses("key column 'id' is empty at row 1", table=hole, key="id")
    refuses(
        "key column 'price' is of type double",
        table=table.filter(table["price"].is_valid())[:1],
        task="sample",
        key="price",
    )
    refuses("first_row = -1", ShapeError, first_row=-1)
