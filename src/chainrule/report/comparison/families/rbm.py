"""The restricted Boltzmann machine: binary hidden units and a partition function."""

from __future__ import annotations

import torch
from typing_extensions import override

from chainrule.baselines import RBM, contrastive_divergence
from chainrule.networks import Columns
from chainrule.report.comparison.abstraction import Represent
from chainrule.report.comparison.claims import CONDITIONED, MEASURED, Claims, mean_correlation
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families.base import AbstractFamily, Fitted
from chainrule.report.comparison.likelihood import Ask

HIGHEST_RATE = 0.8  # still stable for centred gradients
FEW_STEPS = 1200  # longer training gets a lower learning rate
CHAIN = (1, 10, 100, 1000)  # numbers of Markov chain steps after which rows are measured


class BoltzmannMachine(AbstractFamily[RBM]):
    """A restricted Boltzmann machine."""

    name, title = "rbm", "RBM"
    is_in_table = True
    has_partition_function = True

    @override
    def refuses(self, columns: Columns) -> str | None:
        return None if columns.is_binary else "is for tables whose columns are all binary"

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[RBM]:
        network = RBM(data.columns, effort.hidden_size, generator=generator)
        network.initialize_from(data.train.x)
        rate = _learning_rate(effort.training_steps(len(data.train)))
        contrastive_divergence(
            network,
            data.train.x,
            steps=effort.gibbs_steps,
            persistent=True,
            epochs=effort.epochs,
            batch_size=effort.batch_size,
            learning_rate=rate,
            generator=generator,
            progress=progress,
        )
        how = (
            f"persistent contrastive divergence of {effort.gibbs_steps} steps, learning rate "
            f"{rate:.2g}; the last weights, since its likelihood cannot be computed to choose by"
        )
        return Fitted(network, how)

    @override
    def ask(
        self,
        network: RBM,
        effort: Effort,
        *,
        generator: torch.Generator,
        progress: bool = True,
    ) -> Ask:
        log_z = network.log_partition(
            distributions=effort.distributions, generator=generator, progress=progress
        )
        return lambda x: network.log_prob(x, log_partition=log_z)

    @override
    def represent(self, network: RBM) -> dict[str, Represent]:
        return {"p(h | x)": network.features}

    @override
    @torch.no_grad()
    def measure(
        self, network: RBM, data: Data, drawn: torch.Tensor, generator: torch.Generator
    ) -> Claims:
        h = torch.bernoulli(network.hidden_given(data.train.x[:1]), generator=generator)
        p = network.visible_given(h).expand(CONDITIONED, -1)
        given = torch.bernoulli(p, generator=generator)
        return Claims(
            mean_correlation(drawn, data.columns),
            mean_correlation(given, data.columns),
            network.hidden_size,
            chain=_chain(network, data, generator),
            steps_to_draw=CHAIN[-1],
        )

    @override
    def objective(self, network: RBM, claims: Claims, effort: Effort) -> str:
        return f"nothing: it follows an approximate gradient of {effort.gibbs_steps} Gibbs steps"

    @override
    def drawing(self, claims: Claims) -> str:
        return f"a Markov chain, {claims.steps_to_draw} steps, only approximately from p"

    @override
    def completing(self, network: RBM) -> str:
        return "any half, by a chain that keeps it fixed"


def _learning_rate(steps: int) -> float:
    return min(HIGHEST_RATE, HIGHEST_RATE * (FEW_STEPS / steps) ** 0.5)


def _chain(network: RBM, data: Data, generator: torch.Generator) -> dict[int, float]:
    """Returns mean −free energy of the chain's rows minus that of the data, by number of steps."""
    independent = torch.sigmoid(network.base_bias).expand(MEASURED, -1)
    x, done, found = torch.bernoulli(independent, generator=generator), 0, {}
    at_data = float(network.free_energy(data.train.x[:CONDITIONED]).double().mean())
    for steps in CHAIN:
        x = network.gibbs(x, steps - done, generator=generator)
        done = steps
        found[steps] = at_data - float(network.free_energy(x).double().mean())
    return found
