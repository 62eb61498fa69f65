"""The fully visible sigmoid belief network: a logistic regression per column on those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.orders import Order, order_from_json, order_to_json
from chainrule.networks.walk import Walk


class FVSBN(AbstractFixedOrder):
    """A network without hidden units: the parameters of p(x_k | x_<k) are c_k + Σ_{j<k} A_kj x_j.

    NADE was introduced as an improvement on it.

    Source: Neal, "Connectionist Learning of Belief Networks", Artificial Intelligence 1992; the
    name is due to Frey.

    Args:
        columns: a number of binary columns, or one item per column: a conditional, or a pair of a
            conditional and an encoding.
        order: None (natural), "random" (drawn from ``generator``) or a permutation.
        generator: source of a random order.

    Attributes:
        direct_weight: A, (sum of parameter widths, sum of input widths). A mask zeroes the entries
            from columns that are not earlier in the order.
        output_bias: c, (sum of parameter widths,).

    Examples:
        >>> from chainrule.rng import generator_from
        >>> net = FVSBN(3)
        >>> net.log_prob(net.sample(5, generator=generator_from(0))).shape
        torch.Size([5])
    """

    _mask: torch.Tensor  # (P, I): 1 where a parameter depends on an input, 0 elsewhere

    def __init__(
        self,
        columns: int | Sequence[ColumnSpec] | Columns,
        *,
        order: Order = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(Columns.of(columns), order, generator)
        inputs, params = sum(self.columns.input_widths), sum(self.columns.param_widths)
        self.direct_weight = nn.Parameter(torch.zeros(params, inputs))
        self.output_bias = nn.Parameter(torch.zeros(params))
        mask = self.columns.steps_of_params(self.order)[:, None] > self.columns.steps_of_inputs(
            self.order
        )
        self.register_buffer("_mask", mask.to(self.direct_weight), persistent=False)

    @override
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        return self.columns.project(x, (self.direct_weight * self._mask).t(), self.output_bias)

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        return _Walk(self, len(x))

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        with torch.no_grad():
            self.output_bias.copy_(self.columns.initial_params(self.check_rows(x)))

    @override
    def count_parameters(self) -> int:
        """The number of learned parameters; masked weights do not count."""
        return int(self._mask.count_nonzero()) + self.output_bias.numel()

    @override
    def config(self) -> dict[str, Any]:
        return {"order": order_to_json(self.order)}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> FVSBN:
        return cls(columns, order=order_from_json(config["order"]))


class _Walk:
    """The inputs (n, I) of the learned columns; zeros elsewhere."""

    def __init__(self, network: FVSBN, n: int) -> None:
        self._network, self._weight = network, network.direct_weight * network._mask
        self._inputs = network.output_bias.new_zeros(n, self._weight.shape[1])

    def distribution(self, column: int) -> Distribution:
        """p(x_column | learned columns): a logistic regression."""
        columns = self._network.columns
        rows = columns.param_rows(column)
        params = F.linear(self._inputs, self._weight[rows], self._network.output_bias[rows])
        return Distribution.of(columns.conditionals[column], params)

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Encodes the column's values as inputs."""
        columns = self._network.columns
        self._inputs[:, columns.input_rows(column)] = columns.encodings[column].encode(values)

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        found = copy(self)
        found._inputs = self._inputs[rows]
        return found
