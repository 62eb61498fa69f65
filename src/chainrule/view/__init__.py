"""A page on which a NADE draws a picture; it loads nothing from elsewhere."""

from __future__ import annotations

from chainrule.view.page import play_app, play_page, write_play

__all__ = ["play_app", "play_page", "write_play"]
