"""CPU seconds until a first answer: with PyTorch, and by a scorer without it.

Usage: python -m benchmarks.tables.start

It writes benchmarks/results/start.json. Each figure is the median of several fresh processes, which
take turns. The table is adult, in CHAINRULE_DATA.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import warnings

import pandas as pd

import chainrule as cr
from benchmarks import record
from benchmarks.tables.data import folder

TRAINED, ROWS, TIMES = 15_000, 1_000, 7
ANSWERS = "import chainrule as cr, polars as pl; row = pl.read_csv('t.csv', n_rows=1); "
COMMAND = (
    "import sys; from chainrule.cli import main, models; {size}; "
    "sys.argv = ['chainrule', 'score', 'm.chainrule', 't.csv', '-o', 'nats.csv']; main.main()"
)
PROGRAMS = {
    ("import, load, first score", "Scorer"): ANSWERS + "cr.Scorer('m.chainrule').log_prob(row)",
    ("import, load, first score", "Density"): ANSWERS + "cr.load('m.chainrule').log_prob(row)",
    (f"chainrule score, {ROWS:,} rows", "Scorer"): COMMAND.format(size="pass"),
    (f"chainrule score, {ROWS:,} rows", "Density"): COMMAND.format(size="models.MOST_BYTES = 0"),
}


def cpu_seconds(program: str, cwd: str) -> float:
    """User and system seconds of a new process, its threads included."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = [sys.executable, "-c", program]
    subprocess.run(run, cwd=cwd, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Prints a table and writes the results."""
    warnings.simplefilter("ignore")
    frame = pd.read_csv(folder() / "adult.csv.gz")
    density = cr.fit(frame[:TRAINED], effort="quick", seed=0, verbose=False)
    found: dict[tuple[str, str], list[float]] = {each: [] for each in PROGRAMS}
    with tempfile.TemporaryDirectory() as cwd:
        density.save(f"{cwd}/m.chainrule")
        frame[:ROWS].to_csv(f"{cwd}/t.csv", index=False)
        for _ in range(TIMES + 1):
            for each, program in PROGRAMS.items():
                found[each].append(cpu_seconds(program, cwd))
    rows = [
        {"what": what, "by": by, "cpu_seconds": statistics.median(seconds[1:])}
        for (what, by), seconds in found.items()  # the first process writes bytecode
    ]
    for row in rows:
        print(f"{row['what']:32} {row['by']:8} {row['cpu_seconds']:6.2f} CPU s")
    print(f"written to {record.write('start', rows)}")


if __name__ == "__main__":
    main()
