"""The findings of a table: its wrong cells, surest first, each with what it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.mistakes import MISTAKES
from chainrule.table import column_positions, masses, objects_of
from chainrule.tasks.answer import Batch, Chunk
from chainrule.tasks.conditional import level_probabilities_of
from chainrule.tasks.each_cell import Quantiles, each_cell
from chainrule.tasks.explain import LEAST_TAIL, bits_of, cell_as_written
from chainrule.tasks.proofreading.cells import ColumnCells
from chainrule.tasks.proofreading.rows import Blamed
from chainrule.tasks.proofreading.suspects import Judges, hidden_from

LEAST_POSTERIOR = 0.01  # cells less likely to be wrong are never returned
MOST_TIMES = 5  # times the fdr: a finding that is right with a larger probability is not returned
LEVELS = (0.05, 0.5, 0.95)  # the quantiles of a suggested number
MIDDLE = 0.9  # probability between the first and the last
LARGEST_LOG = 690.0  # of a ratio that float64 holds


@dataclass(frozen=True)
class Expected:
    """What is expected in each of f cells, given the rest of their rows.

    Attributes:
        codes: the median of numbers, or the likeliest other level, (f,).
        probability: of the level, or 0.9 for numbers, (f,).
        low, high: codes (f,) of the ends of the middle 90 % of numbers; NaN for levels.
        bits: the tail of the cell's own value, (f,); see ``explain``.
    """

    codes: np.ndarray
    probability: np.ndarray
    low: np.ndarray
    high: np.ndarray
    bits: np.ndarray


def q_values(log_wrong: np.ndarray) -> np.ndarray:
    """The expected share (m,) of false findings among the first, by log odds (m,), surest first."""
    right = 1 / (1 + np.exp(np.clip(log_wrong, -LARGEST_LOG, LARGEST_LOG)))
    return np.cumsum(right) / np.arange(1, len(right) + 1)


def columns_of_findings(
    chunk: Chunk,
    judges: Judges,
    cells: Sequence[ColumnCells | None],
    blamed: Blamed,
    fdr: float,
    *,
    alone: bool = True,
) -> dict[str, np.ndarray]:
    """The columns of a chunk's findings; see ``tasks.proofread``.

    ``log_wrong`` is a further column, the log odds by which they are sorted. If the chunk is the
    whole table, q-values go up to ``fdr``. Otherwise all cells are returned that may be findings
    beside those of other chunks, and ``joined_findings`` chooses.
    """
    order = np.argsort(-blamed.log_wrong, kind="stable")
    q = q_values(blamed.log_wrong[order])
    least = max(LEAST_POSTERIOR, 1 - MOST_TIMES * fdr)
    likely = blamed.log_wrong[order] >= np.log(least) - np.log1p(-least)
    chosen = order[(q <= fdr) & likely if alone else likely]
    suspects, q = blamed.suspects.take(chosen), q[: len(chosen)]
    odds, kinds = blamed.log_odds[chosen], blamed.log_odds[chosen].argmax(1)
    table = np.full((5, len(suspects)), np.nan)
    for batch, places in judges.each(suspects.rows):
        where = suspects.rows[places], suspects.columns[places]
        table[:, places] = _expected(batch, *where, blamed.hidden)
    expected = Expected(*table)
    each = np.arange(len(chosen))
    share = np.exp(odds - np.logaddexp.reduce(odds, axis=1)[:, None])  # of each kind, (f, K)
    original, undone = suspects.originals[each, kinds], np.isfinite(suspects.originals)
    is_undone = np.isfinite(original)
    codes = np.where(is_undone, original, expected.codes)
    same = undone & (suspects.originals == codes[:, None])
    probability = (share * np.where(same, np.exp(suspects.log_share), 0)).sum(1)
    probability += np.where(
        is_undone & np.isfinite(expected.low),
        0.0,
        expected.probability * np.where(undone, 0, share).sum(1) * (codes == expected.codes),
    )
    low, high = (np.where(is_undone, codes, end) for end in (expected.low, expected.high))
    numbers = np.array([c is not None and c.holds == "numbers" for c in cells], dtype=bool)
    is_number = numbers[suspects.columns]
    ratio = np.exp(np.clip(suspects.log_ratio[each, kinds], -LARGEST_LOG, LARGEST_LOG))
    found, names = _as_found(chunk, suspects.rows, suspects.columns)
    return {
        "row": suspects.rows + chunk.table.first_row,
        "column": names,
        "found": found,
        "suggested": _as_text(cells, suspects.columns, codes),
        "probability": np.minimum(probability, 1.0),
        "low": _as_numbers(cells, suspects.columns, low, is_number),
        "high": _as_numbers(cells, suspects.columns, high, is_number),
        "bits": expected.bits,
        "kind": objects_of([MISTAKES[k].name for k in kinds.tolist()]),
        "likelihood_ratio": ratio,
        "q": q,
        "log_wrong": blamed.log_wrong[chosen],
    }


def joined_findings(parts: Sequence[dict[str, np.ndarray]], fdr: float) -> dict[str, np.ndarray]:
    """The findings of all chunks, surest first, whose q-values among all go up to ``fdr``."""
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(-columns["log_wrong"], kind="stable")
    columns = {name: cells[order] for name, cells in columns.items()}
    columns["q"] = q_values(columns.pop("log_wrong"))
    within = columns["q"] <= fdr
    return {name: cells[within] for name, cells in columns.items()}


def _expected(
    rows_of_table: Batch, rows: np.ndarray, columns: np.ndarray, hidden: np.ndarray
) -> np.ndarray:
    """The fields of ``Expected`` (5, f) of some cells, given those of their rows not hidden."""
    some, place = np.unique(rows, return_inverse=True)
    batch = rows_of_table.take(some)
    x, schema = batch.network.columns.filled(batch.x, batch.observed), batch.model.schema
    has_mass = torch.from_numpy(masses(schema, batch.codes.values)).to(x.device)
    table = np.full((5, *batch.codes.values.shape), np.nan)
    asked = np.zeros(batch.codes.values.shape, dtype=bool)
    asked[place, columns] = True

    def of_numbers(row: np.ndarray, column: np.ndarray, found: np.ndarray) -> None:
        found = np.clip(found, ends[0, column][:, None], ends[1, column][:, None])
        table[2, row, column], table[0, row, column], table[3, row, column] = found.T
        table[1, row, column] = MIDDLE

    ends = np.array([(getattr(c, "low", 0.0), getattr(c, "high", 0.0)) for c in schema.columns]).T
    middles = Quantiles(LEVELS, of_numbers)

    def of(row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        table[4, row, column], _ = bits_of(distribution, x[row, column], has_mass[row, column])
        if not schema.columns[column[0]].has_levels:
            middles(row, column, distribution)
            return
        p = level_probabilities_of(distribution)
        levels = np.array([len(schema.columns[k].level_names) for k in column.tolist()])
        own = np.where(batch.codes.observed[row, column], batch.codes.values[row, column], -1)
        numbers = np.arange(p.shape[1])
        others = np.where((numbers < levels[:, None]) & (numbers != own[:, None]), p, 0.0)
        table[0, row, column] = others.argmax(1)
        table[1, row, column] = others.max(1) / np.maximum(others.sum(1), 1e-300)

    each_cell(hidden_from(batch, hidden[some]), asked, of, "proofreading")
    middles.flush()
    table[4, batch.codes.outside] = -np.log2(LEAST_TAIL)
    return table[:, place, columns]


def _as_found(chunk: Chunk, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells (f,) as the table writes them, and the names of their columns in the table."""
    table, schema = chunk.table, chunk.rows.model.schema
    at, labels = column_positions(table, schema), table.labels_of_columns
    names = [schema.names[k] for k in columns.tolist()]
    called = [labels[at[name]] if table.named else name for name in names]
    pairs = zip(rows.tolist(), names, strict=True)
    found = [cell_as_written(chunk, at, name, row) for row, name in pairs]
    return objects_of(found), objects_of(called)


def _as_text(
    cells: Sequence[ColumnCells | None], columns: np.ndarray, codes: np.ndarray
) -> np.ndarray:
    """Values (f,) of codes as text, in their columns' notations."""
    found = np.full(len(codes), "", dtype=object)
    for number in np.unique(columns).tolist():
        which, of = np.flatnonzero(columns == number), cells[number]
        assert of is not None
        found[which] = of.column.as_text(of.column.decode(codes[which]))
    return found


def _as_numbers(
    cells: Sequence[ColumnCells | None],
    columns: np.ndarray,
    codes: np.ndarray,
    is_number: np.ndarray,
) -> np.ndarray:
    """Values (f,) of codes of numbers, NaN elsewhere."""
    found = np.full(len(codes), np.nan)
    for number in np.unique(columns[is_number]).tolist():
        which, of = np.flatnonzero(columns == number), cells[number]
        assert of is not None
        found[which] = np.asarray(of.column.decode(codes[which]), dtype=np.float64)
    return found
