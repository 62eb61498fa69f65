"""Compares the families on images and keeps the figures.

Usage: python -m benchmarks.comparison.run [digits] [binarized-mnist]

Without an argument, it runs both, in an hour on two cores; digits take a minute. It calls
`chainrule compare DATA`, which writes its pages to chainrule-compare/DATA. The numbers go to
benchmarks/results/comparison and into docs/compare.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.comparison import page
from benchmarks.record import circumstances
from chainrule.plain_json import plain_json


def main() -> None:
    """Runs the comparisons, keeps their numbers and writes them into the docs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="*", help="data sets; all by default")
    names = parser.parse_args().data or page.COMPARED
    if unknown := sorted(set(names) - set(page.COMPARED)):
        parser.error(f"unknown data set {unknown[0]!r}; there are {', '.join(page.COMPARED)}")
    for name in names:
        folder = Path("chainrule-compare") / name
        subprocess.run(
            [sys.executable, "-m", "chainrule.cli.main", "compare", name, "-o", str(folder)],
            check=True,
        )
        keep(name, folder / "results.json")
    page.main()


def keep(name: str, results: Path) -> None:
    """Copies the numbers of a comparison, with commit, machine and versions."""
    found = json.loads(results.read_text(encoding="utf-8"))
    kept = page.path_of(name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(
        plain_json({"circumstances": circumstances() | {"threads": found["threads"]}, **found})
        + "\n"
    )


if __name__ == "__main__":
    main()
