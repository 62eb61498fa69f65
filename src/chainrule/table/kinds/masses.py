"""What kinds share whose every value has a mass: no units, no atoms beside it."""

from __future__ import annotations

import numpy as np

from chainrule.table.schema import Column


def atom_codes(column: Column) -> tuple[float, ...]:
    """None."""
    return ()


def log_scale(column: Column, codes: np.ndarray) -> np.ndarray:
    """Zeros (N,): masses have no units."""
    return np.zeros(len(codes))


def is_mass(column: Column, codes: np.ndarray) -> np.ndarray:
    """Every code (N,) has a mass."""
    return np.ones(len(codes), dtype=bool)
