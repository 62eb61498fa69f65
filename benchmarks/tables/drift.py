"""How often ``drift`` sees a change, and how often it sees one where there is none.

Run: ``python -m benchmarks.tables.drift [PART …]``, with CHAINRULE_DATA naming the folder of the
tables. A part is "seconds", or a table ("gaussian", "adult"), or a table and one of its changes, as
"gaussian: no change". By default all parts run.

A model is fitted once to each table. The scores and surprises of other rows are computed once. Each
repetition draws a reference and new rows from them, without an overlap. Results are in
``benchmarks/results/drift.json``, which docs/howto/gate-a-pipeline.md quotes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
import torch

import chainrule as cr
from benchmarks.record import write_part
from benchmarks.tables.data import whole_table
from chainrule.table import encode, read_table
from chainrule.tasks.answer import Batch
from chainrule.tasks.drifting.changes import differences, joint_p_value
from chainrule.tasks.drifting.figures import Cells, Sample
from chainrule.tasks.drifting.scales import Scales

SEED = 100
REPETITIONS, NEW, REFERENCE = 400, 1_000, 700
POOL = 10_000  # rows from which repetitions draw
LEVELS = (0.01, 0.05)
NAMES = ("age", "income", "height", "weight", "rent", "hours")
FEW = 0.2  # the correlation of all pairs but the first, which has PAIR
PAIR = 0.5
CHANGES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "gaussian": {
        "sign of one correlation of .5": ("age", "income"),
        "shift of one column by .3 sd": ("rent",),
    },
    "adult": {
        "hours-per-week exchanged between rows": ("hours-per-week",),
        "shift of age by .3 sd": ("age",),
    },
}


def main(parts: list[str]) -> None:
    """Measures the named parts, or all of them."""
    for name in ("gaussian", "adult"):
        asked = [part.partition(": ")[2] for part in parts if part.partition(": ")[0] == name]
        if not parts or asked:
            write_part("drift", name, table(name, [change for change in asked if change]))
    if not parts or "seconds" in parts:
        write_part("drift", "seconds", seconds())


def table(name: str, asked: list[str]) -> list[dict[str, Any]]:
    """The shares of repetitions that find drift: with each change asked for, or with all."""
    train, pools = (gaussian if name == "gaussian" else adult)()
    density = cr.fit(train, seed=SEED, effort="quick", verbose=False)
    scales = Scales.from_json(density.training["drift"]["scales"])

    def cells_of(rows: pl.DataFrame) -> Cells:
        codes = encode(read_table(rows), density.schema, warn=False)
        return Cells.of(Batch.of(density.model, codes, progress=False), scales)

    usual, found = cells_of(pools["no change"]), []
    for what in asked or list(pools):
        changed = cells_of(pools[what])
        generator = np.random.default_rng(SEED)
        tests = [
            once(density.schema, scales, usual, changed, generator.permutation(POOL))
            for _ in range(REPETITIONS)
        ]
        p = np.array([joint for joint, _ in tests])
        changes = CHANGES[name].get(what, ())
        named = [set(changes) <= set(first) for _, first in tests]
        found.append(
            {
                "what": what,
                "table": name,
                "repetitions": REPETITIONS,
                "new": NEW,
                "reference": REFERENCE,
                **{f"found at {level}": float((p < level).mean()) for level in LEVELS},
                **({"named first": float(np.mean(named))} if changes else {}),
            }
        )
        print(found[-1], flush=True)
    return found


def once(
    schema: cr.Schema, scales: Scales, usual: Cells, changed: Cells, rows: np.ndarray
) -> tuple[float, tuple[str, ...]]:
    """The joint p-value of new rows beside a reference, and the columns of the first change."""
    old = Sample.of(usual.take(rows[:REFERENCE]), schema, scales, min_count=5)
    cells = changed.take(rows[REFERENCE : REFERENCE + NEW])
    new = Sample.of(cells, schema, scales)
    tests = differences(new, old, scales, schema, of_fit=True)
    first = min(tests, key=lambda test: test.p_value)
    columns = tuple(schema.names[k] for k in first.columns)
    return joint_p_value(tests, cells, new, old, scales), columns


def gaussian() -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Training rows of six dependent normal columns, and pools of rows by what is changed."""
    generator = np.random.default_rng(SEED)

    def draw(rows: int, pair: float, shift: float = 0.0) -> pl.DataFrame:
        matrix = np.full((len(NAMES), len(NAMES)), FEW)
        np.fill_diagonal(matrix, 1.0)
        matrix[0, 1] = matrix[1, 0] = pair
        x = generator.multivariate_normal(np.zeros(len(NAMES)), matrix, rows)
        x[:, NAMES.index("rent")] += shift
        return pl.DataFrame(x, schema=list(NAMES))

    train, (sign, shifted) = draw(4_000, PAIR), CHANGES["gaussian"]
    pools = {"no change": draw(POOL, PAIR), sign: draw(POOL, -PAIR)}
    return train, pools | {shifted: draw(POOL, PAIR, 0.3)}


def adult() -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Training rows of adult, and pools of other rows by what is changed."""
    rows = whole_table("adult")
    rows = rows.sample(len(rows), seed=SEED, shuffle=True)
    train, pool = rows[:20_000], rows[20_000 : 20_000 + POOL]
    hours, age = (columns[0] for columns in CHANGES["adult"].values())
    shift = round(0.3 * float(np.std(pool[age].to_numpy())))
    exchanged, shifted = CHANGES["adult"]
    return train, {
        "no change": pool,
        exchanged: pool.with_columns(pl.col(hours).shuffle(seed=SEED)),
        shifted: pool.with_columns(pl.col(age) + shift),
    }


def seconds() -> list[dict[str, Any]]:
    """Seconds of the score and of the drift of all of adult by a fitted model."""
    rows = whole_table("adult")
    density = cr.fit(rows, seed=SEED, effort="quick", verbose=False)
    asked: dict[str, Callable[[], Any]] = {
        "score": lambda: density.score(rows),
        "drift": lambda: density.drift(rows),
    }
    found = []
    for what, ask in asked.items():
        ask()  # compiles kernels
        began, used = time.perf_counter(), time.process_time()
        ask()
        found.append(
            {
                "what": f"{what} of {len(rows):,} rows of {rows.width} columns",
                "seconds": time.perf_counter() - began,
                "processor seconds": time.process_time() - used,
                "threads": torch.get_num_threads(),
            }
        )
        print(found[-1], flush=True)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
