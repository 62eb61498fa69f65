"""Accuracy in bins by hand, and golden figures of mostlyai-qa 1.10.11."""

import numpy as np
import pytest

from chainrule.synthetic import bins
from chainrule.synthetic.bins import accuracy, binned, ends_of_bins, label_bins, some_triples
from chainrule.synthetic.tables import tables_of

NAN = np.nan


def test_up_to_ten_different_numbers_have_a_bin_each():
    numbers = np.repeat(np.arange(10.0), 3)
    assert ends_of_bins(numbers).tolist() == list(range(11))
    assert ends_of_bins(np.array([5.0, NAN, 5.0])).tolist() == [5, 6]
    assert ends_of_bins(np.array([NAN])).tolist() == []


def test_more_numbers_have_ten_bins_with_about_equally_many_rows():
    numbers = np.arange(1000.0) ** 2
    ends = ends_of_bins(numbers)
    assert len(ends) == 11
    counts = np.histogram(numbers, ends)[0]
    assert counts.min() >= 99
    assert counts.max() <= 101


def test_a_frequent_number_takes_one_bin_and_the_others_stay_ten():
    rng = np.random.default_rng(0)
    numbers = np.where(rng.random(2000) < 0.9, 0.0, rng.normal(size=2000))
    assert len(ends_of_bins(numbers)) == 11


def test_ends_are_rounded_down_to_the_fewest_decimals():
    numbers = np.repeat([0.123, 0.456, 1.789], 4)
    assert ends_of_bins(numbers).tolist() == pytest.approx([0.1, 0.4, 1.7, 2.789], abs=1e-12)


def test_ten_frequent_labels_have_a_bin_each_and_rare_ones_share_one():
    real = np.repeat(np.arange(12.0), [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 4])
    ours, theirs, size = label_bins(real, np.array([0.0, 10, 11, 99, NAN]))
    assert size == 12
    assert theirs.tolist() == [0, 10, 10, 10, 11]
    assert np.bincount(ours).tolist() == [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 14]


def test_missing_cells_count_as_one_of_the_ten():
    """The tenth label shares a bin with rarer ones if missing cells are more frequent."""
    real = np.concatenate([np.repeat(np.arange(11.0), 6), [NAN] * 7])
    ours, _, size = label_bins(real, real)
    assert size == 11
    assert np.bincount(ours).tolist() == [6] * 9 + [12, 7]


def both(real, made):
    tables = tables_of(real, made, kinds=None)
    return binned(tables.columns, tables.real.values, tables.synthetic.values)


def test_accuracy_is_the_overlap_of_bins():
    real = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], 5, axis=0)
    made = np.array([[0, 0], [0, 0], [1, 1], [1, 1], [1, 1]])
    found = both(real, made)
    assert accuracy(found, (0,)).found == pytest.approx(2 / 5 + 1 / 2)
    assert accuracy(found, (0, 1)).found == pytest.approx(1 / 4 + 1 / 4)
    each = np.sqrt(2 * 0.25 * 0.75 * (1 / 20 + 1 / 5) / np.pi)
    assert accuracy(found, (0, 1)).expected == pytest.approx(1 - 4 * each / 2)


def test_golden_figures_of_mostlyai_qa():
    """``bin_data`` and ``calculate_accuracy`` 1.10.11 of the same numbers, copied by hand."""
    import polars as pl

    n = np.arange(60)

    def table(factor):
        labels = [f"t{value}" for value in n * n * factor % 11]
        return pl.DataFrame({"x": n * n * factor % 37, "y": n * factor % 7, "t": labels})

    found = both(table(3), table(5))
    for columns, (expected, largest) in {
        (0,): (0.61667, 0.78504),
        (1,): (0.96667, 0.82169),
        (2,): (0.98333, 0.83827),
        (0, 2): (0.48333, 0.54423),
        (0, 1, 2): (0.11667, 0.44053),
    }.items():
        assert accuracy(found, columns) == pytest.approx((expected, largest), abs=6e-6)


def test_triples_are_all_or_a_sample_that_a_seed_decides(monkeypatch):
    assert some_triples(4, np.random.default_rng(0)) == [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]
    monkeypatch.setattr(bins, "MOST_TRIPLES", 20)
    one, other = (some_triples(10, np.random.default_rng(5)) for _ in range(2))
    assert one == other
    assert len(set(one)) == 20
    assert all(a < b < c < 10 for a, b, c in one)
