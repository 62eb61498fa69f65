"""Log-likelihoods of cells and their gradients on CPUs, in float32, in one pass over memory."""

from __future__ import annotations

import torch

from chainrule.errors import ShapeError
from chainrule.ops.cells import cpu_kernels as kernels
from chainrule.ops.cells.records import Pieces, Records
from chainrule.ops.compiled import threads
from chainrule.ops.compiled.calls import borrowed, ready, run
from chainrule.ops.compiled.strips import LANES


def cells(
    params: torch.Tensor, x: torch.Tensor, records: Records, weight: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Log-likelihoods (M, D, N) of cells, in nats, and gradients of −Σ weight · log p, or None.

    Log-likelihoods of columns without a record are not written.

    Args:
        params: parameters (M, P, N) of M members, rows last.
        x: codes (D, N), none of them NaN.
        records: the columns.
        weight: the weight of each cell, (D, N); None for no gradients.

    Returns:
        The log-likelihoods, and the gradients (M, P, N) by the parameters; gradients by parameters
        of columns without a record are not written.
    """
    (M, P, N), D = params.shape, len(x)
    if x.shape != (D, N) or (weight is not None and weight.shape != (D, N)):
        raise ShapeError(f"codes of shape {tuple(x.shape)} do not fit parameters {(M, P, N)}")
    logs = torch.empty((M, D, N), dtype=torch.float32, device="cpu")
    shape = (0, 0, 0) if weight is None else (M, P, N)
    grads = torch.empty(shape, dtype=torch.float32, device="cpu")
    tasks = M * len(records.records) * -(-N // LANES)
    seats = threads.wanted(tasks)
    codes = ready(x)
    with borrowed() as buffer:
        run(
            kernels.cells, tasks, seats, ready(params), codes,
            codes if weight is None else ready(weight), records.integers, records.floats, logs,
            grads, weight is not None, buffer("cells", seats, records.buffer_strips * LANES),
        )  # fmt: skip
    return logs, None if weight is None else grads


def inputs(x: torch.Tensor, given: torch.Tensor, pieces: Pieces, width: int) -> torch.Tensor:
    """Encoded inputs (width, N) of the given cells, zeros for the others.

    Inputs without a piece are not written.

    Args:
        x: codes (D, N); those of unknown cells may be NaN.
        given: 1 for given cells and 0 for the others, (D, N).
        pieces: the pieces of the columns' encodings.
        width: the number of inputs.
    """
    N = x.shape[1]
    if given.shape != x.shape:
        raise ShapeError(f"a mask of shape {tuple(given.shape)} for codes {tuple(x.shape)}")
    out = torch.empty((width, N), dtype=torch.float32, device="cpu")
    tasks = -(-N // LANES)
    arrays = ready(x), ready(given), pieces.integers, pieces.floats, out
    run(kernels.inputs, tasks, threads.wanted(tasks), *arrays)
    return out


def chosen(uniforms: torch.Tensor, observed: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Random subsets of the observed cells: 1 for chosen cells and 0 for the others, (D, N).

    All subsets of ``count`` cells are equally likely. With the same uniforms, a larger count
    chooses a superset.

    Args:
        uniforms: float32 on [0, 1), (D, N).
        observed: 1 for observed cells and 0 for the others, (D, N).
        count: the number of cells to choose, (N,) float32; at most the observed ones.
    """
    N = uniforms.shape[1]
    if observed.shape != uniforms.shape or count.shape != (N,):
        raise ShapeError(
            f"{tuple(observed.shape)} and {tuple(count.shape)} do not fit the uniforms"
        )
    out = torch.empty(uniforms.shape, dtype=torch.float32, device="cpu")
    tasks = -(-N // LANES)
    arrays = ready(uniforms), ready(observed), ready(count), out
    run(kernels.chosen, tasks, threads.wanted(tasks), *arrays)
    return out
