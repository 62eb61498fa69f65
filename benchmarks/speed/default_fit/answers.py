"""What is asked of fitted networks: public calls of a NADE, and questions about wide tables."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.speed.default_fit.figures import WALL, Goal, Rows, ratios, row
from benchmarks.speed.default_fit.sizes import Sizes
from benchmarks.speed.default_fit.versions import in_turns, named, versions


def nade(sizes: Sizes) -> Rows:
    """Public calls of a NADE at the headline shape against textbook loop, kernels, dense MADE."""
    asked: dict[str, Any] = {"shape": sizes.nade, "calls": sizes.calls}
    for threads in sizes.threads:
        taken: dict[str, list[dict[str, float]]] = {"first": [], "ours": [], "others": []}
        with versions(threads) as workers:
            for turn in range(sizes.turns):
                for name, worker in in_turns(workers, turn):
                    taken[name].append(worker.ask("nade", **asked))
                taken["others"].append(workers["ours"].ask("nade_floor", **asked))
        yield from _nade(taken, threads)


NADE_GOALS = {
    "log_prob": Goal(">=", 35, 60),
    "sample 1": Goal(">=", 200, 400),
    "sample 1000": Goal(">=", 20, 30),
}


def _nade(taken: dict[str, list[dict[str, float]]], threads: int) -> Rows:
    def of(version: str, form: str) -> list[float]:
        return [turn[form] for turn in taken[version]]

    label: str = named(threads)
    facts: dict[str, Any] = {"threads": threads}
    for version, said in (("first", ", 0.1.0"), ("ours", ""), ("others", "")):
        for form in taken[version][0]:
            if not form.endswith(WALL):
                wall = statistics.median(of(version, form + WALL))
                yield row(
                    f"{form}{said}: {label}", of(version, form), unit="ms", wall_ms=wall, **facts
                )
    for call in taken["ours"][0]:
        if call.endswith(WALL):
            continue
        textbook, kernel = of("others", f"textbook {call}"), of("others", f"kernel {call}")
        for version, said in (("first", "0.1.0"), ("ours", "ours")):
            goal = NADE_GOALS.get(call) if version == "ours" else None
            found = ratios(textbook, of(version, call))
            yield row(f"{call}, textbook loop ÷ {said}: {label}", found, goal=goal, **facts)
        yield row(
            f"{call}, ours ÷ kernel: {label}", ratios(of("ours", call), kernel),
            goal=Goal("<=", 1.3), **facts,
        )  # fmt: skip
    for version, said in (("first", "0.1.0"), ("ours", "ours")):
        goal = Goal("<=", 1.2, 1.0) if version == "ours" else None
        found = ratios(of(version, "step"), of("others", "dense MADE step"))
        yield row(f"step, {said} ÷ dense MADE: {label}", found, goal=goal, **facts)


WIDE_GOALS = {"best": 0.8, "mean": 0.8, "explain": 1.5}
MISSING = 0.1  # share of the cells of a wide table


def wide(sizes: Sizes) -> Rows:
    """Filling and explaining a few rows of many columns with missing cells, with one thread."""
    rows, columns, fit_rows = sizes.wide
    asked: dict[str, Any] = {
        "columns": columns,
        "fit_rows": fit_rows,
        "rows": rows,
        "share": MISSING,
    }
    taken: dict[str, list[dict[str, float]]] = {"first": [], "ours": []}
    with versions(1) as workers:
        for turn in range(sizes.turns):
            for name, worker in in_turns(workers, turn):
                taken[name].append(worker.ask("wide", **asked))
    label = f"{rows} rows × {columns} columns, {MISSING:.0%} missing"
    for how in taken["ours"][0]:
        seconds = {name: [turn[how] for turn in turns] for name, turns in taken.items()}
        yield row(f"{how}, 0.1.0: {label}", seconds["first"], unit="s", threads=1)
        goal = Goal("<=", WIDE_GOALS[how]) if how in WIDE_GOALS else None
        yield row(f"{how}: {label}", seconds["ours"], unit="s", goal=goal, threads=1)
        speed = ratios(seconds["first"], seconds["ours"])
        yield row(f"{how}, 0.1.0 ÷ ours: {label}", speed, threads=1)
