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
from chainrule.networks.share import WHOLE, Share
from chainrule.progress import progress_bar
from chainrule.ranks import ALONE, AbstractRanks
from chainrule.training.batches import Rows, count_batches, shuffled_batches
from chainrule.training.best import keep_best, keep_last, roll_back
from chainrule.training.division import Division, Snapshot, is_finite
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
    return torch.stack(losses(state, rows)).sum(0)


def losses(state: State, rows: Rows, share: Share = WHOLE) -> list[torch.Tensor]:
    """A share of the network's training loss of the rows: (n,) nats for each part."""
    repeats = None
    if rows.frequency is not None and rows.causes is not None and rows.due is not None:
        repeats = rows.frequency, rows.causes, rows.due
    network = state.network
    return network.losses(rows.x, rows.observed, state.generator, repeats=repeats, share=share)


def train(
    state: State,
    train_rows: Rows,
    valid_rows: Rows,
    plan: Plan,
    *,
    after_epoch: Callable[[State], None] | None = None,
    loss: Loss | None = None,
    independent: float | None = None,
    time_limit_s: float | None = None,
    prefer_last: bool = False,
    ranks: AbstractRanks = ALONE,
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
        loss: the training loss of a batch, in one process; by default, and always for validation,
            the network's.
        independent: −log p per validation row of independent columns, for the progress line. A new
            run takes the untrained network's by default.
        time_limit_s: seconds after which training ends; the learning rate then falls with the time.
        prefer_last: take the last weights if the learning rate has fallen to zero and the best
            weights lead by at most two standard errors. With few validation rows, or random masks
            for them, the best epoch is a matter of luck.
        ranks: the processes that train together; all of them make this call.
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
    division = Division.of(state.network, ranks)
    division.exchange(state)
    if state.epoch == 0:  # the first weights are the best so far: independent columns
        state.best_nats = validate(state.network, valid_rows, ranks)
        independent = state.best_nats if independent is None else independent
    left_s, total, done = schedule.seconds_left(state), plan.epochs * steps, state.epoch * steps
    with progress_bar(what, total, done=done, limit_s=left_s, progress=progress) as advance:
        while ranks.told(schedule.goes_on(state)):
            began = time.perf_counter()
            train_nats = _epoch(state, train_rows, schedule, loss, advance, division)
            division.exchange(state, moments=after_epoch is not None)
            found = validate(state.network, valid_rows, ranks)
            keep_best(state, found)
            nats = reported_nats(state.network, valid_rows, found, ranks)
            state.history.append(_record(state, train_nats, nats))
            state.seconds += time.perf_counter() - began
            advance(0, _note(state, nats, independent))
            if after_epoch is not None:
                after_epoch(state)
    if prefer_last and ranks.told(schedule.is_at_rest(state)):
        keep_last(state, valid_rows, ranks)
    state.network.load_state_dict(state.best)
    return state


def _epoch(
    state: State,
    rows: Rows,
    schedule: Schedule,
    loss: Loss | None,
    advance: Callable[[float], None],
    division: Division,
) -> float:
    """Trains on each row once, or until time is up; returns the mean training loss.

    Ranks with parts of their own do not wait for each other. If one of them meets a step that must
    be skipped, all of them repeat the epoch and agree on each step.
    """
    if division.is_certain:
        found = _steps(state, rows, schedule, loss, advance, division)
    else:
        before = Snapshot(state)
        found = _steps(state, rows, schedule, loss, advance, division)
        if any(division.ranks.gathered(found is None)):
            before.restore(state)
            found = _steps(state, rows, schedule, loss, lambda _: None, division.certain())
    totals, of_scale, counted = found or ([], 0.0, 0)
    total = sum(division.all_totals(totals)) + of_scale
    return total / counted if counted else math.nan


def _steps(
    state: State,
    rows: Rows,
    schedule: Schedule,
    loss: Loss | None,
    advance: Callable[[float], None],
    division: Division,
) -> tuple[list[float], float, int] | None:
    """The steps of an epoch; returns the total loss of each part, what units add, and the rows.

    Returns None where a step must be skipped and the other ranks do not know.
    """
    totals: list[float] = []
    of_scale, counted = 0.0, 0
    for number, batch in enumerate(
        shuffled_batches(rows, schedule.plan.batch_size, state.generator)
    ):
        time_used = schedule.time_used()
        if schedule.time_limit_s is not None:
            time_used = division.time_used(time_used)
        if time_used >= 1:
            break
        schedule.set_rate(state, number, time_used)
        values = _step(state, batch, schedule.plan, loss, division)
        if values is not None:
            counted, of_scale = counted + len(batch), of_scale + batch.scale_total
            totals = totals or [0.0] * len(values)
            totals = [
                total + value * len(batch) for total, value in zip(totals, values, strict=True)
            ]
        elif not division.is_certain:
            return None
        advance(1)
    return totals, of_scale, counted


def _step(
    state: State, batch: Rows, plan: Plan, loss: Loss | None, division: Division
) -> list[float] | None:
    """Makes one step; returns the mean loss of each part, without what units add.

    Returns None if loss or gradient were not finite.
    """
    share = division.share
    found = losses(state, batch, share) if loss is None else [loss(state, batch)]
    means = [batch.mean(each, share) for each in found]
    for group in state.optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None  # as zero_grad does, without the cost of its profiler
    if means:
        torch.stack(means).sum().backward()
    values = division.added(state.network, torch.stack(means).tolist() if means else [])
    norm = clip_gradients(state.network, plan.clip_norm)
    is_good = is_finite(values) and math.isfinite(norm)
    if division.agrees(is_good):
        state.optimizer.step()
        state.bad_in_a_row = 0
        return values
    if not division.is_certain:
        return None
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
    for part in network.parameters_apart():
        # Dot products would be quicker, but their last bits depend on the number of threads.
        gradients = part.gradients
        norms = [torch.linalg.vector_norm(gradient) for gradient in gradients]
        norm = torch.linalg.vector_norm(torch.stack(norms)) if norms else torch.zeros(())
        lengths.append(length := float(norm) / part.share)
        if 0 < clip_norm < length:
            factor = clip_norm * part.share / (norm + 1e-6)
            for gradient in gradients:
                gradient.mul_(factor)
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
