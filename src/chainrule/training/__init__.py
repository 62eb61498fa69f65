"""Fitting: configuration, recipes, the loop, checkpoints."""

from __future__ import annotations

from chainrule.training.config import FitConfig
from chainrule.training.fitting import fit
from chainrule.training.loop import trained
from chainrule.training.plan import Plan

__all__ = ["FitConfig", "Plan", "fit", "trained"]
