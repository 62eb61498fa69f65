"""The levels at which intervals of numbers hold the shares that they name.

A network is a little too sure of a cell whose row is nearly known. Held-out rows say how often an
interval of each level holds the number, and the level is chosen that holds the share asked for.
Source: Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World, on conformal
prediction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.errors import FormatError
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.table import Codes
from chainrule.tasks.answer import Batch
from chainrule.tasks.each_cell import each_cell

SEED = 5  # of the cells that are hidden
HIDDEN = (0.0, 0.1, 0.3, 0.7)  # shares of cells that are hidden; of 0 a cell is, one at a time
SHARES = (0.5, 0.8, 0.9, 0.95, 0.99)  # of the numbers that intervals shall hold
CELLS = 8_000  # held-out cells for each share of hidden ones
ALONE = 0.5  # as large a part of them is hidden one at a time, since each needs a pass of its own
FEWEST = 100  # fewer cells say nothing
# Levels are drawn to the shares themselves as if so many cells more were held as they should be.
PRIOR = 300
STEP = 1e-9  # below a code: the probability of what lies before it
DIGITS = 4


# Rows, their codes (n, D), the asked cells (n, D), and the share (n,) of cells hidden from each.
Hidden = tuple[Batch, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class IntervalLevels:
    """The levels that intervals need, by the share of a row's cells that are hidden.

    Attributes:
        hidden: shares of hidden cells, increasing.
        levels: for each of them, the levels for ``SHARES``, increasing.
        cells: how many held-out cells each is from.
    """

    hidden: tuple[float, ...]
    levels: tuple[tuple[float, ...], ...]
    cells: tuple[int, ...]

    def __post_init__(self) -> None:
        found = np.array(self.levels, dtype=np.float64)
        sound = (
            found.shape == (len(self.hidden), len(SHARES))
            and len(self.cells) == len(self.hidden) > 0
            and bool((np.diff(self.hidden) > 0).all())
            and bool((np.diff(found, axis=1) >= 0).all())
            and bool(((found >= 0) & (found < 1)).all())
        )
        if not sound:
            raise FormatError("levels of intervals increase from 0 to 1, for each hidden share")

    def __call__(self, share: float, hidden: float) -> float:
        """The level of the interval that holds this share, in rows with such a hidden share.

        >>> levels = IntervalLevels((0.2,), ((0.5, 0.8, 0.92, 0.95, 0.99),), (1000,))
        >>> levels(0.9, 0.1), levels(0.5, 0.9)
        (0.92, 0.5)
        """
        each = [float(np.interp(share, (0, *SHARES, 1), (0, *of, 1))) for of in self.levels]
        return float(np.interp(hidden, self.hidden, each))

    @classmethod
    def of_record(cls, training: Mapping[str, Any]) -> IntervalLevels | None:
        """Returns the levels in a record of training; None if it has none."""
        spec = training.get("intervals")
        return None if spec is None else cls.from_json(spec)

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {
            "hidden": list(self.hidden),
            "levels": [list(each) for each in self.levels],
            "cells": list(self.cells),
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> IntervalLevels:
        """Returns the levels that ``to_json`` described.

        Raises:
            FormatError: the description is not one of levels.
        """
        try:
            return cls(
                tuple(float(share) for share in spec["hidden"]),
                tuple(tuple(float(level) for level in each) for each in spec["levels"]),
                tuple(int(count) for count in spec["cells"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"not levels of intervals: {error}") from error


def fit_intervals(
    model: Model, codes: Codes, *, min_count: int, cells: int = CELLS
) -> IntervalLevels | None:
    """Returns the levels that held-out rows ask for.

    None without columns of numbers, with too few of their cells, or for a network that cannot
    answer given any cells.

    Args:
        model: the fitted model.
        codes: held-out rows, with or without missing cells.
        min_count: each level is a mean over the ranks of at least so many rows.
        cells: about so many cells are asked for, for each share of hidden ones.
    """
    schema = model.schema
    is_number = ~is_flag(schema) & np.array([not each.has_levels for each in schema.columns])
    known = codes.observed & is_number
    if not model.any_evidence or known.sum() < FEWEST or cells < FEWEST:
        return None
    rows, generator = Batch.of(model, codes, progress=False), np.random.default_rng(SEED)
    found: dict[float, tuple[tuple[float, ...], int]] = {}
    around = _around(min_count, int(is_number.sum()))
    for share in HIDDEN:
        batches = _alone if share == 0 else partial(_hidden, share=share)
        ranks, hidden = [np.empty(0)], [np.empty(0)]
        for batch, values, asked, of_row in batches(
            rows, is_number, cells=cells, generator=generator
        ):
            ranks.append(_ranks_of(batch, values, asked, generator))
            hidden.append(np.repeat(of_row, asked.sum(1)))
        ranks, hidden = np.concatenate(ranks), np.concatenate(hidden)
        ranks = ranks[np.isfinite(ranks)]  # a record must not fail after the training
        if len(ranks) >= max(FEWEST, 4 * around):
            at = round(float(hidden.mean()), DIGITS)
            found[at] = levels_of(ranks, around), len(ranks)
    if not found:
        return None
    shares = tuple(sorted(found))
    levels, counts = zip(*(found[share] for share in shares), strict=True)
    return IntervalLevels(shares, levels, counts)


def levels_of(ranks: np.ndarray, around: int) -> tuple[float, ...]:
    """The level for each of ``SHARES`` by the ranks (n,) of numbers in their distributions.

    A share with too few ranks on one side of its quantile is its own level.

    Args:
        ranks: in (0, 1), of different cells; uniform if the distributions are right.
        around: each level is a mean over so many ranks on either side of a quantile.
    """
    needed = np.sort(np.abs(2 * ranks - 1))  # the level whose interval just holds the number
    cells, found = len(needed), []
    for share in SHARES:
        middle = round(share * (cells + 1)) - 1
        some = needed[max(middle - around, 0) : middle + around + 1]
        level = float(some.mean()) if len(some) == 2 * around + 1 else share
        found.append(round((cells * level + PRIOR * share) / (cells + PRIOR), DIGITS))
    return tuple(np.maximum.accumulate(found).tolist())


def _around(min_count: int, columns: int) -> int:
    """How many ranks on either side make a window that holds those of ``min_count`` rows.

    A row has at most as many as there are columns of numbers.
    """
    return max(min_count, 5) * columns // 2 + 1


def _alone(
    rows: Batch, is_number: np.ndarray, *, cells: int, generator: np.random.Generator
) -> Iterator[Hidden]:
    """Yields known numbers of some rows, each to be asked given the rest of its row."""
    known = rows.codes.observed & is_number
    count = max(1, int(len(known) * min(1.0, ALONE * cells / max(known.sum(), 1))))
    some = np.sort(generator.permutation(len(known))[:count])
    batch = rows.take(some)
    hidden = hidden_shares(batch) + 1 / max((~is_flag(rows.model.schema)).sum(), 1)
    yield batch, rows.codes.values[some], known[some], hidden


def _hidden(
    rows: Batch, is_number: np.ndarray, *, share: float, cells: int, generator: np.random.Generator
) -> Iterator[Hidden]:
    """Yields rows with this share of their cells hidden at random, and the numbers among these.

    No cell is asked twice.
    """
    own, flags = rows.codes.observed, is_flag(rows.model.schema)
    left, found = own & is_number, 0
    for _ in range(round(1 / share)):
        kept = own & (flags | (generator.random(own.shape) >= share))
        asked = left & ~kept
        left &= kept
        count = int(np.searchsorted(asked.sum(1).cumsum(), cells - found)) + 1
        some = slice(0, count)
        batch = replace(rows, codes=replace(rows.codes.take(some), observed=kept[some]))
        yield batch, rows.codes.values[some], asked[some], hidden_shares(batch)
        found += int(asked[some].sum())
        if found >= cells:
            return


def hidden_shares(rows: Batch) -> np.ndarray:
    """Returns the share (n,) of each row's cells that are unknown; flags do not count."""
    known = rows.codes.observed[:, ~is_flag(rows.model.schema)]
    return 1 - known.mean(1)


def _ranks_of(
    rows: Batch, values: np.ndarray, asked: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """The rank of each asked cell (n,): a random one between F(x−) and F(x)."""
    found: list[np.ndarray] = []

    def of(row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        x = torch.from_numpy(values[row, column]).to(distribution.params.device)
        below, upto = (distribution.cdf(x + shift).cpu().numpy() for shift in (-STEP, 0.0))
        found.append(below + generator.random(len(upto)) * (upto - below))

    each_cell(rows, asked, of, "conditioning")
    return np.concatenate([np.empty(0), *found])
