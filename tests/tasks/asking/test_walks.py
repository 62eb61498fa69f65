"""Walks of rows that share states: the same codes and weights as of rows that share none."""

import numpy as np
import pytest

from chainrule.events import boxes_of, event_of
from chainrule.tasks.asking import walks
from chainrule.tasks.asking.paths import paths_of, points
from chainrule.tasks.asking.walks import Draws, States, distinct, kept_components
from tests.tasks.asking.test_measure import density_of

QUESTIONS = [
    "town in ['north', 'west'] and bit",
    "bit and 2 <= count < 5",
    "count in [0, 3, 4, 7] and town != 'west'",
    "town == 'south'",
]


@pytest.mark.parametrize("most", [0, 2**18], ids=["sorted", "marked"])
def test_equal_numbers_have_one_place(monkeypatch, most):
    monkeypatch.setattr(walks, "MOST_MARKED", most)
    numbers = np.array([4, 0, 4, 9, 0, 4])
    first, place = distinct(numbers, 10)
    assert np.array_equal(numbers[first], [0, 4, 9])
    assert np.array_equal(numbers[first][place], numbers)


def test_states_part_where_cells_differ():
    states = States.of(np.zeros((5, 2)), np.zeros((5, 2), dtype=bool))
    assert len(states.first) == 1
    going = np.ones(5, dtype=bool)
    assert states.part(np.full(5, 7.0), going) is None
    assert states.part(np.array([1.0, 2.0, 1.0, 2.0, 2.0]), going).tolist() == [0, 0]
    assert states.of_row.tolist() == [0, 1, 0, 1, 1]
    assert states.part(np.array([5.0, 5.0, 5.0, 6.0, 5.0]), going).tolist() == [0, 1, 1]
    assert states.of_row.tolist() == [0, 1, 0, 2, 1]


def test_rows_that_end_are_no_longer_told_apart():
    states = States.of(np.zeros((4, 1)), np.zeros((4, 1), dtype=bool))
    states.part(np.arange(4.0), np.ones(4, dtype=bool))
    assert len(states.first) == 4
    states.part(np.arange(4.0), np.array([True, False, True, False]))
    assert len(states.first) == 2  # of rows 0 and 2; the ended ones are with row 0


def test_given_cells_begin_states_of_their_own():
    codes = np.array([[1.0, 5.0], [1.0, 6.0], [2.0, 5.0]])
    given = np.array([[True, False]] * 3)
    states = States.of(codes, given)
    assert states.of_row.tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["nade", "made", "committee", "ensemble", "orderless", "flags"])
def test_shared_states_change_no_path(monkeypatch, name):
    model = density_of(name).model
    boxes = [
        box
        for question in (QUESTIONS[:2] if name != "flags" else QUESTIONS[1:])
        for box in boxes_of(event_of(model.schema, question), frozenset(model.schema.flags))
    ]
    components, weight = kept_components(model, exact=True)
    uniform = points(len(model.schema.columns) + 1)[:200]
    shared = paths_of(components, weight, boxes, uniform)

    def apart(states, codes, goes_on):
        parents = states.of_row
        states.of_row = states.first = np.arange(len(codes))
        return parents

    monkeypatch.setattr(States, "part", apart)
    alone = paths_of(components, weight, boxes, uniform)
    for one, other in zip(shared, alone, strict=True):
        assert np.array_equal(one.codes, other.codes)
        assert np.allclose(one.log_weight, other.log_weight, atol=1e-9)


def test_rows_that_share_cells_share_the_network(monkeypatch):
    """The order is town, bit, last, count; all columns but the bit are fixed."""
    model = density_of("nade").model
    components, weight = kept_components(model, exact=False)
    question = "town == 'south' and last == 'a' and count > 2"
    boxes, seen, cell = boxes_of(event_of(model.schema, question), frozenset()), [], Draws.cell

    def seeing(draws, column, distribution, state, asked):
        seen.append(len(distribution.params))
        return cell(draws, column, distribution, state, asked)

    monkeypatch.setattr(Draws, "cell", seeing)
    paths_of(components, weight, boxes, points(5))
    assert seen == [1, 1, 2, 2]
