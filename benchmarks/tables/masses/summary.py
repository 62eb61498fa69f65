"""The files of figures, and lines that show one of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks import record
from benchmarks.tables.masses.scores import OURS, ROWS

RESULTS = record.RESULTS / "real_tables" / "masses"


def path_of(name: str, seed: int, effort: str, folder: Path = RESULTS) -> Path:
    """The file with the figures of one table and seed."""
    return folder / f"{'' if effort == 'standard' else effort + '-'}{name}-{seed}.json"


def lines(path: Path) -> list[str]:
    """The densities of a file, each with its nats and what ours gains on it, paired by row."""
    found = json.loads(path.read_text())["densities"]
    words = [path.stem]
    for label, each in found.items():
        if "failed" in each:
            words.append(f"  {label:28} {each['failed']}")
            continue
        line = f"  {label:28} {each['nats']:9.3f}  without mass {each['rows']['without mass']}"
        words.append(line + _paired(path, label))
    return words


def _paired(path: Path, label: str) -> str:
    rows = [
        ROWS / f"{path.stem}-{each.replace(' ', '_').replace(',', '')}.npy"
        for each in (label, OURS)
    ]
    if label == OURS or not all(each.exists() for each in rows):
        return ""
    gain = np.load(rows[1]) - np.load(rows[0])
    return f"  ours {gain.mean():+.3f} ± {gain.std(ddof=1) / np.sqrt(len(gain)):.3f}"
