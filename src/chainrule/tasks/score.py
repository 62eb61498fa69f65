"""How likely each row of a table is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.model import Model
from chainrule.table import Codes, Table, encode_parts, log_outside, log_scales, masses, read_parts
from chainrule.tasks.batches import batches
from chainrule.tasks.outside import cell_nats, row_nats


class Parts(NamedTuple):
    """The log-likelihood of rows taken apart, (N,) nats each: of cells that have a mass, and of those that have a density."""

    mass: np.ndarray
    density: np.ndarray


def score(model: Model, table: Any, *, strict: bool = False, show_progress: bool = True) -> np.ndarray:
    """log p of the known cells of each row, (N,) float64 nats; of real cells the density in the table's own units.

    A CSV or Parquet file is read in parts, of which one is in memory. Unknown cells are marginalised; a fixed order does
    this exactly where the known cells come first in it.

    A cell that holds what its column cannot, a 2 among bits or text among numbers, has the probability ε = 1/(n + 1), n the
    column's training rows, and tells other cells nothing; a cell that its column can hold has 1 − ε of the network's. So
    probabilities of all cells that can be written sum to 1. ``strict``: they do over what columns can hold, with no ε.

    Raises:
        SchemaError: columns that the model does not have; where ``strict``, a cell that its column cannot hold.
        EvidenceError: holes that a fixed order cannot marginalise.
    """
    parts = read_parts(table, reading=model.schema.reading)
    return np.concatenate(list(score_each(model, parts, strict=strict, show_progress=show_progress)) or [np.empty(0)])


def score_each(
    model: Model, parts: Iterable[Table], *, strict: bool = False, show_progress: bool = True
) -> Iterator[np.ndarray]:
    """As ``score``, (n,) nats of each part of a table in turn."""
    for _, codes in encode_parts(parts, model.schema, strict=strict, ranges=False):
        yield score_codes(model, codes, strict=strict, show_progress=show_progress)


def score_codes(model: Model, codes: Codes, *, strict: bool = False, show_progress: bool = True) -> np.ndarray:
    """As ``score``, of a table that is encoded."""
    model.require_evidence(codes.known, name="known")
    nats = np.empty(len(codes))
    for batch in batches(model, codes, "scoring", show_progress=show_progress):
        nats[batch.rows] = row_nats(batch.network, batch.x, batch.observed, batch.outside).cpu().numpy()
    return nats + shares(model, codes, strict=strict).sum(1)


def shares(model: Model, codes: Codes, *, strict: bool = False) -> np.ndarray:
    """What each cell's log-likelihood in a table has beside the network's, (N, D) nats: its unit and log(1 − ε), or log ε."""
    inside = np.where(codes.observed, log_scales(model.schema, codes.values, strict=strict), 0)
    return np.where(codes.outside, log_outside(model.schema), inside)


def score_parts(model: Model, table: Any, *, strict: bool = False, show_progress: bool = True) -> Parts:
    """log p of each row as two terms whose sum it is: of cells with a mass, and of cells with a density in the table's units.

    Each cell's term is its own in the chain rule, given the cells before it in the order. ``strict`` as of ``score``.

    Raises:
        EvidenceError: as ``score``, and for an ensemble of several orders, where a cell has no term of its own.
    """
    found = []
    parts = read_parts(table, reading=model.schema.reading)
    for _, codes in encode_parts(parts, model.schema, strict=strict, ranges=False):
        cells = chain_terms(model, codes, strict=strict, show_progress=show_progress)
        mass = masses(model.schema, codes.values) | codes.outside
        found.append((np.where(mass, cells, 0).sum(1), np.where(mass, 0, cells).sum(1)))
    return Parts(*(np.concatenate(each) for each in zip(*found, strict=True)))


def chain_terms(model: Model, codes: Codes, *, strict: bool = False, show_progress: bool = True) -> np.ndarray:
    """Each known cell's log-likelihood given those before it in the order, (N, D) nats in the table's units; others 0."""
    model.require_evidence(codes.known, name="known")
    cells = np.empty(codes.values.shape)
    for batch in batches(model, codes, "scoring", show_progress=show_progress):
        cells[batch.rows] = cell_nats(batch.network, batch.x, batch.observed, batch.outside).cpu().numpy()
    return cells + shares(model, codes, strict=strict)
