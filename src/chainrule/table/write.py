"""Tables into files, part by part; a file appears only when it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from chainrule.errors import FormatError

ENDINGS = (".csv", ".parquet")


def require_ending(path: str | os.PathLike[str]) -> Path:
    """The path, if a table can be written to it.

    Raises:
        FormatError: another ending than .csv and .parquet.
        FileNotFoundError: there is no such folder.
    """
    target = Path(path)
    if target.suffix not in ENDINGS:
        raise FormatError(f"{path}: tables are written as {' or '.join(ENDINGS)}; end the name with one of these")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; make it first")
    return target


def write_parts(path: str | os.PathLike[str], frames: Iterator[Any]) -> Path:
    """Writes polars frames of the same columns one after the other into one CSV or Parquet file, never more than one in memory.

    They are written to a hidden neighbour, which takes the file's place at the end; after a failure there is neither.
    """
    target = require_ending(path)
    part = target.with_name(f".{target.name}.part")
    try:
        if target.suffix == ".csv":
            with part.open("wb") as file:
                for number, frame in enumerate(frames):
                    frame.write_csv(file, include_header=number == 0)
        else:
            _sink(part, frames)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return target


def _sink(path: Path, frames: Iterator[Any]) -> None:
    from polars.io.plugins import register_io_source

    first = next(frames)

    def source(
        with_columns: list[str] | None, predicate: Any, n_rows: int | None, batch_size: int | None
    ) -> Iterator[Any]:
        for frame in chain([first], frames):
            same = frame.cast(dict(first.schema))  # one file has one type a column
            yield same if with_columns is None else same.select(with_columns)

    register_io_source(source, schema=first.schema).sink_parquet(path)
