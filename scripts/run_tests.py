"""Runs the parts of `make test`, two at a time, and prints what each took against its budget.

Usage: python scripts/run_tests.py [PART ...]; without arguments, all parts. A part fails by itself, or by taking more
than twice its budget (a busy machine may be slow; a part that doubled is a change). What a part prints is shown when it is done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
PYTEST = [PYTHON, "-m", "pytest"]

# part: (budget in seconds, commands)
PARTS: dict[str, tuple[int, list[list[str]]]] = {
    "check": (
        60,
        [
            [PYTHON, "-m", "ruff", "format", "--check", "."],
            [PYTHON, "-m", "ruff", "check", "."],
            [PYTHON, "-m", "pyright"],
        ],
    ),
    "laws": (240, [[*PYTEST, "tests/laws", "tests/ops", "tests/golden", "tests/architecture"]]),
    "interfaces": (240, [[*PYTEST, "tests/interfaces"]]),
    "tables": (90, [[*PYTEST, "tests/tables"]]),
    "report": (240, [[*PYTEST, "tests/report"]]),
    "site": (120, [[*PYTEST, "tests/site"]]),
    "files": (180, [[*PYTEST, "tests/files"]]),
    "docs": (240, [[*PYTEST, "tests/docs"], [PYTHON, "scripts/smoke_wheel.py"]]),
}


JOBS = min(2, os.cpu_count() or 1)  # tests compute with one thread each


def run(part: str) -> tuple[bool, float]:
    """Whether a part passed, and the seconds it took; prints what it printed."""
    environment = {**os.environ, "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", ""), "MPLBACKEND": "Agg"}
    began, good, said = time.monotonic(), True, ""
    for command in PARTS[part][1]:
        said += f"== {part}: {' '.join(Path(word).name if word == PYTHON else word for word in command)}\n"
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said += done.stdout
        good &= done.returncode == 0
    print(said, flush=True)
    return good, time.monotonic() - began


def main(parts: list[str]) -> int:
    """Runs the named parts; 0 if all passed within twice their budgets, 2 for an unknown part."""
    if unknown := [part for part in parts if part not in PARTS]:
        print(f"unknown part {unknown[0]!r}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    names = sorted(parts or PARTS, key=lambda part: -PARTS[part][0])  # the longest first
    with ThreadPoolExecutor(JOBS) as pool:
        found = dict(zip(names, pool.map(run, names), strict=True))
    failed = False
    for part in parts or PARTS:
        budget, (good, took) = PARTS[part][0], found[part]
        verdict = "passed" if good else "FAILED"
        if took > budget:
            verdict += ", over budget" if took <= 2 * budget else ", OVER TWICE THE BUDGET"
        failed |= not good or took > 2 * budget
        print(f"{part:<12}{took:>7.0f} s of {budget:>4} s   {verdict}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
