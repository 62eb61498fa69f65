"""New rows from a model, free or completing what is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule.model import Model
from chainrule.rng import generator_from
from chainrule.table import decode, encode, read_table, to_container


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
        codes = encode(read_table(given), model.schema)
        model.require_evidence(codes.observed, name="given")
        evidence = (torch.from_numpy(codes.values), torch.from_numpy(codes.observed))
    drawn = model.network.sample(n, given=evidence, temperature=temperature, generator=generator_from(seed))
    return decode(drawn.cpu().double().numpy(), model.schema)


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
