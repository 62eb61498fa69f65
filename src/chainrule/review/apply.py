"""Applies a patch to a table; every cell that is not in the patch stays as it is."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.atomic import replacing
from chainrule.errors import ChainruleError, FormatError, SchemaError
from chainrule.review.cells import (
    as_array,
    polars_cells,
    polars_frame,
    require_type,
    texts_of,
    values_of,
)
from chainrule.review.patch import (
    Change,
    changes_of,
    is_same,
    require_known,
    require_same,
)
from chainrule.scratch import ScratchFolder
from chainrule.table import Table, read_table, write_chunks
from chainrule.table.files.endings import TEXT_ENDINGS, file_type
from chainrule.table.files.fields import BOM, Field, field_text
from chainrule.table.files.lines import is_packed
from chainrule.table.files.pipes import as_file
from chainrule.table.frames.fill import replaced


def apply_patch(
    table: Any,
    patch: Any,
    *,
    to: str | os.PathLike[str] | None = None,
    header: bool | None = None,
) -> Any:
    """Returns a table with the changes of a patch.

    A patch has the columns row, column, old and new. Each row is a cell: its row in the table, from
    0, the name of its column, what stands there and what is to stand there. Empty means missing.
    Before anything is changed, every cell is compared with its ``old``. In a text file only these
    cells change; all other bytes stay, such as quotes, line ends and blanks. Frames and arrays keep
    their types.

    Args:
        table: a pandas, polars or Arrow frame, an array (N, D), or a path of CSV or Parquet.
        patch: a path of CSV, or a frame.
        to: a path to write to, of the table's own type: text for text, Parquet for Parquet. It
            appears only when complete.
        header: whether the first line of a text file names the columns; None decides by whether it
            could be a row.

    Returns:
        The changed frame or array; for a path, a polars frame; with ``to``, that path.

    Raises:
        SchemaError: a cell does not hold its ``old``, a column or row is unknown, a cell appears
            twice, a column of the patch is missing, or a type cannot hold a new cell.
        FormatError: a file is damaged, or of another type than ``to``.

    Examples:
        >>> import polars as pl
        >>> ages = pl.DataFrame({"age": [31, 390], "city": ["Bonn", "Ulm"]})
        >>> patch = pl.DataFrame({"row": [1], "column": ["age"], "old": ["390"], "new": ["39"]})
        >>> apply_patch(ages, patch)["age"].to_list()
        [31, 39]
    """
    changes = changes_of(patch)
    if not isinstance(table, str | os.PathLike):
        changed = _frame(read_table(table), changes)
        return changed if to is None else _write(Path(to), changed)
    path = Path(table)
    with as_file(path) as (file, _):
        target = None if to is None else require_target(file, Path(to))
        if file_type(file) in TEXT_ENDINGS:
            return _text_file(file, changes, target, header)
        if file_type(file) != ".parquet":
            raise FormatError(f"{path}: a patch applies to CSV and Parquet files, and to frames")
        changed = _frame(read_table(file, source=str(path)), changes)
    return changed if target is None else _write(target, changed)


def require_target(table: Path, to: Path) -> Path:
    """The path to write to, if it is another file of the table's type.

    Raises:
        FormatError: it has another type.
        ChainruleError: it is the table.
    """
    if to.exists() and table.exists() and to.samefile(table):
        raise ChainruleError(f"{to}: is also read; write to another file")
    if (kind := file_type(table)) in TEXT_ENDINGS:
        if file_type(to) not in TEXT_ENDINGS:
            raise FormatError(
                f"{to}: {table} is text and is written as text, so that its other cells keep every "
                "byte; end the name with .csv"
            )
    elif file_type(to) != kind:
        raise FormatError(f"{to}: {table} is written as {kind}; end the name with that")
    return to


def _text_file(path: Path, changes: Sequence[Change], to: Path | None, header: bool | None) -> Any:
    text = field_text(path, header)
    names = text.layout.names
    require_known(changes, names, text.count(), text.source)
    rows = dict(text.rows({change.row for change in changes}))
    cells: dict[Field, str] = {}
    found = []
    for change in changes:
        field = rows[change.row][names.index(change.column)]
        found.append((change, field.text, is_same(change.old, field.text)))
        cells[field] = change.new
    require_same(found)
    data = ((BOM if text.bom else "") + text.spliced(cells)).encode()
    if to is None:
        folder = ScratchFolder()
        (folder.path / "t.csv").write_bytes(data)
        return polars_frame(read_table(folder.path / "t.csv", header=text.layout.named))
    with replacing(to) as part:
        part.write(gzip.compress(data, mtime=0) if is_packed(to) else data)
    return to


def _frame(table: Table, changes: Sequence[Change]) -> Any:
    """The frame or array of a table with its changes made."""
    require_known(changes, table.names, len(table), table.source)
    columns, asked, found = {}, {}, []
    for name, group in groupby(sorted(changes, key=_place), key=lambda change: change.column):
        some = list(group)
        position = table.names.index(name)
        rows = np.array([change.row for change in some])
        cells = polars_cells(table, position, rows)
        old = values_of([change.old for change in some], cells.dtype)
        new = values_of([change.new for change in some], cells.dtype)
        for change, text, value, was in zip(
            some, texts_of(cells), cells.to_list(), old, strict=True
        ):
            same = is_same(change.old, text) or (was is not None and was == value)
            found.append((change, text, same))
        for change, value in zip(some, new, strict=True):
            if value is None and change.new.strip():
                raise SchemaError(
                    f"{change.where}: {change.new!r} is no value of column {name!r}, which holds "
                    f"{table.type_of(position).dtype}; correct it, or change the column's type"
                )
        values = as_array(new, cells.dtype)
        columns[name] = np.empty(len(table), dtype=values.dtype)
        columns[name][:] = values[:1]
        columns[name][rows] = values
        asked[name] = np.isin(np.arange(len(table)), rows)
    require_same(found)
    changed = replaced(table.frame, columns, asked, table.container, table.names)
    after = read_table(changed)
    for change in changes:
        require_type(table.names.index(change.column), table, after, change.where)
    return changed


def _place(change: Change) -> tuple[str, int]:
    return change.column, change.row


def _write(to: Path, changed: Any) -> Path:
    return write_chunks(to, iter([polars_frame(read_table(changed))]))
