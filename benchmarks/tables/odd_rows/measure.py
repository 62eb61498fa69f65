"""The measures: areas under ROC curves, p-values, named cells, seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import kstest
from sklearn.metrics import roc_auc_score

import chainrule as cr
from benchmarks.tables.data import whole_table
from benchmarks.tables.odd_rows.rivals import RIVALS, scores
from benchmarks.tables.odd_rows.sets import Split, contaminated, half_of_the_ordinary
from chainrule.sklearn import OutlierDetector
from chainrule.tasks import Calibration, row_log_p

FDR = 0.1
TRIM = 0.25  # share of the rows that are left out in a second fit of contaminated tables
HIDDEN = (0, 1, 3)  # missing cells of each row
CHANCE = 1.63  # of Kolmogorov and Smirnov's distance, exceeded by chance in one of a hundred cases
WRONG_ROWS, FEATURES, FAR = 200, 5, (6.0, 12.0)
FITTED_ROWS = 7_000  # of adult, for the seconds


def semi_supervised(name: str, seed: int, effort: str, most: int | None) -> dict[str, Any]:
    """Half of the ordinary rows are learned, the others and the outliers are judged."""
    split = half_of_the_ordinary(name, seed, most)
    density = cr.fit(split.train, effort=effort, seed=seed, verbose=False)
    log_p = _log_p(density, split.test)
    odd = density.odd_rows(split.test, FDR)["row"].to_numpy()
    found = {
        "ours": _area(split, -log_p),
        "likelihood": _area(split, -density.log_prob(split.test)),
    }
    return _beside_rivals(split, seed, found) | {
        "odd rows": len(odd),
        "false share": float(1 - split.is_outlier[odd].mean()) if len(odd) else 0.0,
        "recall": float(split.is_outlier[odd].sum() / split.is_outlier.sum()),
    }


def of_contaminated(name: str, seed: int, effort: str, most: int | None) -> dict[str, Any]:
    """All rows are learned and judged."""
    split = contaminated(name, seed, most)
    found = {}
    for label, trim in {"ours": TRIM, "ours, one fit": 0.0}.items():
        detector = OutlierDetector(effort=effort, random_state=seed, trim=trim).fit(split.train)
        found[label] = _area(split, -detector.score_samples(split.test))
    return _beside_rivals(split, seed, found)


def scaled(name: str, seed: int, effort: str, most: int | None) -> dict[str, Any]:
    """The area of the same rows in other units."""
    split = half_of_the_ordinary(name, seed, most)
    center, spread = split.train.mean(0), split.train.std(0)
    units = {
        "as they are": (0.0 * center, np.ones(len(center))),
        "× 1000": (0.0 * center, np.full(len(center), 1e-3)),
        "standardised": (center, np.where(spread > 0, spread, 1.0)),
    }
    areas = {}
    for label, unit in units.items():
        other = split.scaled(*unit)
        density = cr.fit(other.train, effort=effort, seed=seed, verbose=False)
        areas[label] = _area(other, -_log_p(density, other.test))
    return {"areas": areas, "largest difference": max(areas.values()) - min(areas.values())}


def p_values(name: str, seed: int, effort: str, most: int | None) -> dict[str, Any]:
    """The distance of ordinary rows' p-values from uniform ones, by the number of missing cells."""
    split = half_of_the_ordinary(name, seed, most)
    density = cr.fit(split.train, effort=effort, seed=seed, verbose=False)
    ordinary, generator = split.test[~split.is_outlier], np.random.default_rng(seed)
    held = int(density.training["valid_rows"])
    bound = CHANCE * float(np.sqrt(1 / len(ordinary) + 1 / held))
    distances = {}
    for hidden in HIDDEN:
        rows = np.where(_patterns(ordinary.shape, hidden, generator), np.nan, ordinary)
        distances[str(hidden)] = float(kstest(np.exp(_log_p(density, rows)), "uniform").statistic)
    return {"distances": distances, "bound": bound, "held": max(distances.values()) <= bound}


def named(seed: int, effort: str) -> dict[str, Any]:
    """In how many of 200 rows, each with one feature far out, that feature is named.

    Features are related: each is the mean of a common factor and noise of its own.
    """
    generator = np.random.default_rng(seed)

    def ordinary(rows: int) -> np.ndarray:
        factor = generator.normal(size=(rows, 1))
        return 0.7 * factor + 0.7 * generator.normal(size=(rows, FEATURES))

    density = cr.fit(ordinary(2_000), effort=effort, seed=seed, verbose=False)
    rows, wrong = ordinary(WRONG_ROWS), generator.integers(FEATURES, size=WRONG_ROWS)
    sign = generator.choice([-1.0, 1.0], WRONG_ROWS)
    rows[np.arange(WRONG_ROWS), wrong] = sign * generator.uniform(*FAR, WRONG_ROWS)
    found = density.odd_rows(rows, None)
    column = dict(zip(found["row"], found["column"], strict=True))
    hits = sum(column[row] == f"x{feature}" for row, feature in enumerate(wrong.tolist()))
    return {"rows": WRONG_ROWS, "named": hits, "odd": len(found.filter(pl.col("q_value") <= FDR))}


def seconds(seed: int, effort: str) -> dict[str, Any]:
    """Seconds to judge all rows of adult with a density of some of them."""
    rows = whole_table("adult")
    some = rows.sample(FITTED_ROWS, seed=seed, shuffle=True)
    density = cr.fit(some, effort=effort, seed=seed, verbose=False)
    began, began_cpu = time.perf_counter(), time.process_time()
    found = density.odd_rows(rows, FDR)
    return {
        "rows": len(rows),
        "columns": rows.width,
        "odd rows": len(found),
        "seconds": time.perf_counter() - began,
        "processor seconds": time.process_time() - began_cpu,
    }


def _beside_rivals(split: Split, seed: int, found: dict[str, float]) -> dict[str, Any]:
    for rival in RIVALS:
        found[rival] = _area(split, scores(rival, split.train, split.test, seed))
    return {"rows": len(split.train), "columns": split.train.shape[1], "areas": found}


def _area(split: Split, oddness: np.ndarray) -> float:
    return float(roc_auc_score(split.is_outlier, oddness))


def _log_p(density: cr.Density, rows: np.ndarray) -> np.ndarray:
    spec = density.training["calibration"]
    calibration = None if spec is None else Calibration.from_json(spec)
    return row_log_p(density.model, rows, calibration, progress=False)


def _patterns(shape: tuple[int, int], hidden: int, generator: np.random.Generator) -> np.ndarray:
    """A mask (n, D) of missing cells, so many in each row, of eight patterns."""
    rows, width = shape
    patterns = np.stack([generator.permutation(width) < hidden for _ in range(8)])
    return patterns[generator.integers(len(patterns), size=rows)]


Measure = Callable[[str, int, str, int | None], dict[str, Any]]
OF_SETS: dict[str, Measure] = {
    "semi-supervised": semi_supervised,
    "contaminated": of_contaminated,
    "scaled": scaled,
    "p-values": p_values,
}
ONCE: dict[str, Callable[[int, str], dict[str, Any]]] = {"named": named, "seconds": seconds}
