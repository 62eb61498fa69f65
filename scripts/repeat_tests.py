"""Runs `make test` many times, each with another hash seed, while other programs want the cores: no test fails by chance.

Usage: python scripts/repeat_tests.py TIMES [BUSY [PART ...]]; BUSY is how many programs that only count run beside it, 4 where
nothing is said. Exits with 1 if a part failed in any run, and says in which.
"""

from __future__ import annotations

import subprocess
import sys

from run_tests import PARTS, run_all, unknown_part

BUSY = 4
COUNTING = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"  # no longer than this program lives


def main(words: list[str]) -> int:
    """Runs the parts so many times; 0 if all passed in all, 1 if not, 2 for words it does not know."""
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
