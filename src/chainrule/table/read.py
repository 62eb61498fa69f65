"""Reads a table from an array, a data frame, or a .npy, .npz, CSV or Parquet file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.containers import from_array, from_frame, without_names
from chainrule.table.files.endings import TEXT_ENDINGS, file_type, require_type
from chainrule.table.files.missing_words import added
from chainrule.table.files.numpy_files import read_npy, read_npz
from chainrule.table.files.parquet import read_parquet, readable, scan_parquet
from chainrule.table.files.pipes import as_file
from chainrule.table.files.several import files_of
from chainrule.table.files.text_files import Text, read_text, text_chunks
from chainrule.table.frames.concatenated import concatenated
from chainrule.table.frames.streams import frames_of, is_stream, whole_frame
from chainrule.table.na_values import without_words
from chainrule.table.table import Table
from chainrule.table.text.reading_options import DEFAULT_READING, Reading

CHUNK_ROWS = 50_000
CHUNK_CELLS = 50_000_000  # most cells in a chunk of a Parquet file, however few its rows are


def read_table(
    table: Any,
    *,
    array: str | None = None,
    header: bool | None = None,
    glob: bool = False,
    source: str | None = None,
    decimal: str | Mapping[str, str] | None = None,
    thousands: str | Mapping[str, str] | None = None,
    date_format: str | Mapping[str, str] | None = None,
    na_values: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    reading: Reading | None = None,
) -> Table:
    """Reads the columns of a table; every function of chainrule also takes the result.

    Text may hold numbers such as 1.234,50 €, 4.1% or (12.5), and dates such as 31.12.2024. They are
    recognised if all cells of a column can be parsed in exactly one way. If there are two ways, an
    option must select one.

    Args:
        table: an ndarray (N, D), a pandas, polars or Arrow frame, or a path of .npy, .npz, .csv
            (also .gz) or .parquet. Also a folder or a list of such CSV files or of such Parquet
            files; a polars LazyFrame, a pyarrow reader or dataset, or another object with
            ``__arrow_c_stream__``.
        array: the name of the array in an .npz file; by default its only one.
        header: whether the first line of a text file names the columns; None decides by whether it
            could be a row.
        glob: whether the path is a pattern of files, such as ``"part-*.parquet"``.
        source: the name of an array or frame in messages.
        decimal: the decimal mark of numbers in text, "." or ","; or by column: ``{"price": ","}``.
        thousands: the mark between thousands: ",", ".", "'", " ", or "" for none; or by column.
        date_format: the format of dates, as ``"%d/%m/%Y"``; or by column. It does not affect
            columns in other formats.
        na_values: words for missing cells, in any case, besides the usual ones (empty, NA, N/A,
            NaN, null, None, NaT); or by column: ``{"country": ""}``. If the empty word is among
            them, they replace the usual ones: ``""`` makes NA a label. Frames and arrays have only
            the given words; there "-999" or "1900-01-01" also matches that number or date.
        reading: these four options, already combined.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is empty, damaged, ragged, or of an unknown type.
        SchemaError: a name appears twice, the array does not have two axes, or there is no such
            mark, format or column.

    Examples:
        >>> import polars as pl
        >>> from chainrule import infer_schema
        >>> prices = pl.DataFrame({"price": ["1.234,50 €", "12,00 €"]})
        >>> print(infer_schema(read_table(prices, na_values="-")))
        price  real  numbers written 1.234,50 €, 2 different, multiples of 0.5
    """
    options = Reading.from_options(
        decimal=decimal, thousands=thousands, date_format=date_format, na_values=na_values
    )
    reading = reading or options
    if isinstance(table, Table):
        if options != DEFAULT_READING:
            raise SchemaError(
                f"{table.source}: is already read; pass these options to the call that reads it"
            )
        return _require_same_words(table, reading)
    if (paths := files_of(table, glob=glob)) is not None:
        found = _read_several(paths, header, reading)
    elif isinstance(table, (str, os.PathLike)):
        with as_file(Path(table)) as (path, _):
            found = called(_read_path(path, array, header, reading), path, Path(table))
    elif is_stream(table):
        found = without_words(from_frame(whole_frame(table), source or "the table"), reading)
    elif isinstance(table, np.ndarray):
        found = without_words(from_array(table, source or "the array"), reading)
    else:
        found = without_words(from_frame(table, source or "the table"), reading)
    options.require_names(found.names, found.source)
    return found


def read_chunks(
    table: Any,
    *,
    header: bool | None = None,
    rows: int = CHUNK_ROWS,
    reading: Reading | None = None,
) -> Iterator[Table]:
    """Reads CSV or Parquet files and streams in chunks of about ``rows`` rows, one at a time.

    Chunks of several files, those of a folder or a list, follow one another. Other tables are one
    chunk.

    Raises:
        As ``read_table``, when the faulty chunk is reached.
    """
    reading = reading or DEFAULT_READING
    if (paths := files_of(table)) is not None:
        start = 0
        for path in paths:
            for chunk in _path_chunks(path, header, rows, reading):
                yield replace(chunk, first_row=start)
                start += len(chunk)
        return
    if is_stream(table):
        start = 0
        for frame in frames_of(table, rows):
            chunk = without_words(from_frame(frame, "the table"), reading)
            yield replace(chunk, first_row=start)
            start += len(chunk)
        return
    if not isinstance(table, (str, os.PathLike)):
        yield read_table(table, header=header, reading=reading)
        return
    with as_file(Path(table)) as (path, _):
        for chunk in _path_chunks(path, header, rows, reading):
            yield called(chunk, path, Path(table))


def _path_chunks(path: Path, header: bool | None, rows: int, reading: Reading) -> Iterator[Table]:
    kind, start = file_type(path), 0
    if kind in TEXT_ENDINGS:
        for line, text in text_chunks(path, header, rows=rows, words=reading.missing):
            chunk = from_frame(text.frame, str(path), first_line=line)
            chunk = replace(
                chunk, first_row=start, text=text.raw, reading=reading, missing=text.missing
            )
            yield chunk if text.named else without_names(chunk)
            start += len(chunk)
    elif kind == ".parquet":
        with readable(str(path)):
            scan = scan_parquet(path)
            rows = max(1, min(rows, CHUNK_CELLS // max(1, len(scan.collect_schema()))))
        while True:
            with readable(str(path)):
                frame = scan.slice(start, rows).collect()
            if start and not len(frame):
                break
            yield replace(without_words(from_frame(frame, str(path)), reading), first_row=start)
            start += len(frame)
            if len(frame) < rows:
                break
    else:
        yield read_table(path, header=header, reading=reading)


def _read_several(paths: Sequence[Path], header: bool | None, reading: Reading) -> Table:
    """The rows of several files of one type, in turn."""
    source = f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else str(paths[0])
    if file_type(paths[0]) == ".parquet":
        frame = concatenated([read_parquet(path) for path in paths], "polars")
        return without_words(from_frame(frame, source), reading)
    texts = [read_text(path, header, reading.missing) for path in paths]
    missing: dict[str, dict[str, int]] = {}
    for path, text in zip(paths, texts, strict=True):
        missing = added(missing, text.missing)
        if text.raw.columns != texts[0].raw.columns:
            raise SchemaError(
                f"{path}: columns {', '.join(map(repr, text.raw.columns))}, where {paths[0]} has "
                f"{', '.join(map(repr, texts[0].raw.columns))}: all files need the same columns"
            )
    raw = concatenated([text.raw for text in texts], "polars")
    whole = Text(raw, texts[0].named, missing)
    table = from_frame(whole.frame, source)
    table = replace(table, text=whole.raw, reading=reading, missing=missing)
    return table if whole.named else without_names(table)


def called(table: Table, path: Path, name: Path) -> Table:
    """Renames the source of a table that was read from a copy."""
    return (
        table if path == name else replace(table, source=table.source.replace(str(path), str(name)))
    )


def _require_same_words(table: Table, reading: Reading) -> Table:
    """Raises SchemaError for a text file read without the model's words for missing cells."""
    if reading.missing and not table.reading.missing and table.as_written(0) is not None:
        raise SchemaError(
            f"{table.source}: other words are missing cells than in the table the model was fitted "
            "to; pass the path, or give read_table the same na_values"
        )
    return table


def _read_path(path: Path, array: str | None, header: bool | None, reading: Reading) -> Table:
    require_type(path)
    kind = file_type(path)
    if kind == ".npy":
        return without_words(from_array(read_npy(path), str(path)), reading)
    if kind == ".npz":
        values, name = read_npz(path, array)
        return without_words(from_array(values, f"{path} ({name})"), reading)
    if kind in TEXT_ENDINGS:
        text = read_text(path, header, reading.missing)
        table = from_frame(text.frame, str(path), first_line=1 + text.named)
        table = replace(table, text=text.raw, reading=reading, missing=text.missing)
        return table if text.named else without_names(table)
    return without_words(from_frame(read_parquet(path), str(path)), reading)
