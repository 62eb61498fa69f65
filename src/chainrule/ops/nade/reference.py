"""NADE as in the lecture: loops, one line for each equation. Read this file first.

p(x) = Π_k p(x_k | x_<k), and one network computes the parameters y_k of every factor:

    h_1 = a free parameter                       there is nothing to condition on yet
    h_k = σ(b + Σ_{j<k} x_j W_j)                 W and b are shared by all steps
    y_k = c_k + V_k h_k                          for a bit: the logit of p(x_k = 1 | x_<k)

W_j is row j of ``W``, which is column j of the lecture's d × n matrix; V_k is row k of ``V``. In
code, steps count from 0. A step of a wider column has several rows of W and V; ``layout`` lists
them.

``masked`` and ``recursive`` give the same numbers; the first costs O(n²d), the second O(nd). Tests
compare the values and gradients of every fast implementation with them in float64. Autograd
computes their gradients.

Source: the lecture; Larochelle & Murray, "The Neural Autoregressive Distribution Estimator",
AISTATS 2011; Uria et al., "Neural Autoregressive Distribution Estimation", JMLR 2016,
arXiv:1605.02226.
"""

from __future__ import annotations

import torch

from chainrule.ops.activations import ACTIVATIONS
from chainrule.ops.nade.parameters import Layout, Parameters


def masked(x: torch.Tensor, p: Parameters, layout: Layout) -> torch.Tensor:
    """Every step's outputs y (N, P), with the inputs at and after the step masked: the first form.

    Args:
        x: encoded inputs, (N, I), in step order.
        p: the parameters, in step order.
        layout: which rows belong to which step, and the activation σ.
    """
    (W, b, h_1, V, c), σ = p, ACTIVATIONS[layout.activation]
    y = []
    for k, (inputs, outputs) in enumerate(zip(layout.inputs, layout.outputs, strict=True)):
        known = torch.arange(x.shape[1], device=x.device) < inputs.start
        h = σ(b + torch.where(known, x, 0) @ W) if k > 0 else h_1.expand(len(x), -1)  # (N, H)
        y.append(c[outputs] + h @ V[outputs].T)
    return torch.cat(y, dim=1)  # (N, P)


def recursive(x: torch.Tensor, p: Parameters, layout: Layout) -> torch.Tensor:
    """The outputs of ``masked``, from the sum of the step before: a_{k+1} = a_k + x_k W_k."""
    (W, b, h_1, V, c), σ = p, ACTIVATIONS[layout.activation]
    y = []
    a = b.expand(len(x), -1)  # (N, H)
    for k, (inputs, outputs) in enumerate(zip(layout.inputs, layout.outputs, strict=True)):
        h = σ(a) if k > 0 else h_1.expand(len(x), -1)  # (N, H)
        y.append(c[outputs] + h @ V[outputs].T)
        a = a + x[:, inputs] @ W[inputs]
    return torch.cat(y, dim=1)  # (N, P)


def sample(
    uniforms: torch.Tensor,
    p: Parameters,
    layout: Layout,
    *,
    values: torch.Tensor | None = None,
    observed: torch.Tensor | None = None,
    temperature: float = 1.0,
) -> torch.Tensor:
    """Binary rows (N, D), drawn column by column: x_k = 1 where u_k < σ(y_k / temperature).

    Observed cells take their values from ``values`` instead; both are (N, D).
    """
    (W, b, h_1, V, c), σ = p, ACTIVATIONS[layout.activation]
    x = torch.zeros(uniforms.shape, dtype=W.dtype, device=W.device)  # (N, D)
    for k in range(layout.steps):
        h = σ(b + x[:, :k] @ W[:k]) if k > 0 else h_1.expand(len(x), -1)  # (N, H)
        y = c[k] + h @ V[k]  # (N,)
        x[:, k] = (uniforms[:, k] < torch.sigmoid(y / temperature)).to(W.dtype)
        if values is not None and observed is not None:
            x[:, k] = torch.where(observed[:, k], values[:, k], x[:, k])
    return x
