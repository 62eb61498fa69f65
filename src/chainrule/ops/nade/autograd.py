"""An implementation's ``outputs`` and ``gradients`` as one function for autograd and torch.compile.

Differentiating the gradients again raises BackendError. The reference is not wrapped: autograd
differentiates it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from typing_extensions import override

from chainrule.errors import BackendError
from chainrule.ops.nade import choose, eager, reference
from chainrule.ops.nade.parameters import Layout, Parameters


def outputs(
    x: torch.Tensor, p: Parameters, layout: Layout, name: str, *, merge_repeats: bool
) -> torch.Tensor:
    """The outputs (N, P) of the named implementation, differentiable once."""
    return _Outputs.apply(x, *p, layout, name, merge_repeats)


def _outputs_of(
    name: str, x: torch.Tensor, p: Parameters, layout: Layout, merge_repeats: bool
) -> torch.Tensor:
    if name == "reference":
        return reference.recursive(x, p, layout)
    if name == "eager":
        return eager.outputs(x, p, layout, merge_repeats=merge_repeats)
    return choose.implementation(name).outputs(x, p, layout)


def _gradients_of(
    name: str,
    dy: torch.Tensor,
    x: torch.Tensor,
    p: Parameters,
    layout: Layout,
    need_x: bool,
    merge_repeats: bool,
) -> tuple[torch.Tensor | None, Parameters]:
    if name in ("reference", "eager"):  # an operator cannot use the reference's autograd
        return eager.gradients(dy, x, p, layout, need_x=need_x, merge_repeats=merge_repeats)
    return choose.implementation(name).gradients(dy, x, p, layout, need_x=need_x)


def differentiable_once(gradients: Callable[..., Any], *tensors: torch.Tensor) -> Any:
    """``gradients(*tensors)``, a tuple of tensors; differentiating one of them raises BackendError.

    >>> w = torch.ones(2, requires_grad=True)
    >>> (doubled,) = differentiable_once(lambda t: (2 * t,), w)
    >>> doubled.sum().backward()
    Traceback (most recent call last):
        ...
    chainrule.errors.BackendError: NADE's kernels have first derivatives only; for second ones ...
    """
    return _Gradients.apply(gradients, *tensors)


class _Outputs(torch.autograd.Function):
    @staticmethod
    @override
    def forward(
        ctx: Any,
        x: torch.Tensor,
        W: torch.Tensor,
        b: torch.Tensor,
        first_hidden: torch.Tensor,
        V: torch.Tensor,
        c: torch.Tensor,
        layout: Layout,
        name: str,
        merge_repeats: bool,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, W, b, first_hidden, V, c)
        ctx.rest = layout, name, merge_repeats
        return _outputs_of(name, x, Parameters(W, b, first_hidden, V, c), layout, merge_repeats)

    @staticmethod
    @override
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        layout, name, merge_repeats = ctx.rest
        need_x = ctx.needs_input_grad[0]

        def gradients(
            dy: torch.Tensor, x: torch.Tensor, *p: torch.Tensor
        ) -> tuple[torch.Tensor | None, ...]:
            dx, dp = _gradients_of(name, dy, x, Parameters(*p), layout, need_x, merge_repeats)
            return dx, *dp

        return *differentiable_once(gradients, *grads, *ctx.saved_tensors), None, None, None


class _Gradients(torch.autograd.Function):
    @staticmethod
    @override
    def forward(ctx: Any, gradients: Callable[..., Any], *tensors: torch.Tensor) -> Any:
        return gradients(*tensors)

    @staticmethod
    @override
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        raise BackendError(
            "NADE's kernels have first derivatives only; "
            'for second ones pass backend="reference" to the network, '
            "or set CHAINRULE_BACKEND=reference: "
            "plain autograd over a loop, slow and with N·D·H numbers of memory"
        )


# torch.compile cannot trace compiled kernels, but it can call these operators. Other callers use
# ``outputs`` above, because the dispatcher of an operator costs 0.1 ms a step.


def compiled_outputs(
    x: torch.Tensor, p: Parameters, layout: Layout, *, merge_repeats: bool, backend: str | None
) -> torch.Tensor:
    """The outputs as an operator for torch.compile; each call chooses the implementation."""
    widths = list(layout.input_widths), list(layout.output_widths)
    return torch.ops.chainrule.nade_outputs(
        x, *p, *widths, layout.activation, merge_repeats, backend or ""
    )


@torch.library.custom_op("chainrule::nade_outputs", mutates_args=())
def _outputs_operator(
    x: torch.Tensor,
    W: torch.Tensor,
    b: torch.Tensor,
    first_hidden: torch.Tensor,
    V: torch.Tensor,
    c: torch.Tensor,
    input_widths: Sequence[int],
    output_widths: Sequence[int],
    activation: str,
    merge_repeats: bool,
    backend: str,
) -> torch.Tensor:
    layout = Layout(tuple(input_widths), tuple(output_widths), activation)
    name = choose.chosen(W, backend or None)
    with torch.no_grad():
        return _outputs_of(name, x, Parameters(W, b, first_hidden, V, c), layout, merge_repeats)


@_outputs_operator.register_fake
def _(
    x: torch.Tensor, W: torch.Tensor, b: Any, first_hidden: Any, V: torch.Tensor, *rest: Any
) -> torch.Tensor:
    return W.new_empty(x.shape[0], V.shape[0])


@torch.library.custom_op("chainrule::nade_gradients", mutates_args=())
def _gradients_operator(
    dy: torch.Tensor,
    x: torch.Tensor,
    W: torch.Tensor,
    b: torch.Tensor,
    first_hidden: torch.Tensor,
    V: torch.Tensor,
    c: torch.Tensor,
    input_widths: Sequence[int],
    output_widths: Sequence[int],
    activation: str,
    merge_repeats: bool,
    backend: str,
    need_x: bool,
) -> list[torch.Tensor]:
    layout = Layout(tuple(input_widths), tuple(output_widths), activation)
    name = choose.chosen(W, backend or None)
    dx, dp = _gradients_of(
        name, dy, x, Parameters(W, b, first_hidden, V, c), layout, need_x, merge_repeats
    )
    return [x.new_empty(0) if dx is None else dx.contiguous(), *(g.contiguous() for g in dp)]


@_gradients_operator.register_fake
def _(dy: torch.Tensor, x: torch.Tensor, *rest: Any) -> list[torch.Tensor]:
    p, need_x = rest[:5], rest[-1]
    return [x.new_empty(x.shape if need_x else 0), *(t.new_empty(t.shape) for t in p)]


def _save_inputs(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.save_for_backward(*inputs[:6])
    ctx.rest = inputs[6:]


def _outputs_backward(ctx: Any, dy: torch.Tensor) -> tuple[Any, ...]:
    need_x = ctx.needs_input_grad[0]
    dx, *dp = torch.ops.chainrule.nade_gradients(dy, *ctx.saved_tensors, *ctx.rest, need_x)
    return (dx if need_x else None, *dp, *[None] * len(ctx.rest))


_outputs_operator.register_autograd(_outputs_backward, setup_context=_save_inputs)
