"""Tests one fitted model against chainrule's promises."""

from __future__ import annotations

import itertools
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from chainrule.conditionals import Bernoulli, Categorical, Distribution
from chainrule.density import Density, load
from chainrule.errors import ChainruleError, EvidenceError
from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.networks.average import AbstractAverage
from chainrule.rng import generator_from, uniforms
from chainrule.testing.laws import (
    LEAST_P_VALUE,
    chi_squared_p_value,
    count_rows,
    flip_responses,
    integrate,
    multiplicities_of,
)

# Σ p is over the first steps of the order that have at most this many combinations of values.
FIRST_ROWS = 4096
DRAWS = 2000
WINDOW_DRAWS = 4000
BATCH_ROWS = 500
FLIP_ROWS = 4
WINDOW_STEPS, WINDOW_TRIALS = 5, 20
LEAST_EXPECTED = 50.0  # far tails of χ² are accurate only if all expected counts are large
MASS_TOLERANCE, DENSITY_TOLERANCE = 1e-9, 1e-6


@dataclass(frozen=True)
class CheckResult:
    """A promise, whether the model keeps it, and the figure that shows it."""

    name: str
    passed: bool
    detail: str


def check(density: Density, *, seed: int = 0) -> list[CheckResult]:
    """Tests a model's promises: no leak, Σ p = 1, the sampler draws from the density, files keep
    every bit.

    Args:
        density: the fitted model.
        seed: seed of the rows that are drawn. A correct model fails a statistical check for about
            two in a million seeds, and an ensemble of several orders this often per member.
    """
    tries: list[tuple[str, Callable[[Density, torch.Generator], tuple[bool, str]]]] = [
        ("no column sees itself or later ones", _flip),
        ("probabilities sum to 1", _mass),
        ("drawn cells follow their conditionals", _residuals),
        ("drawn steps follow their joint probability", _window),
        ("a saved file gives the same numbers", _file),
        ("densities integrate to 1", _density),
        ("members' weights sum to 1", _weights),
    ]
    results = []
    for name, attempt in tries:
        if not all(
            bool(tensor.isfinite().all()) for tensor in density.model.network.state_dict().values()
        ):
            results.append(CheckResult(name, False, "the network holds values that are not finite"))
            continue
        try:
            whole = [density] if attempt in (_file, _weights) else _of_one_order(density)
            tested = [attempt(each, generator_from(seed)) for each in whole]
            broken = [number for number, (kept, _) in enumerate(tested) if not kept]
            passed, detail = tested[broken[0] if broken else 0]
            if len(tested) > 1:
                which = f"member {broken[0]}" if broken else "the first"
                detail = f"{len(tested)} members were tested, each alone; {which}: {detail}"
        except EvidenceError as error:
            passed, detail = True, f"does not apply: {error}"
        except ChainruleError as error:
            passed, detail = False, str(error)
        results.append(CheckResult(name, passed, detail))
    return results


def _flip(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    network = _network(density)
    rows = network.sample(FLIP_ROWS, generator=generator)
    changed = flip_responses(network, rows).cpu()
    step = network.order.cpu().argsort()
    allowed = step[None, :] > step[:, None]
    leaks, dependent = int((changed & ~allowed).sum()), int((changed & allowed).sum())
    forbidden = int((~allowed).sum())
    seen = f"{dependent} of {int(allowed.sum())} allowed pairs seen"
    detail = f"{leaks} leaks among {forbidden} forbidden pairs; {seen}"
    return leaks == 0, detail


def _mass(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    rows, observed, steps = _prefix_rows(density)
    if steps == 0:
        return True, "the first step has no values that can be listed"
    multiplicity = list(itertools.product(*multiplicities_of(_network(density), steps)))
    times = torch.tensor(multiplicity, dtype=torch.float64).prod(1)
    total = float((density.model.in_float64().log_prob(rows, observed).exp().cpu() * times).sum())
    error = abs(total - 1)
    detail = f"|Σp − 1| = {error:.1e} over the {len(rows)} combinations of the first {steps} steps"
    return error <= MASS_TOLERANCE, detail


def _weights(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    modules = density.model.network.modules()
    weights = [each.log_weight.exp().sum() for each in modules if isinstance(each, AbstractAverage)]
    if not weights:
        return True, "there are no members"
    worst = max(abs(float(total) - 1) for total in weights)
    return worst <= MASS_TOLERANCE, f"|Σπ − 1| = {worst:.1e} at most"


def _density(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    """Integrates the conditional of every real column, given drawn rows.

    For a column of all integers, it checks the ends of the cdf.
    """
    exact = density.model.in_float64()
    rows = _network(density).sample(FLIP_ROWS, generator=generator).double()
    worst, counted = 0.0, 0
    with torch.no_grad():
        for distribution in exact.conditionals(rows):
            if distribution.conditional.is_discrete:
                continue
            conditional = distribution.conditional
            params = distribution.params.flatten(0, 1)  # (N M, width)
            total = integrate(conditional, params, torch.ones_like)
            for atom in conditional.atoms:
                values = total.new_full(total.shape, atom)
                total = total + conditional.log_prob(params, values).exp()
            worst = max(worst, float((total - 1).abs().max()))
            worst = max(worst, float((distribution.log_weight.exp().sum(1) - 1).abs().max()))
            counted += 1
    if not counted:
        return True, "no column has a density"
    return (
        worst <= DENSITY_TOLERANCE,
        f"|∫p − 1| = {worst:.1e} at most, {counted} columns given {len(rows)} drawn rows",
    )


def _residuals(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    """Tests drawn cells against their conditionals: on average, and jointly with every earlier
    column.

    The residual r_k has mean zero, a known variance and |r_k| <= 1, given the columns before k.
    Rows are independent. For a binary column it is x_k − p_k. For a category it is the indicator of
    the most probable value minus its probability. For a number it is the probability integral
    transform (randomised within masses) minus ½. The product r_k s_j has the same properties, where
    s_j is a function of an earlier column j with |s_j| <= 1. Bernstein's inequality bounds the
    tails of their sums without a normal approximation, for rare values too. The smallest of all D
    (D + 1) / 2 bounds is tested.
    """
    network = _network(density)
    drawn = network.sample(DRAWS, generator=generator)
    exact, order = density.model.in_float64(), network.order.cpu()
    uniform = uniforms(len(drawn), drawn.shape[1], generator)
    found: list[list[torch.Tensor]] = [[], [], []]
    with torch.no_grad():
        for rows, u in zip(
            drawn.double().split(BATCH_ROWS), uniform.split(BATCH_ROWS), strict=True
        ):
            cells = [
                _residual(distribution, rows[:, k], u[:, k].to(rows.device))
                for k, distribution in enumerate(exact.conditionals(rows))
            ]
            for number, columns in enumerate(zip(*cells, strict=True)):
                found[number].append(torch.stack(columns, dim=1).cpu())
    # (n, D) each, by step
    residual, variances, signs = (torch.cat(batches)[:, order] for batches in found)
    variance = variances.sum(0)  # (D,)
    constant = torch.ones(len(drawn), 1, dtype=signs.dtype)
    earlier = torch.cat([constant, signs], dim=1)  # (n, 1 + D)
    sums = (earlier.T @ residual).abs()  # (1 + D, D): [j, k]
    log_p = math.log(2) - sums**2 / (2 * variance + 2 * sums / 3).clamp_min(1e-300)
    step = torch.arange(signs.shape[1])
    is_earlier = torch.arange(signs.shape[1] + 1)[:, None] <= step  # row j + 1 is column j < k
    log_p = torch.where(is_earlier, log_p, math.inf)
    tests = signs.shape[1] * (signs.shape[1] + 1) // 2
    worst = min(1.0, math.exp(min(0.0, float(log_p.min()) + math.log(tests))))
    detail = (
        f"{tests} sums of residuals over {len(drawn)} draws, least p = {worst:.2g} after correction"
    )
    return worst >= LEAST_P_VALUE, detail


def _residual(
    distribution: Distribution, x: torch.Tensor, u: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Returns for drawn cells x (N,) the residual, its variance, and a function with values in [−1,
    1].
    """
    conditional = distribution.conditional
    if isinstance(conditional, Bernoulli):
        p = distribution.mean()
        return x - p, p * (1 - p), 2 * x - 1
    if isinstance(conditional, Categorical):
        mode = distribution.mode()
        listed = torch.stack(
            [distribution.log_prob(x.new_full(x.shape, v)) for v in range(conditional.values)],
            dim=1,
        )
        # Unlisted labels are never drawn if no training row had one.
        whole = listed.logsumexp(1) if conditional.unlisted == 0 else 0.0
        p = (distribution.log_prob(mode) - whole).exp()
        return (x == mode).double() - p, p * (1 - p), 2 * (x == 0).double() - 1
    upper = distribution.cdf(x)
    atoms = x.new_tensor(conditional.atoms)
    is_mass = torch.isin(x, atoms) | x.new_full((), conditional.is_discrete, dtype=torch.bool)
    z = upper - u * torch.where(is_mass, distribution.log_prob(x).exp(), 0)
    return z - 0.5, torch.full_like(z, 1 / 12), (2 * z - 1).clamp(-1, 1)


def _window(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    """Tests combinations of the few steps with the largest entropy by χ², given a drawn prefix."""
    network, exact = _network(density), density.model.in_float64()
    order = network.order.cpu()
    listed = [_listed(network, int(column)) for column in order]
    spans = [_span(listed, start) for start in range(len(order))]
    if not any(spans):
        return True, "no step has values that can be listed"
    trial = network.sample(WINDOW_TRIALS, generator=generator)
    with torch.no_grad():
        by_step = _in_order(exact.conditionals(trial.double()), order)
        nothing = torch.zeros(len(trial), dtype=torch.float64)
        entropies = [
            nothing if values is None else distribution.entropy().cpu()
            for distribution, values in zip(by_step, listed, strict=True)
        ]
        entropy = torch.stack(entropies, dim=1).mean(0)
    totals = [float(entropy[start : start + span].sum()) for start, span in enumerate(spans)]
    start = max(range(len(order)), key=lambda k: totals[k])
    columns = order[start : start + spans[start]]
    prefix = torch.zeros(len(order), dtype=torch.bool)
    window = torch.zeros(len(order), dtype=torch.bool)
    prefix[order[:start]] = True
    window[columns] = True
    supports = [values or () for values in listed[start : start + spans[start]]]
    ways = torch.tensor(list(itertools.product(*supports)), dtype=torch.float64)
    rows = trial[:1].double().cpu().repeat(len(ways), 1)
    rows[:, columns] = ways
    device = network.order.device
    with torch.no_grad():
        log_prob = exact.log_prob(
            rows.to(device), (prefix | window).to(device), prefix.to(device)
        ).cpu()
    drawn = (
        network.sample(
            WINDOW_DRAWS, given=(trial[:1], prefix.to(device)[None]), generator=generator
        )
        .double()
        .cpu()
    )
    counts = count_rows(drawn[:, columns], ways)
    p_value = chi_squared_p_value(
        counts, log_prob.exp() * WINDOW_DRAWS, least_expected=LEAST_EXPECTED
    )
    return (
        p_value >= LEAST_P_VALUE,
        f"χ² over the {len(ways)} combinations of steps {start} to {start + len(columns) - 1}: p "
        f"= {p_value:.2g}",
    )


def _listed(network: AbstractNetwork, column: int) -> tuple[float, ...] | None:
    """Returns the values of a column if they can be listed, each with a code that is drawn.

    Returns None otherwise.
    """
    conditional = network.columns.conditionals[column]
    return conditional.support() if conditional.is_saturated else None


def _span(listed: list[tuple[float, ...] | None], start: int) -> int:
    """Returns how many steps from ``start`` on can be listed together.

    They are at most WINDOW_STEPS, with at most FIRST_ROWS combinations.
    """
    span, ways = 0, 1
    for values in listed[start : start + WINDOW_STEPS]:
        if values is None or ways * len(values) > FIRST_ROWS:
            break
        span, ways = span + 1, ways * len(values)
    return span


def _in_order(items: Sequence[Any], order: torch.Tensor) -> list[Any]:
    return [items[int(k)] for k in order]


def _file(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    network = density.model.bare()
    rows = network.sample(20, generator=generator)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.chainrule")
        density.save(path)
        again = load(path)
    device = rows.device
    before = network.log_prob(rows)
    after = again.model.bare().to(device).log_prob(rows)
    same = torch.equal(before, after) and again.model.schema == density.model.schema
    return (
        same,
        f"log_prob of {len(rows)} rows {'equal to the bit' if same else 'differs'} after save and "
        "load",
    )


def _of_one_order(density: Density) -> list[Density]:
    """Returns the density, or for an ensemble of several orders the density of each member."""
    network = density.model.network
    try:
        _ = network.order  # raises for an ensemble of several orders
    except EvidenceError:
        return [
            Density(Model(density.model.schema, each), {}) for each in network.one_order_networks()
        ]
    return [density]


def _network(density: Density) -> AbstractNetwork:
    return density.model.bare()


def _prefix_rows(density: Density) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Returns all combinations of the first steps of the order as rows, their mask, and the steps.

    These are as many steps as have at most FIRST_ROWS combinations. Other cells are zero.
    """
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
