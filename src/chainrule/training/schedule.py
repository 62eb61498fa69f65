"""The schedule of training: the learning rate, and the end of training, by epochs and time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from chainrule.training.plan import Plan
from chainrule.training.state import State


@dataclass(frozen=True)
class Schedule:
    """The progress of training: the larger share of its epochs and of its time limit.

    Attributes:
        plan: epochs, patience and learning rate.
        steps: steps of an epoch.
        began: when training began, by ``time.perf_counter``; a resumed run omits the interruption.
        time_limit_s: seconds after which training ends; None for no limit.
    """

    plan: Plan
    steps: int
    began: float
    time_limit_s: float | None = None

    def time_used(self) -> float:
        """The share of the time limit that has passed; 0 without a limit."""
        if self.time_limit_s is None:
            return 0.0
        if self.time_limit_s <= 0:
            return 1.0
        return (time.perf_counter() - self.began) / self.time_limit_s

    def goes_on(self, state: State) -> bool:
        """Whether another epoch follows: epochs and time are left, validation has not stalled."""
        stalled = 0 < self.plan.patience <= state.since_best
        return state.epoch < self.plan.epochs and not stalled and self.time_used() < 1

    def is_at_rest(self, state: State) -> bool:
        """Whether the learning rate has fallen to zero."""
        return self.plan.decay == "cosine" and (
            state.epoch >= self.plan.epochs or self.time_used() >= 1
        )

    def set_rate(self, state: State, step: int, time_used: float) -> None:
        """Sets the learning rate of a step of the epoch."""
        set_rate(
            state, self.plan, max((state.epoch + step / self.steps) / self.plan.epochs, time_used)
        )

    def seconds_left(self, state: State) -> float | None:
        """Seconds of the time limit that are left before the next epoch; None without a limit."""
        return None if self.time_limit_s is None else self.time_limit_s - state.seconds


def set_rate(state: State, plan: Plan, done: float) -> None:
    """Sets the learning rate after this share of training: a cosine down to zero, or constant."""
    shape = 0.5 * (1 + math.cos(math.pi * done)) if plan.decay == "cosine" else 1.0
    for group in state.optimizer.param_groups:
        group["lr"] = plan.learning_rate * state.rate_scale * shape
