"""Pages in one HTML file, and pages that also stand in a notebook; they load nothing else."""

from __future__ import annotations

from chainrule.html_pages.app import App, app_of
from chainrule.html_pages.page import page_of, text_of, within_html

__all__ = ["App", "app_of", "page_of", "text_of", "within_html"]
