"""Review of findings: a page to decide about them, and patches of a table; needs no model."""

from __future__ import annotations

from chainrule.review.apply import apply_patch

__all__ = ["apply_patch"]
