"""The training loop, on one page: AdamW on mini-batches, validation each epoch, the best weights kept.

Everything that changes while training is in ``State``, and a checkpoint is that state as arrays; so a run that is
killed and resumed computes, on CPU, the same bits as one that was not.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from chainrule.networks import AbstractTrainable, OrderlessNADE
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.training.batches import Rows, batches, count_batches, shuffled_batches
from chainrule.training.plan import Plan

BAD_STEPS = 10  # non-finite steps in a row after which the best weights are restored and the learning rate halved
VALID_ROWS = 1000  # rows per validation batch
SURE = 2.0  # standard errors by which earlier weights must be better than the last: they are the best of many epochs
VALID_SEED = 1  # of the masks that an orderless network is validated with


@dataclass
class State:
    """What training changes."""

    network: AbstractTrainable
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    best: dict[str, torch.Tensor]
    best_nats: float = math.inf  # −log p per validation row with the best weights
    epoch: int = 0  # epochs done
    since_best: int = 0
    rate_scale: float = 1.0
    skipped: int = 0
    bad_in_a_row: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0  # spent on the epochs done, and on the search before them
    trials: list[dict[str, Any]] = field(default_factory=list)  # of the search before it


def make_state(network: AbstractTrainable, plan: Plan, generator: torch.Generator) -> State:
    """The state before the first step. Decay acts on weight matrices, never on biases or first_hidden."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=plan.learning_rate, fused=True)
    return State(network, optimizer, generator, best=_copy(network))


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
        >>> rows = Rows(torch.ones(20, 3))
        >>> trained(NADE(3, 4), rows, rows, Plan(epochs=2), show_progress=False).epoch
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
    independent: float | None = None,
    time_limit_s: float | None = None,
    after_epoch: Callable[[State], None] | None = None,
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
        independent: −log p per validation row of independent columns, to be told the gain over them; by default, where
            training begins anew, what the network begins with.
        time_limit_s: seconds after which training ends, whatever the epochs; the learning rate then falls with the time.
        after_epoch: called with the state after each epoch, to save it.
        device: "cpu" or "cuda".
        prefer_last: where the learning rate has come to rest, the last weights are taken unless the best ones are better by
            more than two standard errors: of few validation rows, or of masks drawn for them, the best epoch is one of luck.
        what: the word before the bar.
        show_progress: a bar on stderr where a person watches.
    """
    network, optimizer = state.network.to(device), state.optimizer
    train_rows, valid_rows = train_rows.to(device), valid_rows.to(device)
    steps, parameters = count_batches(len(train_rows), plan.batch_size), list(state.network.parameters())
    began_all = time.perf_counter() - state.seconds
    late = partial(_late, began_all, time_limit_s)
    if state.epoch == 0:  # what is kept is no worse than the beginning, but for ``settle``
        state.best_nats = validate(state.network, valid_rows)  # which begins as independent columns
        independent = state.best_nats if independent is None else independent
    epochs, estimated = plan.epochs, state.network.loss_is_estimate
    left_s = None if time_limit_s is None else time_limit_s - state.seconds
    work = {"total": epochs * steps, "done": state.epoch * steps, "limit_s": left_s}
    with progress_bar(what, **work, show=show_progress) as advance:
        while state.epoch < epochs and not _stalled(state, plan) and late() < 1:
            began, loss_sum, counted = time.perf_counter(), 0.0, 0
            for number, batch in enumerate(shuffled_batches(train_rows, plan.batch_size, state.generator)):
                if (share := late()) >= 1:
                    break
                set_rate(state, plan, max((state.epoch + number / steps) / epochs, share))
                losses = network.training_loss(batch.x, batch.observed, generator=state.generator)
                loss = batch.mean(batch.in_table_units(losses))
                for parameter in parameters:
                    parameter.grad = None  # what zero_grad does, without its profiler's bookkeeping
                loss.backward()
                norm = clip_gradients(state.network, plan.clip_norm)
                if math.isfinite(value := float(loss.detach())) and math.isfinite(norm):
                    optimizer.step()
                    loss_sum, counted, state.bad_in_a_row = loss_sum + value * len(batch), counted + len(batch), 0
                else:
                    state.skipped, state.bad_in_a_row = state.skipped + 1, state.bad_in_a_row + 1
                    warnings.warn(
                        f"epoch {state.epoch + 1}: a step with a non-finite loss or gradient was skipped", stacklevel=2
                    )
                    if state.bad_in_a_row == BAD_STEPS:
                        roll_back(state)
                advance(1)
            nats = validate(state.network, valid_rows)
            keep_best(state, nats)
            shown = nats_as_read(state.network, valid_rows, nats)
            record = {"epoch": state.epoch, "train_nats": _finite(loss_sum / counted if counted else math.nan)}
            record |= {"valid_nats": _finite(shown), "rate": optimizer.param_groups[0]["lr"], "skipped": state.skipped}
            state.history.append(record)
            state.seconds += time.perf_counter() - began
            advance(0, _note(shown, None if estimated else state.best_nats, independent))
            if after_epoch is not None:
                after_epoch(state)
    at_rest = plan.decay == "cosine" and (state.epoch >= epochs or late() >= 1)
    if prefer_last and at_rest:
        settle(state, valid_rows)
    state.network.load_state_dict(state.best)
    return state


def set_rate(state: State, plan: Plan, done: float) -> None:
    """The learning rate when this share of training is done: cosine from its highest to zero, or constant."""
    shape = 0.5 * (1 + math.cos(math.pi * done)) if plan.decay == "cosine" else 1.0
    for group in state.optimizer.param_groups:
        group["lr"] = plan.learning_rate * state.rate_scale * shape


def clip_gradients(network: AbstractTrainable, clip_norm: float) -> float:
    """Scales all gradients down to ``clip_norm`` together if they are longer; returns the norm they had, the longest of those
    of a committee's members, each of which is clipped by itself, to its share: as if it were trained alone."""
    lengths = []
    for part, share in network.trained_apart():
        parameters = [p for p in part.parameters() if p.grad is not None]
        # Not by dot products, which are quicker: their last bits depend on the number of threads.
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        lengths.append(length := float(norm) / share)
        if 0 < clip_norm < length:
            torch.nn.utils.clip_grads_with_norm_(parameters, clip_norm * share, norm)
    return max(lengths) if all(map(math.isfinite, lengths)) else math.nan


@torch.no_grad()
def validate(network: AbstractTrainable, rows: Rows) -> float:
    """The training loss per row, nats, over all rows, nothing dropped out: −log p, or what the network estimates instead.

    What it draws is the same every time, so that epochs compare.
    """
    return rows.total(losses_of_rows(network, rows)) / rows.count


def nats_as_read(network: AbstractTrainable, rows: Rows, validated: float) -> float:
    """What ``validate`` found, but of rows with holes, which an orderless network weights anew, an estimate of −log p."""
    if rows.observed is None or not isinstance(network, OrderlessNADE):
        return validated
    return rows.total(losses_of_rows(network, rows, network.order_loss)) / rows.count


@torch.no_grad()
def losses_of_rows(
    network: AbstractTrainable, rows: Rows, loss: Callable[..., torch.Tensor] | None = None
) -> torch.Tensor:
    """The training loss of each row (N,) float64, as ``validate`` has it, or another loss."""
    generator, training, loss = generator_from(VALID_SEED), network.training, loss or network.training_loss
    network.eval()
    found = [b.in_table_units(loss(b.x, b.observed, generator=generator).double()) for b in batches(rows, VALID_ROWS)]
    network.train(training)
    return torch.cat(found)


def settle(state: State, rows: Rows) -> None:
    """Makes the last weights the best ones, unless these are better by more than SURE standard errors of the difference."""
    last, weights = losses_of_rows(state.network, rows), _copy(state.network)
    state.network.load_state_dict(state.best)
    worse = last - losses_of_rows(state.network, rows)
    error = float(worse.std() / len(worse) ** 0.5) if len(worse) > 1 else 0.0
    if rows.total(worse) / rows.count <= SURE * error:  # false where there is no number
        state.best, state.best_nats = weights, rows.total(last) / rows.count


def keep_best(state: State, nats: float) -> None:
    """Counts the epoch, and keeps a copy of the weights if they are the best so far; rolls back if they are no numbers."""
    if nats < state.best_nats:
        state.best_nats, state.since_best, state.best = nats, 0, _copy(state.network)
    else:
        state.since_best += 1
    if not math.isfinite(nats):
        roll_back(state)
    state.epoch += 1


def roll_back(state: State) -> None:
    """Restores the best weights, forgets the optimizer's moments and halves the learning rate."""
    warnings.warn(f"epoch {state.epoch + 1}: back to the best weights, at half the learning rate", stacklevel=2)
    state.network.load_state_dict(state.best)
    state.optimizer.state.clear()
    state.rate_scale, state.bad_in_a_row = state.rate_scale / 2, 0


def _stalled(state: State, plan: Plan) -> bool:
    return 0 < plan.patience <= state.since_best


def _late(began: float, limit_s: float | None) -> float:
    """The share of the time limit that has passed; 0 where there is none."""
    return 0.0 if limit_s is None else (time.perf_counter() - began) / limit_s


def _note(nats: float, best: float | None, independent: float | None) -> str:
    """What a person is told after an epoch; without a best one, since all are estimates, these are marked."""
    mark, reached = ("≈ ", nats) if best is None else ("", best)
    clauses = [f"{mark}{nats:.2f} nats"]
    if best is not None:
        clauses.append(f"best {best:.2f}")
    if independent is not None:
        clauses.append(f"{mark}{independent - reached:.2f} better than independent columns")
    return ", ".join(clauses)


def _finite(value: float) -> float | None:
    """The value, or None where it is not a number, as JSON has it."""
    return value if math.isfinite(value) else None


def _copy(network: AbstractTrainable) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
