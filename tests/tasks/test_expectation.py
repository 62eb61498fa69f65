"""Means, quantiles and numbers of rows: those of draws, of weighted draws and of the table."""

import datetime as dt

import numpy as np
import pytest
from helpers.some_tables import mixed
from helpers.untrained import untrained

import chainrule as cr
from chainrule.errors import SchemaError, ShapeError
from chainrule.tasks.asking import measure
from chainrule.tasks.expectation import mean, quantile

DRAWS = 20_000
GIVEN = "height > 173 and town != 'west'"


@pytest.fixture(scope="module")
def density():
    return untrained(mixed(300))


@pytest.mark.parametrize("column", ["gain", "height", "price", "hour", "sex"])
def test_weighted_draws_agree_with_the_pool(density, column, monkeypatch):
    found = mean(density.model, column, given=GIVEN, draws=DRAWS)
    middle = (
        quantile(density.model, column, 0.7, given=GIVEN, draws=DRAWS) if column != "sex" else None
    )
    monkeypatch.setattr(measure, "FEW_GIVEN", DRAWS)
    paths = mean(density.model, column, given=GIVEN, draws=DRAWS)
    assert (found.method, paths.method) == ("pool", "paths")
    assert paths.standard_error < 2 * found.standard_error
    apart = (found.value - paths.value) / (
        dt.timedelta(days=1) if isinstance(found.value, dt.datetime) else 1.0
    )
    assert abs(apart) < 4.5 * np.hypot(found.standard_error, paths.standard_error)
    assert found.low < found.value < found.high
    if middle is not None:
        other = quantile(density.model, column, 0.7, given=GIVEN, draws=DRAWS)
        assert other.low <= middle.high
        assert middle.low <= other.high
        assert middle.low <= middle.value <= middle.high
        assert type(middle.value) is type(other.value)


def test_quantiles_are_values_that_share_reaches(density):
    found = quantile(density.model, "price", 0.3, draws=DRAWS).value
    at, below = density.probability([f"price <= {found}", f"price < {found}"], draws=DRAWS)
    assert below.value < 0.3 <= at.value


def test_rows_to_expect_are_a_multiple_of_the_probability(density):
    found = density.expected_rows(GIVEN, 500, draws=DRAWS)
    p = density.probability(GIVEN, draws=DRAWS)
    assert found.value == pytest.approx(500 * p.value)
    assert (found.low, found.high) == pytest.approx([500 * end for end in p.interval()])


def test_missing_cells_do_not_count():
    frame = mixed(600, holes=0.3)[["sex", "gain"]]
    config = cr.FitConfig(hidden_size=16, epochs=60)
    density = cr.fit(frame, seed=0, config=config, missing="informative", verbose=False)
    assert density.mean("sex", draws=DRAWS).value == pytest.approx(frame.sex.mean(), abs=0.05)
    assert density.mean("gain", draws=DRAWS).value == pytest.approx(frame.gain.mean(), abs=3)
    share = (frame.gain > 0).sum() / frame.gain.notna().sum()
    given = density.probability("gain > 0", given="gain is not null", draws=DRAWS)
    assert given.value == pytest.approx(share, abs=0.05)


def test_labels_have_no_mean(density):
    for ask in (density.mean, lambda column: density.quantile(column, 0.5)):
        with pytest.raises(SchemaError, match=r"labels, which have no .* town == 'south'"):
            ask("town")
    with pytest.raises(SchemaError, match="nearest: 'price'"):
        density.mean("prize")
    with pytest.raises(ShapeError, match="pass numbers above 0 and below 1"):
        density.quantile("price", 1.0)


def test_a_scorer_answers_as_the_density_does(density):
    scorer = density.scorer()
    for name in ("mean", "quantile", "expected_rows"):
        arguments = {"mean": ("gain",), "quantile": ("gain", 0.5), "expected_rows": ("sex", 10)}[
            name
        ]
        one, other = (getattr(each, name)(*arguments, draws=DRAWS) for each in (scorer, density))
        assert one.value == pytest.approx(other.value, rel=1e-6)
