"""Which rows of a table are odd, how sure that is, and which cells make them odd."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.arguments import require_fdr
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.table import column_positions, objects_of
from chainrule.table.frames.build import build
from chainrule.tasks.answer import Chunk, chunks
from chainrule.tasks.calibrate import Calibration, cautious, default_calibration, log_p_of
from chainrule.tasks.conditional import expected_words
from chainrule.tasks.explain import LN2, cell_as_written, tail_bits
from chainrule.tasks.multiple_tests import q_values

OTHERS, OTHER_BITS = 3, 5.0  # further cells of a row that are named: at most, and least bits


def odd_rows(
    model: Model,
    table: Any,
    calibration: Calibration | None = None,
    *,
    fdr: float | None = 0.1,
    strict: bool = False,
) -> Any:
    """Returns the rows that are odd, surest first, as a frame with a row for each.

    A row is odd by the tails of its cells and by how rare values near them are; see ``oddness``.
    The frame's columns are:

    - ``row`` (from 0);
    - ``score``: −log2 of the p-value: 10 is as odd as one ordinary row in a thousand;
    - ``p_value``: the probability of a row as odd or odder, among ordinary rows with the same known
      cells;
    - ``q_value``: the expected share of ordinary rows among this one and those before it;
    - ``column``, ``found``, ``bits``, ``expected``: the oddest cell given the rest of its row, as
      in ``oddest``;
    - ``others``: up to three more cells of at least 5 bits, as "column = found (bits)".

    Held-out rows of the fit make the p-values right; see ``row_log_p``. With n of them, p-values
    below 1/(n + 1) follow from the tail of drawn rows, cautiously; see ``cautious``.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted; a file is read whole.
        calibration: what a fit keeps in ``training["calibration"]``; by default the ranks among
            drawn rows are the p-values.
        fdr: the largest ``q_value`` that is returned. With None or 1, all rows are.
        strict: refuse cells whose values their columns cannot hold.

    Raises:
        SchemaError: such a cell, with ``strict``.
        EvidenceError: a network of one order, except for columns of few values.
    """
    fdr = 1.0 if fdr is None else require_fdr(fdr)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "column ", UserWarning)  # of cells that are named
        (chunk,) = chunks(model, table, whole=True, strict=strict, ranges=False)
    calibration = calibration or default_calibration(model)
    log_p = cautious(log_p_of(chunk.rows, calibration), calibration.rows)
    q = q_values(np.exp(log_p))
    rows = np.flatnonzero(q <= fdr)
    rows = rows[np.argsort(log_p[rows], kind="stable")]
    columns = {
        "row": rows,
        "score": np.abs(log_p[rows]) / LN2,
        "p_value": np.exp(log_p[rows]),
        "q_value": q[rows],
        **_cells(chunk, rows),
    }
    container = "pandas" if chunk.table.container == "pandas" else "polars"
    return build(columns, {}, container)


def _cells(chunk: Chunk, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the columns that name the oddest cells of some rows."""
    table, schema = chunk.table, chunk.rows.model.schema
    some = chunk.rows.take(rows)
    bits, relative = tail_bits(some)
    bits[:, is_flag(schema)] = relative[:, is_flag(schema)] = np.nan
    # The relative surprise ranks cells whose tails are equal or too small for float64.
    order = np.lexsort((-relative, -bits), axis=1)
    first, number = order[:, 0], np.arange(len(rows))
    at, labels = column_positions(table, schema), table.labels_of_columns

    def named(k: int) -> Any:
        name = schema.names[k]
        return labels[at[name]] if table.named else name

    def written(row: int, k: int) -> str:
        return cell_as_written(chunk, at, schema.names[k], row)

    known = ~np.isnan(bits[number, first])
    others = [
        ", ".join(
            f"{named(k)} = {written(row, k)} ({bits[i, k]:.1f})"
            for k in order[i, 1 : 1 + OTHERS].tolist()
            if bits[i, k] >= OTHER_BITS
        )
        for i, row in enumerate(rows.tolist())
    ]
    cells = list(zip(rows.tolist(), first.tolist(), known.tolist(), strict=True))
    expected = np.full(len(rows), None, dtype=object)
    expected[known] = expected_words(some, number[known], first[known])
    return {
        "column": objects_of([named(k) if is_known else None for _, k, is_known in cells]),
        "found": objects_of([written(row, k) if is_known else None for row, k, is_known in cells]),
        "bits": bits[number, first],
        "expected": expected,
        "others": objects_of(others),
    }
