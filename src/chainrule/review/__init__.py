"""Review of findings: a page to decide about them, and patches of a table; needs no model."""

from __future__ import annotations

from chainrule.review.apply import apply_patch
from chainrule.review.page import review_page, write_review

__all__ = ["apply_patch", "review_page", "write_review"]
