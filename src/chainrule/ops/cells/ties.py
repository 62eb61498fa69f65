"""Ranges of tied columns, and their likelihoods with gradients, on CPUs."""

from __future__ import annotations

import numpy as np
import torch

from chainrule.errors import ShapeError
from chainrule.ops.cells import range_kernels, tied_kernels
from chainrule.ops.cells.range_records import RangeRecords
from chainrule.ops.cells.tied_records import TiedRecords
from chainrule.ops.compiled import threads
from chainrule.ops.compiled.calls import borrowed, ready, run


def ranges(x: torch.Tensor, known: torch.Tensor, records: RangeRecords) -> torch.Tensor:
    """The ends of each range, low_1, high_1, low_2, … (N, 2 ranges), float64.

    Args:
        x: codes (N, D); those of unknown cells may be NaN.
        known: bool (N, D).
        records: the ties.
    """
    if known.shape != x.shape:
        raise ShapeError(f"a mask of shape {tuple(known.shape)} for codes {tuple(x.shape)}")
    out = torch.empty((len(x), 2 * len(records.records)), dtype=torch.float64, device="cpu")
    tasks = -(-len(x) // range_kernels.ROWS_OF_TASK)
    codes, is_known = x.detach().to(torch.float64).contiguous(), known.contiguous()
    arrays = codes, is_known.view(torch.uint8), *records.arrays, out
    run(range_kernels.ranges, tasks, threads.wanted(tasks), *arrays)
    return out


def tied(
    params: torch.Tensor,
    x: torch.Tensor,
    records: TiedRecords,
    logs: torch.Tensor,
    grads: torch.Tensor | None,
    weight: torch.Tensor | None,
) -> None:
    """Changes log-likelihoods and gradients of bases, from ``cpu.cells``, to those of the ties.

    Args:
        params: parameters (M, P, N) of M members, rows last.
        x: codes (D, N), none of them NaN.
        records: the tied columns.
        logs: log-likelihoods (M, D, N), changed in the tied columns.
        grads: gradients (M, P, N) of −Σ weight · log p, changed likewise; None for no gradients.
        weight: the weight of each cell, (D, N), if there are gradients.
    """
    (M, _, N), codes = params.shape, ready(x)
    if grads is None or weight is None:
        grads, weight = torch.empty((0, 0, 0), dtype=torch.float32, device="cpu"), None
    tasks = M * len(records.records) * -(-N // tied_kernels.ROWS_OF_TASK)
    seats = threads.wanted(tasks)
    with borrowed() as buffer:
        run(
            tied_kernels.tied, tasks, seats, ready(params), codes,
            codes if weight is None else ready(weight), records.integers, records.floats, logs,
            grads, weight is not None, buffer("tied", seats, records.buffer_size, dtype=np.float64),
        )  # fmt: skip
