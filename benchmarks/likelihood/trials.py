"""Trials of the recipe: nats of validation rows after one change; test rows are never read.

Usage: python -m benchmarks.likelihood.trials DATA ... [--set FIELD=VALUE ...] [--effort E] [--seed
    N] [--jobs N]

Fields are those of FitConfig, and "network". Each trial is appended to
benchmarks/results/likelihood_trials.csv.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from benchmarks.record import RESULTS

PATH = RESULTS / "likelihood_trials.csv"
FIELDS: tuple[str, ...] = (
    "data",
    "changed",
    "network",
    "effort",
    "seed",
    "valid_nats",
    "epochs",
    "seconds",
    "commit",
    "date",
)


def read_trials() -> list[dict[str, str]]:
    """All trials so far."""
    if not PATH.exists():
        return []
    with PATH.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def add(row: dict[str, Any]) -> None:
    """Appends a trial to the file."""
    is_new = not PATH.exists()
    with PATH.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def trial(data: str, changed: dict[str, Any], effort: str, seed: int) -> dict[str, Any]:
    """One fit, scored on validation rows."""
    import torch

    import chainrule as cr
    from benchmarks.record import circumstances

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows = cr.datasets.load(data)
    options = dict(changed)
    network = options.pop("network", "committee")
    began = time.perf_counter()
    density = cr.fit(
        rows.train,
        rows.valid,
        objective="likelihood",
        network=network,
        effort=effort,
        seed=seed,
        config=cr.FitConfig(**options),
        verbose=False,
    )
    where = circumstances()
    return {
        "data": data,
        "changed": json.dumps(changed, sort_keys=True),
        "network": density.training["network"],
        "effort": effort,
        "seed": seed,
        "valid_nats": density.score(rows.valid, strict=True),  # of bits alone, as published
        "epochs": len(density.training["history"]),
        "seconds": round(time.perf_counter() - began, 1),
        "commit": where["commit"],
        "date": where["date"],
    }


def main() -> None:
    """Runs the trials, prints and keeps them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="+")
    parser.add_argument("--set", nargs="*", default=[], metavar="FIELD=VALUE")
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    changed = {field: _value(text) for field, text in (each.split("=", 1) for each in asked.set)}
    os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    with ProcessPoolExecutor(asked.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        tried = [pool.submit(trial, data, changed, asked.effort, asked.seed) for data in asked.data]
        for done in as_completed(tried):
            row = done.result()
            add(row)
            print(
                f"{row['data']} {row['changed']}: valid {row['valid_nats']:.3f} in "
                f"{row['seconds']:.0f} s",
                flush=True,
            )


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main()
