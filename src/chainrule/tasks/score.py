"""How likely each row of a table is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.model import Model
from chainrule.table import Codes, Table, encode, log_scales, masses, read_parts
from chainrule.tasks.batches import batches


class Parts(NamedTuple):
    """The log-likelihood of rows taken apart, (N,) nats each: of cells that have a mass, and of those that have a density."""

    mass: np.ndarray
    density: np.ndarray


def score(model: Model, table: Any, *, show_progress: bool = True) -> np.ndarray:
    """log p of the known cells of each row, (N,) float64 nats; of real cells the density in the table's own units.

    A CSV or Parquet file is read in parts, of which one is in memory. Unknown cells are marginalised; a fixed order does
    this exactly where the known cells come first in it.

    Raises:
        SchemaError: columns or values that the model does not have.
        EvidenceError: holes that a fixed order cannot marginalise.
    """
    return np.concatenate(
        list(score_each(model, read_parts(table, reading=model.schema.reading), show_progress=show_progress))
        or [np.empty(0)]
    )


def score_each(model: Model, parts: Iterable[Table], *, show_progress: bool = True) -> Iterator[np.ndarray]:
    """As ``score``, (n,) nats of each part of a table in turn."""
    for part in parts:
        yield score_codes(model, encode(part, model.schema, warn=not part.first_row), show_progress=show_progress)


def score_codes(model: Model, codes: Codes, *, show_progress: bool = True) -> np.ndarray:
    """As ``score``, of a table that is encoded."""
    model.require_evidence(codes.observed, name="known")
    nats = np.empty(len(codes))
    for batch in batches(model, codes, "scoring", show_progress=show_progress):
        nats[batch.rows] = batch.network.log_prob(batch.x, batch.observed).cpu().numpy()
    return nats + np.where(codes.observed, log_scales(model.schema, codes.values), 0).sum(1)


def score_parts(model: Model, table: Any, *, show_progress: bool = True) -> Parts:
    """log p of each row as two terms whose sum it is: of cells with a mass, and of cells with a density in the table's units.

    Each cell's term is its own in the chain rule, given the cells before it in the order.

    Raises:
        EvidenceError: as ``score``, and for an ensemble of several orders, where a cell has no term of its own.
    """
    found = []
    for part in read_parts(table, reading=model.schema.reading):
        codes = encode(part, model.schema, warn=not part.first_row)
        cells, mass = chain_terms(model, codes, show_progress=show_progress), masses(model.schema, codes.values)
        found.append((np.where(mass, cells, 0).sum(1), np.where(mass, 0, cells).sum(1)))
    return Parts(*(np.concatenate(each) for each in zip(*found, strict=True)))


def chain_terms(model: Model, codes: Codes, *, show_progress: bool = True) -> np.ndarray:
    """Each known cell's log-likelihood given those before it in the order, (N, D) nats in the table's units; others 0."""
    model.require_evidence(codes.observed, name="known")
    cells = np.empty(codes.values.shape)
    for batch in batches(model, codes, "scoring", show_progress=show_progress):
        cells[batch.rows] = batch.network.log_prob_columns(batch.x, batch.observed).cpu().numpy()
    return cells + np.where(codes.observed, log_scales(model.schema, codes.values), 0)
