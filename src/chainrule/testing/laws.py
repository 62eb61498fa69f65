"""Laws that every network obeys, as assertions.

Each raises AssertionError with the numbers that break it.
"""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch

from chainrule.conditionals import AbstractConditional, AbstractMixture, Atoms, Distribution
from chainrule.conditionals.ranges import clamped
from chainrule.errors import ShapeError
from chainrule.networks import AbstractNetwork

AnyNetwork = TypeVar("AnyNetwork", bound=AbstractNetwork)

MOST_ROWS = 2**16
FLIP_BATCH = 1024  # rows evaluated at once by the flip test
# A correct sampler fails about one test in a million, a little more often if expected counts are
# small.
LEAST_P_VALUE = 1e-6
NODES = 20  # quadrature nodes per interval
EDGES = [sign * m for m in (0.0, 0.3, 0.7, 1.5, 3.0, 6.0, 12.0, 25.0, 50.0) for sign in (-1, 1)][1:]
LEAST_EXPECTED = 5.0  # cells of the χ² test with a smaller expected count are pooled


def all_rows(network: AbstractNetwork) -> torch.Tensor:
    """Returns every row a discrete network gives mass to, (number of rows, D) float64.

    The last column varies fastest.

    >>> from chainrule import NADE
    >>> from chainrule.rng import generator_from
    >>> all_rows(NADE(2, hidden_size=1, generator=generator_from(0))).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    supports = [conditional.support() for conditional in network.columns.conditionals]
    values = [support for support in supports if support is not None]
    if len(values) < len(supports) or np.prod([float(len(v)) for v in values]) > MOST_ROWS:
        raise ShapeError(
            f"the rows of this network cannot be listed: real columns, or more than {MOST_ROWS} "
            "rows"
        )
    return torch.tensor(list(itertools.product(*values)), dtype=torch.float64)


def multiplicities(network: AbstractNetwork) -> torch.Tensor:
    """Returns how many values of a table share each cell's code, (number of rows, D) float64.

    The rows are those of ``all_rows``.
    """
    times = [conditional.multiplicities() or () for conditional in network.columns.conditionals]
    return torch.tensor(list(itertools.product(*times)), dtype=torch.float64)


def multiplicities_of(network: AbstractNetwork, steps: int) -> list[tuple[int, ...]]:
    """Returns how many values share each code, for the columns of the first steps of the order."""
    columns = network.order.tolist()[:steps]
    return [network.columns.conditionals[column].multiplicities() or () for column in columns]


def assert_sums_to_one(network: AbstractNetwork, *, tolerance: float = 1e-10) -> None:
    """Asserts that Σ p(row) over all rows is 1, in float64."""
    total = float(
        (_double(network).log_prob(all_rows(network)).exp() * multiplicities(network).prod(1)).sum()
    )
    assert abs(total - 1) <= tolerance, f"probabilities sum to {total!r}"


def flip_responses(network: AbstractNetwork, rows: torch.Tensor) -> torch.Tensor:
    """Returns which conditionals change, by any bit, when one input does, bool (D, D).

    Entry [k, j] says whether p(x_j | ·) depends on x_k. A cell gets the next value of its column's
    support, or its value plus one if the support cannot be listed. The tested rows are ``rows`` (N,
    D). An entry is true if some row responds.
    """
    rows = network.check_rows(rows)
    width = rows.shape[1]
    changed = torch.zeros(width, width, dtype=torch.bool, device=rows.device)
    for flips in torch.arange(width, device=rows.device).split(
        max(1, FLIP_BATCH // max(1, len(rows)))
    ):
        # The shape is the same with and without flips, so that sums have the same bits.
        base = rows.repeat(len(flips), 1)
        flipped, column = base.clone(), flips.repeat_interleave(len(rows))
        flipped.scatter_(
            1, column[:, None], _other_values(network, base).gather(1, column[:, None])
        )
        for j, (before, after) in enumerate(
            zip(params_of(network, base), params_of(network, flipped), strict=True)
        ):
            changed[flips, j] = (before != after).view(len(flips), -1).any(1)
    return changed


def _other_values(network: AbstractNetwork, rows: torch.Tensor) -> torch.Tensor:
    """Returns rows (N, D) with another value of its column's support in every cell."""
    others = rows + 1
    for k, conditional in enumerate(network.columns.conditionals):
        support = conditional.support()
        if support is not None:
            values = torch.tensor(support, dtype=rows.dtype, device=rows.device)
            place = (rows[:, k, None] == values).int().argmax(1)
            others[:, k] = values[(place + 1) % len(support)]
    return others


def assert_autoregressive(
    network: AbstractNetwork,
    rows: torch.Tensor,
    *,
    dependent: bool = True,
    poison: float = math.nan,
) -> None:
    """Asserts that p(x_j | ·) depends on x_k if and only if j is drawn after k.

    For all other j, no bit of p(x_j | ·) changes with x_k.

    Args:
        network: a network with one order.
        rows: the tested rows, (N, D).
        dependent: also require that every later column depends on x_k in some row.
        poison: a value for later cells that must have no influence: NaN, or a number if masks are
            multiplied.
    """
    changed = flip_responses(network, rows)
    step = network.order.argsort()
    allowed = step[None, :] > step[:, None]  # [k, j]: j is drawn after k
    leaks = (changed & ~allowed).nonzero().tolist()
    assert not leaks, (
        f"p(x_j | ·) depends on x_k though j is not drawn after k, for (k, j) = {leaks[:5]}"
    )
    unused = (~changed & allowed).nonzero().tolist()
    assert not dependent or not unused, (
        f"p(x_j | ·) never depends on x_k though j is drawn after k, for (k, j) = {unused[:5]}"
    )
    rows = network.check_rows(rows)
    poisoned = rows.clone()
    for k in network.order.flip(0).tolist():
        poisoned[:, k] = poison
        before = [j for j in range(len(step)) if step[j] <= step[k]]
        params, clean = params_of(network, poisoned), params_of(network, rows)
        for j in before:
            assert torch.equal(params[j], clean[j]), (
                f"{poison} in column {k} reaches p(x_{j} | ·), not drawn after it"
            )


def assert_jacobian_triangular(
    network: AbstractNetwork, rows: torch.Tensor, *, dependent: bool = True
) -> None:
    """Asserts that ∂ params_j / ∂ x_k is zero unless j is drawn after k.

    If it is, the derivative is not zero in some of the rows (N, D).
    """
    net, x = _double(network), rows.double().requires_grad_()
    step = net.order.argsort()
    for j, distribution in enumerate(net.conditionals(x)):
        params = _params_of_one(distribution)
        if params.requires_grad:
            (gradient,) = torch.autograd.grad(params.sum(), x, allow_unused=True, retain_graph=True)
        else:
            gradient = None
        depends = (
            torch.zeros(len(step), dtype=torch.bool) if gradient is None else (gradient != 0).any(0)
        )
        later = step[j] > step  # (D,): the columns on which j may depend
        assert not bool((depends & ~later).any()), (
            f"∂ params of column {j} by columns {(depends & ~later).nonzero().flatten().tolist()}"
        )
        assert not dependent or bool(depends[later].all()), (
            f"column {j} has no gradient by some column drawn before it"
        )


def assert_sampler_matches(
    network: AbstractNetwork, generator: torch.Generator, *, n: int = 20000
) -> None:
    """Asserts that drawn rows follow the enumerated probabilities, by χ² over all rows.

    A correct sampler fails about once in a million.
    """
    rows = all_rows(network)
    expected = _double(network).log_prob(rows).exp() * multiplicities(network).prod(1) * n
    counts = count_rows(network.sample(n, generator=generator).double(), rows)
    p_value = chi_squared_p_value(counts, expected)
    assert p_value >= LEAST_P_VALUE, f"samples do not follow log_prob: p = {p_value:.2e}"


def count_rows(drawn: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Returns how often each of ``rows`` occurs among ``drawn``.

    Every drawn row must be one of them.
    """
    unique, counts = torch.unique(torch.cat([rows, drawn]), dim=0, return_counts=True)
    if len(unique) != len(rows):
        raise AssertionError("a drawn row is not in the support")
    place = torch.unique(rows, dim=0, return_inverse=True)[1]
    return (counts[place] - 1).double()


def chi_squared_p_value(
    counts: torch.Tensor, expected: torch.Tensor, *, least_expected: float = LEAST_EXPECTED
) -> float:
    """Returns the p-value of Pearson's χ².

    Cells with an expected count under ``least_expected`` are pooled into one.

    With expected counts as low as 5, p-values far below 1e-3 are too small.
    """
    small = expected < least_expected
    counts = torch.cat([counts[~small], counts[small].sum()[None]])
    expected = torch.cat([expected[~small], expected[small].sum()[None]])
    if expected[-1] < LEAST_EXPECTED and len(expected) > 1:
        # The pool itself is small, and joins the smallest other cell.
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
    """Returns ∫ of(x) p(x) dx under params (N, param_width) in float64, atoms left out, (N,).

    The rule is Gauss and Legendre's. Its intervals end at the components' locations ± multiples of
    their scales, and at ``jumps`` (N, any), where ``of`` is not smooth. Within bounds, they also
    end at such multiples from each bound.

    >>> from chainrule.conditionals import GaussianMixture
    >>> integrate(GaussianMixture(1), torch.zeros(1, 3).double(), torch.ones_like)
    tensor([1.0000], dtype=torch.float64)
    """
    mixture, rest = conditional, params
    if isinstance(conditional, Atoms):
        mixture, rest = conditional.base, params[..., len(conditional.values) + 1 :]
    if not isinstance(mixture, AbstractMixture):
        raise ShapeError(f"{conditional!r} has no density to integrate; sum over its support")
    bound = mixture.bind(rest)
    steps = torch.tensor(EDGES, dtype=torch.float64)
    edges = bound.scale[..., None] * steps  # (N, K, E)
    around = [mixture.from_standard((bound.location[..., None] + edges).flatten(1))]  # (N, K E)
    ends = [end for end in (mixture.least, mixture.most) if end is not None]
    around += [end + mixture.spread * edges.flatten(1) for end in ends]
    cuts = clamped(torch.cat(around, 1), mixture.least, mixture.most)
    cuts = (cuts if jumps is None else torch.cat([cuts, jumps], 1)).sort(dim=1).values
    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(NODES))
    middle, half = (cuts[:, 1:] + cuts[:, :-1]) / 2, (cuts[:, 1:] - cuts[:, :-1]) / 2
    x = (middle[..., None] + half[..., None] * nodes).flatten(1)  # (N, M)
    density = conditional.log_prob(params[:, None], x).exp()
    return (density * of(x) * (half[..., None] * weights).flatten(1)).sum(1)


def assert_marginals(network: AbstractNetwork, *, tolerance: float = 1e-10) -> None:
    """Asserts that log_prob(x, observed) of each prefix is the log of p summed over all
    completions.

    It also asserts that ``given`` divides by that sum.
    """
    net, rows, times = _double(network), all_rows(network), multiplicities(network).log()
    joint = net.log_prob(rows)
    for count in range(len(net.columns) + 1):
        columns = net.order[:count]
        observed = torch.zeros(len(net.columns), dtype=torch.bool)
        observed[columns] = True
        same = (rows[:, None, columns] == rows[None, :, columns]).all(2)
        # The sum is over all values that share a code.
        completions = joint + times[:, ~observed].sum(1)
        summed = torch.where(same, completions[None], -torch.inf).logsumexp(1)
        poisoned = torch.where(observed, rows, torch.nan)
        gap = float((net.log_prob(poisoned, observed) - summed).abs().max().detach())
        assert gap <= tolerance, f"marginal of the first {count} columns is off by {gap:.2e} nats"
        gap = float((net.log_prob(rows, given=observed) - (joint - summed)).abs().max().detach())
        assert gap <= tolerance, (
            f"conditional on the first {count} columns is off by {gap:.2e} nats"
        )


def assert_pure(network: AbstractNetwork, questions: Sequence[Callable[[], object]]) -> None:
    """Asserts that questions change no state.

    The state is the parameters, buffers, gradients, global generators, gradient mode, default dtype
    and training mode.
    """
    before = _world(network)
    for question in questions:
        question()
        after = _world(network)
        changed = [name for name in before if before[name] != after[name]]
        assert not changed, f"asking changed {changed}"


def assert_agrees(
    fast: Sequence[torch.Tensor],
    reference: Sequence[torch.Tensor],
    *,
    relative: float,
    names: Sequence[str] = (),
) -> None:
    """Asserts that fast tensors equal float64 references, relative to the largest magnitude of
    each.
    """
    assert len(fast) == len(reference)
    for k, (got, want) in enumerate(zip(fast, reference, strict=True)):
        name = names[k] if names else f"tensor {k}"
        assert got.shape == want.shape, (
            f"{name}: shape {tuple(got.shape)}, reference {tuple(want.shape)}"
        )
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
    """Returns weights and parameters of all components of every column's conditional, (N, any)."""
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
        "gradients": [
            None if p.grad is None else p.grad.clone().numpy().tobytes()
            for p in network.parameters()
        ],
    }
