"""New rows from a model, free or completing what is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule.errors import ShapeError, whole_number
from chainrule.model import Model
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.table import decode, encode, read_table, to_container

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
        given: a table of one row or n rows with holes (NaN, None): known cells are kept, holes are drawn.
        temperature: 1 samples the model; towards 0 the likeliest value of each step.
        seed: an integer, a generator, or None for system entropy.
    """
    evidence = None
    if given is not None:
        codes = encode(read_table(given), model.schema, warn=False)
        model.require_evidence(codes.observed, name="given")
        evidence = (torch.from_numpy(codes.values), torch.from_numpy(codes.observed))
    generator = generator_from(seed)
    rows = whole_number(n, "n", least=0, what="a whole number of rows")
    if evidence is not None and len(evidence[0]) not in (1, rows):
        raise ShapeError(f"given has {len(evidence[0])} rows of values for {rows} rows to draw; pass 1 or {rows}")
    parts = []
    with progress_bar("drawing rows", rows) as advance:
        for start in range(0, max(rows, 1), BATCH_ROWS):
            part = slice(start, min(start + BATCH_ROWS, rows))
            known = evidence
            if evidence is not None and len(evidence[0]) > 1:
                known = (evidence[0][part], evidence[1][part])
            drawn = model.network.sample(part.stop - start, given=known, temperature=temperature, generator=generator)
            codes_drawn = drawn.cpu().double()
            if known is not None:  # a given number comes back as it was, not as the network's precision has it
                codes_drawn = torch.where(known[1], known[0], codes_drawn)
            parts.append(codes_drawn.numpy())
            advance(part.stop - start)
    return decode(np.concatenate(parts), model.schema)


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
    return to_container(columns, model.schema.container)
