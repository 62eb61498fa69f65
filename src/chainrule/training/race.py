"""A race: what a recipe leaves open of a configuration is tried on the validation rows, one change at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chainrule.training.config import FitConfig

Trial = dict[str, Any]


def race(
    config: FitConfig,
    reached: Callable[[FitConfig], float],
    *,
    orders: Sequence[str] = (),
    ladders: Mapping[str, Sequence[float]] | None = None,
) -> tuple[FitConfig, list[Trial]]:
    """The best configuration that coordinate descent finds, and every trial in turn.

    Fields are tried one after the other; of a ladder the steps next to the best one, as long as they are better. Whatever is
    better by any amount is kept: validation rows are the same for all trials, so that chance is shared.

    Args:
        config: where to begin.
        reached: −log p per validation row, nats, of a configuration, lower is better; what is no number has lost.
        orders: orders to try.
        ladders: of each field the values to try, ascending; the field's own value is one of them.

    Examples:
        >>> best, trials = race(FitConfig(weight_decay=0.1), lambda c: abs(c.weight_decay - 0.4),
        ...                     ladders={"weight_decay": (0.01, 0.1, 0.2, 0.4, 0.8)})
        >>> best.weight_decay, len(trials)
        (0.4, 4)
    """
    trials: list[Trial] = []

    def tried(candidate: FitConfig, **changed: Any) -> float:
        nats = reached(candidate)
        trials.append({"changed": changed, "valid_nats": nats if math.isfinite(nats) else None})
        return nats if math.isfinite(nats) else math.inf

    best, nats = config, tried(config)
    for order in orders:
        if order != best.order and (found := tried(replace(best, order=order), order=order)) < nats:
            best, nats = replace(best, order=order), found
    for field, ladder in (ladders or {}).items():
        for values in _ways(ladder, getattr(config, field)):
            improved = False
            for value in values:
                if (found := tried(replace(best, **{field: value}), **{field: value})) >= nats:
                    break
                best, nats, improved = replace(best, **{field: value}), found, True
            if improved:
                break
    return best, trials


def _ways(ladder: Sequence[float], at: float) -> Iterator[Sequence[float]]:
    """The ladder upwards from a value, then downwards."""
    yield [value for value in ladder if value > at]
    yield [value for value in reversed(ladder) if value < at]


def foretold(one: float, two: float, members: int) -> float:
    """−log p that a committee of so many members is likely to reach, by what one and two of them do: what each learned by heart
    is averaged out as one over their number, c_M = a + b / M."""
    return two - (one - two) * (1 - 2 / members)


def in_units(trials: Sequence[Trial], offset: float) -> list[Trial]:
    """The trials with nats in the table's units, which are those of codes and an offset."""
    return [t if t["valid_nats"] is None else {**t, "valid_nats": t["valid_nats"] + offset} for t in trials]
