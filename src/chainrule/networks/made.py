"""MADE, the masked autoencoder: all conditionals in one pass of a dense network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, choice, sizes
from chainrule.networks.base import check_pool, sum_columns
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.evidence import as_mask, require_prefix
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.made_masks import Masks, build_masks, reachable_pairs, spaced_degrees
from chainrule.networks.orders import Order, order_from_json, order_to_json
from chainrule.networks.share import WHOLE, Share
from chainrule.networks.trainable import Repeats
from chainrule.networks.walk import Walk
from chainrule.ops.activations import ACTIVATIONS
from chainrule.rng import generator_from, normal


@dataclass(frozen=True)
class _Wiring:
    """The masks for one order, in the dtype of the masked weights."""

    hidden: tuple[torch.Tensor, ...]  # (H_1, I), (H_2, H_1), …
    output: torch.Tensor  # (P, H_last)
    direct: torch.Tensor | None  # (P, I)


class MADE(AbstractFixedOrder):
    """p(x) = Π_k p(x_k | x_<k) by a masked dense network.

    The masks M cut every path from a column to itself or to an earlier one. The hidden layers are
    h_1 = act(b_1 + (M_1 ⊙ W_1) x) and h_l = act(b_l + (M_l ⊙ W_l) h_{l−1}). The parameters of all
    conditionals are c + (M ⊙ V) h_L + (M' ⊙ A) x, with direct connections A. A likelihood takes one
    pass of the network, and a sample costs about as much.

    Source: Germain et al., "MADE: Masked Autoencoder for Distribution Estimation", ICML 2015,
    arXiv:1502.03509.

    Args:
        columns: the number of binary columns; or, per column, a conditional or a pair
            (conditional, encoding).
        hidden_sizes: the number of units of each hidden layer, at least one layer.
        activation: "relu" or "sigmoid".
        order: None (natural), "random" (drawn from ``generator``) or a permutation. Column
            ``order[i]`` is drawn at step i.
        direct: whether outputs also read inputs directly.
        residual: whether every hidden layer after the first is added to the one before it. All
            layers must then have the same size.
        generator: the source of the initial weights and of a random order; None is a fresh one.

    Examples:
        >>> generator = generator_from(0)
        >>> net = MADE(4, [8], generator=generator)
        >>> rows = net.sample(5, generator=generator)
        >>> net.log_prob(rows).shape
        torch.Size([5])
    """

    _inputs_in_order: torch.Tensor  # int64 (I,)
    _output_mask: torch.Tensor
    _direct_mask: torch.Tensor | None

    def __init__(
        self,
        columns: int | Sequence[ColumnSpec] | Columns,
        hidden_sizes: Sequence[int] = (500, 500),
        *,
        activation: str = "relu",
        order: Order = None,
        direct: bool = True,
        residual: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        generator = generator_from(generator)
        super().__init__(Columns.of(columns), order, generator)
        self.hidden_sizes = sizes(hidden_sizes, "hidden_sizes")
        if residual and len(set(self.hidden_sizes)) > 1:
            raise ShapeError(
                f"hidden_sizes = {list(self.hidden_sizes)}: residual layers must be of one size"
            )
        self.activation = choice(activation, "activation", ACTIVATIONS)
        self.direct, self.residual = bool(direct), bool(residual)
        inputs, params = sum(self.columns.input_widths), sum(self.columns.param_widths)
        masks = self._masks()
        self.hidden_weights, self.hidden_biases = nn.ParameterList(), nn.ParameterList()
        for mask in masks.hidden:
            read = mask.sum(1, keepdim=True).clamp(min=1)  # the number of inputs of each unit
            weight = normal(*mask.shape, deviation=1.0, generator=generator) * (2 / read) ** 0.5
            self.hidden_weights.append(nn.Parameter(weight))
            self.hidden_biases.append(nn.Parameter(torch.zeros(len(mask))))
        last = self.hidden_sizes[-1]
        # Small outputs, no direct weights: an untrained network's columns are nearly independent.
        self.output_weight = nn.Parameter(
            normal(params, last, deviation=0.1 * last**-0.5, generator=generator)
        )
        self.output_bias = nn.Parameter(torch.zeros(params))
        if self.direct:
            self.direct_weight = nn.Parameter(torch.zeros(params, inputs))
        named = {f"_hidden_mask_{k}": mask for k, mask in enumerate(masks.hidden)}
        named |= {"_output_mask": masks.output, "_direct_mask": masks.direct}
        for name, mask in named.items():
            self.register_buffer(
                name, None if mask is None else mask.to(self.output_weight), persistent=False
            )
        self.register_buffer(
            "_inputs_in_order", self.columns.inputs_in(self.order.tolist()), persistent=False
        )

    @override
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        wiring = self._wiring
        weight = self.output_weight * wiring.output
        y = F.linear(self._hidden(x, wiring), weight, self.output_bias)  # (N, P)
        if wiring.direct is None:
            return y
        return self.columns.project(x, (self.direct_weight * wiring.direct).t(), y)

    @override
    def training_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """−log p(observed cells), (N,) nats; draws nothing.

        ``observed`` must be a prefix of the order in each row.
        """
        return self.losses(x, observed, generator)[0]

    @property
    @override
    def draws(self) -> bool:
        return self.columns.is_withheld

    @override
    def losses(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
        *,
        repeats: Repeats | None = None,
        share: Share = WHOLE,
    ) -> list[torch.Tensor]:
        n, rows = len(x), share.rows(len(x))
        x = self.check_rows(x)[rows]
        withheld = self.columns.withheld(n, generator, rows) if self.training else None
        if observed is None:
            loss = -self._training_logs(x, withheld).sum(1)
        else:
            observed = as_mask(observed, n, x.shape[1], name="observed", default=True)[rows]
            observed = observed.to(x.device)
            require_prefix(observed, self.order, name="observed")
            cells = self._training_logs(self.columns.filled(x, observed), withheld)
            loss = -sum_columns(torch.where(observed, cells, 0))
        return [loss if repeats is None else loss / repeats[0][rows]]

    def _training_logs(self, x: torch.Tensor, withheld: torch.Tensor | None) -> torch.Tensor:
        """Log-likelihoods (N, D) of codes without unknown cells."""
        return self.columns.log_prob(self.settled(self.conditional_params(x), x, withheld), x)

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        """A walk that computes every hidden unit once; all its steps together cost one pass."""
        return _Walk(self, x)

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """A representation of each row from the last hidden layer.

        A column's vector is that layer with zeros for the units that the column does not read.

        Args:
            x: codes (N, D).
            pool: "last" (the whole layer, (N, H)), "mean" or "sum" over the columns' vectors
                (N, H), or "concat" in column order (N, D·H).
        """
        check_pool(pool)
        wiring = self._wiring
        h = self._hidden(self.check_rows(x), wiring)  # (N, H)
        degrees = spaced_degrees(h.shape[1], len(self.columns)).to(h.device)
        reads = self.order.argsort()[:, None] >= degrees  # (D, H)
        if pool == "last":
            return h
        if pool == "concat":
            return (h[:, None] * reads).flatten(1)
        total = h * reads.sum(0)
        return total / len(reads) if pool == "mean" else total

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        with torch.no_grad():
            self.output_bias.copy_(self.columns.initial_params(self.check_rows(x)))

    @override
    def config(self) -> dict[str, Any]:
        options = {"activation": self.activation, "direct": self.direct, "residual": self.residual}
        order = order_to_json(self.order)
        return {"hidden_sizes": list(self.hidden_sizes), "order": order, **options}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> MADE:
        options = {key: config[key] for key in ("hidden_sizes", "activation", "direct", "residual")}
        return cls(columns, order=order_from_json(config["order"]), **options)

    @override
    def count_parameters(self) -> int:
        wiring = self._wiring
        matrices = (
            *wiring.hidden,
            wiring.output,
            *(() if wiring.direct is None else (wiring.direct,)),
        )
        biases = sum(bias.numel() for bias in self.hidden_biases) + self.output_bias.numel()
        return biases + sum(int(mask.count_nonzero()) for mask in matrices)

    @override
    def extra_repr(self) -> str:
        reached, pairs = reachable_pairs(self.hidden_sizes, len(self.columns), direct=self.direct)
        sizes = f"hidden_sizes={list(self.hidden_sizes)}, activation={self.activation!r}"
        return f"{len(self.columns)} columns, {sizes}, {reached} of {pairs} earlier columns reached"

    def _hidden(self, x: torch.Tensor, wiring: _Wiring) -> torch.Tensor:
        """The last hidden layer (N, H)."""
        act = ACTIVATIONS[self.activation]
        first = (self.hidden_weights[0] * wiring.hidden[0]).t()  # (I, H)
        h = act(self.columns.project(x, first, self.hidden_biases[0]))
        layers = zip(self.hidden_weights, self.hidden_biases, wiring.hidden, strict=True)
        for weight, bias, mask in islice(layers, 1, None):
            new = act(F.linear(h, weight * mask, bias))  # (N, H)
            h = h + new if self.residual else new
        return h

    @property
    def _wiring(self) -> _Wiring:
        hidden = tuple(self.get_buffer(f"_hidden_mask_{k}") for k in range(len(self.hidden_sizes)))
        return _Wiring(hidden, self._output_mask, self._direct_mask)

    def _masks(self) -> Masks:
        input_step = self.columns.steps_of_inputs(self.order)
        output_step = self.columns.steps_of_params(self.order)
        return build_masks(
            input_step, output_step, self.hidden_sizes, len(self.columns), direct=self.direct
        )


class _Walk:
    """Inputs and hidden units of n rows, filled step by step.

    A hidden unit of degree m is computed once the first m columns are learned.
    """

    def __init__(self, network: MADE, x: torch.Tensor) -> None:
        wiring, place, steps = network._wiring, network._inputs_in_order, len(network.columns)
        self._network = network
        self._weights = [
            weight * mask
            for weight, mask in zip(network.hidden_weights, wiring.hidden, strict=True)
        ]
        self._weights[0] = self._weights[0][:, place]  # in step order, learned inputs are a prefix
        self._direct = (
            None if wiring.direct is None else (network.direct_weight * wiring.direct)[:, place]
        )
        self._inputs, self._learned = x.new_zeros(len(x), len(place)), 0  # (n, I); learned ones
        self._layers = [x.new_zeros(len(x), size) for size in network.hidden_sizes]
        degrees = [spaced_degrees(size, steps) for size in network.hidden_sizes]
        self._ends = [
            torch.searchsorted(d, torch.arange(steps, device=d.device), right=True).tolist()
            for d in degrees
        ]
        self._step = 0
        self._last: tuple[torch.Tensor, int] | None = None  # the result of ``_units`` in this step

    def distribution(self, column: int) -> Distribution:
        """p(x_column | columns learned), n distributions."""
        net, (before, below) = self._network, self._units()
        rows = net.columns.param_rows(column)
        weight = net.output_weight[rows, :below]
        params = F.linear(before, weight, net.output_bias[rows])  # (n, width)
        if self._direct is not None:
            count = self._learned
            params = params + F.linear(self._inputs[:, :count], self._direct[rows, :count])
        return Distribution.of(net.columns.conditionals[column], params)

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Takes the column's values as inputs."""
        self._units()
        encoding, start = self._network.columns.encodings[column], self._learned
        self._learned += encoding.width
        self._inputs[:, start : self._learned] = encoding.encode(values)
        self._step, self._last = self._step + 1, None

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        found = copy(self)
        found._inputs = self._inputs[rows]
        found._layers = [layer[rows] for layer in self._layers]
        if self._last is not None:
            found._last = self._last[0][rows], self._last[1]
        return found

    def _units(self) -> tuple[torch.Tensor, int]:
        """The units (n, units) of the last layer that this step reads, and their number."""
        if self._last is not None:
            return self._last
        net = self._network
        before, below = self._inputs[:, : self._learned], self._learned
        for number, h in enumerate(self._layers):
            first = self._ends[number][self._step - 1] if self._step else 0
            last = self._ends[number][self._step]
            if last > first:
                bias = net.hidden_biases[number][first:last]
                weight = self._weights[number][first:last, :below]
                h[:, first:last] = ACTIVATIONS[net.activation](F.linear(before, weight, bias))
                if net.residual and number:
                    h[:, first:last] += self._layers[number - 1][:, first:last]
            before, below = h[:, :last], last
        self._last = before, below
        return self._last
