"""Checks of scales and ranges of numbers."""

from __future__ import annotations

import math

import torch

from chainrule.errors import ShapeError
from chainrule.leaves.warps import AbstractWarp


def check_scale(center: float, spread: float) -> None:
    """Raises ShapeError unless the center is finite and the spread is above zero."""
    if not (isinstance(spread, int | float) and 0 < spread < math.inf):
        raise ShapeError(f"spread = {spread!r}: pass a number above zero")
    if not (isinstance(center, int | float) and math.isfinite(center)):
        raise ShapeError(f"center = {center!r}: pass a finite number")


def check_range(
    low: float | None, high: float | None, names: tuple[str, str] = ("low", "high")
) -> None:
    """Raises ShapeError unless both are None or finite numbers in order."""
    for name, value in zip(names, (low, high), strict=True):
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
            raise ShapeError(f"{name} = {value!r}: pass a finite number, or None for no bound")
    if low is not None and high is not None and low > high:
        raise ShapeError(f"{names[0]} = {low!r} is above {names[1]} = {high!r}")


def check_warp(warp: object) -> None:
    """Raises ShapeError unless it is a warp or None."""
    if warp is not None and not isinstance(warp, AbstractWarp):
        raise ShapeError(f"warp = {warp!r}: pass a warp, such as Log(), or None")


def clamped(x: torch.Tensor, low: float | None, high: float | None) -> torch.Tensor:
    """x within [low, high]; NaN stays."""
    return x if low is None and high is None else x.clamp(low, high)
