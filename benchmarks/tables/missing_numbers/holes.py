"""Which cells are removed: at random, for values that stay known, or for values that do not.

The definitions are those of ``generate_mask.py`` of DiffPuter, after Muzellec et al. (2020, Missing
data imputation using optimal transport, arXiv 2002.03860). One thing differs: columns are
standardised first, as HyperImpute does. Otherwise the column with the largest numbers decides alone
which cells are missing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

SHARE = 0.3  # of the cells that are removed
INPUTS = 0.3  # the share of the columns that decide about the others
WIDEST = 500.0  # an intercept lies between its negative and this


def holes(values: np.ndarray, mechanism: str, seed: int) -> np.ndarray:
    """The mask (N, D) of the removed cells; none of them is unknown before.

    Args:
        values: (N, D), labels by their numbers, NaN where unknown.
        mechanism: one of ``MECHANISMS``.
        seed: of the draws.
    """
    known = ~np.isnan(values)
    standard = np.zeros(values.shape)
    for k, column in enumerate(values.T):
        there = column[known[:, k]]
        standard[known[:, k], k] = (there - there.mean()) / (there.std() or 1.0)
    number = list(MECHANISMS).index(mechanism)
    return known & MECHANISMS[mechanism](standard, np.random.default_rng([seed, number]))


def _completely_at_random(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each cell has the same probability."""
    return rng.random(values.shape) < SHARE


def _at_random(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some columns keep all cells; the others lose theirs by logistic models of these."""
    decide, lose = _parts(values.shape[1], rng)
    mask = np.zeros(values.shape, bool)
    share = SHARE / (1 - INPUTS)
    mask[:, lose] = _logistic(values[:, decide], len(lose), share, rng)
    return mask


def _not_at_random(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As before, but the columns that decide lose cells, too, at random."""
    decide, lose = _parts(values.shape[1], rng)
    mask = np.zeros(values.shape, bool)
    mask[:, lose] = _logistic(values[:, decide], len(lose), SHARE, rng)
    mask[:, decide] = rng.random((len(values), len(decide))) < SHARE
    return mask


def _parts(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    order = rng.permutation(count)
    inputs = max(int(INPUTS * count), 1)
    return order[:inputs], order[inputs:]


def _logistic(inputs: np.ndarray, count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """(N, count): drawn with log odds that are linear in the inputs, with a variance of one."""
    scores = inputs @ rng.normal(size=(inputs.shape[1], count))
    spread = scores.std(0)
    scores /= np.where(spread > 0, spread, 1.0)
    for column in scores.T:
        column += brentq(_excess, -WIDEST, WIDEST, args=(column.copy(), share))
    return rng.random(scores.shape) < expit(scores)


def _excess(intercept: float, scores: np.ndarray, share: float) -> float:
    return float(expit(scores + intercept).mean()) - share


MECHANISMS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "MCAR": _completely_at_random,
    "MAR": _at_random,
    "MNAR": _not_at_random,
}
