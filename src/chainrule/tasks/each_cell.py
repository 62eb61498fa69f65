"""The conditional distributions of many cells of a table, each given the rest of its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.missing import present_codes
from chainrule.networks.asked import AskedCells, joined
from chainrule.progress import progress_bar
from chainrule.tasks.answer import Batch
from chainrule.tasks.outside import conditional_given

BATCH_ROWS = 256  # rows that a network of one order answers together

Answer = Callable[[np.ndarray, np.ndarray, Distribution], None]


def each_cell(rows: Batch, asked: np.ndarray, of: Answer, what: str) -> None:
    """Passes the distribution of every asked cell, given the other known cells of its row.

    A cell's missing-flag is set to "not missing", so that a missing cell does not influence what it
    would hold. The network reads each row once for each set of known cells. Cells come in no order,
    some hundred at a time, and those of equal conditionals come together.

    Args:
        rows: the rows.
        asked: bool (n, D).
        of: called with the cells' rows (m,), their columns (m,) and their m distributions.
        what: the progress bar's label; it counts cells.

    Raises:
        EvidenceError: cells that a network of one order cannot condition on.
    """
    with (
        torch.no_grad(),
        progress_bar(what, int(asked.sum()), progress=rows.progress) as advance,
    ):
        for cells in joined(_found(rows, asked)):
            of(cells.rows.cpu().numpy(), cells.columns.cpu().numpy(), cells.distribution)
            advance(len(cells.rows))


def _found(rows: Batch, asked: np.ndarray) -> Iterator[AskedCells]:
    cells = torch.from_numpy(asked).to(rows.x.device)
    present = present_codes(rows.model.schema)
    if rows.network.any_evidence:
        yield from rows.network.each_given_others(rows.x, rows.observed, cells, present)
        return
    for start in range(0, len(rows), BATCH_ROWS):
        batch = slice(start, start + BATCH_ROWS)
        for found in _in_one_order(rows.take(batch), cells[batch], present):
            yield found._replace(rows=found.rows + start)


def _in_one_order(
    batch: Batch, asked: torch.Tensor, present: Mapping[int, tuple[int, float]]
) -> Iterator[AskedCells]:
    """Yields the asked cells by a network whose evidence is limited, column by column."""
    for column in asked.any(0).nonzero()[:, 0].tolist():
        rows = asked[:, column].nonzero()[:, 0]
        x, observed = batch.x[rows], batch.observed[rows]
        if column in present:
            flag, code = present[column]
            x[:, flag], observed[:, flag] = code, True
        found = conditional_given(batch.network, x, column, observed, batch.outside[rows])
        yield AskedCells(rows, torch.full_like(rows, column), found)
