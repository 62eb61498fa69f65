"""Tables in several files: folders, lists of paths, and patterns that the user says are some."""

from __future__ import annotations

import os
from collections.abc import Sequence
from glob import glob as matches
from pathlib import Path
from typing import Any

from chainrule.errors import FormatError, printable
from chainrule.table.files.endings import TEXT_ENDINGS, file_type


def files_of(table: Any, *, glob: bool = False) -> list[Path] | None:
    """The files of a folder, a list of paths or a pattern, in order; None for other tables.

    A folder's files are those of its folders too, in the order of their names. Names that begin
    with a dot or an underscore, such as _SUCCESS, are no tables.

    Args:
        table: any table.
        glob: whether a path is a pattern such as ``part-*.csv``.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: no file of a table, files of several types, or folders named for cells.
    """
    if isinstance(table, str | os.PathLike):
        path = Path(table)
        if glob:
            found = [Path(name) for name in sorted(matches(str(path), recursive=True))]
            found = [each for each in found if each.is_file()]
        elif path.is_dir():
            found = _in_folder(path)
        else:
            return None
        if not found:
            what = "no file has such a name" if glob else "a folder without a table"
            raise FormatError(
                f"{path}: {what}; tables end with {', '.join(TEXT_ENDINGS)} or .parquet"
            )
    elif is_list_of_paths(table):
        found = [Path(name) for name in table]
        for path in found:
            if not path.is_file():
                raise FileNotFoundError(printable(f"{path}: no such file"))
    else:
        return None
    types = {".csv" if (kind := file_type(p)) in TEXT_ENDINGS else kind for p in found}
    if len(types) > 1 or not types <= {".csv", ".parquet"}:
        raise FormatError(
            f"{found[0]}: one of {len(found)} files of the types {', '.join(sorted(types))}; a "
            "table in several files is all CSV, or all Parquet"
        )
    return found


def is_list_of_paths(table: Any) -> bool:
    """Whether a table is a list of paths, and not one of rows."""
    return (
        isinstance(table, Sequence)
        and not isinstance(table, str | bytes)
        and len(table) > 0
        and all(isinstance(each, str | os.PathLike) for each in table)
    )


def _in_folder(folder: Path) -> list[Path]:
    found = []
    for path in sorted(folder.rglob("*")):
        names = path.relative_to(folder).parts
        if not any(name.startswith((".", "_")) for name in names) and path.is_file():
            found.append(path)
        if "=" in path.name and path.is_dir():
            raise FormatError(
                f"{path}: the name of this folder is a column and its value, which are not read "
                "from names: pass pyarrow.dataset.dataset(folder, partitioning='hive')"
            )
    return [path for path in found if file_type(path) in (*TEXT_ENDINGS, ".parquet")]
