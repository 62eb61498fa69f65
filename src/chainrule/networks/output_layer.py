"""The last layer of a network, and the likelihoods of all columns with their gradients.

The kernels of ``ops/cells`` compute each cell's log-likelihood and its gradients at once. Columns
whose conditional has no kernel are computed by its own ``log_prob``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import torch

from chainrule.conditionals import (
    AbstractConditional,
    AbstractMixture,
    Atoms,
    Bernoulli,
    Calendar,
    Categorical,
    DiscretizedLogisticMixture,
    GaussianMixture,
    LaplaceMixture,
    LogisticMixture,
)
from chainrule.networks.columns import Columns
from chainrule.networks.input_layer import warp_of
from chainrule.ops.cells import choose
from chainrule.ops.cells import records as kernels
from chainrule.ops.cells.records import Record, Records


def record_of(conditional: AbstractConditional) -> Record | None:
    """What the kernels need to know of a conditional; None if they do not have it.

    The class itself counts, not its parents: a subclass may have other likelihoods.
    """
    make = RECORDS.get(type(conditional))
    return None if make is None else make(conditional)


def _of_bernoulli(conditional: Bernoulli) -> Record:
    return Record(kernels.BERNOULLI)


def _of_categorical(conditional: Categorical) -> Record:
    record = Record(kernels.CATEGORICAL, conditional.values)
    if conditional.unlisted is None:
        return record
    more = math.log(conditional.unlisted + 1)
    rare = kernels.LEARNED if conditional.unlisted else kernels.FIXED
    rare_nats = more if conditional.unlisted else math.log((conditional.rows or 1) + 1)
    return replace(record, rare=rare, rare_nats=rare_nats, cap=more - math.log(2))


def _of_mixture(kind: int, conditional: AbstractMixture) -> Record:
    low, high = conditional.standard_bounds
    return Record(
        kind,
        conditional.components,
        center=conditional.center,
        spread=conditional.spread,
        least_scale=conditional.least_scale,
        least=conditional.least,
        most=conditional.most,
        low=low,
        high=high,
        centred=conditional.centred,
    )


def _of_integers(conditional: DiscretizedLogisticMixture) -> Record | None:
    warp, (least, most) = warp_of(conditional.warp), conditional.ends
    if warp is None:
        return None
    record = _of_mixture(kernels.DISCRETIZED, conditional.images)
    return replace(record, least=least, most=most, warp=warp[0], warp_numbers=warp[1:])


def _of_calendar(conditional: Calendar) -> Record:
    base, slots = conditional.base, conditional.slots
    record = _of_mixture(kernels.CALENDAR, base.images)
    return replace(
        record,
        least=None if base.least is None else base.least * slots,
        most=None if base.most is None else (base.most + 1) * slots - 1,
        weekday=conditional.weekday,
        months=tuple(map(float, conditional.months)),
        slots=slots,
        bins=conditional.bins,
    )


def _of_atoms(conditional: Atoms) -> Record | None:
    base = record_of(conditional.base)
    return None if base is None else replace(base, atoms=conditional.values)


# A conditional with a kernel gets a line here; all others are computed by their own ``log_prob``.
RECORDS: dict[type[AbstractConditional], Callable[[Any], Record | None]] = {
    Bernoulli: _of_bernoulli,
    Categorical: _of_categorical,
    GaussianMixture: partial(_of_mixture, kernels.GAUSSIAN),
    LogisticMixture: partial(_of_mixture, kernels.LOGISTIC),
    LaplaceMixture: partial(_of_mixture, kernels.LAPLACE),
    DiscretizedLogisticMixture: _of_integers,
    Calendar: _of_calendar,
    Atoms: _of_atoms,
}


@dataclass(frozen=True)
class _Plan:
    """The columns with a kernel, and the positions of the others."""

    records: Records
    others: tuple[int, ...]


@lru_cache(maxsize=16)
def _plan(columns: Columns) -> _Plan:
    found = [record_of(conditional) for conditional in columns.conditionals]
    of = [(record, k) for k, record in enumerate(found) if record is not None]
    records = Records(
        tuple(record for record, _ in of),
        tuple(k for _, k in of),
        tuple(columns.param_rows(k).start for _, k in of),
    )
    return _Plan(records, tuple(k for k, record in enumerate(found) if record is None))


def summed(logs: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """−Σ counts · log p, (N,), of log-likelihoods (M, D, N)."""
    return torch.where(counts != 0, logs * -counts, 0).sum((0, 1))


def column_cells(
    columns: Columns, column: int, params: torch.Tensor, x: torch.Tensor
) -> torch.Tensor:
    """Log-likelihoods (M, N) of a column's codes (N,), from its parameters (M, width, N)."""
    records = _records_of(columns.conditionals[column])
    if records is None:
        values = x.expand(len(params), -1)
        return columns.conditionals[column].log_prob(params.transpose(1, 2), values)
    logs, _ = choose.implementation().cells(params, x[None], records)
    return logs[:, 0]


@lru_cache(maxsize=1024)
def _records_of(conditional: AbstractConditional) -> Records | None:
    record = record_of(conditional)
    return None if record is None else Records((record,), (0,), (0,))


def params(
    weight: torch.Tensor,
    bias: torch.Tensor,
    h: torch.Tensor,
    columns: Columns | None = None,
    slots: torch.Tensor | None = None,
) -> torch.Tensor:
    """The parameters of every column's conditional, (M, P, N), rows last.

    Args:
        weight: the output weights of each member, (M, P, H).
        bias: the output biases, (M P,) or (M, P).
        h: the last hidden units of each member, (M, H, N).
        columns: the columns, needed with ``slots``.
        slots: the parameters (N, slots) that relations compute, or None.
    """
    found = torch.baddbmm(bias.reshape(len(weight), -1, 1), weight, h)
    if columns is not None and slots is not None:
        found[:, columns.slot_positions] = slots.t()
    return found


def logs_and_grads(
    columns: Columns, params: torch.Tensor, x: torch.Tensor, counts: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Log-likelihoods (M, D, N) of codes x (D, N), and gradients of −Σ counts · log p."""
    plan = _plan(columns)
    logs, grads = choose.implementation().cells(params, x.contiguous(), plan.records, counts)
    for k in plan.others:
        rows = columns.param_rows(k)
        with torch.set_grad_enabled(counts is not None):
            of_column = params[:, rows].detach().requires_grad_(counts is not None)
            found = columns.conditionals[k].log_prob(
                of_column.transpose(1, 2), x[k].expand_as(logs[:, k])
            )
            logs[:, k] = found.detach()
            if counts is not None and grads is not None:
                total = -torch.where(counts[k] != 0, found * counts[k], 0).sum()
                (grads[:, rows],) = torch.autograd.grad(total, of_column)
    return logs, grads
