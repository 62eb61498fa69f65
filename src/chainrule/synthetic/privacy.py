"""Whether synthetic rows are too near to the rows they imitate: nearest rows, and repeated ones.

The distance of two rows is that of SDMetrics' DCR metrics (0.32.0): the mean over columns of the
difference of numbers in units of the real range, at most 1, and of 0 or 1 for equal or different
labels; a missing cell differs by 1 from a known one. The share of rows nearer to training rows than
to held-out ones is the "DCR share" of mostlyai-qa, ``DCROverfittingProtection`` of SDMetrics, with
ties halved. It is near a half unless a model has memorised rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.synthetic.tables import Column, Tables

MOST_ASKED = 10_000  # synthetic rows whose nearest row is looked for
MOST_NEAR = 20_000  # real rows, and held-out ones, among which it is looked for
CELLS = 4_000_000_000  # differences of cells that are computed; fewer rows are asked beyond it
TILE = 256, 4096  # rows and rows whose distances are computed together
FAR = 1e6  # a missing cell, on a scale on which the range is 1
ODD = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio


@dataclass(frozen=True)
class Nearest:
    """Where the nearest real row of a synthetic one is.

    Attributes:
        share: of synthetic rows that are nearer to a training row than to any held-out row.
        standard_error: of the share.
        asked: number of synthetic rows.
        among: number of training rows, and of held-out rows.
    """

    share: float
    standard_error: float
    asked: int
    among: int


@dataclass(frozen=True)
class Repeated:
    """Shares of rows that equal another row in all columns.

    Attributes:
        of_real: synthetic rows that equal a real row.
        holdout_of_real: held-out rows that do; None without a holdout.
        of_own: synthetic rows that equal another synthetic row.
        real_of_own: real rows that equal another real row.
    """

    of_real: float
    holdout_of_real: float | None
    of_own: float
    real_of_own: float


def nearest(tables: Tables, seed: int, advance: Callable[[], None]) -> Nearest | None:
    """The share of synthetic rows that are nearer to real than to held-out rows, ties halved.

    As many real as held-out rows are compared. None without held-out rows.
    """
    if tables.holdout is None:
        advance()
        return None
    generator = np.random.default_rng((seed, 30))
    among = min(len(tables.real), len(tables.holdout), MOST_NEAR)
    real, holdout = (rows.some(among, generator).values for rows in (tables.real, tables.holdout))
    asked = min(MOST_ASKED, max(CELLS // (2 * among * len(tables.columns)), 100))
    rows = tables.synthetic.some(asked, generator).values
    to_real, to_holdout = (
        distances(tables.columns, rows, among=each, like=real) for each in (real, holdout)
    )
    nearer = (to_real < to_holdout) + 0.5 * (to_real == to_holdout)
    share = float(nearer.mean())
    advance()
    return Nearest(share, float(np.sqrt(share * (1 - share) / len(rows))), len(rows), among)


def distances(
    columns: tuple[Column, ...], rows: np.ndarray, *, among: np.ndarray, like: np.ndarray
) -> np.ndarray:
    """The distance of each row (N, D) to the nearest row among others (M, D): (N,), from 0 to 1.

    Differences of numbers are in units of the range of the real rows ``like``.
    """
    _, others, asked = _scaled(columns, like, among, rows)
    return _distance(asked, others) / len(columns)


def _scaled(columns: tuple[Column, ...], *parts: np.ndarray) -> list[np.ndarray]:
    """Rows on scales on which the first part's range is 1, and different labels are 1 apart."""
    found = [part.copy() for part in parts]
    for k, column in enumerate(columns):
        known = parts[0][:, k][~np.isnan(parts[0][:, k])]
        if not column.is_label and len(known):
            least, width = known.min(), np.ptp(known)
            for part in found:
                part[:, k] = (part[:, k] - least) / (width or np.finfo(np.float32).tiny)
    largest = FAR / 4
    return [
        np.where(np.isnan(part), FAR, np.clip(part, -largest, largest)).astype(np.float32)
        for part in found
    ]


def _distance(rows: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The sum over columns of differences, at most 1 each, to the nearest row: (N,) float32."""
    found = np.full(len(rows), np.inf, dtype=np.float32)
    rows, among = np.ascontiguousarray(rows.T), np.ascontiguousarray(among.T)
    for begin in range(0, rows.shape[1], TILE[0]):
        asked = slice(begin, begin + TILE[0])
        for first in range(0, among.shape[1], TILE[1]):
            near = slice(first, first + TILE[1])
            total = np.zeros((len(rows[0, asked]), len(among[0, near])), dtype=np.float32)
            apart = np.empty_like(total)
            for one, other in zip(rows[:, asked], among[:, near], strict=True):
                np.subtract(one[:, None], other[None, :], out=apart)
                np.abs(apart, out=apart)
                np.minimum(apart, 1, out=apart)
                total += apart
            np.minimum(found[asked], total.min(axis=1), out=found[asked])
    return found


def repeated(tables: Tables) -> Repeated:
    """The shares of rows that equal others, in all tables."""
    real, made = hashes(tables.real.values), hashes(tables.synthetic.values)
    holdout = None if tables.holdout is None else hashes(tables.holdout.values)
    return Repeated(
        of_real=float(np.isin(made, real).mean()),
        holdout_of_real=None if holdout is None else float(np.isin(holdout, real).mean()),
        of_own=_repeats(made),
        real_of_own=_repeats(real),
    )


def _repeats(rows: np.ndarray) -> float:
    _, which, counts = np.unique(rows, return_inverse=True, return_counts=True)
    return float((counts[which.reshape(-1)] > 1).mean())


def hashes(rows: np.ndarray) -> np.ndarray:
    """A number of 64 bits for each row (N,), the same for equal rows; missing cells are equal.

    Different rows share one with probability 2^−64 a pair.

    >>> one, other, same = hashes(np.array([[1.0, np.nan], [np.nan, 1.0], [1.0, np.nan]]))
    >>> bool(one == same), bool(one == other)
    (True, False)
    """
    found = np.full(len(rows), ODD, dtype=np.uint64)
    for k in range(rows.shape[1]):
        cells = np.where(np.isnan(rows[:, k]), np.nan, rows[:, k] + 0.0)  # −0 and 0 are one
        salt = np.uint64(ODD * (k + 1) % 2**64)
        found = _mixed(found ^ _mixed(cells.view(np.uint64) + salt))
    return found


def _mixed(bits: np.ndarray) -> np.ndarray:
    """SplitMix64's mixing function (Steele, Lea & Flood 2014): a bijection of 64 bits."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
