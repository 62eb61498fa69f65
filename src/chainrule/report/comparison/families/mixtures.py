"""Mixtures fitted by expectation maximisation; validation rows choose the number of components."""

from __future__ import annotations

from collections.abc import Callable

import torch
from typing_extensions import override

from chainrule.baselines import BernoulliMixture, FullCovarianceMixture
from chainrule.conditionals import GaussianMixture
from chainrule.networks import Columns
from chainrule.report.comparison.abstraction import Represent
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families.base import AbstractExactFamily, Exact, Fitted

COMPONENTS = (1, 2, 5, 10, 20, 50, 100)  # numbers of components to choose from
ROWS_PER_COMPONENT = 10  # at least
REPRESENTATION = "p(component | x)"


class Bernoullis(AbstractExactFamily[BernoulliMixture]):
    """A mixture of independent binary columns."""

    name, title = "mixture", "mixture of Bernoullis"

    @override
    def refuses(self, columns: Columns) -> str | None:
        return None if columns.is_binary else "is for tables whose columns are all binary"

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[BernoulliMixture]:
        def build(components: int) -> BernoulliMixture:
            return BernoulliMixture(data.columns, components, generator=generator)

        return best_on_validation(build, data)

    @override
    def represent(self, network: BernoulliMixture) -> dict[str, Represent]:
        return {REPRESENTATION: network.features}


class Gaussians(AbstractExactFamily[FullCovarianceMixture]):
    """A mixture of Gaussians with full covariance matrices."""

    name, title = "gaussians", "mixture of Gaussians"

    @override
    def refuses(self, columns: Columns) -> str | None:
        if all(isinstance(conditional, GaussianMixture) for conditional in columns.conditionals):
            return None
        return "is for tables whose columns are all real, without atoms or steps"

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[FullCovarianceMixture]:
        def build(components: int) -> FullCovarianceMixture:
            return FullCovarianceMixture(len(data.columns), components, generator=generator)

        return best_on_validation(build, data)

    @override
    def represent(self, network: FullCovarianceMixture) -> dict[str, Represent]:
        return {REPRESENTATION: network.features}


def best_on_validation(build: Callable[[int], Exact], data: Data) -> Fitted[Exact]:
    """Returns the mixture whose number of components is best on validation rows.

    Larger numbers are tried until one is no better than the last.
    """
    best, chosen, best_nats = None, 0, -float("inf")
    for components in COMPONENTS:
        if components > max(1, len(data.train) // ROWS_PER_COMPONENT):
            break
        network = build(components)
        network.initialize_from(data.train.x)
        network.eval()
        with torch.no_grad():
            nats = float(network.log_prob(data.valid.x).double().mean())
        if not nats > best_nats:
            break
        best, chosen, best_nats = network, components, nats
    assert best is not None  # one component is always tried
    among = ", ".join(map(str, COMPONENTS))
    how = f"expectation maximisation, {chosen} of {among} components by validation rows"
    return Fitted(best, how)
