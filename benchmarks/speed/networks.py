"""The cost of masks, flags, orders and sampling for MADE and orderless networks.

Usage: python -m benchmarks.speed.networks

Four comparisons: training steps and the same layers without masks or flags; the exact likelihood of
an orderless network and its matrix products; eight orders and one; samplers and D full passes.

The forms of a comparison take turns within one run. If two forms must agree and do not, neither is
timed. Results are medians, with the distance between the quartiles as spread. A ratio is the median
of the ratios of the turns, so other work on the machine affects both sides. With one thread
(OMP_NUM_THREADS=1), processor time is measured, which other work hardly changes. A run takes three
minutes on an idle machine.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from benchmarks.record import write
from benchmarks.speed.kernels import AGREEMENT, HEADLINE
from benchmarks.speed.memory import status_mb
from chainrule import MADE, Ensemble, OrderlessNADE
from chainrule.networks.made_masks import build_masks
from chainrule.networks.orderless import SCAN_ROWS, STATES
from chainrule.networks.training_masks import drawn
from chainrule.rng import generator_from, uniforms

STEP_ROWS, COLUMNS, WIDTH, DENSITY = HEADLINE
HIDDEN = [WIDTH, WIDTH]
ORDERS, ORDER_ROWS = 8, 500
PEAK_ROWS = 2 * SCAN_ROWS  # rows of the likelihood whose memory is measured
ASKED = 98  # columns of the timed likelihoods; all columns cost the same
STEP_TURNS, STEP_CALLS = 40, 5  # turns, and counted calls within a turn
# Turns of forms that take seconds, and of eight orders, whose ratio needs more precision.
SLOW_TURNS, ORDER_TURNS = 5, 16

Form = Callable[[], object]
Net = TypeVar("Net", bound=nn.Module)
Layers = list[torch.Tensor]


class Plain(nn.Module):
    """Linear layers with ReLU between them; with ``direct``, one more layer from inputs to outputs.

    ``layers`` are the weight and the bias of each, then the weight of the direct layer.
    """

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        *pairs, direct = layers if len(layers) % 2 else [*layers, None]
        self.layers = nn.ModuleList(
            _linear(*pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)
        )
        self.direct = None if direct is None else _linear(direct, None)

    @override
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (N, D)."""
        h = inputs
        for layer in self.layers[:-1]:
            h = torch.relu(layer(h))  # (N, H)
        y = self.layers[-1](h)  # (N, D)
        return y if self.direct is None else y + self.direct(inputs)


def _linear(weight: torch.Tensor | None, bias: torch.Tensor | None) -> nn.Linear:
    assert weight is not None
    # On the meta device, so that it draws no numbers.
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = nn.Parameter(weight.clone(memory_format=torch.contiguous_format))
    if bias is not None:
        layer.bias = nn.Parameter(bias.clone())
    return layer


def in_turns(forms: dict[str, Form], turns: int, calls: int = 1) -> dict[str, list[list[float]]]:
    """Milliseconds of every form's calls, in turns; the first of several calls is not counted."""
    taken: dict[str, list[list[float]]] = {name: [] for name in forms}
    for _ in range(turns):
        for name, form in forms.items():
            if calls > 1:
                form()
            taken[name].append([_milliseconds(form) for _ in range(calls)])
    return taken


def _milliseconds(form: Form) -> float:
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    form()
    return (clock() - began) * 1e3


def training_step(
    module: nn.Module, loss: Callable[[], torch.Tensor]
) -> Callable[[], torch.Tensor]:
    """A training step without the optimizer: clears gradients, computes loss and gradients."""

    def run() -> torch.Tensor:
        module.zero_grad()
        value = loss()
        value.backward()
        return value.detach()

    return run


def rows(n: int) -> torch.Tensor:
    """Binary rows (n, D)."""
    return (torch.rand(n, COLUMNS, generator=generator_from(0)) < DENSITY).float()


def stirred(net: Net) -> Net:
    """The network with noise on all parameters; an untrained MADE's direct weights are zero."""
    generator = generator_from(3)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn(p.shape, generator=generator), alpha=0.02)
    return net


def refuse_unless_equal(
    what: str, got: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]
) -> None:
    """Raises SystemExit if tensors differ by more than float32 rounding of their largest value."""
    errors = [float((g - w).abs().max() / w.abs().max()) for g, w in zip(got, wanted, strict=True)]
    if not max(errors) <= AGREEMENT:  # also refuses NaN
        raise SystemExit(f"{what} differ by {max(errors):.1e}; not timed")


def made_layers(net: MADE, of: Callable[[nn.Parameter], torch.Tensor]) -> Layers:
    """Weights or gradients of MADE in the order of ``Plain``; masked ones are zero."""
    steps = torch.arange(COLUMNS)
    masks = build_masks(steps, steps, HIDDEN, COLUMNS, direct=net.direct)
    weights = zip(
        [*net.hidden_weights, net.output_weight], [*masks.hidden, masks.output], strict=True
    )
    biases = [*net.hidden_biases, net.output_bias]
    layers = [
        t for (w, mask), b in zip(weights, biases, strict=True) for t in (of(w) * mask, of(b))
    ]
    return layers if masks.direct is None else [*layers, of(net.direct_weight) * masks.direct]


def orderless_layers(net: OrderlessNADE, of: Callable[[nn.Parameter], torch.Tensor]) -> Layers:
    """Weights or gradients of an orderless network as in ``Plain``: values, then flags."""
    first = torch.cat([of(net.value_weight), of(net.flag_weight)]).T  # (H, 2 D)
    weights = [first, *(of(w) for w in net.hidden_weights), of(net.output_weight)]
    biases = [of(b) for b in (*net.hidden_biases, net.output_bias)]
    return [t for pair in zip(weights, biases, strict=True) for t in pair]


def _weight(p: nn.Parameter) -> torch.Tensor:
    return p.detach()


def _gradient(p: nn.Parameter) -> torch.Tensor:
    assert p.grad is not None
    return p.grad


def made_steps(*, direct: bool) -> list[dict[str, Any]]:
    """A training step of MADE and of the same layers without masks."""
    x = rows(STEP_ROWS)
    net = stirred(MADE(COLUMNS, HIDDEN, direct=direct, generator=generator_from(0)))
    plain = Plain(made_layers(net, _weight))
    ours = training_step(net, lambda: net.training_loss(x).mean())
    theirs = training_step(
        plain, lambda: F.binary_cross_entropy_with_logits(plain(x), x, reduction="sum") / len(x)
    )
    losses = ours(), theirs()
    got = made_layers(net, _gradient)
    free = made_layers(net, torch.ones_like)  # gradients that MADE masks do not count
    wanted = [_gradient(p) * mask for p, mask in zip(plain.parameters(), free, strict=True)]
    refuse_unless_equal("MADE and its layers", [losses[0], *got], [losses[1], *wanted])
    forms: dict[str, Form] = {"plain layers": theirs, "MADE": ours}
    return measured(
        "MADE step" if direct else "MADE step, no direct",
        STEP_ROWS,
        in_turns(forms, STEP_TURNS, STEP_CALLS),
    )


def orderless_steps() -> list[dict[str, Any]]:
    """A training step of an orderless network, and of the same layers on given values and flags."""
    x, generator = rows(STEP_ROWS), generator_from(1)
    observed = torch.ones(x.shape, dtype=torch.bool)
    net = stirred(OrderlessNADE(COLUMNS, HIDDEN, generator=generator_from(0)))
    plain = Plain(orderless_layers(net, _weight))
    cells = observed.t().float()
    given = drawn(cells, generator, evenly=False)[0].t() > 0
    inputs = torch.cat([x * given, given.float()], dim=1)  # (N, 2 D)
    # The weight of a cell: D / (D − k) if it is predicted, given k cells.
    share = ~given * (COLUMNS / (~given).sum(1, keepdim=True)) / len(x)
    ours = training_step(net, lambda: net.masked_loss(x, observed, given).mean())
    theirs = training_step(
        plain, lambda: F.binary_cross_entropy_with_logits(plain(inputs), x, share, reduction="sum")
    )
    losses = ours(), theirs()
    gradients = [_gradient(p) for p in plain.parameters()]
    refuse_unless_equal(
        "OrderlessNADE and its layers",
        [losses[0], *orderless_layers(net, _gradient)],
        [losses[1], *gradients],
    )
    forms: dict[str, Form] = {
        "plain layers": theirs,
        "OrderlessNADE": training_step(
            net, lambda: net.training_loss(x, generator=generator).mean()
        ),
        "masks given": ours,
        "drawing masks": lambda: drawn(cells, generator, evenly=False),
    }
    return measured("orderless step", STEP_ROWS, in_turns(forms, STEP_TURNS, STEP_CALLS))


@torch.no_grad()
def exact() -> list[dict[str, Any]]:
    """The likelihood of one chunk of rows, and the matrix products that it needs.

    More rows make more chunks, one after another.
    """
    net, x = stirred(OrderlessNADE(COLUMNS, HIDDEN, generator=generator_from(0))), rows(SCAN_ROWS)
    few, asked = x[:4], torch.arange(COLUMNS) < ASKED
    before = torch.arange(COLUMNS) < torch.arange(COLUMNS)[:, None]  # (D, D): the inputs of step k
    logits = torch.stack(
        [net.params_given(row.expand(COLUMNS, -1), before)[:, 0].diagonal() for row in few]
    )
    cells = -F.binary_cross_entropy_with_logits(logits, few, reduction="none")  # (N, D)
    wanted = [cells.sum(1), cells[:, asked].sum(1)]
    refuse_unless_equal(
        "log_prob and D full passes", [net.log_prob(few), net.log_prob(few, asked)], wanted
    )
    together = -(-STATES // len(x))  # columns that go through the deeper layers together
    states = torch.rand(together * len(x), WIDTH, generator=generator_from(1))
    deeper, output = net.hidden_weights[0].T, net.output_weight

    def products() -> None:
        for columns in torch.arange(ASKED).split(together):
            h = torch.mm(states[: len(columns) * len(x)], deeper)  # (columns N, H)
            for column, part in zip(columns.tolist(), h.split(len(x)), strict=True):
                torch.mm(part, output[column, :, None])

    forms: dict[str, Form] = {
        "matrix products": products,
        "log_prob": lambda: net.log_prob(x, asked),
    }
    return measured("exact likelihood", len(x), in_turns(forms, SLOW_TURNS))


@torch.no_grad()
def orders() -> list[dict[str, Any]]:
    """The likelihood in one order, repeated for each order, and in an ensemble of the orders."""
    x, generator = rows(ORDER_ROWS), generator_from(2)
    net = OrderlessNADE(COLUMNS, HIDDEN, order="random", generator=generator)
    members = [net.with_order(torch.randperm(COLUMNS, generator=generator)) for _ in range(ORDERS)]
    ensemble, few, asked = Ensemble(members), x[:4], torch.arange(COLUMNS) < ASKED // 2
    logs = torch.stack([member.log_prob(few, asked) for member in members])
    mean = logs.logsumexp(0) - torch.tensor(float(ORDERS)).log()
    refuse_unless_equal(
        "the ensemble and its members' mean", [ensemble.log_prob(few, asked)], [mean]
    )
    forms: dict[str, Form] = {
        f"one order, {ORDERS} times": lambda: [
            net.log_prob(x, asked) for _ in range(ORDERS)
        ],  # as long a turn
        f"{ORDERS} orders": lambda: ensemble.log_prob(x, asked),
    }
    return measured("ensemble", len(x), in_turns(forms, ORDER_TURNS))


def full_passes(net: MADE | OrderlessNADE, n: int) -> torch.Tensor:
    """Rows (n, D) drawn with one pass of the whole network for each column."""
    uniform = uniforms(n, COLUMNS, generator_from(1))
    x, given = torch.zeros(n, COLUMNS), torch.zeros(n, COLUMNS, dtype=torch.bool)
    for column in net.order.tolist():
        if isinstance(net, MADE):
            params = net.conditional_params(x)
        else:
            params = net.params_given(x, given)[:, 0]
        params = params[:, net.columns.param_rows(column)]
        x[:, column] = net.columns.conditionals[column].sample(params, uniform[:, column])
        given[:, column] = True
    return x


@torch.no_grad()
def samples(net: MADE | OrderlessNADE, n: int) -> list[dict[str, Any]]:
    """Rows drawn by the network's sampler and by D full passes, from the same uniforms."""
    ours = lambda: net.sample(n, generator=generator_from(1))  # noqa: E731
    theirs = partial(full_passes, net, n)
    # Rows differ if a uniform number is within rounding of σ.
    differ = float((ours() != theirs()).any(1).double().mean())
    if differ > 0.01:
        raise SystemExit(
            f"{differ:.1%} of {type(net).__name__}'s rows differ from those of D full passes; not "
            "timed"
        )
    forms: dict[str, Form] = {"sample": ours, "D full passes": theirs}
    return measured(f"{type(net).__name__} sample", n, in_turns(forms, SLOW_TURNS))


def measured(what: str, n: int, taken: dict[str, list[list[float]]]) -> list[dict[str, Any]]:
    """One row for each form, printed as it is made, with its ratio to the first."""
    base, found = next(iter(taken)), []
    for name, turns in taken.items():
        median, spread = _middle([ms for turn in turns for ms in turn])
        pairs = zip(turns, taken[base], strict=True)
        ratio, ratio_spread = _middle(
            [statistics.median(turn) / statistics.median(first) for turn, first in pairs]
        )
        numbers = f"{median:>10.2f}{spread:>9.2f}{ratio:>9.2f}{ratio_spread:>9.2f}"
        print(f"{what:<24}{n:>6}  {name:<18}{numbers}", flush=True)
        row = {
            "what": what,
            "N": n,
            "D": COLUMNS,
            "H": HIDDEN,
            "density": DENSITY,
            "form": name,
            "dtype": "float32",
        }
        times = {
            "device": "cpu",
            "clock": "processor" if torch.get_num_threads() == 1 else "wall",
            "turns": len(turns),
            "median_ms": median,
            "spread_ms": spread,
        }
        found.append(
            row | times | {"base": base, "over_base": ratio, "over_base_spread": ratio_spread}
        )
    return found


def _middle(numbers: list[float]) -> tuple[float, float]:
    low, median, high = statistics.quantiles(numbers, n=4)
    return median, high - low


def print_peak(n: int) -> None:
    """Prints the peak memory of the exact likelihood of n rows in MB."""
    net, x = OrderlessNADE(COLUMNS, HIDDEN, generator=generator_from(0)), rows(n)
    with torch.no_grad():
        net.log_prob(x[:4])
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before = status_mb("VmRSS")
        net.log_prob(x)
    print(status_mb("VmHWM") - before)


def peak_mb(n: int) -> float:
    """The number that ``print_peak`` prints in a separate process."""
    command = f"from benchmarks.speed.networks import print_peak; print_peak({n})"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def figures(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ratios and their spreads, with their aims."""

    def ratio(what: str, form: str, n: int, times: int = 1) -> tuple[float, float]:
        keys = {"what": what, "form": form, "N": n}
        row = next(row for row in found if keys.items() <= row.items())
        return times * row["over_base"], times * row["over_base_spread"]

    # The base is one order, eight times.
    eight = ratio("ensemble", f"{ORDERS} orders", ORDER_ROWS, ORDERS)
    table: list[tuple[str, tuple[float, float], float | None]] = [
        ("MADE step ÷ its layers without masks", ratio("MADE step", "MADE", STEP_ROWS), 1.15),
        (
            "MADE step ÷ its layers, no direct connections",
            ratio("MADE step, no direct", "MADE", STEP_ROWS),
            1.15,
        ),
        (
            "orderless step ÷ its layers, inputs given",
            ratio("orderless step", "OrderlessNADE", STEP_ROWS),
            1.15,
        ),
        (
            "exact likelihood ÷ its matrix products",
            ratio("exact likelihood", "log_prob", SCAN_ROWS),
            3,
        ),
        (f"ensemble of {ORDERS} orders ÷ one order", eight, ORDERS),
        *(
            (
                f"D full passes ÷ {name}.sample({n})",
                ratio(f"{name} sample", "D full passes", n),
                None,
            )
            for name in ("MADE", "OrderlessNADE")
            for n in (1, 100)
        ),
    ]
    print(f"\n{'figure':<48}{'measured':>10}{'spread':>9}{'aim':>9}")
    held = []
    for name, (value, spread), aim in table:
        holds = None if aim is None else value <= aim
        note = ""
        if aim is not None and value > aim:
            note = "   missed within the spread" if value - spread / 2 <= aim else "   MISSED"
        print(
            f"{name:<48}{value:>10.2f}{spread:>9.2f}{'' if aim is None else f'<= {aim:g}':>9}{note}"
        )
        row = {
            "what": "figure",
            "figure": name,
            "measured": value,
            "spread": spread,
            "aim": aim,
            "holds": holds,
        }
        held.append(row)
    return held


def main() -> None:
    """Prints a table and writes benchmarks/results/networks.json."""
    print(f"{'what':<24}{'N':>6}  {'form':<18}{'ms':>10}{'spread':>9}{'÷ first':>9}{'spread':>9}")
    found = made_steps(direct=True) + made_steps(direct=False) + orderless_steps()
    found += exact() + orders()
    for network in (MADE, OrderlessNADE):
        net = stirred(network(COLUMNS, HIDDEN, generator=generator_from(0)))
        found += samples(net, 1) + samples(net, 100)
    megabytes = peak_mb(PEAK_ROWS)
    print(f"peak extra memory of the exact likelihood of {PEAK_ROWS} rows: {megabytes:.0f} MB")
    found.append({"what": "peak extra memory", "N": PEAK_ROWS, "MB": megabytes})
    found += figures(found)
    print(f"written to {write('networks', found)}")


if __name__ == "__main__":
    main()
