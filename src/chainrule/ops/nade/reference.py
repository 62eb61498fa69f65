"""NADE as the lecture writes it: loops, one line per equation, no tricks. Read this file first.

p(x) = Π_k p(x_k | x_<k), and one network computes every factor's parameters y_k:

    h_1 = a free parameter                       there is nothing to condition on yet
    h_k = σ(b + Σ_{j<k} x_j W_j)                 W and b are shared by all steps
    y_k = c_k + V_k h_k                          for a bit: the logit of p(x_k = 1 | x_<k)

W_j is row j of ``W`` (the lecture's column j of its d × n matrix), V_k row k of ``V``. Steps are counted from 0 here.
Both forms below give the same numbers: the masked one costs O(n²d), the recursive one O(nd). Every fast
implementation is tested against them, in float64, values and gradients.

Source: the lecture; Larochelle & Murray, "The Neural Autoregressive Distribution Estimator", AISTATS 2011;
Uria et al., "Neural Autoregressive Distribution Estimation", JMLR 2016, arXiv:1605.02226.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from chainrule.ops.nade.layout import Layout

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"sigmoid": torch.sigmoid, "relu": torch.relu}


def masked(
    x: torch.Tensor,
    W: torch.Tensor,
    b: torch.Tensor,
    first_hidden: torch.Tensor,
    V: torch.Tensor,
    c: torch.Tensor,
    *,
    layout: Layout | None = None,
    activation: str = "sigmoid",
) -> torch.Tensor:
    """Every step's outputs y, (N, P), by zeroing the inputs at and after each step: the lecture's first form.

    Args:
        x: encoded inputs, (N, I), in step order.
        W: input weights, (I, H).
        b: hidden bias, (H,).
        first_hidden: h_1, (H,), used as it is.
        V: output weights, (P, H).
        c: output biases, (P,).
        layout: which rows belong to which step; by default one input and one output each.
        activation: "sigmoid" or "relu".
    """
    layout = layout or Layout.binary(x.shape[1])
    act = ACTIVATIONS[activation]
    y = []
    for k in range(layout.steps):
        known = torch.arange(x.shape[1], device=x.device) < layout.inputs[k].start
        h = act(b + torch.where(known, x, 0) @ W) if k > 0 else first_hidden.expand(len(x), -1)  # (N, H)
        y.append(c[layout.outputs[k]] + h @ V[layout.outputs[k]].T)
    return torch.cat(y, dim=1)  # (N, P)


def recursive(
    x: torch.Tensor,
    W: torch.Tensor,
    b: torch.Tensor,
    first_hidden: torch.Tensor,
    V: torch.Tensor,
    c: torch.Tensor,
    *,
    layout: Layout | None = None,
    activation: str = "sigmoid",
) -> torch.Tensor:
    """The same (N, P) by reusing the sum of the step before: a_{k+1} = a_k + x_k W_k. Arguments as in ``masked``."""
    layout = layout or Layout.binary(x.shape[1])
    act = ACTIVATIONS[activation]
    a = b.expand(len(x), -1)  # (N, H)
    y = []
    for k in range(layout.steps):
        h = act(a) if k > 0 else first_hidden.expand(len(x), -1)  # (N, H)
        y.append(c[layout.outputs[k]] + h @ V[layout.outputs[k]].T)
        a = a + x[:, layout.inputs[k]] @ W[layout.inputs[k]]
    return torch.cat(y, dim=1)  # (N, P)


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
) -> torch.Tensor:
    """Binary rows (N, D), drawn one column at a time: x_k = 1 where uniforms[:, k] < σ(y_k / temperature).

    Where ``observed`` (bool), the cell keeps its value from ``values`` instead; both (N, D).
    """
    act = ACTIVATIONS[activation]
    x = torch.zeros(uniforms.shape, dtype=W.dtype, device=W.device)  # (N, D)
    for k in range(x.shape[1]):
        h = act(b + x[:, :k] @ W[:k]) if k > 0 else first_hidden.expand(len(x), -1)  # (N, H)
        y = c[k] + h @ V[k]  # (N,)
        x[:, k] = (uniforms[:, k] < torch.sigmoid(y / temperature)).to(W.dtype)
        if values is not None and observed is not None:
            x[:, k] = torch.where(observed[:, k], values[:, k], x[:, k])
    return x
