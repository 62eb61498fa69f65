"""Rates of mistakes, learned from a table: what few cells say of a rare kind."""

import numpy as np

from chainrule.mistakes import MISTAKES
from chainrule.tasks.proofreading.rates import learned_rates, prior_rates
from chainrule.tasks.proofreading.suspects import Suspects
from chainrule.tasks.proofreading.written import USUAL

CELLS = 400
UNIT = [mistake.name for mistake in MISTAKES].index("unit")


def suspects_of_unit(ratios):
    """Cells of one column that another unit makes so many times more likely."""
    count, kinds = len(ratios), len(MISTAKES)
    log_ratio = np.full((count, kinds), -np.inf)
    log_ratio[:, UNIT] = np.log(ratios)
    nothing = np.full((count, kinds), np.nan)
    return Suspects(
        np.arange(count), np.zeros(count, np.int64), log_ratio, nothing, nothing,
        np.full(count, USUAL),
    )  # fmt: skip


def learned(ratios):
    return learned_rates(suspects_of_unit(ratios), np.full(len(MISTAKES), CELLS), np.array([CELLS]))


def test_a_doubtful_mistake_of_a_rare_kind_makes_itself_no_likelier():
    suspects = suspects_of_unit([1000.0])
    (odds,) = learned([1000.0]).log_odds(suspects)[:, UNIT]
    assert odds < np.log(0.2)


def test_many_sure_mistakes_of_a_rare_kind_raise_its_rate():
    assert learned([1e6] * 40).of_kinds[UNIT] > 20 * prior_rates()[UNIT]


def test_without_suspects_the_rates_are_those_expected():
    assert learned([]).of_kinds.tolist() == prior_rates().tolist()
