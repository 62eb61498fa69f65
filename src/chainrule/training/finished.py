"""Whether a finished model is the one that a fit would make; then the fit need not be repeated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from chainrule.density import Density
from chainrule.errors import ChainruleError, FormatError, ShapeError
from chainrule.table import Schema
from chainrule.training.data import TrainingData
from chainrule.training.plan import Plan
from chainrule.training.record import most_steps, reached

SAME = 1e-6  # tolerance of nats: the number of threads changes the last digits
MOST_NAMED = 6


def plan_of(record: Mapping[str, Any], name: str) -> Plan:
    """The plan in a record of training, with the results of its search."""
    try:
        return Plan.from_json(record["config"])
    except (KeyError, TypeError, ShapeError) as error:
        raise FormatError(
            f"{name}: its record of training has no configuration: {error}"
        ) from error


def require_same_run(
    done: Density,
    name: str,
    asked: Mapping[str, Any],
    plan: Plan,
    data: TrainingData,
    *,
    min_count: int,
) -> None:
    """Raises ChainruleError with the differences, unless table and settings are those of the model.

    A model file holds no hash of the table: a reader who knows all cells but one could try values
    for that cell until the hash fits. Instead, four things are computed again and compared: the
    schema, the numbers of rows, and the nats per validation row of the model and of independent
    columns. Tables that agree in all of these count as the same; an example is a table whose
    training rows have exchanged cells.
    """
    record = done.training
    recorded = record.get("config")
    changed = [key for key, value in asked.items() if record.get(key) != value]
    changed += [
        k
        for k, v in plan.to_json().items()
        if not isinstance(recorded, Mapping) or recorded.get(k) != v
    ]
    found = [f"another {', '.join(changed)}"] if changed else []
    found += _columns(done.schema, data.schema)
    for what, key, rows in (
        ("training", "train_rows", data.train),
        ("validation", "valid_rows", data.valid),
    ):
        if record.get(key) != len(rows):
            found.append(f"{record.get(key)} {what} rows where these are {len(rows)}")
    if not found:
        steps = most_steps(len(record.get("history", ())), len(data.train))
        independent = data.independent_model()
        scored = record.get("scored_rows")
        most = scored if isinstance(scored, int) and scored > 0 else len(data.valid)
        again, _ = reached(
            done.model, independent, data.valid_table, data.valid, steps, False,
            min_count=min_count, most_rows=most,
        )  # fmt: skip
        if not all(
            _same(record.get(key), again[key]) for key in ("valid_nats", "independent_valid_nats")
        ):
            found.append("other values in the table")
    if found:
        raise ChainruleError(
            f"{name}: is finished, but of another run, with {'; '.join(found)}: name another file, "
            "or remove it to start over"
        )


def _columns(earlier: Schema, schema: Schema) -> list[str]:
    if earlier.to_json() == schema.to_json():
        return []
    before, now = ({column.name: column for column in each.columns} for each in (earlier, schema))
    differing = [
        name for name in dict.fromkeys([*before, *now]) if before.get(name) != now.get(name)
    ]
    if not differing:
        return ["another kind of table or other columns left out"]
    named = ", ".join(map(repr, differing[:MOST_NAMED])) + (
        ", …" if len(differing) > MOST_NAMED else ""
    )
    return [f"{'another column' if len(differing) == 1 else 'other columns'} {named}"]


def _same(recorded: Any, found: Any) -> bool:
    if recorded is None or found is None:
        return recorded is found
    return isinstance(recorded, float | int) and math.isclose(
        recorded, found, rel_tol=SAME, abs_tol=SAME
    )
