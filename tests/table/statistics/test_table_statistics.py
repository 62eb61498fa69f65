"""The schema of a table from statistics of its parts: equal on few rows, alike on many."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.table import TableStatistics, read_table
from chainrule.table.statistics import labels, table_statistics, weighted


def varied(rows, seed=0):
    """Columns of every kind."""
    rng = np.random.default_rng(seed)
    net = np.round(np.exp(rng.normal(4, 1, rows)), 2)
    day = np.datetime64("2001-01-01") + rng.integers(0, 3000, rows)
    amount = np.round(rng.gamma(2, 20, rows), 2)
    return pl.DataFrame(
        {
            "age": rng.integers(18, 91, rows),
            "net": net,
            "tax": np.round(net * 0.2, 2),
            "height": pl.Series(rng.normal(170, 10, rows)).set(
                pl.Series(rng.random(rows) < 0.1), None
            ),
            "quarters": np.round(rng.normal(0, 50, rows) * 4) / 4,
            "capped": np.minimum(rng.exponential(10, rows), 30.0),
            "single": rng.normal(size=rows).astype(np.float32),
            "count": rng.geometric(0.01, rows),
            "id": rng.permutation(rows),
            "huge": 2**60 + rng.integers(0, 2**50, rows),
            "constant": np.full(rows, 7.5),
            "nothing": pl.Series([None] * rows, dtype=pl.Float64),
            "bit": rng.integers(0, 2, rows),
            "member": rng.random(rows) < 0.3,
            "city": [f"c{k}" for k in np.minimum(rng.geometric(0.02, rows), 120)],
            "sort": pl.Series(rng.choice(["lo", "mid", "hi"], rows)).cast(pl.Categorical),
            "name": [f"n{k:07d}" for k in rng.permutation(rows)],
            "written": [f"{x:.2f} €" for x in amount],
            "exact": pl.Series(amount).cast(pl.Decimal(12, 2)),
            "day": day,
            "seen": day.astype("datetime64[us]") + rng.integers(0, 10**10, rows),
            "first": day.astype("datetime64[M]").astype("datetime64[D]"),
        }
    )


def parts_of(table, parts, container="polars"):
    size, found = -(-len(table) // parts), []
    for start in range(0, len(table), size):
        part = table[start : start + size]
        part = {
            "polars": lambda p: p,
            "pandas": pl.DataFrame.to_pandas,
            "pyarrow": pl.DataFrame.to_arrow,
        }[container](part)
        found.append(TableStatistics.of(read_table(part), first_row=start))
    return found


def schema_of(table, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cr.infer_schema(table, **options)


@pytest.fixture
def few(monkeypatch):
    """Of a table of more than 8,192 rows, so many are kept."""
    monkeypatch.setattr(table_statistics, "MOST_ROWS", 2**13)


@pytest.mark.parametrize("container", ["polars", "pandas", "pyarrow"])
def test_parts_of_few_rows_have_the_schema_of_the_whole(container):
    table = varied(700)
    if container != "polars":
        table = table.drop("sort", "exact")
    whole = {"polars": table, "pandas": table.to_pandas(), "pyarrow": table.to_arrow()}[container]
    for options in ({}, {"min_count": 20, "missing": "informative"}):
        seen = TableStatistics.joined(parts_of(table, 3, container))
        assert schema_of(seen, **options) == schema_of(whole, **options)


def alike(one, other, table, share):
    """Asserts that two schemas have the same kinds and bounds, and knots of about equal rank."""
    assert [(c.kind, c.name, c.rows) for c in one.columns] == [
        (c.kind, c.name, c.rows) for c in other.columns
    ]
    assert [out.name for out in one.left_out] == [out.name for out in other.left_out]
    for a, b in zip(one.columns, other.columns, strict=True):
        for field in ("levels", "step", "unit", "least", "most", "decimals", "unlisted_rows"):
            assert getattr(a, field, None) == getattr(b, field, None), (a.name, field)
        assert type(getattr(a, "warp", None)) is type(getattr(b, "warp", None)), a.name
        for x, y in zip(ranks(a, table), ranks(b, table), strict=True):
            assert x[0] - share <= y[1], a.name
            assert y[0] - share <= x[1], a.name


def ranks(column, table):
    """The least and the largest rank of each knot's value, as shares of the known rows."""
    knots = getattr(column, "knots", ())
    if not knots:
        return []
    cells = table[column.name].cast(pl.Float64) if column.kind != "datetime" else table[column.name]
    cells = np.sort(cells.drop_nulls().to_numpy())
    values = column.decode(np.array(knots)).astype(cells.dtype)
    left, right = (np.searchsorted(cells, values, side=side) for side in ("left", "right"))
    return list(zip(left / len(cells), right / len(cells), strict=True))


def test_many_rows_show_the_same_kinds_and_bounds_and_about_the_same_knots(monkeypatch):
    table = varied(280_000).drop(
        "name", "written", "exact", "single", "bit", "member", "id", "city", "tax"
    )
    seen = TableStatistics.of(read_table(table))
    assert not seen.is_whole
    found = schema_of(seen, ties="none")
    monkeypatch.setattr(table_statistics, "MOST_ROWS", 10**9)
    alike(schema_of(table, ties="none"), found, table, 0.005)


def test_ties_are_sought_in_some_rows(few):
    found = schema_of(varied(20_000).select("age", "net", "tax", "city"))
    assert [tie.text for tie in found.ties] == ["tax = 20 % of net, rounded"]
    assert found.columns[1].rows == 20_000


def test_parts_of_many_rows_have_the_schema_of_the_whole(few):
    table = varied(20_000, 1)
    one = schema_of(table, ties="none")
    seen = TableStatistics.joined(parts_of(table, 7))
    assert schema_of(seen, ties="none") == one
    twice = [TableStatistics.joined(parts_of(table, 6)[k : k + 3]) for k in (0, 3)]
    assert schema_of(TableStatistics.joined(twice), ties="none") == one


def test_whole_numbers_in_one_part_and_others_in_the_next_are_real(few):
    table = pl.DataFrame({"x": [*map(float, range(100)), 0.5] * 200})
    first = table.filter(pl.col("x") != 0.5).cast(pl.Int64)
    seen = [TableStatistics.of(read_table(part)) for part in (first, table)]
    assert schema_of(TableStatistics.joined(seen)).columns[0].kind == "real"


def test_all_rows_count_labels_and_missing_cells(few):
    rng = np.random.default_rng(0)
    label = np.array([f"v{k}" for k in rng.zipf(1.5, 20_000)])
    x = np.where(rng.random(20_000) < 0.3, np.nan, rng.normal(size=20_000))
    table = pd.DataFrame({"label": label, "x": x})
    levels, flag, number = schema_of(table, missing="informative").columns
    counts = table["label"].value_counts()
    assert set(levels.levels) == set(counts.index[counts >= 5])
    assert levels.rows == 20_000
    assert number.rows == np.isfinite(x).sum()
    assert f"{np.isnan(x).sum()} cells" in flag.reason


def test_a_requested_kind_sees_all_rows(few):
    table = pl.DataFrame({"x": np.random.default_rng(0).geometric(0.02, 20_000)})
    column = schema_of(table, kinds={"x": "categorical"}).columns[0]
    counts = table["x"].value_counts()
    assert set(column.levels) == set(counts.filter(pl.col("count") >= 5)["x"])
    assert column.rows == 20_000


def test_an_infinite_number_is_named_with_its_row(few):
    x = np.random.default_rng(0).normal(size=20_000)
    x[12_345] = np.inf
    with pytest.raises(SchemaError, match=r"'x0': value inf at row 12345 is not a finite"):
        cr.infer_schema(x[:, None])


def test_parts_of_other_columns_are_refused():
    parts = [TableStatistics.of(read_table(pl.DataFrame({name: [1, 2]}))) for name in "ab"]
    with pytest.raises(SchemaError, match="give all parts the same columns"):
        TableStatistics.joined(parts)


def test_rows_are_chosen_by_their_numbers(few):
    table = pl.DataFrame({"x": np.arange(40_000)})
    one = TableStatistics.of(read_table(table))
    several = TableStatistics.joined(parts_of(table, 5))
    assert np.array_equal(one.some.columns[0], several.some.columns[0])
    assert one.some.where(3) == several.some.where(3) == f"row {one.some.columns[0][3]}"


def test_bounded_memory(few, monkeypatch):
    monkeypatch.setattr(weighted, "MOST_VALUES", 4096)
    monkeypatch.setattr(weighted, "OUTER_VALUES", 256)
    monkeypatch.setattr(labels, "MOST_LABELS", 1000)
    rng = np.random.default_rng(0)
    rows = 40_000
    name = np.where(rng.random(rows) < 0.5, "often", np.arange(rows).astype(str))
    table = pl.DataFrame(
        {"x": np.where(rng.random(rows) < 0.2, 0.0, rng.normal(size=rows)), "n": name}
    )
    seen = TableStatistics.joined(parts_of(table, 4))
    number, label = seen.columns
    assert len(number.numbers.values) <= 4096
    assert number.numbers.rows == rows
    assert len(label.labels.cells) <= 1000
    assert label.labels.counts.sum() + label.labels.dropped_rows == rows
    x, n = schema_of(seen, ties="none").columns
    assert (x.kind, x.atoms, x.rows) == ("real", (0.0,), rows)
    assert n.levels == ("often",)
    assert n.rows == rows


def test_values_that_stand_for_many_have_their_ranks(monkeypatch):
    monkeypatch.setattr(weighted, "MOST_VALUES", 2**18)
    x = np.random.default_rng(0).standard_cauchy(600_000)
    seen = weighted.Weighted.joined([weighted.Weighted.of(part) for part in np.split(x, 6)])
    assert seen.rows == len(x)
    assert len(seen.values) <= 2**18
    found, exact = np.sort(seen.standing_for(2**17, least=5)), np.sort(x)
    ranks = np.searchsorted(exact, np.quantile(found, np.linspace(0, 1, 999)))
    assert np.abs(ranks / len(x) - np.linspace(0, 1, 999)).max() < 0.005
    assert np.array_equal(found[:400], exact[:400])
    assert np.array_equal(found[-400:], exact[-400:])


def test_a_majority_of_one_row_stays_one(few):
    bits = np.repeat([0, 1], [10_000, 10_001])
    assert schema_of(pd.DataFrame({"x": bits, "y": 1 - bits})).columns[0].levels == (1, 0)
    assert schema_of(pd.DataFrame({"x": 1 - bits, "y": bits})).columns[0].levels == (0, 1)
