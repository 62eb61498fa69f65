"""A page on which a row of a table is asked about, cell by cell."""

from __future__ import annotations

from chainrule.explorer.answers import Answers
from chainrule.explorer.questions import MISUSES, answer, explorer_app, refusal
from chainrule.explorer.server import Explorer

__all__ = ["MISUSES", "Answers", "Explorer", "answer", "explorer_app", "refusal"]
