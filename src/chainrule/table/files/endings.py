"""Types of files, by the endings of their names."""

from __future__ import annotations

from pathlib import Path

TEXT_ENDINGS = (".csv", ".txt", ".tsv", ".data")
READ_ENDINGS = (*TEXT_ENDINGS, ".parquet", ".npy", ".npz")
WRITTEN_ENDINGS = (".csv", ".parquet")


def file_type(path: Path) -> str:
    """The type of a file by its name: its last ending except .gz."""
    return f".{next((s for s in reversed(path.name.lower().split('.')) if s != 'gz'), '')}"
