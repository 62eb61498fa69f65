"""Walks of rows that share states: the same codes and weights as of rows that share none."""

import numpy as np
import pytest

from chainrule.events import boxes_of, event_of
from chainrule.tasks.asking import states
from chainrule.tasks.asking.paths import paths_of, points
from chainrule.tasks.asking.states import MOST_MARKED, States
from chainrule.tasks.asking.walks import Draws, kept_components
from tests.tasks.asking.test_measure import density_of

QUESTIONS = ["town in ['north', 'west'] and bit", "bit and 2 <= count < 5", "town == 'south'"]
OF_HOLES = ["count is null", "count < 5", "bit"]


@pytest.mark.parametrize("most", [0, MOST_MARKED], ids=["sorted", "marked"])
@pytest.mark.parametrize("name", ["nade", "made", "committee", "ensemble", "orderless", "flags"])
def test_shared_states_change_no_path(monkeypatch, name, most):
    """Paths of shorter boxes end beside others: whether a cell is missing may differ in them."""
    monkeypatch.setattr(states, "MOST_MARKED", most)
    model = density_of(name).model
    boxes = [
        box
        for question in (OF_HOLES if name == "flags" else QUESTIONS)
        for box in boxes_of(event_of(model.schema, question), frozenset(model.schema.flags))
    ]
    components, weight = kept_components(model, exact=True)
    uniform = points(len(model.schema.columns) + 1)[21:221]  # the first one lacks a town
    shared = paths_of(components, weight, boxes, uniform)

    def apart(self, codes, goes_on):
        parents = self.of_row
        self.of_row = self.first = np.arange(len(codes))
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
