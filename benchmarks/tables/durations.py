"""Proof 1: nats of test rows, against independent columns, a Chow-Liu tree and a Gaussian mixture.

All are densities on the base measure of the fitted schema. Levels, atoms and grid values have
probabilities; other numbers have densities in the table's units. Validation rows choose the open
options of each. Test rows are read once.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.tables.bins import best_tree
from benchmarks.tables.gaussians import best_gaussians
from chainrule.table import encode, log_scales, read_table

LABELS = ("independent columns", "Chow-Liu tree", "Gaussian mixture", "chainrule")


def prove(
    density: cr.Density, train: Any, valid: Any, test: Any, seed: int, *, fitted_in: float
) -> dict[str, Any]:
    """Nats per test row of each density (higher is better), and paired differences to ours.

    Args:
        density: fitted to ``train`` and ``valid``.
        train, valid, test: polars frames.
        seed: the seed of the mixture.
        fitted_in: the seconds of the fit.
    """
    schema = density.schema
    coded = [encode(read_table(part), schema, warn=False) for part in (train, valid, test)]
    units = np.where(coded[2].observed, log_scales(schema, coded[2].values, strict=True), 0).sum(1)
    nats, seconds, chosen = {}, {}, {}
    for label, fit in {
        LABELS[0]: lambda: best_tree(schema, *coded[:2], edges=False),
        LABELS[1]: lambda: best_tree(schema, *coded[:2], edges=True),
        LABELS[2]: lambda: best_gaussians(schema, *coded[:2], seed=seed),
    }.items():
        began = time.perf_counter()
        fitted, chosen[label] = fit()
        between = time.perf_counter()
        nats[label] = fitted.log_prob(encode(read_table(test), schema, warn=False)) + units
        seconds[label] = {"fit": between - began, "score": time.perf_counter() - between}
    began = time.perf_counter()
    nats["chainrule"] = density.log_prob(test, strict=True)
    seconds["chainrule"] = {"fit": fitted_in, "score": time.perf_counter() - began}
    return {
        "rows": {"train": len(train), "valid": len(valid), "test": len(test)},
        "nats": {label: float(each.mean()) for label, each in nats.items()},
        "chosen": chosen,
        "seconds": seconds,
    }
