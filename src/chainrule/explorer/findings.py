"""The cells of a table that are probably wrong, or else its oddest ones, in words."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from chainrule import tasks
from chainrule.explorer.shown import takes
from chainrule.explorer.tables import TextRows
from chainrule.mistakes import MISTAKES
from chainrule.model import Model
from chainrule.review.cells import polars_frame
from chainrule.table import read_table

MOST_FINDINGS = 200
FDR = 0.1  # the expected share of false findings, as of density.proofread and of the report
TOP = 20  # oddest cells of a table without findings
SENTENCES = {mistake.name: mistake.sentence for mistake in MISTAKES}


def findings_of(model: Model, rows: TextRows) -> dict[str, Any]:
    """The cells of a table that are probably wrong, surest first; if none is, its oddest ones.

    These are the findings of ``density.proofread(table, fdr=0.1)``, or the first of
    ``density.oddest(table)``.

    Returns:
        As JSON: whether they are ``sure``; how many there are in all; and the ``findings``, each
        with ``row``, ``column``, ``found``, ``said`` (why, and what was expected), ``suggested``
        (None if nothing is), ``q`` (of sure ones) and ``bits``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = tasks.proofread_by([model], rows.table, fdr=FDR, progress=False)
        sure = bool(len(found))
        if not sure:
            found = tasks.oddest(model, rows.table, top=TOP)
    frame = polars_frame(read_table(found))
    cells = [
        _finding(model, rows, each) for each in frame.head(MOST_FINDINGS).iter_rows(named=True)
    ]
    return {"sure": sure, "fdr": FDR, "all": len(frame), "findings": cells}


def _finding(model: Model, rows: TextRows, each: Mapping[str, Any]) -> dict[str, Any]:
    row, name = int(each["row"]), str(each["column"])
    k = model.schema.names.index(name) if name in model.schema.names else None
    is_outside = k is not None and bool(rows.codes.outside[row, k])
    suggested, q = each.get("suggested"), each.get("q")
    if is_outside and k is not None:
        why = f"{name} takes {takes(model.schema.columns[k])}"
    elif suggested is not None:
        why = SENTENCES[each["kind"]](str(each["found"]), str(suggested))
    else:
        why = "rare given the rest of its row"
    expected = each["expected"] if suggested is None and "expected" in each else suggested
    return {
        "row": row,
        "column": name,
        "found": str(each["found"]),
        "said": why + ("" if expected is None else f"; expected {expected}"),
        "suggested": None if suggested is None else str(suggested),
        "q": None if q is None else float(q),
        "bits": float(each["bits"]),
    }
