"""Runs each density in a process of its own, and keeps what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.default_fit.versions import FIRST, ROOT, environment, unpacked
from benchmarks.tables import fits
from benchmarks.tables.masses import plain
from benchmarks.tables.masses.tables import Task, task

OURS = "chainrule"
RIVALS = {
    "adversarial random forest": "arf",
    "Lace": "crosscat",
    "TabularARGN": "argn",
}
PYTHON = "CHAINRULE_RIVALS"  # the variable that names the rivals' Python
NO_MASS = -1e250  # below, a row counts as without mass
ROWS = ROOT / "build" / "masses"  # the nats of each row, to pair densities within a seed

Found = dict[str, Any]


def labels(commit: str = FIRST) -> list[str]:
    """The densities, ours last."""
    plains = [plain.INDEPENDENT, plain.TREE, plain.GAUSSIANS]
    return [*plains, *RIVALS, earlier(commit), OURS]


def earlier(commit: str = FIRST) -> str:
    """The name of an earlier version of ours."""
    return f"{OURS}, {'0.1.0' if commit == FIRST else commit}"


def score(
    label: str, name: str, seed: int, *, effort: str, commit: str, config: Found | None = None
) -> tuple[Found, np.ndarray]:
    """What is kept about one density, and its nats per test row, before the floor.

    A density that cannot be computed here has its error instead, and no rows.
    """
    asked = task(name, seed)
    how: Callable[[], Found]
    if label == OURS or label == earlier(commit):
        source = ROOT / "src" if label == OURS else unpacked(commit)
        job: Found = {"name": name, "seed": seed, "effort": effort, "config": config}
        if label == OURS and effort == "standard" and config is None:
            job["keep"] = str(fits.path_of(name, seed))
        how = lambda: _of_version(source, job)  # noqa: E731
    elif label in RIVALS:
        how = lambda: _of_rival(RIVALS[label], asked, seed)  # noqa: E731
    else:
        how = lambda: plain.fit(label, asked.cells, asked.values, seed)  # noqa: E731
    began = time.perf_counter()
    try:
        found = how()
    except RuntimeError as error:
        return {"failed": str(error)}, np.empty(0)
    found.setdefault("seconds", {})["wall"] = time.perf_counter() - began
    nats = np.array(found.pop("nats"), dtype=np.float64)
    return found, np.where(nats > NO_MASS, nats, -np.inf)


def floored(nats: np.ndarray, floor: np.ndarray, rows: int) -> np.ndarray:
    """log((1 − ε) p + ε q), ε = 1/(rows + 1), of log p and log q (N,)."""
    share = 1 / (rows + 1)
    return np.logaddexp(np.log1p(-share) + nats, np.log(share) + floor)


def _of_version(source: Path, job: Found) -> Found:
    threads = int(os.environ.get("OMP_NUM_THREADS", 1))
    command = [sys.executable, "-m", "benchmarks.tables.masses.worker"]
    return json.loads(_output(command, json.dumps(job), environment(source, threads)))


def _of_rival(script: str, asked: Task, seed: int) -> Found:
    if not (python := os.environ.get(PYTHON)):
        raise RuntimeError(f"{PYTHON} does not name the Python of masses/rivals/requirements.txt")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train, valid, test = asked.values
        np.savez(
            folder / "rows.npz",
            train=train,
            valid=valid,
            test=test,
            levels=[len(each) + 1 if each else 0 for each in asked.cells.labels],
            widths=asked.cells.widths,
            seed=seed,
        )
        path = Path(__file__).parent / "rivals" / f"{script}.py"
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        _output([python, str(path), str(folder)], "", kept)
        found = json.loads((folder / "found.json").read_text())
        return found | {"nats": np.load(folder / "nats.npy")}


def _output(command: list[str], given: str, variables: dict[str, str]) -> str:
    """What a command prints.

    Raises:
        RuntimeError: it failed; the last line of its errors.
    """
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, cwd=ROOT, env=variables
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise RuntimeError(lines[-1])
    return done.stdout
