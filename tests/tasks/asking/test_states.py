"""States part where cells differ, and count each different number once."""

import numpy as np
import pytest

from chainrule.tasks.asking import states as states_room
from chainrule.tasks.asking.states import States, distinct


@pytest.mark.parametrize("most", [0, 2**18], ids=["sorted", "marked"])
def test_equal_numbers_have_one_place(monkeypatch, most):
    monkeypatch.setattr(states_room, "MOST_MARKED", most)
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


def test_no_row_that_ended_stands_for_those_that_go_on():
    """Its flags or missing cells may be others than theirs."""
    for ended in (0, 1):
        states = States.of(np.zeros((2, 1)), np.zeros((2, 1), dtype=bool))
        states.part(np.array([0.0, 1.0]), np.ones(2, dtype=bool))
        parents = states.part(np.zeros(2), np.arange(2) != ended)
        assert states.first.tolist() == [1 - ended]
        assert parents.tolist() == [1 - ended]
