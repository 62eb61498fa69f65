"""Runs the parts of `make test`, two at a time, and compares their times with budgets.

Usage: python scripts/run_tests.py [PART ...]; without arguments, all parts. A part fails only if
one of its commands fails. Budgets are in seconds on an idle machine with two cores. A part over
budget shows its slowest tests but does not fail. The output of a part appears when it is done.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
PYTEST = [PYTHON, "-m", "pytest", "--durations=10", "--durations-min=1"]
MODULES = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/test_*.py"))


def folders(names: str) -> list[str]:
    """Folders of tests; they mirror the folders of the source."""
    return [f"tests/{name}" for name in names.split()]


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
    "networks": (
        180,
        [[*PYTEST, *folders("networks ops conditionals tensors baselines testing architecture")]],
    ),
    "tables": (120, [[*PYTEST, *folders("leaves table mistakes events")]]),
    "tasks": (150, [[*PYTEST, *folders("tasks training")]]),
    "interfaces": (120, [[*PYTEST, *folders("cli benchmarks"), *MODULES]]),
    "report": (90, [[*PYTEST, *folders("report review view plots table_report html_pages")]]),
    "site": (120, [[*PYTEST, *folders("site explorer synthetic distributed")]]),
    "docs": (180, [[*PYTEST, *folders("docs")], [PYTHON, "scripts/smoke_wheel.py"]]),
}

JOBS = min(2, os.cpu_count() or 1)  # tests compute with one thread each
SLOWEST = re.compile(
    r"^=+ slowest .*?(?=^\d+ (?:passed|failed|skipped)|^=+ |\Z)", flags=re.DOTALL | re.MULTILINE
)


def run(part: str, hash_seed: str | None = None) -> tuple[bool, float]:
    """Runs a part and prints its output; returns whether it passed, and its seconds."""
    environment = {
        **os.environ,
        "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", ""),
        "MPLBACKEND": "Agg",
    }
    environment |= {} if hash_seed is None else {"PYTHONHASHSEED": hash_seed}
    began, good, printed = time.monotonic(), True, ""
    for command in PARTS[part][1]:
        words = [Path(word).name if word == PYTHON else word for word in command]
        printed += f"== {part}: {' '.join(words)}\n"
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed += done.stdout
        good &= done.returncode == 0
    took = time.monotonic() - began
    print(printed if took > PARTS[part][0] else SLOWEST.sub("", printed), flush=True)
    return good, took


def run_all(parts: Sequence[str], hash_seed: str | None = None) -> list[str]:
    """Runs the parts, prints the time of each, and returns the names of those that failed."""
    names = sorted(parts, key=lambda part: -PARTS[part][0])  # the longest first
    with ThreadPoolExecutor(JOBS) as pool:
        found = dict(zip(names, pool.map(lambda part: run(part, hash_seed), names), strict=True))
    for part in parts:
        budget, (good, took) = PARTS[part][0], found[part]
        verdict = ("passed" if good else "FAILED") + (", over budget" if took > budget else "")
        print(f"{part:<12}{took:>7.0f} s of {budget:>4} s   {verdict}", flush=True)
    return [part for part in parts if not found[part][0]]


def unknown_part(parts: Sequence[str]) -> str | None:
    """An error message for the first unknown part; None if all are known."""
    unknown = [part for part in parts if part not in PARTS]
    return f"unknown part {unknown[0]!r}; there are: {', '.join(PARTS)}" if unknown else None


def main(parts: list[str]) -> int:
    """Runs the named parts; returns 0 if all passed, 1 if one failed, 2 for an unknown part."""
    if message := unknown_part(parts):
        print(message, file=sys.stderr)
        return 2
    return int(bool(run_all(parts or list(PARTS))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
