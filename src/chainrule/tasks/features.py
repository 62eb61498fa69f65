"""A representation of each row: what the network has made of it in its hidden layers."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from chainrule.errors import EvidenceError, ShapeError
from chainrule.model import Model
from chainrule.tasks.answer import Batch, Part, answer


def features(model: Model, table: Any, *, pool: str = "last", strict: bool = False) -> np.ndarray:
    """Features (N, F) float64 of each row; an autoregressive network has no latent variables, so these are its hidden units.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted; unknown cells are left out of the sums where the network is orderless.
        pool: "last", or of complete rows "mean", "sum" and "concat": see the networks.
        strict: refuse cells that hold what their column cannot, instead of taking them for unknown.

    Raises:
        EvidenceError: a hole where the network has one order.
        ShapeError: no rows, or a pool that is not of rows with holes.
    """
    return answer(model, table, partial(_of_part, pool=pool), give=lambda _, found: found, strict=strict)


def _of_part(part: Part, *, pool: str) -> np.ndarray:
    codes, schema, any_evidence = part.rows.codes, part.rows.model.schema, part.rows.model.takes_any_evidence
    if not codes.complete and not any_evidence:
        row = int(np.flatnonzero(~codes.known.all(1))[0])
        name = schema.names[int(np.flatnonzero(~codes.known[row])[0])]
        raise EvidenceError(
            f"column {name!r} is unknown at row {row}: a network of one order has features of complete rows only; fill the "
            f"holes, or fit with objective='any'"
        )
    if not len(codes):
        raise ShapeError("no rows; features are of at least one")
    is_open = any_evidence and not codes.observed.all()
    return part.rows.each(partial(_hidden, pool=pool, is_open=is_open), "computing features")


def _hidden(batch: Batch, *, pool: str, is_open: bool) -> np.ndarray:
    options: dict[str, Any] = {"observed": batch.observed} if is_open else {}
    x = batch.network.columns.filled(batch.x, batch.observed)  # one order is told a code where there is none
    return batch.network.features(x, pool, **options).cpu().numpy()
