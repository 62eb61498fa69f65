"""Whether a finished model is the one that a fit would make, so that the fit need not be repeated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from chainrule.baselines import IndependentColumns
from chainrule.density import Density
from chainrule.errors import ChainruleError, FormatError, ShapeError
from chainrule.model import Model
from chainrule.table import Schema, Table
from chainrule.training.batches import Rows
from chainrule.training.config import FitConfig
from chainrule.training.record import most_steps, reached

SAME = 1e-6  # of nats: another number of threads changes the last digits
MOST_NAMED = 6


def config_of(record: Mapping[str, Any], name: str) -> FitConfig:
    """The configuration in a record of training, with what a race found."""
    try:
        return FitConfig.from_json(record["config"])
    except (KeyError, TypeError, ShapeError) as error:
        raise FormatError(f"{name}: its record of training has no configuration: {error}") from error


def require_same_run(
    done: Density,
    name: str,
    *,
    asked: Mapping[str, Any],
    config: FitConfig,
    schema: Schema,
    train: Rows,
    valid: Rows,
    held_out: Table,
    independent: IndependentColumns,
    min_count: int,
) -> None:
    """Raises ChainruleError, with what differs, unless the model was fitted to this table with these settings.

    No hash of the table is in a model file: who knows all of a table but one cell could try values until the hash is right.
    What the file has anyhow is computed again: the schema, the numbers of rows, and what the model and independent columns reach
    on the validation rows. Tables that agree in all of these, training rows with exchanged cells, are not told apart.
    """
    record = done.training
    own = record.get("config")
    changed = [key for key, value in asked.items() if record.get(key) != value]
    changed += [k for k, v in config.to_json().items() if not isinstance(own, Mapping) or own.get(k) != v]
    found = [f"another {', '.join(changed)}"] if changed else []
    found += _columns(done.schema, schema)
    for what, key, rows in (("training", "train_rows", train), ("validation", "valid_rows", valid)):
        if record.get(key) != len(rows):
            found.append(f"{record.get(key)} {what} rows where these are {len(rows)}")
    if not found:
        steps = most_steps(len(record.get("history", ())), len(train))
        again = reached(done.model, Model(schema, independent), held_out, valid, steps, False, min_count=min_count)
        if not all(_same(record.get(key), again[key]) for key in ("valid_nats", "independent_valid_nats")):
            found.append("other values in the table")
    if found:
        raise ChainruleError(
            f"{name}: is finished, but of another run, with {'; '.join(found)}: name another file, or remove it to start anew"
        )


def _columns(own: Schema, schema: Schema) -> list[str]:
    if own.to_json() == schema.to_json():
        return []
    mine, theirs = ({column.name: column for column in each.columns} for each in (own, schema))
    differing = [name for name in dict.fromkeys([*mine, *theirs]) if mine.get(name) != theirs.get(name)]
    if not differing:
        return ["another kind of table or other columns left out"]
    named = ", ".join(map(repr, differing[:MOST_NAMED])) + (", …" if len(differing) > MOST_NAMED else "")
    return [f"{'another column' if len(differing) == 1 else 'other columns'} {named}"]


def _same(recorded: Any, found: Any) -> bool:
    if recorded is None or found is None:
        return recorded is found
    return isinstance(recorded, float | int) and math.isclose(recorded, found, rel_tol=SAME, abs_tol=SAME)
