"""Which columns depend on each other, and how."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.plots import dependence, pairs, shares
from chainrule.table import encode
from chainrule.table_report.asked import MOST_NAMED, Asked, unseen
from chainrule.table_report.parts import Cells, Picture, Pictures, Section, Text, picture
from chainrule.tasks.dependence import information

MOST_PAIRS, PAIR_PICTURES = 12, 9
MOST_WIDE = 30  # columns up to which all pairs are compared
TALL = 3.2  # inches of a picture of two columns of numbers
LEAST_BITS = 0.02  # of a pair that has a picture
SAID = """Bits that one column says about the other, by the model: 0 if they are independent, and at
most the bits of the one that has fewer. Numbers that have a density have no such bound. The error
is that of the rows that were drawn to measure it."""
HOW = """How the closest pairs depend, by 20,000 rows that the model draws. Bars are the shares of
one column at each value of the other; dashes across them are the table's own shares. Two columns
of numbers are shades of the model, with dots for rows of the table."""


def depend(asked: Asked) -> Section | None:
    """Which columns depend on each other, with a picture for each of the closest pairs."""
    shown, model = asked.shown, asked.model
    if not asked.any_evidence or not 2 <= len(shown) <= MOST_WIDE:
        return None
    with unseen():
        found = information(model, seed=asked.seed)
    rows = [
        [found.names[i], found.names[j], found.bits[i, j], found.most(i, j), found.errors[i, j]]
        for i, j in found.pairs[:MOST_PAIRS]
    ]
    names = ["column", "other", "bits", "of at most", "error"]
    digits = {"bits": 3, "of at most": 2, "error": 3}
    alt = "Mutual information of all pairs of columns"
    wide = picture(
        dependence.drawn(found, None),
        alt,
        narrow=dependence.drawn(found, None, is_narrow=True),
    )
    parts = [
        Text(_line(SAID)),
        Cells.of("pairs", names, rows, digits=digits),
        Text(_line(HOW)),
        Pictures(_pictures(asked, rows)),
        Text("All pairs at a glance; darker cells have more bits:"),
        Pictures((wide,), "wide"),
    ]
    gist = ", ".join(f"{a} and {b} ({_bits(of, most)})" for a, b, of, most, _ in rows[:MOST_NAMED])
    return Section("dependence", "Who depends on whom", tuple(parts), gist)


def _pictures(asked: Asked, rows: list[list[Any]]) -> tuple[Picture, ...]:
    """A picture for each of the first pairs that say something about each other."""
    model, close = asked.model, [row for row in rows if row[2] >= LEAST_BITS][:PAIR_PICTURES]
    with unseen():
        drawn = pairs.codes_drawn(model, None, asked.seed)
        real = encode(asked.some, model.schema, warn=False)
        real = np.where(real.observed, real.values, np.nan)
    return tuple(
        _of_pair(asked, drawn, real, first, second, bits, least)
        for first, second, bits, least, _ in close
    )


def _of_pair(
    asked: Asked,
    drawn: np.ndarray,
    real: np.ndarray,
    first: Any,
    second: Any,
    bits: float,
    least: float | None,
) -> Picture:
    model, number = asked.model, asked.model.schema.number
    caption = f"{first} and {second}: {_bits(bits, least)}"
    if (way := shares.which(model, drawn, number(first), number(second))) is None:
        columns = number(first), number(second)
        axes = pairs.shown(model, columns, drawn, real, asked.seed)
        said = f"{first} and {second}: model and table"
        return picture(axes, said, caption=caption, height=TALL)
    column, by = way
    axes = shares.shown(model, column, by, drawn, real)
    said = f"Shares of {model.schema.names[column]} by {model.schema.names[by]}"
    return picture(axes, said, caption=caption)


def _bits(bits: float, most: float | None) -> str:
    return f"{bits:.2f} bits" if most is None else f"{bits:.2f} of at most {most:.2f} bits"


def _line(text: str) -> str:
    return " ".join(text.split())
