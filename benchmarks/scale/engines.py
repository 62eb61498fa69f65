"""CPU seconds of an engine with two workers, by those of one process, start-up apart.

Usage: python -m benchmarks.scale.engines [--rows 100000] [--try]

Run it where the engines are installed: .venv-engines/bin/python, after `make test-engines`. Those
that are missing are left out. Each engine scores a Parquet table of 12 columns of adult, in
CHAINRULE_DATA, once with `--rows` rows and once with three times as many. The figure is the ratio
of the differences of CPU seconds, in which what an engine spends once has no part. Each run is a
process of its own. Its figure is that of the whole machine, which should be idle otherwise: an
engine's workers are not all children of the process that asks. It writes
benchmarks/results/scale.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

COLUMNS, PARTS, WORKERS = 12, 8, 2
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Answers = Callable[[str, str], float]  # the sum of all scores, of a model and a folder


def main(words: list[str] | None = None) -> None:
    """Prints a table and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.engines")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--try", action="store_true", dest="is_try")
    parser.add_argument("--one", nargs=3, metavar=("ENGINE", "MODEL", "FOLDER"))
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    if asked.one is not None:
        print(json.dumps(measured(*asked.one)))
        return
    import chainrule as cr
    from benchmarks import record
    from benchmarks.tables.data import folder

    frame = pd.read_csv(folder() / "adult.csv.gz").iloc[:, :COLUMNS]
    config = cr.FitConfig(hidden_size=256, members=1, epochs=1)
    density = cr.fit(frame[:20_000], config=config, seed=0, verbose=False)
    with tempfile.TemporaryDirectory() as directory:
        model = f"{directory}/m.chainrule"
        density.save(model)
        sizes = (asked.rows, 3 * asked.rows)
        for rows in sizes:
            write_parts(frame, rows, Path(directory, str(rows)))
        seconds, sums = {}, {}
        for engine, (package, _) in ENGINES.items():
            if find_spec(package) is None:
                print(f"{engine}: not installed here")
                continue
            found = [run(engine, model, f"{directory}/{rows}") for rows in sizes]
            seconds[engine] = found[1]["cpu_seconds"] - found[0]["cpu_seconds"]
            sums[engine] = found[1]["sum"]
    rows = []
    for engine, of_engine in seconds.items():
        ratio = of_engine / seconds["one process"]
        same = abs(sums[engine] / sums["one process"] - 1)
        rows.append(
            {"what": engine, "rows": 2 * asked.rows, "cpu_seconds": of_engine, "ratio": ratio}
        )
        print(f"{engine:12} {of_engine:7.1f} CPU s  × {ratio:.3f}  sums differ by {same:.1e}")
    if not asked.is_try:
        print(f"written to {record.write_part('scale', 'engines', rows)}")


def write_parts(frame: pd.DataFrame, rows: int, folder: Path) -> None:
    """Writes rows that are drawn with replacement, in Parquet files."""
    folder.mkdir()
    chosen = np.random.default_rng(0).integers(0, len(frame), rows)
    for part, some in enumerate(np.array_split(chosen, PARTS)):
        frame.iloc[some].to_parquet(folder / f"{part}.parquet", index=False)


def run(engine: str, model: str, folder: str) -> dict[str, float]:
    """Runs ``measured`` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale.engines", "--one", engine, model, folder]
    environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{engine} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measured(engine: str, model: str, folder: str) -> dict[str, float]:
    """CPU seconds of a question, and the sum of its answers."""
    began = cpu_seconds()
    total = ENGINES[engine][1](model, folder)
    return {"sum": total, "cpu_seconds": cpu_seconds() - began}


def cpu_seconds() -> float:
    """CPU seconds of all processes of the machine, which is otherwise idle.

    Engines start processes that are no children of this one, and that end before it looks.
    """
    times = psutil.cpu_times()
    return times.user + times.system + getattr(times, "nice", 0.0)


def by_one_process(model: str, folder: str) -> float:
    """The sum of scores by a scorer that reads file after file."""
    import pyarrow.parquet as pq

    from chainrule import Scorer

    scorer, total = Scorer(model), 0.0
    for path in sorted(Path(folder).iterdir()):
        total += scorer.answer_arrow(pq.read_table(path), "score")["log_prob"].to_numpy().sum()
    return total


def by_dask(model: str, folder: str) -> float:
    """The sum of scores by two processes of Dask."""
    import dask.dataframe as dd

    from chainrule import Scorer, distributed

    scores = distributed.score(Scorer(model), dd.read_parquet(folder))
    total = scores["log_prob"].sum().compute(scheduler="processes", num_workers=WORKERS)
    return float(total)


def by_spark(model: str, folder: str) -> float:
    """The sum of scores by two threads of Spark, each with a Python worker."""
    from pyspark.sql import SparkSession  # pyright: ignore[reportMissingImports]

    from chainrule import Scorer, distributed

    built = SparkSession.builder.master(f"local[{WORKERS}]").config("spark.ui.enabled", "false")
    session = built.getOrCreate()
    scores = distributed.score(Scorer(model), session.read.parquet(folder))
    total = scores.groupBy().sum("log_prob").collect()[0][0]
    session.stop()
    return float(total)


def by_ray(model: str, folder: str) -> float:
    """The sum of scores by two actors of Ray."""
    import ray  # pyright: ignore[reportMissingImports]

    from chainrule import Scorer, distributed

    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    scores = distributed.score(Scorer(model), ray.data.read_parquet(folder))
    total = scores.sum("log_prob")
    ray.shutdown()
    return float(total)


ENGINES: dict[str, tuple[str, Answers]] = {
    "one process": ("chainrule", by_one_process),
    "Dask": ("dask", by_dask),
    "Spark": ("pyspark", by_spark),
    "Ray": ("ray", by_ray),
}

if __name__ == "__main__":
    main()
