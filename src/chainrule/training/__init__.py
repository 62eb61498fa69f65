"""Fitting: options, recipes, the training loop and checkpoints."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'chainrule.training' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.training.{_HOMES[name]}"), name)
