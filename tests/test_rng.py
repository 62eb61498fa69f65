"""A row's draws depend on the seed and on the row's number alone."""

import numpy as np
import pytest
import torch
from helpers.registry import ENSEMBLES, OPEN_NETWORKS
from helpers.second_form import second

from chainrule.errors import ShapeError
from chainrule.rng import RowGenerator, generator_from, of_rows, row_source, uniforms

ROWS = 40


def numbered(seed=0, start=0, stop=ROWS, purpose=0):
    return RowGenerator.numbered(seed, start, stop, purpose=purpose)


@pytest.mark.parametrize("columns", [1, 4, 7])
def test_parts_draw_what_the_whole_draws(columns):
    whole = numbered().uniforms(columns)
    parts = [numbered(start=k, stop=k + 10).uniforms(columns) for k in range(0, ROWS, 10)]
    assert (np.concatenate(parts) == whole).all()
    shuffled = np.random.default_rng(0).permutation(ROWS)
    assert (numbered().take(shuffled).uniforms(columns) == whole[shuffled]).all()


def test_some_rows_go_on_where_each_of_them_is():
    generator, alone = numbered(), numbered()
    first, second_draw = alone.uniforms(3), alone.uniforms(3)
    odd = np.arange(ROWS) % 2 == 1
    assert (generator.take(odd).uniforms(3) == first[odd]).all()
    found = generator.uniforms(3)
    assert (found[odd] == second_draw[odd]).all()
    assert (found[~odd] == first[~odd]).all()


def test_seeds_purposes_rows_and_draws_differ():
    draws = [numbered(seed, purpose=purpose).uniforms(6) for seed in (0, 1) for purpose in (0, 1)]
    generator = numbered(2)
    draws += [generator.uniforms(6), generator.uniforms(6)]
    assert len(np.unique(draws)) == 6 * ROWS * 6


def test_uniforms_are_uniform():
    """Counts of 100 bins, of 200,000 draws: χ² with 99 degrees of freedom is below 160 but for
    one seed in 10,000.
    """
    draws = numbered(3, stop=50_000).uniforms(4)
    assert draws.min() >= 0
    assert draws.max() < 1
    counts, _ = np.histogram(draws, 100, (0, 1))
    assert ((counts - 2_000) ** 2 / 2_000).sum() < 160
    correlations = np.corrcoef(draws.T)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(len(draws))


def test_other_generators_draw_as_before():
    generator = generator_from(5)
    assert of_rows(generator, torch.tensor([1])) is generator
    assert row_source(generator, purpose=0)(3, 4) is generator
    expected = torch.rand(2, 3, generator=generator_from(5), dtype=torch.float64)
    assert torch.equal(uniforms(2, 3, generator), expected)


def test_a_source_numbers_rows_and_refuses_what_is_no_seed():
    source = row_source(7, purpose=1, first_row=30)
    expected = numbered(7, stop=60, purpose=1).uniforms(2)
    assert (uniforms(20, 2, source(10, 30)).numpy() == expected[40:60]).all()
    assert not torch.equal(*(uniforms(2, 2, row_source(None, purpose=0)(0, 2)) for _ in range(2)))
    with pytest.raises(ShapeError, match="seed = -1"):
        row_source(-1, purpose=0)


@pytest.mark.parametrize("name", [*OPEN_NETWORKS, *ENSEMBLES])
def test_networks_draw_each_row_by_itself(name):
    """Whichever member draws a row, and whatever rows are drawn beside it."""
    network = {**OPEN_NETWORKS, **ENSEMBLES}[name]().double()
    whole = network.sample(ROWS, generator=numbered())
    rows = np.random.default_rng(1).permutation(ROWS)
    for some in np.array_split(rows, 3):
        drawn = network.sample(len(some), generator=numbered().take(some))
        np.testing.assert_allclose(drawn, whole[some], rtol=1e-9, atol=1e-12)


def test_both_forms_draw_the_same_rows():
    other = second("rng").RowGenerator.numbered(0, 0, ROWS, purpose=0)
    assert (other.uniforms(5) == numbered().uniforms(5)).all()
