"""Log-likelihoods of cells and their gradients on CPUs, in float32, in one pass over memory."""

from __future__ import annotations

import numpy as np
import torch

from chainrule.errors import ShapeError
from chainrule.ops.cells import cpu_kernels as kernels
from chainrule.ops.cells import layer_kernels, linear_kernels, mask_kernels
from chainrule.ops.cells.dropout import ALL, Place, bound_of
from chainrule.ops.cells.records import Pieces, Records
from chainrule.ops.compiled import threads
from chainrule.ops.compiled.calls import borrowed, ready, run
from chainrule.ops.compiled.strips import LANES

KINDS = {"relu": layer_kernels.RELU, "sigmoid": layer_kernels.SIGMOID}  # of activations


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


def masks(
    uniforms: torch.Tensor, observed: torch.Tensor, shares: np.ndarray | None, most_raised: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """``networks.training_masks.drawn``: masks of given cells, and weights of targets, (D, N).

    Args:
        uniforms: float32 on [0, 1), (D + 1, ⌈N/2⌉).
        observed: 1 for observed cells and 0 for the others, (D, N) float32.
        shares: float64 (D + 1, D), see ``training_masks``; None for equal weights.
        most_raised: the largest weight of a pair, relative to a complete row.
    """
    D, N = observed.shape
    if uniforms.shape != (D + 1, (N + 1) // 2):
        raise ShapeError(f"uniforms of shape {tuple(uniforms.shape)} for cells {(D, N)}")
    given, weights = (torch.empty((D, N), dtype=torch.float32, device="cpu") for _ in range(2))
    shares = np.empty((0, 0)) if shares is None else shares
    work = np.empty((3, N), np.float32), np.empty((3, D + 1))
    kernel, arrays = mask_kernels.masks, (ready(uniforms), ready(observed), shares)
    run(kernel, 1, 1, *arrays, float(most_raised), given, weights, *work)
    return given, weights


def masks_in_order(
    uniforms: torch.Tensor,
    observed: torch.Tensor,
    order: torch.Tensor,
    share: float,
    given: torch.Tensor,
    weights: torch.Tensor,
) -> None:
    """``networks.training_masks.in_order``: changes the masks and weights of its rows.

    Args:
        uniforms: float32 on [0, 1), (2, ⌈N/2⌉).
        observed: 1 for observed cells and 0 for the others, (D, N) float32.
        order: a permutation of the columns, int64.
        share: the probability that a row is changed.
        given: masks (D, N), overwritten.
        weights: (D, N), overwritten.
    """
    D, N = observed.shape
    if uniforms.shape != (2, (N + 1) // 2) or len(order) != D:
        raise ShapeError(f"uniforms of shape {tuple(uniforms.shape)} for cells {(D, N)}")
    if given.shape != observed.shape or weights.shape != observed.shape:
        raise ShapeError(f"masks of shape {tuple(given.shape)} for cells {(D, N)}")
    _require_writable(given)
    _require_writable(weights)
    arrays = ready(uniforms), ready(observed), order.contiguous()
    run(mask_kernels.masks_in_order, 1, 1, *arrays, float(share), given, weights)


def activated(
    units: torch.Tensor,
    bias: torch.Tensor,
    activation: str,
    dropout: float = 0.0,
    seed: tuple[int, int] = (0, 0),
    place: Place = ALL,
) -> None:
    """Changes sums (units, N) to act(sums + bias), of which dropout keeps some.

    Args:
        units: float32, contiguous, overwritten.
        bias: (units,).
        activation: "relu" or "sigmoid".
        dropout: the share of units to drop; the others are divided by 1 − dropout.
        seed: two words, see ``dropout.kept``.
        place: of the units among those of the seed.
    """
    _require_writable(units)
    if len(bias) != len(units):
        raise ShapeError(f"{len(bias)} biases for {len(units)} units")
    tasks, rows = -(-len(units) // layer_kernels.UNITS_OF_TASK), place.rows or units.shape[1]
    first = place.first_unit * rows + place.first_row
    run(
        layer_kernels.activated, tasks, threads.wanted(tasks), units, ready(bias),
        KINDS[activation], 1 / (1 - dropout), *seed, bound_of(dropout), first, rows,
    )  # fmt: skip


def slopes(
    grads: torch.Tensor,
    units: torch.Tensor,
    factor: torch.Tensor,
    activation: str,
    dropout: float = 0.0,
) -> torch.Tensor:
    """Changes gradients by units (units, N) to gradients by the sums before ``activated``.

    Args:
        grads: float32, contiguous, overwritten.
        units: the result of ``activated``.
        factor: (N,), which multiplies every gradient of a row.
        activation: as in ``activated``.
        dropout: as in ``activated``.

    Returns:
        The gradients by the biases, (units,): the sums over the rows.
    """
    _require_writable(grads)
    if units.shape != grads.shape or factor.shape != units.shape[1:]:
        raise ShapeError(f"gradients {tuple(grads.shape)} do not fit units {tuple(units.shape)}")
    sums = torch.empty(len(units), dtype=torch.float32, device="cpu")
    tasks = -(-len(units) // layer_kernels.UNITS_OF_TASK)
    arrays = grads, ready(units), ready(factor)
    seats, scale = threads.wanted(tasks), 1 / (1 - dropout)
    run(layer_kernels.slopes, tasks, seats, *arrays, KINDS[activation], scale, sums)
    return sums


def regressions(
    z: torch.Tensor,
    known: torch.Tensor,
    matrix: np.ndarray,
    targets: np.ndarray,
    least: float,
    usual: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """``networks.linear.regressions``: means and variances (N, T), float64.

    Args:
        z: standardised features (N, F), float64; 0 if unknown.
        known: bool (N, F).
        matrix: the correlations of the features, (F, F) float64.
        targets: the positions of T features, int64.
        least: the smallest variance.
        usual: the largest squared distance of usual features, for each of them.
    """
    (N, F), T = z.shape, len(targets)
    if known.shape != (N, F) or matrix.shape != (F, F) or z.dtype != torch.float64:
        raise ShapeError(f"{z.dtype} features {(N, F)} do not fit correlations {matrix.shape}")
    means, variances = torch.empty((2, N, T), dtype=torch.float64, device="cpu").unbind()
    tasks = -(-N // linear_kernels.ROWS_OF_TASK)
    seats = threads.wanted(tasks)
    run(
        linear_kernels.regressions, tasks, seats, z.contiguous(),
        known.contiguous().view(torch.uint8), matrix, targets, means, variances,
        np.empty((max(seats, 1), F, F)), float(least), float(usual),
    )  # fmt: skip
    return means, variances


def _require_writable(tensor: torch.Tensor) -> None:
    """Raises ShapeError unless kernels can change the tensor where it lies."""
    if ready(tensor) is not tensor:
        raise ShapeError(f"a tensor of {tensor.dtype} is to be changed; pass contiguous float32")
