"""The marginal distribution of one column, or the joint one of two."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, ShapeError
from chainrule.model import Model
from chainrule.table import Codes, objects_of, relabelled
from chainrule.table.frames.build import build
from chainrule.tasks.answer import Batch

POINTS = 64  # values at which the density of a column of numbers is given


def marginal(model: Model, *labels: Hashable, points: int = POINTS) -> Any:
    """Returns p(column), or p(first, second), as a frame with a row for each value or pair, and
    their ``log_prob`` in nats.

    A categorical column has a row for every listed level, and ``(other)`` for all other labels
    together. It gets a star if a label has the same name. A binary column has both values. A column
    of numbers has its atoms, and points evenly spaced over the range of the training rows.
    Densities are in the table's units. The result is exact: the marginal of the first column, times
    the conditional of the second. As with ``strict`` in ``log_prob``, probabilities sum to 1 over
    what columns can hold.

    Args:
        model: the fitted model.
        labels: one column or two, by name or by their labels in the frame.
        points: how many values a column of numbers gets.

    Raises:
        SchemaError: a column that is not modelled, or has the name of one of the answer's columns.
        EvidenceError: columns that do not come first in the order of a network of one order.
    """
    names = [model.schema.name_of(label) for label in labels]
    if len(names) not in (1, 2) or len(set(names)) < len(names):
        raise ShapeError(f"marginal of {list(names)}: name one column, or two different ones")
    if taken := {"log_prob", "is_mass"} & set(names):
        raise SchemaError(
            f"marginal of {min(taken)!r}: the answer has a column of that name itself; rename the "
            "table's"
        )
    numbers = [model.schema.number(name) for name in names]
    grids = [model.schema.columns[k].points(points) for k in numbers]
    pairs = np.stack([g.ravel() for g in np.meshgrid(*grids, indexing="ij")], axis=1)  # (M, 1 or 2)
    values = np.zeros((len(pairs), len(model.schema.columns)))
    observed = np.zeros(values.shape, dtype=bool)
    for place, k in enumerate(numbers):
        values[:, k], observed[:, k] = pairs[:, place], True
    codes = Codes(values, observed)
    model.require_evidence(codes.observed, name="known")
    rows = Batch.of(model, codes)
    nats = rows.each(lambda b: b.network.log_prob(b.x, b.observed).cpu().numpy(), "scoring")
    columns: dict[str, np.ndarray] = {}
    for place, (k, name) in enumerate(zip(numbers, names, strict=True)):
        spec = model.schema.columns[k]
        nats += spec.log_unit(pairs[:, place], strict=True)
        nats += spec.log_multiplicity(pairs[:, place])
        cells = spec.decode_named(pairs[:, place])
        columns[name] = objects_of(spec.as_text(cells)) if spec.is_text else cells
    columns["log_prob"] = nats
    if len(numbers) == 1 and not model.schema.columns[numbers[0]].is_mass(pairs[:, 0]).all():
        columns["is_mass"] = model.schema.columns[numbers[0]].is_mass(pairs[:, 0])
    container = model.schema.container if model.schema.container != "numpy" else "polars"
    made = build(
        columns, {c.name: c.type for c in model.schema.columns if c.name in names}, container
    )
    return relabelled(made, model.schema)
