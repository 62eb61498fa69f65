"""What a network reads of the given cells of rows, made in one pass: encodings and flags.

The kernels of ``ops/cells`` write all inputs of a batch. Encodings without a kernel are computed by
their own ``encode``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from chainrule.conditionals.encodings import (
    AbstractEncoding,
    AtomFlags,
    Identity,
    Joined,
    OneHot,
    Periodic,
    PiecewiseLinear,
    Standardised,
)
from chainrule.leaves.warps import AbstractWarp, Log, Logit, Quantiles, SymmetricLog
from chainrule.networks.columns import Columns
from chainrule.ops.cells import choose
from chainrule.ops.cells import records as kernels
from chainrule.ops.cells.records import Piece, Pieces, Warp


def warp_of(warp: AbstractWarp | None) -> Warp | None:
    """A warp in numbers for the kernels; None if they do not have it."""
    if warp is None:
        return kernels.UNWARPED
    if type(warp) is Log:
        return Warp(kernels.LOG, (warp.origin, warp.unit))
    if type(warp) is SymmetricLog:
        return Warp(kernels.SYMMETRIC_LOG, (warp.center, warp.unit))
    if type(warp) is Logit:
        return Warp(kernels.LOGIT, (warp.least, warp.most))
    return _of_quantiles(warp) if type(warp) is Quantiles else None


def _of_quantiles(warp: Quantiles) -> Warp | None:
    """The points of a warp; None if some are the same in float32, in which kernels compute."""
    points = np.array([warp.xs, warp.zs, warp.slopes])
    if (np.diff(points[:2].astype(np.float32)) <= 0).any():
        return None
    return Warp(kernels.QUANTILES, points=tuple(map(tuple, points.T.tolist())))


def piece_of(encoding: AbstractEncoding) -> Piece | None:
    """What the kernels need to know of an encoding; None if they do not have it.

    The class itself counts, not its parents: a subclass may have other inputs.
    """
    make = PIECES.get(type(encoding))
    return None if make is None else make(encoding)


def _of_identity(encoding: Identity) -> Piece:
    return Piece(kernels.IDENTITY, 1)


def _of_one_hot(encoding: OneHot) -> Piece:
    return Piece(kernels.ONE_HOT, encoding.width)


def _of_standardised(encoding: Standardised) -> Piece | None:
    numbers, warp = (encoding.center, encoding.spread, *encoding.range), warp_of(encoding.warp)
    if encoding.warp is None:
        return Piece(kernels.STANDARDISED, 1, numbers)
    ends = zip(encoding.range, (encoding.warp.low, encoding.warp.high), strict=True)
    if any(math.isfinite(end) and np.float32(inner) == np.float32(end) for inner, end in ends):
        return None  # float32, in which kernels compute, has no number between the two
    if warp is None:
        return None
    of_warp = warp.kind, *warp.numbers, len(warp.points), *warp.flat_points
    return Piece(kernels.WARPED, 1, (*numbers, *of_warp))


def _of_atoms(encoding: AtomFlags) -> Piece:
    return Piece(kernels.EQUALS, encoding.width, encoding.values)


def _of_periods(encoding: Periodic) -> Piece:
    rests = tuple(period - float(np.float32(period)) for period in encoding.periods)
    return Piece(kernels.PERIODIC, encoding.width, (*encoding.periods, *rests))


def _of_knots(encoding: PiecewiseLinear) -> Piece:
    knots = np.array(encoding.knots, np.float32)
    intervals = np.stack([knots[:-1], np.diff(knots)], axis=1)
    return Piece(kernels.PIECEWISE, encoding.width, tuple(intervals.ravel().tolist()))


# An encoding with a kernel gets a line here; all others are computed by their own ``encode``.
PIECES: dict[type[AbstractEncoding], Callable[[Any], Piece | None]] = {
    Identity: _of_identity,
    OneHot: _of_one_hot,
    Standardised: _of_standardised,
    AtomFlags: _of_atoms,
    Periodic: _of_periods,
    PiecewiseLinear: _of_knots,
}


@dataclass(frozen=True)
class _Plan:
    """The inputs of all columns.

    Attributes:
        pieces: those that the kernels write.
        others: encodings without a piece, each with its column and its first input.
        judged: columns whose encodings say which of their values are evidence.
        width: the number of inputs and flags.
    """

    pieces: Pieces
    others: tuple[tuple[AbstractEncoding, int, int], ...]
    judged: tuple[int, ...]
    width: int


@lru_cache(maxsize=16)
def _plan(columns: Columns) -> _Plan:
    found: list[tuple[Piece, int, int]] = []
    others: list[tuple[AbstractEncoding, int, int]] = []
    judged, inputs, start = [], sum(columns.input_widths), 0
    for column, encoding in enumerate(columns.encodings):
        parts = encoding.summands if type(encoding) is Joined else (encoding,)
        pieces = [piece_of(part) for part in parts]
        for piece, part in zip(pieces, parts, strict=True):
            if piece is None:
                others.append((part, column, start))
            else:
                found.append((piece, column, start))
            start += part.width
        limit = encoding.width if encoding.is_one_hot else math.inf
        found.append((Piece(kernels.FLAG, 1, (limit,)), column, inputs + column))
        if type(encoding) is not OneHot and any(
            piece is None or piece.kind == kernels.ONE_HOT for piece in pieces
        ):
            judged.append(column)
    pieces, of, starts = zip(*found, strict=True)
    return _Plan(Pieces(pieces, of, starts), tuple(others), tuple(judged), inputs + len(columns))


def given_inputs(columns: Columns, x: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
    """Inputs of the given cells, then their flags: (I + D, N) float32, rows last.

    A flag is 1 if the cell is given and its value is evidence.

    Args:
        columns: the columns.
        x: codes (D, N); those of unknown cells may be NaN.
        given: 1 for given cells and 0 for the others, (D, N).
    """
    plan, x, given = _plan(columns), x.contiguous(), given.contiguous()
    found = choose.implementation().inputs(x, given, plan.pieces, plan.width)
    for encoding, column, start in plan.others:
        values = torch.where(given[column, :, None] > 0, encoding.encode(x[column]), 0)
        found[start : start + encoding.width] = values.t()
    for column in plan.judged:
        is_evidence = columns.encodings[column].is_evidence(x[column])
        found[column - len(columns)] = given[column] * is_evidence
    return found
