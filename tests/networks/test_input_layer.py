"""The compiled inputs of given cells are those of the encodings."""

import math
from dataclasses import dataclass

import torch
from helpers.tolerances import CELL_NATS
from typing_extensions import override

from chainrule.conditionals import (
    AtomFlags,
    Atoms,
    Bernoulli,
    Categorical,
    DiscretizedLogisticMixture,
    GaussianMixture,
    Joined,
    OneHot,
    Periodic,
    PiecewiseLinear,
    Standardised,
)
from chainrule.leaves.warps import Log, Logit, Quantiles, SymmetricLog
from chainrule.networks import Columns
from chainrule.networks.input_layer import given_inputs
from chainrule.rng import generator_from


@dataclass(frozen=True)
class Squared(Standardised):
    """An encoding of somebody else; values above 2 are no evidence."""

    @override
    def encode(self, x):
        return super().encode(x) ** 2

    @override
    def is_evidence(self, x):
        return x <= 2


DAYS = DiscretizedLogisticMixture(2, center=5e5, spread=1e5)
COLUMNS = Columns.of(
    [
        Bernoulli(),
        Categorical(5, unlisted=2),
        (GaussianMixture(2), Standardised(1.0, 2.0, -1.0, 3.0) + PiecewiseLinear((-1.0, 0.0, 3.0))),
        (Atoms((0.0, 1.0), GaussianMixture(2)), AtomFlags((0.0, 1.0)) + Standardised()),
        (DAYS, Standardised(5e5, 1e5) + Periodic((24.0, 168.0, 8765.82))),
        (GaussianMixture(1), Squared()),
        (Categorical(3, unlisted=1), OneHot(3) + AtomFlags((1.0,))),
        (DAYS, Standardised(11.0, 2.0, 4.2e5, 5.8e5, warp=Log(-0.5, 3.0))),
        (DAYS, Standardised(0.5, 3.0, warp=SymmetricLog(5e5, 10.0))),
        (DAYS, Standardised(warp=Logit(4e5, 5.5e5))),
        (DAYS, Standardised(warp=Quantiles((4e5, 5e5), (0.0, 1.0)))),
        (DAYS, Standardised(1.0, 2.0, warp=Quantiles((4.5e5, 4.6e5, 5e5, 5.1e5), (0, 2, 3, 9)))),
    ]
)


def test_inputs_and_flags_are_those_of_the_encodings():
    generator = generator_from(0)
    for rows in (1, 64, 150):
        whole = torch.randint(0, 2, (rows,), generator=generator).float()
        x = torch.stack(
            [
                whole,
                torch.randint(0, 6, (rows,), generator=generator).float(),
                3 * torch.randn(rows, generator=generator),
                torch.where(torch.rand(rows, generator=generator) < 0.5, whole, 0.3),
                torch.randint(400_000, 600_000, (rows,), generator=generator).float(),
                3 * torch.randn(rows, generator=generator),
                torch.randint(0, 4, (rows,), generator=generator).float(),
                *torch.randint(400_000, 600_000, (5, rows), generator=generator).float(),
            ],
            dim=1,
        )
        given = torch.rand(x.shape, generator=generator) < 0.6
        values = torch.where(COLUMNS.spread(given), COLUMNS.encode(x.double()), 0)
        flags = given & COLUMNS.is_evidence(x)
        got = given_inputs(COLUMNS, torch.where(given, x, math.nan).t(), given.t().float()).t()
        inputs, got_flags = got.split([values.shape[1], len(COLUMNS)], dim=1)
        assert float((inputs - values).abs().max()) < CELL_NATS
        assert torch.equal(got_flags, flags.float())


def test_phases_of_large_numbers_stay_within_a_turn():
    columns = Columns.of([(DAYS, Periodic((0.7, 60.0)))])
    x = torch.tensor([[1.7e9, 1e12, -1e12]])
    got = given_inputs(columns, x, torch.ones(1, 3))
    assert float(got.abs().max()) <= 1 + CELL_NATS


def test_warps_whose_ends_float32_does_not_hold_are_those_of_the_encodings():
    warp = Logit(-0.5, 2.0**25 + 0.5)
    columns = Columns.of([(DAYS, Standardised(warp=warp)), (DAYS, Standardised(warp=Log(-0.5)))])
    x = torch.tensor([[0.0, 2.0**25], [0.0, 9.0]]).t().contiguous()
    got = given_inputs(columns, x.t(), torch.ones(2, 2)).t()[:, :2]
    assert float((got - columns.encode(x.double())).abs().max()) < CELL_NATS


def test_a_subclass_keeps_its_own_inputs_and_evidence():
    class Reversed(Joined):
        @override
        def encode(self, x):
            return -super().encode(x)

    class Few(OneHot):
        @override
        def is_evidence(self, x):
            return x < 1

    number = Standardised()
    columns = Columns.of([(DAYS, Reversed((number, number))), (Categorical(3), Few(3))])
    x = torch.tensor([[2.0], [2.0]])
    got = given_inputs(columns, x, torch.ones(2, 1, dtype=torch.bool))[:, 0]
    assert got.tolist() == [-2, -2, 0, 0, 1, 1, 0]
