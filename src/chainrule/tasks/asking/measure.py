"""Probabilities of many events by one joint density, each by the method that suits it.

Exact where few rows need to be enumerated, for the event or for its negation. Else by the pool. An
event that fewer than ``FEW`` draws of the pool hit is answered by paths, and is at most as probable
as ``FEW`` hits. If its negation is hit by so few, it is answered as one minus that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule.arguments import POOL_ROWS
from chainrule.errors import ChainruleError
from chainrule.events import (
    Always,
    Box,
    Event,
    boxes_of,
    columns_in,
    conjunction,
    holds,
    is_conjunction,
    negation,
)
from chainrule.model import Model
from chainrule.tasks.asking import exact, paths
from chainrule.tasks.asking.answers import EXACT, PATHS, Probability
from chainrule.tasks.asking.pool import CodedRows, pool_of
from chainrule.tasks.asking.walks import Component, kept_components

FEW = 100  # draws of the pool
FEW_GIVEN = 1_000  # draws of the pool that fulfil a condition; below, paths are drawn within it
GIVEN_PATHS = 256  # of each scrambling
AT_ONCE = 128  # boxes whose paths are kept at a time


@dataclass
class Measure:
    """The joint density of a model, as a measure of events.

    Attributes:
        model: the model.
        draws: how many rows its pool has.
    """

    model: Model
    draws: int = POOL_ROWS

    def probabilities(self, events: Sequence[Event]) -> list[Probability]:
        """Returns the probability of each event."""
        found: dict[Event, Probability] = {}
        few: list[Event] = []
        for event in dict.fromkeys(events):
            answer = self._enumerated(event)
            if answer is None:
                hits = self.pool.hits(event)
                answer = Probability.of_hits(hits, len(self.pool))
                smaller = event if 2 * hits <= len(self.pool) else negation(event)
                if min(hits, len(self.pool) - hits) < FEW and self._boxes(smaller) is not None:
                    few.append(smaller)
                    continue
            found[event] = answer
        for event, answer in zip(few, self._by_paths(few), strict=True):
            found[event] = answer
            found.setdefault(negation(event), answer.negated())
        return [found[event] for event in events]

    def conditional(self, events: Sequence[Event], given: Event) -> list[Probability]:
        """Returns p(event | given) of each event.

        Raises:
            ChainruleError: the condition has no probability, or too little for the draws.
        """
        if given == Always(True):
            return self.probabilities(events)
        found = [self._exact_conditional(event, given) for event in events]
        if all(answer is not None for answer in found):
            return found  # type: ignore[return-value]
        rows = self.rows_given(given)
        if rows.weights is not None:
            return [
                answer or weighted_share(rows, holds(event, rows))
                for answer, event in zip(found, events, strict=True)
            ]
        return self._by_pool_given(found, events, given)

    def rows_given(self, given: Event) -> CodedRows:
        """Returns rows drawn given an event: those of the pool, or weighted paths.

        Raises:
            ChainruleError: the condition has no probability, or too little for the draws.
        """
        if given == Always(True):
            return self.pool
        hits = holds(given, self.pool)
        count = int(np.count_nonzero(hits))
        if count >= FEW_GIVEN:
            return CodedRows.of(self.model.schema, self.pool.take(np.flatnonzero(hits)))
        boxes = self._boxes(given)
        if boxes is None or not boxes:
            if count and boxes is None:
                return CodedRows.of(self.model.schema, self.pool.take(np.flatnonzero(hits)))
            raise ChainruleError(self._impossible(boxes is None))
        uniform = paths.points(len(self.model.schema.columns) + 1, GIVEN_PATHS)
        drawn = paths.paths_of(*self.components, boxes, uniform, self._all_steps)
        weights = np.exp(np.stack([each.log_weight for each in drawn]))  # (boxes, n)
        if not weights.sum() > 0:
            raise ChainruleError(self._impossible(False))
        # Row by row all boxes, so that the rows of each scrambling stand together.
        codes = np.stack([each.codes for each in drawn], axis=1).reshape(-1, uniform.shape[1] - 1)
        return CodedRows.of(self.model.schema, codes, weights.T.reshape(-1))

    @cached_property
    def pool(self) -> CodedRows:
        """The pool of the model's draws."""
        return pool_of(self.model, self.draws)

    @cached_property
    def components(self) -> tuple[list[Component], np.ndarray]:
        """The components that draw, and their weights."""
        return kept_components(self.model, exact=False)

    @cached_property
    def _exact_components(self) -> tuple[list[Component], np.ndarray]:
        return kept_components(self.model, exact=True)

    @property
    def _all_steps(self) -> int:
        return len(self.model.schema.columns)

    @cached_property
    def _may_miss(self) -> frozenset[int]:
        return frozenset(self.model.schema.flags)

    def _boxes(self, event: Event) -> list[Box] | None:
        if event not in self._known_boxes:
            self._known_boxes[event] = boxes_of(event, self._may_miss)
        return self._known_boxes[event]

    @cached_property
    def _known_boxes(self) -> dict[Event, list[Box] | None]:
        return {}

    def _enumerated(self, event: Event) -> Probability | None:
        """Returns the exact probability of an event if few rows say it, else None.

        Its negation may say it, so that both are exact or neither is.
        """
        if isinstance(event, Always):
            return Probability(float(event.holds), 0.0, EXACT)
        components, weight = self._exact_components
        asked = columns_in(event)
        if any(exact.rows_before(each, asked) > exact.MOST_ROWS for each in components):
            return None
        both = [(event, False), (negation(event), True)]
        simple = [each for each in both if is_conjunction(each[0])]  # as a planner asks them
        sides = [(self._boxes(side), is_negated) for side, is_negated in simple or both]
        sizes = [
            sum(exact.rows_of(each, box) for each in components for box in boxes)
            for boxes, _ in sides
            if boxes is not None
        ]
        if len(sizes) < len(sides) or min(sizes) > exact.MOST_ROWS:
            return None
        boxes, is_negated = sides[int(np.argmin(sizes))]
        assert boxes is not None
        each = [
            share * sum(exact.probability(one, box) for box in boxes)
            for one, share in zip(components, weight, strict=True)
        ]
        value = min(float(sum(each)), 1.0)
        return Probability(1 - value if is_negated else value, 0.0, EXACT)

    def _by_paths(self, events: Sequence[Event]) -> list[Probability]:
        """Returns the probabilities of events by paths, at most that of ``FEW`` hits."""
        uniform = paths.points(len(self.model.schema.columns) + 1)
        boxes = [
            (place, box) for place, event in enumerate(events) for box in self._boxes(event) or ()
        ]
        weights = np.zeros((len(events), len(uniform)))
        counts = np.zeros(len(events), np.int64)
        for start in range(0, len(boxes), AT_ONCE):
            some = boxes[start : start + AT_ONCE]
            drawn = paths.paths_of(*self.components, [box for _, box in some], uniform)
            for (place, _), each in zip(some, drawn, strict=True):
                weights[place] += np.exp(each.log_weight)
                counts[place] += len(uniform)
        most = FEW / self.draws
        return [
            Probability.of_means(*paths.by_scrambling(each), int(count), most)
            for each, count in zip(weights, counts, strict=True)
        ]

    def _exact_conditional(self, event: Event, given: Event) -> Probability | None:
        condition = self._enumerated(given)
        if condition is None:
            return None
        if condition.value == 0:
            raise ChainruleError(self._impossible(False))
        for side, is_negated in ((event, False), (negation(event), True)):
            both = self._enumerated(conjunction(side, given))
            if both is not None:
                p = min(both.value / condition.value, 1.0)
                return Probability(1 - p if is_negated else p, 0.0, EXACT)
        return None

    def _by_pool_given(
        self, found: Sequence[Probability | None], events: Sequence[Event], given: Event
    ) -> list[Probability]:
        """Returns p(event | given) of those not found, by the pool's rows that fulfil it.

        Of an event and its negation, the one that fewer rows hit is answered by paths if they are
        less than ``FEW``; the other is one minus that.
        """
        condition = holds(given, self.pool)
        total = int(np.count_nonzero(condition))
        answers: list[Probability | None] = list(found)
        few: dict[int, Event] = {}
        for place, event in enumerate(events):
            if found[place] is not None:
                continue
            hits = int(np.count_nonzero(holds(event, self.pool) & condition))
            answers[place] = Probability.of_hits(hits, total)
            smaller = conjunction(event if 2 * hits < total else negation(event), given)
            is_few = min(hits, total - hits) < FEW and 2 * hits != total
            if is_few and self._boxes(smaller) is not None:
                few[place] = smaller
        joint = self._by_paths(list(few.values()))
        for place, answer in zip(few, joint, strict=True):
            hits = answers[place]
            assert hits is not None
            p = total / len(self.pool)
            relative = (1 - p) / total  # of the condition's own share, squared
            error = float(np.hypot(answer.standard_error, answer.value * relative**0.5)) / p
            share = Probability(answer.value / p, error, PATHS, answer.draws, _scaled(answer, p))
            answers[place] = share if hits.value < 0.5 else share.negated()
        return answers  # type: ignore[return-value]

    def _impossible(self, is_between: bool) -> str:
        if is_between:
            return (
                f"given: none of {len(self.pool):,} draws fulfils it, and between columns nothing "
                "else is tried; widen the condition"
            )
        return "given: the condition has no probability by the model; widen it"


def _scaled(answer: Probability, p: float) -> np.ndarray | None:
    return None if answer._means is None else answer._means / p


def weighted_share(rows: CodedRows, hits: np.ndarray) -> Probability:
    """Returns the share of weighted rows in which an event holds, with its standard error.

    Scramblings are rows that stand together. The error is that of a ratio of their sums.
    """
    assert rows.weights is not None
    value, means, error = weighted_mean(rows.weights, hits)
    return Probability(value, error, PATHS, len(rows), means)


def weighted_mean(weights: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Returns the mean of values (n,) by weights (n,), that of each scrambling, and its error."""
    value = float(weights @ values / weights.sum())
    means, error = paths.by_scrambling(weights * (values - value) / weights.mean())
    return value, value + means, error
