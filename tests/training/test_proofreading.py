"""Proofreading with a fit: models do not see the rows that they judge, nor numbers off a grid."""

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.training import proofreading

CONFIG = cr.FitConfig(hidden_size=16, epochs=20)


def dirty():
    """Ages that follow from years of birth: one times ten, one off the grid of whole numbers."""
    born = np.random.default_rng(0).integers(1940, 2000, 150)
    age = (2020 - born).astype(float)
    right = age[[7, 9]].copy()
    age[7] *= 10
    age[9] += 30.3141
    return pl.DataFrame({"born": born, "age": age}), right


@pytest.mark.parametrize("folds", [1, 3])
def test_mistakes_are_found_by_any_number_of_models(folds):
    table, right = dirty()
    found = cr.proofread(table, 0.5, seed=0, folds=folds, config=CONFIG, verbose=False)
    cells = {(each["row"], each["column"]): each for each in found.to_dicts()}
    assert cells[7, "age"]["kind"] == "decimal point"
    assert float(cells[7, "age"]["suggested"]) == right[0]
    assert cells[9, "age"]["low"] <= right[1] <= cells[9, "age"]["high"]


def test_no_model_reads_the_rows_that_it_judges(monkeypatch):
    seen, judged = [], []

    def fitted(table, **options):
        seen.append(table.columns[0].tolist())
        return cr.fit(table, **options)

    def noted(models, table, *, fold, **options):
        judged.append(fold)
        return pl.DataFrame()

    monkeypatch.setattr(proofreading, "fit", fitted)
    monkeypatch.setattr(proofreading, "proofread_by", noted)
    rows = pl.DataFrame({"n": np.arange(60) % 30, "row": np.arange(60.0) / 7})
    cr.proofread(rows.select(pl.col("row"), "n"), seed=0, config=CONFIG, verbose=False)
    assert len(seen) == 5
    for number, values in enumerate(seen):
        of_others = np.flatnonzero(judged[0] != number) / 7
        np.testing.assert_allclose(values, of_others)


def test_numbers_off_the_grid_are_not_fitted(monkeypatch):
    seen = []
    monkeypatch.setattr(
        proofreading, "fit", lambda table, **options: seen.append(table) or cr.fit(table, **options)
    )
    cr.proofread(dirty()[0], seed=0, folds=1, config=CONFIG, verbose=False)
    (table,) = seen
    assert np.flatnonzero(np.isnan(table.columns[1])).tolist() == [9]


def test_the_same_seed_has_the_same_findings():
    table, _ = dirty()
    first, second = (
        cr.proofread(table, 0.5, seed=4, folds=2, config=CONFIG, verbose=False) for _ in range(2)
    )
    assert first.equals(second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fdr": 2}, "fdr = 2: pass the share of false findings to expect, above 0 and at most 1"),
        ({"folds": 0}, "folds = 0: pass a whole number, at least 1"),
    ],
)
def test_wrong_options_are_refused_before_a_fit(options, message):
    with pytest.raises(ChainruleError) as caught:
        cr.proofread(dirty()[0], **options)
    assert str(caught.value) == message
