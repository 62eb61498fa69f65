"""The promises of chainrule, tried on one fitted model."""

from __future__ import annotations

import itertools
import math
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
DRAWS = 2000
WINDOW_DRAWS = 4000
BATCH_ROWS = 500
FLIP_ROWS = 4
WINDOW_STEPS, WINDOW_TRIALS = 5, 20
LEAST_EXPECTED = 50.0  # far tails of χ² are right only where no cell expects few
MASS_TOLERANCE = 1e-9


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
        seed: of the rows that are tried; a right model fails a statistical check about twice in a million seeds.
    """
    tries: list[tuple[str, Callable[[Density, torch.Generator], tuple[bool, str]]]] = [
        ("no column sees itself or later ones", _flip),
        ("probabilities sum to 1", _mass),
        ("drawn cells follow their conditionals", _residuals),
        ("drawn steps follow their joint probability", _window),
        ("a saved file gives the same numbers", _file),
    ]
    results = []
    for name, attempt in tries:
        if not all(bool(tensor.isfinite().all()) for tensor in density.model.network.state_dict().values()):
            results.append(CheckResult(name, False, "the network holds values that are not finite"))
            continue
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


def _residuals(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    """Drawn cells against their conditionals: on average, and with every earlier column.

    Given the columns before k in all rows, r_k = x_k − p_k has mean zero and variance p_k (1 − p_k), independently from
    row to row; so has r_k (2 x_j − 1) for a column j drawn earlier. Bernstein's inequality bounds the tail of their sums
    without any normal approximation, for rare values too, and the smallest of all D (D + 1) / 2 is judged.
    """
    network = _network(density)
    drawn = network.sample(DRAWS, generator=generator)
    x = drawn.double().cpu()[:, network.order.cpu()]  # (n, D), by step
    exact = density.model.in_float64()
    with torch.no_grad():
        parts = [exact.conditionals(part.double()) for part in drawn.split(BATCH_ROWS)]
    p = torch.cat([torch.stack([c.mean() for c in part], dim=1) for part in parts]).cpu()[:, network.order.cpu()]
    residual, variance = x - p, (p * (1 - p)).sum(0)  # (n, D), (D,)
    earlier = torch.cat(
        [torch.ones(len(x), 1, dtype=x.dtype), 2 * x - 1], dim=1
    )  # (n, 1 + D): the constant, then columns
    sums = (earlier.T @ residual).abs()  # (1 + D, D): [j, k]
    log_p = math.log(2) - sums**2 / (2 * variance + 2 * sums / 3).clamp_min(1e-300)
    step = torch.arange(x.shape[1])
    log_p = torch.where(torch.arange(x.shape[1] + 1)[:, None] <= step, log_p, math.inf)  # column j = row j + 1 < k + 1
    tests = x.shape[1] * (x.shape[1] + 1) // 2
    worst = min(1.0, math.exp(min(0.0, float(log_p.min()) + math.log(tests))))
    return (
        worst >= LEAST_P_VALUE,
        f"{tests} sums of residuals over {len(x)} draws, least p = {worst:.2g} after correction",
    )


def _window(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    """χ² over all ways of a few steps that are hardest to foresee, given a drawn prefix of the order."""
    network, exact = _network(density), density.model.in_float64()
    order = network.order.cpu()
    width = min(WINDOW_STEPS, len(order))
    trial = network.sample(WINDOW_TRIALS, generator=generator)
    entropy = torch.stack([c.entropy() for c in exact.conditionals(trial.double())], dim=1).cpu()[:, order].mean(0)
    start = int(entropy.unfold(0, width, 1).sum(1).argmax())
    columns = order[start : start + width]
    prefix, window = torch.zeros(len(order), dtype=torch.bool), torch.zeros(len(order), dtype=torch.bool)
    prefix[order[:start]] = True
    window[columns] = True
    ways = torch.tensor(list(itertools.product((0.0, 1.0), repeat=width)), dtype=torch.float64)
    rows = trial[:1].double().cpu().repeat(len(ways), 1)
    rows[:, columns] = ways
    device = network.order.device
    log_prob = exact.log_prob(rows.to(device), (prefix | window).to(device), prefix.to(device)).cpu()
    drawn = network.sample(WINDOW_DRAWS, given=(trial[:1], prefix.to(device)[None]), generator=generator).double().cpu()
    counts = count_rows(drawn[:, columns], ways)
    p_value = chi_squared_p_value(counts, log_prob.exp() * WINDOW_DRAWS, least_expected=LEAST_EXPECTED)
    return (
        p_value >= LEAST_P_VALUE,
        f"χ² over the {len(ways)} ways of steps {start} to {start + width - 1}: p = {p_value:.2g}",
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


def _prefix_rows(density: Density) -> tuple[torch.Tensor, torch.Tensor, int]:
    """All ways of as many first steps of the order as have at most FIRST_ROWS, as rows with the other cells zero."""
    network = _network(density)
    width = len(network.columns)
    supports: list[tuple[float, ...]] = []
    ways = 1
    for column in network.order.tolist():
        support = network.columns.conditionals[column].support()
        if support is None or ways * len(support) > FIRST_ROWS:
            break
        supports.append(support)
        ways *= len(support)
    columns = network.order[: len(supports)].cpu()
    rows = torch.zeros(ways, width, dtype=torch.float64)
    rows[:, columns] = torch.tensor(list(itertools.product(*supports)), dtype=torch.float64)
    observed = torch.zeros(width, dtype=torch.bool)
    observed[columns] = True
    return rows.to(network.order.device), observed.to(network.order.device), len(supports)
