"""How likely each row of a table is."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, overload

import numpy as np

from chainrule.model import Model
from chainrule.table import Sink, log_outside, log_scales, masses
from chainrule.tasks.answer import Batch, answer, parts
from chainrule.tasks.outside import cell_nats, row_nats


class Parts(NamedTuple):
    """The log-likelihood of rows taken apart, (N,) nats each: of cells that have a mass, and of those that have a density."""

    mass: np.ndarray
    density: np.ndarray


@overload
def score(
    model: Model, table: Any, *, strict: bool = False, show_progress: bool = True, to: None = None
) -> np.ndarray: ...


@overload
def score(
    model: Model, table: Any, *, strict: bool = False, show_progress: bool = True, to: str | os.PathLike[str] | Sink
) -> Any: ...


def score(
    model: Model,
    table: Any,
    *,
    strict: bool = False,
    show_progress: bool = True,
    to: str | os.PathLike[str] | Sink | None = None,
) -> Any:
    """log p of the known cells of each row, (N,) float64 nats; of real cells the density in the table's own units.

    A CSV or Parquet file is read in parts, of which one is in memory. Unknown cells are marginalised; a fixed order does
    this exactly where the known cells come first in it.

    A cell that holds what its column cannot, a 2 among bits or text among numbers, has the probability ε = 1/(n + 1), n the
    column's training rows, and tells other cells nothing; a cell that its column can hold has 1 − ε of the network's. So
    probabilities of all cells that can be written sum to 1. ``strict``: they do over what columns can hold, with no ε.

    With ``to``, a file or another sink, a column ``log_prob`` is written there.

    Raises:
        SchemaError: columns that the model does not have; where ``strict``, a cell that its column cannot hold.
        EvidenceError: holes that a fixed order cannot marginalise.
    """
    if to is not None:
        return answer(
            model, table, lambda part: {"log_prob": nats(part.rows, strict=strict)}, to=to, strict=strict, ranges=False
        )
    asked = parts(model, table, strict=strict, ranges=False, show_progress=show_progress)
    return np.concatenate([np.empty(0), *(nats(part.rows, strict=strict) for part in asked)])


def score_parts(model: Model, table: Any, *, strict: bool = False, show_progress: bool = True) -> Parts:
    """log p of each row as two terms whose sum it is: of cells with a mass, and of cells with a density in the table's units.

    Each cell's term is its own in the chain rule, given the cells before it in the order. ``strict`` as of ``score``.

    Raises:
        EvidenceError: as ``score``, and for an ensemble of several orders, where a cell has no term of its own.
    """
    found = []
    for part in parts(model, table, strict=strict, ranges=False, show_progress=show_progress):
        cells, codes = chain_terms(part.rows, strict=strict), part.rows.codes
        mass = masses(model.schema, codes.values) | codes.outside
        found.append((np.where(mass, cells, 0).sum(1), np.where(mass, 0, cells).sum(1)))
    return Parts(*(np.concatenate(each) for each in zip(*found, strict=True)))


def nats(rows: Batch, *, strict: bool = False) -> np.ndarray:
    """As ``score``, (n,) nats of rows that are encoded."""
    rows.model.require_evidence(rows.codes.known, name="known")
    found = rows.each(lambda b: row_nats(b.network, b.x, b.observed, b.outside).cpu().numpy(), "scoring")
    return found + shares(rows, strict=strict).sum(1)


def chain_terms(rows: Batch, *, strict: bool = False) -> np.ndarray:
    """Each known cell's log-likelihood given those before it in the order, (n, D) nats in the table's units; others 0."""
    rows.model.require_evidence(rows.codes.known, name="known")
    found = rows.each(lambda b: cell_nats(b.network, b.x, b.observed, b.outside).cpu().numpy(), "scoring")
    return found + shares(rows, strict=strict)


def shares(rows: Batch, *, strict: bool = False) -> np.ndarray:
    """What each cell's log-likelihood has beside the network's, (n, D) nats: its unit and log(1 − ε), or log ε."""
    schema, codes = rows.model.schema, rows.codes
    inside = np.where(codes.observed, log_scales(schema, codes.values, strict=strict), 0)
    return np.where(codes.outside, log_outside(schema), inside)
