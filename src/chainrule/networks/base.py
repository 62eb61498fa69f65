"""The base class of all networks.

A network implements ``cells``, ``begin`` and ``distribution``, whose arguments are checked. It may
override other methods with faster ones. The methods that users call are written here once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, overload

import torch
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.networks.answers import Estimate
from chainrule.networks.asked import AskedCells
from chainrule.networks.estimate import conditional_estimate, importance_estimate
from chainrule.networks.evidence import as_mask, require_given_within_observed, without
from chainrule.networks.relations import RelatedWalk
from chainrule.networks.trainable import AbstractTrainable
from chainrule.networks.walk import Walk, draw_along
from chainrule.rng import Source, generator_from, uniforms

POOLS = ("last", "mean", "sum", "concat")
ESTIMATES = "; or pass estimate=True for an estimate with its standard error"


class AbstractNetwork(AbstractTrainable):
    """A joint density over D columns of codes, (N, D) float tensors.

    The argument ``observed`` marks missing cells; NaN does not. Log-likelihoods are in nats.
    Methods that answer questions change no parameter, and no generator but the one passed.
    """

    order: torch.Tensor  # int64 (D,): order[i] is the column drawn at step i
    has_gradients: bool = True  # whether gradients train it, rather than a method of its own

    # What a network implements. Arguments are checked: codes and bool masks, (N, D) each.

    @abstractmethod
    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, D) of the asked cells, each given the cells before it; 0 elsewhere.

        Given cells come first, then asked cells, each group in the order. Values of other cells are
        never read.
        """

    @abstractmethod
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        """A walk through the columns of rows x (n, D), in the order, given some cells (n, D)."""

    @abstractmethod
    def distribution(self, x: torch.Tensor, column: int, given: torch.Tensor) -> Distribution:
        """p(x_column | given cells), batched over N; the column itself is not given."""

    @property
    @abstractmethod
    def any_evidence(self) -> bool:
        """Whether the network answers exactly for every set of given cells."""

    def accepts(self, given: torch.Tensor) -> torch.Tensor:
        """Whether the network conditions exactly on each row's given cells (N, D), bool (N,).

        By default, it does for all rows.
        """
        return torch.ones(len(given), dtype=torch.bool, device=given.device)

    def require_evidence(
        self,
        given: torch.Tensor,
        *,
        name: str,
        remedy: str = "",
        names: Sequence[str] | None = None,
    ) -> None:
        """Raises EvidenceError unless the network conditions exactly on these given cells (N, D).

        By default, it never raises.

        Args:
            given: bool (N, D).
            name: the argument's name in the message, "observed" or "given".
            remedy: a further remedy, appended to the message.
            names: the columns' names in the message; by default their numbers.
        """

    def distributions(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each given the cells of x (N, D) drawn before it."""
        nothing = torch.zeros(x.shape, dtype=torch.bool, device=x.device)
        walk, found = self.walk(x, nothing), {}
        for column in self.order.tolist():
            found[column] = walk.distribution(column)
            walk.learn(column, x[:, column], ~nothing[:, column])
        return [found[column] for column in range(len(self.columns))]

    def walk(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        """``begin``, with the parameters that relations compute along the way."""
        walk = self.begin(x, given)
        return RelatedWalk(walk, self.columns.slots, x, given) if self.columns.relations else walk

    def each_given_others(
        self,
        x: torch.Tensor,
        given: torch.Tensor,
        asked: torch.Tensor,
        besides: Mapping[int, tuple[int, float]] | None = None,
    ) -> Iterator[AskedCells]:
        """Yields p(cell | the other given cells of its row) of every asked cell, in any order.

        By default, it costs what ``distribution`` costs for each column.

        Args:
            x: codes (N, D).
            given: bool (N, D); an asked cell may be given, and its own value is then not read.
            asked: bool (N, D).
            besides: for some columns, another column and its code. A cell of the former is asked
                as if the cell of the latter were given with this code.
        """
        for column in range(len(self.columns)):
            rows = asked[:, column].nonzero()[:, 0]
            if not len(rows):
                continue
            codes, known = x[rows], given[rows]
            known[:, column] = False
            if besides is not None and column in besides:
                other, code = besides[column]
                codes[:, other], known[:, other] = code, True
            found = self.distribution(self.columns.filled(codes, known), column, known)
            yield AskedCells(rows, torch.full_like(rows, column), found)

    def each_in_turn(
        self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor
    ) -> Iterator[AskedCells]:
        """Yields p(cell | given cells, and asked cells before it in the order) of every asked cell.

        These are the factors of ``cells``. By default, they cost what ``distribution`` costs for
        each column.

        Args:
            x: codes (N, D).
            given: bool (N, D).
            asked: bool (N, D), no cell that is given.
        """
        known = given.clone()
        for column in self.order.tolist():
            rows = asked[:, column].nonzero()[:, 0]
            if not len(rows):
                continue
            codes = self.columns.filled(x[rows], known[rows])
            found = self.distribution(codes, column, known[rows])
            yield AskedCells(rows, torch.full_like(rows, column), found)
            known[rows, column] = True

    def rows(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """log p(asked cells | given cells), (N,) nats: by default, the sum of ``cells``."""
        return sum_columns(self.cells(x, given, asked))

    def draw(
        self, values: torch.Tensor, given: torch.Tensor, uniform: torch.Tensor, temperature: float
    ) -> torch.Tensor:
        """Rows (n, D) with the given cells of ``values`` and the others drawn in the order.

        ``uniform`` (n, D) is the randomness of the draws, one number on [0, 1) per cell.
        """
        return self._drawn(values, given, ~given, uniform, temperature)

    def complete(
        self,
        values: torch.Tensor,
        given: torch.Tensor,
        temperature: float,
        generator: Source,
        asked: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Rows (n, D) with the given cells of ``values`` and the others drawn.

        Args:
            values: codes (n, D).
            given: bool (n, D).
            temperature: as for ``sample``.
            generator: the source of all draws.
            asked: bool (n, D), the cells to draw, for a network with ``any_evidence``. Cells that
                are neither given nor asked keep their values, and no draw depends on them. Default:
                all cells that are not given.
        """
        uniform = uniforms(len(values), values.shape[1], generator).to(values.device)
        if asked is None:
            return self.draw(values, given, uniform, temperature)
        return self._drawn(values, given, asked, uniform, temperature)

    def marginal_estimate(
        self, x: torch.Tensor, observed: torch.Tensor, n_draws: int, generator: torch.Generator
    ) -> Estimate:
        """log p(observed cells), (N,): exact where the network ``accepts`` them, else estimated."""
        return importance_estimate(self, x, observed, n_draws, generator)

    def one_order_networks(self, number: int = 1, seed: int = 1) -> list[AbstractNetwork]:
        """Networks with one order each: this one, or an ensemble's members.

        Args:
            number: the number of orders for an orderless network: its own, then random ones.
            seed: the seed of the random orders.
        """
        return [self]

    def row_mixture(self) -> tuple[list[AbstractNetwork], torch.Tensor]:
        """The components of p(x) as a mixture of networks, and their log-weights (M,).

        An ensemble has its members as components; any other network has itself.
        """
        return [self], torch.zeros(1, dtype=torch.float64, device=self._like().device)

    def gradient_part(self) -> AbstractNetwork:
        """The part that gradients train; by default, the whole network."""
        return self

    def numbers_each_step(self) -> int:
        """The number of parameters that every step reads besides those of its own column."""
        return 0

    # What users call.

    @overload
    def log_prob(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        given: torch.Tensor | None = None,
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

        The answer is exact and differentiable. A network with one order needs ``observed`` and
        ``given`` to be prefixes of the order in each row. An ``OrderlessNADE`` accepts any; it
        answers for the order with the given cells first. An ``Ensemble`` accepts what all its
        members accept.

        Args:
            x: codes (N, D), each in the support of its column (0 or 1 for binary columns). The
                support is not checked: other values give numbers that are not likelihoods. Values
                of unobserved cells are never read.
            observed: bool (D,) or (N, D); default all.
            given: bool (D,) or (N, D), within observed; default none.
            estimate: return an ``Estimate``, by importance sampling where the network has no exact
                answer. If nothing is given, the value is biased low, as the logarithm of an
                unbiased mean. Otherwise the bias may have either sign. The standard error is
                asymptotic and itself an estimate.
            n_draws: the number of draws per row of the estimate.
            generator: the source of those draws; None is a fresh one.

        Raises:
            EvidenceError: the network cannot condition on this evidence, and ``estimate`` is False.
            ShapeError: a shape is wrong, or a given cell is not observed.
        """
        x, observed, given = self.check_evidence(x, observed, given)
        if estimate:
            drawn_from = generator_from(generator)
            return conditional_estimate(
                lambda given: self.marginal_estimate(x, given, n_draws, drawn_from), observed, given
            )
        self.require_evidence(observed, name="observed", remedy=ESTIMATES)
        self.require_evidence(given, name="given", remedy=ESTIMATES)
        return self.rows(x, given, without(observed, given))

    def log_prob_columns(
        self, x: torch.Tensor, observed: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Log-likelihood of each cell given the cells before it, (N, D) nats in column order.

        Row sums are ``log_prob``.

        Args:
            x: codes (N, D).
            observed: bool (D,) or (N, D), as for ``log_prob``; other cells have 0. Default all.

        Raises:
            EvidenceError: the network cannot condition on this evidence, or it is an ensemble whose
                members have different orders.
        """
        is_complete = observed is None
        x, observed, nothing = self.check_evidence(x, observed, None)
        if not is_complete:
            self.require_evidence(observed, name="observed")
        return self.cells(x, nothing, observed)

    def conditional(
        self, x: torch.Tensor, column: int, observed: torch.Tensor | None = None
    ) -> Distribution:
        """p(x_column | the other observed cells of each row), batched over N.

        An ``OrderlessNADE`` accepts any evidence. A network with one order needs the observed cells
        to be those drawn before the column. For a Bernoulli or Categorical column, it is enough if
        the observed cells and the column together are a prefix of the order. The answer then comes
        from the joint probabilities of all the column's values. An ``Ensemble`` mixes its members'
        answers, reweighted by the evidence.

        Args:
            x: codes (N, D). Values of the column and of unobserved cells are never read.
            column: the column's number.
            observed: bool (D,) or (N, D); default all others.

        Raises:
            EvidenceError: the network cannot condition on this evidence.
        """
        x, column, given = self.check_column(x, column, observed)
        return self.distribution(x, column, given)

    def conditionals(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each batched over N: p(x_k | columns drawn before k).

        Raises:
            EvidenceError: the network is an ensemble whose members have different orders.
        """
        return self.distributions(self.check_rows(x))

    @torch.no_grad()
    def sample(
        self,
        n: int,
        given: tuple[torch.Tensor, torch.Tensor] | None = None,
        temperature: float = 1.0,
        generator: Source | None = None,
    ) -> torch.Tensor:
        """Draws n rows (n, D) exactly, one column at a time and without rejection.

        Args:
            n: the number of rows.
            given: (values, observed), each (1, D) or (n, D): the cells to keep.
            temperature: divides all logits and multiplies scales. The logits include those of
                mixture components and of an ensemble's members. 1 samples the model; values near
                0 draw the most probable value of each step.
            generator: the source of all draws; None is a fresh one. A ``rng.RowGenerator`` draws
                each row by its own key.

        Raises:
            EvidenceError: the network cannot condition on the given cells; the message says
                what it can condition on.
        """
        n, values, is_given = self.check_draws(n, given, temperature)
        return self.complete(values, is_given, temperature, generator_from(generator))

    @override
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``log_prob`` of complete rows, (N,) nats: the result of calling the module."""
        return self.log_prob(x)

    @override
    def training_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """−log_prob, (N,) nats; draws nothing."""
        return -self.log_prob(x, observed)

    # How arguments are checked.

    def check_evidence(
        self, x: torch.Tensor, observed: torch.Tensor | None, given: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Codes, and the masks of observed and of given cells, each (N, D) and checked."""
        x = self.check_rows(x, observed)
        observed = as_mask(observed, *x.shape, name="observed", default=True).to(x.device)
        given = as_mask(given, *x.shape, name="given", default=False).to(x.device)
        require_given_within_observed(given, observed)
        return x, observed, given

    def check_column(
        self, x: torch.Tensor, column: int, observed: torch.Tensor | None
    ) -> tuple[torch.Tensor, int, torch.Tensor]:
        """Codes (N, D), the column's number and the mask (N, D) of the other observed cells."""
        x = self.check_rows(x, observed)
        column = whole_number(column, "column", least=0, what="the number of a column")
        if column >= len(self.columns):
            raise ShapeError(
                f"column = {column}: this network has the columns 0 … {len(self.columns) - 1}"
            )
        given = as_mask(observed, *x.shape, name="observed", default=True).to(x.device).clone()
        given[:, column] = False
        return self.columns.filled(x, given), column, given

    def check_draws(
        self, n: int, given: tuple[torch.Tensor, torch.Tensor] | None, temperature: float
    ) -> tuple[int, torch.Tensor, torch.Tensor]:
        """The number of rows, and the values and the mask (n, D) of the given cells, checked."""
        n = self.check_number(n, temperature)
        width, like = len(self.columns), self._like()
        if given is None:
            is_given = as_mask(None, n, width, name="given", default=False).to(like.device)
            return n, torch.zeros(n, width, dtype=like.dtype, device=like.device), is_given
        values, is_given = self._check_given(given, n)
        self.require_evidence(is_given, name="given")
        return n, values, is_given

    def _drawn(
        self,
        values: torch.Tensor,
        given: torch.Tensor,
        asked: torch.Tensor,
        uniform: torch.Tensor,
        temperature: float,
    ) -> torch.Tensor:
        like = self._like()
        with torch.autocast(like.device.type, enabled=False):
            x = values.to(like.dtype, copy=True)
            draw_along(self.walk(x, given), self.order.tolist(), x, asked, uniform, temperature)
        return x


def sum_columns(cells: torch.Tensor) -> torch.Tensor:
    """Row sums (N,) of log-likelihoods (N, D), in their dtype but accumulated in float64."""
    return cells.sum(1, dtype=torch.float64).to(cells.dtype)


def check_pool(pool: str) -> None:
    """Raises ShapeError unless the pool is one of POOLS."""
    if pool not in POOLS:
        raise ShapeError(unknown_choice("pool", pool, POOLS))
