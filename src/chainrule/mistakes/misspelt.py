"""A label with a typing mistake."""

from __future__ import annotations

import math

import numpy as np
from typing_extensions import override

from chainrule.mistakes.base import AbstractUndo, Form

LETTERS = 26  # that may stand in a wrong place
SECOND = 0.1  # share of labels with two mistakes
LONGEST = 64  # characters; longer labels are not compared
LEAST_LENGTH = 3  # of a label with two mistakes, for each mistake


class Misspelt(AbstractUndo):
    """One or two characters of a listed label are left out, added, replaced or transposed.

    A label of L characters has 54 L + 25 single mistakes, all equally likely. Two mistakes are a
    tenth as frequent. A label in other capitals counts as one mistake.
    """

    name = "misspelt"
    holds = ("labels",)
    rate = 0.005

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"{found} is {suggested}, misspelt"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        originals = np.full((len(values), len(form.levels)), None, dtype=object)
        log_share = np.full(originals.shape, -np.inf)
        listed = set(form.levels)
        for row, value in enumerate(values.tolist()):
            if not isinstance(value, str) or value in listed:
                continue
            for column, level in enumerate(form.levels):
                if (distance := _mistakes(value, level)) is not None:
                    originals[row, column] = level
                    log_share[row, column] = _log_share(distance, level)
        return originals, log_share

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        """Some of the results: characters left out, transposed, or replaced by "x"."""
        assert isinstance(value, str)
        places = range(len(value))
        found = {value[:k] + value[k + 1 :] for k in places}
        found |= {value[:k] + "x" + value[k + 1 :] for k in places}
        found |= {value[:k] + value[k + 1] + value[k] + value[k + 2 :] for k in places[:-1]}
        return {v: math.exp(_log_share(1, value)) for v in found - set(form.levels)}


def _log_share(mistakes: int, level: str) -> float:
    single = math.log(2 * (LETTERS + 1) * len(level) + LETTERS - 1)
    return math.log1p(-SECOND) - single if mistakes == 1 else math.log(SECOND) - 2 * single


def _mistakes(value: str, level: str) -> int | None:
    """How many mistakes make a label from a listed one: 1 or 2, None if more."""
    most = 2 if min(len(value), len(level)) >= 2 * LEAST_LENGTH else 1
    if abs(len(value) - len(level)) > most or max(len(value), len(level)) > LONGEST:
        return None
    distance = max(edit_distance(value.casefold(), level.casefold(), most), 1)
    return distance if distance <= most else None


def edit_distance(first: str, second: str, most: int) -> int:
    """Characters to leave out, add, replace, or transpose with a neighbour; most + 1 if more.

    >>> edit_distance("hospital", "hopsital", 2), edit_distance("abc", "xyz", 2)
    (1, 3)
    """
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(before) >= most:
            return most + 1
    return min(row[-1], most + 1)
