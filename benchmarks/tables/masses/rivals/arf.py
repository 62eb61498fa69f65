"""Adversarial random forests (package arfpy): the exact masses of rounding cells.

Usage: python arf.py FOLDER, with the Python of requirements.txt; ``scores.py`` writes FOLDER.

A leaf's density is a product: of frequencies of labels, and of normal densities of numbers,
truncated to the leaf. So a row's mass is Σ over leaves of coverage / trees · Π P(set | leaf). A
leaf in which a column's training values are all equal has its mass at that value, as the package
draws it. The package's own densities of leaves are used (``forde``), except for labels: their
frequencies are smoothed by α over all labels of the training rows, which its ``alpha`` means to do
and fails at. Missing training cells are drawn from their column.

Source: Watson, Blesch, Kapar & Wright, "Adversarial random forests for density estimation and
generative modeling", AISTATS 2023.
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

NODES = (10, 40)  # least rows of a leaf; with fewer, the package takes an hour
ALPHAS = (0.01, 0.1, 1.0)  # pseudocounts of labels
TREES = 30
BLOCK = 200  # rows at a time
TINY = 1e-300


def main(folder: Path) -> None:
    """Chooses leaves and smoothing on validation rows, and scores the test rows."""
    warnings.simplefilter("ignore")
    rows = np.load(folder / "rows.npz")
    train, valid, test = (rows[name] for name in ("train", "valid", "test"))
    levels, widths, seed = rows["levels"], rows["widths"], int(rows["seed"])
    filled = _filled(train, np.random.default_rng(seed))
    found = []
    began = time.process_time()
    for least in NODES:
        leaves = Leaves(_forest(filled, levels, least, seed), filled, levels, widths)
        for alpha, nats in zip(ALPHAS, leaves.log_masses(valid, ALPHAS), strict=True):
            nats = np.maximum(nats, np.median(nats) - 50)  # rows without mass cost the floor
            found.append((float(nats.mean()), least, alpha, leaves))
    _, least, alpha, leaves = max(found, key=lambda each: each[0])
    between = time.process_time()
    np.save(folder / "nats.npy", leaves.log_masses(test, (alpha,))[0])
    chosen = {"least rows of a leaf": least, "alpha": alpha, "leaves": len(leaves.log_weight)}
    seconds = {"fit": between - began, "score": time.process_time() - between}
    (folder / "found.json").write_text(json.dumps({"chosen": chosen, "seconds": seconds}))


def _filled(train: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The training rows, with missing cells drawn from the known cells of their column."""
    filled = train.copy()
    for k in range(train.shape[1]):
        holes = np.isnan(train[:, k])
        filled[holes, k] = generator.choice(train[~holes, k], holes.sum())
    return filled


def _forest(filled: np.ndarray, levels: np.ndarray, least: int, seed: int) -> Any:
    frame = pd.DataFrame(filled, columns=[f"c{k}" for k in range(filled.shape[1])])
    for k in np.flatnonzero(levels):
        places = frame[f"c{k}"].astype(int)
        frame[f"c{k}"] = pd.Categorical(places, categories=range(int(levels[k])))
    np.random.seed(seed)
    if not hasattr(np, "in1d"):  # the package asks for a name that numpy 2.4 has no more
        setattr(np, "in1d", np.isin)  # noqa: B010
    arf = import_module("arfpy.arf").arf
    return arf(frame, num_trees=TREES, min_node_size=least, verbose=False, random_state=seed)


class Leaves:
    """All leaves of a forest, as a mixture of products."""

    def __init__(
        self, forest: Any, filled: np.ndarray, levels: np.ndarray, widths: np.ndarray
    ) -> None:
        self.levels, self.widths = levels, widths
        at = forest.clf.apply(forest.x_real)  # (N, trees)
        bounds = _bounds(forest.clf, filled.shape[1])
        parts = [
            (tree, node, np.flatnonzero(at[:, tree] == node))
            for tree in range(at.shape[1])
            for node in np.unique(at[:, tree])
        ]
        # As in the package: leaves of a single row have no coverage.
        parts = [part for part in parts if len(part[2]) > 1]
        weights = np.array([len(each) for _, _, each in parts], dtype=np.float64)
        self.log_weight = np.log(weights / weights.sum())
        self.counts: dict[int, np.ndarray] = {}  # of labels, (leaves, labels)
        self.moments: dict[int, np.ndarray] = {}  # mean, deviation and ends, (4, leaves)
        for k in range(filled.shape[1]):
            each = [filled[rows, k] for _, _, rows in parts]
            if levels[k]:
                most = int(levels[k])
                self.counts[k] = np.array(
                    [np.bincount(x.astype(int), minlength=most) for x in each]
                )
            else:
                ends = np.array([bounds[tree, node][k] for tree, node, _ in parts])
                moments = np.array([(x.mean(), x.std(ddof=1)) for x in each])
                self.moments[k] = np.concatenate([moments, ends], axis=1).T

    def log_masses(self, values: np.ndarray, alphas: tuple[float, ...]) -> np.ndarray:
        """The log mass (alphas, N) of the known cells of rows, for each pseudocount of labels."""
        tables = [{k: self._smoothed(k, alpha) for k in self.counts} for alpha in alphas]
        blocks = [values[k : k + BLOCK] for k in range(0, len(values), BLOCK)]
        return np.concatenate([self._block(block, tables) for block in blocks], axis=1)

    def _smoothed(self, k: int, alpha: float) -> np.ndarray:
        """log P(label | leaf), (labels, leaves); none for a label without training rows."""
        counts = self.counts[k].T.astype(np.float64)
        counts[:-1] += alpha
        return np.log(np.maximum(counts, TINY) / counts.sum(0))

    def _block(self, values: np.ndarray, tables: list[dict[int, np.ndarray]]) -> np.ndarray:
        numbers = np.tile(self.log_weight, (len(values), 1))  # (n, leaves)
        for k, moments in self.moments.items():
            known = ~np.isnan(values[:, k])
            x, place = np.unique(values[known, k], return_inverse=True)
            numbers[known] += truncated_cells(x[:, None], self.widths[k], *moments)[place]
        found = []
        for table in tables:
            logs = numbers.copy()
            for k, of_labels in table.items():
                known = ~np.isnan(values[:, k])
                logs[known] += of_labels[values[known, k].astype(int)]
            found.append(np.maximum(np.logaddexp.reduce(logs, axis=1), -1e300))
        return np.array(found)


def truncated_cells(
    x: np.ndarray, width: float, mean: np.ndarray, sd: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """log P(x ± width / 2) of truncated normals; a point at the mean if the deviation is 0."""
    is_point = ~(sd > 1e-12 * np.maximum(np.abs(mean), 1.0))
    scale = np.where(is_point, 1.0, sd)
    a, b = np.maximum(x - width / 2, low), np.minimum(x + width / 2, high)
    logs = _log_between((a - mean) / scale, (b - mean) / scale)
    logs = logs - _log_between((low - mean) / scale, (high - mean) / scale)
    at_point = np.where(np.abs(x - mean) <= width / 2 * (1 + 1e-6), 0.0, -np.inf)
    return np.where(is_point, at_point, np.minimum(logs, 0))


def _log_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """log(Φ(b) − Φ(a)), −inf unless a < b, by the lower tail."""
    empty = ~(a < b)
    a, b = np.where(empty, 0.0, a), np.where(empty, 1.0, b)
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
    above, below = special.log_ndtr(b), special.log_ndtr(a)
    with np.errstate(divide="ignore"):
        return np.where(empty, -np.inf, above + np.log(-np.expm1(np.minimum(below - above, 0))))


def _bounds(forest: Any, width: int) -> dict[tuple[int, int], list[tuple[float, float]]]:
    """The ends of each column within each node of the pruned trees."""
    found = {}
    for number, tree in enumerate(forest.estimators_):
        inner = tree.tree_
        waiting = [(0, [(-np.inf, np.inf)] * width)]
        while waiting:
            node, ends = waiting.pop()
            found[number, node] = ends
            left, right = inner.children_left[node], inner.children_right[node]
            if left < 0:
                continue
            if left == right:  # a pruned child is replaced by its sibling, which has all rows
                waiting.append((left, ends))
                continue
            k, cut = inner.feature[node], inner.threshold[node]
            below, above = list(ends), list(ends)
            below[k] = (ends[k][0], min(ends[k][1], cut))
            above[k] = (max(ends[k][0], cut), ends[k][1])
            waiting += [(left, below), (right, above)]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
