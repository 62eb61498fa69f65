"""Codes held-out rows of four tables, decodes them in another process, and compares sizes.

Usage: python -m benchmarks.coding.run [TABLE ...]

CHAINRULE_DATA names the folder of the data. A table without a model in build/coding is fitted
first; delete the model to fit it again. Results are in ``benchmarks/results/coding.json``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

import chainrule as cr
from benchmarks.coding.file import compress
from benchmarks.coding.sizes import sizes
from benchmarks.coding.tables import SEED, TABLES, Task, csv_of, task
from benchmarks.record import write_part
from chainrule.atomic import write_bytes

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "build" / "coding"


def fitted(asked: Task, folder: Path) -> Path:
    """Fits the density of a table, unless its file is there; returns the file."""
    path = MODELS / f"{asked.name.replace(' ', '_')}.chainrule"
    if not path.exists():
        MODELS.mkdir(parents=True, exist_ok=True)
        parts = []
        for name in ("train", "valid"):
            frame = getattr(asked, name)
            if asked.is_binary:
                parts.append(frame)
                continue
            parts.append(folder / f"{name}.csv")
            write_bytes(parts[-1], csv_of(frame))
        cr.fit(*parts, seed=SEED, verbose=False, **asked.options).save(path)
    return path


def measured(asked: Task) -> dict[str, Any]:
    """Codes and decodes the held-out rows of a table; returns the row of the results.

    Raises:
        RuntimeError: the decoder's file differs from the coded one.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, coded, back = (folder / each for each in ("rows.csv", "rows.coded", "back.csv"))
        model = fitted(asked, folder)
        write_bytes(table, csv_of(asked.held_out))
        density, began = cr.load(model), time.perf_counter()
        found = compress(density, table)
        encoded = time.perf_counter()
        write_bytes(coded, found.data)
        words = [sys.executable, "-m", "benchmarks.coding", "decode", model, coded, back]
        subprocess.run(list(map(str, words)), check=True, cwd=ROOT, env=os.environ)
        decoded = time.perf_counter()
        if back.read_bytes() != table.read_bytes():
            raise RuntimeError(f"{asked.name}: the decoded table differs")
        row_bits = -float(density.log_prob(table).sum() / np.log(2))
        return {
            "what": asked.name,
            "rows": found.rows,
            "columns": len(asked.held_out.columns),
            "mass bits": found.mass_bits,
            "code bytes": found.code,
            "file bytes": len(found.data),
            "code over masses": 8 * found.code / found.mass_bits,
            "file over masses": 8 * len(found.data) / found.mass_bits,
            "escaped cells": int(found.account.escaped.sum()),
            "text bits": float(found.account.text_bits.sum()) + found.left_out_bits,
            "log_prob bits": row_bits,
            "model bytes": model.stat().st_size,
            **sizes(asked),
            "encode seconds": encoded - began,
            "decode seconds": decoded - encoded,
            "network": type(density.model.network).__name__,
        }


def main(names: list[str]) -> None:
    """Measures tables, and prints and writes the results."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if unknown := set(names) - set(TABLES):
        raise SystemExit(f"unknown table {sorted(unknown)[0]!r}; choose from {', '.join(TABLES)}")
    for name in names or TABLES:
        row = measured(task(name))
        print(row)
        print(write_part("coding", "tables", [row], seed=SEED))


if __name__ == "__main__":
    main(sys.argv[1:])
