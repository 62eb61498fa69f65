"""What any network with one fixed order shares: likelihoods, evidence that is a prefix, and estimates for other evidence."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Literal, overload

import torch

from chainrule.conditionals import Distribution
from chainrule.errors import EvidenceError, whole_number
from chainrule.networks.answers import Estimate
from chainrule.networks.base import AbstractNetwork, sum_columns
from chainrule.networks.columns import Columns
from chainrule.networks.evidence import is_prefix, require_prefix
from chainrule.networks.orders import Order, make_order
from chainrule.rng import generator_from, uniforms

ESTIMATE_ROWS = 4096  # rows drawn at once by importance sampling


class AbstractFixedOrder(AbstractNetwork):
    """A network with one order: ``order[i]`` is the column drawn at step i.

    Subclasses say how likely each cell is given those before it, and how rows are drawn; evidence and estimates are here,
    once.
    """

    @abstractmethod
    def cells(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood (N, D) of each cell of codes x (N, D) given the columns drawn before it, bitwise free of later ones."""

    @abstractmethod
    def walk(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        """For each step of the order the parameters of its column, (n, width) or of several members (n, M, width); who walks
        writes the column's values into x (n, D) before going on, where the next step reads them."""

    def pick(self, column: int, params: torch.Tensor, uniform: torch.Tensor, temperature: float) -> torch.Tensor:
        """A column's values (n,) by uniforms (n,), of the parameters that its step has."""
        return self.columns.conditionals[column].sample(params, uniform, temperature)

    def draw(
        self, values: torch.Tensor, observed: torch.Tensor, uniform: torch.Tensor, temperature: float
    ) -> torch.Tensor:
        """Rows (n, D): column by column in the order, observed cells kept, the others drawn by uniforms (n, D)."""
        like = self._like()
        with torch.autocast(like.device.type, enabled=False):
            x = values.to(like.dtype, copy=True)
            for column, params in zip(self.order.tolist(), self.walk(x), strict=True):
                drawn = self.pick(column, params, uniform[:, column], temperature)
                x[:, column] = torch.where(observed[:, column], x[:, column], drawn)
        return x

    def log_prob_columns(self, x: torch.Tensor, observed: torch.Tensor | None = None) -> torch.Tensor:
        """Log-likelihood of each cell given the columns drawn before it, (N, D) nats in the column order of x.

        Its row sums are ``log_prob``. ``observed``, bool (D,) or (N, D), must be a prefix of the order in each row; other cells
        have 0.
        """
        x = self.check_rows(x)
        if observed is None:
            return self.cells(x)
        x, seen, _ = self.check_evidence(x, observed, None)
        self.require_exact(seen, name="observed")
        return torch.where(seen, self.cells(self.columns.filled(x, seen)), 0)

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
        x, seen, evidence = self.check_evidence(x, observed, given)
        if estimate:
            return self._estimate(x, seen, evidence, n_draws, generator_from(generator))
        remedy = "; or pass estimate=True for an estimate with its standard error"
        self.require_exact(seen, name="observed", remedy=remedy)
        self.require_exact(evidence, name="given", remedy=remedy)
        cells = self.log_prob_columns(self.columns.filled(x, seen))  # (N, D)
        return sum_columns(torch.where(seen & ~evidence, cells, 0))

    def complete(
        self, values: torch.Tensor, known: torch.Tensor, temperature: float, generator: torch.Generator
    ) -> torch.Tensor:
        """Rows (n, D), column by column in the order."""
        return self.draw(
            values, known, uniforms(len(values), values.shape[1], generator).to(values.device), temperature
        )

    def require_exact(
        self, known: torch.Tensor, *, name: str, remedy: str = "", names: Sequence[str] | None = None
    ) -> None:
        """Raises EvidenceError unless each row's known cells are a prefix of the order."""
        require_prefix(known, self.order, name=name, remedy=remedy, names=names)

    def conditional(self, x: torch.Tensor, column: int, observed: torch.Tensor | None = None) -> Distribution:
        """p(x_column | the other observed cells of each row), batched over N.

        Exact where the known cells are those that the order draws before the column; and, for a Bernoulli or Categorical
        column, where the known cells and the column together are a prefix of the order: then by the joint
        probabilities of all its values.

        Args:
            x: codes (N, D); the column's own, and unobserved ones, are never read.
            column: its number.
            observed: bool (D,) or (N, D); default all others.

        Raises:
            EvidenceError: other evidence.
        """
        x, column, known = self.check_column(x, column, observed)
        conditional, step = self.columns.conditionals[column], self.order.argsort()
        if bool((known == (step < step[column])).all()):
            return self.conditionals(x)[column]
        whole = known.clone()
        whole[:, column] = True
        self.require_exact(whole, name="observed", remedy="; or an OrderlessNADE, which takes any evidence")
        support = conditional.support()
        if support is None or not conditional.is_saturated:
            raise EvidenceError(
                f"column {column} is drawn before some known columns, and its values cannot be tried one by one: know only the "
                f"columns drawn before it, or use an OrderlessNADE, which takes any evidence"
            )
        logs = []
        for value in support:
            tried = x.clone()
            tried[:, column] = value
            logs.append(torch.where(whole, self.log_prob_columns(tried), 0).sum(1))
        joint = torch.stack(logs, dim=1)  # (N, V)
        joint = torch.where((joint > -torch.inf).any(1, keepdim=True), joint, 0)  # what is impossible says nothing
        return Distribution.of(conditional, conditional.params_of(joint))

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


class AbstractParametric(AbstractFixedOrder):
    """A network of one order that computes the parameters of every conditional from the row.

    Subclasses say what these are, of whole rows and step by step; likelihoods and draws follow.
    """

    def __init__(self, columns: Columns, order: Order, generator: torch.Generator | None) -> None:
        super().__init__()
        self.columns = columns
        self.register_buffer("order", make_order(order, len(columns), generator), persistent=False)

    @abstractmethod
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (N, P) of every column's conditional, in column order, bitwise free of later columns."""

    def cells(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood (N, D) of each cell given the columns drawn before it."""
        return self.columns.log_prob(self.conditional_params(x), x)

    def conditionals(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each batched over N: p(x_k | columns drawn before k)."""
        params = self.conditional_params(self.check_rows(x))
        return [
            Distribution.of(conditional, params[:, self.columns.param_rows(k)])
            for k, conditional in enumerate(self.columns.conditionals)
        ]
