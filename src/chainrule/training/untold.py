"""The rows from which a network's first parameters are computed, without the values of few of them."""

from __future__ import annotations

import torch

from chainrule.table import AbstractColumn, Schema, is_of_few

HALF = 0.5  # of the weight


def untold(
    filled: torch.Tensor,
    known: torch.Tensor | None,
    schema: Schema,
    *,
    min_count: int,
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """The codes (n, D), or twice as many rows of which some columns are replaced, so that their moments tell no row's value.

    First parameters are moments of codes. If few rows make the moments of a column, a model file would give back their values.
    Such a column gets codes one spread above its center and one below, as its schema tells them. Atoms stay.

    Args:
        filled: the rows; an unknown cell has one of its column's known values.
        known: which cells are known, (n, D); None for all.
        schema: the columns.
        min_count: how many rows a number is made of, at least.
        weight: how much each row of the table counts, (N,); where fewer rows have more than half of it, no column tells enough.
    """
    heavy = False
    if weight is not None:
        heavy = bool(weight.topk(min(min_count - 1, len(weight))).values.sum() > HALF * weight.sum())
    told = [k for k, column in enumerate(schema.columns) if _tells(column, filled[:, k], known, k, min_count, heavy)]
    if not told:
        return filled
    found = torch.cat([filled, filled])  # of an even number of rows, as many above as below
    for k in told:
        column, codes = schema.columns[k], found[:, k].clone()
        free = _is_free(column, codes)
        signs = 1 - 2 * (torch.arange(int(free.sum())) % 2)
        center, spread = column.code_scale
        codes[free] = (center + signs * spread).to(codes.dtype)
        found[:, k] = codes
    return found


def _tells(
    column: AbstractColumn, codes: torch.Tensor, known: torch.Tensor | None, k: int, min_count: int, heavy: bool
) -> bool:
    """Whether the moments of a column's codes tell of few rows."""
    if column.holds_labels:
        return False
    own = codes if known is None else codes[known[:, k]]
    own = own[_is_free(column, own)].double()
    if not len(own):
        return False
    if heavy or column.has_levels:
        return heavy or len(own) < min_count
    return is_of_few(own.numpy(), float(own.mean()), min_count=min_count)


def _is_free(column: AbstractColumn, codes: torch.Tensor) -> torch.Tensor:
    """Which codes are no atoms."""
    atoms = torch.tensor(column.atom_codes(), dtype=torch.float32)
    return ~torch.isin(codes.float(), atoms)
