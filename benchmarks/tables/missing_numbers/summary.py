"""Lines that show the figures of one file, and the means over tables of each mechanism."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.markdown import table
from benchmarks.tables.missing_numbers.figures import FIGURES
from benchmarks.tables.missing_numbers.fills import TREES


def lines(path: Path) -> list[str]:
    """The methods of a file, each with its errors and its differences to trees."""
    found = json.loads(path.read_text())
    words = [f"{path.stem}: {found['cells']['numbers']} numbers, {found['cells']['labels']} labels"]
    for label, each in found["methods"].items():
        line = f"  {label:30}" + "".join(f" {figure} {each[figure]:.4f}" for figure in FIGURES)
        for figure, gap in each.get("to trees", {}).items():
            line += f"  {figure} {gap['difference']:+.4f} ± {gap['standard error']:.4f}"
        words.append(line)
    return words


def means(paths: dict[tuple[str, int], list[Path]]) -> list[str]:
    """A table of the means over tables and seeds, for the methods that all files have.

    The last column is the mean absolute error over that of trees, less one. Its standard error is
    that of the seeds' means.

    Args:
        paths: the files of each mechanism and seed, one for each table.
    """
    rows = []
    for mechanism in dict.fromkeys(mechanism for mechanism, _ in paths):
        seeds = [
            [json.loads(path.read_text())["methods"] for path in files]
            for (name, _), files in paths.items()
            if name == mechanism
        ]
        every = [methods for files in seeds for methods in files]
        for label in every[0]:
            if not all(label in methods for methods in every):
                continue
            cells = [
                f"{np.mean([each[label][figure] for each in every]):.4f}" for figure in FIGURES
            ]
            rows.append([mechanism, label, *cells, _over_trees(seeds, label)])
    return table(["mechanism", "method", *FIGURES, "absolute, over that of trees"], rows)


def _over_trees(seeds: Sequence[list[dict[str, dict[str, float]]]], label: str) -> str:
    if label == TREES or not all(TREES in methods for files in seeds for methods in files):
        return ""
    ratios = np.array(
        [
            sum(methods[label]["absolute"] for methods in files)
            / sum(methods[TREES]["absolute"] for methods in files)
            for files in seeds
        ]
    )
    words = f"{ratios.mean() - 1:+.1%}"
    if len(ratios) > 1:
        words += f" ± {ratios.std(ddof=1) / np.sqrt(len(ratios)):.1%}"
    return words
