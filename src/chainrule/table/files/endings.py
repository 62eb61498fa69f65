"""Types of files, by the endings of their names."""

from __future__ import annotations

from pathlib import Path

from chainrule.errors import FormatError

TEXT_ENDINGS = (".csv", ".txt", ".tsv", ".data")
READ_ENDINGS = (*TEXT_ENDINGS, ".parquet", ".npy", ".npz")
WRITTEN_ENDINGS = (".csv", ".parquet")


def file_type(path: Path) -> str:
    """The type of a file by its name: its last ending except .gz."""
    return f".{next((s for s in reversed(path.name.lower().split('.')) if s != 'gz'), '')}"


def require_type(path: Path) -> None:
    """Raises FormatError unless the name of a file ends as that of a table does."""
    if file_type(path) not in READ_ENDINGS:
        raise FormatError(
            f"{path}: unknown type of file {path.suffix!r}; tables are .npy, .npz, .csv, .tsv, "
            ".txt, .data or .parquet"
        )
