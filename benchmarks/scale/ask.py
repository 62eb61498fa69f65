"""Rows that one process scores and explains in a CPU second, and the memory that it takes.

Usage: python -m benchmarks.scale.ask [--rows 1000000] [--explain 100000] [--try]

The table has 12 columns of adult, in CHAINRULE_DATA, its rows drawn with replacement. The network
has one member of 256 × 256 units and is fitted for one epoch. One thread computes. It writes
benchmarks/results/scale.json.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

import chainrule as cr
from benchmarks import record
from benchmarks.tables.data import folder

COLUMNS, UNITS = 12, 256


def main(words: list[str] | None = None) -> None:
    """Prints a table and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.ask")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--explain", type=int, default=100_000)
    parser.add_argument("--try", action="store_true", dest="is_try")
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    threadpool_limits(1)
    frame = pd.read_csv(folder() / "adult.csv.gz").iloc[:, :COLUMNS]
    config = cr.FitConfig(hidden_size=UNITS, members=1, epochs=1)
    density = cr.fit(frame[:20_000], config=config, seed=0, verbose=False)
    scorer = density.scorer()
    chosen = np.random.default_rng(0).integers(0, len(frame), asked.rows)
    many = frame.iloc[chosen].reset_index(drop=True)
    fewer = many[: asked.explain]
    work, peak = operations(density.model.network), matrix_products()
    rows = []
    for what, table, question in (
        ("score", many, density.log_prob),
        ("explain", fewer, density.explain),
        ("score, without PyTorch", fewer, scorer.log_prob),
        ("explain, without PyTorch", fewer, scorer.explain),
    ):
        question(table[:2000])  # kernels are compiled
        seconds = cpu_seconds(lambda ask=question, some=table: ask(some))
        speed = work * len(table) / seconds
        row = {"what": f"{what}, {len(table):,} rows", "rows_per_cpu_second": len(table) / seconds}
        rows.append(row | {"gflops": speed / 1e9, "share_of_peak": speed / peak})
        print(
            f"{row['what']:40} {row['rows_per_cpu_second']:10,.0f} rows/CPU s "
            f"{speed / 1e9:7.1f} GFLOP/s {speed / peak:5.0%} of matrix products",
            flush=True,
        )
    if not asked.is_try:
        print(f"written to {record.write_part('scale', 'one process', rows)}")


def operations(network: Any) -> int:
    """Multiplications and additions of the matrix products that a row needs.

    The input and the output of a column take their part of their matrices once. Each column takes
    all of the others: its state given the columns before it, or given all others.
    """
    ends = network.value_weight, network.flag_weight, network.output_weight
    inner = sum(weight.numel() for weight in network.hidden_weights)
    return 2 * (sum(weight.numel() for weight in ends) + COLUMNS * inner)


def cpu_seconds(what: Callable[[], Any]) -> float:
    """CPU seconds of this process during a call."""
    began = time.process_time()
    what()
    return time.process_time() - began


def matrix_products() -> float:
    """Multiplications and additions of a float64 matrix product in a CPU second."""
    left, right = torch.rand(2048, UNITS).double(), torch.rand(UNITS, UNITS).double()
    _ = left @ right
    count = 200
    seconds = cpu_seconds(lambda: [left @ right for _ in range(count)])
    return 2 * left.numel() * UNITS * count / seconds


if __name__ == "__main__":
    main()
