"""Tables larger than memory: files of which one column at a time is read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import FormatError, SchemaError
from chainrule.scratch import ScratchFolder
from chainrule.table.frames import categories_of, cells_of, dtypes_of
from chainrule.table.missing import added
from chainrule.table.read import PART_ROWS, TEXT, AbstractColumns, Table, kind_of, read_table, without_words
from chainrule.table.reading import NOTHING_SAID, Reading
from chainrule.table.text import text_parts, typed

LARGE_BYTES = 200_000_000  # of a file, from which it is not read whole


def read_table_lazily(table: Any, *, header: bool | None = None, reading: Reading | None = None) -> Table:
    """As ``read_table``; of a CSV or Parquet file that is large, columns are read when asked for, one at a time.

    A large text file is first copied into Parquet files, part by part, in a temporary folder that lives as long as the table.
    """
    if not isinstance(table, (str, os.PathLike)):
        return read_table(table, header=header, reading=reading)
    path = Path(table)
    kind = kind_of(path)
    if not path.exists() or path.stat().st_size < LARGE_BYTES or kind not in (*TEXT, ".parquet"):
        return read_table(table, header=header, reading=reading)
    reading = reading or NOTHING_SAID
    import polars as pl

    if kind == ".parquet":
        columns = LazyColumns(pl.scan_parquet(path))
        return without_words(columns.table(str(path), "polars", True, None), reading)
    folder = ScratchFolder()
    named, missing = True, {}
    for number, (_, text) in enumerate(text_parts(path, header, rows=PART_ROWS, words=reading.missing)):
        named, missing = text.named, added(missing, text.missing)
        text.raw.write_parquet(folder.path / f"{number:06d}.parquet")
    columns = LazyColumns(pl.scan_parquet(folder.path / "*.parquet"), folder, is_text=True)
    table = columns.table(str(path), "polars" if named else "numpy", named, 1 + named)
    return replace(table, reading=reading, missing=missing)


class LazyColumns(AbstractColumns):
    """The columns of a polars scan, each read when it is asked for and not kept."""

    def __init__(self, scan: Any, folder: ScratchFolder | None = None, *, is_text: bool = False) -> None:
        self._scan, self._folder, self._is_text = scan, folder, is_text  # the folder lives as long as its reader
        self._schema = scan.collect_schema()

    def __len__(self) -> int:
        return len(self._schema)

    def column(self, index: int) -> np.ndarray:
        """A column, read now."""
        return cells_of(self._wrapped(self._schema.names()[index]))

    def as_written(self, index: int) -> Any:
        """A column of a text file as a polars series of its cells as they are written; None of other files."""
        return self._scan.select(self._schema.names()[index]).collect().to_series() if self._is_text else None

    def table(self, source: str, container: str, named: bool, first_line: int | None) -> Table:
        """These columns as a table."""
        import polars as pl

        names = tuple(self._schema.names())
        if not names:
            raise SchemaError(f"{source}: no columns")
        try:
            rows = int(self._scan.select(pl.len()).collect().item())
            heads = (
                pl.DataFrame([self._read(name).head(0) for name in names])
                if self._is_text
                else self._scan.head(0).collect()
            )
        except pl.exceptions.PolarsError as error:
            raise FormatError(f"{source}: not a readable file: {error}") from error
        return Table(
            names, self, source, container, named, first_line, types=dtypes_of(heads, "polars"),
            categories=categories_of(heads, "polars"), rows=rows,
        )  # fmt: skip

    def _read(self, name: str) -> Any:
        series = self._scan.select(name).collect().to_series()
        return typed(series) if self._is_text else series

    def _wrapped(self, name: str) -> Any:
        import narwhals as nw

        return nw.from_native(self._read(name), series_only=True)
