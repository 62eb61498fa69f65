"""The base class of networks with one order, which condition on prefixes of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from typing_extensions import override

from chainrule.conditionals import Distribution, Tied
from chainrule.errors import EvidenceError
from chainrule.networks.base import AbstractNetwork, check_pool
from chainrule.networks.columns import Columns
from chainrule.networks.evidence import is_everywhere, is_prefix, require_prefix
from chainrule.networks.orders import Order, make_order


class AbstractFixedOrder(AbstractNetwork):
    """A network with one order that computes the parameters of every conditional from the row.

    ``order[i]`` is the column drawn at step i. Subclasses compute the parameters for whole rows
    (``conditional_params``) and step by step (``begin``). This class derives likelihoods and draws.
    """

    def __init__(self, columns: Columns, order: Order, generator: torch.Generator | None) -> None:
        super().__init__()
        self.columns = columns
        self.register_buffer("order", make_order(order, len(columns), generator), persistent=False)

    @abstractmethod
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """The network's parameters (N, P) of every column's conditional, in column order.

        Later columns change no bit of them. Those that relations compute are not set.
        """

    def settled(
        self, params: torch.Tensor, x: torch.Tensor, withheld: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Parameters (N, P) with those that relations compute from the columns before each."""
        if not self.columns.relations:
            return params
        params = params.clone()
        values = self.columns.slot_values_in_order(x, self.order, withheld)
        params[:, self.columns.slot_positions] = values
        return params

    @property
    @override
    def any_evidence(self) -> bool:
        """False: given cells must be a prefix of the order."""
        return False

    @override
    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        if is_everywhere(asked, True):
            return self._log_prob(x)
        x = self.columns.filled(x, given | asked)
        return torch.where(asked, self._log_prob(x), 0)

    def _log_prob(self, x: torch.Tensor) -> torch.Tensor:
        return self.columns.log_prob(self.settled(self.conditional_params(x), x), x)

    @override
    def distribution(self, x: torch.Tensor, column: int, given: torch.Tensor) -> Distribution:
        return distribution_in_order(self, x, column, given)

    @override
    def distributions(self, x: torch.Tensor) -> list[Distribution]:
        params = self.settled(self.conditional_params(x), x)
        return [
            Distribution.of(conditional, params[:, self.columns.param_rows(k)])
            for k, conditional in enumerate(self.columns.conditionals)
        ]

    @override
    def accepts(self, given: torch.Tensor) -> torch.Tensor:
        """Whether each row's given cells are a prefix of the order, bool (N,)."""
        return is_prefix(given, self.order)

    @override
    def require_evidence(
        self,
        given: torch.Tensor,
        *,
        name: str,
        remedy: str = "",
        names: Sequence[str] | None = None,
    ) -> None:
        """Raises EvidenceError unless each row's given cells are a prefix of the order."""
        require_prefix(given, self.order, name=name, remedy=remedy, names=names)

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """The codes (N, D), for every pool: the default for networks without hidden units."""
        check_pool(pool)
        return self.check_rows(x)


def distribution_in_order(
    network: AbstractNetwork, x: torch.Tensor, column: int, given: torch.Tensor
) -> Distribution:
    """p(x_column | given cells) for a network with one order, batched over N.

    If the given cells are those before the column, it is the network's own conditional. If the
    given cells and the column together are a prefix of the order, it comes from enumeration.
    Enumeration needs a column whose values can be listed.

    Raises:
        EvidenceError: other evidence, or a column whose values cannot be listed.
    """
    step = network.order.argsort()
    if bool((given == (step < step[column])).all()):
        return network.distributions(x)[column]
    asked = given.clone()
    asked[:, column] = True
    network.require_evidence(
        asked, name="observed", remedy="; or an OrderlessNADE, which takes any evidence"
    )
    nothing = torch.zeros_like(asked)
    found = by_enumeration(
        network.columns, x, column, lambda tried: network.cells(tried, nothing, asked).sum(1)
    )
    if found is None:
        raise EvidenceError(
            f"column {column} is drawn before some known columns, and its values cannot be tried "
            "one by one: know only the columns drawn before it, or use an OrderlessNADE, which "
            "takes any evidence"
        )
    return found


def by_enumeration(
    columns: Columns, x: torch.Tensor, column: int, joint: Callable[[torch.Tensor], torch.Tensor]
) -> Distribution | None:
    """p(x_column | given cells) ∝ p(x_column, given cells), batched over N.

    It is None if the column's values cannot be listed.

    Args:
        columns: the columns of x.
        x: codes (N, D).
        column: the column whose values are tried, one after the other.
        joint: a function from codes (N, D) to log p(the column's value, given cells), (N,).
    """
    conditional = columns.conditionals[column]
    if isinstance(conditional, Tied):  # the joint has the ties; the result is any distribution
        conditional = conditional.base
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
    stacked = torch.where(possible, stacked, 0)  # impossible given cells give equal logits
    return Distribution.of(conditional, conditional.params_of(stacked))
