"""The log-likelihood of each row of a table."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, overload

import numpy as np

from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.table import Sink, log_outside, log_scales, masses
from chainrule.tasks.answer import BATCH_ROWS, Batch, answer, chunks
from chainrule.tasks.outside import cell_nats, row_nats

MOST_ROWS, NUMBERS = 4096, 2**21  # rows scored at a time, and parameters of their conditionals


class Parts(NamedTuple):
    """The two terms of a row's log-likelihood, (N,) nats each.

    Attributes:
        mass: the terms of cells with a probability mass.
        density: the terms of cells with a density, in the table's units.

    Examples:
        >>> import chainrule as cr, numpy as np
        >>> rows = np.array([[0, 0], [0, 0], [1, 1], [1, 0]] * 40)
        >>> config = cr.FitConfig(hidden_size=4, epochs=2)
        >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
        >>> parts = density.log_prob(rows, parts=True)
        >>> bool(np.allclose(parts.mass + parts.density, density.log_prob(rows)))
        True
        >>> parts.density[:3].tolist()  # bits have probabilities, no densities
        [0.0, 0.0, 0.0]
    """

    mass: np.ndarray
    density: np.ndarray


@overload
def score(
    model: Model, table: Any, *, strict: bool = False, progress: bool = True, to: None = None
) -> np.ndarray: ...


@overload
def score(
    model: Model,
    table: Any,
    *,
    strict: bool = False,
    progress: bool = True,
    to: str | os.PathLike[str] | Sink,
) -> Any: ...


def score(
    model: Model,
    table: Any,
    *,
    strict: bool = False,
    progress: bool = True,
    to: str | os.PathLike[str] | Sink | None = None,
) -> Any:
    """Returns log p of the known cells of each row, (N,) float64 nats.

    Densities are in the table's units.

    A CSV or Parquet file is read in chunks, one in memory at a time. Unknown cells are
    marginalised. A network of one order does this exactly if the known cells come first in its
    order.

    A cell whose value its column cannot hold, such as a 2 among bits or text among numbers, has the
    probability ε = 1/(n + 1). Here n is the number of the column's training rows. If more of the
    validation cells lie beyond the column's bounds, ε is their share. Other cells do not depend on
    such a cell. The probabilities of all other values are multiplied by 1 − ε. The
    probabilities of all cells that can be written therefore sum to 1. With ``strict`` there is no
    ε, and probabilities sum to 1 over the values that columns can hold.

    With ``to``, a column ``log_prob`` is written to a file or another sink.

    Raises:
        SchemaError: columns that the model does not have; with ``strict``, a cell whose value its
            column cannot hold.
        EvidenceError: missing cells that a network of one order cannot marginalise.
    """
    if to is not None:
        return answer(
            model,
            table,
            lambda chunk: {"log_prob": nats(chunk.rows, strict=strict)},
            to=to,
            strict=strict,
            ranges=False,
        )
    asked = chunks(model, table, strict=strict, ranges=False, progress=progress)
    return np.concatenate([np.empty(0), *(nats(chunk.rows, strict=strict) for chunk in asked)])


def score_parts(model: Model, table: Any, *, strict: bool = False, progress: bool = True) -> Parts:
    """Returns log p of each row as two terms: of cells with a mass, and of cells with a density.

    A cell's term is its own in the chain rule, given the cells before it in the order. Densities
    are in the table's units. ``strict`` is as for ``score``.

    Raises:
        EvidenceError: as ``score``. Also an ensemble of several orders, where a cell has no term of
            its own.
    """
    found = []
    for chunk in chunks(model, table, strict=strict, ranges=False, progress=progress):
        cells, codes = chain_terms(chunk.rows, strict=strict), chunk.rows.codes
        mass = masses(model.schema, codes.values) | codes.outside
        found.append((np.where(mass, cells, 0).sum(1), np.where(mass, 0, cells).sum(1)))
    return Parts(*(np.concatenate(each) for each in zip(*found, strict=True)))


def nats(rows: Batch, *, strict: bool = False) -> np.ndarray:
    """Returns what ``score`` returns, (n,) nats, for encoded rows."""
    rows.model.require_evidence(rows.codes.observed_or_outside, name="known")
    found = rows.each(
        lambda b: row_nats(b.network, b.x, b.observed, b.outside).cpu().numpy(),
        "scoring",
        rows=_rows_together(rows.network),
    )
    return found + shares(rows, strict=strict).sum(1)


def chain_terms(rows: Batch, *, strict: bool = False) -> np.ndarray:
    """Returns each known cell's log-likelihood given those before it in the order, (n, D) nats.

    Densities are in the table's units. Other cells have 0.
    """
    rows.model.require_evidence(rows.codes.observed_or_outside, name="known")
    found = rows.each(
        lambda b: cell_nats(b.network, b.x, b.observed, b.outside).cpu().numpy(),
        "scoring",
        rows=_rows_together(rows.network),
    )
    return found + shares(rows, strict=strict)


def _rows_together(network: AbstractNetwork) -> int:
    """How many rows are scored at a time: as many as have ``NUMBERS`` parameters."""
    width = max(1, sum(network.columns.param_widths))
    return max(BATCH_ROWS, min(MOST_ROWS, NUMBERS // width))


def shares(rows: Batch, *, strict: bool = False) -> np.ndarray:
    """Returns what is added to the network's log-likelihood of each cell, (n, D) nats.

    It is the log of the cell's unit plus log(1 − ε), or log ε.
    """
    schema, codes = rows.model.schema, rows.codes
    inside = np.where(codes.observed, log_scales(schema, codes.values, strict=strict), 0)
    return np.where(codes.outside, log_outside(schema), inside)
