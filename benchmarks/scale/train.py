"""Fits on two processes of one thread beside one process: times, time between ranks, and memory.

Usage: python -m benchmarks.scale.train [committee] [rows] [memory] [--repeats 3] [--try]

- committee: a committee of 8 over columns of adult, the whole fit with its search; one process of
  one thread, two ranks of one thread, one process of two threads, in turn.
- rows: steps of one orderless network of 256 × 256 units, one rank and two, at three batches. The
  efficiency is the time of one rank over twice that of two. A step's time outside local
  computation is that of two ranks less that of one rank with half of the rows; the sum over ranks
  alone is timed, too.
- memory: one epoch of ten million rows of adult with 12 columns, from Parquet, on two ranks, with
  the peak of each.

The table is in CHAINRULE_DATA, its rows drawn with replacement. Times are medians, and compared
within one run on an otherwise idle machine with two cores. A model of costs extends the efficiency
of rows to more ranks. A step of n rows takes a + b n, fitted to the steps of one rank at all
batches and at half of each. A step of R ranks takes a + b n / R and the sum over ranks, which takes
2 (R − 1) / R times that of two ranks, as a ring of R ranks sends. The model has no rows that
compete for the machine's memory. It writes benchmarks/results/scale_train.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from scipy.optimize import nnls

import chainrule as cr
from benchmarks import record
from benchmarks.tables.data import folder
from chainrule.model import columns_of
from chainrule.networks import OrderlessNADE
from chainrule.networks.share import Share
from chainrule.ranks import ALONE, AbstractRanks, joined
from chainrule.rng import generator_from
from chainrule.table import infer_schema, read_table
from chainrule.training.batches import Rows
from chainrule.training.division import Division
from chainrule.training.loop import _step
from chainrule.training.plan import Plan
from chainrule.training.rows import encoded
from chainrule.training.state import make_state

COLUMNS, UNITS = 12, 256
EPOCHS = 4  # of each fit of a committee, trials included
BATCHES = {512: 120, 4_096: 30, 32_768: 6}  # with the steps that are timed
MANY, FEW, MEMBERS_ROWS = 10_000_000, 100_000, 2_000
MORE_RANKS = 4, 8, 16
PARTS = "committee", "rows", "memory"


def main(words: list[str] | None = None) -> None:
    """Prints figures and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.train")
    parser.add_argument("parts", nargs="*", choices=(*PARTS, []), default=[])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--try", action="store_true", dest="is_try")
    parser.add_argument("--rank", choices=PARTS, help="what this process measures as a rank")
    parser.add_argument("--table")
    asked = parser.parse_args(words)
    if asked.rank is not None:
        print(json.dumps(RANKS[asked.rank](asked.table, asked.is_try)), flush=True)
        return
    for part in asked.parts or PARTS:
        rows = MEASURED[part](asked.repeats, asked.is_try)
        for row in rows:
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        if not asked.is_try:
            print(f"written to {record.write_part('scale_train', part, rows)}")


def committee(repeats: int, is_try: bool) -> list[dict[str, Any]]:
    """Times of a committee's fit in three forms."""
    forms = {"one thread": (1, 1), "two ranks": (2, 1), "two threads": (1, 2)}
    with tempfile.TemporaryDirectory() as place:
        path = _drawn(600 if is_try else MEMBERS_ROWS, Path(place))
        found: dict[str, list[float]] = {name: [] for name in forms}
        for _ in range(repeats):
            for name, (ranks, threads) in forms.items():
                measured = _launched("committee", path, ranks, threads, is_try)
                found[name].append(measured[0]["seconds"])
    medians = {name: statistics.median(times) for name, times in found.items()}
    return [
        {"what": "committee of 8, seconds", **{k: round(v, 1) for k, v in medians.items()}},
        {
            "what": "committee of 8, times faster on two ranks",
            "than one thread": round(medians["one thread"] / medians["two ranks"], 3),
            "than two threads": round(medians["two threads"] / medians["two ranks"], 3),
        },
    ]


def rows_over_ranks(repeats: int, is_try: bool) -> list[dict[str, Any]]:
    """Times of a step by one rank and by two, at each batch."""
    with tempfile.TemporaryDirectory() as place:
        path = _drawn(FEW, Path(place))
        found: dict[str, list[dict[str, float]]] = {"1": [], "2": []}
        for _ in range(repeats):
            for ranks in (1, 2):
                found[str(ranks)].append(_launched("rows", path, ranks, 1, is_try)[0])
    steps = {
        batch: [
            statistics.median(run[f"{name} {batch}"] for run in found[ranks])
            for name, ranks in (("step", "1"), ("half", "1"), ("step", "2"), ("sum", "2"))
        ]
        for batch in BATCHES
    }
    fixed, of_row = _costs(steps)
    rows = []
    for batch, (one, half, two, added) in steps.items():
        row = {
            "what": f"rows, batch {batch}",
            "one rank, ms": round(1e3 * one, 2),
            "two ranks, ms": round(1e3 * two, 2),
            "efficiency": round(one / (2 * two), 3),
            "outside local computation, ms": round(1e3 * (two - half), 2),
            "sum over ranks, ms": round(1e3 * added, 2),
        }
        for ranks in MORE_RANKS:
            modelled = fixed + of_row * batch / ranks + added * 2 * (ranks - 1) / ranks
            row[f"efficiency of {ranks} by the model"] = round(
                (fixed + of_row * batch) / (ranks * modelled), 3
            )
        rows.append(row)
    return rows


def _costs(steps: dict[int, list[float]]) -> tuple[float, float]:
    """The seconds of a step without rows, and of each row, by steps of whole and half batches.

    Squared relative errors are least. Neither cost is below zero.
    """
    rows = np.array([size for batch in steps for size in (batch, batch / 2)])
    seconds = np.array([each for times in steps.values() for each in times[:2]])
    fixed, of_row = nnls(np.stack([1 / seconds, rows / seconds], axis=1), np.ones(len(rows)))[0]
    return float(fixed), float(of_row)


def memory(repeats: int, is_try: bool) -> list[dict[str, Any]]:
    """Peak memory of each of two ranks."""
    with tempfile.TemporaryDirectory() as place:
        path = _drawn(FEW if is_try else MANY, Path(place))
        found = _launched("memory", path, 2, 1, is_try)
    return [
        {"what": f"one epoch from Parquet, rank {number}", **measured}
        for number, measured in enumerate(found)
    ]


def _drawn(rows: int, place: Path) -> Path:
    """A Parquet file of so many rows of adult, drawn with replacement."""
    frame = pl.read_csv(folder() / "adult.csv.gz")[:, :COLUMNS]
    if rows <= len(frame):
        frame = frame[:rows]
    else:
        frame = frame[np.random.default_rng(0).integers(0, len(frame), rows)]
    frame.write_parquet(path := place / "rows.parquet")
    return path


def _launched(
    what: str, path: Path, ranks: int, threads: int, is_try: bool
) -> list[dict[str, Any]]:
    """What each rank prints, by rank."""
    own = ["-m", "benchmarks.scale.train", "--rank", what, "--table", str(path)]
    own += ["--try"] if is_try else []
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "passive",
    }
    command = [sys.executable, *(launch if ranks > 1 else []), *own]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return sorted(found, key=lambda each: each["rank"])


def _committee_of_rank(table: str, is_try: bool) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    config = cr.FitConfig(members=8, epochs=2 if is_try else EPOCHS)
    frame = pl.read_parquet(table).drop_nulls()
    began = time.perf_counter()
    density = cr.fit(frame, network="committee", config=config, seed=0, verbose=False)
    seconds = time.perf_counter() - began
    rank = int(os.environ.get("RANK", "0"))
    return {"rank": rank, "seconds": seconds, "nats": density.training["valid_nats"]}


def _rows_of_rank(path: str, is_try: bool) -> dict[str, Any]:
    torch.set_num_threads(1)
    table = read_table(path)
    schema = infer_schema(table)
    (rows,) = encoded(table, schema, [np.arange(len(table))], learns_from_missing=True)
    with joined() as ranks:
        found: dict[str, Any] = {"rank": ranks.rank}
        for batch, steps in BATCHES.items():
            count = min(steps, 3) if is_try else steps
            found[f"step {batch}"] = _seconds_of_step(ranks, schema, rows, batch, count)
            found[f"sum {batch}"] = _seconds_of_sum(ranks, schema)
            if ranks.size == 1:
                half = Share(None, 0, 2)
                found[f"half {batch}"] = _seconds_of_step(ALONE, schema, rows, batch, count, half)
    return found


def _seconds_of_step(
    ranks: AbstractRanks,
    schema: Any,
    rows: Rows,
    batch: int,
    steps: int,
    share: Share | None = None,
) -> float:
    """Median seconds of a training step; ``share`` is what an only rank computes of it."""
    columns, plan = columns_of(schema), Plan(batch_size=batch)
    network = OrderlessNADE(columns, (UNITS, UNITS), dropout=0.2, generator=generator_from(0))
    network.initialize_from(rows.x[:1000])
    state = make_state(network, plan, generator_from(0))
    division = Division.of(network, ranks)
    if share is not None:
        division = Division(ranks, division.apart, share, True, True)
    order, times = generator_from(1), []
    for number in range(steps + 3):
        chosen = rows.take(torch.randint(len(rows), (batch,), generator=order))
        ranks.gathered(None)
        began = time.perf_counter()
        _step(state, chosen, plan, None, division)
        if number >= 3:  # kernels are compiled
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def _seconds_of_sum(ranks: AbstractRanks, schema: Any) -> float:
    """Median seconds in which ranks add up the gradients of the network."""
    network = OrderlessNADE(columns_of(schema), (UNITS, UNITS), generator=generator_from(0))
    flat, times = torch.zeros(network.count_parameters()), []
    for _ in range(20):
        ranks.gathered(None)
        began = time.perf_counter()
        ranks.add(flat)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _memory_of_rank(path: str, is_try: bool) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    config = cr.FitConfig(epochs=1, members=1, batch_size=4_096)
    began = time.perf_counter()
    cr.fit(path, effort="quick", config=config, seed=0, verbose=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    seconds = time.perf_counter() - began
    rank = int(os.environ.get("RANK", "0"))
    return {"rank": rank, "peak, GB": round(peak / 1e9, 2), "seconds": round(seconds, 1)}


RANKS = {"committee": _committee_of_rank, "rows": _rows_of_rank, "memory": _memory_of_rank}
MEASURED = {"committee": committee, "rows": rows_over_ranks, "memory": memory}


if __name__ == "__main__":
    main()
