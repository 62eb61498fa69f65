"""Tasks over many cells give the answers of one cell at a time, and show how many are done."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from helpers.quick import fit
from helpers.some_tables import mixed

from chainrule.tasks import each_cell as module
from chainrule.tasks.answer import chunks
from chainrule.tasks.conditional import distribution_of, level_probabilities, quantiles_of
from chainrule.tasks.each_cell import Quantiles, each_cell
from chainrule.tasks.explain import tail_bits
from chainrule.tasks.impute import guessed


@pytest.fixture(scope="module", params=["unknown", "informative"])
def density(request):
    return fit(mixed(300, holes=0.15), missing=request.param)


@pytest.fixture(scope="module")
def rows(density):
    """Rows with unknown cells, and one cell that its column cannot hold."""
    table = mixed(40, seed=5, holes=0.2).astype({"height": object})
    table.loc[3, "height"] = "tall"
    with pytest.warns(UserWarning, match="1 cell holds no value of the column, such as 'tall'"):
        (chunk,) = chunks(density.model, table, whole=True)
    assert chunk.rows.codes.outside.sum() == 1
    return chunk.rows


def assert_agree(found, want):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(want))
    np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-10)


def test_every_cell_is_answered_as_if_it_were_asked_alone(rows):
    columns, everything = rows.model.schema.columns, np.ones(rows.codes.values.shape, dtype=bool)
    found, numbers = np.full(everything.shape, np.nan), np.full((2, *everything.shape), np.nan)

    def keep(row, column, values):
        numbers[:, row, column] = values.T

    ends = Quantiles((0.2, 0.7), keep)

    def of(row, column, distribution):
        if columns[column[0]].has_levels:
            values = distribution.conditional.support()
            grid = torch.tensor(values, dtype=torch.float64).expand(len(row), -1)
            found[row, column] = distribution.log_prob_grid(grid)[:, 0]
        else:
            found[row, column] = distribution.mean()
            ends(row, column, distribution)

    each_cell(rows, everything, of, "asking")
    ends.flush()
    for k, column in enumerate(columns):
        distribution = distribution_of(rows, k)
        if column.has_levels:
            values = distribution.conditional.support()
            grid = torch.tensor(values, dtype=torch.float64).expand(len(rows), -1)
            assert_agree(found[:, k], distribution.log_prob_grid(grid)[:, 0].numpy())
        else:
            assert_agree(found[:, k], distribution.mean().numpy())
            assert_agree(numbers[:, :, k].T, quantiles_of(rows, k, (0.2, 0.7)))


def mean_of(column, distribution):
    """Codes (N,) of the means: of the masses between ends, if the column names some."""
    if column.mean_bins() is None:
        return distribution.mean().numpy()
    ends, middles = column.mean_bins()
    cdf = [
        distribution.cdf(distribution.params.new_full((len(distribution.params),), end))
        for end in ends
    ]
    below = torch.stack([torch.zeros_like(cdf[0]), *cdf, torch.ones_like(cdf[0])], dim=1)
    return column.codes_of_means(below.diff(dim=1).numpy() @ middles)


def test_guesses_are_those_of_single_columns(rows):
    for how in ("best", "mean"):
        fills = guessed(rows, how)
        codes, missing = fills.codes, fills.asked
        for k, column in enumerate(rows.model.schema.columns):
            asked = missing[:, k]
            if column.is_flag:
                continue
            if column.has_levels:
                p = level_probabilities(rows, k)
                want = p[:, : len(column.level_names)].argmax(1)
            elif how == "best":
                want = quantiles_of(rows, k, (0.5,))[:, 0]
            else:
                want = mean_of(column, distribution_of(rows, k))
            assert asked.sum() > 2
            assert_agree(codes[asked, k], want[asked])
            assert_agree(codes[~asked, k], rows.codes.values[~asked, k])


def test_progress_counts_cells(rows, monkeypatch):
    """In steps that are small beside the whole, whatever the number of columns."""
    bars = []

    @contextmanager
    def bar(what, total, **options):
        steps = []
        bars.append((what, total, steps))
        yield steps.append

    monkeypatch.setattr(module, "progress_bar", bar)
    tail_bits(rows)
    ((what, total, steps),) = bars
    assert (what, total) == ("explaining", rows.codes.observed_or_outside.sum())
    assert sum(steps) == total
    assert len(steps) > 3


def test_few_numbers_wait_for_their_quantiles(rows, monkeypatch):
    monkeypatch.setattr(module, "SEARCHED", 50)
    asked = np.zeros(rows.codes.values.shape, dtype=bool)
    for k, column in enumerate(rows.model.schema.columns):
        asked[:, k] = not column.has_levels
    sizes = []
    medians = Quantiles((0.5,), lambda row, column, values: sizes.append(len(values)))
    each_cell(rows, asked, medians, "asking")
    medians.flush()
    medians.flush()
    assert sum(sizes) == asked.sum()
    assert len(sizes) > 1
    assert max(sizes) < 50 + 40 * 3
