"""Rows for a network's first parameters, without values that only few rows have."""

from __future__ import annotations

import torch

from chainrule.table import AbstractColumn, Schema, is_of_few
from chainrule.training.batches import Rows

INITIAL_ROWS = 100_000  # at most
HALF = 0.5  # the share of all weight that few rows may have


def complete_rows(rows: Rows) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A weighted subsample (n, D) without missing cells, and which cells were observed; None: all.

    Rows are evenly spaced by weight. Missing cells of a column take its observed values in turn.
    """
    rows = rows.take(_evenly_spaced(rows))
    if rows.observed is None:
        return rows.x, None
    filled = rows.x.clone()
    for column in range(rows.x.shape[1]):
        observed = rows.observed[:, column]
        values, missing = rows.x[observed, column], (~observed).nonzero()[:, 0]
        if len(values):
            filled[missing, column] = values[torch.arange(len(missing)) % len(values)]
    return filled, rows.observed


def _evenly_spaced(rows: Rows) -> torch.Tensor:
    if rows.weight is None:
        return torch.arange(0, len(rows), -(-len(rows) // INITIAL_ROWS))
    upto = rows.weight.double().cumsum(0)
    number = min(len(rows), INITIAL_ROWS)
    middles = (torch.arange(number, dtype=torch.float64) + 0.5) / number
    return torch.searchsorted(upto, middles * upto[-1]).clamp(max=len(rows) - 1)


def without_rare_values(
    filled: torch.Tensor,
    observed: torch.Tensor | None,
    schema: Schema,
    *,
    min_count: int,
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Codes whose moments reveal no row's value, (n, D) or (2n, D).

    First parameters are moments of codes. If few rows determine the moments of a column, a model
    file would reveal their values. The codes of such a column are replaced by its center plus and
    minus one spread, both from the schema. Atoms stay.

    Args:
        filled: the rows; a missing cell has one of its column's observed values.
        observed: the mask of observed cells (n, D); None for all.
        schema: the columns.
        min_count: each number must be computed from at least so many rows.
        weight: how much each row of the table counts, (N,). If fewer than ``min_count`` rows have
            more than half of it, all columns are replaced.
    """
    heavy = False
    if weight is not None:
        heavy = bool(
            weight.topk(min(min_count - 1, len(weight))).values.sum() > HALF * weight.sum()
        )
    revealing = [
        k
        for k, column in enumerate(schema.columns)
        if _reveals(column, filled[:, k], observed, k, min_count, heavy)
    ]
    if not revealing:
        return filled
    found = torch.cat([filled, filled])  # an even number of rows: half above the center, half below
    for k in revealing:
        column, codes = schema.columns[k], found[:, k].clone()
        free = _is_free(column, codes)
        signs = 1 - 2 * (torch.arange(int(free.sum())) % 2)
        below, above = column.typical_codes
        codes[free] = ((above + below) / 2 + signs * (above - below) / 2).to(codes.dtype)
        found[:, k] = codes
    return found


def other_rows(
    filled: torch.Tensor, observed: torch.Tensor | None, schema: Schema, rows: int
) -> dict[int, int]:
    """By the numbers of columns with atoms: about how many of the rows have other values.

    Args:
        filled: rows (n, D) that stand for all.
        observed: the mask of observed cells (n, D); None for all.
        schema: the columns.
        rows: the number of all rows.
    """
    found = {}
    for k, column in enumerate(schema.columns):
        if column.atom_codes():
            is_other = _is_free(column, filled[:, k])
            if observed is not None:
                is_other &= observed[:, k]
            found[k] = round(int(is_other.sum()) * rows / max(len(filled), 1))
    return found


def _reveals(
    column: AbstractColumn,
    codes: torch.Tensor,
    observed: torch.Tensor | None,
    k: int,
    min_count: int,
    heavy: bool,
) -> bool:
    """Whether the moments of a column's codes reveal the values of few rows."""
    if column.holds_labels:
        return False
    of_column = codes if observed is None else codes[observed[:, k]]
    of_column = of_column[_is_free(column, of_column)].double()
    if not len(of_column):
        return False
    if heavy or column.has_levels:
        return heavy or len(of_column) < min_count
    described = column.on_scale(of_column.numpy())
    return is_of_few(described, float(described.mean()), min_count=min_count)


def _is_free(column: AbstractColumn, codes: torch.Tensor) -> torch.Tensor:
    """The mask of codes that are no atoms."""
    atoms = torch.tensor(column.atom_codes(), dtype=torch.float32)
    return ~torch.isin(codes.float(), atoms)
