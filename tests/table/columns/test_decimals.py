"""Decimals: what is drawn or filled is written as the column's cells are, on a grid or not."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.table import decode, encode, read_table
from chainrule.table.columns.decimals import decimals_of, rounded_within

N = 1500
QUICK = cr.FitConfig(hidden_size=6, components=3, epochs=2)


def prices():
    """Columns of numbers too fine for a grid, with the decimals of each."""
    rng = np.random.default_rng(0)
    price = rng.normal(200, 300, N).round(2)
    amount = np.exp(rng.normal(3, 2.5, N)).round(2)
    frame = pd.DataFrame(
        {
            "price": price,
            "amount": amount,
            "tiny": (1e-7 * rng.normal(5, 1, N)).round(12),
            "huge": (1e12 + rng.normal(0, 1e6, N)).round(2),
            "single": price.astype(np.float32),
            "decimal": [Decimal(f"{value:.2f}") for value in price],
            "text": [f"{value:.2f}".replace(".", ",") for value in price],
        }
    )
    return frame, {name: 12 if name == "tiny" else 2 for name in frame.columns}


def as_floats(cells):
    """The numbers of known cells of any of the columns, as float64 of their shortest text."""
    known = [str(cell).replace(",", ".") for cell in cells if not pd.isna(cell)]
    return np.array(known, dtype=np.float64)


@pytest.fixture(scope="module")
def density():
    # Ties would put the price and its copies on a grid.
    return cr.fit(prices()[0], seed=0, config=QUICK, verbose=False, ties="none")


def test_all_that_is_drawn_or_filled_has_the_decimals_of_its_column(density):
    frame, decimals = prices()
    holes = frame.head(60).astype(object)
    holes.iloc[::2] = None
    tables = [density.sample(200, seed=0)]
    tables += [density.impute(holes, how=how, seed=0) for how in ("best", "mean", "draw")]
    tables += density.impute(holes, how="best", interval=0.8)[1:]
    for name, places in decimals.items():
        column = density.schema.columns[density.schema.names.index(name)]
        assert (column.step, column.decimals) == (None, places)
        for table in [*tables, density.conditional(frame.head(5), name)]:
            cells = as_floats(table[name] if name in table.columns else table.to_numpy().ravel())
            assert len(cells)
            dtype = np.float32 if name == "single" else np.float64
            rounded = np.round(cells, places).astype(dtype)
            assert np.array_equal(rounded, cells.astype(dtype)), name
    drawn = tables[0]
    assert drawn["single"].dtype == np.float32
    assert all(cell.as_tuple().exponent == -2 for cell in drawn["decimal"])
    assert drawn["text"].str.fullmatch(r"-?\d+,\d\d?").all()


def test_draws_that_are_encoded_again_keep_their_likelihood(density):
    codes = np.random.default_rng(1).normal(size=(500, len(density.schema.columns)))
    again = encode(read_table(pd.DataFrame(decode(codes, density.schema))), density.schema)
    for k, column in enumerate(density.schema.columns):
        if column.warp is None:
            unit = 10.0**-column.decimals / column.spread
            assert np.abs(again.values[:, k] - codes[:, k]).max() <= 0.51 * unit + 1e-7


def test_draws_on_a_scale_that_ends_are_rounded_inwards(density):
    (column,) = [c for c in density.schema.columns if c.name == "amount"]
    assert column.warp is not None
    values = column.decode(np.linspace(-40.0, 0.0, 300))
    assert values.min() == 0.01
    assert np.isfinite(column.encode(values, lambda row: f"row {row}")).all()


def test_whole_numbers_on_a_scale_are_drawn_whole():
    rng = np.random.default_rng(0)
    whole = np.exp(rng.normal(9, 2, 800)).round()
    for cells in (whole, whole.astype(np.int64)):
        frame = pd.DataFrame({"x": cells})
        schema = cr.infer_schema(frame, kinds={"x": {"kind": "real", "scale": "log"}})
        drawn = decode(rng.normal(size=(90, 1)), schema)["x"]
        assert np.array_equal(np.round(drawn), drawn)
        assert drawn.dtype.kind == cells.dtype.kind


def test_full_precision_stays():
    rng = np.random.default_rng(0)
    for numbers in (rng.normal(size=300), rng.normal(size=300) * 1e-9, rng.uniform(size=300) * 1e9):
        assert decimals_of(numbers, min_count=5) is None


def test_a_few_rows_have_no_say():
    """The decimals of one row in a thousand, or of fewer rows than min_count, do not count."""
    cents = np.random.default_rng(0).normal(0, 1000, 8000).round(2)
    cents[:8] += 0.00123
    assert decimals_of(cents, min_count=5) == 2
    cents[8] += 0.00123
    assert decimals_of(cents, min_count=5) == 5
    some = np.array([1.5, 2.5, 3.5, 4.5, 5.5, 6.25, 7.125])
    assert decimals_of(some, min_count=5) == 1
    assert decimals_of(some, min_count=2) == 2
    assert decimals_of(some[:4], min_count=5) is None


@pytest.mark.parametrize(
    ("value", "places", "found"),
    [(0.004, 2, 0.01), (0.996, 2, 0.99), (0.5, 2, 0.5), (0.5, 0, 0.5)],
)
def test_rounding_stays_within_open_ends(value, places, found):
    ends = np.nextafter(0, 1), np.nextafter(1, 0)
    assert rounded_within(np.array([value]), places, *ends).tolist() == [found]
