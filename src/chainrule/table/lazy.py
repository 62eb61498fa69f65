"""Tables larger than memory: files that are read one column at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.scratch import ScratchFolder
from chainrule.table.files.endings import TEXT_ENDINGS, file_type
from chainrule.table.files.lines import held_bytes as held_by_text
from chainrule.table.files.missing_words import added
from chainrule.table.files.parquet import CODE, column_of, held_bytes, readable, scan_parquet
from chainrule.table.files.pipes import as_file
from chainrule.table.files.several import files_of
from chainrule.table.files.text_files import text_chunks
from chainrule.table.files.typed_text import typed
from chainrule.table.frames.build import as_polars
from chainrule.table.frames.cells import cells_of_native, types_of
from chainrule.table.frames.concatenated import concatenated
from chainrule.table.frames.streams import frames_of, is_stream
from chainrule.table.na_values import without_words
from chainrule.table.read import CHUNK_ROWS, called, read_table
from chainrule.table.table import AbstractColumns, Table
from chainrule.table.text.reading_options import DEFAULT_READING, Reading

LARGE_BYTES = 400_000_000  # of cells and codes, from which a file is not read whole


def read_table_lazily(
    table: Any, *, header: bool | None = None, reading: Reading | None = None
) -> Table:
    """As ``read_table``, but reads the columns of a large CSV or Parquet file one at a time.

    Large is what would take much memory, not what has many bytes: rows, columns and types are
    read from a Parquet file's metadata, and cells are counted at the begin of a text.

    A large text file is first copied into Parquet files, chunk by chunk. Their temporary folder
    lives as long as the table.
    """
    reading = reading or DEFAULT_READING
    if (paths := files_of(table)) is not None:
        return _several_lazily(table, paths, header, reading)
    if is_stream(table):
        return _stream_lazily(table, reading)
    if not isinstance(table, (str, os.PathLike)):
        return read_table(table, header=header, reading=reading)
    with as_file(Path(table)) as (path, folder):
        kind = file_type(path)
        if kind == ".parquet" and _are_large([path]):
            found = without_words(
                LazyColumns([path], folder).table(str(path), "polars", True, None), reading
            )
        elif kind in TEXT_ENDINGS and _are_large([path]):
            found = _text_lazily([path], header, reading)
        else:
            found = read_table(path, header=header, reading=reading)
        return called(found, path, Path(table))


def is_read_in_parts(table: Any) -> bool:
    """Whether a table is a stream, an iterator of chunks, or files that are large together."""
    if is_stream(table) or isinstance(table, Iterator):
        return True
    paths = files_of(table)
    if paths is None and isinstance(table, str | os.PathLike) and Path(table).is_file():
        paths = [Path(table)]
    return paths is not None and _are_large(paths)


def _are_large(paths: Sequence[Path]) -> bool:
    """Whether the cells of these files take much memory together."""
    kind, held = file_type(paths[0]), 0
    if kind != ".parquet" and kind not in TEXT_ENDINGS:
        return False
    for path in paths:
        held += held_bytes(path) if kind == ".parquet" else held_by_text(path, LARGE_BYTES)
        if held >= LARGE_BYTES:
            return True
    return False


def _several_lazily(
    table: Any, paths: Sequence[Path], header: bool | None, reading: Reading
) -> Table:
    """Several files, read whole if they are not large together."""
    if not _are_large(paths):
        return read_table(table, header=header, reading=reading)
    if file_type(paths[0]) == ".parquet":
        columns = LazyColumns(paths)
        return without_words(columns.table(str(paths[0].parent), "polars", True, None), reading)
    return _text_lazily(paths, header, reading)


def _stream_lazily(table: Any, reading: Reading) -> Table:
    """A stream, written to Parquet files part by part if it is large."""
    frames, held = [], 0
    every = frames_of(table, CHUNK_ROWS)
    for frame in every:
        frames.append(frame)
        held += len(frame) * frame.shape[1] * (CODE + CODE)
        if held >= LARGE_BYTES:
            break
    else:
        container = "polars" if type(frames[0]).__module__.startswith("polars.") else "pyarrow"
        return read_table(concatenated(frames, container), reading=reading)
    folder, paths = ScratchFolder(), list[Path]()
    while frames:
        paths.append(folder.path / f"{len(paths):06d}.parquet")
        _in_polars(frames.pop(0)).write_parquet(paths[-1])
        frames = frames or list(islice(every, 1))
    found = LazyColumns(paths, folder).table("the table", "polars", True, None)
    return without_words(found, reading)


def _in_polars(frame: Any) -> Any:
    """A polars or Arrow frame as a polars frame."""
    return as_polars(frame, frame.column_names) if hasattr(frame, "column_names") else frame


def _text_lazily(files: Sequence[Path], header: bool | None, reading: Reading) -> Table:
    folder, named, missing, paths = ScratchFolder(), True, {}, []
    path = files[0]
    every = (text_chunks(p, header, rows=CHUNK_ROWS, words=reading.missing) for p in files)
    for number, (_, text) in enumerate(chain.from_iterable(every)):
        named, missing = text.named, added(missing, text.missing)
        paths.append(folder.path / f"{number:06d}.parquet")
        text.raw.write_parquet(paths[-1])
    columns = LazyColumns(paths, folder, is_text=True)
    table = columns.table(str(path), "polars" if named else "numpy", named, 1 + named)
    return replace(table, reading=reading, missing=missing)


class LazyColumns(AbstractColumns):
    """The columns of Parquet files, each read on request and not kept."""

    def __init__(
        self, paths: Sequence[Path], folder: ScratchFolder | None = None, *, is_text: bool = False
    ) -> None:
        self._folder, self._is_text = folder, is_text  # the folder lives as long as its reader
        self._name = str(paths[0])
        with readable(self._name):
            self._scan = scan_parquet(paths)
            self._schema = self._scan.collect_schema()

    @override
    def __len__(self) -> int:
        return len(self._schema)

    @override
    def column(self, index: int) -> np.ndarray:
        return cells_of_native(self._read(index))

    @override
    def as_written(self, index: int) -> Any:
        if not self._is_text:
            return None
        with readable(self._name):
            return column_of(self._scan, index).alias("")

    def table(self, source: str, container: str, named: bool, first_line: int | None) -> Table:
        """These columns as a table."""
        import polars as pl

        names = tuple(self._schema.names())
        if not names:
            raise SchemaError(f"{source}: no columns")
        with readable(source, "file"):
            rows = int(self._scan.select(pl.len()).collect().item())
            heads = (
                pl.DataFrame([self._read(k).head(0) for k in range(len(names))])
                if self._is_text
                else self._scan.head(0).collect()
            )
        return Table(
            names,
            self,
            source,
            container,
            named,
            first_line,
            types=types_of(heads, "polars"),
            rows=rows,
        )

    def _read(self, index: int) -> Any:
        with readable(self._name):
            series = column_of(self._scan, index)
        return typed(series) if self._is_text else series
