"""The contract every network keeps.

A network says what is its own, of arguments that are checked: ``cells``, ``begin`` and, where an answer has a quicker
way, ``distribution``. The questions that users ask are written here once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, overload

import torch
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.networks.answers import Estimate
from chainrule.networks.estimate import conditional_estimate, importance_estimate
from chainrule.networks.evidence import as_mask, require_given_within_observed
from chainrule.networks.trainable import AbstractTrainable
from chainrule.networks.walk import Walk, draw_along
from chainrule.rng import generator_from, uniforms

POOLS = ("last", "mean", "sum", "concat")
ESTIMATES = "; or pass estimate=True for an estimate with its standard error"


class AbstractNetwork(AbstractTrainable):
    """A joint density over D columns of codes, (N, D) float tensors.

    Codes are never interpreted: what is unknown is said by ``observed``, never by NaN. Likelihoods are nats. Calling
    any method but an optimizer's changes nothing: no parameter, no generator but the one passed.
    """

    order: torch.Tensor  # int64 (D,): order[i] is the column drawn at step i

    # What a network says. Arguments are checked: codes (N, D) in its dtype, masks bool (N, D).

    @abstractmethod
    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, D) of the cells that are asked, each given the cells before it; 0 elsewhere.

        Given cells come first, then those asked, each group in the order. Values of other cells are never read.
        """

    @abstractmethod
    def begin(self, x: torch.Tensor, known: torch.Tensor) -> Walk:
        """A walk through the columns of rows x (n, D) in the order, with the known cells (n, D) as evidence."""

    @abstractmethod
    def distribution(self, x: torch.Tensor, column: int, known: torch.Tensor) -> Distribution:
        """p(x_column | known cells), batched over N; the column itself is not known."""

    @property
    @abstractmethod
    def any_evidence(self) -> bool:
        """Whether any cells may be known, and all questions are still answered exactly."""

    def takes(self, known: torch.Tensor) -> torch.Tensor:
        """Whether known cells (N, D) are evidence that the network takes exactly, bool (N,); all are, by default."""
        return torch.ones(len(known), dtype=torch.bool, device=known.device)

    def require_evidence(
        self, known: torch.Tensor, *, name: str, remedy: str = "", names: Sequence[str] | None = None
    ) -> None:
        """Raises EvidenceError unless the network takes these known cells (N, D) exactly; all are taken, by default.

        Args:
            known: bool (N, D).
            name: what the known cells are called: "observed" or "given".
            remedy: a further way out, appended to the message.
            names: what the columns are called; by default their numbers.
        """

    def distributions(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each given the cells of x (N, D) before it in the order."""
        nothing = torch.zeros(x.shape, dtype=torch.bool, device=x.device)
        walk, found = self.begin(x, nothing), {}
        for column in self.order.tolist():
            found[column] = walk.distribution(column)
            walk.learn(column, x[:, column], ~nothing[:, column])
        return [found[column] for column in range(len(self.columns))]

    def rows(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """log p(asked cells | given cells), (N,) nats: the sum of ``cells``, but of a mixture of rows."""
        return sum_columns(self.cells(x, given, asked))

    def draw(
        self, values: torch.Tensor, known: torch.Tensor, uniform: torch.Tensor, temperature: float
    ) -> torch.Tensor:
        """Rows (n, D): column by column in the order, known cells kept, the others drawn by uniforms (n, D)."""
        return self._drawn(values, known, ~known, uniform, temperature)

    def complete(
        self,
        values: torch.Tensor,
        known: torch.Tensor,
        temperature: float,
        generator: torch.Generator,
        asked: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Rows (n, D) whose known cells are those of ``values`` and whose others are drawn.

        Args:
            values: codes (n, D).
            known: bool (n, D).
            temperature: as of ``sample``.
            generator: source of all draws.
            asked: bool (n, D), the cells to draw, of a network that takes any evidence. Further cells stay open and
                tell the others nothing. Default: all that are not known.
        """
        uniform = uniforms(len(values), values.shape[1], generator).to(values.device)
        if asked is None:
            return self.draw(values, known, uniform, temperature)
        return self._drawn(values, known, asked, uniform, temperature)

    def marginal_estimate(
        self, x: torch.Tensor, known: torch.Tensor, n_draws: int, generator: torch.Generator
    ) -> Estimate:
        """log p(known cells), (N,), exact for rows whose evidence the network takes, estimated for others."""
        return importance_estimate(self, x, known, n_draws, generator)

    def one_order_networks(self, number: int = 1, seed: int = 1) -> list[AbstractNetwork]:
        """The networks of one order each that this one stands for: itself, or an ensemble's members.

        Args:
            number: how many orders to try of a network that has all of them: its own first, then random ones.
            seed: of these orders.
        """
        return [self]

    def row_mixture(self) -> tuple[list[AbstractNetwork], torch.Tensor]:
        """The networks of which rows are a mixture, and their log-weights (M,): itself alone, or an ensemble's members."""
        return [self], torch.zeros(1, dtype=torch.float64, device=self._like().device)

    def numbers_each_step(self) -> int:
        """How many parameters every step of the order reads beside those of its own column."""
        return 0

    # What users ask.

    @overload
    def log_prob(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, given: torch.Tensor | None = None
    ) -> torch.Tensor: ...

    @overload
    def log_prob(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        given: torch.Tensor | None = None,
        *,
        estimate: Literal[True],
        n_draws: int = 1000,
        generator: torch.Generator | None = None,
    ) -> Estimate: ...

    def log_prob(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        given: torch.Tensor | None = None,
        *,
        estimate: bool = False,
        n_draws: int = 1000,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor | Estimate:
        """log p(observed cells that are not given | given cells), (N,) nats.

        Exact and differentiable. A network of one order takes ``observed`` and ``given`` that are, row by row, each a
        prefix of the order. An ``OrderlessNADE`` takes any; its answer is that of the density with the order "given
        cells first". An ``Ensemble`` takes what all its members take.

        Args:
            x: codes (N, D), each in the support of its column (0 or 1 for binary ones); this is not checked, and other
                values give numbers that are no likelihoods. Values of unobserved cells are never read.
            observed: bool (D,) or (N, D); default all.
            given: bool (D,) or (N, D), within observed; default none.
            estimate: answer other evidence by importance sampling, as an ``Estimate``. The value is biased low where
                nothing is given (the logarithm of an unbiased mean), of either sign otherwise; the standard error is
                asymptotic and itself an estimate.
            n_draws: draws per row of the estimate.
            generator: source of those draws; None is a fresh one.

        Raises:
            EvidenceError: evidence that the network cannot take, without ``estimate``.
            ShapeError: wrong shapes, or given cells that are not observed.
        """
        x, seen, evidence = self.check_evidence(x, observed, given)
        if estimate:
            drawn_from = generator_from(generator)
            return conditional_estimate(
                lambda known: self.marginal_estimate(x, known, n_draws, drawn_from), seen, evidence
            )
        self.require_evidence(seen, name="observed", remedy=ESTIMATES)
        self.require_evidence(evidence, name="given", remedy=ESTIMATES)
        return self.rows(x, evidence, seen & ~evidence)

    def log_prob_columns(self, x: torch.Tensor, observed: torch.Tensor | None = None) -> torch.Tensor:
        """Log-likelihood of each cell given the cells before it, (N, D) nats in the column order of x.

        Row sums are ``log_prob``.

        Args:
            x: codes (N, D).
            observed: bool (D,) or (N, D), evidence as of ``log_prob``; other cells have 0. Default all.

        Raises:
            EvidenceError: evidence that the network cannot take, or an ensemble of several orders, where a cell has no
                one set of cells before it.
        """
        x, seen, nothing = self.check_evidence(x, observed, None)
        if observed is not None:
            self.require_evidence(seen, name="observed")
        return self.cells(x, nothing, seen)

    def conditional(self, x: torch.Tensor, column: int, observed: torch.Tensor | None = None) -> Distribution:
        """p(x_column | the other observed cells of each row), batched over N.

        An ``OrderlessNADE`` takes any evidence. A network of one order is exact where the known cells are those that
        it draws before the column; and, for a Bernoulli or Categorical column, where the known cells and the column
        together are a prefix of the order: then by the joint probabilities of all its values. An ``Ensemble`` has the
        members' own, reweighted by the evidence.

        Args:
            x: codes (N, D); the column's own, and unobserved ones, are never read.
            column: its number.
            observed: bool (D,) or (N, D); default all others.

        Raises:
            EvidenceError: other evidence.
        """
        x, column, known = self.check_column(x, column, observed)
        return self.distribution(x, column, known)

    def conditionals(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each batched over N: p(x_k | columns drawn before k).

        Raises:
            EvidenceError: an ensemble of several orders.
        """
        return self.distributions(self.check_rows(x))

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

    @override
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``log_prob`` of complete rows, (N,) nats, so that what calls a module gets its likelihood."""
        return self.log_prob(x)

    @override
    def training_loss(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """−log_prob, (N,) nats; draws nothing."""
        return -self.log_prob(x, observed)

    # How arguments are checked.

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
        self.require_evidence(known, name="given")
        return n, values, known

    def _drawn(
        self,
        values: torch.Tensor,
        known: torch.Tensor,
        asked: torch.Tensor,
        uniform: torch.Tensor,
        temperature: float,
    ) -> torch.Tensor:
        like = self._like()
        with torch.autocast(like.device.type, enabled=False):
            x = values.to(like.dtype, copy=True)
            draw_along(self.begin(x, known), self.order.tolist(), x, asked, uniform, temperature)
        return x


def sum_columns(cells: torch.Tensor) -> torch.Tensor:
    """Row sums (N,) of log-likelihoods (N, D), accumulated in float64, in the dtype of the cells."""
    return cells.sum(1, dtype=torch.float64).to(cells.dtype)


def check_pool(pool: str) -> None:
    """Raises ShapeError for a pool that is none of POOLS."""
    if pool not in POOLS:
        raise ShapeError(unknown_choice("pool", pool, POOLS))
