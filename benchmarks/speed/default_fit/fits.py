"""Default fits: their seconds and their likelihood, against the first version and other methods."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.speed.default_fit.figures import Goal, Rows, mean_of, paired, ratios, row
from benchmarks.speed.default_fit.sizes import Sizes
from benchmarks.speed.default_fit.versions import Worker, in_turns, named, ours, versions

WITHIN = 0.05  # nats of the last validation value


def fits(sizes: Sizes) -> Rows:
    """Default fits of five tables: seconds, nats of other rows, and seconds to within 0.05 nats.

    The training rows and the other rows are the same for both versions and differ between seeds.
    Each version's last validation value counts for its seconds to within 0.05 nats. A fit of few
    rows of each table comes first and is not timed.
    """
    for threads in sizes.threads:
        with versions(threads) as workers:
            for worker in workers.values():
                for table in sizes.tables:
                    worker.ask("fit_whole", table=table, rows=300, effort="quick", seed=99)
            for effort in sizes.efforts:
                for table in sizes.tables:
                    yield from _fits(workers, sizes, table, effort, threads)


def _fits(workers: dict[str, Worker], sizes: Sizes, table: str, effort: str, threads: int) -> Rows:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in workers}
    for turn, seed in enumerate(sizes.seeds):
        for name, worker in in_turns(workers, turn):
            found[name].append(
                worker.ask("fit", table=table, rows=sizes.fit_rows, effort=effort, seed=seed)
            )
    label = f"{table}, {effort}, {named(threads)}"
    facts: dict[str, Any] = {
        "table": table,
        "effort": effort,
        "threads": threads,
        "seeds": list(sizes.seeds),
    }
    facts["rows"] = found["ours"][0]["rows"]
    seconds = {name: [each["cpu_s"] for each in fits] for name, fits in found.items()}
    early = {name: [seconds_to(each) for each in fits] for name, fits in found.items()}
    for name, said in (("first", "fit, 0.1.0"), ("ours", "fit")):
        wall = statistics.median(each["wall_s"] for each in found[name])
        yield row(f"{said}: {label}", seconds[name], unit="s", wall_s=wall, **facts)
        yield row(f"{said}, to within {WITHIN} nats: {label}", early[name], unit="s", **facts)
    goal = Goal(">=", 4 if effort == "quick" else 3, 8)
    speed = ratios(seconds["first"], seconds["ours"])
    yield row(f"fit, 0.1.0 ÷ ours: {label}", speed, goal=goal, **facts)
    speed = ratios(early["first"], early["ours"])
    yield row(f"fit to within {WITHIN} nats, 0.1.0 ÷ ours: {label}", speed, **facts)
    nats = {name: [each["nats"] for each in fits] for name, fits in found.items()}
    pairs = [paired(*both) for both in zip(nats["ours"], nats["first"], strict=True)]
    more, error = mean_of(pairs)
    yield row(
        f"nats of other rows, ours − 0.1.0: {label}", [more], unit="nats",
        goal=Goal("<=", error), standard_error=error, of_seeds=pairs,
        other_rows=len(nats["ours"][0]),
        first_nats=statistics.fmean(map(statistics.fmean, nats["first"])), **facts,
    )  # fmt: skip


def seconds_to(fit: dict[str, Any], within: float = WITHIN) -> float:
    """Processor seconds until validation stays within so many nats of its last value.

    As if the fit had ended with the first such epoch. Epochs share the seconds of training equally;
    the rest of a fit is needed in any case.
    """
    nats = fit["valid_nats"]
    late = [number for number, each in enumerate(nats) if not each <= nats[-1] + within]
    epochs = min(len(nats), late[-1] + 2 if late else 1)
    saved = (1 - epochs / len(nats)) * min(1.0, fit["training_s"] / fit["wall_s"])
    return fit["cpu_s"] * (1 - saved)


def others(sizes: Sizes) -> Rows:
    """A standard fit ÷ the longest fit of the other densities of docs/real-tables.md, section 5."""
    for threads in sizes.threads:
        with ours(threads) as worker:
            for table in sizes.tables:
                worker.ask("fit_whole", table=table, rows=300, effort="quick", seed=99)
                found = [
                    worker.ask("fit_others", table=table, rows=sizes.fit_rows, seed=seed)
                    for seed in sizes.seeds
                ]
                label = f"{table}, {named(threads)}"
                facts: dict[str, Any] = {"threads": threads, "table": table}
                seconds = {name: [each[name]["cpu_s"] for each in found] for name in found[0]}
                for name, values in seconds.items():
                    yield row(f"fit, {name}: {label}", values, unit="s", **facts)
                longest = [
                    max(fit["cpu_s"] for name, fit in each.items() if name != "ours")
                    for each in found
                ]
                yield row(
                    f"fit ÷ the longest of the others: {label}", ratios(seconds["ours"], longest),
                    goal=Goal("<=", 2, 1), **facts,
                )  # fmt: skip


def whole(sizes: Sizes) -> Rows:
    """A standard fit of all rows of adult; one fit of each version."""
    for threads in sizes.threads:
        with versions(threads) as workers:
            found = {
                name: worker.ask(
                    "fit_whole", table="adult", rows=sizes.whole_rows, effort=sizes.efforts[-1],
                    seed=sizes.seeds[0],
                )
                for name, worker in workers.items()
            }  # fmt: skip
        rows, label = found["ours"]["rows"], named(threads)
        for name, said in (("first", "fit, 0.1.0"), ("ours", "fit")):
            for clock in ("cpu", "wall"):
                goal = Goal("<=", 40, 20) if (name, clock, threads) == ("ours", "wall", 2) else None
                yield row(
                    f"{said}, {clock}: adult, {rows:,} rows, {label}", [found[name][f"{clock}_s"]],
                    unit="s", goal=goal, threads=threads,
                )  # fmt: skip
