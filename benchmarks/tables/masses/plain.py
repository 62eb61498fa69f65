"""Densities of the numbers of sets: independent columns, a Chow-Liu tree, a Gaussian mixture.

They are those of proof 1 (``bins.py``, ``gaussians.py``), fitted to the numbers of the sets
instead of a schema's codes. Each set has a mass. Sets with at least a tenth or a hundredth of the
training rows of their column are atoms, as validation rows choose. In the mixture an atom has its
share of the column, whatever the component.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.tables.bins import best_tree
from benchmarks.tables.gaussians import best_gaussians
from benchmarks.tables.masses.cells import Cells
from chainrule.table import Codes

ATOMS = (0.1, 0.01)  # least shares of a column's rows
LEAST = 5  # least number of rows of an atom

INDEPENDENT, TREE, GAUSSIANS = "independent columns", "Chow-Liu tree", "Gaussian mixture"


@dataclass(frozen=True)
class SetColumn:
    """A column of numbered sets, as the baselines ask for it."""

    atoms: tuple[float, ...]
    levels: int
    low: float
    high: float
    is_continuous: bool = False

    @property
    def has_levels(self) -> bool:
        """Whether the sets are labels."""
        return self.levels > 0

    def atom_codes(self) -> tuple[float, ...]:
        """The sets of numbers with a probability of their own."""
        return self.atoms

    def points(self, most: int) -> np.ndarray:
        """All labels, or the ends of the range."""
        return np.arange(self.levels * 1.0) if self.levels else np.array([self.low, self.high])

    def log_multiplicity(self, codes: np.ndarray) -> np.ndarray:
        """0: no labels share a set but those without training rows, which are one."""
        return np.zeros(len(codes))


@dataclass(frozen=True)
class SetColumns:
    """The columns of a table."""

    columns: tuple[SetColumn, ...]


def columns_of(cells: Cells, train: np.ndarray, share: float) -> SetColumns:
    """The columns of the training rows' numbers of sets (N, D).

    Sets with at least this share of the rows are atoms.
    """
    found = []
    for k, labels in enumerate(cells.labels):
        known = train[~np.isnan(train[:, k]), k]
        values, counts = np.unique(known, return_counts=True)
        often = counts >= max(LEAST, share * len(known))
        is_label = cells.is_label[k]
        found.append(
            SetColumn(
                atoms=() if is_label else tuple(values[often].tolist()),
                levels=len(labels) + 1 if is_label else 0,
                low=float(values[0]) if len(values) else 0.0,
                high=float(values[-1]) if len(values) else 1.0,
            )
        )
    return SetColumns(tuple(found))


def fit(label: str, cells: Cells, parts: list[np.ndarray], seed: int) -> dict[str, Any]:
    """Fits one of the densities and scores the test rows.

    Args:
        label: the density.
        cells: the measure.
        parts: values (N, D) of training, validation and test rows.
        seed: the seed of a mixture.
    """
    numbers = [cells.numbers(part) for part in parts]
    train, valid, test = (Codes(np.nan_to_num(each), ~np.isnan(each)) for each in numbers)
    found = []
    for share in ATOMS:
        columns = columns_of(cells, numbers[0], share)
        if label == GAUSSIANS:
            density, chosen = best_gaussians(columns, train, valid, seed=seed)
        else:
            density, chosen = best_tree(columns, train, valid, edges=label == TREE)
        found.append((float(density.log_prob(valid).mean()), density, chosen | {"atoms": share}))
    _, density, chosen = max(found, key=lambda each: each[0])
    return {"nats": density.log_prob(test), "chosen": chosen}
