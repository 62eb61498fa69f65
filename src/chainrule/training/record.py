"""The record of a fit: its options, the history of training, and the nats of validation rows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from chainrule.errors import EvidenceError
from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.networks.orders import names_in_order
from chainrule.networks.spread import nats_of_cells, spread_of
from chainrule.table import Schema, Table, encode, log_scales
from chainrule.tasks.answer import Batch
from chainrule.tasks.score import nats
from chainrule.training.batches import Rows, batches
from chainrule.training.calibration import calibration_of, figures_of, intervals_of
from chainrule.training.data import TrainingData
from chainrule.training.plan import Plan
from chainrule.training.state import State
from chainrule.training.validation import losses_of_rows

BATCH_ROWS = 10_000
PARTS = 4  # of the time: nats by orders, nats of rows, calibration, figures for drift
# The largest share of a column's nats that one cell may have, and of all nats that few rows may
# have.
HALF = 0.5
# A rounded mean is a multiple of a power of two. The power is at most this share of the largest
# row's contribution to the mean.
ROUGH = 0.25
# How many cells of validation rows are scored exactly. A network of one order scores MOST_CELLS in
# one pass. An orderless one takes a pass for each column: it scores MOST_STEPS, or half as many as
# the rows trained on, which takes a fraction of the time of training.
MOST_CELLS, MOST_STEPS = 20_000_000, 200_000
LEAST_ROWS = 100


def record_of(
    model: Model,
    state: State,
    plan: Plan,
    data: TrainingData,
    *,
    min_count: int,
    seconds: float | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """The record of a fit as JSON; nats are −log p per row, in the table's units.

    The nats of a column are absent if it has fewer than ``min_count`` cells, or if one cell has
    more than half of them. Means over validation or training rows are rounded if few rows dominate
    them: see ``reached``.

    Args:
        model: the trained model, on the CPU and in evaluation mode.
        state: the last state of training.
        plan: the plan of training.
        data: the rows.
        min_count: the nats of a column need at least so many cells.
        seconds: about how long it may take; fewer orders and rows are then scored, if need be.
        progress: whether a progress bar shows the scoring of validation rows.
    """
    network, train, valid = model.network, data.train, data.valid
    part = None if seconds is None else seconds / PARTS
    cells = nats_of_cells(network, valid.x, valid.observed, seconds=part)
    independent_cells = nats_of_cells(data.independent, valid.x, valid.observed)
    independent, steps = data.independent_model(), most_steps(state.epoch, len(train))
    found, rows_per_s = reached(
        model, independent, data.valid_table, valid, steps, progress, min_count=min_count,
        seconds=part,
    )  # fmt: skip
    most_scores = None if part is None else int(part * rows_per_s)
    trained_rows = len(state.history) * len(train)
    step = found.get("rounded_to", 0.0)
    train_nats = nats_of_rows(data.independent, train).numpy()
    train_step = _rounding_step(train_nats, _weights(train), min_count)
    history = [_rounded(epoch, step, ("valid_nats",)) for epoch in state.history]
    spread = None
    if len(cells) > 1:
        nats = ("nats", "between_orders", "within_rows")
        spread = _rounded(_spread(cells, valid), step, nats)
    return {
        "order": _order(network, data.schema),
        "config": plan.to_json(),
        "train_rows": len(train),
        "valid_rows": len(valid),
        **found,
        "skipped_steps": state.skipped,
        "trials": [_rounded(trial, step, ("valid_nats",)) for trial in state.trials],
        "order_spread": spread,
        "columns": _columns(cells, independent_cells, data.schema, valid, min_count),
        "history": [_rounded(epoch, train_step, ("train_nats",)) for epoch in history],
        **({"train_rounded_to": train_step} if train_step else {}),
        "calibration": calibration_of(
            model,
            data.calibration_rows,
            valid.weight,
            min_count,
            trained_rows,
            most_scores=most_scores,
        ),
        "drift": figures_of(
            model, data.calibration_rows, min_count, trained_rows, most_scores=most_scores
        ),
        "intervals": intervals_of(
            model, data.calibration_rows, min_count, trained_rows, most_scores=most_scores
        ),
    }


def most_steps(epochs: int, rows: int) -> int:
    """How many validation cells an orderless network scores after epochs of so many rows."""
    return max(MOST_STEPS, epochs * rows // 2)


def reached(
    model: Model,
    independent: Model,
    table: Table,
    rows: Rows,
    steps: int,
    progress: bool,
    *,
    min_count: int,
    most_rows: int = MOST_CELLS,
    seconds: float | None = None,
) -> tuple[dict[str, Any], float]:
    """−log p per validation row by the model and by independent columns, as in ``Density.score``.

    With many rows or columns, only the first rows are scored, and both means have standard errors.
    If the training loss is an estimate of −log p, its standard error is given as well.

    From a mean that few rows dominate, a reader with the model could compute their values. So the
    numbers are rounded to multiples of ``rounded_to`` in three cases: there are fewer than
    ``min_count`` rows; one row has more than half of the nats; or fewer than ``min_count`` rows do,
    and each of them has at least twice the nats of any other row.

    At most ``most_rows`` are scored. ``seconds`` is about how long it may take; if this allows
    fewer rows, at least ``LEAST_ROWS``, then their number is ``scored_rows``. The second result is
    how many rows the model scores in a second.
    """
    most = steps if model.any_evidence else MOST_CELLS
    count = min(len(table), most_rows, max(LEAST_ROWS, most // len(model.schema.columns)))
    first = table if count == len(table) else table.take(np.arange(count))
    codes = encode(first, model.schema, warn=False)
    by_model, rows_per_s = _nats_within(Batch.of(model, codes, progress=progress), seconds)
    is_cut, count = len(by_model) < count, len(by_model)
    codes, rows = codes.take(slice(0, count)), rows.take(slice(0, count))
    counts = _weights(rows)
    by_independent = -nats(Batch.of(independent, codes, progress=progress))
    found: dict[str, Any] = {
        "valid_nats": _finite(np.average(by_model, weights=counts)),
        "independent_valid_nats": _finite(np.average(by_independent, weights=counts)),
        "valid_is": "exact",
    }
    if count < len(table):
        found |= {
            "valid_is": f"estimated by the first {count} of {len(table)} rows",
            "valid_standard_error": _standard_error(by_model, counts),
            "gain_standard_error": _standard_error(by_independent - by_model, counts),
        }
    found |= {"scored_rows": count} if is_cut else {}
    if model.network.loss_is_estimate:
        estimates = losses_of_rows(model.network, rows, model.network.order_loss).numpy()
        found["curve_standard_error"] = _standard_error(estimates - by_model, counts)
    step = max(_rounding_step(each, counts, min_count) for each in (by_model, by_independent))
    if step:
        why = "rounded, since few rows make most of it"
        is_all = found["valid_is"] == "exact"
        found = _rounded(found, step, [key for key in found if key != "valid_is"])
        found |= {
            "valid_is": why if is_all else f"{found['valid_is']}, and {why}",
            "rounded_to": step,
        }
    return found, rows_per_s


def _nats_within(rows: Batch, seconds: float | None) -> tuple[np.ndarray, float]:
    """−log p of the first rows, as many as are scored in time, and how many are in a second."""
    began, used, found, done = time.perf_counter(), 0.0, [], 0
    size = len(rows) if seconds is None else min(len(rows), LEAST_ROWS)
    while not found or done < len(rows):
        found.append(-nats(rows.take(slice(done, done + size))))
        done = min(len(rows), done + size)
        used = time.perf_counter() - began
        # The next rows are as many as those before them, and take as long.
        if seconds is not None and 2 * used > seconds:
            break
        size = done
    return np.concatenate(found), done / max(used, 1e-9)


def _weights(rows: Rows) -> np.ndarray:
    return np.ones(len(rows)) if rows.weight is None else rows.weight.double().numpy()


def _rounding_step(nats: np.ndarray, weights: np.ndarray, min_count: int) -> float:
    """The step to which a weighted mean of nats (N,) is rounded to hide few rows; 0 for none."""
    sizes = np.abs(np.nan_to_num(nats, posinf=0.0, neginf=0.0))
    order = np.argsort(-sizes, kind="stable")
    sizes, shares = np.append(sizes[order], 0.0), (sizes * weights)[order] / weights.sum()
    most = float(shares.max())
    if min_count < 2 or not most > 0:
        return 0.0
    few = min(min_count - 1, len(shares))
    is_apart = sizes[1 : few + 1] <= HALF * sizes[:few]
    makes_most = shares[:few].cumsum() > HALF * shares.sum()
    if (
        len(nats) >= min_count
        and not most > HALF * shares.sum()
        and not (makes_most & is_apart).any()
    ):
        return 0.0
    return float(2.0 ** np.floor(np.log2(ROUGH * most)))


def _rounded(record: Mapping[str, Any], step: float, keys: Iterable[str]) -> dict[str, Any]:
    """The record with these numbers rounded to multiples of a step; 0 leaves them as they are."""
    numbers = {key: record[key] for key in keys if step and isinstance(record[key], float)}
    return {**record, **{key: round(number / step) * step for key, number in numbers.items()}}


def _standard_error(values: np.ndarray, weights: np.ndarray) -> float | None:
    """The standard error of a weighted mean of values (N,)."""
    share = weights / weights.sum()
    return _finite(np.sqrt((share**2 * (values - share @ values) ** 2).sum()))


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def nats_of(network: AbstractNetwork, rows: Rows) -> float:
    """−log p per row by a network of one order, in nats of the table's units."""
    return rows.total(nats_of_rows(network, rows)) / rows.count


@torch.no_grad()
def nats_of_rows(network: AbstractNetwork, rows: Rows) -> torch.Tensor:
    """−log p of each row (N,) float64 by a network of one order, in nats of the table's units."""
    found = []
    for batch in batches(rows, BATCH_ROWS):
        cells = network.log_prob_columns(batch.x).double()
        cells = cells if batch.observed is None else torch.where(batch.observed, cells, 0)
        found.append(batch.in_table_units(-cells.sum(1)))
    return torch.cat(found)


def _order(net: AbstractNetwork, schema: Schema) -> list[str] | None:
    """The names of the columns in their order; None for an ensemble of several orders."""
    try:
        return list(names_in_order(net.order.cpu(), schema.names))
    except EvidenceError:
        return None


def _spread(cells: torch.Tensor, rows: Rows) -> dict[str, float]:
    """How far the orders of a network agree, in nats of the table's units."""
    spread = spread_of(cells)
    nats = rows.take(slice(0, spread.rows)).in_table_units(cells.sum(2).mean(0))  # (rows,)
    return replace(spread, nats=float(nats.mean())).to_json()


def _columns(
    cells: torch.Tensor, alone: torch.Tensor, schema: Schema, rows: Rows, min_count: int
) -> dict[str, Any]:
    """Mean −log p of each column's observed cells: given the cells before them, and alone.

    Numbers are nats in the table's units. An orderless network has the mean over 16 orders, so that
    no column profits from its position. An ensemble has the mean over its members. A column has
    None if too few cells are observed, or if one cell has most of the nats.
    """
    count = cells.shape[1]
    x, observed = rows.x[:count], np.ones(rows.x[:count].shape, dtype=bool)
    if rows.observed is not None:
        observed = rows.observed[:count].numpy()
    scales = np.where(observed, log_scales(schema, x.double().numpy()), 0)
    found = {}
    for name, logs in (("nats", cells), ("independent_nats", alone)):
        nats = logs.mean(0).numpy() - scales
        found[name] = [
            _mean_unless_few(nats[observed[:, k], k], min_count) for k in range(x.shape[1])
        ]
    return {"rows": count, **found}


def _mean_unless_few(nats: np.ndarray, min_count: int) -> float | None:
    """The mean of a column's nats; None if it would reveal the nats of few cells."""
    if len(nats) < max(min_count, 1) or (
        min_count > 1 and np.abs(nats).max() > HALF * np.abs(nats).sum()
    ):
        return None
    return float(nats.sum() / len(nats))
