"""The last layer of a network with the likelihood of all columns, as one differentiable function.

Autograd would record hundreds of small operations: some for each column and kind. Here the kernels
of ``ops/cells`` compute each cell's log-likelihood and its gradients at once. Columns whose
conditional has no kernel are computed by its own ``log_prob``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import torch
from typing_extensions import override

from chainrule.conditionals import (
    AbstractConditional,
    AbstractMixture,
    Atoms,
    Bernoulli,
    Categorical,
    DiscretizedLogisticMixture,
    GaussianMixture,
    LaplaceMixture,
    LogisticMixture,
)
from chainrule.networks.columns import Columns
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


def _of_components(kind: int, conditional: AbstractMixture | DiscretizedLogisticMixture) -> Record:
    return Record(
        kind,
        conditional.components,
        center=conditional.center,
        spread=conditional.spread,
        least_scale=conditional.least_scale,
    )


def _of_integers(conditional: DiscretizedLogisticMixture) -> Record:
    record = _of_components(kernels.DISCRETIZED, conditional)
    return replace(record, least=conditional.least, most=conditional.most)


def _of_atoms(conditional: Atoms) -> Record | None:
    base = record_of(conditional.base)
    return None if base is None else replace(base, atoms=conditional.values)


# A conditional with a kernel gets a line here; all others are computed by their own ``log_prob``.
RECORDS: dict[type[AbstractConditional], Callable[[Any], Record | None]] = {
    Bernoulli: _of_bernoulli,
    Categorical: _of_categorical,
    GaussianMixture: partial(_of_components, kernels.GAUSSIAN),
    LogisticMixture: partial(_of_components, kernels.LOGISTIC),
    LaplaceMixture: partial(_of_components, kernels.LAPLACE),
    DiscretizedLogisticMixture: _of_integers,
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


def losses(
    columns: Columns,
    h: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    x: torch.Tensor,
    counts: torch.Tensor,
) -> torch.Tensor:
    """−Σ counts · log p of the cells of each row, (N,) nats, in the mean over M members.

    Args:
        columns: the columns.
        h: the last hidden units of each member, (M, N, H).
        weight: the output weights, (M, P, H).
        bias: the output biases, (M, P).
        x: codes (N, D), none of them NaN.
        counts: how much each cell counts, (N, D); 0 for cells without influence.
    """
    counts = counts.float()
    differentiated = any(tensor.requires_grad for tensor in (h, weight, bias))
    if torch.is_grad_enabled() and differentiated:
        return _Losses.apply(h, weight, bias, x.t(), counts.t(), columns)
    return _summed(cells(columns, h, weight, bias, x).transpose(1, 2), counts.t() / len(h))


def cells(
    columns: Columns, h: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, x: torch.Tensor
) -> torch.Tensor:
    """Log-likelihoods (M, N, D) of the cells under each member, without gradients."""
    logs, _ = _logs_and_grads(columns, _params(h, weight, bias), x.t(), None)
    return logs.transpose(1, 2)


class _Losses(torch.autograd.Function):
    """``losses``, whose forward pass computes the gradients by the parameters, too."""

    @staticmethod
    @override
    def forward(ctx: Any, *arguments: Any) -> torch.Tensor:
        h, weight, bias, x, counts, columns = arguments
        counts = counts / len(h)
        logs, grads = _logs_and_grads(columns, _params(h, weight, bias), x, counts)
        ctx.save_for_backward(h, weight, bias, x, counts, grads)
        ctx.columns = columns
        return _summed(logs, counts)

    @staticmethod
    @override
    def backward(ctx: Any, *grad_outputs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        (of_loss,) = grad_outputs
        h, weight, bias, x, counts, grads = ctx.saved_tensors
        if torch.is_grad_enabled():  # for second derivatives
            return (*_differentiable(ctx.columns, h, weight, bias, x, counts, of_loss), *[None] * 3)
        of_weight = torch.bmm(grads, h * of_loss[:, None])
        of_bias = torch.matmul(grads, of_loss)
        of_h = torch.bmm(grads.transpose(1, 2), weight) * of_loss[:, None]
        return of_h, of_weight, of_bias, None, None, None


def _summed(logs: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """−Σ counts · log p, (N,), of log-likelihoods (M, D, N)."""
    return torch.where(counts != 0, logs * -counts, 0).sum((0, 1))


def _differentiable(
    columns: Columns,
    h: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    x: torch.Tensor,
    counts: torch.Tensor,
    of_loss: torch.Tensor,
) -> tuple[torch.Tensor, ...]:
    """The gradients by h, weight and bias in the plain form, which can be differentiated again."""
    params = _params(h, weight, bias).transpose(1, 2)  # (M, N, P)
    logs = columns.log_prob(params.flatten(0, 1), x.t().repeat(len(h), 1))
    losses = _summed(logs.unflatten(0, (len(h), -1)).transpose(1, 2), counts)
    return torch.autograd.grad(losses, (h, weight, bias), of_loss, create_graph=True)


def _params(h: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """The parameters of every column's conditional, (M, P, N): rows last."""
    return torch.baddbmm(bias[:, :, None], weight, h.transpose(1, 2))


def _logs_and_grads(
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
