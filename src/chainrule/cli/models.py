"""What answers for a model file: NumPy for small tables, PyTorch for large ones."""

from __future__ import annotations

from pathlib import Path

from chainrule.scorer import Scorer

# Larger files go to PyTorch. It takes longer to start by about two seconds, and less per row.
MOST_BYTES = 2**20


def scorer_for(model: Path, table: str) -> Scorer:
    """Returns the scorer of a model file for a table.

    Args:
        model: the model file.
        table: a path, the name of a data set, or "-".
    """
    path = Path(table)
    files = path.rglob("*") if path.is_dir() else [path]
    if sum(file.stat().st_size for file in files if file.is_file()) <= MOST_BYTES:
        return Scorer(model)
    from chainrule.density import load

    return Scorer.over(load(model))
