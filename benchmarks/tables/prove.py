"""Compares the library with other methods on real tables: five proofs on five tables, five times.

Usage: python -m benchmarks.tables.prove [PROOF ...] [--table NAME ...] [--seed N ...] [--again |
--ours]

Proofs are rows (likelihood and synthesis, from one fit), imputation, odd_cells and seconds. Results
that exist are kept, so an interrupted run continues. With --again they are measured again, and with
--ours only the library's fills are. Then docs/real-tables.md is written. A run takes a few hours on
two cores. Only "seconds" reports times.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from typing import Any

import polars as pl
import torch

import chainrule as cr
from benchmarks.tables import imputation, likelihood, odd_cells, page, synthesis
from benchmarks.tables.data import KINDS, some_rows
from benchmarks.tables.page import SEEDS, path_of
from chainrule.atomic import write_bytes

ROWS = 10_000
PROOFS = ("rows", "imputation", "odd_cells", "seconds")


def splits(name: str, seed: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Training, validation and test rows: 70, 10 and 20 % of at most 10,000 rows."""
    frame = some_rows(name, ROWS, seed)
    first, second = round(0.7 * len(frame)), round(0.8 * len(frame))
    return frame[:first], frame[first:second], frame[second:]


def fitted(
    name: str, train: pl.DataFrame, valid: pl.DataFrame, seed: int
) -> tuple[cr.Density, float]:
    """The density, and all the seconds of its fit."""
    began = time.perf_counter()
    density = cr.fit(train, valid, seed=seed, kinds=KINDS[name], verbose=False)
    return density, time.perf_counter() - began


def rows(name: str, seed: int) -> dict[str, Any]:
    """Proofs 1 and 3, from one fit."""
    train, valid, test = splits(name, seed)
    density, fitted_in = fitted(name, train, valid, seed)
    return {
        "likelihood": likelihood.prove(density, train, valid, test, seed, fitted_in=fitted_in),
        "synthesis": synthesis.prove(name, density, train, test, seed),
    }


def seconds(name: str, seed: int) -> dict[str, Any]:
    """Proof 5: seconds to fit, score and fill, and those of the baselines, on an idle machine."""
    train, valid, test = splits(name, seed)
    density, fitted_in = fitted(name, train, valid, seed)
    found = likelihood.prove(density, train, valid, test, seed, fitted_in=fitted_in)["seconds"]
    filled = imputation.prove(name, seed)
    fills = {label: method["seconds"] for label, method in filled["methods"].items()}
    fills["chainrule"] -= filled["methods"]["chainrule"]["seconds to fit"]
    sizes = {"train": len(train), "score": len(test), "fill": filled["rows"]}
    return {"threads": torch.get_num_threads(), "rows": sizes, "densities": found, "fills": fills}


MEASURES = {
    "rows": rows,
    "imputation": imputation.prove,
    "odd_cells": odd_cells.prove,
    "seconds": seconds,
}


def main() -> None:
    """Measures what is missing, by table and seed, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proofs", nargs="*", default=PROOFS)
    parser.add_argument("--table", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--seed", nargs="+", type=int, default=list(SEEDS))
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--again", action="store_true")
    how.add_argument("--ours", action="store_true")
    asked = parser.parse_args()
    if unknown := set(asked.proofs) - set(PROOFS):
        parser.error(f"unknown proof {sorted(unknown)[0]!r}; there are {', '.join(PROOFS)}")
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
