"""Networks with one fixed order: each computes the parameters of all conditionals, and takes evidence that is a prefix."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import EvidenceError
from chainrule.networks.base import AbstractNetwork, check_pool
from chainrule.networks.columns import Columns
from chainrule.networks.evidence import is_prefix, require_prefix
from chainrule.networks.orders import Order, make_order


class AbstractFixedOrder(AbstractNetwork):
    """A network with one order that computes the parameters of every conditional from the row.

    ``order[i]`` is the column drawn at step i. Subclasses say the parameters, of whole rows (``conditional_params``)
    and step by step (``begin``); likelihoods and draws follow.
    """

    def __init__(self, columns: Columns, order: Order, generator: torch.Generator | None) -> None:
        super().__init__()
        self.columns = columns
        self.register_buffer("order", make_order(order, len(columns), generator), persistent=False)

    @abstractmethod
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (N, P) of every column's conditional, in column order, bitwise free of later columns."""

    @property
    @override
    def any_evidence(self) -> bool:
        """False: known cells have to come first in the order."""
        return False

    @override
    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, D) of the cells that are asked, each given the columns before it in the order."""
        x = self.columns.filled(x, given | asked)
        return torch.where(asked, self.columns.log_prob(self.conditional_params(x), x), 0)

    @override
    def distribution(self, x: torch.Tensor, column: int, known: torch.Tensor) -> Distribution:
        """p(x_column | known cells), of known cells before the column, or by enumeration of the column's values."""
        return distribution_in_order(self, x, column, known)

    @override
    def distributions(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each given the cells of x (N, D) before it in the order: one pass."""
        params = self.conditional_params(x)
        return [
            Distribution.of(conditional, params[:, self.columns.param_rows(k)])
            for k, conditional in enumerate(self.columns.conditionals)
        ]

    @override
    def takes(self, known: torch.Tensor) -> torch.Tensor:
        """Whether each row's known cells are a prefix of the order, bool (N,)."""
        return is_prefix(known, self.order)

    @override
    def require_evidence(
        self, known: torch.Tensor, *, name: str, remedy: str = "", names: Sequence[str] | None = None
    ) -> None:
        """Raises EvidenceError unless each row's known cells are a prefix of the order."""
        require_prefix(known, self.order, name=name, remedy=remedy, names=names)

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """The codes themselves, (N, D), whatever the pool: without hidden units there is no other representation."""
        check_pool(pool)
        return self.check_rows(x)


def distribution_in_order(network: AbstractNetwork, x: torch.Tensor, column: int, known: torch.Tensor) -> Distribution:
    """p(x_column | known cells) of a network of one order, batched over N.

    Where the known cells are those before the column, it is the network's own conditional. Where they and the column
    together are a prefix of the order, it is found by enumeration, if all values of the column can be tried.

    Raises:
        EvidenceError: other evidence, or a column of too many values.
    """
    step = network.order.argsort()
    if bool((known == (step < step[column])).all()):
        return network.distributions(x)[column]
    whole = known.clone()
    whole[:, column] = True
    network.require_evidence(whole, name="observed", remedy="; or an OrderlessNADE, which takes any evidence")
    nothing = torch.zeros_like(whole)
    found = by_enumeration(network.columns, x, column, lambda tried: network.cells(tried, nothing, whole).sum(1))
    if found is None:
        raise EvidenceError(
            f"column {column} is drawn before some known columns, and its values cannot be tried one by one: know only the "
            f"columns drawn before it, or use an OrderlessNADE, which takes any evidence"
        )
    return found


def by_enumeration(
    columns: Columns, x: torch.Tensor, column: int, joint: Callable[[torch.Tensor], torch.Tensor]
) -> Distribution | None:
    """p(x_column | known cells) ∝ p(x_column, known cells), batched over N; None where values cannot be listed.

    Args:
        columns: those of x.
        x: codes (N, D).
        column: the column whose values are tried, one after the other.
        joint: log p(known cells with the column's value), (N,), of codes (N, D).
    """
    conditional = columns.conditionals[column]
    support = conditional.support()
    if support is None or not conditional.is_saturated:
        return None
    logs = []
    for value in support:
        tried = x.clone()
        tried[:, column] = value
        logs.append(joint(tried))
    stacked = torch.stack(logs, dim=1)  # (N, V)
    possible = (stacked > -torch.inf).any(1, keepdim=True)
    stacked = torch.where(possible, stacked, 0)  # impossible evidence says nothing
    return Distribution.of(conditional, conditional.params_of(stacked))
