"""A local page on which a row of a table is asked about, cell by cell."""

from __future__ import annotations

from chainrule.explorer.server import Explorer

__all__ = ["Explorer"]
