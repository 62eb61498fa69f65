"""NADE's kernels against the textbook loop, a dense MADE and bare matrix products.

Usage: python -m benchmarks.speed.kernels [headline]

All forms of a shape take turns within one run. An implementation that disagrees with float64
autograd is not timed. Results are medians, with the distance between the quartiles as spread. A run
takes five to ten minutes on two cores; with ``headline``, only the headline shape runs, in half a
minute.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch

from benchmarks.record import write
from benchmarks.speed.problems import (
    Form,
    Problem,
    draws,
    made_step,
    problem,
    products,
    step,
    textbook_sample,
)
from chainrule import NADE
from chainrule.ops.nade import cpu, dispatch, reference
from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.rng import generator_from
from chainrule.training import Plan, make_state, train
from chainrule.training.batches import Rows

HEADLINE = (100, 784, 500, 0.13)  # rows, columns, hidden, density
SHAPES = [
    HEADLINE,
    (1000, 784, 500, 0.13),
    *((100, columns, 500, 0.13) for columns in (64, 180, 1556, 4096)),
    *((100, 784, hidden, 0.13) for hidden in (50, 200, 1000, 2000)),
    *((100, 784, 500, density) for density in (0.01, 0.5, 0.9)),
]
ROUNDS, CALLS = 8, 10  # turns of every form, and counted calls within a turn
SHORT_MS = 20  # a turn of short calls lasts at least this long
# A form that takes longer than this has turns of one call: so many at the headline shape, and
# elsewhere.
SLOW_MS, SLOW_ROUNDS = 100, {True: 9, False: 2}
AGREEMENT = 2e-5  # largest error of float32 gradients, relative to the largest float64 gradient
EPOCH_ROWS, EPOCHS = 5000, 12

eager = partial(dispatch.outputs, merge_repeats=True, backend="eager")
kernels = partial(dispatch.outputs, backend="cpu")


def agree(form: Form, tensors: Problem, exact: list[torch.Tensor]) -> bool:
    """Whether a form's loss and gradients equal float64's up to float32 rounding."""
    errors = [
        float((got.double() - want).abs().max() / want.abs().max())
        for got, want in zip(step(form, tensors), exact, strict=True)
    ]
    return max(errors) <= AGREEMENT


def in_turns(forms: dict[str, Callable[[], object]], slow_rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every form's calls, in turns; the first call of each turn is not counted.

    Forms that take longer than SLOW_MS have ``slow_rounds`` turns of one call; their first turn is
    not counted.
    """
    first = {name: _milliseconds(form) for name, form in forms.items()}
    taken: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(max(ROUNDS, slow_rounds)):
        for name, form in forms.items():
            slow = first[name] > SLOW_MS
            if turn >= (slow_rounds if slow else ROUNDS):
                continue
            if not slow:
                form()
            calls = 1 if slow else max(CALLS, int(SHORT_MS / first[name]))
            taken[name] += [_milliseconds(form) for _ in range(calls)]
    return taken


def _milliseconds(form: Callable[[], object]) -> float:
    began = time.perf_counter()
    form()
    return (time.perf_counter() - began) * 1e3


def measured(
    what: str, shape: tuple[Any, ...], taken: dict[str, list[float]]
) -> list[dict[str, Any]]:
    """One row for each form, printed as it is made."""
    n, d, h, density = shape
    base = statistics.median(taken["textbook loop"])
    rows = []
    for name, times in taken.items():
        median, (low, _, high) = statistics.median(times), statistics.quantiles(times, n=4)
        print(
            f"{what:<20}{f'{n}, {d}, {h}; {density}':<22}{name:<22}"
            f"{median:>10.2f}{high - low:>9.2f}{base / median:>11.1f}"
        )
        row = {
            "what": what,
            "N": n,
            "D": d,
            "H": h,
            "density": density,
            "form": name,
            "dtype": "float32",
            "device": "cpu",
        }
        rows.append(
            row
            | {"median_ms": median, "spread_ms": high - low, "textbook_over_this": base / median}
        )
    return rows


def steps(shape: tuple[Any, ...], *, real: bool = False) -> list[dict[str, Any]]:
    """Forward, and forward with backward, of every form at one shape."""
    n, d, h, density = shape
    tensors = problem(n, d, h, 0.5 if real else density, real=real)
    x, p = tensors
    exact = step(reference.recursive, (x.double(), Parameters(*(t.double() for t in p))))
    forms: dict[str, Form] = {
        "textbook loop": reference.recursive,
        "eager": eager,
        "kernels": kernels,
    }
    if wrong := [name for name, form in forms.items() if not agree(form, tensors, exact)]:
        raise SystemExit(f"{', '.join(wrong)} disagree with float64 autograd at {shape}; not timed")
    both: dict[str, Callable[[], object]] = {
        name: partial(step, form, tensors) for name, form in forms.items()
    }
    both |= {"dense MADE": made_step(tensors), "matrix products": products(tensors, 3)}

    leaves = Parameters(*(t.clone().requires_grad_() for t in p))

    def forward(form: Form) -> None:
        # Autograd records it, like the first half of a training step.
        form(x, leaves, Layout.of_bits(d))

    alone: dict[str, Callable[[], object]] = {
        name: partial(forward, form) for name, form in forms.items()
    }
    alone |= {"matrix products": products(tensors, 1)}
    rows = []
    for what, those in (("forward + backward", both), ("forward", alone)):
        label = (*shape[:3], "real" if real else shape[3])
        rows += measured(what, label, in_turns(those, SLOW_ROUNDS[shape == HEADLINE]))
    return rows


def alone() -> dict[str, float]:
    """Milliseconds of the two kernels at the headline shape, without loss and autograd."""
    (x, p), layout = problem(*HEADLINE), Layout.of_bits(HEADLINE[1])
    dy = torch.randn(x.shape, generator=generator_from(3))
    taken = in_turns(
        {
            "forward": lambda: cpu.outputs(x, p, layout),
            "backward": lambda: cpu.gradients(dy, x, p, layout, need_x=False),
        },
        SLOW_ROUNDS[True],
    )
    return {name: statistics.median(times) for name, times in taken.items()}


def samples(rows: int) -> list[dict[str, Any]]:
    """Rows drawn at the headline shape."""
    (_, p), uniform = problem(*HEADLINE), draws(rows, HEADLINE[1])
    layout = Layout.of_bits(HEADLINE[1])
    drawn, wanted = dispatch.sample(uniform, p, layout, backend="cpu"), textbook_sample(uniform, p)
    # Rows differ if a uniform number is within rounding of σ.
    differ = float((drawn != wanted).any(1).double().mean())
    if differ > 0.01:
        raise SystemExit(f"{differ:.1%} of the rows differ from the textbook loop's; not timed")
    forms: dict[str, Callable[[], object]] = {
        "textbook loop": lambda: textbook_sample(uniform, p),
        "kernels": lambda: dispatch.sample(uniform, p, layout, backend="cpu"),
    }
    with torch.no_grad():
        taken = in_turns(forms, 5)
    return measured(f"sample {rows}", (rows, *HEADLINE[1:]), taken)


def memory_mb(rows: int) -> float:
    """The peak memory of a step in MB, measured in a separate process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed.memory", str(rows)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def epoch() -> dict[str, float]:
    """Median seconds of a training epoch at the headline shape, and the kernels' share of them."""
    _, columns, hidden, density = HEADLINE
    x = (torch.rand(EPOCH_ROWS + 10, columns, generator=generator_from(2)) < density).float()
    net = NADE(columns, hidden_size=hidden, generator=generator_from(0))
    inside = 0.0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal inside
            began = time.perf_counter()
            result = function(*args, **options)
            inside += time.perf_counter() - began
            return result

        return call

    net.training_loss(x[:8]).mean().backward()  # loads the kernels
    plan = Plan(epochs=EPOCHS, learning_rate=1e-2)
    laps: list[tuple[float, float]] = []
    originals = cpu.outputs, cpu.gradients
    cpu.outputs, cpu.gradients = timed(cpu.outputs), timed(cpu.gradients)
    try:
        lap = lambda state: laps.append((state.seconds, inside))  # noqa: E731
        rows, valid = Rows(x[:EPOCH_ROWS]), Rows(x[EPOCH_ROWS:])
        state = make_state(net, plan, generator_from(1))
        train(state, rows, valid, plan, progress=False, after_epoch=lap)
    finally:
        cpu.outputs, cpu.gradients = originals
    steps = [
        (after[0] - before[0], after[1] - before[1]) for before, after in pairwise(laps)
    ]  # all but the first
    shares = [part / whole for whole, part in steps]
    low, _, high = statistics.quantiles(shares, n=4)
    seconds = statistics.median(whole for whole, _ in steps)
    return {"epoch_s": seconds, "kernel_share": statistics.median(shares), "spread": high - low}


def headline(rows: list[dict[str, Any]], megabytes: float, share: float) -> list[dict[str, Any]]:
    """The headline figures, with the values that they must reach and those that they aim at."""

    def ms(what: str, form: str, shape: tuple[Any, ...] = HEADLINE) -> float:
        keys = dict(zip(("N", "D", "H", "density"), shape, strict=True)) | {
            "what": what,
            "form": form,
        }
        return next(row["median_ms"] for row in rows if keys.items() <= row.items())

    both, alone = "forward + backward", "forward"
    ours = ms(both, "kernels")
    one, many = ("sample 1", (1, *HEADLINE[1:])), ("sample 1000", (1000, *HEADLINE[1:]))
    growth = ms(both, "kernels", (100, 4096, 500, 0.13)) / ours / (4096 / 784)
    table = [
        (
            "forward + backward, textbook loop ÷ kernels",
            ms(both, "textbook loop") / ours,
            ">=",
            35,
            70,
        ),
        (
            "forward + backward, kernels ÷ dense MADE step",
            ours / ms(both, "dense MADE"),
            "<=",
            1.6,
            1.0,
        ),
        (
            "forward, textbook loop ÷ kernels",
            ms(alone, "textbook loop") / ms(alone, "kernels"),
            ">=",
            35,
            60,
        ),
        (
            "sample 1 row, textbook loop ÷ kernels",
            ms(one[0], "textbook loop", one[1]) / ms(one[0], "kernels", one[1]),
            ">=",
            200,
            600,
        ),
        (
            "sample 1000 rows, textbook loop ÷ kernels",
            ms(many[0], "textbook loop", many[1]) / ms(many[0], "kernels", many[1]),
            ">=",
            8,
            20,
        ),
        ("peak extra memory of a step at N = 1000, MB", megabytes, "<=", 60, 25),
        ("growth of time from D = 784 to 4096 ÷ growth of D", growth, "<=", 1.25, 1.25),
        ("share of a training epoch inside the kernels", share, ">=", 0.7, 0.7),
    ]
    found = []
    print(f"\n{'figure':<54}{'measured':>10}{'must':>9}{'aim':>7}")
    for name, value, sign, must, aim in table:
        holds = value >= must if sign == ">=" else value <= must
        print(f"{name:<54}{value:>10.2f}{sign:>5}{must:>4}{aim:>7}{'' if holds else '   MISSED'}")
        found.append(
            {
                "figure": name,
                "measured": value,
                "sign": sign,
                "must": must,
                "aim": aim,
                "holds": holds,
            }
        )
    return found


def main(only_headline: bool) -> None:
    """Prints a table and writes benchmarks/results/kernels.json, unless only the headline runs."""
    print(
        f"{'what':<20}{'N, D, H; density':<22}{'form':<22}{'ms':>10}{'spread':>9}{'textbook ÷':>11}"
    )
    if only_headline:
        steps(HEADLINE)
        samples(1)
        samples(1000)
        print(
            "kernels without loss and autograd: "
            + ", ".join(f"{name} {ms:.2f} ms" for name, ms in alone().items())
        )
        return
    rows = [row for shape in SHAPES for row in steps(shape)]
    rows += steps((100, 784, 500, "real"), real=True)
    rows += samples(1) + samples(1000)
    megabytes, of_epoch = memory_mb(1000), epoch()
    print(
        f"one training epoch of {EPOCH_ROWS} rows: {of_epoch['epoch_s']:.2f} s, "
        f"{of_epoch['kernel_share']:.0%} inside the kernels"
    )
    rows += [
        {"what": "epoch", **of_epoch},
        {"what": "peak extra memory", "N": 1000, "MB": megabytes},
    ]
    rows += [
        {"what": "headline", **figure}
        for figure in headline(rows, megabytes, of_epoch["kernel_share"])
    ]
    print(f"written to {write('kernels', rows)}")


if __name__ == "__main__":
    main(only_headline=sys.argv[1:] == ["headline"])
