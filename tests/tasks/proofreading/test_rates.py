"""Rates of mistakes, learned from a table: what few cells say of a rare kind."""

import numpy as np

from chainrule.mistakes import MISTAKES
from chainrule.tasks.proofreading.rates import MOST_OF_COLUMN, learned_rates, prior_rates
from chainrule.tasks.proofreading.suspects import Suspects
from chainrule.tasks.proofreading.written import USUAL

CELLS = 400
UNIT = [mistake.name for mistake in MISTAKES].index("unit")


def suspects_of_unit(ratios, columns=None):
    """Cells that another unit makes so many times more likely; by default of one column."""
    count, kinds = len(ratios), len(MISTAKES)
    log_ratio = np.full((count, kinds), -np.inf)
    log_ratio[:, UNIT] = np.log(ratios)
    nothing = np.full((count, kinds), np.nan)
    return Suspects(
        np.arange(count), np.zeros(count, np.int64) if columns is None else np.array(columns),
        log_ratio, nothing, nothing, np.full(count, USUAL),
    )  # fmt: skip


def learned(ratios, columns=None, width=1):
    can = np.ones((width, len(MISTAKES)), dtype=bool)
    return learned_rates(suspects_of_unit(ratios, columns), can, np.full(width, CELLS))


def test_a_doubtful_mistake_of_a_rare_kind_makes_itself_no_likelier():
    suspects = suspects_of_unit([1000.0])
    (odds,) = learned([1000.0]).log_odds(suspects)[:, UNIT]
    assert odds < np.log(0.2)


def test_many_sure_mistakes_of_a_rare_kind_raise_its_rate():
    assert learned([1e6] * 40).of_kinds[UNIT] > 20 * prior_rates()[UNIT]


def test_without_suspects_the_rates_are_those_expected():
    assert learned([]).of_kinds.tolist() == prior_rates().tolist()
    assert learned([], width=2).of_columns.tolist() == [prior_rates().tolist()] * 2


def test_a_dirty_column_makes_no_cell_of_a_clean_one_suspect():
    """Of two equally odd cells, that of the dirty column is more often wrong."""
    columns = [0] * 80 + [0, 1]
    ratios = [1e6] * 80 + [30.0] * 2
    dirty, clean = learned(ratios, columns, width=5).log_odds(suspects_of_unit(ratios, columns))[
        80:, UNIT
    ]
    assert dirty > 0
    assert clean < np.log(0.5)
    assert dirty - clean > 1


def test_rates_of_columns_with_few_mistakes_are_nearly_those_of_all():
    columns = [0, 1, 1, 2, 3, 3, 4]
    rates = learned([1e6] * len(columns), columns, width=5)
    of_columns, of_all = rates.of_columns[:, UNIT], rates.of_kinds[UNIT]
    assert (of_columns / of_all).max() < 1.5
    assert (of_columns / of_all).min() > 0.7
    assert of_columns[[1, 3]].min() > of_columns[[0, 2, 4]].max()


def test_rates_of_a_column_whose_cells_are_all_wrong_leave_some_right():
    rates = learned([1e9] * CELLS)
    assert rates.of_columns[0, UNIT] == MOST_OF_COLUMN
    assert rates.of_columns.sum() < 0.1
    assert rates.log_odds(suspects_of_unit([1e9]))[0, UNIT] > 10


def test_a_kind_that_explains_many_cells_a_little_better_makes_no_findings_of_them():
    """The model's conditional is too narrow there; only the sure mistakes are some."""
    ratios = [1e6] * 40 + [10.0] * 300
    odds = learned(ratios).log_odds(suspects_of_unit(ratios))[:, UNIT]
    assert odds[:40].min() > 5
    assert odds[40:].max() < 0
