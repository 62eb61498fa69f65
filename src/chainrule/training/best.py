"""The best weights: when they are kept, and when training returns to them."""

from __future__ import annotations

import math
import warnings

from chainrule.ranks import ALONE, AbstractRanks
from chainrule.training.batches import Rows
from chainrule.training.state import State, copy_of_weights
from chainrule.training.validation import losses_of_rows

# Standard errors by which earlier weights must beat the last ones. The earlier ones are the best of
# many epochs, so part of their lead is luck.
SURE = 2.0


def keep_best(state: State, nats: float) -> None:
    """Counts the epoch, and copies the weights if they are the best; rolls back if not finite."""
    if nats < state.best_nats:
        state.best_nats, state.since_best, state.best = nats, 0, copy_of_weights(state.network)
    else:
        state.since_best += 1
    if not math.isfinite(nats):
        roll_back(state)
    state.epoch += 1


def keep_last(state: State, rows: Rows, ranks: AbstractRanks = ALONE) -> None:
    """Makes the last weights the best ones.

    They are not if the best ones lead by more than SURE standard errors of the difference.
    """
    last = losses_of_rows(state.network, rows, ranks=ranks)
    weights = copy_of_weights(state.network)
    state.network.load_state_dict(state.best)
    worse = last - losses_of_rows(state.network, rows, ranks=ranks)
    error = float(worse.std() / len(worse) ** 0.5) if len(worse) > 1 else 0.0
    if rows.total(worse) / rows.count <= SURE * error:  # false for NaN
        state.best, state.best_nats = weights, rows.total(last) / rows.count


def roll_back(state: State) -> None:
    """Restores the best weights, clears the optimizer's moments and halves the learning rate."""
    warnings.warn(
        f"epoch {state.epoch + 1}: back to the best weights, at half the learning rate",
        stacklevel=2,
    )
    state.network.load_state_dict(state.best)
    state.optimizer.state.clear()
    state.rate_scale, state.bad_in_a_row = state.rate_scale / 2, 0
