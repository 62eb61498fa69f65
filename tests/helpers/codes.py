"""Columns of every conditional, and codes of them."""

from dataclasses import dataclass

import torch
from helpers.registry import CENTRED, CONDITIONALS
from typing_extensions import override

from chainrule.conditionals import AbstractMixture, Atoms, Categorical, GaussianMixture
from chainrule.conditionals.ranges import clamped
from chainrule.networks import Columns


@dataclass(frozen=True)
class WithoutKernel(GaussianMixture):
    """A conditional of somebody else."""

    @override
    def log_prob(self, params, x):
        return super().log_prob(params, x) - 0.5


ALL = Columns.of([*CONDITIONALS, WithoutKernel(2), Categorical(300), Categorical(2, unlisted=1)])
AROUND = Columns.of(CENTRED)


def some_codes(rows, generator, of=ALL):
    """Codes of all columns: atoms, both ends of bounded ranges, and unlisted values, too."""
    columns = []
    for conditional in of.conditionals:
        values = conditional.support()
        if values is None:
            draws = 4 * torch.randn(rows, generator=generator)
            draws = draws + getattr(conditional, "center", 0.0)
            draws = draws.round() if conditional.is_discrete else draws
            base = getattr(conditional, "base", conditional)
            bounds = getattr(base, "least", None), getattr(base, "most", None)
            draws = clamped(draws, *bounds)
            for k, atom in enumerate(conditional.atoms):
                draws[k :: len(conditional.atoms) + 2] = atom
            columns.append(draws)
        else:
            chosen = torch.randint(0, len(values), (rows,), generator=generator)
            columns.append(torch.tensor(values)[chosen])
    return torch.stack(columns)


def relative(got, want, size=0.0):
    """The largest error, relative to 1 + |want| + size."""
    return float(((got - want).abs() / (1 + want.abs() + size)).max())


def nats_inside(conditional, params):
    """|log of the mass within the bounds| of parameters (..., param_width), (...).

    It is subtracted from a log-likelihood, so float32 loses in proportion to it.
    """
    params = params.detach()
    if isinstance(conditional, Atoms):
        params, conditional = params[..., len(conditional.values) + 1 :], conditional.base
    mixture = getattr(conditional, "images", conditional)
    if not isinstance(mixture, AbstractMixture):
        return torch.zeros(params.shape[:-1])
    return mixture.log_inside(mixture.bind(params)).abs()
