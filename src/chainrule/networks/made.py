"""MADE, the masked autoencoder: all conditionals in one pass of a dense network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.networks.base import check_pool, sum_columns
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.evidence import as_mask, require_prefix
from chainrule.networks.fixed_order import AbstractParametric
from chainrule.networks.masks import Masks, build_masks, reachable_pairs
from chainrule.networks.orders import Order
from chainrule.ops.nade.reference import ACTIVATIONS
from chainrule.rng import generator_from


@dataclass(frozen=True)
class _Wiring:
    """What an order makes of the layers: the masks as numbers, and which inputs come before which step."""

    masks: Masks
    hidden: tuple[torch.Tensor, ...]  # the masks in the dtype of the weights
    output: torch.Tensor
    direct: torch.Tensor | None
    inputs_in_order: torch.Tensor  # (I,): input rows, step after step
    reached: tuple[int, int]


class MADE(AbstractParametric):
    """p(x) = Π_k p(x_k | x_<k) by a dense network whose masks cut every path from a column to itself or an earlier one.

    h_1 = act(b_1 + (M_1 ⊙ W_1) x), h_l = act(b_l + (M_l ⊙ W_l) h_{l−1}), and the parameters of all conditionals are
    c + (M ⊙ V) h_L + (M' ⊙ A) x. A is the direct connections. The likelihood takes one pass, a sample as much as one.

    Source: Germain et al., "MADE: Masked Autoencoder for Distribution Estimation", ICML 2015, arXiv:1502.03509.

    Args:
        columns: a number of binary columns, or a conditional (or a pair of one and an encoding) per column.
        hidden_sizes: units of each hidden layer, at least one layer.
        activation: "relu" or "sigmoid".
        order: None (natural), "random" (drawn from ``generator``) or a permutation; ``order[i]`` is drawn at step i.
        direct: connections from inputs to outputs with no hidden unit between.
        residual: every hidden layer after the first adds to the one before it; they must be of one size.
        generator: source of the initial weights and of a random order; None is a fresh one.

    Examples:
        >>> generator = generator_from(0)
        >>> net = MADE(4, [8], generator=generator)
        >>> rows = net.sample(5, generator=generator)
        >>> net.log_prob(rows).shape
        torch.Size([5])
    """

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
        self.hidden_sizes = check_sizes(hidden_sizes)
        if activation not in ACTIVATIONS:
            raise ShapeError(unknown_choice("activation", activation, ACTIVATIONS))
        if residual and len(set(self.hidden_sizes)) > 1:
            raise ShapeError(f"hidden_sizes = {list(self.hidden_sizes)}: residual layers must be of one size")
        self.activation, self.direct, self.residual = activation, bool(direct), bool(residual)
        inputs, params = sum(self.columns.input_widths), sum(self.columns.param_widths)
        masks = self._wiring.masks
        self.hidden_weights, self.hidden_biases = nn.ParameterList(), nn.ParameterList()
        for mask in masks.hidden:
            read = mask.sum(1, keepdim=True).clamp(min=1)  # by how many a unit is fed decides how strongly
            weight = torch.empty(mask.shape).normal_(generator=generator) * (2 / read) ** 0.5
            self.hidden_weights.append(nn.Parameter(weight))
            self.hidden_biases.append(nn.Parameter(torch.zeros(len(mask))))
        last = self.hidden_sizes[-1]
        # Small outputs and no direct weights: an untrained network is close to independent columns.
        self.output_weight = nn.Parameter(torch.empty(params, last).normal_(0, 0.1 * last**-0.5, generator=generator))
        self.output_bias = nn.Parameter(torch.zeros(params))
        if self.direct:
            self.direct_weight = nn.Parameter(torch.zeros(params, inputs))

    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (N, P) of every column's conditional, in column order: one pass."""
        wiring = self._wiring
        y = F.linear(self._hidden(x, wiring), self.output_weight * wiring.output, self.output_bias)  # (N, P)
        return y if wiring.direct is None else self.columns.project(x, (self.direct_weight * wiring.direct).t(), y)

    def training_loss(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """−log p(observed cells), (N,) nats; draws nothing. ``observed`` must be a prefix of the order in each row."""
        x = self.check_rows(x)
        if observed is None:
            return -self.columns.log_prob(self.conditional_params(x), x).sum(1)
        seen = as_mask(observed, *x.shape, name="observed", default=True).to(x.device)
        require_prefix(seen, self.order, name="observed")
        return -sum_columns(torch.where(seen, self.log_prob_columns(self.columns.filled(x, seen)), 0))

    def walk(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        """For each step of the order the parameters (n, width) of its column, given what x (n, D) then holds of those before.

        A hidden unit of degree m is final once the first m columns are drawn, and computed then: all steps together cost one
        pass of the network.
        """
        wiring = self._wiring
        order, degrees = self.order.tolist(), wiring.masks.degrees
        place = wiring.inputs_in_order
        weights = [weight * mask for weight, mask in zip(self.hidden_weights, wiring.hidden, strict=True)]
        weights[0] = weights[0][:, place]  # inputs in step order, so that what is known is a prefix
        direct = None if wiring.direct is None else (self.direct_weight * wiring.direct)[:, place]
        known, inputs = 0, x.new_zeros(len(x), len(place))
        layers = [x.new_zeros(len(x), size) for size in self.hidden_sizes]
        ends = [torch.searchsorted(d, torch.arange(len(order), device=d.device), right=True).tolist() for d in degrees]
        for step, column in enumerate(order):
            before, below = inputs[:, :known], known
            for number, h in enumerate(layers):
                first, last = (ends[number][step - 1] if step else 0), ends[number][step]
                if last > first:
                    bias, weight = self.hidden_biases[number][first:last], weights[number][first:last, :below]
                    h[:, first:last] = ACTIVATIONS[self.activation](F.linear(before, weight, bias))
                    if self.residual and number:
                        h[:, first:last] += layers[number - 1][:, first:last]
                before, below = h[:, :last], last
            rows = self.columns.param_rows(column)
            params = F.linear(before, self.output_weight[rows, :below], self.output_bias[rows])  # (n, width)
            if direct is not None:
                params = params + F.linear(inputs[:, :known], direct[rows, :known])
            yield params
            encoding = self.columns.encodings[column]
            inputs[:, known : known + encoding.width] = encoding.encode(x[:, column])
            known += encoding.width

    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """A representation of each row from the last hidden layer; a column's vector is that layer with the units it may not
        read set to zero.

        Args:
            x: codes (N, D).
            pool: "last" (what the last column reads, (N, H)), "mean" or "sum" over all columns (N, H), or "concat",
                all of them side by side in column order (N, D·H).
        """
        check_pool(pool)
        wiring = self._wiring
        h = self._hidden(self.check_rows(x), wiring)  # (N, H)
        reads = self.order.argsort()[:, None] >= wiring.masks.degrees[-1]  # (D, H)
        if pool == "last":
            return h
        if pool == "concat":
            return (h[:, None] * reads).flatten(1)
        total = h * reads.sum(0)
        return total / len(reads) if pool == "mean" else total

    def initialize_from(self, x: torch.Tensor) -> None:
        """Starts the output biases at the independent columns that fit codes x (N, D)."""
        with torch.no_grad():
            self.output_bias.copy_(self.columns.initial_params(self.check_rows(x)))

    def config(self) -> dict[str, Any]:
        """Constructor arguments as JSON; the order itself is a tensor of the state."""
        options = {"activation": self.activation, "direct": self.direct, "residual": self.residual}
        return {"columns": self.columns.to_json(), "hidden_sizes": list(self.hidden_sizes), **options}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> MADE:
        """The network that ``config`` described, with fresh parameters and natural order."""
        options = {key: config[key] for key in ("hidden_sizes", "activation", "direct", "residual")}
        return cls(Columns.from_json(config["columns"]), **options)

    def count_parameters(self) -> int:
        """How many numbers it has learned, those that a mask cuts off not among them."""
        masks = self._wiring.masks
        matrices = (*masks.hidden, masks.output, *(() if masks.direct is None else (masks.direct,)))
        biases = sum(bias.numel() for bias in self.hidden_biases) + self.output_bias.numel()
        return biases + sum(int(mask.sum()) for mask in matrices)

    def extra_repr(self) -> str:
        """What stands in the parentheses of ``repr``."""
        reached, pairs = self._wiring.reached
        sizes = f"hidden_sizes={list(self.hidden_sizes)}, activation={self.activation!r}"
        return f"{len(self.columns)} columns, {sizes}, {reached} of {pairs} earlier columns reached"

    def _hidden(self, x: torch.Tensor, wiring: _Wiring) -> torch.Tensor:
        """The last hidden layer (N, H)."""
        act, first = ACTIVATIONS[self.activation], (self.hidden_weights[0] * wiring.hidden[0]).t()  # (I, H)
        h = act(self.columns.project(x, first, self.hidden_biases[0]))
        layers = zip(self.hidden_weights, self.hidden_biases, wiring.hidden, strict=True)
        for weight, bias, mask in islice(layers, 1, None):
            new = act(F.linear(h, weight * mask, bias))  # (N, H)
            h = h + new if self.residual else new
        return h

    @property
    def _wiring(self) -> _Wiring:
        like = next(self.parameters(), self.order.new_zeros(0, dtype=torch.get_default_dtype()))
        order = tuple(self.order.tolist())
        key = ("made", self.hidden_sizes, self.direct, order, like.device, like.dtype)
        if (wiring := self.columns.derived.get(key)) is None:
            with torch.inference_mode(False):  # autograd may save them, whoever was first to ask
                wiring = self.columns.derived[key] = self._wire(order, like)
        return wiring

    def _wire(self, order: tuple[int, ...], like: torch.Tensor) -> _Wiring:
        step = {column: number for number, column in enumerate(order)}
        steps = [torch.tensor([step[k] for k, w in enumerate(widths) for _ in range(w)], dtype=torch.int64)
                 for widths in (self.columns.input_widths, self.columns.param_widths)]  # fmt: skip
        input_step, output_step = (s.to(like.device) for s in steps)
        masks = build_masks(input_step, output_step, self.hidden_sizes, len(order), direct=self.direct)
        hidden, output = tuple(mask.to(like.dtype) for mask in masks.hidden), masks.output.to(like.dtype)
        direct = None if masks.direct is None else masks.direct.to(like.dtype)
        place = torch.tensor(self.columns.inputs_in(order), device=like.device, dtype=torch.int64)
        return _Wiring(masks, hidden, output, direct, place, reachable_pairs(masks, len(order)))


def check_sizes(hidden_sizes: Sequence[int]) -> tuple[int, ...]:
    """Hidden layer sizes as a tuple: at least one layer, each of at least one unit."""
    if not isinstance(hidden_sizes, Sequence) or isinstance(hidden_sizes, str) or not len(hidden_sizes):
        raise ShapeError(
            f"hidden_sizes = {hidden_sizes!r}: pass a list with the size of each hidden layer, at least one"
        )
    return tuple(
        whole_number(size, "hidden_sizes", least=1, what="whole numbers of hidden units") for size in hidden_sizes
    )
