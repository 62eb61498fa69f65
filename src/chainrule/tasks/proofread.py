"""Which cells of a table are wrong, what they should be, and how sure that is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.arguments import require_fdr
from chainrule.model import Model
from chainrule.table import is_read_in_parts
from chainrule.table.frames.build import build
from chainrule.tasks.answer import chunks
from chainrule.tasks.proofreading.cells import cells_of_chunk
from chainrule.tasks.proofreading.findings import columns_of_findings, joined_findings
from chainrule.tasks.proofreading.rows import blame
from chainrule.tasks.proofreading.suspects import Judges


def proofread(model: Model, table: Any, *, fdr: float = 0.1, strict: bool = False) -> Any:
    """Returns the cells that are probably wrong, surest first, as a frame with a row for each.

    A value is wrong if it is rare given the rest of its row, and undoing a usual mistake makes the
    row likely. ``chainrule.mistakes.MISTAKES`` lists the mistakes: a decimal point, two digits
    transposed, a zero, the value of another row, a misspelt label and others. A mistake of another
    kind is "none of these". Let m be the probability of a rounding cell given the other known cells
    of the row, and q(v | u) that of the mistake. The odds of a mistake against a right cell are
    rate · Σ_u m(u) q(v | u) / m(v). The table shows the rates: those of a column are drawn towards
    those of all columns. All hypotheses of a row are normalised together. The surest wrong cell of
    a row is then no evidence for the others, which are asked again.

    The frame's columns are:

    - ``row`` (from 0), ``column``, ``found``: the cell, as the table writes it;
    - ``suggested``: what it should be; ``probability``: if the cell is wrong, the probability that
      this is right. For numbers it is that of the values from ``low`` to ``high``, two further
      columns;
    - ``bits``: −log2 of the probability, given the rest of the row, of a value at most as likely;
    - ``kind``: the mistake; ``likelihood_ratio``: how many times more likely it makes the row;
    - ``q``: the expected share of false findings among this one and those before it.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted. A file is read whole. If it is large, or if the
            table is a stream, it is read in parts, one in memory at a time. Each part then has
            rates of mistakes of its own; ``q`` is that of all.
        fdr: the largest ``q`` that is returned, the expected share of false findings. A cell that
            is right with five times this probability is no finding. With 1, all cells are returned
            that are wrong with a probability of 1 % or more.
        strict: refuse cells whose values their columns cannot hold, instead of proofreading them.

    Raises:
        SchemaError: such a cell, with ``strict``.
        EvidenceError: a network of one order, except for columns of few values.
    """
    return proofread_by([model], table, fdr=fdr, strict=strict)


def proofread_by(
    models: Sequence[Model],
    table: Any,
    *,
    fold: np.ndarray | None = None,
    fdr: float = 0.1,
    strict: bool = False,
    progress: bool = True,
) -> Any:
    """Returns what ``proofread`` returns, each row judged by one of several models.

    Args:
        models: fitted models of one schema.
        table: rows of the columns that were fitted.
        fold: the number of the model that judges each row, int (N,); by default the first.
        fdr, strict: see ``proofread``.
        progress: whether a progress bar is shown on stderr.
    """
    fdr, whole = require_fdr(fdr), fold is not None or not is_read_in_parts(table)
    parts, container = [], "polars"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "column ", UserWarning)  # of cells that are findings
        for chunk in chunks(
            models[0], table, whole=whole, strict=strict, ranges=False, progress=progress
        ):
            networks = [chunk.rows.network, *(model.in_float64() for model in models[1:])]
            by = np.zeros(len(chunk.rows), dtype=np.int64) if fold is None else fold
            cells, judges = cells_of_chunk(chunk), Judges.of(chunk.rows, networks, by)
            blamed = blame(judges, cells)
            parts.append(columns_of_findings(chunk, judges, cells, blamed, fdr, alone=whole))
            container = "pandas" if chunk.table.container == "pandas" else "polars"
    return build(joined_findings(parts, fdr), {}, container)
