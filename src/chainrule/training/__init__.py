"""Fitting: configuration, the loop, checkpoints."""

from __future__ import annotations

from chainrule.training.config import FitConfig
from chainrule.training.fit import fit

__all__ = ["FitConfig", "fit"]
