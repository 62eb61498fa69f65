"""New rows from a model, free or completing what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from chainrule.errors import ShapeError, whole_number
from chainrule.model import Model
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.table import Schema, Table, decode, encode, read_table, to_container

BATCH_ROWS = 10_000  # rows drawn at once, so that memory does not grow with n times the columns


def sample_columns(
    model: Model,
    n: int,
    *,
    given: Any = None,
    temperature: float = 1.0,
    seed: int | torch.Generator | None = None,
) -> dict[str, np.ndarray]:
    """n rows as columns by name, each (n,) in the table's own values.

    Args:
        model: the fitted model.
        n: number of rows.
        given: known cells to keep, the others are drawn: a dict of one value a column, or a table of one row or n rows with
            holes (NaN, None).
        temperature: 1 samples the model; towards 0 the likeliest value of each step.
        seed: an integer, a generator, or None for system entropy.
    """
    evidence, asked = None, None
    if given is not None:
        asked = read_table(given_row(given) if isinstance(given, Mapping) else given)
        codes = encode(asked, model.schema, warn=False)
        model.require_evidence(codes.observed, name="given")
        evidence = (torch.from_numpy(codes.values), torch.from_numpy(codes.observed))
    generator = generator_from(seed)
    rows = whole_number(n, "n", least=0, what="a whole number of rows")
    if evidence is not None and len(evidence[0]) not in (1, rows):
        raise ShapeError(f"given has {len(evidence[0])} rows of values for {rows} rows to draw; pass 1 or {rows}")
    # Bits and categories draw the same in the network's own precision, and faster; numbers need the digits of float64.
    plain = all(column.kind in ("binary", "categorical") for column in model.schema.columns)
    network = model.network if plain else model.in_float64()
    parts = []
    with progress_bar("drawing rows", rows) as advance:
        for start in range(0, max(rows, 1), BATCH_ROWS):
            part = slice(start, min(start + BATCH_ROWS, rows))
            known = evidence
            if evidence is not None and len(evidence[0]) > 1:
                known = (evidence[0][part], evidence[1][part])
            drawn = network.sample(part.stop - start, given=known, temperature=temperature, generator=generator)
            codes_drawn = drawn.cpu().double()
            if known is not None:  # a given number comes back as it was, not as the network's precision has it
                codes_drawn = torch.where(known[1], known[0], codes_drawn)
            parts.append(codes_drawn.numpy())
            advance(part.stop - start)
    columns = decode(np.concatenate(parts), model.schema)
    return columns if asked is None else _with_unlisted(columns, model.schema, asked, evidence)


def _with_unlisted(
    columns: dict[str, np.ndarray], schema: Schema, asked: Table, evidence: tuple[torch.Tensor, torch.Tensor] | None
) -> dict[str, np.ndarray]:
    """Columns in which labels that no code names stand as they were given."""
    names = asked.names if asked.named else schema.table_names
    for k, column in enumerate(schema.columns):
        if column.kind != "categorical" or evidence is None or column.name not in names:
            continue
        unlisted = (evidence[0][:, k] == len(column.levels)).numpy() & evidence[1][:, k].numpy()
        if unlisted.any():
            own, cells = asked.columns[names.index(column.name)], columns[column.name].astype(object)
            for row in range(len(cells)):
                if unlisted[row % len(unlisted)]:
                    cells[row] = own[row % len(own)]
            columns[column.name] = cells
    return columns


def given_row(given: Mapping[str, Any]) -> Table:
    """One row of the cells that a dict names."""
    columns = []
    for value in given.values():
        cell = np.empty(1, dtype=object)
        cell[0] = value
        columns.append(cell)
    return Table(tuple(map(str, given)), tuple(columns), "given", named=True)


def sample(
    model: Model,
    n: int,
    *,
    given: Any = None,
    temperature: float = 1.0,
    seed: int | torch.Generator | None = None,
) -> Any:
    """n rows as the kind of table the model was fitted to; arguments as for ``sample_columns``."""
    columns = sample_columns(model, n, given=given, temperature=temperature, seed=seed)
    return to_container(columns, model.schema)
