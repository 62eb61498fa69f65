"""Compares the library with other methods on real tables: four proofs on five tables.

Usage: python -m benchmarks.tables.prove [PROOF ...] [--table NAME ...] [--seed N ...] [--again |
--ours]

Proofs are imputation, synthesis and odd_cells, of five seeds, and seconds, of one. Likelihoods are
of ``benchmarks.tables.masses``, whose fits synthesis takes if they are there. Results that exist
are kept, so an interrupted run continues. With --again they are measured again, and with --ours
only the library's fills are. Then docs/real-tables.md is written. A run takes a few hours on two
cores. Only "seconds" reports times.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from typing import Any

from benchmarks.record import circumstances
from benchmarks.tables import durations, fits, imputation, odd_cells, page, synthesis
from benchmarks.tables.data import KINDS
from benchmarks.tables.masses.tables import task
from benchmarks.tables.page import SEEDS, path_of
from chainrule.atomic import write_bytes


def similar(name: str, seed: int) -> dict[str, Any]:
    """Proof 3, of the fit whose likelihood is measured."""
    train, _, test = task(name, seed).parts
    return synthesis.prove(name, fits.fitted(name, seed), train, test, seed)


MEASURES = {
    "imputation": imputation.prove,
    "synthesis": similar,
    "odd_cells": odd_cells.prove,
    "seconds": durations.prove,
}


def main() -> None:
    """Measures what is missing, by table and seed, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proofs", nargs="*", default=list(MEASURES))
    parser.add_argument("--table", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--seed", nargs="+", type=int, default=list(SEEDS))
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--again", action="store_true")
    how.add_argument("--ours", action="store_true")
    asked = parser.parse_args()
    if unknown := set(asked.proofs) - set(MEASURES):
        parser.error(f"unknown proof {sorted(unknown)[0]!r}; there are {', '.join(MEASURES)}")
    if asked.ours and list(asked.proofs) != ["imputation"]:
        parser.error("--ours is of imputation alone: prove imputation --ours")
    warnings.simplefilter("ignore")
    page.RESULTS.mkdir(parents=True, exist_ok=True)
    for seed in asked.seed:
        for name in asked.table:
            for proof in asked.proofs:
                path = path_of(proof, name, seed)
                again = asked.again or asked.ours
                if (path.exists() and not again) or (proof == "seconds" and seed != asked.seed[0]):
                    continue
                began = time.perf_counter()
                earlier = [json.loads(path.read_text())] if asked.ours and path.exists() else []
                found = MEASURES[proof](name, seed, *earlier)
                found |= {"commit": circumstances()["commit"]}
                write_bytes(path, (json.dumps(found, indent=1) + "\n").encode())
                print(
                    f"{proof} of {name}, seed {seed}: {time.perf_counter() - began:.0f} s",
                    file=sys.stderr,
                )
    if lacking := page.missing():
        print(
            f"{len(lacking)} measurements are missing, as {lacking[0]}; the page is not written",
            file=sys.stderr,
        )
        return
    write_bytes(page.PAGE, page.text().encode())
    print(f"written: {page.PAGE}", file=sys.stderr)


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    main()
