"""A race: what a recipe leaves open of a configuration is tried on the validation rows, one change at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import torch

from chainrule.networks import AbstractNetwork
from chainrule.rng import generator_from
from chainrule.training.batches import Rows
from chainrule.training.config import FitConfig
from chainrule.training.loop import make_state, train
from chainrule.training.record import nats_of

Trial = dict[str, Any]


def race(
    config: FitConfig,
    reached: Callable[[FitConfig], float],
    *,
    ladders: Sequence[tuple[str, Sequence[Any]]],
    worth: Callable[[float, FitConfig, FitConfig], float] = lambda nats, config, candidate: 0.0,
) -> tuple[FitConfig, list[Trial]]:
    """The best configuration that coordinate descent finds, and every trial in turn.

    Fields are tried one after the other; of a ladder the steps above the best one, as long as they are better, and if none is,
    the steps below. Whatever is better is kept, by any amount unless ``worth`` asks for more: validation rows are the same for
    all trials, so that chance is shared. What was tried before is not tried again.

    Args:
        config: where to begin.
        reached: −log p per validation row, nats, of a configuration, lower is better; what is no number has lost.
        ladders: a field and the values to try, in a sequence in which neighbours differ least; the field's own value is one of
            them. A field may come twice: once more when others have changed.
        worth: nats that a candidate (the last argument) must gain over the best configuration, which reached so many nats.

    Examples:
        >>> best, trials = race(FitConfig(weight_decay=0.1), lambda c: abs(c.weight_decay - 0.4),
        ...                     ladders=[("weight_decay", (0.01, 0.1, 0.2, 0.4, 0.8))])
        >>> best.weight_decay, len(trials)
        (0.4, 4)
    """
    trials: list[Trial] = []
    known: dict[FitConfig, float] = {}

    def tried(candidate: FitConfig, **changed: Any) -> float:
        if candidate not in known:
            nats = reached(candidate)
            trials.append({"changed": changed, "valid_nats": nats if math.isfinite(nats) else None})
            known[candidate] = nats if math.isfinite(nats) else math.inf
        return known[candidate]

    best, nats = config, tried(config)
    for field, ladder in ladders:
        at = ladder.index(getattr(best, field))
        for values in (ladder[at + 1 :], ladder[:at][::-1]):
            improved = False
            for value in values:
                candidate = replace(best, **{field: value})
                found = tried(candidate, **{field: value})
                needed = worth(nats, best, candidate) if math.isfinite(nats) else 0.0
                if not nats - found > needed:
                    break
                best, nats, improved = candidate, found, True
            if improved:
                break
    return best, trials


def reached_by_two(
    config: FitConfig,
    *,
    build: Callable[[FitConfig, torch.Generator], AbstractNetwork],
    x: Rows,
    x_valid: Rows,
    seed: int,
    device: str = "cpu",
    show_progress: bool = False,
) -> float:
    """Estimates −log p per validation row of a committee of ``config.members``, by training one of two.

    Every trial has the same seed, so that those of one shape begin alike. Of fewer than three members it is what they reach.
    """
    generator = generator_from(seed)
    members = min(2, config.members or 1)
    small = replace(config, members=members, orders=min(members, config.orders or 1))
    net = build(small, generator).to(device)
    state = make_state(net, small, generator)
    train(state, x, x_valid, small, device=device, what="trying", show_progress=show_progress)
    if small.members == config.members:
        return state.best_nats
    alone = [nats_of(cast(AbstractNetwork, member), x_valid) for member, _ in net.cpu().trained_apart()]
    return foretold(sum(alone) / len(alone), state.best_nats, config.members or 1)


def foretold(one: float, two: float, members: int) -> float:
    """−log p that a committee of so many members is likely to reach, by what one and two of them do: what each learned by heart
    is averaged out as one over their number, c_M = a + b / M."""
    return two - (one - two) * (1 - 2 / members)
