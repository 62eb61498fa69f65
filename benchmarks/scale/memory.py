"""Peak memory of commands that write to a file, by the number of rows.

Usage: python -m benchmarks.scale.memory [--sizes 100000,1000000] [--largest 10000000] [--try]

The table has 12 columns of adult, in CHAINRULE_DATA, drawn with replacement and in Parquet. The
network is small (32 units): memory depends on the rows and columns. Each command is a process of
its own, and its peak is what the system reports of it. ``score`` and ``sample`` also take the
largest size. It writes benchmarks/results/scale.json.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import chainrule as cr
from benchmarks import record
from benchmarks.tables.data import folder

COLUMNS, UNITS, PART, HOLES = 12, 32, 250_000, 0.02
COMMANDS = {
    "score": ("score", "{model}", "{table}", "-o", "{out}.npy"),
    "explain": ("explain", "{model}", "{table}", "--every-cell", "-o", "{out}.parquet"),
    "impute": ("impute", "{model}", "{table}", "--seed", "0", "-o", "{out}.parquet"),
    "sample": ("sample", "{model}", "-n", "{rows}", "--seed", "0", "-o", "{out}.parquet"),
}
# A process counts the memory of the one that started it until it runs its program: start it from
# a small one.
WRAPPER = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)
sys.exit(done.returncode)
"""
LARGEST = ("score", "sample")  # commands that are run with the largest size


def main(words: list[str] | None = None) -> None:
    """Prints a line for each command and size, and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.memory")
    parser.add_argument("--sizes", default="100000,1000000")
    parser.add_argument("--largest", type=int, default=10_000_000)
    parser.add_argument("--command", choices=COMMANDS, action="append")
    parser.add_argument("--try", action="store_true", dest="is_try")
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    frame = pl.read_csv(folder() / "adult.csv.gz", null_values="?")[:, :COLUMNS]
    config = cr.FitConfig(hidden_size=UNITS, members=1, epochs=1)
    density = cr.fit(frame[:20_000], config=config, seed=0, verbose=False)
    sizes, rows = [int(size) for size in asked.sizes.split(",")], []
    with tempfile.TemporaryDirectory() as directory:
        model = f"{directory}/m.chainrule"
        density.save(model)
        for size in [*sizes, asked.largest]:
            table = f"{directory}/{size}.parquet"
            write_table(frame, size, Path(table))
            for what in asked.command or COMMANDS:
                if size == asked.largest and what not in LARGEST:
                    continue
                rows.append(measured(what, size, model, table, f"{directory}/out"))
                print(f"{rows[-1]['what']:28} {rows[-1]['peak_mb']:7,.0f} MB", flush=True)
                if not asked.is_try:
                    record.write_part("scale", "memory", rows)
            Path(table).unlink()


def write_table(frame: pl.DataFrame, rows: int, path: Path) -> None:
    """Writes rows that are drawn with replacement, part by part; a few cells are missing."""
    import pyarrow.parquet as pq

    rng, writer = np.random.default_rng(0), None
    for start in range(0, rows, PART):
        count = min(PART, rows - start)
        part = frame[rng.integers(0, len(frame), count)]
        holes = pl.Series(rng.random(count) < HOLES)
        part = part.with_columns(pl.when(holes).then(None).otherwise(part["age"]).alias("age"))
        arrow = part.to_arrow()
        writer = writer or pq.ParquetWriter(path, arrow.schema)
        writer.write_table(arrow, row_group_size=50_000)
    if writer is not None:
        writer.close()


def measured(what: str, rows: int, model: str, table: str, out: str) -> dict[str, Any]:
    """Runs a command, and returns its peak memory and its CPU seconds."""
    words = [w.format(model=model, table=table, out=out, rows=rows) for w in COMMANDS[what]]
    command = [sys.executable, "-c", WRAPPER, "-m", "chainrule", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"chainrule {' '.join(words)} failed:\n{done.stderr[-2000:]}")
    peak, seconds = map(float, done.stdout.split()[-2:])
    return {
        "what": f"{what}, {rows:,} rows", "peak_mb": peak, "cpu_seconds": seconds
    }  # fmt: skip


if __name__ == "__main__":
    main()
