"""The Chow-Liu tree: the best density in which each column depends on at most one other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from typing_extensions import override

from chainrule.conditionals import Bernoulli, Distribution
from chainrule.errors import ShapeError
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.orders import make_order
from chainrule.networks.walk import Walk

# Pseudo-counts per distribution p(column | parent's value), split by the column's frequencies.
SMOOTHING = 1.0
CELLS_AT_ONCE = 2**25  # cells of the one-hot matrix that is multiplied by its transpose
ROOT = -1


class ChowLiuTree(AbstractFixedOrder):
    """p(x) = Π_k p(x_k | x_parent(k)) on the spanning tree of maximal mutual information.

    ``initialize_from`` is the whole fit; a new tree has no edges. Each p(x_k | x_parent(k)) is a
    table of smoothed frequencies. ``order`` puts parents before their children.

    An unlisted value of a parent counts as missing: its children then have their marginal
    frequencies. The mutual information that selects the tree ignores unlisted values.

    Source: Chow & Liu, "Approximating Discrete Probability Distributions with Dependence Trees",
    IEEE Transactions on Information Theory 1968.

    Args:
        columns: a number of binary columns, or a Bernoulli or Categorical per column.
        smoothing: pseudo-counts added to each p(column | value of its parent), split by the
            column's frequencies.
        parents: the parent of each column, −1 for none; ``initialize_from`` replaces it.

    Attributes:
        parents: tuple of D integers.
        output_bias: (P,), parameters of each column when the encoding of its parent is zero. A
            binary parent encodes its value 0 so, a categorical one an unlisted value.
        table_weight: what the parent's encoded value adds to them, all tables concatenated.

    Examples:
        >>> tree = ChowLiuTree(3)
        >>> rows = torch.tensor([[0, 1, 0], [1, 1, 1], [1, 0, 1], [0, 0, 0]]).repeat(9, 1).float()
        >>> tree.initialize_from(rows)
        >>> tree.parents[2], bool(tree.log_prob(rows).mean() > -1.6)
        (0, True)
    """

    def __init__(
        self,
        columns: int | Sequence[ColumnSpec] | Columns,
        *,
        smoothing: float = SMOOTHING,
        parents: Sequence[int] | None = None,
    ) -> None:
        columns = Columns.of(columns)
        super().__init__(columns, None, None)
        for k, conditional in enumerate(columns.conditionals):
            if not conditional.is_listed or columns.encodings[k] != conditional.encoding():
                raise ShapeError(
                    f"columns[{k}] = {conditional}: a Chow-Liu tree is over binary and categorical "
                    "columns, each with its default encoding"
                )
        if not 0 < smoothing < float("inf"):
            raise ShapeError(f"smoothing = {smoothing!r}: pass a number of counts above zero")
        self.smoothing = float(smoothing)
        self.output_bias = nn.Parameter(torch.zeros(sum(columns.param_widths)))
        self._plant((ROOT,) * len(columns) if parents is None else tuple(parents))

    @override
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (N, P) of every column's conditional, in column order."""
        return torch.cat([self._params(x, column) for column in range(len(self.columns))], dim=1)

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        return _Walk(self, x)

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        """Fits the tree and its tables to rows x (N, D). This is the whole fit.

        The tree is the maximal spanning tree; the tables are smoothed counts along it.
        """
        x = self.check_rows(x)
        if not len(x):
            raise ShapeError("x has no rows to count")
        codes, counts = self._codes, self._counts(x)  # (C, C): rows that have both codes
        self._plant(self._maximal_tree(counts))
        with torch.no_grad():
            for column, parent in enumerate(self.parents):
                codes_of_column = codes[column]
                marginal = self._within_cap(column, np.diagonal(counts)[codes_of_column] + 0.5)
                rows = self.columns.param_rows(column)
                if parent == ROOT:
                    self.output_bias[rows] = self._as_params(column, marginal)
                    continue
                # (values of the parent, own values)
                smoothed = counts[codes[parent], codes_of_column] + self.smoothing * marginal
                tables = self._as_params(
                    column, np.stack([self._within_cap(column, row) for row in smoothed])
                )
                # Zero encodes the value 0 of a binary parent, an unlisted value of a category.
                binary = isinstance(self.columns.conditionals[parent], Bernoulli)
                bias = tables[0] if binary else self._as_params(column, marginal)
                listed = tables[1:] if binary else tables[: self.columns.input_widths[parent]]
                self.output_bias[rows] = bias
                self.table_weight[self._tables[column]] = (
                    (listed - bias).flatten().to(self.table_weight)
                )

    @override
    def config(self) -> dict[str, Any]:
        """Constructor arguments besides the columns, as JSON; the parents determine the order."""
        return {"smoothing": self.smoothing, "parents": list(self.parents)}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> ChowLiuTree:
        return cls(columns, smoothing=config["smoothing"], parents=config["parents"])

    def _params(self, x: torch.Tensor, column: int) -> torch.Tensor:
        bias, parent = self.output_bias[self.columns.param_rows(column)], self.parents[column]
        if parent == ROOT:
            return bias.expand(len(x), -1)
        # (inputs of the parent, own width)
        table = self.table_weight[self._tables[column]].view(-1, len(bias))
        return torch.addmm(bias, self.columns.encodings[parent].encode(x[:, parent]), table)

    def _plant(self, parents: tuple[int, ...]) -> None:
        """Sets the parents, an order that puts parents first, and zero tables of matching sizes."""
        self.order = make_order(_parents_first(parents), len(self.columns)).to(self.order.device)
        self.parents = parents
        self._tables, size = {}, 0
        for column, parent in enumerate(parents):
            if parent != ROOT:
                width = self.columns.input_widths[parent] * self.columns.param_widths[column]
                self._tables[column] = slice(size, size + width)
                size += width
        self.table_weight = nn.Parameter(torch.zeros(size).to(self.output_bias))

    @property
    def _codes(self) -> list[slice]:
        """The range of each column's codes among the counted codes of all columns.

        The last code of a column may stand for its unlisted values.
        """
        widths = [
            2 if isinstance(c, Bernoulli) else c.param_width for c in self.columns.conditionals
        ]
        ends = np.cumsum([0, *widths])
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]

    def _counts(self, x: torch.Tensor) -> np.ndarray:
        codes = self._codes
        size = codes[-1].stop
        counts = np.zeros((size, size))
        first = torch.tensor([each.start for each in codes], device=x.device)
        widths = torch.tensor([each.stop - each.start for each in codes], device=x.device)
        wrong = ((x < 0) | (x >= widths)).any(0)
        if bool(wrong.any()):
            column = int(wrong.nonzero()[0])
            raise ShapeError(
                f"column {column} has a code that {self.columns.conditionals[column]} does not "
                f"count; rows to fit a tree have the codes 0 … {int(widths[column]) - 1} there"
            )
        for chunk in x.split(max(1, CELLS_AT_ONCE // size)):
            zeros = torch.zeros(len(chunk), size, device=x.device)
            hot = zeros.scatter_(1, chunk.long() + first, 1.0)
            counts += (hot.t() @ hot).double().cpu().numpy()  # exact: integers below 2^24
        return counts

    def _maximal_tree(self, counts: np.ndarray) -> tuple[int, ...]:
        """Parents in the spanning tree of maximal mutual information, rooted at column 0."""
        from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

        codes = self._codes
        n = counts[codes[0], codes[0]].sum()
        if len(codes) == 1:
            return (ROOT,)
        p, marginal = counts / n, np.diagonal(counts) / n
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(counts > 0, p * np.log(p / np.outer(marginal, marginal)), 0.0)
        for column, each in enumerate(codes):  # children do not depend on unlisted values
            if self._sharing(column) > 1:
                terms[each.stop - 1] = terms[:, each.stop - 1] = 0
        starts = [each.start for each in codes]
        by_column = np.add.reduceat(terms, starts, axis=0)
        information = np.add.reduceat(by_column, starts, axis=1)  # (D, D)
        cost = 1 + information.max() - information  # positive: scipy reads a zero as no edge
        tree = minimum_spanning_tree(np.triu(cost, 1))
        parents = breadth_first_order(tree, 0, directed=False)[1]
        return tuple(int(parent) if parent >= 0 else ROOT for parent in parents)

    def _within_cap(self, column: int, counts: np.ndarray) -> np.ndarray:
        """Maximum-likelihood probabilities for the counts of a column's values, under a constraint.

        The column requires that an unlisted value is at most half as likely as any listed one.
        Listed values that would violate this are raised to the bound.
        """
        sharing = self._sharing(column)
        if sharing == 1:
            return counts / counts.sum()
        listed, least = counts[:-1], 2 / sharing  # p(listed) ≥ least · p(the unlisted code)
        order, pinned, code = np.argsort(listed), 0, counts[-1]
        while pinned < len(listed) and listed[order[pinned]] < least * code:
            pinned += 1
            code = (counts[-1] + listed[order[:pinned]].sum()) / (1 + pinned * least)
        found = np.append(listed, code)
        found[order[:pinned]] = least * code
        return found / found.sum()

    def _sharing(self, column: int) -> int:
        """Number of values that share the column's last code: above 1 for unlisted values."""
        return (self.columns.conditionals[column].multiplicities() or (1,))[-1]

    def _as_params(self, column: int, probabilities: np.ndarray) -> torch.Tensor:
        """Parameters (…, width) of a column's conditional with these probabilities (…, values)."""
        logs = np.log(probabilities)
        if isinstance(self.columns.conditionals[column], Bernoulli):
            logs = logs[..., 1:] - logs[..., :1]
        return torch.from_numpy(logs).to(self.output_bias)


class _Walk:
    """The values (n, D) of the learned columns; zeros elsewhere."""

    def __init__(self, network: ChowLiuTree, x: torch.Tensor) -> None:
        self._network, self._values = network, torch.zeros_like(x)

    def distribution(self, column: int) -> Distribution:
        """p(x_column | its parent)."""
        params = self._network._params(self._values, column)
        return Distribution.of(self._network.columns.conditionals[column], params)

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Keeps the column's values for its children."""
        self._values[:, column] = values

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        found = copy(self)
        found._values = self._values[rows]
        return found


def _parents_first(parents: Sequence[int]) -> list[int]:
    """The columns in an order that puts each after its parent.

    >>> _parents_first([1, -1, 0])
    [1, 0, 2]
    """
    if any(not ROOT <= parent < len(parents) for parent in parents):
        raise ShapeError(f"parents {list(parents)} name columns that there are not")
    children: list[list[int]] = [[] for _ in range(len(parents) + 1)]
    for column, parent in enumerate(parents):
        children[parent].append(column)  # parent −1 is the last list: the roots
    order = children[ROOT]
    for column in order:  # the list grows during the loop
        order += children[column]
    if len(order) < len(parents):
        raise ShapeError(f"parents {list(parents)} are no tree: some column is its own ancestor")
    return order
