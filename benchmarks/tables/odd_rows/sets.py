"""The sets of outliers, the half of them on which choices are made, and their splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.tables.data import folder

SETS = (
    "annthyroid", "breastw", "cardiotocography", "glass", "hepatitis", "internetads", "ionosphere",
    "letter", "mammography", "optdigits", "pageblocks", "pima", "satellite", "smtp", "stamps",
    "thyroid", "vertebral", "vowels", "waveform", "wbc", "wdbc", "wine",
)  # fmt: skip
# Choices are made on every second set by name; the others are read once, when all is chosen.
CHOICE_HALF = SETS[::2]


@dataclass(frozen=True)
class Split:
    """Training rows, and rows to judge with their labels, 1 for outliers."""

    train: np.ndarray
    test: np.ndarray
    is_outlier: np.ndarray

    def scaled(self, center: np.ndarray, spread: np.ndarray) -> Split:
        """The split with other units of its columns."""
        return Split((self.train - center) / spread, (self.test - center) / spread, self.is_outlier)


def sets_of(half: str) -> tuple[str, ...]:
    """The names of the sets of a half, "choice", "report" or "both"."""
    chosen = {"choice": True, "report": False}.get(half)
    return tuple(name for name in SETS if chosen in (None, name in CHOICE_HALF))


def half_of_the_ordinary(name: str, seed: int, most: int | None = None) -> Split:
    """Half of a set's ordinary rows to learn from; the other rows are judged.

    It is the protocol of DTE (Livernoche et al., "On diffusion modeling for anomaly detection",
    ICLR 2024, arXiv:2305.18593), except that rows of small sets are not repeated.

    Args:
        name: the set.
        seed: shuffles the rows.
        most: at most so many rows to learn from, and ordinary ones to judge.
    """
    rows, is_outlier = _load(name)
    ordinary = np.random.default_rng(seed).permutation(np.flatnonzero(~is_outlier))
    half = len(ordinary) // 2
    test = np.concatenate([ordinary[half:][:most], np.flatnonzero(is_outlier)])
    return Split(rows[ordinary[:half][:most]], rows[test], is_outlier[test])


def contaminated(name: str, seed: int, most: int | None = None) -> Split:
    """All rows of a set, or a random part, which are both learned from and judged."""
    rows, is_outlier = _load(name)
    some = np.random.default_rng(seed).permutation(len(rows))[:most]
    return Split(rows[some], rows[some], is_outlier[some])


def _load(name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(folder().parent / "outliers" / f"{name}.npz") as found:
        return found["X"].astype(np.float64), found["y"].astype(bool)
