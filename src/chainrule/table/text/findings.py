"""What is found out about a column of text: a notation, or a doubt which one it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from shlex import quote
from typing import Any

import numpy as np

from chainrule.table.text.notation import Notation

MOSTLY = 0.8  # least share of known cells in one notation that makes the others mistakes
# So few different words among so many different numbers stand for missing cells.
FEW_WORDS, MANY_NUMBERS = 3, 20


@dataclass(frozen=True)
class Found:
    """A notation that reads most cells of a column.

    Attributes:
        notation: the notation; None means plain numbers, except for the strays.
        strays: cells that it does not read.
        unmarked: cells that count as numbers of a unit, which stands behind most others.
    """

    notation: Notation | None
    strays: tuple[str, ...] = ()
    unmarked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Doubt:
    """Why cells that look like numbers or dates are not read, and which option reads them.

    Attributes:
        reason: the explanation, with the option.
        readings: number of notations that read most cells, each differently.
    """

    reason: str
    readings: int = 0


def but_for(
    name: str, what: str, cells: Any, weight: np.ndarray, read: np.ndarray, min_count: int
) -> str:
    """The reason for numbers or dates among which a few words stand for missing cells.

    It names words of at least ``min_count`` cells.
    """
    words = [
        cell
        for cell, count, is_read in zip(cells.to_list(), weight, read, strict=True)
        if count >= min_count and not is_read
    ]
    return (
        f"{what} but for {int(weight[~read].sum())} cells such as {listed(words)}, which count as "
        f"missing by na_values={{{name!r}: {words!r}}} (--na-values "
        f"{quote(name + '=' + ','.join(words))})"
    )


def listed(words: Iterable[str]) -> str:
    """Words in quotes, joined by "and"."""
    return " and ".join(map(repr, words))
