"""A hook of mkdocs: narrow screens get the picture NAME-phone.png where there is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
IMAGE = re.compile(r'<img alt="[^"]*" src="([^"]*/)?([\w-]+)\.png" ?/?>')


def on_page_content(html: str, **_: Any) -> str:
    """Puts such a picture beside the usual one; the browser chooses by the width of the screen.

    >>> html = on_page_content('<img alt="A page" src="../pictures/review.png" />')
    >>> html.startswith('<picture><source media="(max-width: 40em)"')
    True
    >>> on_page_content('<img alt="A line" src="line.png" />')
    '<img alt="A line" src="line.png" />'
    """
    return IMAGE.sub(_both, html)


def _both(found: re.Match[str]) -> str:
    folder, name = found[1] or "", found[2]
    if not (PICTURES / f"{name}-phone.png").exists():
        return found[0]
    narrow = f'<source media="(max-width: 40em)" srcset="{folder}{name}-phone.png">'
    return f"<picture>{narrow}{found[0]}</picture>"
