"""The distribution of one column given the rest of each row."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError
from chainrule.model import Model
from chainrule.table import (
    Codes,
    Table,
    encode_parts,
    read_table,
)
from chainrule.table.frames import build, like
from chainrule.tasks.batches import Batch, batches
from chainrule.tasks.outside import conditional_given

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SHOWN_LEVELS = 3


def conditional(
    model: Model, table: Any, column: Hashable, *, quantiles: Sequence[float] = QUANTILES, strict: bool = False
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

    Raises:
        SchemaError: there is no such column, or it was left out; a cell that is refused.
        EvidenceError: a network of one order that cannot answer this.
    """
    table = read_table(table, reading=model.schema.reading)
    (columns,) = conditional_each(model, [table], column, quantiles=quantiles, strict=strict)
    if table.container == "numpy":
        return build(columns, {}, "numpy")
    return like(table.frame, columns, table.container)


def conditional_each(
    model: Model,
    parts: Iterable[Table],
    column: Hashable,
    *,
    quantiles: Sequence[float] = QUANTILES,
    strict: bool = False,
) -> Iterator[dict[str, np.ndarray]]:
    """As ``conditional``, of each part of a table in turn, as columns by name, (n,) each."""
    number = model.schema.number(column)
    spec = model.schema.columns[number]
    if not all(0 < q < 1 for q in quantiles):
        raise ShapeError(f"quantiles = {list(quantiles)}: pass numbers above 0 and below 1")
    for _, codes in encode_parts(parts, model.schema, strict=strict, absent_is_fine=(spec.name,)):
        if spec.has_levels:
            found = level_probabilities(model, codes, number)
            yield dict(zip(spec.code_names, found.T, strict=True))
        else:
            found = quantiles_of(model, codes, number, quantiles)  # (n, Q)
            yield {f"q{q:g}": spec.decode(found[:, k]) for k, q in enumerate(quantiles)}


def distribution_of(model: Model, batch: Batch, column: int) -> Distribution:
    """The column's distribution in a batch; that its own cell was missing says nothing of what it would be."""
    x, observed, outside = batch.x, batch.observed, batch.outside
    flag = model.flag_of(column)
    if flag is not None:
        x, observed = x.clone(), observed.clone()
        x[:, flag], observed[:, flag] = model.schema.flag_code(flag, missing=False), True
    return conditional_given(batch.network, x, column, observed, outside)


def level_probabilities(model: Model, codes: Codes, column: int) -> np.ndarray:
    """Probabilities (N, V) of a binary column's values; of a category's listed levels and last of all other labels together, (N,
    V + 1). Each row's sum is 1."""
    conditional = model.network.columns.conditionals[column]
    values, times = conditional.support() or (), conditional.multiplicities() or ()
    found = np.empty((len(codes), len(values)))
    for batch in batches(model, codes, "conditioning"):
        distribution = distribution_of(model, batch, column)
        logs = (
            distribution.log_prob_grid(batch.x.new_tensor(values).expand(len(batch.x), -1))
            + batch.x.new_tensor(times).log()
        )
        found[batch.rows] = logs.softmax(1).cpu().numpy()
    return found


def quantiles_of(model: Model, codes: Codes, column: int, quantiles: Sequence[float]) -> np.ndarray:
    """Quantiles (N, Q) of a column of numbers, in codes."""
    found = np.empty((len(codes), len(quantiles)))
    for batch in batches(model, codes, "conditioning"):
        distribution = distribution_of(model, batch, column)
        for k, q in enumerate(quantiles):
            found[batch.rows, k] = distribution.quantile(q).cpu().numpy()
    return found


def expected_words(model: Model, codes: Codes, column: int) -> list[str]:
    """What is likely in each row's cell of the column, in words: the likeliest levels, all others as one, or the middle 90 %."""
    spec = model.schema.columns[column]
    if spec.has_levels:
        p, names = level_probabilities(model, codes, column), spec.code_names
        best = np.argsort(-p, axis=1, kind="stable")[:, :SHOWN_LEVELS]
        return [
            ", ".join(f"{names[k]} {p[row, k]:.0%}" for k in some if k == some[0] or p[row, k] >= 0.01)
            for row, some in enumerate(best)
        ]
    ends = quantiles_of(model, codes, column, (0.05, 0.95))
    low, high = (spec.as_text(spec.decode(ends[:, k])) for k in (0, 1))
    return [f"{a} … {b}" if a != b else a for a, b in zip(low, high, strict=True)]
