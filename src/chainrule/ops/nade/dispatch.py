"""What networks call: NADE's arithmetic on whichever implementation serves the weights; ``choose.py`` says which.

Weights are as in ``parameters.py``. ``backend`` is one of ``choose.BACKENDS``; None decides by environment variable,
device and dtype.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from chainrule.ops.nade import autograd, choose, reference
from chainrule.ops.nade import threads as threads  # registers what a forked child must do, before any fork
from chainrule.ops.nade.parameters import Layout, Parameters


def outputs(
    x: torch.Tensor, p: Parameters, layout: Layout, *, merge_repeats: bool = False, backend: str | None = None
) -> torch.Tensor:
    """Every step's outputs y (N, P), differentiable once; arguments as in ``reference.recursive``.

    Args:
        x: encoded inputs (N, I), in step order.
        p: the parameters, in step order.
        layout: which rows belong to which step, and the activation.
        merge_repeats: lets ``eager`` trade its last bits for speed; the kernels need no such trade.
        backend: one of ``choose.BACKENDS``, or None.

    Raises:
        BackendError: a backend that does not exist; second derivatives of anything but ``reference``.

    Examples:
        >>> x, W, V = torch.tensor([[1.0, 0.0]]), torch.zeros(2, 3), torch.ones(2, 3)
        >>> outputs(x, Parameters(W, torch.zeros(3), torch.ones(3), V, torch.zeros(2)), Layout.of_bits(2))
        tensor([[3.0000, 1.5000]])
    """
    x = x.to(p.W.dtype)
    if torch.compiler.is_compiling() and backend != "reference":
        return autograd.compiled_outputs(x, p, layout, merge_repeats=merge_repeats, backend=backend)
    name = choose.chosen(p.W, backend)
    if name == "reference":
        return reference.recursive(x, p, layout)
    return autograd.outputs(x, p, layout, name, merge_repeats=merge_repeats)


def sample(
    uniforms: torch.Tensor,
    p: Parameters,
    layout: Layout,
    *,
    values: torch.Tensor | None = None,
    observed: torch.Tensor | None = None,
    temperature: float = 1.0,
    backend: str | None = None,
) -> torch.Tensor:
    """Binary rows (N, D) in step order, all steps in one call: x_k = 1 where uniforms[:, k] < σ(y_k / temperature).

    Every implementation draws the same rows from the same uniforms, unless a uniform lies within rounding of σ.

    Args:
        uniforms: (N, D) float64 on [0, 1).
        p: the parameters, in step order.
        layout: of binary columns; its activation.
        values: (N, D), kept where ``observed``.
        observed: bool (N, D), in each row a prefix; default none.
        temperature: divides the logits.
        backend: one of ``choose.BACKENDS``, or None.
    """
    name, W = choose.chosen(p.W, backend), p.W
    if values is not None and observed is not None:
        values = values.to(W.dtype)
    elif name == "cpu":
        values = observed = None
    else:
        values = torch.zeros(uniforms.shape, dtype=W.dtype, device=W.device)
        observed = torch.zeros(uniforms.shape, dtype=torch.bool, device=W.device)
    draw = choose.implementation(name).sample
    with torch.no_grad(), _without_autocast(W.device.type):
        return draw(uniforms, p, layout, values=values, observed=observed, temperature=temperature)


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
    """The next step's outputs (N, p) while sampling columns of any kind: one step's inputs in, the next one's outputs out.

    Args:
        a: sums (N, H), contiguous; x W is added in place.
        h: σ(a), (N, H), contiguous; renewed in place where x is not all zero.
        x: the encoded inputs of the step just drawn (N, i).
        W: their weights (i, H).
        V: the next step's output weights (p, H).
        c: its biases (p,).
        activation: "sigmoid" or "relu".
        backend: one of ``choose.BACKENDS``, or None.
    """
    name = choose.chosen(W, backend)
    step = choose.implementation("eager" if name == "reference" else name).advance
    x, W, V, c = x.detach().to(W.dtype), W.detach(), V.detach(), c.detach()
    with _without_autocast(W.device.type):
        return step(a, h, x, W, V, c, activation=activation)


def _without_autocast(device: str) -> AbstractContextManager[Any]:
    """Autocast switched off; where it is not on, nothing: switching costs as much as a short kernel."""
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()
