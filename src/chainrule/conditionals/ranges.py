"""Checks of scales and ranges of numbers."""

from __future__ import annotations

import math

import torch

from chainrule.errors import ShapeError


def check_scale(center: float, spread: float) -> None:
    """Raises ShapeError unless the center is finite and the spread is above zero."""
    if not (isinstance(spread, int | float) and 0 < spread < math.inf):
        raise ShapeError(f"spread = {spread!r}: pass a number above zero")
    if not (isinstance(center, int | float) and math.isfinite(center)):
        raise ShapeError(f"center = {center!r}: pass a finite number")


def check_range(low: float | None, high: float | None) -> None:
    """Raises ShapeError unless both are None or finite numbers in order."""
    for name, value in (("low", low), ("high", high)):
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
            raise ShapeError(f"{name} = {value!r}: pass a finite number, or None for no bound")
    if low is not None and high is not None and low > high:
        raise ShapeError(f"low = {low!r} is above high = {high!r}")


def clamped(x: torch.Tensor, low: float | None, high: float | None) -> torch.Tensor:
    """x within [low, high]; NaN stays."""
    return x if low is None and high is None else x.clamp(low, high)
