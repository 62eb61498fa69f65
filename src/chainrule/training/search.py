"""A search for the best plan on the validation rows, one change at a time."""

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

    Fields are tried one after the other. For each, the search climbs the ladder from the best value
    as long as each step is an improvement. If the first step up is none, it descends instead. A
    candidate is an improvement if it gains more than ``needed_gain``. All trials share the
    validation rows and their sampling error. No plan is tried twice.

    Args:
        plan: the first plan.
        nats_of_plan: −log p per validation row of a plan; a value that is not finite loses.
        ladders: a field and its values, in order; the plan's own value is among them. A field may
            come twice, the second time after other fields have changed.
        needed_gain: nats by which a candidate must beat the best plan; called with the best plan's
            nats, the best plan and the candidate.

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
