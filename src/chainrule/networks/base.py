"""The contract every network keeps, and the parts of it that any fixed order shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, overload

import torch
from torch import nn

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.networks.columns import Columns
from chainrule.networks.evidence import as_mask, is_prefix, require_given_within_observed, require_prefix
from chainrule.networks.orders import Order, make_order
from chainrule.rng import generator_from, uniforms

POOLS = ("last", "mean", "sum", "concat")
ESTIMATE_ROWS = 4096  # rows drawn at once by importance sampling


class Estimate(NamedTuple):
    """A log-likelihood that was estimated, in nats, each (N,)."""

    value: torch.Tensor
    standard_error: torch.Tensor


class AbstractNetwork(nn.Module, ABC):
    """A joint density over D columns of codes, (N, D) float tensors.

    Codes are never interpreted: what is unknown is said by ``observed``, never by NaN. Likelihoods are nats. Calling
    any method but an optimizer's changes nothing: no parameter, no generator but the one passed.
    """

    columns: Columns

    @abstractmethod
    def log_prob(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, given: torch.Tensor | None = None
    ) -> torch.Tensor:
        """log p(observed cells that are not given | given cells), (N,) nats, differentiable."""

    @abstractmethod
    def log_prob_columns(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood of each cell given those before it, (N, D) nats in the column order of x."""

    @abstractmethod
    def sample(
        self,
        n: int,
        given: tuple[torch.Tensor, torch.Tensor] | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """n rows (n, D); ``given`` is a pair (values, observed), each (1, D) or (n, D)."""

    @abstractmethod
    def conditionals(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each batched over N: p(x_k | columns drawn before k)."""

    @abstractmethod
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """A representation of each row, (N, F)."""

    @abstractmethod
    def training_loss(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """What training minimises, (N,) nats: −log_prob, unless the class says what it estimates instead."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Constructor arguments as JSON, enough to rebuild the network before its tensors are loaded."""

    @classmethod
    @abstractmethod
    def from_config(cls, config: Mapping[str, Any]) -> AbstractNetwork:
        """The network that ``config`` described, with fresh parameters."""

    @abstractmethod
    def initialize_from(self, x: torch.Tensor) -> None:
        """Starts the output biases at the independent columns that fit codes x (N, D)."""


class AbstractFixedOrder(AbstractNetwork):
    """A network with one order: ``order[i]`` is the column drawn at step i.

    Subclasses say how the conditionals' parameters follow from a row, and how rows are drawn; likelihoods, evidence
    and estimates are here, once.
    """

    order: torch.Tensor  # int64 (D,)

    def __init__(self, columns: Columns, order: Order, generator: torch.Generator | None) -> None:
        super().__init__()
        self.columns = columns
        self.register_buffer("order", make_order(order, len(columns), generator))

    @abstractmethod
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (N, P) of every column's conditional, in column order, bitwise free of later columns."""

    @abstractmethod
    def draw(
        self, values: torch.Tensor, observed: torch.Tensor, uniform: torch.Tensor, temperature: float
    ) -> torch.Tensor:
        """Rows (n, D): column by column in the order, observed cells kept, the others drawn by uniforms (n, D)."""

    def log_prob_columns(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood of each cell given the columns drawn before it, (N, D) nats in the column order of x.

        Its row sums are ``log_prob``.
        """
        x = self.check_rows(x)
        return self.columns.log_prob(self.conditional_params(x), x)

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

        Exact and differentiable where ``observed`` and ``given`` are, row by row, each a prefix of the order.

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
            EvidenceError: evidence that is not a prefix, without ``estimate``.
            ShapeError: wrong shapes, or given cells that are not observed.
        """
        x = self.check_rows(x)
        seen = as_mask(observed, *x.shape, name="observed", default=True).to(x.device)
        evidence = as_mask(given, *x.shape, name="given", default=False).to(x.device)
        require_given_within_observed(evidence, seen)
        if estimate:
            return self._estimate(x, seen, evidence, n_draws, generator_from(generator))
        remedy = "; or pass estimate=True for an estimate with its standard error"
        require_prefix(seen, self.order, name="observed", remedy=remedy)
        require_prefix(evidence, self.order, name="given", remedy=remedy)
        cells = self.log_prob_columns(self.columns.filled(x, seen))  # (N, D)
        return sum_columns(torch.where(seen & ~evidence, cells, 0))

    @torch.no_grad()
    def sample(
        self,
        n: int,
        given: tuple[torch.Tensor, torch.Tensor] | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """n rows (n, D) drawn exactly, one column at a time.

        Args:
            n: number of rows.
            given: (values, observed), each (1, D) or (n, D): cells to keep, a prefix of the order in every row.
            temperature: divides every logit; 1 samples the model, towards 0 the likeliest value of each step.
            generator: source of the uniforms; None is a fresh one.

        Raises:
            EvidenceError: given cells that are not a prefix of the order; the message says what would serve.
        """
        n = whole_number(n, "n", least=0, what="a whole number of rows")
        if not temperature > 0:
            raise ShapeError(f"temperature = {temperature!r} must be above zero; 1 samples the model as it is")
        width = len(self.columns)
        if given is None:
            values, known = self._zeros(n), torch.zeros(n, width, dtype=torch.bool, device=self.order.device)
        else:
            values, known = self._check_given(given, n)
            require_prefix(known, self.order, name="given")
        return self.draw(values, known, uniforms(n, width, generator).to(self.order.device), temperature)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``log_prob`` of complete rows, (N,) nats, so that what calls a module gets its likelihood."""
        return self.log_prob(x)

    def conditionals(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each batched over N: p(x_k | columns drawn before k)."""
        params = self.conditional_params(self.check_rows(x))
        return [
            Distribution(conditional, params[:, self.columns.param_rows(k)])
            for k, conditional in enumerate(self.columns.conditionals)
        ]

    def check_rows(self, x: torch.Tensor) -> torch.Tensor:
        """The codes (N, D) in the network's dtype, or a ShapeError that says what was expected."""
        width = len(self.columns)
        if not isinstance(x, torch.Tensor):
            raise ShapeError(f"x is a {type(x).__name__}; pass a float tensor (N, {width}) of codes")
        if x.ndim != 2 or x.shape[1] != width:
            raise ShapeError(f"x has shape {tuple(x.shape)}; this network has {width} columns: pass (N, {width})")
        return x.to(self._like().dtype)

    def _like(self) -> torch.Tensor:
        return next(self.parameters())

    def _zeros(self, n: int) -> torch.Tensor:
        return torch.zeros(n, len(self.columns), dtype=self._like().dtype, device=self.order.device)

    def _check_given(self, given: tuple[torch.Tensor, torch.Tensor], n: int) -> tuple[torch.Tensor, torch.Tensor]:
        if not isinstance(given, tuple) or len(given) != 2:
            raise ShapeError("given is a pair (values, observed), each (1, D) or (n, D)")
        values = self.check_rows(torch.as_tensor(given[0]))
        if len(values) not in (1, n):
            raise ShapeError(f"given has {len(values)} rows of values for {n} rows to draw; pass 1 or {n}")
        known = as_mask(given[1], n, len(self.columns), name="given's observed", default=True).to(self.order.device)
        values = values.expand(n, -1).to(self.order.device)
        return self.columns.filled(values, known), known

    def _estimate(
        self, x: torch.Tensor, seen: torch.Tensor, evidence: torch.Tensor, n_draws: int, generator: torch.Generator
    ) -> Estimate:
        n_draws = whole_number(n_draws, "n_draws", least=2, what="a whole number of draws")
        joint = self._marginal_estimate(x, seen, n_draws, generator)
        if not bool(evidence.any()):
            return joint
        condition = self._marginal_estimate(x, evidence, n_draws, generator)
        return Estimate(joint.value - condition.value, torch.hypot(joint.standard_error, condition.standard_error))

    @torch.no_grad()
    def _marginal_estimate(
        self, x: torch.Tensor, known: torch.Tensor, n_draws: int, generator: torch.Generator
    ) -> Estimate:
        """log p(known cells): unknown cells drawn in the order, each draw weighted by p(known cells | drawn before them)."""
        value = x.new_zeros(len(x), dtype=torch.float64)
        error = torch.zeros_like(value)
        x = self.columns.filled(x, known)
        exact = is_prefix(known, self.order)
        if bool(exact.any()):
            cells = self.log_prob_columns(x[exact])
            value[exact] = torch.where(known[exact], cells, 0).sum(1, dtype=torch.float64)
        for row in (~exact).nonzero()[:, 0].tolist():
            logs = []
            for start in range(0, n_draws, ESTIMATE_ROWS):
                n = min(ESTIMATE_ROWS, n_draws - start)
                values, mask = x[row].expand(n, -1), known[row].expand(n, -1)
                drawn = self.draw(values, mask, uniforms(n, x.shape[1], generator).to(x.device), 1.0)
                logs.append(torch.where(mask, self.log_prob_columns(drawn), 0).sum(1, dtype=torch.float64))
            log_weight = torch.cat(logs)  # (n_draws,)
            value[row] = log_weight.logsumexp(0) - torch.tensor(n_draws).log()
            weight = (log_weight - log_weight.max()).exp()
            error[row] = weight.std() / weight.mean() / n_draws**0.5  # delta method
        return Estimate(value.to(x.dtype), error.to(x.dtype))


def sum_columns(cells: torch.Tensor) -> torch.Tensor:
    """Row sums (N,) of log-likelihoods (N, D), accumulated in float64, in the dtype of the cells."""
    return cells.sum(1, dtype=torch.float64).to(cells.dtype)


def check_pool(pool: str) -> None:
    """Raises ShapeError for a pool that is none of POOLS."""
    if pool not in POOLS:
        raise ShapeError(unknown_choice("pool", pool, POOLS))
