"""Rows of a seed draw the same values whatever the chunks and parts of their table."""

import importlib

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import some_tables
from helpers.registry import randomized

import chainrule as cr
from chainrule import Density, Ensemble
from chainrule.errors import ShapeError
from chainrule.model import Model, columns_of
from chainrule.rng import generator_from
from chainrule.table import infer_schema, read_table

pytestmark = pytest.mark.filterwarnings("ignore:column .*:UserWarning")
ROWS = 90
PARTS = [slice(0, 7), slice(7, 60), slice(60, ROWS)]


def table(holes=0.15):
    """Rows of every kind, with holes and labels too rare to be listed."""
    frame = some_tables.mixed(300, seed=1, holes=holes)
    rare = np.arange(300) % 4 == 0
    frame.loc[rare, "town"] = [f"rare {k}" for k in np.flatnonzero(rare)]
    return frame


def orderless(columns, seed):
    return randomized(cr.OrderlessNADE(columns, [8], order="random"), seed)


def members(columns):
    inner = Ensemble([orderless(columns, 1), orderless(columns, 5)])
    return Ensemble([orderless(columns, 4), inner])


def one_order(columns):
    return Ensemble([randomized(cr.NADE(columns, 5), seed) for seed in (4, 5)])


NETWORKS = {
    "orderless": lambda columns: orderless(columns, 1),
    "informative": lambda columns: orderless(columns, 1),
    "members": members,
    "one order": one_order,
}


@pytest.fixture(scope="module", params=NETWORKS)
def density(request):
    options = {"missing": "informative"} if request.param == "informative" else {}
    schema = infer_schema(table(), **options)
    assert any(column.has_unlisted for column in schema.columns)
    return Density(Model(schema, NETWORKS[request.param](columns_of(schema, components=2))))


def asked(density):
    """Rows with holes and text among numbers; for one order, only its last columns have holes."""
    is_one_order = not density.model.network.any_evidence
    frame = table(holes=0.0 if is_one_order else 0.15)[:ROWS].astype({"height": object})
    frame.loc[::5, "height"] = "?!"
    if is_one_order:
        frame.loc[::2, "hour"] = None
        frame.loc[::4, "price"] = None
    return frame


@pytest.fixture
def small_batches(monkeypatch):
    for task in ("sample", "impute"):
        monkeypatch.setattr(importlib.import_module(f"chainrule.tasks.{task}"), "BATCH_ROWS", 16)


def same(found, expected):
    """Asserts equal cells; numbers may differ by rounding."""
    found, expected = (frame.reset_index(drop=True) for frame in (found, expected))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rare", ["other", "omit"])
def test_samples_in_parts_are_the_whole_sample(density, rare, request):
    whole = density.sample(ROWS, seed=3, rare=rare)
    if not density.schema.flags:
        assert (rare == "other") == bool(whole["town"].isna().any())
    request.getfixturevalue("small_batches")
    same(density.sample(ROWS, seed=3, rare=rare), whole)
    parts = [
        density.sample(rows.stop - rows.start, seed=3, first_row=rows.start, rare=rare)
        for rows in PARTS
    ]
    same(pd.concat(parts), whole)
    assert not density.sample(ROWS, seed=4, rare=rare).equals(whole)


def test_fills_in_parts_are_those_of_the_whole_table(density, request, tmp_path):
    frame = asked(density)
    whole = density.impute(frame, seed=3)
    assert whole.notna().all().all()
    request.getfixturevalue("small_batches")
    parts = [density.impute(frame[rows], seed=3, first_row=rows.start) for rows in PARTS]
    same(pd.concat(parts), whole)
    same(density.impute(frame, n_draws=2, seed=3)[0], whole)
    chunks = (read_table(frame[rows]) for rows in PARTS)
    density.impute(chunks, seed=3, to=tmp_path / "filled.csv")
    written = pl.read_csv(tmp_path / "filled.csv")["price"].to_numpy()
    assert np.allclose(written.astype(float), whole["price"].astype(float), rtol=1e-9)


def test_rows_are_filled_alike_beside_other_rows(density):
    """Also in a call without a cell outside, or without a rare label to draw again."""
    frame = asked(density)
    whole = density.impute(frame, seed=5)
    for row in (1, 4, 5, 40):
        alone = density.impute(frame[row : row + 1], seed=5, first_row=row)
        same(alone.astype(whole.dtypes), whole[row : row + 1])


def test_fills_of_several_draws_differ_and_repeat(density):
    frame = asked(density)
    first, second = density.impute(frame, n_draws=2, seed=3)
    assert not first.equals(second)
    again = density.impute(frame[60:], n_draws=2, seed=3, first_row=60)
    same(again[1], second[60:])


def test_fills_do_not_repeat_the_sample_of_their_seed():
    """A sample's blanked cells are filled with other values than those that were blanked."""
    frame = some_tables.mixed(300)
    schema = infer_schema(frame)
    density = Density(Model(schema, orderless(columns_of(schema, components=2), 0)))
    drawn = density.sample(200, seed=0)
    blank = drawn.astype(object).mask(drawn.notna())
    filled = density.impute(blank, seed=0)
    assert (filled["height"] != drawn["height"]).mean() > 0.9


def test_a_generator_draws_on_from_where_it_is(density):
    generator = generator_from(0)
    first, second = (density.sample(30, seed=generator) for _ in range(2))
    assert not first.equals(second)
    assert first.equals(density.sample(30, seed=generator_from(0)))


def test_a_first_row_that_is_no_number_is_refused(density):
    with pytest.raises(ShapeError, match="first_row = -1"):
        density.sample(3, first_row=-1)
    with pytest.raises(ShapeError, match=r"first_row = 0\.5"):
        density.impute(table()[:3], first_row=0.5)
