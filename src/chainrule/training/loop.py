"""The training loop: AdamW on mini-batches, validation each epoch, the best weights kept.

All that changes is in ``State``. A run that is killed and resumed from its checkpoint computes, on CPU, the same bits as
one that was not.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable

import torch

from chainrule.networks import AbstractTrainable
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.training.batches import Rows, count_batches, shuffled_batches
from chainrule.training.best import keep_best, keep_last, roll_back
from chainrule.training.plan import Plan
from chainrule.training.schedule import Schedule
from chainrule.training.state import State, make_state
from chainrule.training.validation import reported_nats, validate

BAD_STEPS = 10  # non-finite steps in a row after which the best weights are restored and the learning rate halved


def trained(
    network: AbstractTrainable,
    train_rows: Rows,
    valid_rows: Rows,
    plan: Plan,
    *,
    generator: torch.Generator | None = None,
    begin: Callable[[State], None] | None = None,
    after_epoch: Callable[[State], None] | None = None,
    independent: float | None = None,
    time_limit_s: float | None = None,
    device: str = "cpu",
    prefer_last: bool = False,
    what: str = "training",
    show_progress: bool = True,
) -> State:
    """Trains a network on rows of codes; the state when training ends, with the best weights in ``state.network``.

    Args:
        network: with its first weights; trained in place.
        generator: draws the batches, and what the training loss draws.
        begin: called with the state before the first step, to set it to an earlier one.

    The other arguments are those of ``train``.

    Examples:
        >>> from chainrule.networks import NADE
        >>> rows, generator = Rows(torch.ones(20, 3)), generator_from(0)
        >>> network = NADE(3, hidden_size=4, generator=generator)
        >>> trained(network, rows, rows, Plan(epochs=2), generator=generator, show_progress=False).epoch
        2
    """
    state = make_state(network.to(device), plan, generator_from(generator))
    if begin is not None:
        begin(state)
    return train(
        state,
        train_rows,
        valid_rows,
        plan,
        after_epoch=after_epoch,
        independent=independent,
        time_limit_s=time_limit_s,
        device=device,
        prefer_last=prefer_last,
        what=what,
        show_progress=show_progress,
    )


def train(
    state: State,
    train_rows: Rows,
    valid_rows: Rows,
    plan: Plan,
    *,
    after_epoch: Callable[[State], None] | None = None,
    independent: float | None = None,
    time_limit_s: float | None = None,
    device: str = "cpu",
    prefer_last: bool = False,
    what: str = "training",
    show_progress: bool = True,
) -> State:
    """Trains until the epochs are done or validation stops improving; leaves the best weights in the network.

    Args:
        state: where to begin; changed in place and returned.
        train_rows: codes (N, D).
        valid_rows: codes (M, D), read after every epoch.
        plan: learning rate, batches, patience and the rest.
        after_epoch: called with the state after each epoch, to save it.
        independent: −log p per validation row of independent columns, for the progress line; on a fresh start by default
            that of the untrained network.
        time_limit_s: seconds after which training ends, whatever the epochs; the learning rate then falls with the time.
        device: "cpu" or "cuda".
        prefer_last: where the learning rate has come to rest, the last weights are taken unless the best ones are better by
            more than two standard errors. With few validation rows, or masks drawn for them, the best epoch is one of luck.
        what: the word before the bar.
        show_progress: a bar on stderr where a person watches.
    """
    state.network.to(device)
    train_rows, valid_rows = train_rows.to(device), valid_rows.to(device)
    steps = count_batches(len(train_rows), plan.batch_size)
    schedule = Schedule(plan, steps, time.perf_counter() - state.seconds, time_limit_s)
    if state.epoch == 0:  # the best weights so far are the first ones, at independent columns
        state.best_nats = validate(state.network, valid_rows)
        independent = state.best_nats if independent is None else independent
    left_s, total, done = schedule.seconds_left(state), plan.epochs * steps, state.epoch * steps
    with progress_bar(what, total, done=done, limit_s=left_s, show=show_progress) as advance:
        while schedule.goes_on(state):
            began = time.perf_counter()
            train_nats = _epoch(state, train_rows, schedule, advance)
            found = validate(state.network, valid_rows)
            keep_best(state, found)
            nats = reported_nats(state.network, valid_rows, found)
            state.history.append(_record(state, train_nats, nats))
            state.seconds += time.perf_counter() - began
            advance(0, _note(state, nats, independent))
            if after_epoch is not None:
                after_epoch(state)
    if prefer_last and schedule.is_at_rest(state):
        keep_last(state, valid_rows)
    state.network.load_state_dict(state.best)
    return state


def _epoch(state: State, rows: Rows, schedule: Schedule, advance: Callable[[float], None]) -> float:
    """Trains on each row once, or until time is up; the mean training loss of the steps that were made."""
    total, counted = 0.0, 0
    for number, batch in enumerate(shuffled_batches(rows, schedule.plan.batch_size, state.generator)):
        if (time_used := schedule.time_used()) >= 1:
            break
        schedule.set_rate(state, number, time_used)
        value = _step(state, batch, schedule.plan)
        if value is not None:
            total, counted = total + value * len(batch), counted + len(batch)
        advance(1)
    return total / counted if counted else math.nan


def _step(state: State, batch: Rows, plan: Plan) -> float | None:
    """One step down the training loss, whose mean is returned; None where it or its gradient was not finite."""
    losses = state.network.training_loss(batch.x, batch.observed, generator=state.generator)
    loss = batch.mean(batch.in_table_units(losses))
    for group in state.optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None  # what zero_grad does, without its profiler's bookkeeping
    loss.backward()
    norm = clip_gradients(state.network, plan.clip_norm)
    if math.isfinite(value := float(loss.detach())) and math.isfinite(norm):
        state.optimizer.step()
        state.bad_in_a_row = 0
        return value
    state.skipped, state.bad_in_a_row = state.skipped + 1, state.bad_in_a_row + 1
    warnings.warn(f"epoch {state.epoch + 1}: a step with a non-finite loss or gradient was skipped", stacklevel=2)
    if state.bad_in_a_row == BAD_STEPS:
        roll_back(state)
    return None


def clip_gradients(network: AbstractTrainable, clip_norm: float) -> float:
    """Scales all gradients down to ``clip_norm`` together if they are longer, and returns the norm they had.

    Each member of a committee is clipped by itself, to its share, as if it were trained alone; the longest norm is returned.
    """
    lengths = []
    for part, share in network.trained_apart():
        parameters = [p for p in part.parameters() if p.grad is not None]
        # Not by dot products, which are quicker: their last bits depend on the number of threads.
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        lengths.append(length := float(norm) / share)
        if 0 < clip_norm < length:
            torch.nn.utils.clip_grads_with_norm_(parameters, clip_norm * share, norm)
    return max(lengths) if all(map(math.isfinite, lengths)) else math.nan


def _record(state: State, train_nats: float, valid_nats: float) -> dict[str, float | int | None]:
    """An epoch as JSON has it."""
    return {
        "epoch": state.epoch,
        "train_nats": _finite(train_nats),
        "valid_nats": _finite(valid_nats),
        "rate": state.optimizer.param_groups[0]["lr"],
        "skipped": state.skipped,
    }


def _note(state: State, nats: float, independent: float | None) -> str:
    """The progress line after an epoch. Estimates are marked, and none of them is called the best."""
    estimated = state.network.loss_is_estimate
    mark, reached = ("≈ ", nats) if estimated else ("", state.best_nats)
    clauses = [f"{mark}{nats:.2f} nats"]
    if not estimated:
        clauses.append(f"best {reached:.2f}")
    if independent is not None:
        clauses.append(f"{mark}{independent - reached:.2f} better than independent columns")
    return ", ".join(clauses)


def _finite(value: float) -> float | None:
    """The value, or None where it is not a number, as JSON has it."""
    return value if math.isfinite(value) else None
