"""The timed problems: a training step and a draw of rows, in textbook, dense and bare form."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.rng import generator_from, uniforms

Problem = tuple[torch.Tensor, Parameters]
Form = Callable[[torch.Tensor, Parameters, Layout], torch.Tensor]


def problem(rows: int, columns: int, hidden: int, density: float, *, real: bool = False) -> Problem:
    """Inputs, and NADE's parameters at their initial scale; samples have this density of ones."""
    g = generator_from(0)
    x = (torch.rand(rows, columns, generator=g) < density).float()
    if real:
        x = torch.randn(rows, columns, generator=g)
    shapes = [(columns, hidden), (hidden,), (hidden,), (columns, hidden)]
    scales = [columns**-0.5, 0.1, 0.5, 0.3 * hidden**-0.5]
    W, b, h_1, V = (
        torch.randn(shape, generator=g) * scale for shape, scale in zip(shapes, scales, strict=True)
    )
    return x, Parameters(W, b, h_1, V, torch.full((columns,), density).logit())


def step(form: Form, problem: Problem) -> list[torch.Tensor]:
    """Loss and gradients of one batch of Bernoulli columns (squared error if real)."""
    x, parameters = problem
    leaves = Parameters(*(p.detach().requires_grad_() for p in parameters))
    return _loss_and_gradients(form(x, leaves, Layout.of_bits(x.shape[1])), x, list(leaves))


def made_step(problem: Problem) -> Callable[[], list[torch.Tensor]]:
    """A training step of a dense MADE of the same size: two masked linear layers."""
    x, (W, b, _, V, c) = problem
    columns, hidden = W.shape
    degree = torch.arange(hidden) % max(1, columns - 1)
    into = (degree[:, None] >= torch.arange(columns)).float()  # (H, D)
    out = (torch.arange(columns)[:, None] > degree).float()  # (D, H)
    leaves = [p.clone().requires_grad_() for p in (W.T.contiguous(), b, V, c)]

    def run() -> list[torch.Tensor]:
        first, bias, second, last = leaves
        h = torch.sigmoid(F.linear(x, first * into, bias))  # (N, H)
        return _loss_and_gradients(F.linear(h, second * out, last), x, leaves)

    return run


def products(problem: Problem, count: int) -> Callable[[], None]:
    """The floor: ``count`` times the multiply-adds of all V·h, as plain matrix products."""
    x, p = problem

    def run() -> None:
        for _ in range(count):
            torch.mm(x, p.W)

    return run


def textbook_sample(uniform: torch.Tensor, parameters: Parameters) -> torch.Tensor:
    """Rows drawn column by column: x_k = u < σ(c_k + V_k σ(a_k)), a_{k+1} = a_k + x_k W_k."""
    W, b, first_hidden, V, c = parameters
    x = torch.zeros(uniform.shape)
    a, h = b.expand(len(x), -1), first_hidden.expand(len(x), -1)  # (N, H)
    for k in range(x.shape[1]):
        p = torch.sigmoid(c[k] + h @ V[k])  # (N,)
        x[:, k] = (uniform[:, k] < p).float()
        a = a + x[:, k, None] * W[k]
        h = torch.sigmoid(a)
    return x


def draws(rows: int, columns: int) -> torch.Tensor:
    """Uniforms (rows, columns)."""
    return uniforms(rows, columns, generator_from(1))


def _loss_and_gradients(
    y: torch.Tensor, x: torch.Tensor, leaves: list[torch.Tensor]
) -> list[torch.Tensor]:
    binary = bool(x.max() <= 1 and x.min() >= 0)
    cost = F.binary_cross_entropy_with_logits if binary else F.mse_loss
    loss = cost(y, x, reduction="sum") / len(x)
    return [loss.detach(), *torch.autograd.grad(loss, leaves)]
