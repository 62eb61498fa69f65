"""The training loop: AdamW on mini-batches, validation after each epoch, the best weights kept.

``State`` holds everything that changes. A run that is killed and resumed from its checkpoint
computes, on CPU, the same bits as an uninterrupted one.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable

import torch

from chainrule.networks import AbstractTrainable
from chainrule.progress import progress_bar
from chainrule.training.batches import Rows, count_batches, shuffled_batches
from chainrule.training.best import keep_best, keep_last, roll_back
from chainrule.training.plan import Plan
from chainrule.training.schedule import Schedule
from chainrule.training.state import State
from chainrule.training.validation import reported_nats, validate

# After so many non-finite steps in a row, the best weights return and the learning rate is halved.
BAD_STEPS = 10

# The training loss of a batch, (n,) nats, for the state's network and generator.
Loss = Callable[[State, Rows], torch.Tensor]


def training_loss(state: State, rows: Rows) -> torch.Tensor:
    """The network's ``training_loss`` of the rows, (n,) nats."""
    if rows.frequency is not None and rows.causes is not None and rows.due is not None:
        repeats = rows.frequency, rows.causes, rows.due
        return state.network.repeated_loss(rows.x, rows.observed, *repeats, state.generator)
    return state.network.training_loss(rows.x, rows.observed, generator=state.generator)


def train(
    state: State,
    train_rows: Rows,
    valid_rows: Rows,
    plan: Plan,
    *,
    after_epoch: Callable[[State], None] | None = None,
    loss: Loss = training_loss,
    independent: float | None = None,
    time_limit_s: float | None = None,
    prefer_last: bool = False,
    what: str = "training",
    progress: bool = True,
) -> State:
    """Trains until all epochs are done or validation stalls, then restores the best weights.

    Args:
        state: the state before training, from ``make_state``, or that of an interrupted run. It is
            changed in place and returned.
        train_rows: codes (N, D).
        valid_rows: codes (M, D), read after every epoch.
        plan: learning rate, batches, patience and the rest.
        after_epoch: called with the state after each epoch, to save it.
        loss: the training loss of a batch; validation always uses the network's.
        independent: −log p per validation row of independent columns, for the progress line. A new
            run takes the untrained network's by default.
        time_limit_s: seconds after which training ends; the learning rate then falls with the time.
        prefer_last: take the last weights if the learning rate has fallen to zero and the best
            weights lead by at most two standard errors. With few validation rows, or random masks
            for them, the best epoch is a matter of luck.
        what: the word before the progress bar.
        progress: a progress bar on stderr if it is a terminal.

    Examples:
        >>> from chainrule.networks import NADE
        >>> from chainrule.rng import generator_from
        >>> from chainrule.training.state import make_state
        >>> rows, generator, plan = Rows(torch.ones(20, 3)), generator_from(0), Plan(epochs=2)
        >>> state = make_state(NADE(3, hidden_size=4, generator=generator), plan, generator)
        >>> train(state, rows, rows, plan, progress=False).epoch
        2
    """
    train_rows, valid_rows = train_rows.to(state.device), valid_rows.to(state.device)
    steps = count_batches(len(train_rows), plan.batch_size)
    schedule = Schedule(plan, steps, time.perf_counter() - state.seconds, time_limit_s)
    if state.epoch == 0:  # the first weights are the best so far: independent columns
        state.best_nats = validate(state.network, valid_rows)
        independent = state.best_nats if independent is None else independent
    left_s, total, done = schedule.seconds_left(state), plan.epochs * steps, state.epoch * steps
    with progress_bar(what, total, done=done, limit_s=left_s, progress=progress) as advance:
        while schedule.goes_on(state):
            began = time.perf_counter()
            train_nats = _epoch(state, train_rows, schedule, loss, advance)
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


def _epoch(
    state: State,
    rows: Rows,
    schedule: Schedule,
    loss: Loss,
    advance: Callable[[float], None],
) -> float:
    """Trains on each row once, or until time is up; returns the mean training loss."""
    total, counted = 0.0, 0
    for number, batch in enumerate(
        shuffled_batches(rows, schedule.plan.batch_size, state.generator)
    ):
        if (time_used := schedule.time_used()) >= 1:
            break
        schedule.set_rate(state, number, time_used)
        value = _step(state, batch, schedule.plan, loss)
        if value is not None:
            total, counted = total + value * len(batch), counted + len(batch)
        advance(1)
    return total / counted if counted else math.nan


def _step(state: State, batch: Rows, plan: Plan, loss: Loss) -> float | None:
    """Makes one step; returns its training loss, or None if loss or gradient were not finite."""
    mean = batch.mean(batch.in_table_units(loss(state, batch)))
    for group in state.optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None  # as zero_grad does, without the cost of its profiler
    mean.backward()
    norm = clip_gradients(state.network, plan.clip_norm)
    if math.isfinite(value := float(mean.detach())) and math.isfinite(norm):
        state.optimizer.step()
        state.bad_in_a_row = 0
        return value
    state.skipped, state.bad_in_a_row = state.skipped + 1, state.bad_in_a_row + 1
    warnings.warn(
        f"epoch {state.epoch + 1}: a step with a non-finite loss or gradient was skipped",
        stacklevel=2,
    )
    if state.bad_in_a_row == BAD_STEPS:
        roll_back(state)
    return None


def clip_gradients(network: AbstractTrainable, clip_norm: float) -> float:
    """Scales the gradients down to ``clip_norm`` if their norm is larger, and returns that norm.

    Each member of a committee is clipped on its own, to its share, as if it were trained alone.
    Then the largest norm is returned.
    """
    lengths = []
    for module, share in network.trained_apart():
        parameters = [p for p in module.parameters() if p.grad is not None]
        # Dot products would be quicker, but their last bits depend on the number of threads.
        norms = [torch.linalg.vector_norm(p.grad) for p in parameters if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack(norms)) if norms else torch.zeros(())
        lengths.append(length := float(norm) / share)
        if 0 < clip_norm < length:
            torch.nn.utils.clip_grads_with_norm_(parameters, clip_norm * share, norm)
    return max(lengths) if all(map(math.isfinite, lengths)) else math.nan


def _record(state: State, train_nats: float, valid_nats: float) -> dict[str, float | int | None]:
    """An epoch as JSON."""
    return {
        "epoch": state.epoch,
        "train_nats": _finite(train_nats),
        "valid_nats": _finite(valid_nats),
        "rate": state.optimizer.param_groups[0]["lr"],
        "skipped": state.skipped,
    }


def _note(state: State, nats: float, independent: float | None) -> str:
    """The progress line after an epoch; an estimate is marked, and has no best epoch."""
    estimated = state.network.loss_is_estimate
    mark, reached = ("≈ ", nats) if estimated else ("", state.best_nats)
    clauses = [f"{mark}{nats:.2f} nats"]
    if not estimated:
        clauses.append(f"best {reached:.2f}")
    if independent is not None:
        clauses.append(f"{mark}{independent - reached:.2f} better than independent columns")
    return ", ".join(clauses)


def _finite(value: float) -> float | None:
    """The value for JSON, None if it is not finite."""
    return value if math.isfinite(value) else None
