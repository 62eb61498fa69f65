"""Tables in HTML, for notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def table(names: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> str:
    """A table of text, escaped; nothing in it becomes markup.

    >>> table(["a"], [["<b>"]])
    '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>'
    """
    caption = f"<caption>{html.escape(title)}</caption>" if title else ""
    header = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table>{caption}<thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def paragraph(text: str) -> str:
    """Lines of text, escaped.

    >>> paragraph("a <b>")
    '<p>a &lt;b&gt;</p>'
    """
    return f"<p>{'<br>'.join(map(html.escape, text.splitlines()))}</p>"
