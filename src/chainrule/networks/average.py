"""What averages of several networks share: which may be members, their weights, and how they are trained."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError
from chainrule.networks.base import AbstractNetwork, check_pool
from chainrule.networks.walk import Walk
from chainrule.rng import generator_from

FIT_STEPS = 200  # of expectation and maximisation, at most
WEIGHT_TOLERANCE = 1e-9  # of the logarithm of the sum of the weights
FIT_GAIN = 1e-9  # nats under which a further step is not worth taking


class AbstractAverage(AbstractNetwork):
    """A network made of others, each with a weight."""

    members: nn.ModuleList
    log_weight: torch.Tensor  # (M,) float64

    @property
    def networks(self) -> list[AbstractNetwork]:
        """The members, as networks."""
        return list(self.members)  # pyright: ignore[reportReturnType]  # ``take`` looked at their types

    @property
    def any_evidence(self) -> bool:
        """Whether every member takes any evidence."""
        return all(network.any_evidence for network in self.networks)

    @property
    def loss_is_estimate(self) -> bool:
        """Whether the loss of a member is."""
        return any(network.loss_is_estimate for network in self.networks)

    def take(
        self,
        members: Sequence[AbstractNetwork],
        weights: Sequence[float] | torch.Tensor | None,
        kinds: tuple[type[AbstractNetwork], ...],
        whole: str,
    ) -> None:
        """Takes the members, with their weights or equal ones.

        Raises:
            ShapeError: no members, one of another kind, over other columns or of another dtype; weights that are none.
        """
        if not members:
            raise ShapeError(f"members is empty; {whole} needs at least one network")
        for number, member in enumerate(members):
            if not isinstance(member, kinds):
                which = "networks such as chainrule.NADE" if AbstractNetwork in kinds else "a NADE or a MADE"
                raise ShapeError(f"members[{number}] is a {type(member).__name__}; pass {which}")
            if member.columns != members[0].columns:
                raise ShapeError(f"members[{number}] has other columns than members[0]; {whole} is over one table")
            if member._like().dtype != members[0]._like().dtype:
                raise ShapeError(
                    f"members[{number}] has another dtype than members[0]; convert one with .float() or .double()"
                )
        self.columns = members[0].columns
        self.members = nn.ModuleList(members)
        self.register_buffer("log_weight", check_weights(weights, len(members)))

    def check(self) -> None:
        """Raises ShapeError unless the weights sum to one and each member is a density."""
        if abs(float(self.log_weight.double().logsumexp(0))) > WEIGHT_TOLERANCE:
            raise ShapeError("the members' weights do not sum to 1; the model is no density")
        for network in self.networks:
            network.check()

    def initialize_from(self, x: torch.Tensor) -> None:
        """Starts every member at the independent columns that fit codes x (N, D)."""
        for network in self.networks:
            network.initialize_from(x)

    def training_loss(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """−log_prob, (N,) nats; in training mode the weighted mean of the members' own losses, a bound from above on it, so that
        each learns by itself and what it learns by heart is its own. With orderless members it is that mean always."""
        if not self.training and not self.loss_is_estimate:
            return -self.log_prob(x, observed)
        x, generator = self.check_rows(x, observed), generator_from(generator)
        losses = [network.training_loss(x, observed, generator) for network in self.networks]
        return (torch.stack(losses, dim=1) * self.log_weight.exp().to(losses[0].dtype)).sum(1)

    def takes(self, known: torch.Tensor) -> torch.Tensor:
        """Whether every member takes each row's known cells exactly, bool (N,)."""
        return torch.stack([network.takes(known) for network in self.networks]).all(0)

    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """The members' representations side by side, (N, sum of their widths)."""
        check_pool(pool)
        x = self.check_rows(x)
        return torch.cat([network.features(x, pool) for network in self.networks], dim=1)

    def trained_apart(self) -> Sequence[tuple[nn.Module, float]]:
        """The members, or theirs, each with its weight in the whole; the whole where members share parameters."""
        parts = [network.trained_apart() for network in self.networks]
        weights = self.log_weight.exp().tolist()
        apart = [(part, weight * share) for weight, own in zip(weights, parts, strict=True) for part, share in own]
        owned = [id(parameter) for part, _ in apart for parameter in part.parameters()]
        return apart if len(set(owned)) == len(owned) else [(self, 1.0)]

    def extra_repr(self) -> str:
        """What stands in the parentheses of ``repr``."""
        return f"{len(self.members)} members, weights={[round(w, 4) for w in self.log_weight.exp().tolist()]}"

    def _like(self) -> torch.Tensor:
        return next(self.members.parameters())


class AverageWalk:
    """The members' walks side by side: every step's distribution is the mean of theirs, of probabilities.

    Args:
        log_weight: of the members, (n, M).
        walks: one for each member.
    """

    def __init__(self, log_weight: torch.Tensor, walks: Sequence[Walk]) -> None:
        self.log_weight, self.walks = log_weight, walks

    def distribution(self, column: int) -> Distribution:
        """p(x_column | cells known so far), the members' mixture."""
        return Distribution.mixture(self.log_weight, [walk.distribution(column) for walk in self.walks])

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Every member takes the column's values."""
        for walk in self.walks:
            walk.learn(column, values, rows)


def check_weights(weights: Sequence[float] | torch.Tensor | None, members: int) -> torch.Tensor:
    """Logarithms (M,) of weights that sum to one, float64."""
    if weights is None:
        logarithm = torch.tensor(float(members), dtype=torch.float64, device="cpu").log().item()
        return torch.full((members,), -logarithm, dtype=torch.float64)
    given = torch.as_tensor(weights, dtype=torch.float64)
    if given.shape != (members,) or not bool((given > 0).all()) or not bool(given.isfinite().all()):
        raise ShapeError(f"weights = {given.tolist()}: pass one number above zero for each of the {members} members")
    return (given / given.sum()).log()


def fitted_weights(log_weight: torch.Tensor, logs: torch.Tensor) -> torch.Tensor:
    """Logarithms (M,) of the weights with which the mixture of log-likelihoods (N, M) is likeliest, by expectation
    maximisation from weights (M,). What is impossible for all members says nothing about them."""
    logs, last = logs[(logs > -torch.inf).any(1)], -torch.inf
    for _ in range(FIT_STEPS if len(logs) else 0):
        joint = log_weight + logs
        total = float(joint.logsumexp(1).mean())
        if total - last < FIT_GAIN:
            break
        last = total
        log_weight = joint.log_softmax(1).logsumexp(0) - torch.tensor(float(len(logs)), dtype=torch.float64).log()
    return log_weight
