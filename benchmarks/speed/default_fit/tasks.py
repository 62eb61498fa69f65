"""What each version is asked, through public calls that both versions have.

Every function takes and returns what JSON can hold. Times are processor and wall seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

import chainrule as cr
from benchmarks.speed.default_fit import floor, forms
from benchmarks.speed.default_fit.figures import WALL
from benchmarks.speed.default_fit.tables import kinds_of, mixed, split, with_holes

VALID_ROWS = 100  # of fits whose steps alone are timed: few, so that validation costs little


def timed(call: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """The result of a call, and its processor and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = call()
    return found, {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def fit(*, table: str, rows: int, effort: str, seed: int) -> dict[str, Any]:
    """A default fit: its seconds, the nats after each epoch, and those of other rows."""
    train, other = split(table, rows, seed)
    density, taken = timed(
        lambda: cr.fit(train, effort=effort, seed=seed, kinds=kinds_of(table), verbose=False)
    )
    nats, scored = timed(lambda: -density.log_prob(other))
    return {
        **taken,
        "rows": len(train),
        "training_s": density.seconds,
        "score_s": scored["cpu_s"],
        "valid_nats": [epoch["valid_nats"] for epoch in density.training["history"]],
        "nats": nats.tolist(),
    }


def fit_others(*, table: str, rows: int, seed: int) -> dict[str, dict[str, float]]:
    """A default fit, and fits of the densities that docs/real-tables.md compares it with.

    All choose on the same validation rows, a seventh as many as rows to train on. Our version only.
    """
    from benchmarks.tables.bins import best_tree
    from benchmarks.tables.gaussians import best_gaussians
    from chainrule.table import encode, read_table

    train, valid = split(table, rows, seed)
    valid = valid[: max(1, len(train) // 7)]
    schema = cr.infer_schema(train, kinds=kinds_of(table))
    coded = [encode(read_table(part), schema, warn=False) for part in (train, valid)]
    fits: dict[str, Callable[[], Any]] = {
        "ours": lambda: cr.fit(train, valid, kinds=kinds_of(table), seed=seed, verbose=False),
        "Chow-Liu tree": lambda: best_tree(schema, *coded, edges=True),
        "Gaussian mixture": lambda: best_gaussians(schema, *coded, seed=seed),
    }
    return {name: timed(each)[1] for name, each in fits.items()}


def fit_whole(*, table: str, rows: int, effort: str, seed: int) -> dict[str, Any]:
    """A default fit of a table or its first rows in the seed's order, without other rows."""
    train = split(table, rows, seed)[0]
    _, taken = timed(
        lambda: cr.fit(train, effort=effort, seed=seed, kinds=kinds_of(table), verbose=False)
    )
    return {**taken, "rows": len(train)}


def epochs(
    *, count: int, rows: int, options: dict[str, Any], table: str = "", columns: int = 0
) -> dict[str, float]:
    """A fit of so many epochs with a hundred validation rows: of a real table or a mixed one.

    Its wall seconds of training alone count. The record of a fit scores more rows after more
    epochs.
    """
    if table:
        train, valid = split(table, rows, 0)
    else:
        frame = _mixed(rows + VALID_ROWS, columns)
        train, valid = frame[:rows], frame[rows:]
    if len(train) != rows:
        raise ValueError(f"{table} has {len(train)} rows to train on where {rows} are asked for")
    config = cr.FitConfig(epochs=count, **options)

    def call() -> cr.Density:
        some = valid[:VALID_ROWS]
        return cr.fit(train, some, kinds=kinds_of(table), seed=0, config=config, verbose=False)

    density, taken = timed(call)
    return taken | {"training_s": float(density.seconds or 0.0)}


@cache
def _mixed(rows: int, columns: int) -> Any:
    return mixed(rows, columns)


def matrix_products(*, hidden: int, members: int, calls: int) -> dict[str, float]:
    """Milliseconds of the matrix products of a step, and of fused AdamW."""
    return _medians(floor.forms(hidden, members), calls)


def nade(*, shape: list[float], calls: int) -> dict[str, float]:
    """Milliseconds of public calls of a NADE."""
    return _medians(forms.public(*shape), calls)


def nade_floor(*, shape: list[float], calls: int) -> dict[str, float]:
    """Milliseconds of the textbook loop, the kernels alone, and a dense MADE; of our version."""
    return _medians(forms.others(*shape), calls)


BLOCK_S = 0.02  # seconds of the calls that are timed together, at least one


def _medians(forms: dict[str, Callable[[], object]], calls: int) -> dict[str, float]:
    """Processor milliseconds of each form, medians of blocks of calls in turns.

    As in ``benchmarks.speed.kernels``, the first call of each block is not counted: it brings the
    weights back into the caches. Wall milliseconds have ", wall" behind their names.
    """
    taken: dict[str, list[float]] = {}
    for turn in range(calls + 1):
        for name, form in forms.items():
            count = max(1, round(BLOCK_S / timed(form)[1]["wall_s"]))
            found = timed(lambda form=form, count=count: [form() for _ in range(count)])[1]
            if turn:
                taken.setdefault(name, []).append(1e3 * found["cpu_s"] / count)
                taken.setdefault(f"{name}{WALL}", []).append(1e3 * found["wall_s"] / count)
    return {name: float(torch.tensor(each).median()) for name, each in taken.items()}


WIDE_FIT = {"hidden_sizes": (128, 128), "members": 1, "epochs": 2}


@cache
def _wide(columns: int, rows: int) -> cr.Density:
    config = cr.FitConfig(**WIDE_FIT)
    return cr.fit(mixed(rows, columns), effort="quick", seed=0, config=config, verbose=False)


def wide(*, columns: int, fit_rows: int, rows: int, share: float) -> dict[str, float]:
    """Processor seconds to fill and to explain rows of many columns with missing cells."""
    density = _wide(columns, fit_rows)
    asked = with_holes(mixed(rows, columns, seed=1), share)
    answers: dict[str, Callable[[], Any]] = {
        "best": lambda: density.impute(asked, how="best"),
        "mean": lambda: density.impute(asked, how="mean"),
        "draw": lambda: density.impute(asked, how="draw", seed=0),
        "explain": lambda: density.explain(asked),
    }
    return {name: timed(answer)[1]["cpu_s"] for name, answer in answers.items()}


TASKS: dict[str, Callable[..., Any]] = {
    task.__name__: task
    for task in (fit, fit_others, fit_whole, epochs, matrix_products, nade, nade_floor, wide)
}
