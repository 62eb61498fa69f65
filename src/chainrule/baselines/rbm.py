"""The restricted Boltzmann machine: binary hidden units, and a partition function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from chainrule.baselines import partition
from chainrule.errors import EvidenceError, ShapeError, unknown_choice, whole_number
from chainrule.networks.answers import Estimate
from chainrule.networks.base import check_pool
from chainrule.networks.columns import Columns
from chainrule.networks.trainable import AbstractTrainable
from chainrule.rng import generator_from, normal

SAMPLE_STEPS = 1000  # steps of Gibbs sampling per sampled row
METHODS = ("auto", "exact", "ais")


class RBM(AbstractTrainable):
    """p(x) = Σ_h exp(b·x + c·h + xᵀ W h) / Z over binary columns x and binary hidden units h.

    Columns are independent given h, and hidden units are independent given x. The likelihood is
    p(x) = exp(−free_energy(x)) / Z. The partition function Z is a sum of 2^min(D, H) terms. It is
    exact if this number is small; otherwise Z and all likelihoods are estimates.
    ``baselines.contrastive_divergence`` trains the machine. Gibbs sampling draws rows; their
    distribution only approximates p.

    Source: Hinton, "Training Products of Experts by Minimizing Contrastive Divergence",
    Neural Computation 2002.

    Args:
        columns: number of binary columns D.
        hidden_size: H, the number of hidden units.
        generator: source of the initial weights; None is a fresh one.

    Attributes:
        weight: W, (D, H).
        visible_bias: b, (D,).
        hidden_bias: c, (H,).
        base_bias: (D,), log-odds of the independent columns at which annealed importance sampling
            and Gibbs sampling start.

    Examples:
        >>> generator = generator_from(0)
        >>> rbm = RBM(4, hidden_size=3, generator=generator)
        >>> x = rbm.sample(5, steps=10, generator=generator)
        >>> rbm.log_prob(x, generator=generator).value.shape
        torch.Size([5])
    """

    weight: nn.Parameter
    base_bias: torch.Tensor

    def __init__(
        self,
        columns: int | Columns,
        hidden_size: int = 500,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.columns = Columns.of(columns)
        if not self.columns.is_binary:
            raise ShapeError("this RBM is over binary columns; pass their number")
        self.hidden_size = whole_number(
            hidden_size, "hidden_size", least=1, what="a whole number of hidden units"
        )
        width = len(self.columns)
        self.weight = nn.Parameter(
            normal(width, hidden_size, deviation=0.01, generator=generator_from(generator))
        )
        self.visible_bias = nn.Parameter(torch.zeros(width))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden_size))
        self.register_buffer("base_bias", torch.zeros(width))

    def free_energy(self, x: torch.Tensor) -> torch.Tensor:
        """−log Σ_h exp(b·x + c·h + xᵀ W h), (N,) nats, differentiable.

        It equals −b·x − Σ_j log(1 + exp(c_j + x·W_j)).
        """
        x = self.check_rows(x)
        return -(x @ self.visible_bias) - F.softplus(
            torch.addmm(self.hidden_bias, x, self.weight)
        ).sum(1)

    def hidden_given(self, x: torch.Tensor) -> torch.Tensor:
        """p(h_j = 1 | x), (N, H); the hidden units are independent given x."""
        return torch.sigmoid(torch.addmm(self.hidden_bias, self.check_rows(x), self.weight))

    def visible_given(self, h: torch.Tensor) -> torch.Tensor:
        """p(x_k = 1 | h), (N, D); the columns are independent given h (N, H)."""
        return torch.sigmoid(torch.addmm(self.visible_bias, h, self.weight.t()))

    def log_partition(
        self,
        method: str = "auto",
        *,
        distributions: int = partition.DISTRIBUTIONS,
        chains: int = partition.CHAINS,
        generator: torch.Generator | None = None,
        progress: bool = False,
    ) -> float | Estimate:
        """log Z: a float if it is exact, otherwise an ``Estimate`` of shape ().

        Args:
            method: "exact" sums over the 2^min(D, H) states of the smaller layer. "ais" is annealed
                importance sampling from the independent columns of ``base_bias``. "auto" is
                "exact" up to 2^20 states and "ais" beyond.
            distributions: number of annealing steps from these columns to the machine.
            chains: number of independent chains. The estimate is the mean of their weights; the
                spread of the weights gives its standard error.
            generator: source of the chains' draws; None is a fresh one.
            progress: whether to show a progress bar on stderr, if that is a terminal.

        Raises:
            ShapeError: the method is unknown, or both layers are too large for an exact sum.
        """
        if method not in METHODS:
            raise ShapeError(unknown_choice("method", method, METHODS))
        smaller = min(len(self.columns), self.hidden_size)
        if method == "exact" or (method == "auto" and smaller <= partition.MOST_SUMMED):
            return partition.enumerated(self.weight, self.visible_bias, self.hidden_bias)
        return partition.annealed(
            self.weight,
            self.visible_bias,
            self.hidden_bias,
            self.base_bias,
            distributions=distributions,
            chains=chains,
            generator=generator_from(generator),
            progress=progress,
        )

    def log_prob(
        self,
        x: torch.Tensor,
        *,
        log_partition: float | Estimate | None = None,
        generator: torch.Generator | None = None,
    ) -> Estimate:
        """−free_energy(x) − log Z, an ``Estimate`` of (N,) nats each.

        All rows share the standard error of log Z; it is zero if log Z is exact. The estimate of Z
        is unbiased. Its logarithm is therefore too small on average, and log p(x) too large.

        Args:
            x: codes (N, D), 0 and 1.
            log_partition: a result of the method ``log_partition``; None calls it.
            generator: source of the draws of that call; None is a fresh one.
        """
        found = self.log_partition(generator=generator) if log_partition is None else log_partition
        energy = self.free_energy(x)
        log_z, error = found if isinstance(found, Estimate) else (found, 0.0)
        like = energy.detach()
        return Estimate(
            -energy - torch.as_tensor(log_z, dtype=like.dtype, device=like.device),
            torch.zeros_like(like) + torch.as_tensor(error, dtype=like.dtype, device=like.device),
        )

    @torch.no_grad()
    def gibbs(
        self,
        x: torch.Tensor,
        steps: int,
        *,
        generator: torch.Generator,
        given: torch.Tensor | None = None,
        temperature: float = 1.0,
    ) -> torch.Tensor:
        """Rows (N, D) after ``steps`` steps of Gibbs sampling from x; given cells stay fixed.

        Each step draws all hidden units given x, then all columns given the hidden units.
        """
        for _ in range(steps):
            h = _bernoulli(torch.addmm(self.hidden_bias, x, self.weight) / temperature, generator)
            drawn = _bernoulli(
                torch.addmm(self.visible_bias, h, self.weight.t()) / temperature, generator
            )
            x = drawn if given is None else torch.where(given, x, drawn)
        return x

    @override
    def forward(self, x: torch.Tensor) -> Estimate:
        """Same as ``log_prob``."""
        return self.log_prob(x)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        given: tuple[torch.Tensor, torch.Tensor] | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        *,
        steps: int = SAMPLE_STEPS,
    ) -> torch.Tensor:
        """n rows (n, D), each the last state of its own Markov chain.

        The chains start at independent columns; given cells stay fixed. Their distribution
        approaches p, or p(rest | given), as ``steps`` grows. The remaining distance is unknown.

        Args:
            n: number of rows.
            given: (values, observed), each (1, D) or (n, D): the cells to keep fixed. Any cells can
                be given.
            temperature: divides the energy.
            generator: source of all draws; None is a fresh one.
            steps: steps of Gibbs sampling per chain.
        """
        n = self.check_number(n, temperature)
        steps = whole_number(steps, "steps", least=1, what="a whole number of steps")
        generator = generator_from(generator)
        x, is_given = _bernoulli(self.base_bias.expand(n, -1), generator), None
        if given is not None:
            values, is_given = self._check_given(given, n)
            x = torch.where(is_given, values, x)
        return self.gibbs(x, steps, generator=generator, given=is_given, temperature=temperature)

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """p(h_j = 1 | x), (N, H): the hidden units' probabilities; ``pool`` has no effect."""
        check_pool(pool)
        return self.hidden_given(x)

    @override
    def training_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
        *,
        steps: int = 1,
        negative: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """free_energy(x) − free_energy(x⁻), (N,); its gradient is that of contrastive divergence.

        The value is not a likelihood. x⁻ are samples of the model: ``negative`` (N, D), for example
        persistent chains, or by default the rows after ``steps`` steps of Gibbs sampling from x.
        All cells must be observed.
        """
        x = self.check_rows(x)
        if observed is not None and not bool(torch.as_tensor(observed).all()):
            raise EvidenceError("an RBM is trained on complete rows; fill the holes first")
        if negative is None:
            negative = self.gibbs(x, steps, generator=generator_from(generator))
        negative = self.check_rows(negative)
        if len(negative) not in (1, len(x)):
            raise ShapeError(
                f"negative has {len(negative)} rows for {len(x)}; pass as many, or one"
            )
        return self.free_energy(x) - self.free_energy(negative)

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        """Sets ``visible_bias`` and ``base_bias`` to the smoothed log-odds of codes x (N, D)."""
        with torch.no_grad():
            odds = self.columns.initial_params(self.check_rows(x))
            self.visible_bias.copy_(odds)
            self.base_bias.copy_(odds)

    @override
    def config(self) -> dict[str, Any]:
        return {"hidden_size": self.hidden_size}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> RBM:
        return cls(columns, config["hidden_size"])


def _bernoulli(logit: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draws 0 or 1 with p(1) = σ(logit)."""
    uniform = torch.rand(logit.shape, generator=generator, dtype=logit.dtype)
    return (uniform.to(logit.device) < torch.sigmoid(logit)).to(logit.dtype)
