"""What a fit leaves on record: what was asked, how training went, and what was reached on validation rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from chainrule.baselines import IndependentColumns
from chainrule.errors import EvidenceError
from chainrule.model import Model
from chainrule.networks import AbstractNetwork, OrderlessNADE
from chainrule.networks.orders import names_in_order
from chainrule.networks.spread import nats_of_cells, spread_of
from chainrule.table import Schema, Table, encode, log_scales
from chainrule.tasks.answer import Batch
from chainrule.tasks.score import nats as nats_of_rows
from chainrule.training.batches import Rows, batches
from chainrule.training.config import FitConfig
from chainrule.training.loop import State, losses

BATCH_ROWS = 10_000
HALF = 0.5  # of a column's nats, the most that one cell may make
# Cells of validation rows that are scored exactly: in one pass; or by an orderless network in one pass for each column, so many
# or half as many as rows were trained on, which then takes a fraction of the time of training.
MOST_CELLS, MOST_STEPS = 20_000_000, 200_000
LEAST_ROWS = 100


def record_of(
    net: AbstractNetwork,
    independent: IndependentColumns,
    state: State,
    config: FitConfig,
    schema: Schema,
    train: Rows,
    valid: Rows,
    held_out: Table,
    *,
    min_count: int,
    show_progress: bool = True,
) -> dict[str, Any]:
    """The record of a fit as JSON has it; nats are −log p per row, in the table's units.

    A column has none if fewer than ``min_count`` cells make them, or one of these more than half.

    Args:
        net: the network, on the CPU and in evaluation mode.
        independent: independent columns of the training rows.
        state: how training ended.
        config: its settings.
        schema: the columns.
        train: the rows that were trained on.
        valid: the validation rows.
        held_out: the same rows as a table.
        min_count: how many cells a column's nats are made of, at least.
        show_progress: whether a bar is shown where these are scored.
    """
    offsets = [units(train), units(valid)]
    cells = nats_of_cells(net, valid.x, valid.observed)
    alone = nats_of_cells(independent, valid.x, valid.observed)
    return {
        "order": _order(net, schema),
        "config": config.to_json(),
        "train_rows": len(train),
        "valid_rows": len(valid),
        **reached(
            Model(schema, net),
            Model(schema, independent),
            held_out,
            valid,
            most_steps(state.epoch, len(train)),
            show_progress,
        ),
        "skipped_steps": state.skipped,
        "trials": state.trials,
        "order_spread": _spread(cells, valid) if len(cells) > 1 else None,
        "columns": _columns(cells, alone, schema, valid, min_count),
        "history": [_in_units(epoch, offsets) for epoch in state.history],
    }


def most_steps(epochs: int, rows: int) -> int:
    """How many cells of validation rows an orderless network is asked for after so many passes over so many rows."""
    return max(MOST_STEPS, epochs * rows // 2)


def reached(
    model: Model, independent: Model, table: Table, rows: Rows, steps: int, show_progress: bool
) -> dict[str, Any]:
    """−log p per validation row as ``Density.score`` has it, of a model and of independent columns; where rows or columns are
    many, of the first rows, with the standard errors of both means. Where training could only estimate it, by how much, too."""
    most = steps if model.takes_any_evidence else MOST_CELLS
    count = min(len(table), max(LEAST_ROWS, most // len(model.schema.columns)))
    first = table if count == len(table) else table.take(np.arange(count))
    codes = encode(first, model.schema, warn=False)
    rows = rows.take(slice(0, count))
    counts = np.ones(count) if rows.weight is None else rows.weight.double().numpy()
    nats = -nats_of_rows(Batch.of(model, codes, show_progress=show_progress))
    alone = -nats_of_rows(Batch.of(independent, codes, show_progress=show_progress))
    found: dict[str, Any] = {
        "valid_nats": _finite(np.average(nats, weights=counts)),
        "independent_valid_nats": _finite(np.average(alone, weights=counts)),
        "valid_is": "exact",
    }
    if count < len(table):
        found |= {
            "valid_is": f"estimated by the first {count} of {len(table)} rows",
            "valid_standard_error": _standard_error(nats, counts),
            "gain_standard_error": _standard_error(alone - nats, counts),
        }
    if isinstance(net := model.network, OrderlessNADE):
        estimates = losses(net, rows, net.order_loss).double().numpy() + (0 if rows.unit is None else rows.unit.numpy())
        found["curve_standard_error"] = _standard_error(estimates - nats, counts)
    return found


def _standard_error(values: np.ndarray, weights: np.ndarray) -> float | None:
    """That of a weighted mean of values (N,)."""
    share = weights / weights.sum()
    return _finite(np.sqrt((share**2 * (values - share @ values) ** 2).sum()))


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def nats_of(network: AbstractNetwork, rows: Rows) -> float:
    """−log p per row by a network of one order, nats in codes."""
    total = 0.0
    with torch.no_grad():
        for batch in batches(rows, BATCH_ROWS):
            cells = network.log_prob_columns(batch.x).double()
            if batch.observed is not None:
                cells = torch.where(batch.observed, cells, 0)
            total -= batch.total(cells.sum(1))
    return total / rows.count


def units(rows: Rows) -> float:
    """What −log p of a row gains on average by being in the table's units instead of codes, nats."""
    return 0.0 if rows.unit is None else rows.total(rows.unit) / rows.count


def _in_units(record: dict[str, Any], offsets: list[float]) -> dict[str, Any]:
    nats = {key: record[key] for key in ("train_nats", "valid_nats")}
    moved = {k: None if v is None else v + offset for (k, v), offset in zip(nats.items(), offsets, strict=True)}
    return {**record, **moved}


def _order(net: AbstractNetwork, schema: Schema) -> list[str] | None:
    """The columns as they are drawn; None of an ensemble of several orders."""
    try:
        return list(names_in_order(net.order.cpu(), schema.names))
    except EvidenceError:
        return None


def _spread(cells: torch.Tensor, rows: Rows) -> dict[str, float]:
    """How far the orders of a network of several agree, in the table's units."""
    spread = spread_of(cells)
    in_units = spread.nats + units(replace(rows, weight=None).take(slice(0, spread.rows)))
    return replace(spread, nats=in_units).to_json()


def _columns(cells: torch.Tensor, alone: torch.Tensor, schema: Schema, rows: Rows, min_count: int) -> dict[str, Any]:
    """−log p of each column's known cells in the mean, nats in the table's units: given the cells before it, and alone.

    Of an orderless network the mean over 16 orders, so that no column is favoured by its place, and of an ensemble that over
    the members. None of a column that is unknown in too many rows, or of which one cell makes most.
    """
    count = cells.shape[1]
    x, observed = rows.x[:count], None if rows.observed is None else rows.observed[:count]
    known = np.ones(x.shape, dtype=bool) if observed is None else observed.numpy()
    scales = np.where(known, log_scales(schema, x.double().numpy()), 0)
    found = {}
    for name, logs in (("nats", cells), ("independent_nats", alone)):
        nats = logs.mean(0).numpy() - scales
        found[name] = [_told(nats[known[:, k], k], min_count) for k in range(known.shape[1])]
    return {"rows": count, **found}


def _told(nats: np.ndarray, min_count: int) -> float | None:
    """The mean of a column's nats, None where it would tell those of few cells."""
    if len(nats) < max(min_count, 1) or (min_count > 1 and np.abs(nats).max() > HALF * np.abs(nats).sum()):
        return None
    return float(nats.sum() / len(nats))
