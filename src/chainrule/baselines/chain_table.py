"""The chain rule as a full table: one logit per column and assignment of the columns before it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import torch
from torch import nn
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError
from chainrule.networks.columns import Columns
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.orders import Order, order_from_json, order_to_json
from chainrule.networks.walk import Walk

# 2^16 − 1 logits. The count doubles with each column; NADE exists to avoid that.
MOST_COLUMNS = 16


class ChainTable(AbstractFixedOrder):
    """p(x) = Π_k p(x_k | x_<k) with a free logit for every prefix.

    The 2^D − 1 logits represent any binary distribution exactly. Tests use the table as ground
    truth. The logit of step k after prefix bits s_0 … s_{k−1} has index 2^k − 1 + Σ_i s_i 2^i.

    Args:
        columns: number of binary columns, at most 16.
        order: as for ``NADE``.
        generator: source of a random order.

    Examples:
        >>> ChainTable(3).logits.shape
        torch.Size([7])
    """

    def __init__(
        self,
        columns: int | Columns,
        *,
        order: Order = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(Columns.of(columns), order, generator)
        width = len(self.columns)
        if width > MOST_COLUMNS:
            raise ShapeError(
                f"a full table over {width} columns has 2^{width} − 1 numbers; at most "
                f"{MOST_COLUMNS} columns"
            )
        if not self.columns.is_binary:
            raise ShapeError("a full table is for binary columns; pass their number")
        self.logits = nn.Parameter(torch.zeros(2**width - 1))

    @torch.no_grad()
    def fit_counts(self, x: torch.Tensor, smoothing: float = 0.5) -> ChainTable:
        """Sets each logit from the counts of 0 and 1 after its prefix in rows x (N, D).

        Each count is increased by ``smoothing``.
        """
        index, bits = self._prefix_index(self.check_rows(x))
        zeros = torch.full_like(self.logits, smoothing, dtype=torch.float64)
        ones = zeros.clone()
        ones.index_put_((index.flatten(),), bits.flatten().double(), accumulate=True)
        zeros.index_put_((index.flatten(),), 1 - bits.flatten().double(), accumulate=True)
        self.logits.copy_((ones / zeros).log())
        return self

    @torch.no_grad()
    def fit_probabilities(self, rows: torch.Tensor, probabilities: torch.Tensor) -> ChainTable:
        """Sets each logit to the exact conditional of a distribution.

        The distribution is given as all 2^D rows and their probabilities.
        """
        index, bits = self._prefix_index(self.check_rows(rows))
        mass = probabilities.to(torch.float64)[:, None].expand(bits.shape)
        ones = torch.zeros(len(self.logits), dtype=torch.float64)
        zeros = ones.clone()
        ones.index_put_((index.flatten(),), (mass * bits).flatten(), accumulate=True)
        zeros.index_put_((index.flatten(),), (mass * (1 - bits)).flatten(), accumulate=True)
        # A prefix of probability zero may have any logit.
        self.logits.copy_((ones.log() - zeros.log()).nan_to_num(nan=0.0))
        return self

    @override
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """The logits selected by each row's prefixes, (N, D) in column order."""
        index, _ = self._prefix_index(x)
        return self.logits[index][:, self.order.argsort()]

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        return _Walk(self, x)

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        """Counts rows x (N, D). This is the whole fit."""
        self.fit_counts(x)

    @override
    def config(self) -> dict[str, Any]:
        return {"order": order_to_json(self.order)}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> ChainTable:
        return cls(columns, order=order_from_json(config["order"]))

    def _prefix_index(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Index of the logit of each step, and the bit drawn there, both (N, D) by step."""
        bits = (x[:, self.order] > 0.5).long()
        power = 2 ** torch.arange(bits.shape[1], device=x.device)
        prefix = (bits * power).cumsum(1) - bits * power  # Σ_{i<k} s_i 2^i
        return power - 1 + prefix, bits


class _Walk:
    """The learned bits of n rows, as integers (n,): the bit of step i counts 2^i."""

    def __init__(self, network: ChainTable, x: torch.Tensor) -> None:
        self._network, self._step = network, 0
        self._index = torch.zeros(len(x), dtype=torch.int64, device=x.device)

    def distribution(self, column: int) -> Distribution:
        """p(x_column | learned columns), from the logit of the prefix."""
        logit = self._network.logits[2**self._step - 1 + self._index]
        return Distribution.of(self._network.columns.conditionals[column], logit[:, None])

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Appends the column's bits to the prefixes."""
        self._index = self._index + (values > 0.5).long() * 2**self._step
        self._step += 1

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        found = copy(self)
        found._index = self._index[rows]
        return found
