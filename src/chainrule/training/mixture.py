"""A mixture that grows: a candidate becomes a member if it gains enough on validation rows."""

from __future__ import annotations

from typing import Any

import torch

from chainrule.errors import EvidenceError
from chainrule.networks import AbstractNetwork, Ensemble
from chainrule.networks.average import fitted_weights
from chainrule.training.batches import Rows, batches
from chainrule.training.search import Trial

ERRORS = 2.0  # a candidate must gain so many standard errors
SCORED_ROWS = 1000  # in a batch


class Mixture:
    """Networks over the same columns, with the weights of largest likelihood on validation rows.

    Args:
        network: the first member, on the CPU and in evaluation mode.
        valid_rows: complete rows.

    Attributes:
        trials: the candidates so far as JSON, and −log p per validation row of the mixture with
            each. The first is the first member alone.

    Examples:
        >>> from chainrule.networks import NADE
        >>> from chainrule.rng import generator_from
        >>> rows = Rows(torch.tensor([[0.0, 0.0], [1.0, 1.0]]).repeat(20, 1))
        >>> alone, repeats = (NADE(2, 1, generator=generator_from(0)).eval() for _ in range(2))
        >>> with torch.no_grad():
        ...     _ = repeats.input_weight.fill_(20.0), repeats.output_weight.fill_(9.0)
        ...     _ = repeats.hidden_bias.fill_(-9.0), repeats.output_bias.fill_(-4.0)
        ...     _ = repeats.first_hidden.fill_(4 / 9)
        >>> mixture = Mixture(alone, rows)
        >>> mixture.joined_by(repeats, size=1), mixture.joined_by(alone, size=1)
        (True, False)
        >>> mixture.network.log_weight.exp().round(decimals=2).tolist()
        [0.0, 1.0]
    """

    def __init__(self, network: AbstractNetwork, valid_rows: Rows) -> None:
        self._rows, self._members = valid_rows, [network]
        self._best = log_prob_of(network, valid_rows)  # (N,)
        self._logs = self._best[:, None]  # (N, M)
        self._log_weight = torch.zeros(1, dtype=torch.float64)
        self.trials: list[Trial] = [self._trial(self._best, is_kept=True)]

    def joined_by(self, candidate: AbstractNetwork, **changed: Any) -> bool:
        """Adds a network if it gains enough on the validation rows; returns whether it does.

        Args:
            candidate: the network, in evaluation mode.
            changed: what the trial says of it.
        """
        logs = torch.cat([self._logs, log_prob_of(candidate, self._rows)[:, None]], dim=1)
        start = torch.zeros(logs.shape[1], dtype=torch.float64).log_softmax(0)
        log_weight = fitted_weights(start, logs, self._rows.weight)
        mixed = (logs + log_weight).logsumexp(1)
        is_kept = is_certain(mixed - self._best, self._rows)
        self.trials.append(self._trial(mixed, is_kept=is_kept, **changed))
        if is_kept:
            self._members = [*self._members, candidate]
            self._logs, self._log_weight, self._best = logs, log_weight, mixed
        return is_kept

    @property
    def network(self) -> AbstractNetwork:
        """The ensemble of the members, or the only member."""
        if len(self._members) == 1:
            return self._members[0]
        return Ensemble(self._members, self._log_weight.exp()).eval()

    @property
    def order(self) -> torch.Tensor | None:
        """The order of all members; None if they have several."""
        try:
            return self.network.order
        except EvidenceError:
            return None

    def _trial(self, logs: torch.Tensor, *, is_kept: bool, **changed: Any) -> Trial:
        nats = -self._rows.total(logs) / self._rows.count
        return {"changed": {"mixed_with": changed}, "valid_nats": nats, "kept": is_kept}


def is_certain(gain: torch.Tensor, rows: Rows) -> bool:
    """Whether the mean of a gain (N,) is so many standard errors above zero.

    >>> rows = Rows(torch.zeros(4, 1))
    >>> is_certain(torch.tensor([0.1, 0.2, 0.3, 0.2]), rows)
    True
    >>> is_certain(torch.tensor([0.1, -0.2, 0.3, 0.2]), rows)
    False
    """
    share = torch.ones(len(rows)) if rows.weight is None else rows.weight
    share = share.double() / rows.count
    mean = (share * gain).sum()
    return bool(mean > ERRORS * (share * (gain - mean)).norm())


@torch.no_grad()
def log_prob_of(network: AbstractNetwork, rows: Rows) -> torch.Tensor:
    """log p of each row, (N,) float64 nats, in codes."""
    found = [network.log_prob(batch.x).double() for batch in batches(rows, SCORED_ROWS)]
    return torch.cat(found)
