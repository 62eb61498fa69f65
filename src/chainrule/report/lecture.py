"""The lecture's claims, measured: the number of parameters, the reuse of sums, the leak of a dense
network.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from chainrule.density import Density
from chainrule.ops.nade import reference
from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.rng import generator_from
from chainrule.view.dense import DenseAutoencoder

DEPENDENCE_ROWS = 4  # rows over which the change of an output is averaged
DEPENDENCE_BATCH = 1024


@dataclass(frozen=True)
class FormTiming:
    """Seconds of both forms of the reference for ``n`` columns, the least of several runs."""

    n: int
    masked_s: float
    recursive_s: float

    @property
    def ratio(self) -> float:
        """Seconds of the masked form divided by those of the recursive one."""
        return self.masked_s / self.recursive_s


def time_forms(
    columns: tuple[int, ...] = (64, 128, 256, 512, 1024),
    hidden_size: int = 200,
    rows: int = 50,
    repeats: int = 5,
) -> list[FormTiming]:
    """Times both forms over growing n: O(n² d) and O(n d), so that their ratio grows with n."""
    generator = generator_from(0)
    timings = []
    for n in columns:
        x = (torch.rand(rows, n, generator=generator) < 0.3).float()
        W, V = (torch.randn(n, hidden_size, generator=generator) * 0.1 for _ in range(2))
        p = Parameters(
            W, torch.zeros(hidden_size), torch.full((hidden_size,), 0.5), V, torch.zeros(n)
        )
        forms = reference.masked, reference.recursive
        both = [_least_s(partial(form, x, p, Layout.of_bits(n)), repeats) for form in forms]
        timings.append(FormTiming(n, *both))
    return timings


@torch.no_grad()
def _least_s(call: Callable[[], object], repeats: int) -> float:
    call()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return min(taken)


def full_table_numbers(n: int) -> str:
    """Returns 2^n − 1 as text, with all digits while it is short."""
    return f"{2**n - 1:,}" if n <= 40 else f"2^{n} − 1 ≈ 10^{n * math.log10(2):.0f}"


def reconstruction_nats(network: DenseAutoencoder, rows: torch.Tensor) -> float:
    """Returns the summed cross-entropy per row of a dense autoencoder; it is not a likelihood."""
    with torch.no_grad():
        return float(
            F.binary_cross_entropy_with_logits(network(rows), rows, reduction="sum")
        ) / len(rows)


@torch.no_grad()
def dependence_of(logits: Callable[[torch.Tensor], torch.Tensor], rows: torch.Tensor) -> np.ndarray:
    """Returns the mean |change of σ(logit_j)| when x_k flips, (D, D) as [k, j], over a few rows (N,
    D).
    """
    rows = rows[:DEPENDENCE_ROWS]
    width = rows.shape[1]
    change = torch.zeros(width, width, dtype=torch.float64)
    for flips in torch.arange(width).split(max(1, DEPENDENCE_BATCH // len(rows))):
        base = rows.repeat(len(flips), 1)
        flipped, column = base.clone(), flips.repeat_interleave(len(rows))[:, None]
        flipped.scatter_(1, column, 1 - base.gather(1, column))
        difference = (torch.sigmoid(logits(flipped)) - torch.sigmoid(logits(base))).abs()
        change[flips] = difference.view(len(flips), len(rows), width).double().mean(1)
    return change.numpy()


@torch.no_grad()
def stages_of_drawing(
    density: Density, frames: int, generator: torch.Generator, completions: int = 100
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Draws one row of bits, and returns ``frames`` stages: (values, known, p(x_j = 1 | drawn so
    far)), each (D,).

    The network of a fitted density draws codes; values and probabilities are those of the table's
    pixels. For a pixel that is not yet drawn, the probability is the mean of its conditionals over
    completions drawn by the model.
    """
    network = copy.deepcopy(density.model.bare()).cpu()
    width = len(network.columns)
    # Columns in which code 1 is a lit pixel.
    lit = np.array([not column.is_flipped for column in density.schema.columns])
    row = network.sample(1, generator=generator)
    values, stages = np.asarray(density.table(row))[0], []
    for count in np.unique(np.linspace(0, width, frames).round().astype(int)).tolist():
        known = torch.zeros(width, dtype=torch.bool)
        known[network.order[:count]] = True
        if count == width:
            ones = row[0]
        else:
            rest = network.sample(completions, given=(row, known[None]), generator=generator)
            means = torch.stack([d.mean() for d in network.conditionals(rest)], dim=1)  # (n, D)
            ones = torch.where(known, row[0], means.mean(0))  # (D,)
        stages.append((values, known.numpy(), np.where(lit, ones.numpy(), 1 - ones.numpy())))
    return stages
