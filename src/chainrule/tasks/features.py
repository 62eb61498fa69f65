"""A representation of each row: what the network has made of it in its hidden layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import EvidenceError, ShapeError
from chainrule.model import Model
from chainrule.table import Codes, encode_whole, read_table
from chainrule.tasks.batches import batches


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
    table = read_table(table, reading=model.schema.reading)
    return features_of_codes(model, encode_whole(table, model.schema, strict=strict), pool=pool)


def features_of_codes(model: Model, codes: Codes, *, pool: str = "last") -> np.ndarray:
    """As ``features``, of a table that is encoded."""
    if not codes.complete and not model.takes_any_evidence:
        row = int(np.flatnonzero(~codes.known.all(1))[0])
        name = model.schema.names[int(np.flatnonzero(~codes.known[row])[0])]
        raise EvidenceError(
            f"column {name!r} is unknown at row {row}: a network of one order has features of complete rows only; fill the "
            f"holes, or fit with objective='any'"
        )
    found = []
    for batch in batches(model, codes, "computing features"):
        open_ = model.takes_any_evidence and not codes.observed.all()
        options: dict[str, Any] = {"observed": batch.observed} if open_ else {}
        x = batch.network.columns.filled(batch.x, batch.observed)  # one order is told a code where there is none
        found.append(batch.network.features(x, pool, **options).cpu().numpy())
    if not found:
        raise ShapeError("no rows; features are of at least one")
    return np.concatenate(found)
