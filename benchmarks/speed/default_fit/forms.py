"""A NADE at one shape: its public calls, and what they are compared with.

Both use binary columns of the same density of ones. The kernels, the textbook loop and the dense
MADE are those of ``benchmarks.speed.problems``, which only our version has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch.nn import functional as F

import chainrule as cr

MANY = 1000  # rows of the longer draw


@cache
def public(rows: int, columns: int, hidden: int, density: float) -> dict[str, Callable[[], object]]:
    """Calls of ``chainrule.NADE``: a likelihood without gradient, two draws, a training step."""
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(rows, columns, generator=generator) < density).float()
    net = cr.NADE(columns, hidden_size=hidden, generator=generator)
    net.initialize_from(x)  # draws then have this density

    def step() -> None:
        for parameter in net.parameters():
            parameter.grad = None
        net.training_loss(x).mean().backward()

    return {
        "log_prob": torch.no_grad()(lambda: net.log_prob(x)),
        "sample 1": lambda: net.sample(1, generator=generator),
        f"sample {MANY}": lambda: net.sample(MANY, generator=generator),
        "step": step,
    }


@cache
def others(rows: int, columns: int, hidden: int, density: float) -> dict[str, Callable[[], object]]:
    """The textbook loop, the kernels alone and a dense MADE step."""
    from benchmarks.speed import problems
    from chainrule.ops.nade import dispatch, reference
    from chainrule.ops.nade.parameters import Layout

    tensors = problems.problem(rows, columns, hidden, density)
    (x, p), layout = tensors, Layout.of_bits(columns)
    one, many = problems.draws(1, columns), problems.draws(MANY, columns)

    def log_prob() -> torch.Tensor:
        logits = reference.recursive(x, p, layout)
        return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)

    def kernel(x: torch.Tensor, p: problems.Parameters, layout: Layout) -> torch.Tensor:
        return dispatch.outputs(x, p, layout, backend="cpu")

    without = torch.no_grad()
    return {
        "textbook log_prob": without(log_prob),
        "textbook sample 1": without(lambda: problems.textbook_sample(one, p)),
        f"textbook sample {MANY}": without(lambda: problems.textbook_sample(many, p)),
        "textbook step": lambda: problems.step(reference.recursive, tensors),
        "kernel log_prob": without(lambda: kernel(x, p, layout)),
        "kernel sample 1": without(lambda: dispatch.sample(one, p, layout, backend="cpu")),
        f"kernel sample {MANY}": without(lambda: dispatch.sample(many, p, layout, backend="cpu")),
        "kernel step": lambda: problems.step(kernel, tensors),
        "dense MADE step": problems.made_step(tensors),
    }
