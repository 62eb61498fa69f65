"""The probability of an event: how likely a row is, of which words say something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.arguments import POOL_ROWS
from chainrule.events import Always, Event, event_of, events_of
from chainrule.model import Model
from chainrule.tasks.asking.measure import Measure


def probability(model: Model, event: Any, *, given: Any = None, draws: int = POOL_ROWS) -> Any:
    """Returns the probability of an event, with its standard error; of a list, those of each.

    All answers come from one joint density: that of the network's order, over all columns. An
    event with few values, such as one about the first columns, is summed exactly. Any other is
    answered by a pool of draws, the same for all questions about the model. An event that fewer
    than 100 draws hit is answered by draws within it, weighted by the probabilities of its regions.

    So the same question has the same answer, p(A) + p(not A) = 1, and a wider event is never less
    probable if both are exact, or neither is and both can be counted in the pool.

    Probabilities are those of rows whose cells hold what their columns can hold. A comparison with
    a missing cell is false, and its negation by ``not`` is true. A model of a table with missing
    cells knows which are missing if it was fitted with ``missing="informative"``.

    Args:
        model: the fitted model.
        event: words such as "age > 60 and sex == 'Female'", a polars expression, or a dict of sets,
            intervals (low, high) and values; or a list of these, which share the work.
        given: an event that is known to hold, in the same forms.
        draws: how many rows the pool has.

    Raises:
        SchemaError: an unknown column or label, or words that are not understood.
        ChainruleError: a condition that has no probability.
    """
    is_list = isinstance(event, Sequence) and not isinstance(event, str)
    questions = list(event) if is_list else [event]
    events = events_of(model.schema, questions)
    found = Measure(model, draws).conditional(events, condition_of(model, given))
    return found if is_list else found[0]


def condition_of(model: Model, given: Any) -> Event:
    """Returns the event that is known to hold."""
    return Always(True) if given is None else event_of(model.schema, given)
