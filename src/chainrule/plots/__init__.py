"""Pictures of a density and its table, each a matplotlib Axes."""

from __future__ import annotations

from chainrule.plots.plots import Plots

__all__ = ["Plots"]
