"""The promises of chainrule, tried on one fitted model."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import torch

from chainrule.density import Density, load
from chainrule.errors import ChainruleError
from chainrule.networks import AbstractFixedOrder
from chainrule.rng import generator_from
from chainrule.testing.laws import LEAST_P_VALUE, chi_squared_p_value, count_rows, flip_responses

FIRST_ROWS = 4096  # Σ p is taken over as many first steps of the order as have at most this many rows
DRAWS = 4000
FLIP_ROWS = 4
MASS_TOLERANCE = 1e-9
LEAST_P_TWO_SIDED = 1e-6


@dataclass(frozen=True)
class CheckResult:
    """One promise: what it is, whether the model keeps it, and the figure that shows it."""

    name: str
    passed: bool
    detail: str


def check(density: Density, *, seed: int = 0) -> list[CheckResult]:
    """Tries a model's promises: no leak, Σ p = 1, the sampler draws from the density, files keep every bit.

    Args:
        density: the fitted model.
        seed: of the rows that are tried; a right model fails a statistical check at most twice in a million seeds.
    """
    tries: list[tuple[str, Callable[[Density, torch.Generator], tuple[bool, str]]]] = [
        ("no column sees itself or later ones", _flip),
        ("probabilities sum to 1", _mass),
        ("samples follow the probabilities", _first_steps),
        ("likelihood of samples matches the entropy", _entropy),
        ("a saved file gives the same numbers", _file),
    ]
    results = []
    for name, attempt in tries:
        try:
            passed, detail = attempt(density, generator_from(seed))
        except ChainruleError as error:
            passed, detail = False, str(error)
        results.append(CheckResult(name, passed, detail))
    return results


def _flip(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    network = _network(density)
    rows = network.sample(FLIP_ROWS, generator=generator)
    changed = flip_responses(network, rows)
    step = network.order.cpu().argsort()
    allowed = step[None, :] > step[:, None]
    leaks, heard = int((changed & ~allowed).sum()), int((changed & allowed).sum())
    detail = f"{leaks} leaks among {int((~allowed).sum())} forbidden pairs; {heard} of {int(allowed.sum())} allowed pairs seen"
    return leaks == 0, detail


def _mass(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    rows, observed, steps = _prefix_rows(density)
    total = float(density.model.in_float64().log_prob(rows, observed).exp().sum())
    return abs(
        total - 1
    ) <= MASS_TOLERANCE, f"|Σp − 1| = {abs(total - 1):.1e} over the {len(rows)} ways of the first {steps} steps"


def _first_steps(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    rows, observed, steps = _prefix_rows(density, most=256)
    columns = observed.nonzero()[:, 0]
    expected = density.model.in_float64().log_prob(rows, observed).exp() * DRAWS
    drawn = _network(density).sample(DRAWS, generator=generator).double()
    p_value = chi_squared_p_value(count_rows(drawn[:, columns].cpu(), rows[:, columns].cpu()), expected.cpu())
    return p_value >= LEAST_P_VALUE, f"χ² over the {len(rows)} ways of the first {steps} steps: p = {p_value:.3f}"


def _entropy(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    """For rows the model draws, Σ_k log p(x_k | x_<k) + H(x_k | x_<k) has mean zero, column by column."""
    drawn = _network(density).sample(DRAWS // 4, generator=generator).double()
    network = density.model.in_float64()
    entropy = torch.stack([c.entropy() for c in network.conditionals(drawn)], dim=1)  # (n, D)
    gap = (network.log_prob_columns(drawn) + entropy).sum(1)  # (n,)
    z = float(gap.mean() / (gap.std() / len(gap) ** 0.5).clamp_min(1e-300))
    p_value = float(torch.special.erfc(torch.tensor(abs(z) / 2**0.5, dtype=torch.float64)))
    return (
        p_value >= LEAST_P_TWO_SIDED,
        f"mean of log p plus entropy {float(gap.mean()):+.3f} nats over {len(gap)} rows, z = {z:+.2f}",
    )


def _file(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    rows = _network(density).sample(20, generator=generator)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.chainrule")
        density.save(path)
        again = load(path)
    device = rows.device
    before = density.model.network.log_prob(rows)
    after = again.model.network.to(device).log_prob(rows)
    same = torch.equal(before, after) and again.model.schema == density.model.schema
    return same, f"log_prob of {len(rows)} rows {'equal to the bit' if same else 'differs'} after save and load"


def _network(density: Density) -> AbstractFixedOrder:
    network = density.model.network
    if not isinstance(network, AbstractFixedOrder):
        raise TypeError(f"check knows networks of one order, not {type(network).__name__}")
    return network


def _prefix_rows(density: Density, most: int = FIRST_ROWS) -> tuple[torch.Tensor, torch.Tensor, int]:
    """All values of the first steps of the order that have at most ``most`` ways, as rows with the other cells zero."""
    network = _network(density)
    width = len(network.columns)
    supports: list[tuple[float, ...]] = []
    ways = 1
    for column in network.order.tolist():
        support = network.columns.conditionals[column].support()
        if support is None or ways * len(support) > most:
            break
        supports.append(support)
        ways *= len(support)
    columns = network.order[: len(supports)].cpu()
    rows = torch.zeros(ways, width, dtype=torch.float64)
    rows[:, columns] = torch.tensor(list(itertools.product(*supports)), dtype=torch.float64)
    observed = torch.zeros(width, dtype=torch.bool)
    observed[columns] = True
    return rows.to(network.order.device), observed.to(network.order.device), len(supports)
