"""Distributions of single cells of a table, joined where their conditionals are equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch

from chainrule.conditionals import Distribution
from chainrule.conditionals.base import AbstractConditional

JOINED = 512  # cells in one distribution: intermediate results should fit the processor's cache
HELD = 65_536  # cells that wait for others with an equal conditional


class AskedCells(NamedTuple):
    """The distributions of n cells.

    Attributes:
        rows: the cells' rows, int64 (n,).
        columns: the cells' columns, int64 (n,).
        distribution: n distributions, one for each cell.
    """

    rows: torch.Tensor
    columns: torch.Tensor
    distribution: Distribution


def joined(found: Iterable[AskedCells]) -> Iterator[AskedCells]:
    """Yields the same cells, with cells of equal conditionals joined.

    A table of equal columns then costs a few large operations, not some for each column. Few cells
    wait for others: at most ``HELD``, and about ``JOINED`` in each distribution.
    """
    waiting: dict[tuple[AbstractConditional, int], list[AskedCells]] = {}
    counts: dict[tuple[AbstractConditional, int], int] = {}
    for cells in found:
        key = cells.distribution.conditional, cells.distribution.components
        if waiting.get(key) and counts[key] + len(cells.rows) > JOINED:
            yield _joined(waiting.pop(key))
            counts.pop(key)
        waiting.setdefault(key, []).append(cells)
        counts[key] = counts.get(key, 0) + len(cells.rows)
        if sum(counts.values()) > HELD:
            yield from map(_joined, waiting.values())
            waiting, counts = {}, {}
    yield from map(_joined, waiting.values())


def _joined(cells: list[AskedCells]) -> AskedCells:
    if len(cells) == 1:
        return cells[0]
    rows, columns, distributions = zip(*cells, strict=True)
    distribution = Distribution(
        distributions[0].conditional,
        torch.cat([each.params for each in distributions]),
        torch.cat([each.log_weight for each in distributions]),
    )
    return AskedCells(torch.cat(rows), torch.cat(columns), distribution)
