"""The base of ensembles and committees: members, their weights and their training."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import torch
from torch import nn
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError
from chainrule.networks.base import AbstractNetwork, check_pool
from chainrule.networks.share import WHOLE, Share
from chainrule.networks.trainable import Repeats
from chainrule.networks.walk import Walk
from chainrule.rng import generator_from

FIT_STEPS = 200  # at most so many steps of expectation maximisation
SEEDS = 2**63 - 1  # of the members' generators in a step
WEIGHT_TOLERANCE = 1e-9  # largest deviation of the weights' log-sum from 0
FIT_GAIN = 1e-9  # nats; expectation maximisation stops at a smaller gain


class AbstractAverage(AbstractNetwork):
    """A weighted average of networks."""

    members: nn.ModuleList
    log_weight: torch.Tensor  # (M,) float64

    @property
    @override
    def draws(self) -> bool:
        return any(network.draws for network in self.networks)

    @property
    def networks(self) -> list[AbstractNetwork]:
        """The members, as networks."""
        return list(self.members)  # pyright: ignore[reportReturnType]  # ``set_members`` checked their types

    @property
    @override
    def any_evidence(self) -> bool:
        """Whether every member takes any evidence."""
        return all(network.any_evidence for network in self.networks)

    @property
    @override
    def loss_is_estimate(self) -> bool:
        """Whether any member's loss is an estimate."""
        return any(network.loss_is_estimate for network in self.networks)

    def set_members(
        self,
        members: Sequence[AbstractNetwork],
        weights: Sequence[float] | torch.Tensor | None,
        kinds: tuple[type[AbstractNetwork], ...],
        whole: str,
    ) -> None:
        """Stores the members and their weights; None means equal weights.

        Args:
            members: the networks.
            weights: one number above zero per member.
            kinds: the classes that a member may have.
            whole: the name of the average in messages, such as "an ensemble".

        Raises:
            ShapeError: there are no members; a member has another class, other columns or another
                dtype; or a weight is not a number above zero.
        """
        if not members:
            raise ShapeError(f"members is empty; {whole} needs at least one network")
        for number, member in enumerate(members):
            if not isinstance(member, kinds):
                is_any = AbstractNetwork in kinds
                which = "networks such as chainrule.NADE" if is_any else "a NADE or a MADE"
                raise ShapeError(f"members[{number}] is a {type(member).__name__}; pass {which}")
            if member.columns != members[0].columns:
                raise ShapeError(
                    f"members[{number}] has other columns than members[0]; {whole} is over one "
                    "table"
                )
            if member._like().dtype != members[0]._like().dtype:
                raise ShapeError(
                    f"members[{number}] has another dtype than members[0]; convert one with "
                    ".float() or .double()"
                )
        self.columns = members[0].columns
        self.members = nn.ModuleList(members)
        self.register_buffer("log_weight", check_weights(weights, len(members)))

    @override
    def check(self) -> None:
        """Raises ShapeError unless the weights sum to one and each member is a density."""
        if abs(float(self.log_weight.double().logsumexp(0))) > WEIGHT_TOLERANCE:
            raise ShapeError("the members' weights do not sum to 1; the model is no density")
        for network in self.networks:
            network.check()

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        for network in self.networks:
            network.initialize_from(x)

    @override
    def enlarge_inputs(self, factor: torch.Tensor) -> None:
        for network in self.networks:
            network.enlarge_inputs(factor)

    @override
    def step_factors(self) -> Sequence[tuple[torch.Tensor, torch.Tensor]]:
        return [each for network in self.networks for each in network.step_factors()]

    @override
    def training_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """−log_prob, (N,) nats; in training mode the weighted mean of the members' losses.

        The mean is an upper bound on −log_prob. It trains each member alone, so that the members
        overfit differently. Averages with an orderless member use the mean in evaluation mode too.
        """
        if not self.training and not self.loss_is_estimate:
            return -self.log_prob(x, observed)
        return torch.stack(self.losses(x, observed, generator)).sum(0)

    @override
    def losses(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
        *,
        repeats: Repeats | None = None,
        share: Share = WHOLE,
    ) -> list[torch.Tensor]:
        """See the base class. Each member has a generator of its own, which draws its masks."""
        x, first, found = self.check_rows(x, observed), 0, []
        seeds: list[int] = [0] * len(self.members)
        if self.draws:
            source: torch.Generator = generator_from(generator)
            seeds = torch.randint(SEEDS, (len(seeds),), generator=source).tolist()
        for network, weight, seed in zip(self.networks, self.log_weight.exp(), seeds, strict=True):
            count = 0 if share.parts is None else len(network.trained_apart())
            if (part := share.within(first, count)) is not None:
                own: torch.Generator | None = generator_from(seed) if network.draws else None
                losses = network.losses(x, observed, own, repeats=repeats, share=part)
                found += [loss * weight.to(loss.dtype) for loss in losses]
            first += count
        return found

    @override
    def accepts(self, given: torch.Tensor) -> torch.Tensor:
        return torch.stack([network.accepts(given) for network in self.networks]).all(0)

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """The members' representations, concatenated to (N, sum of their widths)."""
        check_pool(pool)
        x = self.check_rows(x)
        return torch.cat([network.features(x, pool) for network in self.networks], dim=1)

    @override
    def trained_apart(self) -> Sequence[tuple[nn.Module, float]]:
        """The members, or their own members, with their weights.

        If members share parameters, it is the average itself with a weight of 1.
        """
        weights = self.log_weight.exp().tolist()
        apart = [
            (module, weight * share)
            for weight, network in zip(weights, self.networks, strict=True)
            for module, share in network.trained_apart()
        ]
        parameters = [id(each) for module, _ in apart for each in module.parameters()]
        are_shared = len(set(parameters)) < len(parameters)
        return [(self, 1.0)] if are_shared else apart

    @override
    def extra_repr(self) -> str:
        weights = [round(weight, 4) for weight in self.log_weight.exp().tolist()]
        return f"{len(self.members)} members, weights={weights}"

    @override
    def _like(self) -> torch.Tensor:
        return next(self.members.parameters())


class AverageWalk:
    """The members' walks together; each step's distribution is the members' mixture.

    Args:
        log_weight: the members' log-weights, (n, M).
        walks: one walk per member.
    """

    def __init__(self, log_weight: torch.Tensor, walks: Sequence[Walk]) -> None:
        self.log_weight, self.walks = log_weight, walks

    def distribution(self, column: int) -> Distribution:
        """p(x_column | given and learned cells), as the members' mixture."""
        return Distribution.mixture(
            self.log_weight, [walk.distribution(column) for walk in self.walks]
        )

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Passes the column's values to every member."""
        for walk in self.walks:
            walk.learn(column, values, rows)

    def take(self, rows: torch.Tensor) -> AverageWalk:
        """See ``Walk``."""
        found = copy(self)
        found.log_weight = self.log_weight[rows.to(self.log_weight.device)]
        found.walks = [walk.take(rows) for walk in self.walks]
        return found


def check_weights(weights: Sequence[float] | torch.Tensor | None, members: int) -> torch.Tensor:
    """Log-weights (M,), float64, of weights scaled to sum to one; None means equal weights."""
    if weights is None:
        logarithm = torch.tensor(float(members), dtype=torch.float64, device="cpu").log().item()
        return torch.full((members,), -logarithm, dtype=torch.float64)
    numbers = torch.as_tensor(weights, dtype=torch.float64)
    # Tensors on the meta device have a shape and no values.
    is_valid = numbers.is_meta or bool(((numbers > 0) & numbers.isfinite()).all())
    if numbers.shape != (members,) or not is_valid:
        raise ShapeError(
            f"weights = {numbers.tolist()}: pass one number above zero for each of the {members} "
            "members"
        )
    return (numbers / numbers.sum()).log()


def fitted_weights(
    log_weight: torch.Tensor, logs: torch.Tensor, rows: torch.Tensor | None = None
) -> torch.Tensor:
    """Log-weights (M,) that maximise the likelihood of a mixture, by expectation maximisation.

    Rows that are impossible under all members are left out.

    Args:
        log_weight: the initial log-weights (M,).
        logs: log-likelihoods (N, M) of the rows under each member.
        rows: how much each row counts, (N,); by default equally.
    """
    possible, last = (logs > -torch.inf).any(1), -torch.inf
    logs = logs[possible]
    share = torch.ones(len(logs), dtype=torch.float64) if rows is None else rows[possible].double()
    share = (share / share.sum()).to(logs.device)
    for _ in range(FIT_STEPS if len(logs) else 0):
        joint = log_weight + logs
        total = float((share * joint.logsumexp(1)).sum())
        if total - last < FIT_GAIN:
            break
        last = total
        log_weight = (joint.log_softmax(1) + share.log()[:, None]).logsumexp(0)
    return log_weight
