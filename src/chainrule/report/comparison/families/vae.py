"""The variational autoencoder: continuous latent variables, and a lower bound of the likelihood."""

from __future__ import annotations

import torch
from typing_extensions import override

from chainrule.baselines import VAE
from chainrule.report.comparison.abstraction import Represent
from chainrule.report.comparison.claims import CONDITIONED, MEASURED, Claims, mean_correlation
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families.base import AbstractFamily, Fitted
from chainrule.report.comparison.families.descent import descended
from chainrule.report.comparison.likelihood import Ask
from chainrule.training.batches import Rows
from chainrule.training.state import State

LEARNING_RATE = 1e-3
WARM_UP = 1 / 3  # share of the epochs in which the divergence's weight rises to 1
BOUND_DRAWS = 500  # draws of the bound with which the training's bound is compared
TRAINING_BOUNDS = 20  # draws of the training's bound


class Autoencoder(AbstractFamily[VAE]):
    """A variational autoencoder with two hidden layers in the encoder and in the decoder."""

    name, title = "vae", "VAE"
    is_in_table = True

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[VAE]:
        network = VAE(
            data.columns,
            effort.latent_size,
            hidden_sizes=(effort.hidden_size,) * 2,
            generator=generator,
        )
        warm = max(1, round(WARM_UP * effort.epochs))

        def loss(state: State, rows: Rows) -> torch.Tensor:
            weight = min(1.0, (state.epoch + 1) / warm)
            return network.training_loss(
                rows.x, rows.observed, state.generator, divergence_weight=weight
            )

        return descended(
            network,
            data,
            effort,
            learning_rate=LEARNING_RATE,
            what=f"the evidence lower bound, its divergence at full weight from epoch {warm}",
            title=self.title,
            generator=generator,
            progress=progress,
            loss=loss,
        )

    @override
    def ask(
        self,
        network: VAE,
        effort: Effort,
        *,
        generator: torch.Generator,
        progress: bool = True,
    ) -> Ask:
        return lambda x: network.log_prob(x, n_draws=effort.draws, generator=generator)

    @override
    def represent(self, network: VAE) -> dict[str, Represent]:
        return {"mean of q(z | x)": network.features}

    @override
    @torch.no_grad()
    def measure(
        self, network: VAE, data: Data, drawn: torch.Tensor, generator: torch.Generator
    ) -> Claims:
        z = network.encode(data.train.x[:1])[0].expand(CONDITIONED, -1)
        shape = CONDITIONED, len(data.columns)
        uniform = torch.rand(shape, generator=generator, dtype=torch.float64)
        given = [p.draw(uniform[:, k]) for k, p in enumerate(network.conditionals(z))]
        return Claims(
            mean_correlation(drawn, data.columns),
            mean_correlation(torch.stack(given, dim=1), data.columns),
            network.latent_size,
            gap=_gap(network, data.valid.x[:MEASURED], generator),
        )

    @override
    def objective(self, network: VAE, claims: Claims, effort: Effort) -> str:
        return f"a bound, {claims.gap:.2f} nats below that of {BOUND_DRAWS} draws"

    @override
    def completing(self, network: VAE) -> str:
        return "not without further approximation"


def _gap(network: VAE, rows: torch.Tensor, generator: torch.Generator) -> float:
    """Returns how many nats per row the bound of many draws lies above that of training."""
    many = network.log_prob(rows, n_draws=BOUND_DRAWS, generator=generator).value
    losses = [network.training_loss(rows, generator=generator) for _ in range(TRAINING_BOUNDS)]
    return float((many + torch.stack(losses).mean(0)).double().mean())
