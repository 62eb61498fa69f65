"""The variational autoencoder: continuous latent variables, trained on a lower bound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import EvidenceError, share, sizes, whole_number
from chainrule.networks.answers import LowerBound
from chainrule.networks.base import check_pool
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.trainable import AbstractTrainable
from chainrule.rng import generator_from, normal, uniforms

DRAWS = 100  # draws of z per row for the importance-weighted bound
DRAWN_AT_ONCE = 20_000  # latent vectors decoded in one batch


class VAE(AbstractTrainable):
    """p(x) = ∫ N(z; 0, I) Π_k p(x_k | z) dz: columns of any kind are independent given z.

    The decoder maps z to the parameters of every column's conditional. A binary column has a logit.
    A real column with ``GaussianMixture(1)`` has a mean and a scale; such columns are jointly a
    Gaussian of diagonal covariance given z.

    The integral has no closed form. An encoder q(z | x) = N(μ(x), diag σ²(x)) gives lower bounds.
    Training maximises the evidence lower bound E_q[log p(x, z) − log q(z | x)] ≤ log p(x).

    Sources: Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014, arXiv:1312.6114. The
    bound of several draws: Burda, Grosse & Salakhutdinov, "Importance Weighted Autoencoders", ICLR
    2016, arXiv:1509.00519.

    Args:
        columns: a number of binary columns, or one item per column: a conditional, or a pair of a
            conditional and an encoding.
        latent_size: the dimension of z.
        hidden_sizes: units of each layer of the encoder; the decoder has the same sizes in reverse.
        dropout: share of the encoder's and decoder's hidden units dropped at random in training.
        generator: source of the initial weights; None is a fresh one.

    Examples:
        >>> generator = generator_from(0)
        >>> vae = VAE(4, latent_size=2, hidden_sizes=[8], generator=generator)
        >>> x = vae.sample(5, generator=generator)
        >>> bound = vae.log_prob(x, n_draws=10, generator=generator)
        >>> bound.value.shape, len(vae.conditionals(torch.zeros(3, 2)))
        (torch.Size([5]), 4)
    """

    def __init__(
        self,
        columns: int | Sequence[ColumnSpec] | Columns,
        latent_size: int = 50,
        *,
        hidden_sizes: Sequence[int] = (500, 500),
        dropout: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.columns = Columns.of(columns)
        self.latent_size = whole_number(
            latent_size, "latent_size", least=1, what="how many numbers z has"
        )
        self.hidden_sizes = sizes(hidden_sizes, "hidden_sizes")
        self.dropout = share(dropout, "dropout", of="hidden units")
        generator = generator_from(generator)
        inputs, params = sum(self.columns.input_widths), sum(self.columns.param_widths)
        encoder, decoder = (inputs, *self.hidden_sizes), (latent_size, *self.hidden_sizes[::-1])

        def layers(widths: Sequence[int]) -> tuple[nn.ParameterList, nn.ParameterList]:
            weights = [
                nn.Parameter(
                    normal(after, before, deviation=(2 / before) ** 0.5, generator=generator)
                )
                for before, after in pairwise(widths)
            ]
            return nn.ParameterList(weights), nn.ParameterList(
                nn.Parameter(torch.zeros(size)) for size in widths[1:]
            )

        self.encoder_weights, self.encoder_biases = layers(encoder)
        self.decoder_weights, self.decoder_biases = layers(decoder)
        # Small outputs: q starts near the prior, the decoder near independent columns.
        deviation = 0.1 * encoder[-1] ** -0.5
        self.latent_weight = nn.Parameter(
            normal(2 * latent_size, encoder[-1], deviation=deviation, generator=generator)
        )
        self.latent_bias = nn.Parameter(torch.zeros(2 * latent_size))
        deviation = 0.1 * decoder[-1] ** -0.5
        self.output_weight = nn.Parameter(
            normal(params, decoder[-1], deviation=deviation, generator=generator)
        )
        self.output_bias = nn.Parameter(torch.zeros(params))

    def encode(
        self, x: torch.Tensor, *, generator: torch.Generator | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of q(z | x), (N, latent_size) each.

        Dropout applies only if a generator is passed.
        """
        h = self.columns.project(
            self.check_rows(x), self.encoder_weights[0].t(), self.encoder_biases[0]
        )
        for weight, bias in zip(
            list(self.encoder_weights)[1:], list(self.encoder_biases)[1:], strict=True
        ):
            h = F.linear(self._activated(h, generator), weight, bias)
        mean, rho = F.linear(
            self._activated(h, generator), self.latent_weight, self.latent_bias
        ).chunk(2, dim=1)
        return mean, (rho.clamp(-12, 12) / 2).exp()  # clamped: always finite

    def decode(self, z: torch.Tensor, *, generator: torch.Generator | None = None) -> torch.Tensor:
        """Parameters (N, P) of every column's conditional given z (N, latent_size).

        Dropout applies only if a generator is passed.
        """
        h = z
        for weight, bias in zip(self.decoder_weights, self.decoder_biases, strict=True):
            h = self._activated(F.linear(h, weight, bias), generator)
        return F.linear(h, self.output_weight, self.output_bias)

    def conditionals(self, z: torch.Tensor) -> list[Distribution]:
        """The D distributions p(x_k | z) in column order, each batched over N.

        p(x | z) is their product: columns are independent given z (N, latent_size).
        """
        params = self.decode(z)
        each = enumerate(self.columns.conditionals)
        return [
            Distribution.of(conditional, params[:, self.columns.param_rows(k)])
            for k, conditional in each
        ]

    def log_prob(
        self, x: torch.Tensor, *, n_draws: int = DRAWS, generator: torch.Generator | None = None
    ) -> LowerBound:
        """The importance-weighted bound on log p(x), a ``LowerBound`` of (N,) nats each.

        The bound is log 1/K Σ_i p(x, z_i) / q(z_i | x), with z_1 … z_K drawn from q(z | x). Its
        expectation is at most log p(x) and approaches it as K grows. K = 1 estimates the evidence
        lower bound. The delta method gives the standard error; for K = 1 it is NaN.

        Args:
            x: codes (N, D).
            n_draws: K, the number of draws of z per row.
            generator: source of the draws; None is a fresh one.
        """
        x = self.check_rows(x)
        n_draws = whole_number(n_draws, "n_draws", least=1, what="a whole number of draws")
        generator = generator_from(generator)
        mean, deviation = self.encode(x)
        rows_at_once = max(1, DRAWN_AT_ONCE // n_draws)
        values, errors = [], []
        for start in range(0, len(x), rows_at_once):
            chunk = slice(start, start + rows_at_once)
            log_weight = self._log_weights(
                x[chunk], mean[chunk], deviation[chunk], n_draws, generator
            ).double()  # (n, K)
            values.append(log_weight.logsumexp(1) - math.log(n_draws))
            weight = (log_weight - log_weight.amax(1, keepdim=True)).exp()
            if n_draws > 1:
                errors.append(weight.std(1) / weight.mean(1) / n_draws**0.5)
            else:
                errors.append(weight[:, 0] * math.nan)
        if not values:
            return LowerBound(x.new_zeros(0), x.new_zeros(0))
        return LowerBound(torch.cat(values).to(x.dtype), torch.cat(errors).detach().to(x.dtype))

    def _log_weights(
        self,
        x: torch.Tensor,
        mean: torch.Tensor,
        deviation: torch.Tensor,
        n_draws: int,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """log p(x, z) − log q(z | x) for K draws of z per row, (N, K)."""
        shape = len(x), n_draws, self.latent_size
        noise = torch.randn(shape, generator=generator, dtype=x.dtype).to(x.device)
        z = mean[:, None] + deviation[:, None] * noise  # (N, K, latent_size)
        params = self.decode(z.flatten(0, 1))
        cells = self.columns.log_prob(params, x.repeat_interleave(n_draws, dim=0))  # (N K, D)
        # The constants of the two Gaussians cancel.
        prior_less_q = ((noise**2 - z**2) / 2).sum(2) + deviation.log().sum(1)[:, None]
        return cells.sum(1).view(len(x), n_draws) + prior_less_q

    @override
    def training_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
        *,
        divergence_weight: float = 1.0,
    ) -> torch.Tensor:
        """The negative evidence lower bound, (N,) nats, from one draw of z.

        KL(q ‖ prior) is in closed form. The expectation of the loss is at least −log p(x), unless
        ``divergence_weight`` is below 1.

        Args:
            x: codes (N, D).
            observed: None, or all true: all cells must be observed.
            generator: source of the draw of z, and of dropout masks; None is a fresh one.
            divergence_weight: the weight of KL(q ‖ prior). Raising it to 1 during training keeps
                more dimensions of z in use (warm-up: Sønderby et al., "Ladder Variational
                Autoencoders", NeurIPS 2016).
        """
        x, generator = self.check_rows(x), generator_from(generator)
        if observed is not None and not bool(torch.as_tensor(observed).all()):
            raise EvidenceError(
                "this VAE is trained on complete rows; fill the holes first, or use an "
                "OrderlessNADE"
            )
        dropping = generator if self.training and self.dropout else None
        mean, deviation = self.encode(x, generator=dropping)
        noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype).to(mean.device)
        params = self.decode(mean + deviation * noise, generator=dropping)
        divergence = ((mean**2 + deviation**2 - 1) / 2 - deviation.log()).sum(1)
        return divergence_weight * divergence - self.columns.log_prob(params, x).sum(1)

    @property
    @override
    def loss_is_estimate(self) -> bool:
        """True: the loss is a bound, estimated from one draw of z."""
        return True

    @override
    def forward(self, x: torch.Tensor) -> LowerBound:
        """Same as ``log_prob``."""
        return self.log_prob(x)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        given: tuple[torch.Tensor, torch.Tensor] | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """n rows (n, D): draws z from the prior, then all columns given z.

        Args:
            n: number of rows.
            given: must be None: p(rest | given) has no closed form.
            temperature: divides the logits and multiplies the scales of columns given z. It does
                not change the prior of z.
            generator: source of all draws; None is a fresh one.

        Raises:
            EvidenceError: ``given`` is not None.
        """
        n = self.check_number(n, temperature)
        if given is not None:
            raise EvidenceError(
                "a VAE draws no rows with given cells; use an RBM's Gibbs sampling, or an "
                "OrderlessNADE"
            )
        generator, like = generator_from(generator), self.output_bias
        z = torch.randn(n, self.latent_size, generator=generator, dtype=like.dtype).to(like.device)
        uniform = uniforms(n, len(self.columns), generator).to(like.device)
        each = enumerate(self.conditionals(z))
        drawn = [given_z.draw(uniform[:, k], temperature) for k, given_z in each]
        return torch.stack(drawn, dim=1)

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """The mean of q(z | x), (N, latent_size); ``pool`` has no effect."""
        check_pool(pool)
        return self.encode(x)[0]

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        """Sets the decoder's output bias to independent columns fitted to codes x (N, D)."""
        with torch.no_grad():
            self.output_bias.copy_(self.columns.initial_params(self.check_rows(x)))

    @override
    def config(self) -> dict[str, Any]:
        sizes = {
            "latent_size": self.latent_size,
            "hidden_sizes": list(self.hidden_sizes),
            "dropout": self.dropout,
        }
        return {**sizes}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> VAE:
        return cls(
            columns,
            config["latent_size"],
            hidden_sizes=config["hidden_sizes"],
            dropout=config["dropout"],
        )

    def _activated(self, a: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        h = F.relu(a)
        if generator is None:
            return h
        kept = torch.rand(h.shape, generator=generator, dtype=h.dtype).to(h.device) >= self.dropout
        return h * kept / (1 - self.dropout)
