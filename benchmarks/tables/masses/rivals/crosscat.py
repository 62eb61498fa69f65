"""Lace (package pylace): the exact masses of rounding cells of its cross-categorisations.

Usage: python crosscat.py FOLDER, with the Python of requirements.txt; ``scores.py`` writes FOLDER.

A state divides the columns into views, and the rows of each view into clusters. A cluster has a
distribution for each column: of labels, a normal, or a Poisson of counts. A row's mass is the mean
over the states of Π over views Σ over clusters of share · Π P(set | cluster). The package's own
``logp`` has the same value, with densities in place of masses, but for the small share that it
leaves to new clusters. Missing cells are left out, in training and in scores.

Validation rows choose whether small whole numbers are normal, or what the package guesses: labels
if few differ, else counts. Normal numbers are spread evenly over their cells before the fit: else
the normal of a cluster with equal values has no width.

Source: Mansinghka et al., "CrossCat: a fully Bayesian nonparametric method for analyzing
heterogeneous, high dimensional data", JMLR 17 (2016).
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

STATES = 8
SWEEPS = (100, 300)  # in all; validation rows choose
NORMAL, COUNTS = "normal", "labels or counts"
MOST_COUNT = 100  # whole numbers below may be counts


def main(folder: Path) -> None:
    """Chooses kinds and sweeps on validation rows, and scores the test rows."""
    warnings.simplefilter("ignore")
    rows = np.load(folder / "rows.npz")
    train, valid, test = (rows[name] for name in ("train", "valid", "test"))
    levels, widths, seed = rows["levels"], rows["widths"], int(rows["seed"])
    found, began = [], time.process_time()
    for kind in (NORMAL, COUNTS):
        is_count = _counts(train, levels, widths) & (kind == COUNTS)
        if kind == COUNTS and not is_count.any():
            continue
        engine = _engine(train, levels, widths, is_count, seed)
        done = 0
        for sweeps in SWEEPS:
            engine.update(sweeps - done)
            done = sweeps
            states = States(engine, widths)
            nats = states.log_masses(valid)
            nats = np.maximum(nats, np.median(nats) - 50)  # rows without mass cost the floor
            found.append((float(nats.mean()), kind, sweeps, states.log_masses(test)))
    best = max(found, key=lambda each: each[0])
    np.save(folder / "nats.npy", np.maximum(best[3], -1e300))
    seconds = {"fit": time.process_time() - began}
    chosen = {"whole numbers": best[1], "sweeps": best[2]}
    (folder / "found.json").write_text(json.dumps({"chosen": chosen, "seconds": seconds}))


def _counts(train: np.ndarray, levels: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Which columns (D,) are whole numbers from 0 on that are not large."""
    least, most = np.nanmin(train, axis=0), np.nanmax(train, axis=0)
    return (levels == 0) & (widths == 1) & (least >= 0) & (most <= MOST_COUNT)


def _engine(
    train: np.ndarray, levels: np.ndarray, widths: np.ndarray, is_count: np.ndarray, seed: int
) -> Any:
    lace = import_module("lace")
    generator = np.random.default_rng(seed)
    columns = {}
    for k, count in enumerate(levels):
        column = train[:, k]
        if count:
            columns[f"c{k}"] = [None if np.isnan(v) else f"l{int(v):05}" for v in column]
        elif is_count[k]:
            columns[f"c{k}"] = pd.array(np.round(column), dtype="UInt32")
        else:
            columns[f"c{k}"] = column + (generator.random(len(column)) - 0.5) * widths[k]
    frame = pd.DataFrame(columns, index=[f"r{row}" for row in range(len(train))])
    return lace.Engine.from_df(frame, n_states=STATES, rng_seed=seed)


class States:
    """The states of an engine, as means of products of mixtures."""

    def __init__(self, engine: Any, widths: np.ndarray) -> None:
        self.engine, self.widths = engine, widths

    def log_masses(self, values: np.ndarray) -> np.ndarray:
        """The log mass (N,) of the known cells of rows."""
        each = [self._state(values, state) for state in range(self.engine.n_states)]
        return np.maximum(np.logaddexp.reduce(each, axis=0) - np.log(len(each)), -1e300)

    def _state(self, values: np.ndarray, state: int) -> np.ndarray:
        views = np.array(self.engine.column_assignment(state))
        clusters, total = self.engine.row_assignments(state), np.zeros(len(values))
        for view in np.unique(views):
            shares = np.bincount(np.array(clusters[view])).astype(np.float64)
            with np.errstate(divide="ignore"):
                logs = np.tile(np.log(shares / shares.sum()), (len(values), 1))
            for k in np.flatnonzero(views == view):
                known = ~np.isnan(values[:, k])
                logs[known] += self._column(values[known, k], int(k), state)
            total += np.logaddexp.reduce(logs, axis=1)
        return total

    def _column(self, x: np.ndarray, k: int, state: int) -> np.ndarray:
        """log P(set | cluster), (n, clusters), of a column's values."""
        name, kind = f"c{k}", self.engine.ftype(f"c{k}")
        clusters = self.engine.feature_params(name, [state])[state]
        if kind == "Categorical":
            names = self.engine.engine.categorical_support(name)
            weights = np.log([cluster.weights for cluster in clusters])  # (clusters, labels)
            place = {float(str(each).lstrip("l")): number for number, each in enumerate(names)}
            at = np.array([place.get(float(value), -1) for value in x], dtype=int)
            return np.where(at[:, None] >= 0, weights[:, at].T, -np.inf)
        if kind == "Count":
            rate = np.array([cluster.rate for cluster in clusters])
            whole = np.round(x)[:, None]
            with np.errstate(invalid="ignore"):
                logs = whole * np.log(rate) - rate - special.gammaln(whole + 1)
            return np.where((whole >= 0) & (np.abs(x[:, None] - whole) < 0.5), logs, -np.inf)
        mean = np.array([cluster.mu for cluster in clusters])
        sd = np.array([cluster.sigma for cluster in clusters])
        return log_cells(x[:, None], self.widths[k], mean, sd)


def log_cells(x: np.ndarray, width: float, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """log P(x ± width / 2) of normals, by the lower tail."""
    a, b = (x - width / 2 - mean) / sd, (x + width / 2 - mean) / sd
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
    above, below = special.log_ndtr(b), special.log_ndtr(a)
    return above + np.log(np.maximum(-np.expm1(np.minimum(below - above, 0)), 1e-300))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
