"""A Chow-Liu tree on binned columns, with and without edges, on the library's base measure.

Source: Chow & Liu, "Approximating discrete probability distributions with dependence trees", IEEE
Trans. Inf. Theory 14 (1968).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from chainrule.table import Codes

BINS = (8, 16, 32, 64, 128, 256, 512)  # largest numbers of bins; validation rows choose
MOST_OF_TREES = 128
# Counts of a column's marginal distribution that are added to each conditional one.
SMOOTHING = (0.3, 1.0, 3.0, 10.0, 30.0)
TAIL = 10.0  # the outermost bins extend beyond the range by so many ranges


class Column(Protocol):
    """What the baselines ask of a column of codes: of a schema's, or of another measure's."""

    @property
    def has_levels(self) -> bool:
        """Whether codes are a finite list."""
        ...

    @property
    def is_continuous(self) -> bool:
        """Whether codes other than atoms have densities."""
        ...

    def atom_codes(self) -> tuple[float, ...]:
        """Codes with a probability of their own."""
        ...

    def points(self, most: int, /) -> np.ndarray:
        """All codes of a list, or ``most`` within the range."""
        ...

    def log_multiplicity(self, codes: np.ndarray, /) -> np.ndarray:
        """log of the number of values that share each code (N,)."""
        ...


class Columns(Protocol):
    """A schema, or the columns of another measure."""

    @property
    def columns(self) -> Sequence[Any]:
        """The columns, each a ``Column``."""
        ...


@dataclass(frozen=True)
class Cut:
    """The bins of a column: levels, atoms, or intervals on which all codes are equally likely.

    Attributes:
        levels: codes that are a bin each.
        edges: the ascending edges of the intervals; none if all codes are levels.
        widths: the divisor of a bin's probability: 1 for levels, for intervals their length or
            number of codes.
    """

    levels: np.ndarray
    edges: np.ndarray
    widths: np.ndarray

    def __len__(self) -> int:
        return len(self.widths)

    def bins(self, codes: np.ndarray) -> np.ndarray:
        """The bin (N,) of each code, −1 for NaN; the outermost bins take codes beyond the edges."""
        found = np.full(len(codes), -1)
        known = ~np.isnan(codes)
        if len(self.edges):
            stretch = np.searchsorted(self.edges, codes[known], side="right") - 1
            found[known] = len(self.levels) + stretch.clip(0, len(self.edges) - 2)
        for number, level in enumerate(self.levels):
            found[codes == level] = number
        return found


def cut(column: Column, codes: np.ndarray, bins: int) -> Cut:
    """The bins of a column's training codes (N,): quantiles of numbers, and tails beyond them."""
    if column.has_levels:  # unlisted labels share a code and its probability
        levels = column.points(0)
        return Cut(levels, np.empty(0), np.exp(column.log_multiplicity(levels)))
    atoms = np.array(column.atom_codes(), dtype=np.float64)
    numbers = codes[~np.isnan(codes) & ~np.isin(codes, atoms)]
    if not len(numbers):
        numbers = column.points(2)
    on_grid = not column.is_continuous
    half = 0.5 if on_grid else 0.0
    inner = np.unique(np.quantile(numbers, np.linspace(0, 1, bins + 1)))
    # Without a grid, the last interval ends after the largest number.
    inner = np.unique(np.round(inner) - 0.5) if on_grid else inner[:-1]
    low, high = numbers.min() - half, numbers.max() + half
    reach = TAIL * max(high - low, 1.0 if on_grid else 1e-9)
    reach = np.ceil(reach) if on_grid else reach
    edges = np.unique(
        np.concatenate([[low - reach, low], inner, [np.nextafter(high, np.inf), high + reach]])
    )
    if on_grid:
        edges = np.unique(np.round(edges - 0.5) + 0.5)
    within = [np.count_nonzero((atoms > a) & (atoms < b)) for a, b in pairwise(edges.tolist())]
    widths = np.diff(edges) - (np.array(within) if on_grid else 0)
    return Cut(atoms, edges, np.concatenate([np.ones(len(atoms)), np.maximum(widths, 1e-12)]))


class Tree:
    """A tree of binned columns, fitted to pairs of known cells; missing cells are marginalised."""

    def __init__(
        self, schema: Columns, codes: Codes, *, bins: int, smoothing: float, edges: bool
    ) -> None:
        values = np.where(codes.observed, codes.values, np.nan)
        self.cuts = [cut(column, values[:, k], bins) for k, column in enumerate(schema.columns)]
        binned = self._binned(values)
        width = len(self.cuts)
        self.alone = [_shares(binned[:, k], len(c)) for k, c in enumerate(self.cuts)]
        gain = np.zeros((width, width))
        if edges:
            for a in range(width):
                for b in range(a):
                    gain[a, b] = _information(self._counts(binned, a, b))
        self.parents = _spanning(gain) if edges else [-1] * width
        self.order = _from_roots(self.parents)
        self.given: dict[int, np.ndarray] = {}
        for child, parent in enumerate(self.parents):
            if parent >= 0:
                counts = self._counts(binned, parent, child) + smoothing * self.alone[child]
                self.given[child] = np.log(counts / counts.sum(1, keepdims=True))

    def log_prob(self, codes: Codes) -> np.ndarray:
        """log p of the known cells of each row, (N,), in nats of codes."""
        binned = self._binned(np.where(codes.observed, codes.values, np.nan))
        nats = np.zeros(len(binned))
        for k, each in enumerate(self.cuts):
            known = binned[:, k] >= 0
            nats[known] -= np.log(each.widths[binned[known, k]])
        messages = [
            self._evidence(binned[:, k], len(each)) for k, each in enumerate(self.cuts)
        ]  # (N, bins) each
        for child in reversed(self.order):
            parent = self.parents[child]
            if parent < 0:
                nats += _log_sum(messages[child] + np.log(self.alone[child]))
            else:
                messages[parent] = messages[parent] + _log_product(
                    messages[child], self.given[child]
                )
        return nats

    def _binned(self, values: np.ndarray) -> np.ndarray:
        return np.stack([each.bins(values[:, k]) for k, each in enumerate(self.cuts)], axis=1)

    def _counts(self, binned: np.ndarray, a: int, b: int) -> np.ndarray:
        known = (binned[:, a] >= 0) & (binned[:, b] >= 0)
        sizes = len(self.cuts[a]), len(self.cuts[b])
        return np.bincount(
            binned[known, a] * sizes[1] + binned[known, b], minlength=sizes[0] * sizes[1]
        ).reshape(sizes)

    @staticmethod
    def _evidence(binned: np.ndarray, bins: int) -> np.ndarray:
        logs = np.zeros((len(binned), bins))
        known = binned >= 0
        logs[known] = -np.inf
        logs[known, binned[known]] = 0
        return logs


def best_tree(
    schema: Columns, train: Codes, valid: Codes, *, edges: bool
) -> tuple[Tree, dict[str, float]]:
    """The tree with the best bins and smoothing on validation rows, and its choices."""
    found = []
    for bins in [bins for bins in BINS if bins <= MOST_OF_TREES or not edges]:
        for smoothing in SMOOTHING if edges else SMOOTHING[:1]:
            tree = Tree(schema, train, bins=bins, smoothing=smoothing, edges=edges)
            found.append(
                (float(tree.log_prob(valid).mean()), tree, {"bins": bins, "smoothing": smoothing})
            )
    best = max(found, key=lambda each: each[0])
    return best[1], best[2]


def _shares(binned: np.ndarray, bins: int) -> np.ndarray:
    counts = np.bincount(binned[binned >= 0], minlength=bins) + 0.5
    return counts / counts.sum()


def _information(counts: np.ndarray) -> float:
    p = counts / max(counts.sum(), 1)
    independent = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    return float(np.sum(p[p > 0] * np.log(p[p > 0] / independent[p > 0])))


def _spanning(gain: np.ndarray) -> list[int]:
    """The parent of each column in the tree of most mutual information; −1 for roots."""
    tree = minimum_spanning_tree(-(gain + 1e-9 * (gain > 0)))
    _, predecessors = breadth_first_order(tree, 0, directed=False)
    return [int(p) if p >= 0 else -1 for p in predecessors]


def _from_roots(parents: list[int]) -> list[int]:
    order: list[int] = []
    waiting = [k for k, parent in enumerate(parents) if parent < 0]
    while waiting:
        k = waiting.pop()
        order.append(k)
        waiting += [child for child, parent in enumerate(parents) if parent == k]
    return order


def _log_sum(logs: np.ndarray) -> np.ndarray:
    top = logs.max(1)
    return top + np.log(np.exp(logs - top[:, None]).sum(1))


def _log_product(message: np.ndarray, given: np.ndarray) -> np.ndarray:
    """log Σ_child exp(message) p(child | parent) for each parent bin, (N, parent bins)."""
    top = message.max(1, keepdims=True)
    return top + np.log(np.exp(message - top) @ np.exp(given).T)
