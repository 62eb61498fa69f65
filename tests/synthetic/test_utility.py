"""What models learn from synthetic rows."""

import numpy as np
import polars as pl
import pytest

from chainrule.errors import SchemaError
from chainrule.synthetic.tables import tables_of
from chainrule.synthetic.utility import target_of, utility_of


def rows(n, seed, noise=0.5):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n).round(3), rng.normal(size=n).round(3)
    label = np.where(x + rng.normal(0, noise, n) > 0, "yes", "no")
    y = (2 * z + x + rng.normal(0, noise, n)).round(3)
    return pl.DataFrame({"x": x, "z": z, "label": label, "y": y})


def used(real, made, holdout=None, target=None, kinds=None):
    tables = tables_of(real, made, holdout, kinds=kinds)
    chosen = target_of(tables.columns, tables.real.values, target)
    return utility_of(tables, chosen, 0)


def test_the_target_is_the_last_column_with_few_labels_or_the_last_of_numbers():
    frame = rows(100, 0)
    for drop, name in (([], "label"), (["label"], "y"), (["label", "y"], "z")):
        tables = tables_of(frame.drop(drop), frame, kinds=None)
        assert tables.columns[target_of(tables.columns, tables.real.values, None)].name == name
    tables = tables_of(
        frame.with_columns(flag=pl.lit(True)), frame.with_columns(flag=True), kinds=None
    )
    assert tables.columns[target_of(tables.columns, tables.real.values, None)].name == "label"
    assert tables.columns[target_of(tables.columns, tables.real.values, "x")].name == "x"
    tables = tables_of(frame.select("x"), frame, kinds=None)
    assert target_of(tables.columns, tables.real.values, None) is None


def test_an_unknown_target_is_named():
    frame = rows(100, 0)
    tables = tables_of(frame, frame, kinds=None)
    with pytest.raises(SchemaError) as raised:
        target_of(tables.columns, tables.real.values, "lable")
    assert str(raised.value) == (
        "target: column 'lable' is unknown; choose one of 'label', 'x', 'y', 'z' (nearest: 'label')"
    )


def test_rows_of_one_source_lose_nothing_and_shuffled_ones_all():
    real, made, holdout = (rows(800, seed) for seed in range(3))
    found = used(real, made, holdout)
    assert (found.target, found.measure, found.rows, found.tested) == ("label", "AUC", 800, 800)
    assert found.real > 0.9
    assert abs(found.lost) < 0.02
    shuffled = made.with_columns(pl.col("label").shuffle(seed=1))
    assert used(real, shuffled, holdout).synthetic == pytest.approx(0.5, abs=0.1)


def test_numbers_are_predicted_with_r2():
    real, made = rows(900, 0), rows(900, 1)
    found = used(real, made, target="y")
    assert (found.measure, found.rows, found.tested) == ("R2", 600, 300)
    assert found.real > 0.9
    assert abs(found.lost) < 0.03


def test_a_label_that_no_synthetic_row_has_counts_as_unknown():
    real, holdout = rows(400, 0), rows(400, 1)
    made = rows(400, 2).with_columns(label=pl.lit("yes"))
    assert used(real, made, holdout).synthetic == 0.5
    three = [
        part.with_columns(label=pl.when(pl.col("z") > 1).then(pl.lit("far")).otherwise("label"))
        for part in (real, holdout)
    ]
    found = used(three[0], rows(400, 2), three[1])
    far = float((three[1]["label"] == "far").mean())
    assert found.synthetic < found.real - 0.4 * far


def test_of_thousands_of_labels_the_rare_ones_count_as_one():
    rng = np.random.default_rng(0)

    def towns(n):
        k = np.minimum(rng.geometric(0.3, n), 3000) - 1
        rare = rng.random(n) < 0.2
        k = np.where(rare, rng.integers(100, 3000, n), k)
        return pl.DataFrame({"x": k + rng.normal(0, 0.3, n), "town": [f"t{each}" for each in k]})

    real, made, holdout = towns(700), towns(700), towns(700)
    kinds = {"town": "categorical"}
    tables = tables_of(real, made, holdout, kinds=kinds)
    column = tables.columns[1]
    assert len(column.labels) > 400
    found = used(real, made, holdout, target="town", kinds=kinds)
    assert found.grouped == len(column.labels) - 20
    assert found.real > 0.9
    assert abs(found.lost) < 0.03


def test_labels_are_grouped_if_two_are_too_many():
    for count, grouped in ((21, 0), (22, 2)):
        frame = pl.DataFrame(
            {
                "x": [k % 7 / 2 for k in range(count * 5)],
                "k": [f"l{k % count}" for k in range(count * 5)],
            }
        )
        assert used(frame, frame, target="k").grouped == grouped


def test_few_rows_test_nothing():
    real = rows(30, 0)
    assert used(real[:12], real[12:]) is None
    assert used(real, real[:9], rows(30, 1)) is None
