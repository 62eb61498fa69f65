"""The distribution of one column given the rest of each row."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule import missing
from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError
from chainrule.model import Model
from chainrule.table import Sink
from chainrule.tasks.answer import Batch, Part, answer
from chainrule.tasks.outside import conditional_given

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SHOWN_LEVELS = 3


def conditional(
    model: Model,
    table: Any,
    column: Hashable,
    *,
    quantiles: Sequence[float] = QUANTILES,
    strict: bool = False,
    to: str | os.PathLike[str] | Sink | None = None,
) -> Any:
    """p(column | the other known cells of each row), as a frame of as many rows as the table.

    Of a category, the probability of each listed level, a column each, and of all labels together that are not listed, in a last
    column ``(other)`` (with a star where a label is called so); they sum to 1. Of a binary column the probabilities of its two
    values, given that the cell holds one of them. Of numbers and dates the quantiles, a column each, such as ``q0.05``.

    Args:
        model: the fitted model.
        table: rows; the column's own cells are never read, and it may be absent.
        column: its name, or what its frame calls it: a number, a tuple of a MultiIndex.
        quantiles: which, above 0 and below 1.
        strict: refuse cells that hold what their column cannot, instead of taking them for unknown.
        to: a path of CSV or Parquet, or another sink, to which the frame is written.

    Raises:
        SchemaError: there is no such column, or it was left out; a cell that is refused.
        EvidenceError: a network of one order that cannot answer this.
    """
    number = model.schema.number(column)
    if not all(0 < q < 1 for q in quantiles):
        raise ShapeError(f"quantiles = {list(quantiles)}: pass numbers above 0 and below 1")
    of = partial(_columns, number=number, quantiles=quantiles)
    own = (model.schema.columns[number].name,)
    return answer(model, table, of, to=to, strict=strict, absent_is_fine=own)


def _columns(part: Part, *, number: int, quantiles: Sequence[float]) -> dict[str, np.ndarray]:
    """The answer's columns by name, (n,) each."""
    spec = part.rows.model.schema.columns[number]
    if spec.has_levels:
        found = part.rows.each(partial(level_probabilities, column=number), "conditioning")
        return dict(zip(spec.code_names, found.T, strict=True))
    found = part.rows.each(partial(quantiles_of, column=number, quantiles=quantiles), "conditioning")  # (n, Q)
    return {f"q{q:g}": spec.decode(found[:, k]) for k, q in enumerate(quantiles)}


def distribution_of(batch: Batch, column: int) -> Distribution:
    """The column's distribution in a batch; that its own cell was missing says nothing of what it would be."""
    cells = np.zeros(batch.codes.values.shape, dtype=bool)
    cells[:, column] = True
    asked = batch.over(missing.present(batch.model.schema, batch.codes, cells))
    return conditional_given(asked.network, asked.x, column, asked.observed, asked.outside)


def level_probabilities(batch: Batch, column: int) -> np.ndarray:
    """Probabilities (n, V) of a binary column's values; of a category's listed levels and last of all other labels together, (n,
    V + 1). Each row's sum is 1."""
    conditional = batch.network.columns.conditionals[column]
    values, times = conditional.support() or (), conditional.multiplicities() or ()
    distribution = distribution_of(batch, column)
    logs = distribution.log_prob_grid(batch.x.new_tensor(values).expand(len(batch), -1))
    logs = logs + batch.x.new_tensor(times).log()
    return logs.softmax(1).cpu().numpy()


def quantiles_of(batch: Batch, column: int, quantiles: Sequence[float]) -> np.ndarray:
    """Quantiles (n, Q) of a column of numbers, in codes."""
    distribution = distribution_of(batch, column)
    return np.stack([distribution.quantile(q).cpu().numpy() for q in quantiles], axis=1)


def expected_words(rows: Batch, column: int) -> list[str]:
    """What is likely in each row's cell of the column, in words: the likeliest levels, all others as one, or the middle 90 %."""
    spec = rows.model.schema.columns[column]
    if spec.has_levels:
        p, names = rows.each(partial(level_probabilities, column=column), "conditioning"), spec.code_names
        best = np.argsort(-p, axis=1, kind="stable")[:, :SHOWN_LEVELS]
        return [
            ", ".join(f"{names[k]} {p[row, k]:.0%}" for k in some if k == some[0] or p[row, k] >= 0.01)
            for row, some in enumerate(best)
        ]
    ends = rows.each(partial(quantiles_of, column=column, quantiles=(0.05, 0.95)), "conditioning")
    low, high = (spec.as_text(spec.decode(ends[:, k])) for k in (0, 1))
    return [f"{a} … {b}" if a != b else a for a, b in zip(low, high, strict=True)]
