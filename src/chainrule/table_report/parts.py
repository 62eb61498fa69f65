"""What a section of the page holds: text, tables and pictures."""

from __future__ import annotations

import base64
import io
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.errors import printable

LONGEST, LONGEST_WRAPPED = 60, 400  # characters of a cell
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
        cls, label: str, names: Sequence[str], rows: Sequence[Sequence[Any]], *, wraps: bool = False
    ) -> Cells:
        """A table of values; a column holds numbers if all its cells do."""
        are_numbers = [
            bool(rows) and all(_is_number(row[k]) or row[k] is None for row in rows)
            for k in range(len(names))
        ]
        longest = LONGEST_WRAPPED if wraps else LONGEST
        shown = tuple(tuple(as_text(cell, longest) for cell in row) for row in rows)
        return cls(label, tuple(map(str, names)), shown, tuple(are_numbers), wraps)


@dataclass(frozen=True)
class Picture:
    """A picture as an SVG in base64, with the words for those who do not see it."""

    data: str
    alt: str


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side, "small" or "large"."""

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


def picture(axes: Any, alt: str) -> Picture:
    """The picture of matplotlib axes, the only ones of their figure; the figure is closed."""
    from matplotlib import pyplot as plt
    from matplotlib import rc_context

    target = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "chainrule"}):
        axes.figure.savefig(target, format="svg", metadata={"Date": None})
    plt.close(axes.figure)
    return Picture(base64.b64encode(target.getvalue()).decode(), alt)


def as_text(value: Any, longest: int = LONGEST) -> str:
    """A cell as text: numbers to five digits or two decimals, nothing for a missing cell.

    >>> as_text(3.14159265), as_text(1983), as_text(1227654.5), as_text(None), as_text("a\\tb")
    ('3.1416', '1983', '1227654.5', '', 'a\\\\tb')
    """
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if _is_number(value) and not isinstance(value, numbers.Integral):
        number = float(value)
        is_large = abs(number) >= LARGE
        return np.format_float_positional(number, 2, trim="-") if is_large else f"{number:.5g}"
    text = printable(str(value))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number) and not isinstance(value, bool | np.bool_)
