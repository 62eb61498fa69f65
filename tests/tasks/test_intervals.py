"""Levels of intervals: by hand, from held-out rows, in files, and in what impute returns."""

import numpy as np
import polars as pl
import pytest
import torch

import chainrule as cr
from chainrule import tasks
from chainrule.errors import FormatError
from chainrule.missing import is_flag
from chainrule.table import encode, read_table
from chainrule.tasks import intervals
from chainrule.tasks.answer import Batch
from chainrule.tasks.intervals import PRIOR, SHARES, IntervalLevels, fit_intervals, levels_of


def rows(n, seed, noise=1.0):
    """A number, another near it, and a label that says its sign."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = x + noise * rng.normal(size=n)
    return pl.DataFrame({"x": x.round(3), "y": y.round(3), "sign": np.where(x > 0, "+", "-")})


@pytest.fixture(scope="module")
def density():
    return cr.fit(rows(1500, 0), effort="quick", seed=0, verbose=False)


def codes_of(density, frame):
    return encode(read_table(frame), density.schema, warn=False)


def test_right_ranks_ask_for_the_shares_themselves():
    even = (np.arange(20_000) + 0.5) / 20_000
    assert levels_of(even, 5) == pytest.approx(SHARES, abs=2e-3)
    rng = np.random.default_rng(0)
    for size, around in ((300, 50), (300, 20), (100, 5)):
        found = np.mean([levels_of(rng.uniform(size=size), around) for _ in range(300)], axis=0)
        assert found == pytest.approx(SHARES, abs=3e-3)


def test_ranks_of_too_narrow_distributions_ask_for_more_but_few_cells_for_little_more():
    edges = np.random.default_rng(0).beta(0.5, 0.5, 20_000)
    wide = np.array(levels_of(edges, 5))
    exact = np.sin(np.pi / 2 * np.array(SHARES))  # the quantiles of |2u − 1| of this distribution
    shrunk = (20_000 * exact + PRIOR * np.array(SHARES)) / (20_000 + PRIOR)
    np.testing.assert_allclose(wide, shrunk, atol=5e-3)
    few = np.array(levels_of(edges[:200], 5))
    assert (few < wide)[:4].all()
    assert (few > np.array(SHARES))[:4].all()


def test_no_cell_is_asked_twice_and_a_level_has_the_ranks_of_enough_rows(density, monkeypatch):
    codes, seen = codes_of(density, rows(400, 7)), []
    monkeypatch.setattr(intervals, "levels_of", lambda *given: seen.append(given) or SHARES)
    found = fit_intervals(density.model, codes, min_count=20)
    assert found is not None
    for (ranks, around), cells in zip(seen, found.cells, strict=True):
        assert len(np.unique(ranks)) > 0.99 * len(ranks)
        assert cells == len(ranks) <= 800  # two numbers in each row
        assert 2 * around + 1 >= 20 * 2
    assert fit_intervals(density.model, codes, min_count=300) is None


def test_levels_are_interpolated_between_shares_and_between_hidden_cells():
    levels = IntervalLevels(
        (0.2, 0.4), ((0.5, 0.8, 0.92, 0.95, 0.99), (0.6, 0.8, 0.9, 0.95, 0.99)), (500, 500)
    )
    assert levels(0.5, 0.3) == pytest.approx(0.55)
    assert levels(0.85, 0.0) == pytest.approx(0.86)
    assert levels(0.25, 1.0) == pytest.approx(0.3)
    assert levels(0.995, 0.2) == pytest.approx(0.995)
    assert IntervalLevels.from_json(levels.to_json()) == levels


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": [0.4, 0.2]},
        {"levels": [[0.5, 0.8, 0.7, 0.95, 0.99]] * 2},
        {"levels": [[0.5, 0.8, 0.9, 0.95, 1.0]] * 2},
        {"levels": [[0.5]] * 2},
        {"cells": [1]},
        {"cells": None},
        {"hidden": [], "levels": [], "cells": []},
    ],
)
def test_levels_that_cannot_be_are_refused(change, density, tmp_path):
    good = {"hidden": [0.2, 0.4], "levels": [list(SHARES)] * 2, "cells": [500, 500]}
    with pytest.raises(FormatError, match="levels of intervals"):
        IntervalLevels.from_json({**good, **change})
    record = {**density.training, "intervals": {**good, **change}}
    cr.Density(density.model, record).save(tmp_path / "m.chainrule")
    with pytest.raises(FormatError, match=r"m.chainrule: .*levels of intervals"):
        cr.load(tmp_path / "m.chainrule")


def test_a_fit_keeps_levels_near_the_shares_and_impute_takes_them(density, tmp_path):
    levels = IntervalLevels.from_json(density.training["intervals"])
    assert len(levels.hidden) == len(levels.levels) >= 3
    assert all(abs(levels(0.9, hidden) - 0.9) < 0.06 for hidden in (0.0, 0.3, 0.6))
    holes = rows(50, 1).with_columns(y=None)
    found = density.impute(holes, how="best", interval=0.9)
    exact = tasks.impute(density.model, holes, how="best", interval=0.9, levels=levels)
    assert found.low.equals(exact.low)
    level = levels(0.9, 1 / 3)
    ends = density.conditional(holes, "y", quantiles=((1 - level) / 2, (1 + level) / 2))
    assert ends.to_series(0).equals(found.low["y"].rename(ends.columns[0]))
    assert ends.to_series(1).equals(found.high["y"].rename(ends.columns[1]))
    density.save(tmp_path / "m.chainrule")
    again = cr.load(tmp_path / "m.chainrule").impute(holes, how="best", interval=0.9)
    assert again.high.equals(found.high)


def test_intervals_hold_the_share_where_the_model_is_too_sure(density):
    """Rows whose numbers lie farther apart than the model learned."""
    held_out, other = rows(800, 2, noise=1.6), rows(1500, 3, noise=1.6)
    levels = fit_intervals(density.model, codes_of(density, held_out), min_count=5)
    assert levels is not None
    assert levels(0.9, 0.3) > 0.93
    holes = other.with_columns(y=None)
    shares = []
    for asked in (None, levels):
        _, low, high = tasks.impute(density.model, holes, how="best", interval=0.9, levels=asked)
        inside = (other["y"] >= low["y"]) & (other["y"] <= high["y"])
        shares.append(inside.mean())
    assert shares[0] < 0.82  # of central intervals
    assert shares[0] + 0.05 < shares[1] < 0.93


def test_rows_with_other_shares_of_hidden_cells_have_levels_of_their_own(density):
    levels = IntervalLevels((0.3, 0.7), (SHARES, (0.5, 0.8, 0.98, 0.985, 0.99)), (500, 500))
    some = rows(4, 4)
    known, hidden = some.with_columns(y=None), some.with_columns(y=None, sign=None)
    both = pl.concat([known, hidden.cast(known.schema)])
    found = tasks.impute(density.model, both, how="best", interval=0.9, levels=levels)
    apart = [
        tasks.impute(density.model, part, how="best", interval=0.9, levels=levels)
        for part in (known, hidden.cast(known.schema))
    ]
    assert found.low.equals(pl.concat([each.low for each in apart]))
    width = (found.high["y"] - found.low["y"]).to_numpy()
    assert width[4:].min() > width[:4].max()


def test_labels_alone_few_rows_and_networks_of_one_order_have_no_levels(density):
    labels = cr.fit(rows(300, 0).select("sign"), effort="quick", seed=0, verbose=False)
    assert labels.training["intervals"] is None
    codes = codes_of(density, rows(20, 5))
    assert fit_intervals(density.model, codes, min_count=5) is None
    assert (
        fit_intervals(density.model, codes_of(density, rows(300, 5)), min_count=5, cells=9) is None
    )
    options = {"objective": "likelihood", "config": cr.FitConfig(epochs=1)}
    of_one_order = cr.fit(rows(300, 0), seed=0, verbose=False, **options)
    assert of_one_order.training["intervals"] is None
    holes = rows(5, 6).with_columns(sign=None)
    assert of_one_order.model.network is not None
    assert torch.isfinite(torch.tensor(density.log_prob(holes))).all()


def test_flags_of_missing_cells_stay_known_where_cells_are_hidden():
    frame = rows(400, 8).with_columns(
        y=pl.when(pl.int_range(400) % 4 == 0).then(None).otherwise("y")
    )
    config = cr.FitConfig(epochs=1)
    fitted = cr.fit(frame, missing="informative", seed=0, config=config, verbose=False)
    flags = is_flag(fitted.schema)
    batch = Batch.of(fitted.model, codes_of(fitted, frame), progress=False)
    generator = np.random.default_rng(0)
    found = list(intervals._hidden(batch, ~flags, share=0.7, cells=500, generator=generator))
    assert flags.any()
    assert found
    assert all(each.codes.observed[:, flags].all() for each, *_ in found)


def test_ranks_that_are_no_numbers_do_not_end_a_fit(density, monkeypatch):
    exact = intervals._ranks_of

    def broken(*given):
        found = exact(*given)
        found[::7] = np.nan
        return found

    monkeypatch.setattr(intervals, "_ranks_of", broken)
    found = fit_intervals(density.model, codes_of(density, rows(400, 7)), min_count=5)
    assert found is not None
    assert np.isfinite(found.levels).all()
