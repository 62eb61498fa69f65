"""Steps and epochs as they happen within a fit: the difference between two fits."""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import Any

from benchmarks.speed.default_fit.figures import Goal, Rows, ratios, row
from benchmarks.speed.default_fit.floor import BATCH, SHAPES
from benchmarks.speed.default_fit.sizes import Sizes
from benchmarks.speed.default_fit.versions import Worker, in_turns, named, ours, versions

# Options of the first version's fit of adult, so that both versions train the same network.
STEP_OPTIONS = {"quick": {"dropout": 0.0}, "standard": {"dropout": 0.143}}
# Of the standard width, the same for any number of rows.
GROWTH_OPTIONS = {"hidden_sizes": (256, 256), "members": 1, "batch_size": 256, "dropout": 0.0}


def step(sizes: Sizes) -> Rows:
    """A training step within a fit ÷ its matrix products and AdamW, on adult.

    A step is the difference between the training of a fit of 2n epochs and of one of n epochs, by
    ``Density.seconds``, divided by n times the batches of an epoch. Validation reads 100 rows. The
    step so includes the batch's rows, masks, likelihood, gradients, clipping and AdamW. Its network
    has the first version's shape.
    """
    goals = {"quick": Goal("<=", 2.5, 1.6), "standard": Goal("<=", 1.8, 1.3)}
    for threads in sizes.threads:
        with versions(threads) as workers:
            for count, effort in zip(sizes.step_epochs, SHAPES, strict=True):
                yield from _steps(workers, sizes, effort, count, threads, goals[effort])


def _steps(
    workers: dict[str, Worker], sizes: Sizes, effort: str, count: int, threads: int, goal: Goal
) -> Rows:
    hidden, members = SHAPES[effort]
    options: dict[str, Any] = {
        "hidden_sizes": (hidden, hidden),
        "members": members,
        "batch_size": BATCH,
    }
    options |= STEP_OPTIONS[effort]
    asked: dict[str, Any] = {"table": "adult", "rows": sizes.step_rows, "options": options}
    batches = count * sizes.step_rows // BATCH
    taken: dict[str, list[float]] = {"first": [], "ours": [], "matrix products": [], "AdamW": []}
    for worker in workers.values():  # compiles and imports
        worker.ask("epochs", count=1, **asked)
    for turn in range(sizes.turns):
        for name, worker in in_turns(workers, turn):
            few, many = (
                worker.ask("epochs", count=n, **asked)["training_s"] for n in (count, 2 * count)
            )
            taken[name].append(1e3 * (many - few) / batches)
        floor = workers["ours"].ask(
            "matrix_products", hidden=hidden, members=members, calls=40 * sizes.calls
        )
        for name in ("matrix products", "AdamW"):
            taken[name].append(floor[name])
    facts: dict[str, Any] = {
        "effort": effort,
        "threads": threads,
        "rows": sizes.step_rows,
        "epochs": count,
    }
    label = f"{effort} shape, {named(threads)}"
    for name, values in taken.items():
        what = {"first": "step, 0.1.0", "ours": "step"}.get(name, name)
        yield row(f"{what}: {label}", values, unit="ms", **facts)
    bare = [sum(both) for both in zip(taken["matrix products"], taken["AdamW"], strict=True)]
    for name in ("first", "ours"):
        what = "step, 0.1.0" if name == "first" else "step"
        yield row(
            f"{what} ÷ (matrix products + AdamW): {label}", ratios(taken[name], bare),
            goal=goal if name == "ours" else None, **facts,
        )  # fmt: skip


def growth(sizes: Sizes) -> Rows:
    """How an epoch grows with rows and columns, of one network of the standard width.

    An epoch is the difference between two fits, one of twice as many epochs. Growth is the growth
    of its seconds divided by that of rows or columns; 1 is linear.
    """
    first_rows, first_columns = sizes.growth_rows[0], sizes.growth_columns[0]
    shapes = [(rows, first_columns) for rows in sizes.growth_rows]
    shapes += [(first_rows, columns) for columns in sizes.growth_columns[1:]]
    with ours(1) as worker:
        seconds = {shape: _epoch_seconds(worker, sizes, *shape) for shape in shapes}
    for (rows, columns), values in seconds.items():
        yield row(f"epoch: {rows:,} rows × {columns} columns", values, unit="s", threads=1)
    medians = {shape: statistics.median(values) for shape, values in seconds.items()}
    for what, steps in (
        ("rows", [(rows, first_columns) for rows in sizes.growth_rows]),
        ("columns", [(first_rows, columns) for columns in sizes.growth_columns]),
    ):
        axis = what == "columns"
        for before, after in dict.fromkeys([*pairwise(steps), (steps[0], steps[-1])]):
            grown = medians[after] / medians[before] / (after[axis] / before[axis])
            what_grew = f"growth of an epoch ÷ growth of {what}"
            goal = Goal("<=", 1.25)
            yield row(f"{what_grew}: {before[axis]:,} to {after[axis]:,}", [grown], goal=goal)


def _epoch_seconds(worker: Worker, sizes: Sizes, rows: int, columns: int) -> list[float]:
    count = max(1, sizes.growth_least // rows)
    asked: dict[str, Any] = {"rows": rows, "columns": columns, "options": GROWTH_OPTIONS}
    worker.ask("epochs", count=1, **asked)
    turns = sizes.turns if rows <= 100_000 else min(sizes.turns, 2)
    found = []
    for _ in range(turns):
        few, many = (
            worker.ask("epochs", count=n, **asked)["training_s"] for n in (count, 2 * count)
        )
        found.append((many - few) / count)
    return found
