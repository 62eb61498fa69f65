"""Laws that every network keeps, as assertions. Each raises AssertionError with the numbers that break it."""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch

from chainrule.conditionals import (
    AbstractConditional,
    AbstractMixture,
    Atoms,
    Distribution,
)
from chainrule.errors import ShapeError
from chainrule.networks import AbstractNetwork

AnyNetwork = TypeVar("AnyNetwork", bound=AbstractNetwork)

MOST_ROWS = 2**16
FLIP_BATCH = 1024  # rows evaluated at once by the flip test
LEAST_P_VALUE = 1e-6  # a right sampler fails about one test in a million, a little more often where cells expect few
NODES = 20  # of the quadrature, on each stretch
EDGES = [sign * m for m in (0.0, 0.3, 0.7, 1.5, 3.0, 6.0, 12.0, 25.0, 50.0) for sign in (-1, 1)][1:]
LEAST_EXPECTED = 5.0  # cells of the χ² test with a smaller expected count are pooled


def all_rows(network: AbstractNetwork) -> torch.Tensor:
    """Every row a discrete network gives mass to, (number of rows, D) float64; the last column varies fastest.

    >>> from chainrule import NADE
    >>> from chainrule.rng import generator_from
    >>> all_rows(NADE(2, hidden_size=1, generator=generator_from(0))).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    supports = [conditional.support() for conditional in network.columns.conditionals]
    values = [support for support in supports if support is not None]
    if len(values) < len(supports) or np.prod([float(len(v)) for v in values]) > MOST_ROWS:
        raise ShapeError(f"the rows of this network cannot be listed: real columns, or more than {MOST_ROWS} rows")
    return torch.tensor(list(itertools.product(*values)), dtype=torch.float64)


def multiplicities(network: AbstractNetwork) -> torch.Tensor:
    """How many values of a table share each cell's code in the rows of ``all_rows``, (number of rows, D) float64."""
    times = [conditional.multiplicities() or () for conditional in network.columns.conditionals]
    return torch.tensor(list(itertools.product(*times)), dtype=torch.float64)


def multiplicities_of(network: AbstractNetwork, steps: int) -> list[tuple[int, ...]]:
    """How many values share each code, for the columns of the first steps of the order."""
    columns = network.order.tolist()[:steps]
    return [network.columns.conditionals[column].multiplicities() or () for column in columns]


def assert_sums_to_one(network: AbstractNetwork, *, tolerance: float = 1e-10) -> None:
    """Σ over all rows of p(row) is 1, in float64."""
    total = float((_double(network).log_prob(all_rows(network)).exp() * multiplicities(network).prod(1)).sum())
    assert abs(total - 1) <= tolerance, f"probabilities sum to {total!r}"


def flip_responses(network: AbstractNetwork, rows: torch.Tensor) -> torch.Tensor:
    """Which conditionals change, by any bit, when one input does: bool (D, D); [k, j]: p(x_j | ·) heeds x_k.

    A cell gets the next value of its column's support, or one more where that cannot be listed; the rows tried are those of
    ``rows`` (N, D). A response in no row is a False.
    """
    rows = network.check_rows(rows)
    width = rows.shape[1]
    changed = torch.zeros(width, width, dtype=torch.bool, device=rows.device)
    for flips in torch.arange(width, device=rows.device).split(max(1, FLIP_BATCH // max(1, len(rows)))):
        base = rows.repeat(len(flips), 1)  # the same shape flipped and not, so that the sums run alike
        flipped, column = base.clone(), flips.repeat_interleave(len(rows))
        flipped.scatter_(1, column[:, None], _other_values(network, base).gather(1, column[:, None]))
        for j, (before, after) in enumerate(zip(params_of(network, base), params_of(network, flipped), strict=True)):
            changed[flips, j] = (before != after).view(len(flips), -1).any(1)
    return changed


def _other_values(network: AbstractNetwork, rows: torch.Tensor) -> torch.Tensor:
    """Rows (N, D) with another value of its column's support in every cell."""
    others = rows + 1
    for k, conditional in enumerate(network.columns.conditionals):
        support = conditional.support()
        if support is not None:
            values = torch.tensor(support, dtype=rows.dtype, device=rows.device)
            place = (rows[:, k, None] == values).int().argmax(1)
            others[:, k] = values[(place + 1) % len(support)]
    return others


def assert_autoregressive(
    network: AbstractNetwork, rows: torch.Tensor, *, dependent: bool = True, poison: float = math.nan
) -> None:
    """Changing x_k leaves p(x_j | ·) bitwise equal for every j drawn at or before k, and changes it for later ones.

    Args:
        network: a network with one order.
        rows: the rows to try, (N, D).
        dependent: also require that every later column heeds x_k in some row.
        poison: what a later cell holds that must reach nothing: NaN, or a number where masks are multiplied.
    """
    changed = flip_responses(network, rows)
    step = network.order.argsort()
    allowed = step[None, :] > step[:, None]  # [k, j]: j is drawn after k
    leaks = (changed & ~allowed).nonzero().tolist()
    assert not leaks, f"p(x_j | ·) heeds x_k though j is not drawn after k, for (k, j) = {leaks[:5]}"
    deaf = (~changed & allowed).nonzero().tolist()
    assert not dependent or not deaf, f"p(x_j | ·) never heeds x_k though j is drawn after k, for (k, j) = {deaf[:5]}"
    rows = network.check_rows(rows)
    poisoned = rows.clone()
    for k in network.order.flip(0).tolist():
        poisoned[:, k] = poison
        before = [j for j in range(len(step)) if step[j] <= step[k]]
        params, clean = params_of(network, poisoned), params_of(network, rows)
        for j in before:
            assert torch.equal(params[j], clean[j]), f"{poison} in column {k} reaches p(x_{j} | ·), not drawn after it"


def assert_jacobian_triangular(network: AbstractNetwork, rows: torch.Tensor, *, dependent: bool = True) -> None:
    """∂ params_j / ∂ x_k is zero unless j is drawn after k, and there it is not zero in some row; (N, D) rows."""
    net, x = _double(network), rows.double().requires_grad_()
    step = net.order.argsort()
    for j, distribution in enumerate(net.conditionals(x)):
        params = _params_of_one(distribution)
        if params.requires_grad:
            (gradient,) = torch.autograd.grad(params.sum(), x, allow_unused=True, retain_graph=True)
        else:
            gradient = None
        heeds = torch.zeros(len(step), dtype=torch.bool) if gradient is None else (gradient != 0).any(0)
        later = step[j] > step  # (D,): the columns j may heed
        assert not bool((heeds & ~later).any()), (
            f"∂ params of column {j} by columns {(heeds & ~later).nonzero().flatten().tolist()}"
        )
        assert not dependent or bool(heeds[later].all()), f"column {j} has no gradient by some column drawn before it"


def assert_sampler_matches(network: AbstractNetwork, generator: torch.Generator, *, n: int = 20000) -> None:
    """Drawn rows follow the enumerated probabilities: χ² over all rows; a right sampler fails about once in a million."""
    rows = all_rows(network)
    expected = _double(network).log_prob(rows).exp() * multiplicities(network).prod(1) * n
    counts = count_rows(network.sample(n, generator=generator).double(), rows)
    p_value = chi_squared_p_value(counts, expected)
    assert p_value >= LEAST_P_VALUE, f"samples do not follow log_prob: p = {p_value:.2e}"


def count_rows(drawn: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """How often each of ``rows`` occurs among ``drawn``; every drawn row must be one of them."""
    unique, counts = torch.unique(torch.cat([rows, drawn]), dim=0, return_counts=True)
    if len(unique) != len(rows):
        raise AssertionError("a drawn row is not in the support")
    place = torch.unique(rows, dim=0, return_inverse=True)[1]
    return (counts[place] - 1).double()


def chi_squared_p_value(
    counts: torch.Tensor, expected: torch.Tensor, *, least_expected: float = LEAST_EXPECTED
) -> float:
    """The p-value of Pearson's χ²; cells with an expected count under ``least_expected`` are pooled into one.

    Where cells expect as few as 5, p-values far below 1e-3 come out too small.
    """
    small = expected < least_expected
    counts = torch.cat([counts[~small], counts[small].sum()[None]])
    expected = torch.cat([expected[~small], expected[small].sum()[None]])
    if (
        expected[-1] < LEAST_EXPECTED and len(expected) > 1
    ):  # the pool itself is small: join it to its smallest neighbour
        k = int(expected[:-1].argmin())
        counts[k], expected[k] = counts[k] + counts[-1], expected[k] + expected[-1]
        counts, expected = counts[:-1], expected[:-1]
    if len(expected) < 2:
        return 1.0
    statistic = ((counts - expected) ** 2 / expected).sum()
    freedom = torch.tensor((len(expected) - 1) / 2, dtype=torch.float64)
    return float(torch.special.gammaincc(freedom, statistic / 2))


def integrate(
    conditional: AbstractConditional,
    params: torch.Tensor,
    of: Callable[[torch.Tensor], torch.Tensor],
    *,
    jumps: torch.Tensor | None = None,
) -> torch.Tensor:
    """∫ of(x) p(x) dx under params (N, param_width) in float64, atoms left out, (N,).

    Gauss and Legendre's rule on each of the stretches between the components' locations ± multiples of their scales, and
    ``jumps`` (N, any), where ``of`` is not smooth.

    >>> from chainrule.conditionals import GaussianMixture
    >>> integrate(GaussianMixture(1), torch.zeros(1, 3).double(), torch.ones_like)
    tensor([1.0000], dtype=torch.float64)
    """
    mixture, rest = conditional, params
    if isinstance(conditional, Atoms):
        mixture, rest = conditional.base, params[..., len(conditional.values) + 1 :]
    if not isinstance(mixture, AbstractMixture):
        raise ShapeError(f"{conditional!r} has no density to integrate; sum over its support")
    components = mixture.bind(rest)
    edges = components.location[..., None] + components.scale[..., None] * torch.tensor(
        EDGES, dtype=torch.float64
    )  # (N, K, E)
    cuts = mixture.from_standard(edges.flatten(1))  # (N, K E)
    cuts = (cuts if jumps is None else torch.cat([cuts, jumps], 1)).sort(dim=1).values
    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(NODES))
    middle, half = (cuts[:, 1:] + cuts[:, :-1]) / 2, (cuts[:, 1:] - cuts[:, :-1]) / 2
    x = (middle[..., None] + half[..., None] * nodes).flatten(1)  # (N, M)
    density = conditional.log_prob(params[:, None], x).exp()
    return (density * of(x) * (half[..., None] * weights).flatten(1)).sum(1)


def assert_marginals(network: AbstractNetwork, *, tolerance: float = 1e-10) -> None:
    """log_prob(x, observed) of each prefix is the log of the sum of p over all completions, and given divides by it."""
    net, rows, times = _double(network), all_rows(network), multiplicities(network).log()
    joint = net.log_prob(rows)
    for known in range(len(net.columns) + 1):
        columns = net.order[:known]
        observed = torch.zeros(len(net.columns), dtype=torch.bool)
        observed[columns] = True
        same = (rows[:, None, columns] == rows[None, :, columns]).all(2)
        completions = joint + times[:, ~observed].sum(1)  # of what is summed over, every value counts
        summed = torch.where(same, completions[None], -torch.inf).logsumexp(1)
        poisoned = torch.where(observed, rows, torch.nan)
        gap = float((net.log_prob(poisoned, observed) - summed).abs().max().detach())
        assert gap <= tolerance, f"marginal of the first {known} columns is off by {gap:.2e} nats"
        gap = float((net.log_prob(rows, given=observed) - (joint - summed)).abs().max().detach())
        assert gap <= tolerance, f"conditional on the first {known} columns is off by {gap:.2e} nats"


def assert_pure(network: AbstractNetwork, questions: Sequence[Callable[[], object]]) -> None:
    """Asking changes nothing: parameters, buffers, global generators, gradient mode, default dtype, training mode."""
    before = _world(network)
    for question in questions:
        question()
        after = _world(network)
        changed = [name for name in before if before[name] != after[name]]
        assert not changed, f"asking changed {changed}"


def assert_agrees(
    fast: Sequence[torch.Tensor], reference: Sequence[torch.Tensor], *, relative: float, names: Sequence[str] = ()
) -> None:
    """Each fast tensor equals its float64 reference within ``relative`` of the reference's largest magnitude."""
    assert len(fast) == len(reference)
    for k, (got, want) in enumerate(zip(fast, reference, strict=True)):
        name = names[k] if names else f"tensor {k}"
        assert got.shape == want.shape, f"{name}: shape {tuple(got.shape)}, reference {tuple(want.shape)}"
        if want.numel() == 0:
            continue
        error = float((got.double() - want.double()).abs().max())
        scale = float(want.double().abs().max())
        assert error <= relative * max(scale, 1e-300) or error == 0, (
            f"{name}: off by {error:.2e} where values reach {scale:.2e}"
        )


def _double(network: AnyNetwork) -> AnyNetwork:
    return copy.deepcopy(network).double().requires_grad_(False)


@torch.no_grad()
def params_of(network: AbstractNetwork, x: torch.Tensor) -> list[torch.Tensor]:
    """Of every column what its conditional is computed from, (N, any): weights and parameters of all components."""
    return [_params_of_one(distribution) for distribution in network.conditionals(x)]


def _params_of_one(distribution: Distribution) -> torch.Tensor:
    return torch.cat([distribution.log_weight, distribution.params.flatten(1)], dim=1)


def _world(network: AbstractNetwork) -> dict[str, object]:
    tensors = (*network.named_parameters(), *network.named_buffers())
    state = {name: tensor.detach().cpu().numpy().tobytes() for name, tensor in tensors}
    return {
        **state,
        "torch's generator": torch.get_rng_state().numpy().tobytes(),
        "numpy's generator": str(np.random.get_state()),
        "random's generator": random.getstate(),
        "gradient mode": torch.is_grad_enabled(),
        "default dtype": torch.get_default_dtype(),
        "training mode": network.training,
        "gradients": [None if p.grad is None else p.grad.clone().numpy().tobytes() for p in network.parameters()],
    }
