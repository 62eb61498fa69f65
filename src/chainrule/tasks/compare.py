"""Which of two models holds a table likelier."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import SchemaError
from chainrule.model import Model
from chainrule.tasks.score import score


class Comparison(NamedTuple):
    """How many nats per row the first model is better, paired row by row, with the standard error of that mean."""

    nats: float
    standard_error: float
    rows: int


def compare(model: Model, other: Model, table: Any) -> Comparison:
    """The mean over the rows of log p of the first model less that of the second, and its standard error.

    Raises:
        SchemaError: models of other columns, or that count other cells as masses: their likelihoods have no common measure.
    """
    if set(model.schema.names) != set(other.schema.names):
        different = sorted(set(model.schema.names) ^ set(other.schema.names))
        raise SchemaError(
            f"the models differ in the column(s) {', '.join(map(repr, different[:6]))}: nothing to compare"
        )
    for column in model.schema.columns:
        its = other.schema.columns[other.schema.number(column.name)]
        if column.measure != its.measure:
            one, two = ("all values" if each is None else str(each) for each in (column.measure, its.measure))
            raise SchemaError(
                f"column {column.name!r}: the models give masses to other values ({one}; {two}), so that their likelihoods do "
                f"not compare; fit both with one schema"
            )
    difference = score(model, table) - score(other, table)
    error = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else float("nan")
    return Comparison(float(difference.mean()), error, len(difference))
