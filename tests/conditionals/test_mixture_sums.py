"""Sums of mixtures by kernels, against sums of logarithms."""

from __future__ import annotations

import math

import pytest
import torch

from chainrule.conditionals.between import gaussian_log_density
from chainrule.conditionals.components import BoundComponents
from chainrule.conditionals.mixture_sums import log_densities, log_masses_of_cells
from chainrule.ops.cells import choose

DENSITIES = {
    "gaussian": gaussian_log_density,
    "logistic": lambda z: torch.nn.functional.logsigmoid(z) + torch.nn.functional.logsigmoid(-z),
    "laplace": lambda z: -z.abs() - math.log(2),
}


def components(*rows: int, scales: tuple[float, float] = (-6, 2)) -> BoundComponents:
    generator = torch.Generator().manual_seed(1)
    logit, location, power = torch.randn((3, *rows, 7), generator=generator).double()
    low, high = scales
    scale = (low + (high - low) * torch.sigmoid(power)).exp()
    return BoundComponents(logit.log_softmax(-1), location, scale)


@pytest.fixture
def by_formula(monkeypatch):
    """A context in which no kernel serves."""
    if not choose.is_compiled():
        pytest.skip("no compiler")

    def of(function, *arguments):
        with monkeypatch.context() as patched:
            patched.setattr(choose, "serves_float64", lambda tensor: False)
            return function(*arguments)

    return of


@pytest.mark.parametrize("rows", [1, 64, 201])
@pytest.mark.parametrize("shape", ["grid", "each", "members"])
def test_masses_of_kernel_and_formula_agree(rows, shape, by_formula):
    bound = {"grid": (rows, 1), "each": (rows,), "members": (rows, 3)}[shape]
    bound, size = components(*bound), {"grid": (rows, 11), "each": (rows,), "members": (rows, 3)}
    low = 3 * torch.randn(size[shape], generator=torch.Generator().manual_seed(2)).double()
    width = torch.rand(size[shape], generator=torch.Generator().manual_seed(3)).double().pow(4)
    high = low + width
    flat = low.flatten()
    flat[0], flat[-1] = -torch.inf, 80.0  # no lower edge; a cell deep in all tails
    high = torch.where(low == 80, 80.001, high)
    width = torch.where(low == 80, 0.001, width)
    if rows > 1:
        high.flatten()[1] = torch.inf
    arguments = bound, low, high, width
    want = by_formula(log_masses_of_cells, *arguments)
    torch.testing.assert_close(log_masses_of_cells(*arguments), want, rtol=1e-12, atol=1e-12)
    assert bool(want.isfinite().all())
    one = torch.tensor(0.25, dtype=torch.float64)
    want = by_formula(log_masses_of_cells, bound, low, low + one, one)
    found = log_masses_of_cells(bound, low, low + one, one)
    torch.testing.assert_close(found, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", DENSITIES)
def test_densities_of_kernel_and_formula_agree(kind, by_formula):
    bound = components(130, 1)
    x = 4 * torch.randn(130, 9, generator=torch.Generator().manual_seed(4)).double()
    x[0, 0] = 1e4  # deep in all tails
    arguments = bound, x, DENSITIES[kind], kind
    want = by_formula(log_densities, *arguments)
    torch.testing.assert_close(log_densities(*arguments), want, rtol=1e-12, atol=1e-12)


def test_a_row_does_not_depend_on_others():
    bound = components(150, 1)
    x = torch.randn(150, 5, generator=torch.Generator().manual_seed(5)).double()
    whole = log_masses_of_cells(bound, x, x + 0.5, torch.tensor(0.5).double())
    some = BoundComponents(bound.log_weight[97:], bound.location[97:], bound.scale[97:])
    part = log_masses_of_cells(some, x[97:], x[97:] + 0.5, torch.tensor(0.5).double())
    assert torch.equal(whole[97:], part)


def test_gradients_come_from_the_formula():
    bound = components(4)
    location = bound.location.clone().requires_grad_()
    bound = BoundComponents(bound.log_weight, location, bound.scale)
    low = torch.zeros(4, dtype=torch.float64)
    log_masses_of_cells(bound, low, low + 1, torch.tensor(1.0).double()).sum().backward()
    assert location.grad is not None
    assert bool(location.grad.isfinite().all())


def test_nan_stays():
    bound = components(3)
    x = torch.tensor([0.0, torch.nan, 1.0], dtype=torch.float64)
    found = log_densities(bound, x, gaussian_log_density, "gaussian")
    assert found.isnan().tolist() == [False, True, False]
