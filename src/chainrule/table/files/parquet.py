"""Parquet files through polars. Paths and names are never patterns, and damage is a FormatError."""

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
from chainrule.table.frames.fork_safety import require_polars

WHOLE_COPIES = 3  # memory of a file that is read whole, in multiples of its cells' bytes
CODE = 8  # bytes of a cell's code
POINTER = 16  # least number of bytes of a cell of text


def read_parquet(path: Path) -> Any:
    """Reads a Parquet file as a polars frame.

    Raises:
        FormatError: it is damaged, or does not fit into memory.
    """
    import polars as pl

    needed, free = cell_bytes(path), free_bytes()
    if free is not None and needed * WHOLE_COPIES > free:
        raise FormatError(
            f"{path}: unpacks to at least {needed:,} bytes; read whole it takes about "
            f"{WHOLE_COPIES} times as much, and {free:,} bytes of memory are free: pass fewer "
            "rows, or use a function that reads a file in chunks (fit, score, oddest, and impute "
            "and sample into a file)"
        )
    with readable(str(path)), path.open("rb") as file:
        return pl.read_parquet(file)


def scan_parquet(paths: Path | Sequence[Path]) -> Any:
    """A polars query over Parquet files in turn; run it within ``readable``."""
    import polars as pl

    each = [paths] if isinstance(paths, Path) else paths
    # Absolute, so that no name is taken for an address such as s3:…
    return pl.scan_parquet([path.absolute() for path in each], glob=False, hive_partitioning=False)


def cell_bytes(path: Path) -> int:
    """Lower bound on the unpacked bytes of a Parquet file's cells, from the widths of its types."""
    rows, widths = _rows_and_widths(path)
    return rows * sum(widths)


def held_bytes(path: Path) -> int:
    """Lower bound on the bytes of a table that is read whole: its cells, and a code for each.

    It follows from the rows and types in the file's metadata. A packed file of few bytes may hold
    many.
    """
    rows, widths = _rows_and_widths(path)
    return rows * (sum(widths) + CODE * len(widths))


def _rows_and_widths(path: Path) -> tuple[int, list[int]]:
    """The number of rows, and the least bytes of a cell of each column."""
    import polars as pl

    with readable(str(path)):
        scan = scan_parquet(path)
        widths = [_width(dtype) for dtype in scan.collect_schema().dtypes()]
        return int(scan.select(pl.len()).collect().item()), widths


def _width(dtype: Any) -> int:
    digits = "".join(filter(str.isdigit, str(dtype).split("(")[0]))
    if digits:
        return int(digits) // 8
    if str(dtype) == "Boolean":
        return 1
    return 8 if dtype.is_temporal() else POINTER


def column_of(scan: Any, index: int) -> Any:
    """One column of a query by its number, as a polars series; its name might be a pattern."""
    import polars as pl

    return scan.select(pl.nth(index)).collect().to_series()


@contextmanager
def readable(source: str, kind: str = "Parquet file") -> Iterator[None]:
    """Turns the errors of polars in the block into FormatError, including its panics.

    Panics are no ``Exception``.
    """
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
        raise FormatError(
            f"{source}: not a readable {kind}: it is damaged, or polars cannot read it"
        ) from error


def _is_panic(error: BaseException) -> bool:
    return type(error).__name__ == "PanicException"


@contextmanager
def _unless_it_panics() -> Iterator[None]:
    """Delays text written to stderr in the block, and drops it if polars panics.

    It needs a single thread, since stderr belongs to the whole process.
    """
    try:
        number = sys.__stderr__.fileno() if sys.__stderr__ is not None else -1
    except (OSError, ValueError):
        number = -1
    if number != 2 or threading.active_count() > 1:
        yield
        return
    with tempfile.TemporaryFile() as captured:
        kept = os.dup(number)
        os.dup2(captured.fileno(), number)
        panicked = False
        try:
            yield
        except BaseException as error:
            panicked = _is_panic(error)
            raise
        finally:
            os.dup2(kept, number)
            os.close(kept)
            captured.seek(0)
            if not panicked and (words := captured.read()):
                os.write(number, words)
