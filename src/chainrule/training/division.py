"""How ranks divide the training of a network: by its parts, or by the rows of each batch.

Parts that are trained apart, such as the members of a committee, need nothing of each other during
an epoch. Each rank trains some of them, and all ranks exchange them after the epoch. A network of
one part is trained by all ranks: each takes some rows of every batch, and they add up the
gradients. One process divides nothing, by the same code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from chainrule.networks import AbstractTrainable
from chainrule.networks.share import Apart, Share
from chainrule.ranks import AbstractRanks
from chainrule.training.state import State


@dataclass(frozen=True)
class Division:
    """The share of this rank.

    Attributes:
        ranks: the ranks.
        apart: the parts of the network.
        share: the parts and rows of this rank.
        by_rows: whether all ranks train the same part, by rows.
        is_certain: whether ranks agree on every step. Ranks with parts of their own need to if one
            of them meets a step that must be skipped, which is rare.
    """

    ranks: AbstractRanks
    apart: Sequence[Apart]
    share: Share
    by_rows: bool
    is_certain: bool

    @classmethod
    def of(cls, network: AbstractTrainable, ranks: AbstractRanks) -> Division:
        """The division of a network."""
        apart = network.parameters_apart()
        by_rows = len(apart) == 1
        if ranks.size == 1:
            return cls(ranks, apart, Share(), by_rows, True)
        if by_rows:
            return cls(ranks, apart, Share(None, ranks.rank, ranks.size), True, True)
        parts = Share(number=ranks.rank, of=ranks.size).rows(len(apart))
        return cls(ranks, apart, Share(range(parts.start, parts.stop)), False, False)

    def certain(self) -> Division:
        """The same division, where ranks agree on every step."""
        return Division(self.ranks, self.apart, self.share, self.by_rows, True)

    def added(self, network: AbstractTrainable, values: list[float]) -> list[float]:
        """Adds up gradients and losses (parts,) of all ranks, if each has some rows.

        One flat tensor holds them all.
        """
        if not self.by_rows or self.ranks.size == 1:
            return values
        trained = [each for each in network.parameters() if each.requires_grad]
        like = trained[0]
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
        losses = like.new_tensor(values if values else [0.0])
        flat = torch.cat([grad.reshape(-1) for grad in grads] + [losses])
        self.ranks.add(flat)
        sizes = [parameter.numel() for parameter in trained]
        *grads, losses = flat.split([*sizes, len(losses)])
        for parameter, grad in zip(trained, grads, strict=True):
            parameter.grad = grad.view_as(parameter)
        return losses.tolist()

    def agrees(self, is_good: bool) -> bool:
        """Whether a step is good for all ranks, as far as it is known."""
        if self.by_rows or self.ranks.size == 1 or not self.is_certain:
            return is_good
        bad = torch.tensor([0.0 if is_good else 1.0])
        self.ranks.add(bad)
        return float(bad) == 0.0

    def time_used(self, share: float) -> float:
        """The share of the time limit that has passed at rank 0."""
        if self.ranks.size == 1:
            return share
        told = torch.tensor([share], dtype=torch.float64)
        self.ranks.spread(told)
        return float(told)

    def all_totals(self, totals: list[float]) -> list[float]:
        """The totals of all parts, from those of this rank's parts."""
        if self.by_rows:
            return totals
        return [total for of_rank in self.ranks.gathered(totals) for total in of_rank]

    def exchange(self, state: State, *, moments: bool = False) -> None:
        """Gives all ranks the weights of each part, and on request the optimizer's moments.

        The weights of a network of one part are those of rank 0.
        """
        if self.ranks.size == 1:
            return
        for source in range(1 if self.by_rows else self.ranks.size):
            own = Share(number=source, of=self.ranks.size).rows(len(self.apart))
            parts = self.apart if self.by_rows else self.apart[own]
            tensors = [weight for part in parts for weight in part.weights]
            if moments:
                tensors += [each for part in parts for each in moments_of(state, part)]
            if not tensors:
                continue
            flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
            self.ranks.spread(flat, source)
            if source != self.ranks.rank:
                pieces = flat.split([tensor.numel() for tensor in tensors])
                for tensor, piece in zip(tensors, pieces, strict=True):
                    tensor.copy_(piece.view_as(tensor))


def moments_of(state: State, part: Apart) -> list[torch.Tensor]:
    """Views of what AdamW keeps of a part; zeros are made where it keeps nothing yet."""
    found = []
    for parameter, index in part.parameters:
        kept = state.optimizer.state[parameter]
        if not kept:
            kept["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            kept["exp_avg"] = torch.zeros_like(parameter)
            kept["exp_avg_sq"] = torch.zeros_like(parameter)
        found += [kept["step"].view(1), kept["exp_avg"][index], kept["exp_avg_sq"][index]]
    return found


class Snapshot:
    """The state before an epoch, so that the epoch can be repeated."""

    def __init__(self, state: State) -> None:
        self._weights = {k: v.detach().clone() for k, v in state.network.state_dict().items()}
        self._moments = {
            parameter: {slot: value.clone() for slot, value in kept.items()}
            for parameter, kept in state.optimizer.state.items()
        }
        self._generator = state.generator.get_state()
        self._bad_in_a_row = state.bad_in_a_row

    def restore(self, state: State) -> None:
        """Sets weights, moments, generator and the count of bad steps to what they were."""
        state.network.load_state_dict(self._weights)
        state.optimizer.state.clear()
        state.optimizer.state.update(self._moments)
        state.generator.set_state(self._generator)
        state.bad_in_a_row = self._bad_in_a_row


def is_finite(values: Sequence[float]) -> bool:
    """Whether all values are finite numbers."""
    return all(map(math.isfinite, values))
