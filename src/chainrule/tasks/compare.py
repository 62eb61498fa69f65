"""The difference of two models' log-likelihoods on one table."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import SchemaError
from chainrule.model import Model
from chainrule.tasks.score import score


class Comparison(NamedTuple):
    """Mean difference of log-likelihoods in nats per row, paired by row, with its error.

    Attributes:
        nats: mean of log p of the first density minus that of the second.
        standard_error: of this mean.
        rows: how many rows were compared.

    Examples:
        >>> import chainrule as cr, numpy as np
        >>> rows = np.array([[0, 0], [0, 0], [1, 1], [1, 0]] * 40)
        >>> config = cr.FitConfig(hidden_size=4, epochs=2)
        >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
        >>> other = cr.fit(rows, network="made", seed=0, verbose=False, config=config)
        >>> found = density.compare(other, rows)
        >>> bool(abs(found.nats - (density.score(rows) - other.score(rows))) < 1e-9)
        True
        >>> found.rows
        160
    """

    nats: float
    standard_error: float
    rows: int


def compare(model: Model, other: Model, table: Any) -> Comparison:
    """Returns the mean over rows of log p under ``model`` minus log p under ``other``.

    The result has the standard error of that mean.

    Raises:
        SchemaError: the models have different columns, or give probability masses to different
            values. Their likelihoods then have no common measure.
    """
    if set(model.schema.names) != set(other.schema.names):
        different = sorted(set(model.schema.names) ^ set(other.schema.names))
        raise SchemaError(
            f"the models differ in the column(s) {', '.join(map(repr, different[:6]))}: nothing to "
            "compare"
        )
    for column in model.schema.columns:
        second = other.schema.columns[other.schema.number(column.name)]
        if column.measure != second.measure:
            measures = (column.measure, second.measure)
            one, two = ("all values" if each is None else str(each) for each in measures)
            raise SchemaError(
                f"column {column.name!r}: the models give masses to other values ({one}; {two}), "
                "so that their likelihoods do not compare; fit both with one schema"
            )
    difference = score(model, table) - score(other, table)
    rows, error = len(difference), float("nan")
    if rows > 1:
        error = float(difference.std(ddof=1) / np.sqrt(rows))
    return Comparison(float(difference.mean()), error, rows)
