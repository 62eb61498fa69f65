"""The training loss of an orderless network as one differentiable function of its parameters.

Autograd would record hundreds of small operations: some for each layer, more for the columns. Here
the forward pass computes the gradients by the outputs along with the likelihoods. The backward
pass is then a handful of matrix products. Arrays have rows of the table last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from typing_extensions import override

from chainrule.networks import input_layer, output_layer
from chainrule.networks.columns import Columns
from chainrule.ops.autocast import without_autocast
from chainrule.ops.cells import choose
from chainrule.ops.cells.dropout import Place

Layers = list[torch.Tensor]


@dataclass(frozen=True)
class Part:
    """Some members and some rows of a training step.

    Attributes:
        first_member: the number of the first member.
        members: the number of all members; None if these are all.
        first_row: the number of the first row.
        rows: the number of all rows; None if these are all.
    """

    first_member: int = 0
    members: int | None = None
    first_row: int = 0
    rows: int | None = None

    def place(self, units: int) -> Place:
        """The place of a layer with so many units of each member."""
        return Place(self.first_member * units, self.first_row, self.rows)


ALL_OF_IT = Part()


@dataclass(frozen=True)
class Shape:
    """What the loss depends on besides tensors.

    Attributes:
        columns: the columns.
        members: the number of networks, M.
        activation: "relu" or "sigmoid".
        dropout: the share of units to drop after each layer.
        seeds: the seed of each layer's dropout; empty for none.
        part: which part of the training step this is.
    """

    columns: Columns
    members: int
    activation: str
    dropout: float = 0.0
    seeds: tuple[tuple[int, int], ...] = ()
    part: Part = ALL_OF_IT

    def dropped(self, layer: int) -> tuple[float, tuple[int, int]]:
        """The share of a layer's units to drop, and the seed."""
        return (self.dropout, self.seeds[layer]) if self.seeds else (0.0, (0, 0))


@dataclass(frozen=True)
class Weights:
    """The parameters of an orderless network with L hidden layers; see ``OrderlessNADE``.

    Attributes:
        value: (I, M H).
        flag: (D, M H).
        biases: of each hidden layer, (M H,).
        hidden: between hidden layers, (M H', H).
        output: (M P, H).
        output_bias: (M P,).
    """

    value: torch.Tensor
    flag: torch.Tensor
    biases: Layers
    hidden: Layers
    output: torch.Tensor
    output_bias: torch.Tensor

    @property
    def tensors(self) -> Layers:
        """All of them, as ``of`` takes them."""
        return [*self.biases, *self.hidden, self.value, self.flag, self.output, self.output_bias]

    @classmethod
    def of(cls, tensors: Layers) -> Weights:
        """The parameters in the order of ``tensors``."""
        count = (len(tensors) - 3) // 2  # of hidden layers
        biases, hidden, others = tensors[:count], tensors[count : 2 * count - 1], tensors[-4:]
        return cls(others[0], others[1], biases, hidden, others[2], others[3])


class DeepLoss(torch.autograd.Function):
    """−Σ weight · log p of the targets of each row by each member, divided by M, (M, N) nats.

    ``apply(shape, plain, x, given, counts, sums, slots, *tensors)``: codes x (D, N) without NaN, 1
    for given cells and 0 for others (D, N), the weight of each cell (D, N), the sums (N, M H) of
    the first layer or None, the parameters (N, slots) that relations compute or None, and
    ``Weights.tensors``. ``plain(weights)`` is the same loss as an ordinary expression; only second
    derivatives use it.
    """

    @staticmethod
    @override
    def forward(ctx: Any, *arguments: Any) -> torch.Tensor:
        shape, plain, x, given, counts, sums, slots, *tensors = arguments
        weights = Weights.of(tensors)
        inputs = first_inputs(shape.columns, x, given, sums)
        layers = hidden_layers(shape, weights, inputs, sums)
        members = shape.part.members or shape.members
        counts = counts if members == 1 else counts / members
        params = output_layer.params(
            _of_members(weights.output, shape),
            weights.output_bias,
            layers[-1],
            shape.columns,
            slots,
        )
        logs, grads = output_layer.logs_and_grads(shape.columns, params, x, counts)
        ctx.save_for_backward(inputs, sums, grads, *layers, *tensors)
        ctx.shape, ctx.plain = shape, plain
        return output_layer.summed_apart(logs, counts)

    @staticmethod
    @override
    def backward(ctx: Any, *grad_outputs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        with without_autocast("cpu"):  # kernels read float32
            return _backward(ctx, *grad_outputs)


def _backward(ctx: Any, of_loss: torch.Tensor) -> Any:
    """The gradients by the arguments of ``DeepLoss``."""
    inputs, sums, of_params, *saved = ctx.saved_tensors
    shape: Shape = ctx.shape
    count = (len(saved) - 3) // 3  # of hidden layers, each with units, a bias and a weight
    layers, tensors = saved[:count], saved[count:]
    if torch.is_grad_enabled():  # for second derivatives
        of_sums, *of_tensors = _second(ctx.plain, sums, tensors, of_loss)
        return (*[None] * 5, of_sums, None, *of_tensors)
    weights = Weights.of(tensors)
    of_output = torch.bmm(of_params, (layers[-1] * of_loss[:, None]).transpose(1, 2))
    of_output_bias = (of_params * of_loss[:, None]).sum(2)  # by the same sums for any members
    of_units = torch.bmm(_of_members(weights.output, shape).transpose(1, 2), of_params)
    biases, hidden, ones = [], [], torch.ones_like(of_loss)
    for layer in reversed(range(count)):
        factor = of_loss if layer == count - 1 else ones
        biases.insert(0, _slopes(shape, layer, of_units, layers[layer], factor))
        if layer:
            hidden.insert(0, torch.bmm(of_units, layers[layer - 1].transpose(1, 2)).flatten(0, 1))
            of_units = torch.bmm(
                _of_members(weights.hidden[layer - 1], shape).transpose(1, 2), of_units
            )
    of_sums = of_units.flatten(0, 1).t()  # (N, M H)
    of_value = of_flag = None
    if sums is not None:
        biases[0] = None  # the sums have it, too
    else:
        values, flags = inputs.split([len(weights.value), len(weights.flag)])
        of_value, of_flag = torch.mm(values, of_sums), torch.mm(flags, of_sums)
    others = of_value, of_flag, of_output.flatten(0, 1), of_output_bias.flatten()
    of_given_sums = None if sums is None else of_sums
    return (*[None] * 5, of_given_sums, None, *biases, *hidden, *others)


def _second(
    plain: Callable[[Weights], torch.Tensor],
    sums: torch.Tensor | None,
    tensors: Layers,
    of_loss: torch.Tensor,
) -> list[torch.Tensor | None]:
    """Gradients by sums and tensors that can be differentiated again; zeros for the sums."""
    loss, trained = plain(Weights.of(tensors)), [each for each in tensors if each.requires_grad]
    found = iter(torch.autograd.grad(loss, trained, of_loss, create_graph=True))
    of_tensors = [next(found) if each.requires_grad else None for each in tensors]
    return [None if sums is None else torch.zeros_like(sums), *of_tensors]


def first_inputs(
    columns: Columns, x: torch.Tensor, given: torch.Tensor, sums: torch.Tensor | None
) -> torch.Tensor:
    """Inputs and flags (I + D, N); nothing if the sums of the first layer are known."""
    return x.new_empty(0) if sums is not None else input_layer.given_inputs(columns, x, given)


def hidden_layers(
    shape: Shape,
    weights: Weights,
    inputs: torch.Tensor,
    sums: torch.Tensor | None = None,
) -> Layers:
    """The units (M, H, N) of each hidden layer.

    They are made from inputs and flags (I + D, N), or from the sums (N, M H) of the first layer.
    """
    bias = weights.biases[0]
    if sums is None:
        values, flags = inputs.split([len(weights.value), len(weights.flag)])
        sums = torch.mm(weights.value.t(), values).addmm_(weights.flag.t(), flags)
    else:
        sums, bias = sums.t().clone(memory_format=torch.contiguous_format), torch.zeros_like(bias)
    layers = [_activated(shape, 0, sums.unflatten(0, (shape.members, -1)), bias)]
    for layer, weight in enumerate(weights.hidden, 1):
        sums = torch.bmm(_of_members(weight, shape), layers[-1])
        layers.append(_activated(shape, layer, sums, weights.biases[layer]))
    return layers


def _of_members(weight: torch.Tensor, shape: Shape) -> torch.Tensor:
    return weight.unflatten(0, (shape.members, -1))


def _activated(shape: Shape, layer: int, sums: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Changes sums (M, H, N) to units."""
    dropout, seed = shape.dropped(layer)
    units = sums.flatten(0, 1)
    place = shape.part.place(sums.shape[1])
    choose.implementation().activated(units, bias, shape.activation, dropout, seed, place)
    return sums


def _slopes(
    shape: Shape, layer: int, grads: torch.Tensor, units: torch.Tensor, factor: torch.Tensor
) -> torch.Tensor:
    """Changes gradients (M, H, N) by units to those by sums; returns those by biases (M H,).

    The factor (M, N) multiplies the gradients of a row.
    """
    dropout, _ = shape.dropped(layer)
    slopes = choose.implementation().slopes
    members = zip(grads, units, factor, strict=True)
    return torch.cat([slopes(*arrays, shape.activation, dropout) for arrays in members])
