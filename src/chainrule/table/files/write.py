"""Writes tables to files, chunk by chunk; a file appears only when it is complete."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from chainrule.atomic import replacing
from chainrule.errors import ChainruleError, FormatError
from chainrule.table.files.endings import WRITTEN_ENDINGS
from chainrule.table.frames.fork_safety import require_polars
from chainrule.table.frames.polars_types import as_csv_has_it, frame_of
from chainrule.table.text.clock_notation import ClockNotation

# How polars reports an error of the system, such as a full disk.
OF_SYSTEM = re.compile(r"\(os error ([0-9]+)\)")


@dataclass(frozen=True)
class Sink:
    """A consumer of tables in chunks.

    Attributes:
        take: takes polars frames of the same columns in turn, and returns the whole.
        as_text: whether it takes cells as written: those of text files, and numbers and dates in a
            notation.
    """

    take: Callable[[Iterator[Any]], Any]
    as_text: bool


def sink_of(to: str | os.PathLike[str] | Sink, *, source: Any = None) -> Sink:
    """The sink that writes a CSV or Parquet file, or parts into a folder, and returns its path.

    A sink is returned unchanged.

    Args:
        to: a path, an empty folder, or a sink.
        source: the table that is read meanwhile.

    Raises:
        FormatError: an ending other than .csv and .parquet.
        FileNotFoundError: there is no such folder.
        ChainruleError: the file is the table that is read.
    """
    if isinstance(to, Sink):
        return to
    if Path(to).is_dir():
        return Sink(partial(write_parts, require_empty(Path(to))), as_text=False)
    target = require_ending(to)
    if isinstance(source, str | os.PathLike) and target.exists() and target.samefile(source):
        raise ChainruleError(f"{to}: is also read; write to another file")
    return Sink(partial(write_chunks, target), as_text=target.suffix == ".csv")


def require_ending(path: str | os.PathLike[str]) -> Path:
    """The path, if a table can be written to it.

    Raises:
        FormatError: an ending other than .csv and .parquet.
        FileNotFoundError: there is no such folder.
    """
    target = Path(path)
    if target.suffix not in WRITTEN_ENDINGS:
        raise FormatError(
            f"{path}: tables are written as {' or '.join(WRITTEN_ENDINGS)}; end the name with one "
            "of these"
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; make it first")
    return target


def write_chunks(path: str | os.PathLike[str], frames: Iterator[Any]) -> Path:
    """Writes polars frames of the same columns into one CSV or Parquet file, one at a time.

    They go to a hidden neighbour, which replaces the file at the end. A failure leaves neither.
    """
    target = require_ending(path)
    with replacing(target) as part:
        if target.suffix == ".csv":
            part.writelines(text.encode() for text in csv_chunks(frames))
        else:
            _sink(part, frames)
    return target


def require_empty(folder: Path) -> Path:
    """The folder, if parts can be written into it.

    Raises:
        ChainruleError: it has files already, which parts would be mixed with.
    """
    if any(folder.iterdir()):
        raise ChainruleError(f"{folder}: a folder with files; parts go into an empty one")
    return folder


def write_parts(folder: Path, frames: Iterator[Any]) -> Path:
    """Writes each of polars frames of the same columns into a Parquet file of a folder.

    The files are part-00000.parquet and so on, each complete when it appears. All have the types of
    the first.
    """

    types: list[Any] = []
    for number, frame in enumerate(frames):
        types = types or frame.dtypes
        columns = zip(frame.get_columns(), types, strict=True)
        same = frame_of(column.cast(dtype) for column, dtype in columns)
        write_chunks(folder / f"part-{number:05d}.parquet", iter([same]))
    return folder


def csv_chunks(frames: Iterator[Any]) -> Iterator[str]:
    """Yields polars frames of the same columns as chunks of one CSV text, the first with a header.

    Times have as many digits as they need; durations are written as hours, minutes and seconds.
    """
    require_polars()
    for number, frame in enumerate(map(as_csv_has_it, frames)):
        # Times are unnamed meanwhile, since polars may take a name for a pattern.
        columns = [_as_text(each.alias("")).alias(each.name) for each in frame.get_columns()]
        yield frame_of(columns).write_csv(include_header=number == 0)


def _as_text(column: Any) -> Any:
    """Datetimes and durations as text; other columns do not change."""
    import polars as pl

    if isinstance(column.dtype, pl.Duration):
        ticks = column.dt.total_microseconds()
        decimals = 6 if bool((ticks % 10**6 != 0).any()) else 0
        notation = ClockNotation(has_seconds=True, decimals=decimals, is_elapsed=True)
        return pl.Series(notation.write((ticks / 1e6).to_numpy()), dtype=pl.String)
    return _datetimes(column) if isinstance(column.dtype, pl.Datetime) else column


def _datetimes(times: Any) -> Any:
    whole = not bool((times.dt.nanosecond() != 0).any())
    zone = "" if times.dtype.time_zone is None else "%:z"
    return times.dt.to_string("%Y-%m-%d %H:%M:%S" + ("" if whole else "%.f") + zone)


def _sink(file: BinaryIO, frames: Iterator[Any]) -> None:
    require_polars()
    import polars as pl
    from polars.io.plugins import register_io_source

    first = next(frames)
    # Columns have numbers for names until the end, since polars may take a name for a pattern.
    numbered = {str(k): dtype for k, dtype in enumerate(first.dtypes)}

    def source(
        with_columns: list[str] | None, predicate: Any, n_rows: int | None, batch_size: int | None
    ) -> Iterator[Any]:
        for frame in chain([first], frames):
            columns = zip(frame.get_columns(), numbered.items(), strict=True)
            same = pl.DataFrame(
                [column.cast(dtype).alias(number) for column, (number, dtype) in columns]
            )
            yield same if with_columns is None else same.select(with_columns)

    named = [pl.col(str(k)).alias(name) for k, name in enumerate(first.columns)]
    try:
        register_io_source(source, schema=numbered).select(named).sink_parquet(file)
    except pl.exceptions.ComputeError as error:
        if (found := OF_SYSTEM.search(str(error))) is None:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1]))) from error
