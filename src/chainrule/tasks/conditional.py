"""The distribution of one column given the rest of each row."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from chainrule import missing
from chainrule.arguments import QUANTILES, require_quantiles
from chainrule.conditionals import Distribution
from chainrule.model import Model
from chainrule.table import AbstractColumn, Sink
from chainrule.tasks.answer import Batch, Chunk, answer
from chainrule.tasks.each_cell import Quantiles, each_cell
from chainrule.tasks.outside import conditional_given

MIDDLE = (0.05, 0.95)  # the ends of the middle 90 %
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
    """Returns p(column | the other known cells of each row), as a frame with a row for each row of
    the table.

    For a categorical column the frame has the probability of each listed level. The last column,
    ``(other)``, has that of all unlisted labels together. It gets a star if a label has the same
    name. Each row sums to 1. For a binary column the frame has the probabilities of its two values,
    given that the cell holds one of them. For numbers and dates it has quantiles, such as
    ``q0.05``.

    Args:
        model: the fitted model.
        table: rows; the column's own cells are never read, and it may be absent.
        column: its name, or its label in the frame: a number, or a tuple of a MultiIndex.
        quantiles: probabilities above 0 and below 1.
        strict: refuse cells whose values their columns cannot hold, instead of treating them as
            unknown.
        to: a path of CSV or Parquet, or another sink, to which the frame is written.

    Raises:
        SchemaError: there is no such column, or it was left out; a cell that is refused.
        EvidenceError: a network of one order that cannot answer this.
    """
    number = model.schema.number(column)
    require_quantiles(quantiles)
    of = partial(_columns, number=number, quantiles=quantiles)
    may_lack = (model.schema.columns[number].name,)
    return answer(model, table, of, to=to, strict=strict, absent_is_fine=may_lack)


def _columns(chunk: Chunk, *, number: int, quantiles: Sequence[float]) -> dict[str, np.ndarray]:
    """The answer's columns by name, (n,) each."""
    spec = chunk.rows.model.schema.columns[number]
    if spec.has_levels:
        found = chunk.rows.each(partial(level_probabilities, column=number), "conditioning")
        return dict(zip(spec.code_names, found.T, strict=True))
    of = partial(quantiles_of, column=number, quantiles=quantiles)
    found = chunk.rows.each(of, "conditioning")  # (n, Q)
    return {f"q{q:g}": spec.shown(found[:, k]) for k, q in enumerate(quantiles)}


def distribution_of(batch: Batch, column: int) -> Distribution:
    """Returns the column's conditional distribution in each row of a batch.

    The column's missing-flag is set to "not missing", so that a missing cell does not influence
    what it would hold.
    """
    cells = np.zeros(batch.codes.values.shape, dtype=bool)
    cells[:, column] = True
    asked = replace(batch, codes=missing.present(batch.model.schema, batch.codes, cells))
    return conditional_given(asked.network, asked.x, column, asked.observed, asked.outside)


def level_probabilities(batch: Batch, column: int) -> np.ndarray:
    """Returns the probabilities of a column's levels; each row sums to 1.

    The shape is (n, 2) for a binary column. It is (n, V + 1) for a categorical one; the last column
    is all unlisted labels.
    """
    return level_probabilities_of(distribution_of(batch, column))


def level_probabilities_of(distribution: Distribution) -> np.ndarray:
    """Returns what ``level_probabilities`` returns, of a column's distribution in each row."""
    conditional, params = distribution.conditional, distribution.params
    values, times = conditional.support() or (), conditional.multiplicities() or ()
    logs = distribution.log_prob_grid(params.new_tensor(values).expand(len(params), -1))
    return (logs + params.new_tensor(times).log()).softmax(1).cpu().numpy()


def quantiles_of(batch: Batch, column: int, quantiles: Sequence[float]) -> np.ndarray:
    """Returns quantiles (n, Q) of a column of numbers, in codes."""
    distribution = distribution_of(batch, column)
    return np.stack([distribution.quantile(q).cpu().numpy() for q in quantiles], axis=1)


def expected_words(rows: Batch, at: np.ndarray, columns: np.ndarray) -> list[str]:
    """Returns for each of n cells, in words, what is likely in it.

    These are the most probable levels, with all unlisted labels as one, or the middle 90 % of
    numbers.

    Args:
        rows: the rows.
        at: the cells' rows, int (n,); no cell occurs twice.
        columns: the cells' columns, int (n,).
    """
    specs, words = rows.model.schema.columns, {}

    def describe(row: np.ndarray, column: np.ndarray, found: np.ndarray) -> None:
        for r, k, of_cell in zip(row.tolist(), column.tolist(), found, strict=True):
            words[r, k] = _in_words(specs[k], of_cell)

    middles = Quantiles(MIDDLE, describe)

    def of(row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        if specs[column[0]].has_levels:
            describe(row, column, level_probabilities_of(distribution))
        else:
            middles(row, column, distribution)

    some, place = np.unique(at, return_inverse=True)
    asked = np.zeros((len(some), len(specs)), dtype=bool)
    asked[place, columns] = True
    each_cell(rows.take(some), asked, of, "conditioning")
    middles.flush()
    return [words[cell] for cell in zip(place.tolist(), columns.tolist(), strict=True)]


def _in_words(spec: AbstractColumn, found: np.ndarray) -> str:
    """Returns a cell's probabilities of levels, or its middle 90 %, in words."""
    if spec.has_levels:
        return likely_levels(found, spec.code_names)
    low, high = spec.as_text(spec.decode(found))
    return f"{low} … {high}" if low != high else str(low)


def likely_levels(p: np.ndarray, names: Sequence[str]) -> str:
    """Returns the most probable levels and their probabilities (V,), in words."""
    first, *others = np.argsort(-p, kind="stable")[:SHOWN_LEVELS].tolist()
    return ", ".join(
        f"{names[k]} {p[k]:.0%}" for k in (first, *(k for k in others if p[k] >= 0.01))
    )
