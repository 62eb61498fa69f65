"""Distances by hand, and golden figures of SDMetrics 0.32.0."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, pearsonr
from scipy.stats.contingency import association, crosstab

from chainrule.synthetic.distances import (
    contingency_similarity,
    correlation,
    correlation_similarity,
    cramers_v,
    in_bins,
    ks_complement,
    tv_complement,
)

NONE = np.full(3, np.nan)


def test_ks_complement_is_one_minus_the_largest_distance_of_the_shares():
    real, made = np.array([1.0, 2, 2, 9, np.nan]), np.array([2.0, 3, 9, 9, 9])
    assert ks_complement(real, made) == pytest.approx(1 - (3 / 4 - 1 / 5))
    assert ks_complement(real, real) == 1
    assert ks_complement(real, real + 100) == 0
    assert np.isnan(ks_complement(NONE, real))
    assert np.isnan(ks_complement(real, NONE))


def test_ks_complement_is_that_of_scipy():
    rng = np.random.default_rng(0)
    real, made = rng.poisson(3, 500).astype(float), rng.poisson(4, 700).astype(float)
    assert ks_complement(real, made) == pytest.approx(1 - ks_2samp(real, made).statistic, abs=1e-12)


def test_tv_complement_is_the_overlap_of_shares():
    real, made = np.array([0.0, 0, 0, 1, np.nan]), np.array([0.0, 1, 1, 2])
    assert tv_complement(real, made) == pytest.approx(1 / 4 + 1 / 4)
    assert np.isnan(tv_complement(real, NONE))


def test_correlation_is_pearsons_and_ignores_rows_with_a_missing_cell():
    rng = np.random.default_rng(1)
    pair = rng.normal(size=(200, 2)) @ np.array([[1, 1.7], [0, 1]]) + 1e6
    assert correlation(pair) == pytest.approx(pearsonr(*pair.T).statistic, abs=1e-9)
    holes = np.vstack([pair, [[np.nan, 0], [0, np.nan]]])
    assert correlation(holes) == correlation(pair)
    assert np.isnan(correlation(np.array([[1.1, 0], [1.1, 1], [1.1, 2]])))
    assert np.isnan(correlation_similarity(np.ones((4, 2)), pair)[0])
    assert correlation_similarity(pair, pair) == (1.0, True)


def test_contingency_counts_missing_cells_as_a_value():
    real = np.array([[0.0, 0], [0, 0], [1, 1], [1, np.nan]])
    made = np.array([[0.0, 0], [1, 1], [1, 1], [1, 1]])
    assert contingency_similarity(real, made)[0] == pytest.approx(1 / 4 + 1 / 4)


def test_contingency_of_many_levels_is_that_of_few():
    """Pairs are numbered one by one if most of the possible ones do not occur."""
    rng = np.random.default_rng(2)
    real, made = (rng.integers(0, 3, (300, 2)).astype(float) for _ in range(2))
    far = np.array([10.0**5, 10.0**5])
    assert contingency_similarity(real * far, made * far) == contingency_similarity(real, made)


def test_cramers_v_is_that_of_scipy():
    rng = np.random.default_rng(3)
    pairs = rng.integers(0, 4, (500, 2))
    pairs[:, 1] = np.where(rng.random(500) < 0.4, pairs[:, 0], pairs[:, 1]) % 3
    table = crosstab(*pairs.T).count
    assert cramers_v(pairs) == pytest.approx(association(table, method="cramer"), abs=1e-12)
    assert cramers_v(np.zeros((5, 2), dtype=int)) == 0


def test_columns_are_associated_from_the_thresholds_of_sdmetrics_on():
    up = np.linspace(-1, 1, 201)
    for weight, expected in ((0.45, False), (0.55, True), (-0.55, True)):
        even = (up**2 - (up**2).mean()) / (up**2).std()
        pair = np.stack([up, weight * up / up.std() + np.sqrt(1 - weight**2) * even], axis=1)
        assert correlation(pair) == pytest.approx(weight)
        assert correlation_similarity(pair, pair)[1] == expected
    for equal, expected in ((64, False), (66, True)):  # Cramér's V of .28 and .32
        counts = [equal, 100 - equal, 100 - equal, equal]
        pairs = np.repeat([[0.0, 0], [0, 1], [1, 0], [1, 1]], counts, axis=0)
        assert contingency_similarity(pairs, pairs)[1] == expected


def test_bins_are_those_of_each_table_and_the_largest_has_its_own():
    numbers = np.array([0.0, 0.99, 1, 9.99, 10, np.nan])
    assert in_bins(numbers).tolist() == [1, 1, 2, 10, 11, 11]
    assert in_bins(NONE).tolist() == [0, 0, 0]
    edges = np.histogram_bin_edges([3.0, 3.0], bins=10)
    assert in_bins(np.array([3.0, 3, np.nan])).tolist() == [*np.digitize([3.0, 3], edges), 11]
    assert in_bins(np.array([1e300, 1e300])).tolist() == [6, 6]
    assert in_bins(np.array([-1e308, 1e308])).tolist() == [6, 6]


def test_golden_figures_of_sdmetrics():
    """KSComplement, TVComplement, CorrelationSimilarity and ContingencySimilarity 0.32.0.

    They are the answers of ``compute`` for these numbers, copied by hand.
    """
    k = np.arange(40.0)
    real, made = k * k % 17, k * k % 13
    assert ks_complement(real, made) == pytest.approx(GOLDEN["ks"], abs=1e-12)
    assert tv_complement(k % 3, k % 5) == pytest.approx(GOLDEN["tv"], abs=1e-7)  # it adds 1e-6
    pairs = np.stack([k, real], axis=1), np.stack([k, made], axis=1)
    found = correlation_similarity(*pairs)[0]
    assert found == pytest.approx(GOLDEN["correlation"], abs=1e-12)
    pairs = np.stack([k % 3, k % 2], axis=1), np.stack([k % 5, k % 2], axis=1)
    found = contingency_similarity(*pairs)[0]
    assert found == pytest.approx(GOLDEN["contingency"], abs=1e-12)


GOLDEN = {
    "ks": 0.675,
    "tv": 0.6000000499999975,
    "correlation": 0.9978939002340396,
    "contingency": 0.6000000000000001,
}
