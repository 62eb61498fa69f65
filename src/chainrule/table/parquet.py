"""Parquet files through polars: paths and column names are never patterns, and whatever damage does is a FormatError."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.errors import FormatError
from chainrule.machine import free_bytes
from chainrule.table.forked import require_polars

WHOLE_COPIES = 3  # of its cells, about what a file takes in memory that is read whole
POINTER = 16  # bytes of a cell of text, at least


def read_parquet(path: Path) -> Any:
    """A Parquet file as a polars frame.

    Raises:
        FormatError: it is damaged, or larger, unpacked, than memory allows.
    """
    import polars as pl

    needed, free = cell_bytes(path), free_bytes()
    if free is not None and needed * WHOLE_COPIES > free:
        raise FormatError(
            f"{path}: unpacks to at least {needed:,} bytes; read whole it takes about {WHOLE_COPIES} times as much, and {free:,} "
            f"bytes of memory are free: pass fewer rows, or ask what reads a file in parts (fit, score, oddest, and impute and "
            f"sample into a file)"
        )
    with readable(str(path)), path.open("rb") as file:
        return pl.read_parquet(file)


def scan_parquet(paths: Path | Sequence[Path]) -> Any:
    """Parquet files, one after the other, as a polars query; run it within ``readable``."""
    import polars as pl

    each = [paths] if isinstance(paths, Path) else paths
    # Absolute, so that no name is taken for an address such as s3:…
    return pl.scan_parquet([path.absolute() for path in each], glob=False, hive_partitioning=False)


def cell_bytes(path: Path) -> int:
    """How many bytes the cells of a Parquet file take unpacked, at least: its rows by the widths of its columns' types."""
    import polars as pl

    with readable(str(path)):
        scan = scan_parquet(path)
        widths = [_width(dtype) for dtype in scan.collect_schema().dtypes()]
        return int(scan.select(pl.len()).collect().item()) * sum(widths)


def _width(dtype: Any) -> int:
    digits = "".join(filter(str.isdigit, str(dtype).split("(")[0]))
    return int(digits) // 8 if digits else 1 if str(dtype) == "Boolean" else 8 if dtype.is_temporal() else POINTER


def column_of(scan: Any, index: int) -> Any:
    """One column of a query by its number, as a polars series: its name might be a pattern."""
    import polars as pl

    return scan.select(pl.nth(index)).collect().to_series()


@contextmanager
def readable(source: str, kind: str = "Parquet file") -> Iterator[None]:
    """Raises FormatError for whatever polars raises in the block, its panics too, which are no ``Exception``."""
    import polars as pl

    require_polars()
    try:
        with _unless_it_panics():
            yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FormatError(f"{source}: not a readable {kind}: {error}") from error
    except BaseException as error:
        if not _is_panic(error):
            raise
        raise FormatError(f"{source}: not a readable {kind}: it is damaged, or polars cannot read it") from error


def _is_panic(error: BaseException) -> bool:
    return type(error).__name__ == "PanicException"


@contextmanager
def _unless_it_panics() -> Iterator[None]:
    """What is written to stderr in the block comes out after it, but not the trace of a panic, which explains nothing.

    Only where this is the only thread: stderr is the whole process's.
    """
    try:
        number = sys.__stderr__.fileno() if sys.__stderr__ is not None else -1
    except (OSError, ValueError):
        number = -1
    if number != 2 or threading.active_count() > 1:
        yield
        return
    with tempfile.TemporaryFile() as said:
        kept = os.dup(number)
        os.dup2(said.fileno(), number)
        panicked = False
        try:
            yield
        except BaseException as error:
            panicked = _is_panic(error)
            raise
        finally:
            os.dup2(kept, number)
            os.close(kept)
            said.seek(0)
            if not panicked and (words := said.read()):
                os.write(number, words)
