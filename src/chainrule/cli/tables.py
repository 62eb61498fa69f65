"""What commands take and give: tables by path or by the name of a data set, results to stdout or a file."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import datasets, fileformat
from chainrule.errors import ChainruleError, unknown_choice
from chainrule.table import Table, array_names, read_table

TABLE_HELP = "A .npy, .npz, .csv, .tsv, .txt, .data (also .gz) or .parquet file, or the name of a data set."
OUTPUT_TYPES = (".csv", ".npy", ".npz", ".parquet")


def table_of(text: str, split: str | None) -> Table:
    """The table a command line names: a file, one array of an .npz file, or one split of a data set."""
    path = Path(text)
    if path.exists() or not _is_dataset(text):
        if not path.exists() and not path.suffix:
            raise FileNotFoundError(f"{text}: no such file; {unknown_choice('data set', text, _dataset_names())}")
        if path.suffix == ".npz" and split is None and "test" in array_names(path):
            split = "test"
        return read_table(path, array=split if path.suffix == ".npz" else None)
    if split not in (None, *datasets.SPLITS):
        raise ChainruleError(unknown_choice("split", split, datasets.SPLITS))
    split = split or "test"
    return read_table(getattr(datasets.load(text), split), source=f"{text} ({split})")


def training_tables(text: str, valid: str | None) -> tuple[Table, Table | None]:
    """Training and validation rows: those of a data set, of the arrays train and valid of an .npz file, or of two files."""
    path = Path(text)
    validation = None if valid is None else table_of(valid, "valid" if valid == text else None)
    if path.exists() and path.suffix == ".npz" and "train" in (names := array_names(path)):
        if validation is None and "valid" in names:
            validation = read_table(path, array="valid")
        return read_table(path, array="train"), validation
    if not path.exists() and _is_dataset(text):
        return table_of(text, "train"), validation or table_of(text, "valid")
    return table_of(text, None), validation


def require_writable(path: Path, types: Sequence[str] = ()) -> None:
    """Raises before work starts if a result could not be written to ``path`` afterwards."""
    if types and path.suffix not in types:
        raise ChainruleError(f"{path}: results are written as {', '.join(types)}; end the name with one of these")
    if path.is_dir():
        raise IsADirectoryError(f"{path}: a folder; name a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path}: the folder {path.parent} cannot be written to")


def write_columns(columns: dict[str, np.ndarray], output: Path | None) -> None:
    """Columns as CSV to stdout, or to a file of the type its name ends with; the file appears only when complete."""
    if output is None or output.suffix == ".csv":
        text = _csv(columns)
        if output is None:
            sys.stdout.write(text)
        else:
            fileformat.write_bytes(output, text.encode())
        return
    buffer = io.BytesIO()
    if output.suffix == ".npy":
        np.save(buffer, np.stack(list(columns.values()), axis=1))
    elif output.suffix == ".npz":
        np.savez_compressed(buffer, rows=np.stack(list(columns.values()), axis=1))
    else:
        import polars as pl

        pl.DataFrame(columns).write_parquet(buffer)
    fileformat.write_bytes(output, buffer.getvalue())


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=1))


def _csv(columns: dict[str, np.ndarray]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    rows: Iterable[tuple[Any, ...]] = zip(*(column.tolist() for column in columns.values()), strict=True)
    writer.writerows(rows)
    return text.getvalue()


def _is_dataset(text: str) -> bool:
    return text.replace("_", "-") in _dataset_names()


def _dataset_names() -> list[str]:
    return [info.name for info in datasets.list()]
