"""A hook of mkdocs: trains a small NADE and adds the page on which it draws."""

from __future__ import annotations

from functools import cache
from typing import Any

from mkdocs.structure.files import File, Files

PAGE, PLAY = "lecture/play.md", "lecture/play-nade.html"


def on_files(files: Files, *, config: Any) -> Files:
    """Adds the page to a site that has a place for it."""
    if files.get_file_from_path(PAGE) is not None:
        files.append(File.generated(config, PLAY, content=_page()))
    return files


@cache  # `mkdocs serve` builds the site again at every change
def _page() -> str:
    from chainrule.report.digits import digits_density
    from chainrule.view import play_page

    density = digits_density()
    return play_page(density.model, training=density.training)
