"""A search for the best plan on the validation rows, one change at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from chainrule.ranks import ALONE, AbstractRanks
from chainrule.training.plan import Plan

Trial = dict[str, Any]
Ladder = tuple[str, Sequence[Any]]  # a field of the plan, and the values to try


def search(
    plan: Plan,
    nats_of_plan: Callable[[Plan], float],
    *,
    ladders: Sequence[Ladder],
    needed_gain: Callable[[float, Plan, Plan], float] = lambda nats, plan, candidate: 0.0,
    ranks: AbstractRanks = ALONE,
    teams: int = 1,
    team: int = 0,
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
        ranks: the processes that search together; all of them make this call.
        teams: the number of their teams. While one tries a candidate, the others try those that
            may come after it, so that the trials are those of one process.
        team: the number of this process's team, in which it calls ``nats_of_plan``.

    Examples:
        >>> best, trials = search(Plan(weight_decay=0.1), lambda plan: abs(plan.weight_decay - 0.4),
        ...                       ladders=[("weight_decay", (0.01, 0.1, 0.2, 0.4, 0.8))])
        >>> best.weight_decay, len(trials)
        (0.4, 4)
    """
    trials: list[Trial] = []
    known: dict[Plan, float] = {}
    ahead: dict[Plan, float] = {}

    def found_by_teams(candidate: Plan, later: Iterable[Plan]) -> float:
        if candidate not in ahead:
            new = [each for each in later if each not in ahead and each not in known]
            plans = list(dict.fromkeys([candidate, *new]))[:teams]
            own = nats_of_plan(plans[team]) if team < len(plans) else math.nan
            found = ranks.gathered((team, own))
            ahead.update({plans[of]: nats for of, nats in found if of < len(plans)})
        return ahead[candidate]

    def tried(candidate: Plan, later: Iterable[Plan] = (), **changed: Any) -> float:
        if candidate not in known:
            nats = found_by_teams(candidate, later)
            trials.append({"changed": changed, "valid_nats": nats if math.isfinite(nats) else None})
            known[candidate] = nats if math.isfinite(nats) else math.inf
        return known[candidate]

    best, nats = plan, tried(plan)
    for field, ladder in ladders:
        at = ladder.index(getattr(best, field))
        ways = ladder[at + 1 :], ladder[:at][::-1]
        for values, others in (ways, ways[::-1]):
            improved = False
            for number, value in enumerate(values):
                candidate = replace(best, **{field: value})
                # What is tried if this candidate is none, then what is tried if it is one.
                coming = [*(() if improved else others[:1]), *values[number + 1 :]]
                later = [replace(best, **{field: each}) for each in coming]
                found = tried(candidate, later, **{field: value})
                needed = needed_gain(nats, best, candidate) if math.isfinite(nats) else 0.0
                if not nats - found > needed:
                    break
                best, nats, improved = candidate, found, True
            if improved:
                break
    return best, trials
