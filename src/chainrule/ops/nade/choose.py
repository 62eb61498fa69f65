"""Which of NADE's implementations runs, and why; one function for each thing they compute.

The caller never asks for a device. ``backend`` (or the environment variable CHAINRULE_BACKEND) names one of BACKENDS;
without it, float32 tensors go to the kernels of their device and everything else to ``eager``. What an implementation
cannot do goes to ``eager`` too, and the reason is logged once, under "chainrule".
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from types import ModuleType
from typing import Any

import torch

from chainrule.errors import BackendError, unknown_choice
from chainrule.ops.nade import eager, reference
from chainrule.ops.nade import threads as threads  # before any fork, of which it must hear
from chainrule.ops.nade.layout import Layout
from chainrule.ops.nade.once import once

BACKENDS = ("reference", "eager", "cpu", "triton")
VARIABLE = "CHAINRULE_BACKEND"

log = logging.getLogger("chainrule")


def outputs(
    x: torch.Tensor,
    W: torch.Tensor,
    b: torch.Tensor,
    first_hidden: torch.Tensor,
    V: torch.Tensor,
    c: torch.Tensor,
    *,
    layout: Layout | None = None,
    activation: str = "sigmoid",
    merge_repeats: bool = False,
    backend: str | None = None,
) -> torch.Tensor:
    """Every step's outputs y (N, P), differentiable once; arguments as in ``reference.recursive``.

    Args:
        x: encoded inputs (N, I), in step order.
        W: input weights (I, H).
        b: hidden bias (H,).
        first_hidden: the first step's hidden vector (H,).
        V: output weights (P, H).
        c: output biases (P,).
        layout: which rows belong to which step; by default one input and one output each.
        activation: "sigmoid" or "relu".
        merge_repeats: lets ``eager`` trade its last bits for speed; the kernels need no such trade.
        backend: one of BACKENDS; None decides by environment variable, device and dtype.

    Raises:
        BackendError: a backend that does not exist; second derivatives of anything but ``reference``.

    Examples:
        >>> x, W, V = torch.tensor([[1.0, 0.0]]), torch.zeros(2, 3), torch.ones(2, 3)
        >>> outputs(x, W, torch.zeros(3), torch.ones(3), V, torch.zeros(2))
        tensor([[3.0000, 1.5000]])
    """
    if layout is None:
        ones = (1,) * x.shape[1]  # the compiler looks askance at the cache of Layout.binary
        layout = Layout(ones, ones) if torch.compiler.is_compiling() else Layout.binary(len(ones))
    tensors = (x.to(W.dtype), W, b, first_hidden, V, c)
    if torch.compiler.is_compiling() and backend != "reference":
        widths = list(layout.input_widths), list(layout.output_widths)
        return torch.ops.chainrule.nade_outputs(*tensors, *widths, activation, merge_repeats, backend or "")
    name = chosen(W, backend)
    if name == "reference":
        return reference.recursive(*tensors, layout=layout, activation=activation)
    if name == "eager":
        return eager.outputs(*tensors, layout=layout, activation=activation, merge_repeats=merge_repeats)
    return _Kernel.apply(*tensors, layout, activation, _kernels(name))


def sample(
    uniforms: torch.Tensor,
    W: torch.Tensor,
    b: torch.Tensor,
    first_hidden: torch.Tensor,
    V: torch.Tensor,
    c: torch.Tensor,
    *,
    values: torch.Tensor | None = None,
    observed: torch.Tensor | None = None,
    temperature: float = 1.0,
    activation: str = "sigmoid",
    backend: str | None = None,
) -> torch.Tensor:
    """Binary rows (N, D) in step order, all steps in one call: x_k = 1 where uniforms[:, k] < σ(y_k / temperature).

    Args:
        uniforms: (N, D) float64 on [0, 1).
        W: input weights (D, H).
        b: hidden bias (H,).
        first_hidden: the first step's hidden vector (H,).
        V: output weights (D, H).
        c: output biases (D,).
        values: (N, D), kept where ``observed``.
        observed: bool (N, D), in each row a prefix; default none.
        temperature: divides the logits.
        activation: "sigmoid" or "relu".
        backend: one of BACKENDS, or None.

    Every implementation draws the same rows from the same uniforms, unless a uniform lies within rounding of σ.
    """
    name = chosen(W, backend)
    if values is not None and observed is not None:
        values = values.to(W.dtype)
    elif name == "cpu":
        values = observed = None
    else:
        values = torch.zeros(uniforms.shape, dtype=W.dtype, device=W.device)
        observed = torch.zeros(uniforms.shape, dtype=torch.bool, device=W.device)
    module: Any = _kernels(name) if name in ("cpu", "triton") else reference if name == "reference" else eager
    given: dict[str, Any] = {"values": values, "observed": observed}
    with torch.no_grad(), _as_it_is(W.device.type):
        return module.sample(
            uniforms, W, b, first_hidden, V, c, **given, temperature=temperature, activation=activation
        )


def advance(
    a: torch.Tensor,
    h: torch.Tensor,
    x: torch.Tensor,
    W: torch.Tensor,
    V: torch.Tensor,
    c: torch.Tensor,
    *,
    activation: str = "sigmoid",
    backend: str | None = None,
) -> torch.Tensor:
    """The next step's outputs (N, p) while sampling columns of any kind: one input block in, one output block out.

    Args:
        a: sums (N, H), contiguous; x W is added in place.
        h: act(a), (N, H), contiguous; renewed in place where x is not all zero.
        x: the encoded inputs of the step just drawn (N, i).
        W: their weights (i, H).
        V: the next step's output weights (p, H).
        c: its biases (p,).
        activation: "sigmoid" or "relu".
        backend: one of BACKENDS, or None.
    """
    name = chosen(W, backend)
    module: Any = _kernels(name) if name in ("cpu", "triton") else eager
    x, W, V, c = x.detach().to(W.dtype), W.detach(), V.detach(), c.detach()
    with _as_it_is(W.device.type):
        return module.advance(a, h, x, W, V, c, activation=activation)


def _as_it_is(device: str) -> AbstractContextManager[Any]:
    """Autocast switched off; where it is not on, nothing: switching costs as much as a short kernel."""
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()


def check_backend(backend: str | None) -> str | None:
    """The name itself; BackendError with the right ones for a name that is none of BACKENDS."""
    if backend is not None and backend not in BACKENDS:
        raise BackendError(unknown_choice("backend", backend, BACKENDS))
    return backend


def chosen(W: torch.Tensor, backend: str | None = None) -> str:
    """The implementation that serves these weights (I, H)."""
    asked = check_backend(backend)
    if asked is None and (variable := os.environ.get(VARIABLE)):
        if variable not in BACKENDS:
            raise BackendError(f"environment variable {VARIABLE}: {unknown_choice('backend', variable, BACKENDS)}")
        asked = variable
    name = asked or ("triton" if W.device.type == "cuda" else "cpu" if W.device.type == "cpu" else "eager")
    if name in ("reference", "eager"):
        return name
    reason = _unfit(name, W.device.type, W.dtype, W.shape[1])
    if reason is None:
        return name
    _log_once(f"NADE runs on backend 'eager', not {name!r}: {reason}", asked is not None)
    return "eager"


@lru_cache(maxsize=256)
def _unfit(name: str, device: str, dtype: torch.dtype, hidden: int) -> str | None:
    """Why an implementation cannot serve such weights, or None."""
    if name == "cpu":
        if device != "cpu":
            return f"the weights are on a {device} device"
        if dtype != torch.float32:
            return f"its kernels are for float32, the weights are {str(dtype).removeprefix('torch.')}"
    elif device != "cuda":
        return f"the weights are on a {device} device"
    try:
        module = _kernels(name)
    except (ImportError, OSError) as error:  # not installed, switched off, or without its shared library
        return f"its compiler cannot be used: {error}"
    return None if name == "cpu" else module.available() or module.unsupported(hidden, dtype)


@lru_cache(maxsize=4)
def _kernels(name: str) -> ModuleType:
    """The module of compiled kernels, imported when first needed."""
    if name == "cpu":
        from chainrule.ops.nade import cpu

        return cpu
    from chainrule.ops.nade import triton_gpu

    return triton_gpu


@lru_cache(maxsize=256)
def _log_once(message: str, asked: bool) -> None:
    # What was asked for and not done is worth a warning; a default that changes with the dtype is not.
    log.log(logging.WARNING if asked else logging.INFO, message)


class _Kernel(torch.autograd.Function):
    """Compiled outputs and gradients as one differentiable function."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        W: torch.Tensor,
        b: torch.Tensor,
        first_hidden: torch.Tensor,
        V: torch.Tensor,
        c: torch.Tensor,
        layout: Layout,
        activation: str,
        module: Any,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, W, b, first_hidden, V)
        ctx.rest = layout, activation, module
        return module.outputs(x, W, b, first_hidden, V, c, layout=layout, activation=activation)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        layout, activation, module = ctx.rest
        need_x = ctx.needs_input_grad[0]

        def gradients(*tensors: torch.Tensor) -> Any:
            return module.gradients(*tensors, layout=layout, activation=activation, need_x=need_x)

        return *once(gradients, *grads, *ctx.saved_tensors), None, None, None


# The same for torch.compile, which cannot look into compiled kernels: operators that it takes as they are. Outside
# of it the plain function above is called, because an operator's way through the dispatcher costs 0.1 ms a step.


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
    layout = Layout(tuple(input_widths), tuple(output_widths))
    options = {"layout": layout, "activation": activation, "merge_repeats": merge_repeats, "backend": backend or None}
    with torch.no_grad():
        return outputs(x, W, b, first_hidden, V, c, **options).clone()


@_outputs_operator.register_fake
def _(x: torch.Tensor, W: torch.Tensor, b: Any, first_hidden: Any, V: torch.Tensor, *rest: Any) -> torch.Tensor:
    return W.new_empty(x.shape[0], V.shape[0])


@torch.library.custom_op("chainrule::nade_gradients", mutates_args=())
def _gradients_operator(
    dy: torch.Tensor,
    x: torch.Tensor,
    W: torch.Tensor,
    b: torch.Tensor,
    first_hidden: torch.Tensor,
    V: torch.Tensor,
    input_widths: Sequence[int],
    output_widths: Sequence[int],
    activation: str,
    merge_repeats: bool,
    backend: str,
    need_x: bool,
) -> list[torch.Tensor]:
    layout, name = Layout(tuple(input_widths), tuple(output_widths)), chosen(W, backend or None)
    tensors = (dy, x, W, b, first_hidden, V)
    options: dict[str, Any] = {"layout": layout, "activation": activation, "need_x": need_x}
    if name in ("cpu", "triton"):
        found = _kernels(name).gradients(*tensors, **options)
    else:  # the reference as well: by autograd it has none here
        found = eager.gradients(*tensors, **options, merge_repeats=merge_repeats)
    return [x.new_empty(0) if g is None else g.clone(memory_format=torch.contiguous_format) for g in found]


@_gradients_operator.register_fake
def _(dy: torch.Tensor, x: torch.Tensor, *rest: Any) -> list[torch.Tensor]:
    W, b, first_hidden, V = rest[:4]
    dx = x.new_empty(x.shape if rest[-1] else 0)
    return [dx, *(t.new_empty(t.shape) for t in (W, b, first_hidden, V)), V.new_empty(V.shape[0])]


def _save_inputs(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.save_for_backward(*inputs[:5])
    ctx.rest = inputs[6:]


def _outputs_backward(ctx: Any, dy: torch.Tensor) -> tuple[Any, ...]:
    need_x = ctx.needs_input_grad[0]
    dx, *others = torch.ops.chainrule.nade_gradients(dy, *ctx.saved_tensors, *ctx.rest, need_x)
    return (dx if need_x else None, *others, *[None] * len(ctx.rest))


_outputs_operator.register_autograd(_outputs_backward, setup_context=_save_inputs)
