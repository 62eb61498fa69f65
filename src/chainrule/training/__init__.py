"""Fitting: options, recipes, the training loop and checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.first_use import imported_on_use
from chainrule.training.config import FitConfig

if TYPE_CHECKING:
    from chainrule.training.fitting import fit as fit
    from chainrule.training.loop import train as train
    from chainrule.training.plan import Plan as Plan
    from chainrule.training.proofreading import proofread as proofread
    from chainrule.training.state import make_state as make_state

__all__ = ["FitConfig", "Plan", "fit", "make_state", "proofread", "train"]

# These import torch, so they are imported on first use.
_HOMES = {
    "Plan": "plan",
    "fit": "fitting",
    "make_state": "state",
    "proofread": "proofreading",
    "train": "loop",
}

__getattr__ = imported_on_use(__name__, _HOMES)
