"""The contract every network keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.networks.evidence import as_mask, require_given_within_observed
from chainrule.networks.trainable import AbstractTrainable
from chainrule.rng import generator_from

POOLS = ("last", "mean", "sum", "concat")


class AbstractNetwork(AbstractTrainable):
    """A joint density over D columns of codes, (N, D) float tensors.

    Codes are never interpreted: what is unknown is said by ``observed``, never by NaN. Likelihoods are nats. Calling
    any method but an optimizer's changes nothing: no parameter, no generator but the one passed.
    """

    order: torch.Tensor  # int64 (D,): order[i] is the column drawn at step i

    @abstractmethod
    def log_prob(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, given: torch.Tensor | None = None
    ) -> torch.Tensor:
        """log p(observed cells that are not given | given cells), (N,) nats, differentiable."""

    @abstractmethod
    def conditional(self, x: torch.Tensor, column: int, observed: torch.Tensor | None = None) -> Distribution:
        """p(x_column | the other observed cells of each row), batched over N; by default all others are observed."""

    @abstractmethod
    def require_exact(
        self, known: torch.Tensor, *, name: str, remedy: str = "", names: Sequence[str] | None = None
    ) -> None:
        """Raises EvidenceError unless these known cells (N, D) are evidence that the network takes exactly."""

    @abstractmethod
    def log_prob_columns(self, x: torch.Tensor, observed: torch.Tensor | None = None) -> torch.Tensor:
        """Log-likelihood of each observed cell given those before it, (N, D) nats in the column order of x; else 0."""

    @abstractmethod
    def complete(
        self, values: torch.Tensor, known: torch.Tensor, temperature: float, generator: torch.Generator
    ) -> torch.Tensor:
        """Rows (n, D) whose known cells are those of ``values`` and whose others are drawn; what ``sample`` has checked."""

    @abstractmethod
    def conditionals(self, x: torch.Tensor) -> Sequence[Distribution]:
        """D distributions in column order, each batched over N: p(x_k | columns drawn before k)."""

    @torch.no_grad()
    def sample(
        self,
        n: int,
        given: tuple[torch.Tensor, torch.Tensor] | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """n rows (n, D) drawn exactly, one column at a time; always n rows, no rejection.

        Args:
            n: number of rows.
            given: (values, observed), each (1, D) or (n, D): cells to keep, evidence that the network takes exactly.
            temperature: divides every logit, those of a mixture's parts and of an ensemble's members too, and multiplies
                scales; 1 samples the model, towards 0 the likeliest value of each step.
            generator: source of all draws; None is a fresh one.

        Raises:
            EvidenceError: given cells that the network cannot take exactly; the message says what would serve.
        """
        n, values, known = self.check_draws(n, given, temperature)
        return self.complete(values, known, temperature, generator_from(generator))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``log_prob`` of complete rows, (N,) nats, so that what calls a module gets its likelihood."""
        return self.log_prob(x)

    def check_evidence(
        self, x: torch.Tensor, observed: torch.Tensor | None, given: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Codes, what is observed and what is given, (N, D) each, checked."""
        x = self.check_rows(x, observed)
        seen = as_mask(observed, *x.shape, name="observed", default=True).to(x.device)
        evidence = as_mask(given, *x.shape, name="given", default=False).to(x.device)
        require_given_within_observed(evidence, seen)
        return x, seen, evidence

    def check_column(
        self, x: torch.Tensor, column: int, observed: torch.Tensor | None
    ) -> tuple[torch.Tensor, int, torch.Tensor]:
        """Codes (N, D), the column's number and the other cells that are known, (N, D), checked."""
        x = self.check_rows(x, observed)
        column = whole_number(column, "column", least=0, what="the number of a column")
        if column >= len(self.columns):
            raise ShapeError(f"column = {column}: this network has the columns 0 … {len(self.columns) - 1}")
        known = as_mask(observed, *x.shape, name="observed", default=True).to(x.device).clone()
        known[:, column] = False
        return self.columns.filled(x, known), column, known

    def check_draws(
        self, n: int, given: tuple[torch.Tensor, torch.Tensor] | None, temperature: float
    ) -> tuple[int, torch.Tensor, torch.Tensor]:
        """How many rows to draw, the values of given cells and which those are, (n, D) each, checked."""
        n = self.check_number(n, temperature)
        width, like = len(self.columns), self._like()
        if given is None:
            known = torch.zeros(n, width, dtype=torch.bool, device=like.device)
            return n, torch.zeros(n, width, dtype=like.dtype, device=like.device), known
        values, known = self._check_given(given, n)
        self.require_exact(known, name="given")
        return n, values, known


def sum_columns(cells: torch.Tensor) -> torch.Tensor:
    """Row sums (N,) of log-likelihoods (N, D), accumulated in float64, in the dtype of the cells."""
    return cells.sum(1, dtype=torch.float64).to(cells.dtype)


def check_pool(pool: str) -> None:
    """Raises ShapeError for a pool that is none of POOLS."""
    if pool not in POOLS:
        raise ShapeError(unknown_choice("pool", pool, POOLS))
