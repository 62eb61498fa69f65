"""Cardinalities of Census13: q-errors, contradictions and milliseconds.

Usage: python -m benchmarks.events.census [--model FILE]

The table is adult without fnlwgt and income, 48,842 rows and 13 columns; an empty cell is the label
"?". The model is fitted to all rows, as those of the published benchmark are; a FILE
is read, or written after the fit. CHAINRULE_DATA names the folder of the tables. Results are
in ``benchmarks/results/events.json``.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import chainrule as cr
from benchmarks.events.queries import Question, counts, questions, wider
from benchmarks.record import write_part
from benchmarks.tables.data import whole_table
from chainrule.tasks.asking.answers import Probability

SEED, QUESTIONS, PAIRS, AGAIN, SINGLE = 123, 10_000, 10_000, 1_000, 200
BATCH = 100
TIME_LIMIT_S = 400.0  # of the fit
QUANTILES = {"median": 0.5, "95 %": 0.95, "99 %": 0.99, "max": 1.0}
# Published for the same table and recipe of questions; see queries.py.
PUBLISHED = {"Naru (2,000 paths), published": (1.09, 2.50, 4.00, 57.0)}


def table() -> pl.DataFrame:
    """Returns Census13."""
    frame = whole_table("adult").drop("fnlwgt", "income")
    return frame.with_columns(pl.col(pl.String).fill_null("?"))


def fitted(frame: pl.DataFrame) -> cr.Density:
    """Returns the model of all rows."""
    config = cr.FitConfig(hidden_size=150)
    how = {"network": "nade", "seed": 0, "time_limit_s": TIME_LIMIT_S}
    return cr.fit(frame, frame, config=config, verbose=False, **how)


def as_event(density: cr.Density, question: Question) -> dict[str, Any]:
    """Returns a question as a dict; a label that the model does not list is the other one."""
    columns = {column.name: column for column in density.schema.columns}
    found = {}
    for name, part in question.items():
        column = columns[name]
        is_rare = not isinstance(part, tuple) and part not in column.level_names
        found[name] = (
            part if isinstance(part, tuple) else {column.code_names[-1] if is_rare else part}
        )
    return found


def q_errors(estimated: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Returns max(estimate / truth, truth / estimate) of each question, both at least one row."""
    one, other = np.maximum(estimated, 1.0), np.maximum(true, 1.0)
    return np.maximum(one / other, other / one)


def row_of(what: str, errors: np.ndarray) -> dict[str, Any]:
    """Returns the quantiles of q-errors as a row of the results."""
    at = {name: float(np.quantile(errors, q)) for name, q in QUANTILES.items()}
    return {"what": what, **at}


def answered(
    density: cr.Density, asked: list[Question], batch: int = BATCH
) -> tuple[list[Probability], float]:
    """Returns the answers to questions in batches, and the milliseconds of each question."""
    events = [as_event(density, question) for question in asked]
    found: list[Probability] = []
    begun = time.perf_counter()
    for start in range(0, len(events), batch):
        found += density.probability(events[start : start + batch])
    return found, 1e3 * (time.perf_counter() - begun) / max(len(events), 1)


def by_duckdb(frame: pl.DataFrame, asked: list[Question]) -> np.ndarray:
    """Returns DuckDB's own estimates of the rows, from its plans of the questions."""
    import duckdb

    connection = duckdb.connect()
    connection.register("frame", frame.to_arrow())
    connection.execute("CREATE TABLE census AS SELECT * FROM frame")
    connection.execute("ANALYZE census")
    found = []
    for question in asked:
        parts = []
        for name, part in question.items():
            if isinstance(part, tuple):
                signs = zip((">=", "<="), part, strict=True)
                parts += [f'"{name}" {sign} {end}' for sign, end in signs if end is not None]
            else:
                parts.append(f"\"{name}\" = '{part}'")
        where = " AND ".join(parts) or "true"
        query = f"EXPLAIN (FORMAT JSON) SELECT * FROM census WHERE {where}"
        plan = json.loads(connection.execute(query).fetchall()[0][1])
        found.append(_rows_in(plan[0]))
    return np.array(found, dtype=np.float64)


def _rows_in(plan: Any) -> float:
    """Returns the estimate of the outermost step that states one; 0 for an empty result."""
    if "EMPTY" in plan.get("name", ""):
        return 0.0
    stated = plan.get("extra_info", {}).get("Estimated Cardinality")
    if stated is not None:
        return float(stated)
    return max((_rows_in(child) for child in plan.get("children", [])), default=0.0)


def contradictions(density: cr.Density, asked: list[Question]) -> list[dict[str, Any]]:
    """Returns how often a wider question has a smaller answer, by the methods of both."""
    rng = np.random.default_rng(SEED)
    pairs = [(question, wider(question, rng)) for question in asked[:PAIRS]]
    narrow, _ = answered(density, [first for first, _ in pairs])
    wide, _ = answered(density, [second for _, second in pairs])
    rows: dict[str, list[tuple[float, float]]] = {}
    for one, other in zip(narrow, wide, strict=True):
        names = {one.method, other.method}
        is_sure = names in ({"exact"}, {"pool"}, {"pool", "paths"})
        kind = "both exact, or both counted" if is_sure else "other methods"
        error = float(np.hypot(one.standard_error, other.standard_error))
        rows.setdefault(kind, []).append((one.value - other.value, error))
    found = []
    for kind, each in sorted(rows.items()):
        excess, errors = np.array(each).T
        found.append(
            {
                "what": f"nested pairs, {kind}",
                "pairs": len(each),
                "violations": int((excess > 1e-12).sum()),
                "beyond two errors": int((excess > 2 * errors + 1e-12).sum()),
            }
        )
    return found


def repetitions(
    density: cr.Density, asked: list[Question], found: list[Probability]
) -> dict[str, Any]:
    """Returns how many answers differ if the questions are asked again, in another order."""
    order = np.random.default_rng(SEED).permutation(AGAIN)
    again, _ = answered(density, [asked[place] for place in order])
    apart = [
        abs(each.value - found[place].value) / max(found[place].value, 1e-300)
        for place, each in zip(order, again, strict=True)
    ]
    return {
        "what": "asked again in another order",
        "questions": AGAIN,
        "differ by more than 1e-6 of the value": int((np.array(apart) > 1e-6).sum()),
        "largest relative difference": float(max(apart)),
    }


def main() -> None:
    """Asks, prints and writes the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events.census")
    parser.add_argument("--model", type=Path, metavar="FILE")
    path = parser.parse_args().model
    warnings.simplefilter("ignore")
    frame = table()
    if path is not None and path.exists():
        density = cr.load(path)
    else:
        density = fitted(frame)
        if path is not None:
            density.save(path)
    asked = questions(frame, QUESTIONS, SEED)
    true = counts(frame, asked)
    begun = time.perf_counter()
    density.probability("age > 30 and sex == 'Male' and `hours-per-week` > 40")
    pool_s = time.perf_counter() - begun
    found, batched_ms = answered(density, asked)
    estimated = np.array([each.value for each in found]) * len(frame)
    errors = q_errors(estimated, true)
    rows = [row_of("chainrule", errors)]
    methods = np.array([each.method for each in found])
    rows += [
        row_of(f"chainrule, of those by {method}", errors[methods == method])
        | {"questions": int((methods == method).sum())}
        for method in sorted(set(methods.tolist()))
    ]
    rows.append(row_of("DuckDB's own estimates", q_errors(by_duckdb(frame, asked), true)))
    rows += [
        {"what": what, **dict(zip(QUANTILES, each, strict=True))}
        for what, each in PUBLISHED.items()
    ]
    _, single_ms = answered(density, asked[:SINGLE], batch=1)
    rare = [question for question, each in zip(asked, found, strict=True) if each.method == "paths"]
    _, rare_ms = answered(density, rare[:SINGLE], batch=1)
    _, rare_batched_ms = answered(density, rare[:2000])
    rows += [
        {"what": "milliseconds a question, one by one", "ms": single_ms},
        {"what": f"milliseconds a question, in batches of {BATCH}", "ms": batched_ms},
        {"what": "milliseconds a question by paths, one by one", "ms": rare_ms},
        {"what": f"milliseconds a question by paths, in batches of {BATCH}", "ms": rare_batched_ms},
        {"what": "seconds to draw the pool, once", "s": pool_s},
    ]
    rows.append(repetitions(density, asked, found))
    rows += contradictions(density, asked)
    for row in rows:
        print(row)
    facts = {
        "questions": QUESTIONS,
        "seed": SEED,
        "network": type(density.model.network).__name__,
        "epochs": len(density.training.get("history", ())),
        "fit": density.training.get("config"),
    }
    print(write_part("events", "census", rows, **facts))


if __name__ == "__main__":
    main()
