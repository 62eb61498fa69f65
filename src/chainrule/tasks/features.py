"""A representation of each row: the hidden units of the network."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from chainrule.errors import EvidenceError, ShapeError
from chainrule.model import Model
from chainrule.tasks.answer import Batch, Chunk, answer


def features(model: Model, table: Any, *, pool: str = "last", strict: bool = False) -> np.ndarray:
    """Returns features (N, F) float64 of each row: the network's hidden units.

    An autoregressive network has no latent variables.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted; an orderless network ignores unknown cells.
        pool: "last", or for complete rows also "mean", "sum" and "concat"; see the networks.
        strict: refuse cells whose values their columns cannot hold, instead of treating them as
            unknown.

    Raises:
        EvidenceError: a missing cell, if the network has one order.
        ShapeError: no rows, or a pool that rows with missing cells do not have.
    """
    of = partial(_of_chunk, pool=pool)
    return answer(model, table, of, give=lambda _, hidden: hidden, strict=strict)


def _of_chunk(chunk: Chunk, *, pool: str) -> np.ndarray:
    codes, model = chunk.rows.codes, chunk.rows.model
    any_evidence = model.any_evidence
    if not codes.complete and not any_evidence:
        row = int(np.flatnonzero(~codes.observed_or_outside.all(1))[0])
        name = model.schema.names[int(np.flatnonzero(~codes.observed_or_outside[row])[0])]
        raise EvidenceError(
            f"column {name!r} is unknown at row {row}: a network of one order has features of "
            f"complete rows only; fill the missing cells, or fit with objective='any'"
        )
    if not len(codes):
        raise ShapeError("no rows; features are of at least one")
    with_mask = any_evidence and not codes.observed.all()
    return chunk.rows.each(partial(_hidden, pool=pool, with_mask=with_mask), "computing features")


def _hidden(batch: Batch, *, pool: str, with_mask: bool) -> np.ndarray:
    options: dict[str, Any] = {"observed": batch.observed} if with_mask else {}
    # A network of one order needs a code in every cell.
    x = batch.network.columns.filled(batch.x, batch.observed)
    return batch.network.features(x, pool, **options).cpu().numpy()
