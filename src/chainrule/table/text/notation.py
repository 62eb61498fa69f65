"""The notation of a column of text, of numbers, dates or times: as JSON, and for its cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from typing_extensions import override

from chainrule.errors import FormatError, SchemaError
from chainrule.table.frames.cells import cells_of
from chainrule.table.frames.fork_safety import require_polars
from chainrule.table.text.clock_notation import ClockNotation
from chainrule.table.text.date_notation import DateNotation
from chainrule.table.text.duration_notation import DurationNotation
from chainrule.table.text.number_notation import NumberNotation
from chainrule.table.text.times import AbstractTimes
from chainrule.table.values.cells import is_observed
from chainrule.table.values.distinct import Distinct

Notation = NumberNotation | DateNotation | ClockNotation | DurationNotation
OPTIONS = {  # of read_table, which say how another table is written
    NumberNotation: ("decimal", "thousands"),
    DateNotation: ("date_format",),
    ClockNotation: (),
    DurationNotation: (),
}
KINDS = {"numbers": NumberNotation, "times": ClockNotation, "durations": DurationNotation}


def notation_from_json(spec: Mapping[str, Any]) -> Notation:
    """Rebuilds the notation that ``to_json`` described.

    Raises:
        FormatError: the object describes none.
    """
    try:
        if spec["of"] == "dates":
            return DateNotation.from_format(str(spec["format"]))
        if spec["of"] in KINDS:
            fields = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in spec.items()
                if name != "of"
            }
            return KINDS[spec["of"]](**fields)
    except (TypeError, SchemaError, KeyError) as error:
        raise FormatError(f"a notation is not one this version wrote: {error}") from error
    raise FormatError(f"a notation of {spec['of']!r}; there are those of dates, {', '.join(KINDS)}")


class NotRead:
    """A cell of text that its column's notation does not parse; messages show its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    @override
    def __repr__(self) -> str:
        return repr(self.text)

    @override
    def __str__(self) -> str:
        return self.text


def read_cells(notation: Notation, cells: np.ndarray, unknown: Collection[str]) -> np.ndarray:
    """Parses the cells (N,) of a column of text to numbers or dates; other cells do not change.

    Args:
        notation: the notation of the column.
        cells: text, or other cells of frames: numbers, dates, None.
        unknown: words in lower case for missing cells.

    Returns:
        (N,) numbers or datetimes; objects if there are other cells, with a ``NotRead`` for text
            that the notation does not parse.
    """
    if isinstance(notation, AbstractTimes) and cells.dtype.kind == "m":
        return notation.read(cells)
    if cells.dtype.kind in "biufmM":
        return cells
    column = Distinct(cells)
    return _read_different(notation, column.cells, unknown)[column.codes]


def _read_different(notation: Notation, cells: np.ndarray, unknown: Collection[str]) -> np.ndarray:
    """The values (V,) of the different cells of a column; see ``read_cells``."""
    import narwhals as nw
    import polars as pl

    require_polars()
    if isinstance(notation, AbstractTimes):
        cells = notation.read(cells)
    is_text = np.fromiter((isinstance(cell, str) for cell in cells), dtype=bool, count=len(cells))
    text = pl.Series(
        [
            cell if known else None
            for cell, known in zip(cells.tolist(), is_text.tolist(), strict=True)
        ],
        dtype=pl.String,
    )
    text = text.str.strip_chars()
    missing = text.str.to_lowercase().is_in(list(unknown)).fill_null(False).to_numpy()
    parsed = notation.parse(text)
    wrong = is_text & ~missing & parsed.is_null().to_numpy()
    if not wrong.any() and not (is_observed(cells) & ~is_text).any():
        return cells_of(nw.from_native(parsed, series_only=True))
    rows = zip(cells.tolist(), parsed.to_list(), is_text.tolist(), wrong.tolist(), strict=True)
    values = [NotRead(cell) if bad else value if text else cell for cell, value, text, bad in rows]
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def number_written(notation: Notation | None, value: Any) -> float | None:
    """The number of text, of a time or of a duration in a column of numbers with a notation.

    None if the notation does not read it, or is none of numbers.

    >>> number_written(NumberNotation(suffix=" kg"), "50 kg")
    50
    """
    if isinstance(notation, AbstractTimes):
        return notation.number(value)
    if not isinstance(notation, NumberNotation) or not isinstance(value, str):
        return None
    import polars as pl

    return notation.parse(pl.Series([value.strip()], dtype=pl.String)).item()


def require_read(name: str, notation: Notation, cells: np.ndarray, where: Any) -> None:
    """Raises SchemaError for the first cell (N,) that its column's notation does not parse."""
    if cells.dtype.kind != "O":
        return
    for row, cell in enumerate(cells):
        if isinstance(cell, NotRead):
            options = OPTIONS[type(notation)]
            flags = ", ".join("--" + option.replace("_", "-") for option in options)
            remedy = "correct it or leave the cell empty"
            if isinstance(notation, NumberNotation) and notation.is_other_unit(cell.text):
                remedy = f"convert it to {notation.unit!r}, correct it, or leave the cell empty"
            elif options:
                remedy = (
                    "correct it, leave the cell empty, or say how this table is written, by "
                    f"{' and '.join(options)} of read_table ({flags})"
                )
            raise SchemaError(
                f"column {name!r}: value {cell!r} at {where(row)} is not among "
                f"{notation.describe()}, as all were when the model was fitted: {remedy}"
            )


def written(notation: Notation, values: np.ndarray, like: Any = None) -> np.ndarray:
    """Numbers or datetimes (N,) as the table has them: text, or times of a frame.

    They are objects, and the mask is kept. Times are like a known cell, if there is one.
    """
    plain = np.ma.getdata(values)
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    if isinstance(notation, AbstractTimes) and (kind := notation.kind_of(like)) != "text":
        found = notation.objects(plain, kind)
    else:
        found = np.empty(len(values), dtype=object)
        found[:] = notation.write(plain)
    return found if mask is None else np.ma.masked_array(found, mask)
