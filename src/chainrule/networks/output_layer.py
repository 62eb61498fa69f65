"""The last layer of a network, and the likelihoods of all columns with their gradients.

The kernels of ``ops/cells`` compute each cell's log-likelihood and its gradients at once. Columns
whose conditional has no kernel are computed by its own ``log_prob``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
    Tied,
)
from chainrule.networks.columns import Columns
from chainrule.networks.input_layer import warp_of
from chainrule.ops.cells import choose
from chainrule.ops.cells import records as kernels
from chainrule.ops.cells import tied_records as tied_kernels
from chainrule.ops.cells.records import Record, Records
from chainrule.ops.cells.tied_records import TiedRecord, TiedRecords


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
    return replace(record, least=least, most=most, warp=warp)


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


def _of_tied(conditional: Tied) -> Record | None:
    """The base's record; a second kernel adds the ties to the base's likelihoods."""
    return None if _tied_record_of(conditional) is None else record_of(conditional.base)


def _tied_record_of(conditional: Tied) -> TiedRecord | None:
    """What the second kernel needs to know of a tied conditional; None if it lacks the base."""
    base, atoms = conditional.base, ()
    if isinstance(base, Atoms):
        base, atoms = base.base, base.values
    inner = _base_of_ties(base)
    if inner is None or record_of(conditional.base) is None:
        return None
    return replace(
        inner,
        ties=conditional.ties,
        is_ordered=conditional.is_ordered,
        width=conditional.base.param_width,
        limits=conditional.limits,
        least=conditional.least,
        atoms=tuple(map(float, atoms)),
        base_limits=base.limits,
    )


def _base_of_ties(base: AbstractConditional) -> TiedRecord | None:
    """The part of a tied column's record that describes its base without atoms."""
    record = TiedRecord(tied_kernels.WHOLE, 0, False, 0, (0.0, 0.0))
    if isinstance(base, Bernoulli | Categorical):
        return record
    if not isinstance(base, DiscretizedLogisticMixture | Calendar):
        return None
    mixture = base.base if isinstance(base, Calendar) else base
    warp, ends = warp_of(mixture.warp), mixture.images.standard_bounds
    if warp is None:
        return None
    low, high = ends
    found = replace(
        record,
        kind=tied_kernels.MIXTURE,
        size=mixture.components,
        is_centred=mixture.centred,
        center=mixture.center,
        spread=mixture.spread,
        least_scale=mixture.least_scale,
        bounds=(-math.inf if low is None else low, math.inf if high is None else high),
        warp=warp,
    )
    if not isinstance(base, Calendar):
        return found
    return replace(
        found,
        kind=tied_kernels.CALENDAR,
        days=mixture.limits,
        weekday=base.weekday,
        months=tuple(map(float, base.months)),
        slots=base.slots,
        bins=base.bins,
    )


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
    Tied: _of_tied,
}


@dataclass(frozen=True)
class _Plan:
    """The columns with a kernel, which of them are tied, and the positions of the others."""

    records: Records
    tied: TiedRecords
    others: tuple[int, ...]


@lru_cache(maxsize=16)
def _plan(columns: Columns) -> _Plan:
    starts = [columns.param_rows(k).start for k in range(len(columns))]
    return _plan_of(columns.conditionals, starts)


def _plan_of(conditionals: Sequence[AbstractConditional], starts: Sequence[int]) -> _Plan:
    """The plan of conditionals, with the position of each one's first parameter."""
    found = [record_of(conditional) for conditional in conditionals]
    of = [(record, k) for k, record in enumerate(found) if record is not None]
    ties = [
        (record, k)
        for k, conditional in enumerate(conditionals)
        if isinstance(conditional, Tied) and (record := _tied_record_of(conditional)) is not None
    ]
    in_front = {k: 3 * record.ties + 1 for record, k in ties}
    return _Plan(
        Records(
            tuple(record for record, _ in of),
            tuple(k for _, k in of),
            tuple(starts[k] + in_front.get(k, 0) for _, k in of),
        ),
        TiedRecords(
            tuple(record for record, _ in ties),
            tuple(k for _, k in ties),
            tuple(starts[k] for _, k in ties),
        ),
        tuple(k for k, record in enumerate(found) if record is None),
    )


def _cells(
    plan: _Plan, params: torch.Tensor, x: torch.Tensor, counts: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """``logs_and_grads`` of the columns with a kernel."""
    x = x.contiguous()
    logs, grads = choose.implementation().cells(params, x, plan.records, counts)
    if plan.tied.records:
        choose.of_ties().tied(params, x, plan.tied, logs, grads, counts)
    return logs, grads


def summed(logs: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """−Σ counts · log p, (N,), of log-likelihoods (M, D, N)."""
    return torch.where(counts != 0, logs * -counts, 0).sum((0, 1))


def summed_apart(logs: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """−Σ counts · log p of each member, (M, N), of log-likelihoods (M, D, N)."""
    return torch.stack([summed(each[None], counts) for each in logs])


def column_cells(
    columns: Columns, column: int, params: torch.Tensor, x: torch.Tensor
) -> torch.Tensor:
    """Log-likelihoods (M, N) of a column's codes (N,), from its parameters (M, width, N)."""
    plan = _plan_of_one(columns.conditionals[column])
    if plan.others:
        values = x.expand(len(params), -1)
        return columns.conditionals[column].log_prob(params.transpose(1, 2), values)
    return _cells(plan, params, x[None])[0][:, 0]


@lru_cache(maxsize=1024)
def _plan_of_one(conditional: AbstractConditional) -> _Plan:
    return _plan_of([conditional], [0])


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
    logs, grads = _cells(plan, params, x, counts)
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
