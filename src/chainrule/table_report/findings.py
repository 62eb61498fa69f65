"""Cells that are probably wrong, odd rows and cells, and drift."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import tasks
from chainrule.plots import rows as row_pictures
from chainrule.table import Codes
from chainrule.table_report.asked import Asked, as_polars, unseen
from chainrule.table_report.parts import Cells, Pictures, Section, Text, picture
from chainrule.tasks.answer import Batch
from chainrule.tasks.conditional import MIDDLE, quantiles_of

MOST_FINDINGS, MOST_ODD, ODD_PICTURES = 20, 12, 2
MOST_CHANGES = 12  # between the table and new rows
FDR = 0.1
RARE_DECIMALS = 0.1  # share of a column's values, below which so many decimals are unusual
CELLS_OF_ROW = 8  # in the picture of a row
DIGITS = {"bits": 1, "q": 3}


def wrong(asked: Asked) -> Section | None:
    """Cells that are probably wrong."""
    if not asked.any_evidence:
        return None
    title = "Cells that are probably wrong"
    with unseen():
        answered = tasks.proofread(asked.model, asked.table, fdr=FDR)
    names = ["row", "column", "found", "suggested", "kind", "bits", "q"]
    if not len(answered):
        said = "No cell is surely wrong: any list of wrong cells would have more than "
        said += f"{FDR:.0%} false findings."
        return Section("wrong", title, (Text(said),), "none is sure")
    found = as_polars(answered)
    many = "cell is" if len(found) == 1 else "cells are"
    said = f"{len(found):,} {many} probably wrong; at most {FDR:.0%} of such findings are right "
    said += "cells, by expectation."
    if len(found) > MOST_FINDINGS:
        said += f" The surest {MOST_FINDINGS} are shown."
    said += " q is the expected share of right cells among a cell and those above it."
    said += " A model that was fitted to these rows misses some: cr.proofread(table) finds more."
    rows = [list(row) for row in found.select(names).rows()[:MOST_FINDINGS]]
    cells = Cells.of("findings", names, rows, digits=DIGITS)
    gist = f"{len(found):,} of {asked.cells:,} cells"
    return Section("wrong", title, (Text(said), cells), gist)


def odd(asked: Asked) -> Section | None:
    """The oddest rows, with a picture of the first of them; if no row is odd, the oddest cells."""
    if not asked.any_evidence:
        return None
    spec = asked.training.get("calibration")
    calibration = None if spec is None else tasks.Calibration.from_json(spec)
    with unseen():
        rows = tasks.odd_rows(asked.model, asked.table, calibration, fdr=FDR)
        if len(rows):
            found = as_polars(rows).head(MOST_ODD)
            names = ["row", "p_value", "q_value", "column", "found", "bits", "expected", "others"]
            title, gist = "Odd rows", f"{len(rows):,} of {len(asked.table):,} rows"
            many = "row is" if len(rows) == 1 else "rows are"
            said = f"{len(rows):,} {many} odd; at most {FDR:.0%} of such findings are ordinary "
            said += "rows, by expectation. Beside each is its oddest cell. 10 bits are one cell "
            said += "in a thousand."
        else:
            found = as_polars(tasks.oddest(asked.model, asked.table, top=MOST_ODD))
            names, title, gist = found.columns, "Oddest cells", "no row is odd for sure"
            said = _none_is_odd(asked, len(found))
        at = list(dict.fromkeys(found["row"].to_list()))[:ODD_PICTURES]
        pictures = tuple(
            picture(
                row_pictures.draw(asked.model, asked.table, row, None, most=CELLS_OF_ROW),
                f"Bits of the oddest cells of row {row}",
            )
            for row in at
        )
        reasons = [why(asked, row["row"], row["column"]) for row in found.to_dicts()]
    listed = [
        [*row, reason] for row, reason in zip(found.select(names).rows(), reasons, strict=True)
    ]
    shown = [{"p_value": "p", "q_value": "q"}.get(name, name) for name in names]
    cells = Cells.of(title, [*shown, "why"], listed, digits=DIGITS)
    return Section("odd", title, (Text(said), cells, Pictures(pictures, "large")), gist)


def _none_is_odd(asked: Asked, listed: int) -> str:
    """What the list of the oddest cells is when no row is odd for sure."""
    known = asked.known_cells
    return (
        f"No row is odd for sure: among {len(asked.table):,} rows, some look as odd as these by "
        f"chance. The list has the {listed} cells that are least likely, given the other cells of "
        "their rows: look at them first. One cell in a thousand has 10 bits or more, by chance "
        f"{known / 1000:,.0f} of the {known:,} known cells."
    )


def why(asked: Asked, row: int, name: Any) -> str:
    """Why a cell is odd beside what is expected."""
    if name is None:
        return ""
    k, codes = asked.model.schema.number(name), asked.codes
    spec = asked.model.schema.columns[k]
    if codes.outside[row, k]:
        return "the column cannot hold it"
    if spec.has_levels:
        return "another label is expected"
    alone = Codes(*(each[row : row + 1] for each in (codes.values, codes.observed, codes.outside)))
    low, high = quantiles_of(Batch.of(asked.model, alone), k, MIDDLE)[0]
    code = codes.values[row, k]
    if low <= code <= high:
        values = spec.decode(codes.values[codes.observed[:, k], k])
        return f"inside, but {_unusual(spec.decode(np.array([code]))[0], values)}"
    return "less than expected" if code < low else "more than expected"


def _unusual(value: Any, values: np.ndarray) -> str:
    """What is unusual about a number near to which others are usual."""
    if isinstance(value, int | float | np.number):
        decimals = decimals_of(float(value))
        share = np.mean([decimals_of(each) >= decimals for each in values.astype(float).tolist()])
        if decimals and share < RARE_DECIMALS:
            return f"only {share:.1%} of values have {decimals} decimal{'s' * (decimals > 1)}"
    return "such values are rarer than those around"


def decimals_of(value: float) -> int:
    """How many digits a number has after the point, of its first ten.

    >>> decimals_of(32.5), decimals_of(7.0), decimals_of(24.15)
    (1, 0, 2)
    """
    _, _, after = np.format_float_positional(float(f"{value:.10g}"), trim="-").partition(".")
    return len(after)


def drifted(asked: Asked) -> Section | None:
    """Whether the new rows are like the table."""
    if asked.new is None:
        return None
    with unseen():
        found = tasks.drift(asked.model, asked.new, asked.table, progress=False)
    changes = [[c.sentence, c.p_value, c.q_value] for c in found.changes[:MOST_CHANGES]]
    names = ["change", "p", "q"]
    return Section(
        "drift",
        "New rows",
        (
            Text(f"{found.rows:,} new rows: {found.sentence}"),
            Cells.of("changes", names, changes, wraps=True),
        ),
        found.sentence,
    )
