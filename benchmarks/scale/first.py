"""CPU seconds of the schema of a million rows, and of a first answer without PyTorch.

Usage: python -m benchmarks.scale.first [--rows 1000000] [--try]

The table has 12 columns of adult, in CHAINRULE_DATA, drawn with replacement: a polars frame, a
Parquet file and a CSV file. A schema is timed in this process, all its threads counted. The first
answer is a new process that imports chainrule, loads a model and scores a row of a CSV file. The
start of
Python itself is not counted. It writes benchmarks/results/scale.json.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import polars as pl

import chainrule as cr
from benchmarks import record
from benchmarks.scale.ask import COLUMNS, UNITS, cpu_seconds
from benchmarks.tables.data import folder

REPEATS = 5
FIRST = """
import time
began = time.process_time()
from chainrule import Scorer
Scorer({model!r}).log_prob({row!r})
print(time.process_time() - began)
"""


def main(words: list[str] | None = None) -> None:
    """Prints a line for each figure, and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.first")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--try", action="store_true", dest="is_try")
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    frame = pl.read_csv(folder() / "adult.csv.gz")[:, :COLUMNS]
    many = frame[np.random.default_rng(0).integers(0, len(frame), asked.rows)]
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        parquet, text = f"{directory}/t.parquet", f"{directory}/t.csv"
        many.write_parquet(parquet)
        many.write_csv(text)
        for what, given in (("polars", many), ("Parquet", parquet), ("CSV", text)):
            seconds = cpu_seconds(lambda table=given: cr.infer_schema(table))
            rows.append({"what": f"schema, {what}, {asked.rows:,} rows", "cpu_seconds": seconds})
        config = cr.FitConfig(hidden_size=UNITS, members=1, epochs=1)
        density = cr.fit(frame[:5_000], config=config, seed=0, verbose=False)
        model = str(Path(directory, "m.chainrule"))
        density.save(model)
        row = f"{directory}/row.csv"
        frame[:1].write_csv(row)
        found = [_first_answer(FIRST.format(row=row, model=model)) for _ in range(REPEATS)]
        rows.append({"what": "import, load and first score", "cpu_seconds": min(found)})
    for row in rows:
        print(f"{row['what']:36} {row['cpu_seconds']:6.2f} s")
    if not asked.is_try:
        print(f"written to {record.write_part('scale', 'first', rows)}")


def _first_answer(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
