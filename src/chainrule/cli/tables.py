"""What commands take and give: tables by path or by the name of a data set, results to stdout or a file."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import datasets
from chainrule.atomic import write_bytes
from chainrule.errors import ChainruleError, unknown_choice
from chainrule.table import Table, array_names, read_table
from chainrule.table.schema import first_repeated

TABLE_HELP = "A .npy, .npz, .csv, .tsv, .txt, .data (also .gz) or .parquet file, or the name of a data set."
OUTPUT_TYPES = (".csv", ".npy", ".npz", ".parquet")


HEADER_HELP = "Whether a text file begins with column names (default: unless its first line could be a row)."


def table_of(text: str, split: str | None, *, usual: str | None = None, header: bool | None = None) -> Table:
    """The table a command line names: a file, one array of an .npz file, or one split of a data set.

    Args:
        text: a path, or the name of a data set.
        split: the array or split asked for.
        usual: the one to take where none is asked for and there are several.
        header: whether a text file begins with names; None looks at its first line.
    """
    path = Path(text)
    if not path.exists() and _is_dataset(text):
        split = split or usual or "test"
        if split not in datasets.SPLITS:
            raise ChainruleError(unknown_choice("split", split, datasets.SPLITS))
        loaded = datasets.load(text)
        table = read_table(getattr(loaded, split), source=f"{text} ({split})")
        return table if loaded.columns is None else replace(table, names=loaded.columns, named=True)
    if not path.exists() and not path.suffix:
        raise FileNotFoundError(f"{text}: no such file; {unknown_choice('data set', text, _dataset_names())}")
    if path.suffix.lower() == ".npz" and path.exists():
        return read_table(path, array=split or (usual if usual in array_names(path) else None))
    if split is not None:
        raise ChainruleError(
            f"{text}: --split names a split of a data set or an array of an .npz file; this is neither"
        )
    return read_table(path, header=header)


def training_tables(text: str, valid: str | None, header: bool | None = None) -> tuple[Table, Table | None]:
    """Training and validation rows. Those of a data set or an .npz file are its ``train`` and ``valid``, never its test."""
    train = table_of(text, None, usual="train", header=header)
    if valid is not None:
        return train, table_of(valid, None, usual="valid", header=header)
    path = Path(text)
    has_valid = "valid" in array_names(path) if path.exists() and path.suffix.lower() == ".npz" else not path.exists()
    return train, table_of(text, "valid") if has_valid else None


def given_table(given: Sequence[str], header: bool | None = None) -> Table:
    """The known cells that a command line names: one file, or NAME=VALUE as often as there are cells."""
    cells = [text for text in given if "=" in text and not Path(text).exists()]
    if not cells:
        if len(given) > 1:
            raise ChainruleError(f"--given {given[1]}: give one file, or cells as NAME=VALUE")
        return table_of(given[0], None, usual="test", header=header)
    if len(cells) < len(given):
        file = next(text for text in given if text not in cells)
        raise ChainruleError(f"--given {file}: give one file, or cells as NAME=VALUE, not both")
    names, values = zip(*(cell.rsplit("=", 1) for cell in cells), strict=True)  # a value holds no "="; a name may
    if repeated := first_repeated(names):
        raise ChainruleError(f"--given {repeated}=…: given twice; give each cell once")
    columns = tuple(np.array([value], dtype=object) for value in values)
    return Table(names, columns, "--given", named=True)


def require_writable(path: Path, types: Sequence[str] = (), *, inputs: Sequence[str | Path | None] = ()) -> None:
    """Raises before work starts if a result could not, or should not, be written to ``path`` afterwards."""
    for source in inputs:
        if source is not None and path.exists() and Path(source).exists() and path.samefile(source):
            raise ChainruleError(f"{path}: is also read by this command; write to another file")
    if types and path.suffix not in types:
        raise ChainruleError(f"{path}: results are written as {', '.join(types)}; end the name with one of these")
    if path.is_dir():
        raise IsADirectoryError(f"{path}: a folder; name a file")
    if path.exists() and not path.is_file():
        raise ChainruleError(f"{path}: exists and is not a file; name another")
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
            write_bytes(output, text.encode())
        return
    buffer = io.BytesIO()
    if output.suffix == ".npy":
        np.save(buffer, np.stack(list(columns.values()), axis=1))
    elif output.suffix == ".npz":
        np.savez_compressed(buffer, rows=np.stack(list(columns.values()), axis=1))
    else:
        import polars as pl

        pl.DataFrame(columns).write_parquet(buffer)
    write_bytes(output, buffer.getvalue())


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
