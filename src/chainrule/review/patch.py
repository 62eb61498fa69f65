"""A patch: cells of a table, what stands in them, and what is to stand there."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.errors import FormatError, SchemaError, unknown_choice
from chainrule.table.files.endings import TEXT_ENDINGS, file_type
from chainrule.table.files.fields import field_text
from chainrule.table.files.pipes import as_file
from chainrule.table.values.cells import objects_of
from chainrule.table.values.types import known_values

NEEDED = ("row", "column", "old", "new")
PATCH_COLUMNS = (*NEEDED, "why")
# Digits with a leading zero, as 01007, are labels.
NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Change:
    """A cell to change.

    Attributes:
        row: the number of its row, from 0.
        column: the name of its column.
        old: what stands there, as text; "" for a missing cell.
        new: what is to stand there, as text; "" for a missing cell.
        where: the name of this change in messages.
    """

    row: int
    column: str
    old: str
    new: str
    where: str


def changes_of(patch: Any) -> list[Change]:
    """Reads a patch.

    Args:
        patch: a path of CSV, or a pandas, polars or Arrow frame, with the columns row, column, old
            and new. Other columns are ignored.

    Raises:
        FormatError: the file is no table of text.
        SchemaError: a column is missing, a row is no number, or a cell appears twice.
    """
    if isinstance(patch, str | os.PathLike):
        source, columns = _of_file(Path(patch))
    else:
        source, columns = _of_frame(patch)
    changes = [
        Change(_row_number(row, f"{source}, change {k}"), column, old, new, f"{source}, change {k}")
        for k, (row, column, old, new) in enumerate(
            zip(*(columns[name] for name in NEEDED), strict=True), start=1
        )
    ]
    _require_each_once(changes)
    return changes


def require_known(changes: Sequence[Change], names: Sequence[str], rows: int, source: str) -> None:
    """Raises SchemaError for a change in a column or a row that the table does not have."""
    for change in changes:
        if change.column not in names:
            raise SchemaError(
                f"{change.where}: {source} has no such column; "
                f"{unknown_choice('column', change.column, names)}"
            )
        if change.row >= rows:
            raise SchemaError(
                f"{change.where}: row {change.row} is beyond the end of {source}, whose rows are 0 "
                f"to {rows - 1}; apply the patch to the table that it was made for"
            )


def require_same(found: Sequence[tuple[Change, str, bool]]) -> None:
    """Raises SchemaError for the first cell that does not hold what its change expects.

    Args:
        found: each change, the text that stands in its cell, and whether that is what it expects.
    """
    wrong = [(change, text) for change, text, is_same in found if not is_same]
    if not wrong:
        return
    change, text = wrong[0]
    others = f" ({len(wrong)} cells differ)" if len(wrong) > 1 else ""
    raise SchemaError(
        f"{change.where}: row {change.row}, column {change.column!r} holds {text!r}, not "
        f"{change.old!r}{others}; nothing was changed. Apply the patch to the table that it was "
        "made for, or remove the changes that are already made"
    )


def is_same(old: str, text: str) -> bool:
    """Whether two texts are the same cell: up to blanks around them, or as plain numbers.

    >>> is_same("39.0", " 39"), is_same("1007", "01007")
    (True, False)
    """
    old, text = old.strip(), text.strip()
    if old == text:
        return True
    return bool(NUMBER.fullmatch(old) and NUMBER.fullmatch(text)) and float(old) == float(text)


def text_of(value: Any) -> str:
    """A known cell of a frame as text; a whole float loses the point that a frame may have added.

    None gives "".
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _of_file(path: Path) -> tuple[str, dict[str, list[str]]]:
    with as_file(path) as (file, _):
        if file_type(file) not in TEXT_ENDINGS:
            raise FormatError(f"{path}: a patch is a text file; end its name with .csv")
        text = field_text(file, header=True)
        names = [name.strip().lower() for name in text.layout.fields]
        _require_columns(names, str(path))
        rows = [[field.text for field in fields] for _, fields in text.rows()]
    return str(path), {name: [row[names.index(name)] for row in rows] for name in NEEDED}


def _of_frame(patch: Any) -> tuple[str, dict[str, list[str]]]:
    import narwhals as nw

    source = "the patch"
    try:
        frame = nw.from_native(patch, eager_only=True)
    except TypeError as error:
        raise SchemaError(
            f"{source}: {type(patch).__name__}; pass a path of CSV, or a pandas, polars or Arrow "
            "frame"
        ) from error
    _require_columns([str(name) for name in frame.columns], source)
    return source, {
        name: [
            text_of(value) for value in known_values(objects_of(frame.get_column(name).to_list()))
        ]
        for name in NEEDED
    }


def _require_columns(names: Sequence[str], source: str) -> None:
    absent = [name for name in NEEDED if name not in names]
    if absent:
        raise SchemaError(
            f"{source}: a patch has the columns {', '.join(NEEDED)}; {', '.join(absent)} "
            f"{'is' if len(absent) == 1 else 'are'} missing (there are: {', '.join(names)})"
        )


def _row_number(text: str, where: str) -> int:
    try:
        row = int(text)
    except ValueError:
        row = -1
    if row < 0:
        raise SchemaError(f"{where}: {text!r} is no number of a row; rows count from 0")
    return row


def _require_each_once(changes: Sequence[Change]) -> None:
    seen: dict[tuple[int, str], Change] = {}
    for change in changes:
        at = change.row, change.column
        if at in seen:
            raise SchemaError(
                f"{change.where}: row {change.row}, column {change.column!r} is changed twice, to "
                f"{seen[at].new!r} and to {change.new!r}; keep one of the two"
            )
        seen[at] = change
