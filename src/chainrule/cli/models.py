"""What answers for a model file: NumPy for small tables, PyTorch for large ones."""

from __future__ import annotations

from pathlib import Path

from chainrule.scorer import Scorer
from chainrule.table.files.several import files_of

# Larger files go to PyTorch. It takes longer to start by about two seconds, and less per row.
MOST_BYTES = 2**20


def scorer_for(model: Path, table: str, *, glob: bool = False) -> Scorer:
    """Returns the scorer of a model file for a table.

    Args:
        model: the model file.
        table: a path, the name of a data set, or "-".
        glob: whether the path is a pattern of files.
    """
    files = files_of(table, glob=glob) or [Path(table)]
    if sum(file.stat().st_size for file in files if file.is_file()) <= MOST_BYTES:
        return Scorer(model)
    from chainrule.density import load

    return Scorer.over(load(model))
