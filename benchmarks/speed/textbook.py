"""A training step of NADE against the textbook loop: `python -m benchmarks.speed.textbook`.

The yardstick is the recursive form of `ops/nade/reference.py` under autograd. Both compute the loss and every gradient
of one batch; implementations that disagree with float64 autograd are not timed. Medians of one run, in milliseconds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional as F

from benchmarks.record import write
from chainrule.ops.nade import eager, reference
from chainrule.rng import generator_from

SHAPES = [(100, 64, 200, 0.3), (100, 784, 500, 0.13), (100, 784, 500, 0.5)]  # rows, columns, hidden, density
REPEATS = 7
AGREEMENT = 2e-5  # of float32 gradients with float64's, relative to the largest


def problem(rows: int, columns: int, hidden: int, density: float) -> list[torch.Tensor]:
    """Binary rows and parameters at their initial scale."""
    g = generator_from(0)
    x = (torch.rand(rows, columns, generator=g) < density).float()
    shapes = [(columns, hidden), (hidden,), (hidden,), (columns, hidden), (columns,)]
    scales = [columns**-0.5, 0.1, 0.5, hidden**-0.5, 1.0]
    return [x, *(torch.randn(shape, generator=g) * scale for shape, scale in zip(shapes, scales, strict=True))]


def step(form: Callable[..., torch.Tensor], tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Loss and gradients of one batch."""
    x, *parameters = tensors
    leaves = [p.detach().requires_grad_() for p in parameters]
    loss = F.binary_cross_entropy_with_logits(form(x, *leaves), x, reduction="sum") / len(x)
    return [loss.detach(), *torch.autograd.grad(loss, leaves)]


def milliseconds(call: Callable[[], object]) -> tuple[float, float]:
    """Median and spread (largest − smallest) of several runs after one to warm up."""
    call()
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken), max(taken) - min(taken)


def main() -> None:
    """Prints a table and writes benchmarks/results/textbook.json."""
    forms: dict[str, Callable[..., torch.Tensor]] = {
        "textbook loop": reference.recursive,
        "eager": eager.outputs,
        "eager, repeats merged": partial(eager.outputs, merge_repeats=True),
    }
    rows = []
    print(f"{'shape (N, D, H), density':<28}{'form':<24}{'ms':>9}{'spread':>9}{'textbook ÷':>12}")
    for shape in SHAPES:
        tensors = problem(*shape)
        exact = step(reference.recursive, [t.double() for t in tensors])
        yardstick = 0.0
        for name, form in forms.items():
            for got, want in zip(step(form, tensors), exact, strict=True):
                error = float((got.double() - want).abs().max() / want.abs().max())
                if error > AGREEMENT:
                    raise SystemExit(f"{name} disagrees with float64 autograd by {error:.1e}; not timed")
            median, spread = milliseconds(partial(step, form, tensors))
            yardstick = yardstick or median
            n, d, h, density = shape
            print(f"{f'{n}, {d}, {h}; {density}':<28}{name:<24}{median:>9.1f}{spread:>9.1f}{yardstick / median:>12.1f}")
            row = {"N": n, "D": d, "H": h, "density": density, "form": name, "dtype": "float32", "device": "cpu"}
            rows.append(row | {"median_ms": median, "spread_ms": spread, "textbook_over_this": yardstick / median})
    print(f"written to {write('textbook', rows)}")


if __name__ == "__main__":
    main()
