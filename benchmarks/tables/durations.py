"""Proof 5: seconds to fit, to score and to fill, beside those of the other methods.

The densities are those of proof 1. Here they are fitted to the codes of the schema, which takes as
long as a fit to rounding cells.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

import chainrule as cr
from benchmarks.tables import imputation
from benchmarks.tables.bins import best_tree
from benchmarks.tables.gaussians import best_gaussians
from benchmarks.tables.masses.plain import GAUSSIANS, INDEPENDENT, TREE
from benchmarks.tables.masses.tables import task
from chainrule.table import encode, read_table

OURS = "chainrule"


def prove(name: str, seed: int) -> dict[str, Any]:
    """The wall seconds of one table, each measured once; run it on an idle machine."""
    asked = task(name, seed)
    train, valid, test = asked.parts
    density, fitted_in = timed(
        lambda: cr.fit(train, valid, seed=seed, kinds=asked.kinds, verbose=False)
    )
    schema = density.schema
    coded = [encode(read_table(part), schema, warn=False) for part in (train, valid)]
    densities = {}
    for label, fit in {
        INDEPENDENT: lambda: best_tree(schema, *coded, edges=False),
        TREE: lambda: best_tree(schema, *coded, edges=True),
        GAUSSIANS: lambda: best_gaussians(schema, *coded, seed=seed),
    }.items():
        (other, _), taken = timed(fit)
        scored = timed(lambda: other.log_prob(encode(read_table(test), schema, warn=False)))[1]  # noqa: B023
        densities[label] = {"fit": taken, "score": scored}
    scored = timed(lambda: density.log_prob(test, strict=True))[1]
    densities[OURS] = {"fit": fitted_in, "score": scored}
    filled = imputation.prove(name, seed)
    fills = {label: method["seconds"] for label, method in filled["methods"].items()}
    fills[OURS] -= filled["methods"][OURS]["seconds to fit"]
    sizes = {"train": len(train), "score": len(test), "fill": filled["rows"]}
    return {
        "threads": torch.get_num_threads(),
        "rows": sizes,
        "densities": densities,
        "fills": fills,
    }


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a call, and its seconds."""
    began = time.perf_counter()
    return call(), time.perf_counter() - began
