"""Synthetic cells that the real column could not have: each fault with an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.synthetic.tables import LABEL, NUMBER, Rows, Tables
from chainrule.table import AbstractNumbers, Datetime, Table, cells_of_column, column_positions
from chainrule.table.ties.words import share
from chainrule.table.values.cells import shown

NEAR = 1e-6  # of a step; a number so near to one on the grid is written as it
ERRORS, LEAST = 4.0, 0.002  # standard errors, and difference, of wrong shares of missing cells
LONGEST = 40  # characters of an example


@dataclass(frozen=True)
class Fault:
    """Cells of a synthetic column that the real one could not have.

    Attributes:
        column: its name.
        what: what is wrong with the cells.
        cells: how many there are; 0 if cells are missing too seldom.
        share: of all cells of the column.
        example: the first one, with its row; "" for missing cells.
    """

    column: str
    what: str
    cells: int
    share: float
    example: str = ""


Check = Callable[[Tables, int], Iterator[Fault]]


def faults_of(tables: Tables) -> tuple[Fault, ...]:
    """All faults, column by column; then rows that break ties between columns."""
    of_columns = [
        fault
        for k in range(len(tables.columns))
        for check in COLUMN_CHECKS
        for fault in check(tables, k)
    ]
    return (*of_columns, *broken_ties(tables))


def of_another_kind(tables: Tables, k: int) -> Iterator[Fault]:
    """Cells that are no number, no date, or no bit, where all real cells are."""
    rows = tables.synthetic.wrong.get(k, np.array([], dtype=np.int64))
    kind = {NUMBER: "no number", LABEL: "neither 0 nor 1"}.get(tables.columns[k].kind, "no date")
    yield from _fault(tables, k, rows, kind)


def beyond_bounds(tables: Tables, k: int) -> Iterator[Fault]:
    """Numbers and dates beyond the bounds that real rows show, or that were declared."""
    column = tables.columns[k]
    if column.is_label:
        return
    cells, codes = _encoded(tables, k, tables.synthetic)
    rows = np.flatnonzero(np.isinf(codes))
    rows = np.setdiff1d(rows, tables.synthetic.wrong.get(k, []))
    rows = rows[column.source.is_beyond_bounds(cells[rows])] if len(rows) else rows
    words = column.source.domain_as_text
    yield from _fault(tables, k, rows, f"not among the {words}")


def off_grid(tables: Tables, k: int) -> Iterator[Fault]:
    """Numbers with more decimals than real ones, and numbers and dates between the steps."""
    source = tables.columns[k].source
    if isinstance(source, Datetime):
        parts = [
            _between_dates(tables, k, source, rows) for rows in (tables.real, tables.synthetic)
        ]
        words = "not on the grid of the dates"
    elif isinstance(source, AbstractNumbers):
        step, origin, words = _grid(source)
        if step is None:
            return
        parts = [
            _between_steps(rows.values[:, k], step, origin)
            for rows in (tables.real, tables.synthetic)
        ]
    else:
        return
    usual, found = float(parts[0].mean()), float(parts[1].mean())
    # A few real numbers may lie off the grid; synthetic ones may be as many, up to chance.
    if found - usual > ERRORS * np.sqrt(usual * (1 - usual) / min(map(len, parts))):
        yield from _fault(tables, k, np.flatnonzero(parts[1]), words)


def unseen_labels(tables: Tables, k: int) -> Iterator[Fault]:
    """Labels that no real row has, held-out rows included."""
    column = tables.columns[k]
    if not column.is_label:
        return
    values = tables.synthetic.values[:, k]
    seen = np.zeros(len(column.labels), dtype=bool)
    for rows in (tables.real, tables.holdout):
        if rows is not None:
            real = rows.values[:, k]
            seen[real[~np.isnan(real)].astype(np.int64)] = True
    codes = np.nan_to_num(values).astype(np.int64)
    rows = np.flatnonzero(~np.isnan(values) & ~seen[codes])
    rows = np.setdiff1d(rows, tables.synthetic.wrong.get(k, []))
    yield from _fault(tables, k, rows, "a label of no real row")


def wrongly_missing(tables: Tables, k: int) -> Iterator[Fault]:
    """Missing cells that are clearly more, or fewer, than among real ones."""
    shares = [float(_missing(rows, k).mean()) for rows in (tables.real, tables.synthetic)]
    counts = [len(tables.real), len(tables.synthetic)]
    both = float(np.average(shares, weights=counts))
    error = np.sqrt(both * (1 - both) * (1 / counts[0] + 1 / counts[1]))
    if abs(shares[1] - shares[0]) > max(ERRORS * error, LEAST):
        found = int(_missing(tables.synthetic, k).sum())
        words = f"missing, where {shares[0]:.1%} of the real cells are"
        yield Fault(tables.columns[k].name, words, found, shares[1])


def broken_ties(tables: Tables) -> Iterator[Fault]:
    """Rows without a relation between columns that real rows have, such as a sum or an order."""
    ties = tables.schema.ties
    # Ties number the schema's columns, missing-flags included, which are no columns of the tables.
    numbers = {k: tables.number(tables.schema.columns[k].name) for tie in ties for k in tie.columns}
    codes = np.full((len(tables.synthetic), len(tables.schema.columns)), np.nan)
    for k, number in numbers.items():
        codes[:, k] = _encoded(tables, number, tables.synthetic)[1]
    is_known, said = np.isfinite(codes), set[str]()
    for tie in ties:
        if tie.text in said:  # the other direction of columns that determine each other
            continue
        holds = tie.holds(codes, is_known)
        rows, known = np.flatnonzero(holds == 0), np.count_nonzero(~np.isnan(holds))
        error = np.sqrt(max(tie.share * (1 - tie.share), 1 / max(known, 1)) / max(known, 1))
        if known and len(rows) / known > 1 - tie.share + ERRORS * error:
            said.add(tie.text)
            words = f"breaks {tie.text}, which real cells keep {share(tie.share)}"
            first = [k for k in tie.targets if tie.text.startswith(tables.schema.names[k])]
            yield from _fault(tables, numbers[(first or tie.targets)[-1]], rows, words)


COLUMN_CHECKS: tuple[Check, ...] = (
    of_another_kind,
    beyond_bounds,
    off_grid,
    unseen_labels,
    wrongly_missing,
)


def _missing(rows: Rows, k: int) -> np.ndarray:
    missing = np.isnan(rows.values[:, k])
    missing[rows.wrong.get(k, np.array([], dtype=np.int64))] = False
    return missing


def _grid(source: AbstractNumbers) -> tuple[float | None, float, str]:
    """The step of a column's numbers, their origin, and words for a number between them."""
    if source.step is not None:
        step = float(source.step)
        begin = f" from {source.origin % step:g}" if source.origin % step else ""
        return step, float(source.origin), f"not among the steps of {step:g}{begin}"
    if source.decimals is not None:
        return 10.0**-source.decimals, 0.0, f"more than {source.decimals} decimals"
    return None, 0.0, ""


def _between_steps(numbers: np.ndarray, step: float, origin: float) -> np.ndarray:
    """Marks the known numbers (N,) that are not on a grid."""
    with np.errstate(invalid="ignore", over="ignore"):
        steps = (numbers - origin) / step
        return np.abs(steps - np.round(steps)) > np.maximum(NEAR, 2.0**-48 * np.abs(steps))


def _between_dates(tables: Tables, k: int, source: Datetime, rows: Rows) -> np.ndarray:
    """Marks the dates (N,) that lie off the grid of their column."""
    table, cells = _cells(tables, k, rows)
    return source.on_steps(cells, table.where, strict=False).between


def _encoded(tables: Tables, k: int, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """A column's cells and codes in one of the tables; cells between steps have the nearest."""
    table, cells = _cells(tables, k, rows)
    return cells, tables.columns[k].source.nearest_codes(cells, table.where)


def _cells(tables: Tables, k: int, rows: Rows) -> tuple[Table, np.ndarray]:
    source, table = tables.columns[k].source, rows.table
    assert table is not None, "faults are those of whole tables"
    at = column_positions(table, tables.schema)[source.name]
    return table, cells_of_column(table, at, source, tables.schema, strict=False)


def _fault(tables: Tables, k: int, rows: np.ndarray, what: str) -> Iterator[Fault]:
    """The fault of these rows; none for no row."""
    if not len(rows):
        return
    table, name = tables.synthetic.table, tables.columns[k].name
    assert table is not None, "faults are those of whole tables"
    at, row = column_positions(table, tables.schema)[name], int(rows[0])
    cell = shown(table.columns[at], row)
    short = cell if len(cell) <= LONGEST else f"{cell[:LONGEST]}…"
    yield Fault(name, what, len(rows), len(rows) / len(tables.synthetic), f"{short} at row {row}")
