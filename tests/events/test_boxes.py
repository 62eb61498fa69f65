"""Boxes: they do not overlap, and together they are the event."""

import numpy as np
import pytest

from chainrule.events import (
    MISSING,
    PRESENT,
    AllOf,
    AnyOf,
    Cell,
    Intervals,
    Levels,
    Missing,
    Not,
    Relation,
    boxes_of,
    holds,
)
from chainrule.events.regions import partition

CODES = 6
TWO = Intervals.of([(1, 2), (4, 4)], True)
ODD = Intervals.of([(1, 1), (3, 3), (5, np.inf)], True)
SOME = Levels((True, False, True))
FIRST = Levels((True, False, False))


class Rows:
    """All combinations of four columns' codes; cells of the first and third may be missing."""

    def __init__(self):
        sizes = (CODES + 1, CODES, 4, 3)
        self.values = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), -1)
        self.values = self.values.reshape(-1, 4).astype(float)

    def __len__(self):
        return len(self.values)

    def codes(self, column):
        last = {0: CODES - 1, 1: CODES - 1, 2: 2, 3: 2}[column]
        return np.minimum(self.values[:, column], last)

    def missing(self, column):
        most = {0: CODES, 2: 3}.get(column)
        return None if most is None else self.values[:, column] == most

    def known(self, event):
        return None

    def keep(self, event, found):
        pass


EVENTS = [
    Cell(0, TWO),
    Not(Cell(0, TWO)),
    Missing(0),
    Not(Missing(0)),
    AllOf((Not(Missing(0)), Missing(2), Cell(1, TWO))),
    AnyOf((Not(Missing(0)), Cell(1, TWO))),
    AllOf((Cell(0, TWO), Cell(1, ODD), Cell(3, SOME))),
    AnyOf((Cell(0, TWO), Cell(1, ODD))),
    AnyOf((Cell(0, TWO), Cell(0, ODD), Missing(2))),
    AllOf((Not(Cell(0, TWO)), AnyOf((Cell(2, FIRST), Cell(3, SOME), Cell(0, ODD))))),
    Not(AllOf((Cell(0, TWO), Not(AnyOf((Cell(2, SOME), Missing(2))))))),
    AllOf((Cell(3, FIRST), Cell(3, SOME.outside()))),
    AnyOf((Cell(1, TWO), Cell(1, TWO.outside()))),
]


@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_boxes_are_apart_and_cover_the_event(event):
    rows = Rows()
    count = np.zeros(len(rows), int)
    for box in boxes_of(event, {0, 2}):
        inside = np.ones(len(rows), bool)
        for column, part in box.items():
            missing = rows.missing(column)
            if part in (MISSING, PRESENT):
                inside &= missing == part.is_missing
            else:
                inside &= part.contains(rows.codes(column))
                inside &= True if missing is None else ~missing
        count += inside
    assert np.array_equal(count, holds(event, rows).astype(int))


def test_a_conjunction_is_one_box():
    event = AllOf((Cell(1, TWO), Cell(3, SOME), Cell(1, ODD)))
    assert boxes_of(event, set()) == [{1: Intervals(((1, 1),), True), 3: SOME}]


def test_too_many_boxes_and_events_between_columns_have_none():
    event = AllOf(tuple(Not(Cell(k, TWO)) for k in range(8)))
    assert len(boxes_of(event, set())) == 1
    assert boxes_of(event, set(range(8))) is None
    assert boxes_of(Relation(((0, 1.0), (1, -1.0)), 0.0, ">", (0, 1)), set()) is None


@pytest.mark.parametrize("is_grid", [True, False])
def test_intervals_are_joined_negated_and_divided(is_grid):
    some = Intervals.of([(3, 5), (1, 1), (6, 7), (9, 2), (np.inf, np.inf)], is_grid)
    assert some.ends == (((1, 1), (3, 7)) if is_grid else ((1, 1), (3, 5), (6, 7)))
    at = np.array([0, 1, 2, 3, 5, 5.5, 6, 7, 8.0] if not is_grid else np.arange(9.0))
    assert np.array_equal(some.outside().contains(at), ~some.contains(at))
    assert some.outside().outside() == some
    assert some.united(some.outside()).is_whole
    pieces = partition([some, Intervals(((2, 6),), is_grid)])
    inside = np.stack([piece.contains(at) for piece, _ in pieces])
    assert (inside.sum(0) == 1).all()
    assert len({truth for _, truth in pieces}) == len(pieces) == 4


def test_codes_of_a_region_are_listed():
    assert TWO.codes().tolist() == [1, 2, 4]
    assert (TWO.count, ODD.count, SOME.count) == (3, np.inf, 2)
    assert SOME.codes().tolist() == [0, 2]
