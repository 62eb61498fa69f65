"""What a section of the page holds: text, tables and pictures."""

from __future__ import annotations

import base64
import io
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.errors import printable, printable_lines

LONGEST, LONGEST_WRAPPED = 60, 400  # characters of a cell
# Widths in pixels, by which a table is said to scroll: a letter, the space between two columns, the
# room on a phone and on a large screen.
LETTER, PADDING, PHONE, PAGE = 7.4, 16, 345, 1072
LONG = 30  # characters from which on a cell has several lines in any table
WIDE, SMALL = 6.4, 3.9  # inches of a picture; letters are as large on both
LARGE = 1e5  # a number from which on it has two decimals


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Cells:
    """A table.

    Attributes:
        label: what it holds, for readers of a screen.
        names: of its columns.
        rows: its cells as text.
        numbers: which columns hold numbers.
        wraps: whether long cells have several lines; otherwise they are cut.
    """

    kind: ClassVar[str] = "table"
    label: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[bool, ...]
    wraps: bool = False

    @classmethod
    def of(
        cls,
        label: str,
        names: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        wraps: bool = False,
        digits: Mapping[str, int] | None = None,
    ) -> Cells:
        """A table of values; a column holds numbers if all its cells do.

        Args:
            label: what it holds, for readers of a screen.
            names: of its columns.
            rows: its cells.
            wraps: whether long cells have several lines; otherwise they are cut.
            digits: how many decimals the numbers of a column have, by its name.
        """
        are_numbers = [
            bool(rows) and all(_is_number(row[k]) or row[k] is None for row in rows)
            for k in range(len(names))
        ]
        longest = LONGEST_WRAPPED if wraps else LONGEST
        decimals = [(digits or {}).get(name) for name in names]
        shown = tuple(
            tuple(as_text(cell, longest, n) for cell, n in zip(row, decimals, strict=True))
            for row in rows
        )
        return cls(label, tuple(map(str, names)), shown, tuple(are_numbers), wraps)

    @property
    def scrolls(self) -> str:
        """On which screens it is wider than the page: "" for none, "phone", or "all"."""
        if self.wraps:
            return ""
        lines = [self.names, *self.rows]
        longest = [max(min(len(line[k]), LONG) for line in lines) for k in range(len(self.names))]
        width = sum(LETTER * letters + PADDING for letters in longest)
        return "all" if width > PAGE else "phone" if width > PHONE else ""


@dataclass(frozen=True)
class Picture:
    """A picture as an SVG in base64, with the words for those who do not see it.

    Attributes:
        data: the picture.
        alt: what it shows.
        caption: a line below it; "" for none.
        narrow: another one for narrow screens; "" if the picture serves them, too.
    """

    data: str
    alt: str
    caption: str = ""
    narrow: str = ""


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side: "small", "large" or "wide" ones."""

    kind: ClassVar[str] = "pictures"
    pictures: tuple[Picture, ...]
    size: str = "small"


Part = Text | Cells | Pictures


@dataclass(frozen=True)
class Section:
    """A titled part of the page.

    Attributes:
        key: its address within the page.
        title: of the section.
        parts: what it holds.
        gist: what it found, in a few words for the top of the page.
    """

    key: str
    title: str
    parts: tuple[Part, ...]
    gist: str


def picture(
    axes: Any, alt: str, *, caption: str = "", narrow: Any = None, height: float | None = None
) -> Picture:
    """The picture of matplotlib axes, the only ones of their figure; the figure is closed.

    It is so narrow that a phone shows its letters in their size.

    Args:
        axes: what is shown.
        alt: the words for those who do not see it.
        caption: a line below it.
        narrow: axes for narrow screens; the others then are for wide ones.
        height: in inches; by default, that of the figure.
    """
    if narrow is None:
        return Picture(_svg(axes, SMALL, height), alt, caption)
    return Picture(_svg(axes, WIDE, height), alt, caption, _svg(narrow, SMALL, height))


def _svg(axes: Any, width: float, height: float | None) -> str:
    from matplotlib import pyplot as plt
    from matplotlib import rc_context

    figure, target = axes.figure, io.BytesIO()
    figure.set_size_inches(width, height or figure.get_size_inches()[1])
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "chainrule"}):
        figure.savefig(target, format="svg", metadata={"Date": None})
    plt.close(figure)
    # A picture is shown only if it is XML, which has no control characters in names and labels.
    return base64.b64encode(printable_lines(target.getvalue().decode()).encode()).decode()


def as_text(value: Any, longest: int = LONGEST, decimals: int | None = None) -> str:
    """A cell as text: numbers to five digits or two decimals, nothing for a missing cell.

    With ``decimals``, numbers have so many.

    >>> as_text(3.14159265), as_text(1983), as_text(1227654.5), as_text(None), as_text("a\\tb")
    ('3.1416', '1983', '1227654.5', '', 'a\\\\tb')
    """
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if _is_number(value) and decimals is not None:
        return f"{float(value):.{decimals}f}"
    if _is_number(value) and not isinstance(value, numbers.Integral):
        number = float(value)
        is_large = abs(number) >= LARGE
        return np.format_float_positional(number, 2, trim="-") if is_large else f"{number:.5g}"
    text = printable(str(value))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number) and not isinstance(value, bool | np.bool_)
