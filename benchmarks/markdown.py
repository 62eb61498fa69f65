"""Tables, paragraphs and items in Markdown, for the pages that benchmarks write."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

WIDTH = 100  # most characters of a line of prose


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table.

    >>> table(["set", "nats"], [["dna", "-79.1"]])
    ['| set | nats |', '|---|---|', '| dna | -79.1 |']
    """
    return [
        f"| {' | '.join(names)} |",
        f"|{'---|' * len(names)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def paragraph(text: str) -> str:
    """The text in lines of at most ``WIDTH`` characters.

    >>> paragraph("one\ntwo")
    'one two'
    """
    return textwrap.fill(
        " ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False
    )


def item(text: str) -> str:
    """A list's item in lines of at most ``WIDTH`` characters.

    >>> item("one")
    '- one'
    """
    return textwrap.fill(
        f"- {' '.join(text.split())}",
        WIDTH,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def replace_section(page: Path, begin: str, end: str, lines: Sequence[str]) -> None:
    """Replaces what a page has between two marks, and prints where.

    Raises:
        ValueError: the page lacks one of the marks.
    """
    before, has_begin, rest = page.read_text(encoding="utf-8").partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise ValueError(f"{page} lacks {begin!r} or {end!r} after it")
    text = "\n".join(lines).strip("\n")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
    print(f"written to {page}")
