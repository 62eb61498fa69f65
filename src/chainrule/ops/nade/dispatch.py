"""NADE's arithmetic for networks, by the implementation that ``choose.py`` selects.

``parameters.py`` describes the weights. ``backend`` is one of ``choose.BACKENDS``; None decides by
environment variable, device and dtype.
"""

from __future__ import annotations

import torch

from chainrule.ops.autocast import without_autocast
from chainrule.ops.compiled import threads as threads  # registers its work in a forked child
from chainrule.ops.nade import autograd, choose, reference
from chainrule.ops.nade.parameters import Layout, Parameters


def outputs(
    x: torch.Tensor,
    p: Parameters,
    layout: Layout,
    *,
    merge_repeats: bool = False,
    backend: str | None = None,
) -> torch.Tensor:
    """Every step's outputs y (N, P), differentiable once.

    Args:
        x: encoded inputs (N, I), in step order.
        p: the parameters, in step order.
        layout: which rows belong to which step, and the activation.
        merge_repeats: allow ``eager`` to give up its last bits for speed; kernels need not.
        backend: one of ``choose.BACKENDS``, or None.

    Raises:
        BackendError: an unknown backend, or second derivatives without ``reference``.

    Examples:
        >>> x, W, V = torch.tensor([[1.0, 0.0]]), torch.zeros(2, 3), torch.ones(2, 3)
        >>> p = Parameters(W, torch.zeros(3), torch.ones(3), V, torch.zeros(2))
        >>> outputs(x, p, Layout.of_bits(2))
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
    """Binary rows (N, D) in step order, with x_k = 1 where uniforms[:, k] < σ(y_k / temperature).

    All implementations draw the same rows from the same uniforms, unless a uniform equals σ to
    rounding.

    Args:
        uniforms: (N, D) float64 on [0, 1).
        p: the parameters, in step order.
        layout: the layout of binary columns.
        values: the values of observed cells, (N, D).
        observed: the mask of cells that keep their values, bool (N, D), a prefix in each row;
            default none.
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
    with torch.no_grad(), without_autocast(W.device.type):
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
    """One step of sampling columns of any kind: adds inputs, returns the next outputs (N, p).

    Args:
        a: pre-activations (N, H), contiguous; x W is added in place.
        h: σ(a), (N, H), contiguous; updated in place in rows with a non-zero input.
        x: the encoded inputs of the step just drawn, (N, i).
        W: their weights (i, H).
        V: the next step's output weights (p, H).
        c: the next step's biases (p,).
        activation: "sigmoid" or "relu".
        backend: one of ``choose.BACKENDS``, or None.
    """
    name = choose.chosen(W, backend)
    step = choose.implementation("eager" if name == "reference" else name).advance
    x, W, V, c = x.detach().to(W.dtype), W.detach(), V.detach(), c.detach()
    with without_autocast(W.device.type):
        return step(a, h, x, W, V, c, activation=activation)
