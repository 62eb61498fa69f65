"""Tables into files, part by part; a file appears only when it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from chainrule.atomic import replacing
from chainrule.errors import FormatError
from chainrule.table.polars_types import as_csv_has_it

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
    with replacing(target) as part:
        if target.suffix == ".csv":
            with part.open("w", encoding="utf-8", newline="") as file:
                file.writelines(csv_parts(frames))
        else:
            _sink(part, frames)
    return target


def csv_parts(frames: Iterator[Any]) -> Iterator[str]:
    """Polars frames of the same columns as the parts of one CSV text, the first with their names.

    Times are written with as many digits as they have.
    """
    import polars as pl

    for number, frame in enumerate(map(as_csv_has_it, frames)):
        times = {name: dtype for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)}
        whole = [
            pl.col(name).dt.to_string("%Y-%m-%d %H:%M:%S" + ("" if _is_whole(frame[name]) else "%.f") + _zone(dtype))
            for name, dtype in times.items()
        ]
        yield frame.with_columns(whole).write_csv(include_header=number == 0)


def _is_whole(times: Any) -> bool:
    return not bool((times.dt.nanosecond() != 0).any())


def _zone(dtype: Any) -> str:
    return "" if dtype.time_zone is None else "%:z"


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
