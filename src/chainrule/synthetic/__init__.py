"""How well a synthetic table, from any tool, imitates a real one; needs no model."""

from __future__ import annotations

from chainrule.synthetic.measure import quality
from chainrule.synthetic.result import Quality

__all__ = ["Quality", "quality"]
