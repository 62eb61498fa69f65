"""Trains and scores the experiments: `make bench-likelihood`, or one at a time.

Usage: python -m benchmarks.likelihood.run [NAME ...] [--table binary|mnist|real] [--effort E]
    [--seed N ...] [--jobs N] [--again]

Each finished row is appended to benchmarks/results/likelihood.csv. Rows that are there are not run
again, unless --again asks for it, and an interrupted fit is resumed. Weights are chosen on
validation rows; the chosen weights read the test rows once. At the end, docs/likelihoods.md is
written from all rows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.likelihood import page
from benchmarks.likelihood.experiments import EXPERIMENTS, Experiment
from benchmarks.likelihood.results import add, key_of, read
from chainrule import datasets

SECOND_PATH_ROWS = 1000
UNFINISHED = Path(tempfile.gettempdir()) / "chainrule-likelihood"


def run(name: str, effort: str, seed: int, threads: int) -> dict[str, Any]:
    """One row: an experiment with one seed; the test rows are read once."""
    import torch

    from benchmarks.likelihood import folds
    from benchmarks.record import circumstances

    torch.set_num_threads(threads)
    warnings.simplefilter("ignore")
    experiment, where = EXPERIMENTS[name], circumstances()
    unfinished = UNFINISHED / where["commit"]  # another commit may have another recipe
    unfinished.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    if experiment.table == "real":
        found = folds.run(experiment, seed)
    else:
        found = of_bits(
            experiment, effort, seed, unfinished / f"{name}-{effort}-{seed}".replace(" ", "-")
        )
    row = {
        "experiment": name,
        "data": experiment.data,
        "effort": effort,
        "seed": seed,
        "threads": threads,
        **where,
    }
    # A fit gives its seconds without scoring.
    row = {"seconds": time.perf_counter() - began, **row, **found}
    return {**row, **{name: json.dumps(row[name], sort_keys=True) for name in ("config", "trials")}}


def of_bits(experiment: Experiment, effort: str, seed: int, checkpoint: Path) -> dict[str, Any]:
    """The likelihoods of a row for a binary set."""
    import numpy as np

    import chainrule as cr
    from benchmarks.likelihood.second_path import by_reference

    data = cr.datasets.load(experiment.data)
    density = cr.fit(
        data.train,
        data.valid,
        objective="likelihood",
        network=experiment.network,
        effort=effort,
        seed=seed,
        config=experiment.config,
        verbose=False,
        checkpoint=checkpoint,
        resume=True,
    )
    test = density.log_prob(data.test, strict=True)
    few = np.random.default_rng(0).permutation(len(data.test))[:SECOND_PATH_ROWS]
    ones = data.train.mean(0, dtype=np.float64)
    smoothed = (ones * len(data.train) + 1) / (len(data.train) + 2)
    alone = np.where(data.test == 1, np.log(smoothed), np.log1p(-smoothed)).sum(1)
    record = density.training
    return {
        "network": record["network"],
        "epochs": len(record["history"]),
        "parameters": sum(p.numel() for p in density.model.network.parameters()),
        "train_nats": float(density.log_prob(data.train, strict=True).mean()),
        "valid_nats": float(density.log_prob(data.valid, strict=True).mean()),
        "test_nats": float(test.mean()),
        "test_standard_error": float(test.std(ddof=1) / len(test) ** 0.5),
        "independent_test_nats": float(alone.mean()),
        "seconds": density.seconds,
        "second_path": float(np.abs(by_reference(density, data.test[few]) - test[few]).max()),
        "config": record["config"],
        "trials": record["trials"],
    }


def main() -> None:
    """Runs what is missing and writes the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="experiments; all of the table by default")
    parser.add_argument(
        "--table", choices=sorted({experiment.table for experiment in EXPERIMENTS.values()})
    )
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--seed", nargs="+", type=int, default=[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", action="store_true", help="repeat runs whose results exist")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - set(EXPERIMENTS)):
        parser.error(f"unknown experiment {unknown[0]!r}; there are {', '.join(EXPERIMENTS)}")
    names = asked.names or [
        name for name, e in EXPERIMENTS.items() if asked.table in (None, e.table)
    ]
    if asked.effort != "standard" and any(EXPERIMENTS[name].table == "real" for name in names):
        parser.error(
            "tables of numbers have one configuration, and no other effort; name binary sets or "
            "--table binary"
        )
    there = set() if asked.again else {key_of(row) for row in read()}
    wanted = [(name, asked.effort, seed) for seed in asked.seed for name in names]
    columns = {info.name: info.columns for info in datasets.list()}
    # The longest first.
    missing = sorted(set(wanted) - there, key=lambda key: -columns[EXPERIMENTS[key[0]].data])
    threads = max(1, (os.cpu_count() or 1) // min(asked.jobs, max(1, len(missing))))
    os.environ |= {
        "OMP_NUM_THREADS": str(threads),
        "NUMBA_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "passive",
    }
    failed = 0
    with ProcessPoolExecutor(asked.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(run, *key, threads): key for key in missing}
        for done in as_completed(running):
            name = " ".join(map(str, running[done]))
            if (error := done.exception()) is not None:
                failed += 1
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                continue
            row = done.result()
            add(row)
            print(
                f"{name}: valid {row['valid_nats']:.3f}, test {row['test_nats']:.3f} ± "
                f"{row['test_standard_error']:.3f} nats, {row['epochs']} epochs in "
                f"{row['seconds']:.0f} s; by the reference the same to {row['second_path']:.1e}",
                flush=True,
            )
    page.main()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
