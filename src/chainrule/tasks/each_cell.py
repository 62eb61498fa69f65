"""The conditional distributions of many cells of a table, each given the rest of its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.conditionals.distribution import quantiles
from chainrule.missing import present_codes
from chainrule.networks.asked import AskedCells, joined
from chainrule.progress import progress_bar
from chainrule.tasks.answer import Batch
from chainrule.tasks.outside import conditional_given

BATCH_ROWS = 256  # rows that a network of one order answers together
SEARCHED = 4096  # cells whose quantiles are searched together

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


class Quantiles:
    """An answer for ``each_cell``: quantiles of numbers, of many columns together.

    Args:
        levels: probabilities above 0 and below 1.
        of: called with the cells' rows (m,), their columns (m,) and their quantiles, in codes,
            (m, Q).
    """

    def __init__(
        self,
        levels: Sequence[float],
        of: Callable[[np.ndarray, np.ndarray, np.ndarray], None],
    ) -> None:
        self._levels, self._of, self._held = levels, of, 0
        self._waiting: list[tuple[np.ndarray, np.ndarray, Distribution]] = []

    def __call__(self, row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        """Keeps the cells until many wait, and then answers them all."""
        self._waiting.append((row, column, distribution))
        self._held += len(row)
        if self._held >= SEARCHED:
            self.flush()

    def flush(self) -> None:
        """Answers the cells that wait. It is to be called after the last cell."""
        if not self._waiting:
            return
        rows, columns, distributions = zip(*self._waiting, strict=True)
        found = [torch.cat(quantiles(distributions, q)) for q in self._levels]
        values = torch.stack(found, dim=1).cpu().numpy()
        self._of(np.concatenate(rows), np.concatenate(columns), values)
        self._waiting, self._held = [], 0


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
