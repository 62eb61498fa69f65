"""A search on the validation rows: what a plan leaves to the table is tried, one change at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chainrule.training.plan import Plan

Trial = dict[str, Any]
Ladder = tuple[str, Sequence[Any]]  # a field of the plan, and the values to try


def search(
    plan: Plan,
    nats_of_plan: Callable[[Plan], float],
    *,
    ladders: Sequence[Ladder],
    needed_gain: Callable[[float, Plan, Plan], float] = lambda nats, plan, candidate: 0.0,
) -> tuple[Plan, list[Trial]]:
    """The best plan that coordinate descent finds, and every trial in turn.

    Fields are tried one after the other. First come the values above the best one on the field's ladder, as long as each is
    better than the one before; if none is, the values below. A candidate is kept if it gains more than ``needed_gain``.
    All trials share the validation rows, and with them their chance. No plan is tried twice.

    Args:
        plan: where to begin.
        nats_of_plan: −log p per validation row that a plan reaches; a value that is not finite has lost.
        ladders: a field and its values, neighbours differing least; the field's own value is one of them. A field may come
            twice, the second time when others have changed.
        needed_gain: nats by which a candidate (the last argument) must beat the best plan, which reached so many nats.

    Examples:
        >>> best, trials = search(Plan(weight_decay=0.1), lambda plan: abs(plan.weight_decay - 0.4),
        ...                       ladders=[("weight_decay", (0.01, 0.1, 0.2, 0.4, 0.8))])
        >>> best.weight_decay, len(trials)
        (0.4, 4)
    """
    trials: list[Trial] = []
    known: dict[Plan, float] = {}

    def tried(candidate: Plan, **changed: Any) -> float:
        if candidate not in known:
            nats = nats_of_plan(candidate)
            trials.append({"changed": changed, "valid_nats": nats if math.isfinite(nats) else None})
            known[candidate] = nats if math.isfinite(nats) else math.inf
        return known[candidate]

    best, nats = plan, tried(plan)
    for field, ladder in ladders:
        at = ladder.index(getattr(best, field))
        for values in (ladder[at + 1 :], ladder[:at][::-1]):
            improved = False
            for value in values:
                candidate = replace(best, **{field: value})
                found = tried(candidate, **{field: value})
                needed = needed_gain(nats, best, candidate) if math.isfinite(nats) else 0.0
                if not nats - found > needed:
                    break
                best, nats, improved = candidate, found, True
            if improved:
                break
    return best, trials
