"""Fits and scores with the chainrule that PYTHONPATH names; JSON in, JSON out."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from typing import Any

import numpy as np

from benchmarks.tables.masses import draws, ours
from benchmarks.tables.masses.tables import BOUNDS, task


def answer(
    name: str, seed: int, effort: str, config: dict[str, Any] | None, keep: str | None = None
) -> dict[str, Any]:
    """The nats of the test rows, and figures about draws; the fit is saved at a path to keep."""
    import chainrule as cr

    asked = task(name, seed)
    train, valid, test = asked.parts
    began = time.process_time()
    options: dict[str, Any] = {} if config is None else {"config": cr.FitConfig(**config)}
    density = cr.fit(
        train, valid, seed=seed, effort=effort, kinds=asked.kinds, verbose=False, **options
    )
    between = time.process_time()
    if keep is not None:
        os.makedirs(os.path.dirname(keep), exist_ok=True)
        density.save(keep)
    nats = ours.log_masses(density, test, asked.cells)
    scored = time.process_time()
    drawn = density.sample(len(train), seed=seed)
    return {
        "nats": np.nan_to_num(nats, neginf=-1e300).tolist(),
        "seconds": {"fit": between - began, "score": scored - between},
        "chosen": {"network": type(density.model.network).__name__, "effort": effort},
        "draws": draws.figures(drawn, train, asked.cells, BOUNDS[name]),
    }


def main() -> None:
    """Answers the JSON of standard input on standard output."""
    warnings.simplefilter("ignore")
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed is no answer
    out.write(json.dumps(answer(**json.load(sys.stdin))))
    out.close()


if __name__ == "__main__":
    main()
