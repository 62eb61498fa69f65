"""Runs the parts that the command line names, or all, and writes each when it is done."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

from benchmarks.record import write_part
from benchmarks.speed.default_fit.figures import line
from benchmarks.speed.default_fit.parts import PARTS
from benchmarks.speed.default_fit.sizes import SMALL, Sizes
from benchmarks.speed.default_fit.versions import FIRST

FIRST_SEED = 100  # seeds below choose no rules


def main(words: list[str] | None = None) -> None:
    """Prints the rows of each part, and writes them unless the sizes are small."""
    given = _parser().parse_args(words)
    sizes = SMALL if given.small else Sizes()
    if given.threads:
        sizes = replace(sizes, threads=tuple(map(int, given.threads.split(","))))
    if given.seeds:
        sizes = replace(sizes, seeds=tuple(range(FIRST_SEED, FIRST_SEED + given.seeds)))
    if given.turns:
        sizes = replace(sizes, turns=given.turns)
    for name in ("tables", "efforts"):
        if chosen := getattr(given, name):
            sizes = replace(sizes, **{name: tuple(chosen.split(","))})
    for name in given.parts or PARTS:
        print(f"== {name}: {(PARTS[name].__doc__ or '').splitlines()[0]}", flush=True)
        began, rows = time.perf_counter(), []
        for found in PARTS[name](sizes):
            print(line(found), flush=True)
            rows.append(found)
        print(f"{name} took {time.perf_counter() - began:.0f} s", flush=True)
        if not given.small:
            print(f"written to {write_part('default_fit', name, rows, first=FIRST)}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.default_fit",
        description="Times the default fit and its questions against the first version.",
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all"
    )
    parser.add_argument("--small", action="store_true", help="tiny sizes; nothing is written")
    parser.add_argument("--threads", help="such as 1,2 (the default)")
    parser.add_argument("--seeds", type=int, help="number of seeds of default fits, from 100 on")
    parser.add_argument("--turns", type=int, help="how often short measurements are repeated")
    parser.add_argument("--tables", help="tables of default fits, with commas between")
    parser.add_argument("--efforts", help="efforts of default fits: quick,standard")
    return parser


if __name__ == "__main__":
    main()
