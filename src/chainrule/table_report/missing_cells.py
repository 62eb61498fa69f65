"""Missing cells of all columns, and what belongs in those of the model's columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule import tasks
from chainrule.review.cells import polars_frame
from chainrule.table import column_positions
from chainrule.table_report.asked import MOST_NAMED, Asked, as_polars, unseen
from chainrule.table_report.parts import Cells, Part, Section, Text

MOST_FILLED, MOST_LISTED = 12, 40
INTERVAL = 0.9
DIGITS = {"probability": 2}


def filled(asked: Asked) -> Section:
    """Which cells are missing, also of columns that are not modelled; what belongs in them."""
    found = [each for each in asked.missing_by_column() if each[1]]
    every = len(asked.table) * (len(asked.shown) + len(asked.unmodelled))
    if not found:
        return Section("filled", "Missing cells", (Text("No cell is missing."),), "none")
    total = sum(count for _, count, _ in found)
    rows = [
        [name, count, _share(asked, count), "yes" if reason is None else f"no: {reason}"]
        for name, count, reason in found[:MOST_LISTED]
    ]
    said = f"{total:,} of {every:,} cells are missing."
    if len(found) > MOST_LISTED:
        said += f" The {MOST_LISTED} of {len(found)} columns with most of them are shown."
    names = ["column", "missing", "share of rows", "can be filled"]
    parts: list[Part] = [Text(said), Cells.of("missing cells", names, rows, wraps=True)]
    if asked.any_evidence and (cells := _filled_rows(asked, asked.missing)):
        of = "Some of each column, filled with the most probable label or the median. Numbers have "
        parts.append(Text(f"{of}their {INTERVAL:.0%} interval."))
        titles = ["row", "column", "filled", "probability", "from", "to"]
        kept = [k for k in range(len(titles)) if any(row[k] is not None for row in cells)]
        listed = [[row[k] for k in kept] for row in cells]
        parts.append(Cells.of("filled cells", [titles[k] for k in kept], listed, digits=DIGITS))
    gist = ", ".join(f"{_share(asked, n)} of {name}" for name, n, _ in found[:MOST_NAMED])
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return Section("filled", "Missing cells", tuple(parts), f"{gist}{more}")


def _share(asked: Asked, count: int) -> str:
    return f"{count / len(asked.table):.1%}"


def _filled_rows(asked: Asked, missing: np.ndarray) -> list[list[Any]]:
    """Some missing cells: row, column, filling, its probability or the ends of an interval."""
    model, shown = asked.model, _first_of_each(missing)
    some = np.flatnonzero(shown.any(1))
    if not len(some):
        return []
    with unseen():
        part = polars_frame(asked.table)[some.tolist()]
        levels = tasks.IntervalLevels.of_record(asked.training)
        answer = tasks.impute(model, part, how="best", interval=INTERVAL, levels=levels)
        whole, low, high = (as_polars(each) for each in answer)
        likely = {
            k: as_polars(tasks.conditional(model, part, model.schema.columns[k].name))
            for k in np.flatnonzero(shown.any(0)).tolist()
            if model.schema.columns[k].has_levels
        }
    at, rows = column_positions(asked.table, model.schema), []
    for place, row in enumerate(some.tolist()):
        for k in np.flatnonzero(shown[row]).tolist():
            name = model.schema.columns[k].name
            if (position := at.get(name)) is None:
                continue
            filled, *ends = (each[place, position] for each in (whole, low, high))
            p = _most(likely[k].row(place, named=True)) if k in likely else None
            ends = [None, None] if k in likely else [_rounded(end) for end in ends]
            rows.append([row, name, filled, p, *ends])
    return rows


def _first_of_each(missing: np.ndarray) -> np.ndarray:
    """Marks the missing cells (N, D) that are shown: the first of each column, then the second.

    >>> _first_of_each(np.array([[True, False]] * 20 + [[False, True]] * 5)).sum(0)
    array([7, 5])
    """
    rank = np.where(missing, missing.cumsum(0), len(missing) + 1)
    order = np.lexsort((np.arange(missing.size), rank.ravel()))
    shown = np.zeros(missing.size, dtype=bool)
    shown[order[:MOST_FILLED]] = True
    return shown.reshape(missing.shape) & missing


def _rounded(end: Any) -> Any:
    """The end of an interval to three digits; what is no broken number stays."""
    return float(f"{end:.3g}") if isinstance(end, float) and abs(end) < 1000 else end


def _most(levels: Mapping[str, float]) -> float:
    """The probability of the most probable level that has a name."""
    return round(max(p for name, p in levels.items() if not name.startswith("(other)")), 2)
