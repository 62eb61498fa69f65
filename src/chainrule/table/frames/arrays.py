"""Columns as one array (N, D)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from chainrule.table.values.cells import objects_of
from chainrule.table.values.exact_integers import LARGEST_EXACT
from chainrule.table.values.types import Type, as_cells, as_integers, cells_word


def array_of(columns: Mapping[str, np.ndarray], types: Mapping[str, Type]) -> np.ndarray:
    """Columns as an array (N, D), in their common type if it holds the values."""
    kinds = {types[name].dtype for name in columns if name in types}
    dtype = None
    if len(kinds) == 1 and set(columns) <= set(types):
        with suppress(TypeError):
            dtype = np.dtype(kinds.pop())
    if dtype is not None and dtype.kind == "O":
        return np.stack(
            [as_cells(values, types[name].cells) for name, values in columns.items()], axis=1
        )
    array = _stacked(list(columns.values()))
    if dtype is not None and dtype.kind in "US":
        return _of_text(array, dtype.kind)
    if dtype is None or dtype.kind not in "biuf" or array.dtype.kind not in "biuf":
        return array
    if dtype.kind in "biu" and array.dtype.kind == "f" and np.isnan(array).any():
        return array  # the type cannot hold missing cells
    if dtype.kind in "iu":
        ends = np.iinfo(dtype)
        array = np.stack(
            [as_integers(values, int(ends.min), int(ends.max)) for values in array.T], axis=1
        )
    return array.astype(dtype)


def _stacked(columns: Sequence[np.ndarray]) -> np.ndarray:
    if any(isinstance(values, np.ma.MaskedArray) for values in columns):
        columns = [
            np.ma.filled(v.astype(np.float64), np.nan)
            if v.dtype.kind in "bf"
            or (v.dtype.kind in "iu" and not _would_round([v], np.dtype(np.float64)))
            else objects_of(v.tolist())
            for v in columns
        ]
    kinds = {values.dtype.kind for values in columns}
    if kinds <= set("biuf") or len(kinds) == 1:
        whole = [values for values in columns if values.dtype.kind in "iu"]
        if not whole or not _would_round(
            whole, np.result_type(*(values.dtype for values in columns))
        ):
            return np.stack(columns, axis=1) if columns else np.empty((0, 0))
    return np.stack([objects_of(values.tolist()) for values in columns], axis=1)


def _would_round(columns: Sequence[np.ndarray], dtype: np.dtype[Any]) -> bool:
    """Whether that type would round integers in the columns."""
    return dtype.kind == "f" and any(
        len(values) and max(abs(int(values.min())), abs(int(values.max()))) >= LARGEST_EXACT
        for values in columns
    )


def filled_array(
    array: np.ndarray, filled_columns: Sequence[tuple[int, np.ndarray, np.ndarray]]
) -> np.ndarray:
    """A copy of an array (N, D) with values in the cells asked for.

    Args:
        array: the array.
        filled_columns: for each column with cells to fill its position, values (N,) and
            the cells asked for (N,).
    """
    kind, array = array.dtype.kind, array.copy()
    if kind in "US":  # text of fixed length, which fills may exceed
        array = array.astype(object)
    for position, values, asked in filled_columns:
        known = cells_word(array[~asked, position])
        array[asked, position] = as_cells(values[asked], known) if known else values[asked]
    return _of_text(array, kind) if kind in "US" else array


def _of_text(cells: np.ndarray, kind: str) -> np.ndarray:
    """Cells (N, D) as an array of text, or of bytes for kind "S", as wide as needed."""
    texts = [
        cell if isinstance(cell, str | bytes) else str(cell) for cell in cells.ravel().tolist()
    ]
    if kind == "S":
        texts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return np.array(texts, dtype=kind).reshape(cells.shape)
