"""The promises of chainrule, tried on one fitted model."""

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

FIRST_ROWS = 4096  # Σ p is taken over as many first steps of the order as have at most this many rows
DRAWS = 2000
WINDOW_DRAWS = 4000
BATCH_ROWS = 500
FLIP_ROWS = 4
WINDOW_STEPS, WINDOW_TRIALS = 5, 20
LEAST_EXPECTED = 50.0  # far tails of χ² are right only where no cell expects few
MASS_TOLERANCE, DENSITY_TOLERANCE = 1e-9, 1e-6


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
        seed: of the rows that are tried; a right model fails a statistical check about twice in a million seeds, an ensemble of
            several orders so often for each member.
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
        if not all(bool(tensor.isfinite().all()) for tensor in density.model.network.state_dict().values()):
            results.append(CheckResult(name, False, "the network holds values that are not finite"))
            continue
        try:
            whole = [density] if attempt in (_file, _weights) else _of_one_order(density)
            tried = [attempt(part, generator_from(seed)) for part in whole]
            broken = [number for number, (kept, _) in enumerate(tried) if not kept]
            passed, detail = tried[broken[0] if broken else 0]
            if len(tried) > 1:
                which = f"member {broken[0]}" if broken else "the first"
                detail = f"{len(tried)} members were tried, each alone; of {which}: {detail}"
        except EvidenceError as error:  # there is nothing to be broken
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
    leaks, heard = int((changed & ~allowed).sum()), int((changed & allowed).sum())
    detail = f"{leaks} leaks among {int((~allowed).sum())} forbidden pairs; {heard} of {int(allowed.sum())} allowed pairs seen"
    return leaks == 0, detail


def _mass(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    rows, observed, steps = _prefix_rows(density)
    if steps == 0:
        return True, "the first step has no values that can be listed"
    times = torch.tensor(
        list(itertools.product(*multiplicities_of(_network(density), steps))), dtype=torch.float64
    ).prod(1)
    total = float((density.model.in_float64().log_prob(rows, observed).exp().cpu() * times).sum())
    return abs(
        total - 1
    ) <= MASS_TOLERANCE, f"|Σp − 1| = {abs(total - 1):.1e} over the {len(rows)} ways of the first {steps} steps"


def _weights(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    weights = [
        part.log_weight.exp().sum() for part in density.model.network.modules() if isinstance(part, AbstractAverage)
    ]
    if not weights:
        return True, "there are no members"
    worst = max(abs(float(total) - 1) for total in weights)
    return worst <= MASS_TOLERANCE, f"|Σπ − 1| = {worst:.1e} at most"


def _density(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    """The conditional of every real column, given drawn rows, by quadrature; of one of all integers, by its cdf's ends."""
    exact = density.model.in_float64()
    rows = _network(density).sample(FLIP_ROWS, generator=generator).double()
    worst, counted = 0.0, 0
    with torch.no_grad():
        for distribution in exact.conditionals(rows):
            if distribution.conditional.is_discrete:
                continue
            conditional, params = distribution.conditional, distribution.params.flatten(0, 1)  # (N M, width)
            total = integrate(conditional, params, torch.ones_like)
            for atom in conditional.atoms:
                total = total + conditional.log_prob(params, total.new_full(total.shape, atom)).exp()
            worst = max(worst, float((total - 1).abs().max()))
            worst = max(worst, float((distribution.log_weight.exp().sum(1) - 1).abs().max()))
            counted += 1
    if not counted:
        return True, "no column has a density"
    return worst <= DENSITY_TOLERANCE, f"|∫p − 1| = {worst:.1e} at most, {counted} columns given {len(rows)} drawn rows"


def _residuals(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    """Drawn cells against their conditionals: on average, and with every earlier column.

    Given the columns before k in all rows, r_k has mean zero, a known variance and |r_k| <= 1, independently from row to
    row: of a binary column x_k − p_k, of a category whether it is the likeliest one less that one's probability, of a number its
    probability integral transform (randomised within masses) less ½. So has r_k s_j for a column j drawn earlier and
    |s_j| <= 1 that it decides. Bernstein's inequality bounds the tail of their sums without any normal
    approximation, for rare values too, and the smallest of all D (D + 1) / 2 is judged.
    """
    network = _network(density)
    drawn = network.sample(DRAWS, generator=generator)
    exact, order = density.model.in_float64(), network.order.cpu()
    uniform = uniforms(len(drawn), drawn.shape[1], generator)
    found: list[list[torch.Tensor]] = [[], [], []]
    with torch.no_grad():
        for rows, u in zip(drawn.double().split(BATCH_ROWS), uniform.split(BATCH_ROWS), strict=True):
            cells = [
                _residual(distribution, rows[:, k], u[:, k].to(rows.device))
                for k, distribution in enumerate(exact.conditionals(rows))
            ]
            for number, part in enumerate(zip(*cells, strict=True)):
                found[number].append(torch.stack(part, dim=1).cpu())
    residual, variances, signs = (torch.cat(part)[:, order] for part in found)  # (n, D) each, by step
    variance = variances.sum(0)  # (D,)
    earlier = torch.cat(
        [torch.ones(len(drawn), 1, dtype=signs.dtype), signs], dim=1
    )  # (n, 1 + D): the constant, then columns
    sums = (earlier.T @ residual).abs()  # (1 + D, D): [j, k]
    log_p = math.log(2) - sums**2 / (2 * variance + 2 * sums / 3).clamp_min(1e-300)
    step = torch.arange(signs.shape[1])
    log_p = torch.where(
        torch.arange(signs.shape[1] + 1)[:, None] <= step, log_p, math.inf
    )  # column j = row j + 1 < k + 1
    tests = signs.shape[1] * (signs.shape[1] + 1) // 2
    worst = min(1.0, math.exp(min(0.0, float(log_p.min()) + math.log(tests))))
    return (
        worst >= LEAST_P_VALUE,
        f"{tests} sums of residuals over {len(drawn)} draws, least p = {worst:.2g} after correction",
    )


def _residual(
    distribution: Distribution, x: torch.Tensor, u: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of drawn cells x (N,): the residual, its variance, and a sign in [−1, 1] that the cell decides."""
    conditional = distribution.conditional
    if isinstance(conditional, Bernoulli):
        p = distribution.mean()
        return x - p, p * (1 - p), 2 * x - 1
    if isinstance(conditional, Categorical):
        mode = distribution.mode()
        listed = torch.stack([distribution.log_prob(x.new_full(x.shape, v)) for v in range(conditional.values)], dim=1)
        whole = listed.logsumexp(1) if conditional.unlisted == 0 else 0.0  # what no row had is never drawn
        p = (distribution.log_prob(mode) - whole).exp()
        return (x == mode).double() - p, p * (1 - p), 2 * (x == 0).double() - 1
    upper = distribution.cdf(x)
    atoms = x.new_tensor(conditional.atoms)
    is_mass = torch.isin(x, atoms) | x.new_full((), conditional.is_discrete, dtype=torch.bool)
    z = upper - u * torch.where(is_mass, distribution.log_prob(x).exp(), 0)
    return z - 0.5, torch.full_like(z, 1 / 12), (2 * z - 1).clamp(-1, 1)


def _window(density: Density, generator: torch.Generator) -> tuple[bool, str]:
    """χ² over all ways of a few steps that are hardest to foresee, given a drawn prefix of the order."""
    network, exact = _network(density), density.model.in_float64()
    order = network.order.cpu()
    listed = [_listed(network, int(column)) for column in order]
    spans = [_span(listed, start) for start in range(len(order))]
    if not any(spans):
        return True, "no step has values that can be listed"
    trial = network.sample(WINDOW_TRIALS, generator=generator)
    with torch.no_grad():
        entropy = torch.stack(
            [
                c.entropy().cpu() if values is not None else torch.zeros(len(trial), dtype=torch.float64)
                for c, values in zip(_in_order(exact.conditionals(trial.double()), order), listed, strict=True)
            ],
            dim=1,
        ).mean(0)
    totals = [float(entropy[start : start + span].sum()) for start, span in enumerate(spans)]
    start = max(range(len(order)), key=lambda k: totals[k])
    columns = order[start : start + spans[start]]
    prefix, window = torch.zeros(len(order), dtype=torch.bool), torch.zeros(len(order), dtype=torch.bool)
    prefix[order[:start]] = True
    window[columns] = True
    supports = [values or () for values in listed[start : start + spans[start]]]
    ways = torch.tensor(list(itertools.product(*supports)), dtype=torch.float64)
    rows = trial[:1].double().cpu().repeat(len(ways), 1)
    rows[:, columns] = ways
    device = network.order.device
    with torch.no_grad():
        log_prob = exact.log_prob(rows.to(device), (prefix | window).to(device), prefix.to(device)).cpu()
    drawn = network.sample(WINDOW_DRAWS, given=(trial[:1], prefix.to(device)[None]), generator=generator).double().cpu()
    counts = count_rows(drawn[:, columns], ways)
    p_value = chi_squared_p_value(counts, log_prob.exp() * WINDOW_DRAWS, least_expected=LEAST_EXPECTED)
    return (
        p_value >= LEAST_P_VALUE,
        f"χ² over the {len(ways)} ways of steps {start} to {start + len(columns) - 1}: p = {p_value:.2g}",
    )


def _listed(network: AbstractNetwork, column: int) -> tuple[float, ...] | None:
    """The values of a column that can be listed, each with a code of its own that is drawn; else None."""
    conditional = network.columns.conditionals[column]
    return conditional.support() if conditional.is_saturated else None


def _span(listed: list[tuple[float, ...] | None], start: int) -> int:
    """How many steps from ``start`` on can be listed together: at most WINDOW_STEPS, with at most FIRST_ROWS ways."""
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
    return same, f"log_prob of {len(rows)} rows {'equal to the bit' if same else 'differs'} after save and load"


def _of_one_order(density: Density) -> list[Density]:
    """The density, or of an ensemble of several orders those of its members, each of one."""
    network = density.model.network
    try:
        _ = network.order  # an ensemble of several orders says here that it has none
    except EvidenceError:
        return [Density(Model(density.model.schema, each), {}) for each in network.one_order_networks()]
    return [density]


def _network(density: Density) -> AbstractNetwork:
    return density.model.bare()


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
