"""Columns that are nearly linear in others are filled as well as by least squares."""

import itertools

import numpy as np
import polars as pl
import pytest
import torch

import chainrule as cr
from chainrule.conditionals import DiscretizedLogisticMixture, GaussianMixture
from chainrule.model import columns_of
from chainrule.networks import LinearPrediction
from chainrule.table import encode, infer_schema, read_table
from chainrule.training.linear import LEAST_FLOOR, with_linear_relations

NOISE = 0.05
EXCESS = 1.05  # of the error of least squares


def collinear(n, seed):
    """c = a + 2 b and noise; d has nothing to do with them."""
    generator = np.random.default_rng(seed)
    a, b, d = generator.normal(size=(3, n))
    return pl.DataFrame({"a": a, "b": b, "c": a + 2 * b + NOISE * generator.normal(size=n), "d": d})


def skewed(n, seed):
    """Columns on logarithmic scales whose values, not logarithms, are linear: y = 3 x + noise."""
    generator = np.random.default_rng(seed)
    x = np.exp(generator.normal(size=n) * 0.8)
    return pl.DataFrame(
        {
            "x": x,
            "y": 3 * x + 1 + NOISE * generator.normal(size=n),
            "z": generator.normal(size=n),
        }
    )


def error_ratios(density, train, test):
    """For each column and set of known columns, the error of medians over that of least squares.

    Both predict rows within the range of the training rows, from the same known cells.
    """
    names, ratios = train.columns, {}
    inside = np.all(
        [test[k].is_between(train[k].min(), train[k].max()).to_numpy() for k in names], axis=0
    )
    test = test.filter(pl.Series(inside))
    for target in names:
        others = [name for name in names if name != target]
        for size in range(len(others) + 1):
            for known in itertools.combinations(others, size):
                design = [
                    np.column_stack([np.ones(len(table)), *(table[k] for k in known)])
                    for table in (train, test)
                ]
                weights = np.linalg.lstsq(design[0], train[target].to_numpy(), rcond=None)[0]
                hidden = test.with_columns(
                    pl.lit(None, pl.Float64).alias(k) for k in names if k not in known
                )
                filled = density.impute(hidden, how="mean")[target].to_numpy()
                truth = test[target].to_numpy()
                found, best = filled - truth, design[1] @ weights - truth
                ratios[target, known] = np.sqrt((found**2).mean() / (best**2).mean())
    return ratios


@pytest.fixture(scope="module")
def density():
    return cr.fit(collinear(1000, 0), effort="quick", seed=0, verbose=False)


def test_three_collinear_columns_are_filled_as_by_least_squares_from_every_subset(density):
    ratios = error_ratios(density, collinear(1000, 0), collinear(1000, 1))
    assert len(ratios) == 32
    assert {key: ratio for key, ratio in ratios.items() if ratio > EXCESS} == {}


def test_a_column_that_is_linear_in_values_not_logarithms_is_filled_as_well():
    train = skewed(1000, 0)
    density = cr.fit(train, effort="quick", seed=0, verbose=False)
    assert all("log scale" in column.reason for column in density.schema.columns[:2])
    ratios = error_ratios(density, train, skewed(1000, 1))
    assert {key: ratio for key, ratio in ratios.items() if ratio > EXCESS} == {}


def test_a_file_keeps_the_relation_to_the_bit(density, tmp_path):
    density.save(tmp_path / "model")
    again = cr.load(tmp_path / "model")
    (relation,) = again.model.network.columns.relations
    assert isinstance(relation, LinearPrediction)
    assert relation.columns == (0, 1, 2)
    assert again.model.network.columns == density.model.network.columns
    table = collinear(50, 2)
    assert np.array_equal(again.log_prob(table), density.log_prob(table))


def related(table, **options):
    """The columns of a table without and with its relations."""
    schema = infer_schema(read_table(table))
    encoded = encode(read_table(table), schema)
    columns = columns_of(schema)
    x, observed = torch.from_numpy(encoded.values), torch.from_numpy(encoded.observed)
    x = columns.filled(x, observed).float()
    options = {"min_count": 5} | options
    return columns, with_linear_relations(columns, schema, x, observed, **options)


def test_tables_without_sharp_relations_stay_as_they_are():
    generator = np.random.default_rng(0)
    a = generator.normal(size=900)
    loose = {"a": a, "b": a + generator.normal(size=900), "c": generator.choice(["u", "v"], 900)}
    columns, found = related(pl.DataFrame(loose))
    assert found is columns


def test_few_rows_and_few_heavy_rows_have_no_relations():
    columns, found = related(collinear(150, 0))
    assert found is columns
    weight = torch.ones(1000)
    weight[:9] = 1e6
    columns, found = related(collinear(1000, 0), weight=weight)
    assert found is columns
    columns, found = related(collinear(1000, 0), min_count=1001)
    assert found is columns
    assert related(collinear(1000, 0), weight=torch.ones(1000))[1].relations


def test_a_relation_is_found_in_rows_of_which_some_cells_are_missing():
    """Cells of c are missing where b is large: means of the other rows would be biased."""
    table = collinear(4000, 3).with_columns(
        pl.when(pl.col("b") + pl.col("d") > 0.5).then(None).otherwise(pl.col("c")).alias("c")
    )
    _, found = related(table)
    (relation,) = found.relations
    feature, column = relation.forms[0].features[2], infer_schema(read_table(table)).columns[2]
    assert abs(column.center + column.spread * feature.mean) < 0.1  # the mean of all rows is 0
    assert abs(column.spread * feature.deviation - 5**0.5) < 0.1


def test_floors_of_scales_follow_the_grid():
    generator = np.random.default_rng(0)
    a, b = np.round(generator.normal(size=(2, 3000)) * 1000)
    table = {"a": a, "b": b, "c": a + b + np.round(3 * generator.normal(size=3000))}
    _, found = related(pl.DataFrame(table).cast(pl.Int64))
    assert len(found.relations) == 1
    for each in found.conditionals:
        assert isinstance(each, DiscretizedLogisticMixture)
        assert abs(each.least_scale * each.spread - 0.1) < 1e-9  # a tenth of a step
        assert each.least_scale > LEAST_FLOOR


def test_what_is_no_mixture_of_numbers_is_no_target():
    """A copy as a 0/1 column helps to predict, but a bit has no scale."""
    generator = np.random.default_rng(0)
    bit, a = generator.integers(0, 2, 2000), generator.normal(size=2000)
    table = {"bit": bit, "a": a, "c": a + 4 * bit + NOISE * generator.normal(size=2000)}
    columns, found = related(pl.DataFrame(table))
    (relation,) = found.relations
    assert relation.columns == (1, 2)
    assert relation.forms[0].columns == (0, 1, 2)
    assert found.conditionals[0] == columns.conditionals[0]
    assert isinstance(found.conditionals[1], GaussianMixture)


def test_columns_that_a_tie_computes_are_no_targets():
    generator = np.random.default_rng(0)
    a, b = generator.integers(100, 9999, (2, 1500))
    near = (a + b) * 0.01 + generator.normal(size=1500)
    table = pl.DataFrame({"a": a, "b": b, "sum": a + b, "near": near})
    assert infer_schema(read_table(table)).ties
    columns, found = related(table)
    (relation,) = (each for each in found.relations if isinstance(each, LinearPrediction))
    assert relation.columns == (3,)
    assert found.conditionals[:3] == columns.conditionals[:3]
