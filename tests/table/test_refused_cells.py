"""Cells that would lose a part, and too large weights, are refused or counted, never dropped."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import SchemaError, ShapeError
from chainrule.sklearn import DensityEstimator, Imputer, OutlierDetector

TINY = cr.FitConfig(hidden_size=4, epochs=1, members=1)
ROWS = np.random.default_rng(0).normal(size=(60, 2))
PARTS = "complex numbers; pass their real and imaginary parts as columns of their own"


@pytest.fixture(scope="module")
def density():
    return cr.fit(pd.DataFrame(ROWS, columns=["a", "z"]), seed=0, config=TINY, verbose=False)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (ROWS + 0j, f"the array: column 'x0' holds {PARTS}"),
        (ROWS.astype(np.complex64), f"the array: column 'x0' holds {PARTS}"),
        (np.ma.masked_array(ROWS + 1j, ROWS > 1), f"the array: column 'x0' holds {PARTS}"),
        (
            pd.DataFrame({"a": ROWS[:, 0], "z": ROWS[:, 1] * 1j}),
            f"the table: column 'z' holds {PARTS}",
        ),
        (
            pd.DataFrame({"a": ROWS[:, 0], "z": [1j, *ROWS[1:, 1]]}, dtype=object),
            f"column 'z' holds {PARTS}",
        ),
        (
            pd.DataFrame({"z": pd.Series([1 + 0j, *[None] * 59], dtype=object)}),
            f"column 'z' holds {PARTS}",
        ),
        (
            pl.DataFrame({"z": pl.Series([1 + 2j] * 60, dtype=pl.Object)}),
            f"column 'z' holds {PARTS}",
        ),
        (
            np.zeros(9, dtype=[("a", float), ("b", int)]),
            "the array: an array of records of the fields 'a', 'b'; pass a data frame, such as "
            "pandas.DataFrame(array)",
        ),
        (
            np.zeros((9, 2), dtype="V8"),
            "the array: an array of raw bytes; pass a data frame, such as pandas.DataFrame(array)",
        ),
    ],
)
def test_cells_of_several_numbers_are_refused_by_name(table, message):
    with pytest.raises(SchemaError) as error:
        cr.fit(table, config=TINY, verbose=False)
    assert str(error.value) == message


def test_complex_rows_are_not_scored_by_their_real_part(density):
    frame = pd.DataFrame({"a": ROWS[:, 0], "z": ROWS[:, 1] + 1j})
    for ask in (
        density.log_prob,
        density.explain,
        density.impute,
        lambda rows: density.conditional(rows, "a"),
    ):
        with pytest.raises(SchemaError, match="column 'z' holds complex numbers"):
            ask(frame)
    some = pd.DataFrame(
        {"a": [0.5, 0.5], "z": pd.Series([0.25, np.complex128(0.25 + 3j)], dtype=object)}
    )
    with pytest.warns(
        UserWarning, match="column 'z': 1 cell holds no value of the column, such as"
    ):
        plain, odd = density.log_prob(some)
    assert plain == density.log_prob(pd.DataFrame({"a": [0.5], "z": [0.25]}))[0]
    assert odd < plain


@pytest.mark.parametrize(
    "weight",
    [
        np.r_[1e300, np.ones(59)],
        np.r_[np.ones(59), 1e300],
        np.r_[1e300, np.ones(57), 1e300, 0],
        np.r_[1e-320, np.full(59, 1e308)],
        np.r_[2**62, np.ones(59, int)],
    ],
)
@pytest.mark.parametrize("network", ["orderless", "nade"])
def test_rows_that_outweigh_all_others_are_counted_with_a_warning(weight, network):
    """Also where the heaviest row is held out, or is not."""
    light = int(((weight > 0) & (weight < weight.max() * 1e-12)).sum())
    for seed in range(2):
        with pytest.warns(UserWarning, match="row") as caught:
            density = cr.fit(
                ROWS, seed=seed, sample_weight=weight, network=network, config=TINY, verbose=False
            )
        assert str(caught[0].message) == (
            f"sample_weight: {light} row(s) weigh less than 1e-12 of the heaviest, "
            f"{weight.max():g}: beside it they count for nothing; correct the weights, or give "
            "these rows zero"
        )
        assert np.isfinite(density.training["valid_nats"])
        assert density.training["skipped_steps"] == 0
        assert np.isfinite(density.log_prob(ROWS)).all()


@pytest.mark.parametrize("scale", [1e-320, 2.0**-1030, 1e-200, 1e200, 1.7e308])
def test_weights_of_any_size_say_what_their_ratios_say(scale):
    ones = cr.fit(ROWS, seed=0, sample_weight=np.ones(60), config=TINY, verbose=False)
    same = cr.fit(ROWS, seed=0, sample_weight=np.full(60, scale), config=TINY, verbose=False)
    assert np.array_equal(ones.log_prob(ROWS), same.log_prob(ROWS))


@pytest.mark.filterwarnings("ignore:sample_weight")
@pytest.mark.parametrize("first", [1e300, 1e-320, 1.0])
def test_estimators_take_such_weights_too(first):
    weight = np.r_[first, np.full(59, min(first * 1e10, 1e308))]
    for kind in (DensityEstimator, OutlierDetector, Imputer):
        fitted = kind(config=TINY, random_state=0).fit(ROWS, sample_weight=weight)
        assert np.isfinite(fitted.density_.log_prob(ROWS)).all()
        if kind is DensityEstimator:
            nats = fitted.score_samples(ROWS)
            assert fitted.score(ROWS, sample_weight=weight) == pytest.approx(
                np.average(nats, weights=weight / weight.max())
            )


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(60) * 1j, "sample_weight: pass (60,) real numbers; these are complex"),
        (np.zeros(60), "sample_weight: pass finite numbers, zero or more, not all of them zero"),
        (
            np.full(60, np.inf),
            "sample_weight: pass finite numbers, zero or more, not all of them zero",
        ),
        (np.ones(59), "sample_weight has shape (59,); the table has 60 rows: pass (60,)"),
        (["much"] * 60, "sample_weight: pass (60,) numbers, not list"),
    ],
)
def test_weights_that_are_none_are_refused_by_fits_and_scores(weight, message):
    fitted = DensityEstimator(config=TINY, random_state=0).fit(ROWS)
    for ask in (
        lambda: cr.fit(ROWS, sample_weight=weight, config=TINY, verbose=False),
        lambda: fitted.score(ROWS, sample_weight=weight),
        lambda: OutlierDetector(config=TINY).fit(ROWS, sample_weight=weight),
    ):
        with pytest.raises(ShapeError) as error:
            ask()
        assert str(error.value) == message
