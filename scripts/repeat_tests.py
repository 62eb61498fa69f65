"""Runs `make test` repeatedly on a busy machine, to find tests that fail by chance.

Usage: python scripts/repeat_tests.py TIMES [BUSY [PART ...]]. BUSY is the number of busy-looping
processes beside the tests, 4 by default. Each run has its own hash seed. The exit status is 1 if a
part failed in any run; those runs and parts are printed.
"""

from __future__ import annotations

import subprocess
import sys

from run_tests import PARTS, run_all, unknown_part

BUSY = 4
# A busy loop that ends with this program.
COUNTING = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"


def main(words: list[str]) -> int:
    """Runs the parts; returns 0 if all runs passed, 1 if one failed, 2 for wrong usage."""
    times, busy, *parts = [*words, str(BUSY)] if len(words) == 1 else words or ["", ""]
    if not (times.isdigit() and busy.isdigit()):
        print(__doc__, file=sys.stderr)
        return 2
    if message := unknown_part(parts):
        print(message, file=sys.stderr)
        return 2
    failed = []
    others = [subprocess.Popen([sys.executable, "-c", COUNTING]) for _ in range(int(busy))]
    try:
        for seed in range(1, int(times) + 1):
            print(f"=== run {seed} of {times}, PYTHONHASHSEED={seed}", flush=True)
            failed += [f"run {seed}: {part}" for part in run_all(parts or list(PARTS), str(seed))]
    finally:
        for other in others:
            other.kill()
            other.wait()
    print("\n".join(failed) or f"all passed, {times} times")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
