"""Groups of rows: no split divides one, and nothing of their keys is kept."""

import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.quick import QUICK, fit

import chainrule as cr
from chainrule.errors import ChainruleError, SchemaError, ShapeError
from chainrule.rng import generator_from
from chainrule.table import lazy, read_table
from chainrule.training.data import training_data
from chainrule.training.groups import Groups
from chainrule.training.rows import rows_held_out

N = 90
KEY = np.arange(N) % 18  # of each row
NAMES = np.array([f"secret-{key:02}" for key in KEY], dtype=object)


def orders():
    """The row's number as a real column, a label, and the customer of each row."""
    return pl.DataFrame(
        {"x": np.arange(N) / 7, "label": ["a", "b"] * (N // 2), "customer": NAMES.tolist()}
    )


def data_of(table, groups, seed=0, **options):
    return training_data(
        table,
        None,
        QUICK,
        groups=groups,
        learns_from_missing=True,
        generator=generator_from(seed),
        **options,
    )


def rows_of(codes):
    """The numbers of rows, which are the codes of their multiples of 1/7."""
    return np.asarray(codes)[:, 0].astype(int)


def groups_of(sizes, seed=0):
    rows = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.random.default_rng(seed).permutation(rows)
    return Groups(rows, None, rows)


@pytest.mark.parametrize(
    ("sizes", "fraction"),
    [
        ([1] * 50, 0.1),
        ([3, 1, 8, 2, 5, 40, 1], 0.1),
        ([50, 50], 0.1),
        ([99, 1], 0.9),
        ([1, 1], 0.5),
        ([30] * 4, 0.99),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_split_divides_no_group_and_leaves_rows_on_both_sides(sizes, fraction, seed):
    groups = groups_of(sizes, seed)
    train, held = groups.split(fraction, generator_from(seed))
    assert sorted([*train, *held]) == list(range(sum(sizes)))
    assert len(train)
    assert len(held)
    assert not set(groups.of_rows[train]) & set(groups.of_rows[held])


def test_a_split_holds_out_the_fraction_if_groups_are_small_and_the_smallest_if_they_are_large():
    small, large = groups_of([1, 2, 3] * 30), groups_of([40, 60, 50])
    _, held = small.split(0.1, generator_from(0))
    assert len(held) == pytest.approx(18, abs=1)
    _, held = large.split(0.1, generator_from(0))
    assert set(large.of_rows[held]) == {0}


def test_rows_of_a_split_come_in_random_order():
    """The first rows of a split stand for all where scores are limited."""
    groups = groups_of([2] * 100)
    for part in groups.split(0.3, generator_from(0)):
        assert len(set(groups.of_rows[part[: len(part) // 2]])) > len(part) // 3


@pytest.mark.parametrize("number", [2, 3, 5])
def test_folds_divide_no_group_and_differ_by_the_rows_of_one(number):
    sizes = [1, 9, 2, 2, 7, 3, 3, 5, 1, 4]
    groups = groups_of(sizes)
    fold = groups.folds(number, np.random.default_rng(0))
    assert all(len(set(fold[groups.of_rows == group])) == 1 for group in range(len(sizes)))
    rows = np.bincount(fold, minlength=number)
    assert rows.max() - rows.min() <= max(sizes)


def as_csv(folder):
    orders().write_csv(folder / "orders.csv")
    return folder / "orders.csv"


def as_parquet(folder):
    orders().write_parquet(folder / "orders.parquet")
    return folder / "orders.parquet"


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("write", [as_csv, as_parquet])
def test_a_file_has_groups_by_column_also_if_it_is_read_by_column(
    write, is_large, tmp_path, monkeypatch
):
    if is_large:
        monkeypatch.setattr(lazy, "LARGE_BYTES", 1)
    data = data_of(write(tmp_path), "customer")
    train, held = rows_of(data.train.x), rows_of(data.valid.x)
    assert sorted([*train, *held]) == list(range(N))
    assert not set(KEY[train]) & set(KEY[held])
    assert (data.folder is not None) == is_large


@pytest.mark.parametrize(
    "groups",
    [
        KEY,
        KEY.tolist(),
        KEY.astype(float),
        NAMES,
        pd.Series(NAMES, index=np.arange(N)[::-1]),
        pd.Series(NAMES, dtype="category"),
        pl.Series(KEY),
        pa.chunked_array([NAMES.tolist()]),
        np.datetime64("2024-01-01") + KEY,
        [uuid.UUID(int=int(key)) for key in KEY],
        [(int(key), "a") for key in KEY],
    ],
    ids=lambda groups: f"{type(groups).__module__}.{type(groups).__name__}",
)
def test_groups_may_be_a_key_for_each_row(groups):
    data = data_of(orders().to_pandas(), groups)
    train, held = rows_of(data.train.x), rows_of(data.valid.x)
    assert len(data.groups) == 18
    assert not set(KEY[train]) & set(KEY[held])


def test_all_that_is_held_out_is_of_groups_that_are_held_out():
    """The validation table and the rows of the calibration are those of the split."""
    data = data_of(orders(), "customer")
    held = rows_of(data.valid.x)
    assert data.valid_table.numbers.tolist() == held.tolist()
    assert sorted(rows_of(data.calibration_rows.codes.values)) == sorted(held)


def test_rows_of_weight_zero_are_in_no_group():
    weight = (KEY > 2).astype(float)
    data = data_of(orders(), "customer", sample_weight=weight)
    train, held = rows_of(data.train.x), rows_of(data.valid.x)
    assert len(data.groups) == 15
    assert not set(KEY[train]) & set(KEY[held])
    assert (KEY[[*train, *held]] > 2).all()


def test_the_column_of_the_groups_is_set_aside_and_its_keys_are_nowhere(tmp_path):
    density = fit(orders(), groups="customer", min_count=1)
    (out,) = density.schema.left_out
    assert (out.name, out.position, out.reason) == ("customer", 2, "names the groups of rows")
    assert density.training["groups"] == {"column": "customer", "number": 18}
    density.save(path := tmp_path / "m.chainrule")
    assert b"secret" not in path.read_bytes()
    assert cr.load(path).training["groups"] == density.training["groups"]
    assert density.log_prob(orders()).shape == (N,)


def test_the_column_of_the_groups_is_modelled_if_its_kind_is_given():
    density = fit(orders(), groups="customer", kinds={"customer": "categorical"}, min_count=2)
    assert density.schema.names == ("x", "label", "customer")
    again = fit(orders(), groups="customer", kinds=density.schema)
    assert again.schema == density.schema


def test_a_label_of_a_pandas_column_names_groups():
    table = orders().to_pandas().rename(columns={"customer": 7})
    density = fit(table, groups=7)
    assert density.training["groups"] == {"column": "7", "number": 18}
    assert [out.name for out in density.schema.left_out] == ["7"]


def test_without_groups_a_record_says_so():
    assert fit(orders().select("x", "label")).training["groups"] is None


def test_rows_held_out_are_found_again():
    density = fit(orders(), groups="customer", seed=3)
    held = rows_held_out(N, density.training, Groups.of("customer", read_table(orders())))
    assert sorted(held) == sorted(rows_of(data_of(orders(), "customer", seed=3).valid.x))


def with_holes():
    names = NAMES.tolist()
    names[4] = names[8] = None
    return orders().with_columns(pl.Series("customer", names))


@pytest.mark.parametrize(
    ("table", "groups", "error", "message"),
    [
        (
            orders(),
            "custmer",
            SchemaError,
            "the table: groups: column 'custmer' is unknown; choose one of 'customer', 'label', 'x'"
            " (nearest: 'customer')",
        ),
        (
            orders(),
            KEY[:-1],
            ShapeError,
            "groups has shape (89,); the table has 90 rows: pass (90,) keys, or the name of a "
            "column",
        ),
        (
            with_holes(),
            "customer",
            SchemaError,
            "the table: column 'customer' of the groups is empty at row 4, and in 1 other row(s); "
            "give each row a key, or drop these rows",
        ),
        (
            orders(),
            [None, *NAMES[1:]],
            SchemaError,
            "groups: there is no key at row 0; give each row a key, or drop these rows",
        ),
        (
            orders(),
            ["one"] * N,
            SchemaError,
            "groups: all 90 rows are of one group, so that none can be held out for validation; "
            "pass a column with at least two groups, or leave groups out",
        ),
        (
            orders(),
            [[1]] * N,
            ShapeError,
            "groups: a key is no single value: unhashable type: 'list'; pass text or numbers",
        ),
    ],
)
def test_wrong_groups_are_refused_before_training(table, groups, error, message):
    with pytest.raises(error) as caught:
        fit(table, groups=groups)
    assert str(caught.value) == message


def test_validation_rows_share_no_group_with_the_table(tmp_path):
    train, valid = orders().filter(KEY > 3), orders().filter(KEY <= 3)
    density = fit(train, valid=valid, groups="customer")
    assert density.training["valid_rows"] == 20
    with pytest.raises(SchemaError) as caught:
        fit(train, valid=orders().filter(KEY <= 4), groups="customer")
    assert str(caught.value) == (
        "the validation table: the group of row 4 in column 'customer' also has training rows; "
        "drop its rows from one of both, or leave valid out"
    )
    orders().filter(KEY <= 4).write_csv(tmp_path / "valid.csv")  # a file's keys are text
    with pytest.raises(SchemaError, match=r"the group of row 4 .*also has training rows"):
        fit(train, valid=tmp_path / "valid.csv", groups="customer")
    with pytest.raises(SchemaError, match="an array has no keys for the rows of valid"):
        fit(train, valid=valid, groups=KEY[KEY > 3])


def test_a_finished_run_has_the_same_groups(tmp_path):
    path = tmp_path / "m.chainrule"
    fit(orders(), groups="customer").save(path)
    assert fit(orders(), groups="customer", finished=path).training["seed"] == 0
    with pytest.raises(ChainruleError, match="is finished, but of another run, with another gr"):
        fit(orders(), groups=KEY, kinds={"customer": "leave out"}, finished=path)
