"""Pages to play with a model; they load nothing from elsewhere."""

from __future__ import annotations

from chainrule.view.page import play_page, write_play

__all__ = ["play_page", "write_play"]
