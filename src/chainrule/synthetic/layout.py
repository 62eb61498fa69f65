"""A result as tables of text, 80 characters wide: for print, a notebook and the command line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainrule import plain_html
from chainrule.errors import short_name

if TYPE_CHECKING:
    from chainrule.synthetic.apart import ToldApart
    from chainrule.synthetic.result import Fidelity, Quality

MOST_COLUMNS, MOST_PAIRS, MOST_FAULTS = 8, 6, 20  # that are shown; JSON has all
WIDTH = 80


@dataclass(frozen=True)
class Section:
    """A titled table.

    Attributes:
        title: the line above.
        columns: names of its columns.
        rows: its cells.
        words: number of columns, the first ones, that hold words; the others hold numbers.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


def sections(found: Quality) -> list[Section]:
    """The figures; the columns that give the rows away; pairs; faults."""
    return [
        section
        for section in (_figures(found), _columns(found), _pairs(found), _faults(found))
        if section.rows
    ]


def notes(found: Quality) -> list[str]:
    """Sentences below the tables."""
    said = []
    if max(found.rows.values()) > found.measured:
        said.append(
            f"Distances are those of {found.measured:,} rows of each larger table, drawn with "
            f"seed {found.seed}."
        )
    if found.utility is not None and found.utility.grouped:
        said.append(
            f"{short_name(found.utility.target)}: {found.utility.grouped:,} labels are predicted "
            "as one; the 20 most frequent ones are told apart."
        )
    if "holdout" not in found.rows:
        said.append("With held-out rows it says more: what such rows score, and nearest rows.")
    if len(found.faults) > MOST_FAULTS:
        said.append(f"{len(found.faults) - MOST_FAULTS} more faults are in the JSON.")
    if found.left_out:
        listed = "; ".join(f"{short_name(name)} ({why})" for name, why in found.left_out.items())
        said.append(f"Not compared: {listed}.")
    if found.ignored:
        said.append(f"Only synthetic: {', '.join(map(short_name, found.ignored))}.")
    return said


def _figures(found: Quality) -> Section:
    rows: list[tuple[str, str, str, str]] = []

    def add(words: str, of: Callable[[Fidelity], float | None], best: str = "1") -> None:
        rows.append((words, *_both(of, found.fidelity, found.holdout), best))

    add("column shapes, SDMetrics", lambda f: f.shapes)
    add("pair trends, SDMetrics", lambda f: f.trends)
    add("of associated columns", lambda f: f.associated_trends)
    add("accuracy of one column, mostlyai-qa", lambda f: f.accuracy.univariate)
    add("accuracy of two columns", lambda f: f.accuracy.bivariate)
    add("accuracy of three columns", lambda f: f.accuracy.trivariate)
    expected = found.fidelity.accuracy.expected
    add("accuracy, mean of these", lambda f: f.accuracy.overall, figure(expected))
    apart, other = found.told_apart, found.holdout_apart
    rows.append(("told apart by trees, AUC", _area(apart), _area(other), ".5"))
    rows.append(("told apart, score 2 (1 − AUC)", _score(apart), _score(other), "1"))
    if (use := found.utility) is not None:
        name = f"{short_name(use.target)} predicted from it, {use.measure.replace('R2', 'R²')}"
        rows.append((name, figure(use.synthetic), "", f"{figure(use.real)} (real)"))
    if (near := found.nearest) is not None:
        share = f"{figure(near.share)} ± {figure(near.standard_error)}"
        rows.append(("nearer to real than to held-out rows", share, "", ".5"))
    repeated = found.repeated
    held = repeated.holdout_of_real
    best = "" if held is None else "as held out"
    rows.append(("rows that equal a real row", percent(repeated.of_real), percent(held), best))
    real = f"{percent(repeated.real_of_own)} (real)"
    rows.append(("rows that equal one of their own", percent(repeated.of_own), "", real))
    counts = {name: f"{count:,}" for name, count in found.rows.items()}
    title = f"{counts['synthetic']} synthetic rows beside {counts['real']} real ones"
    if "holdout" not in counts:
        return Section(
            title,
            ("measure", "synthetic", "at best"),
            tuple((words, value, best) for words, value, _, best in rows if value),
        )
    return Section(
        f"{title}, {counts['holdout']} held out",
        ("measure", "synthetic", "held out", "at best"),
        tuple(row for row in rows if row[1]),
    )


def _columns(found: Quality) -> Section:
    apart = found.told_apart
    if apart is None:
        return _columns_by_accuracy(found)
    by_name = {column.name: column for column in found.fidelity.columns}
    rows = []
    for name in list(apart.lost)[:MOST_COLUMNS]:
        column = by_name[name]
        cells = (apart.lost[name], apart.alone.get(name), column.shape, column.accuracy)
        rows.append((short_name(name), column.kind, *map(figure, cells)))
    title = "Columns that give the rows away, the worst first"
    header = ("column", "kind", "AUC lost if shuffled", "AUC alone", "shape", "accuracy")
    return Section(title, header, tuple(rows), words=2)


def _columns_by_accuracy(found: Quality) -> Section:
    """The columns where there are too few rows to tell anything apart."""
    worst = sorted(found.fidelity.columns, key=lambda column: column.accuracy)[:MOST_COLUMNS]
    rows = tuple(
        (short_name(column.name), column.kind, figure(column.shape), figure(column.accuracy))
        for column in worst
    )
    header = ("column", "kind", "shape", "accuracy")
    return Section("Columns, the least accurate first", header, rows, words=2)


def _pairs(found: Quality) -> Section:
    apart = found.told_apart
    trends = {(pair.first, pair.second): pair for pair in found.fidelity.pairs}
    rows = []
    for pair in () if apart is None else apart.telling_pairs[:MOST_PAIRS]:
        known = trends.get((pair.first, pair.second)) or trends.get((pair.second, pair.first))
        trend, accuracy = (None, None) if known is None else (known.trend, known.accuracy)
        cells = map(figure, (pair.auc, pair.gain, trend, accuracy))
        rows.append((short_name(pair.first), short_name(pair.second), *cells))
    header = ("column", "with", "AUC of the two", "more than alone", "trend", "accuracy")
    title = "Pairs that give them away more than each column alone"
    return Section(title, header, tuple(rows), words=2)


def _faults(found: Quality) -> Section:
    rows = tuple(
        (short_name(fault.column), fault.what, fault.example, percent(fault.share))
        for fault in found.faults[:MOST_FAULTS]
    )
    return Section(
        "Cells that the real columns could not have", ("column", "what", "first", "cells"), rows, 3
    )


def figure(number: float | None) -> str:
    """Three digits after the point, without the zero before it; "" for no number.

    >>> figure(0.5), figure(-0.0004), figure(1.0), figure(None)
    ('.500', '.000', '1.000', '')
    """
    if number is None or math.isnan(number):
        return ""
    written = f"{number:.3f}".replace("-0.000", "0.000")
    return written.replace("0.", ".", 1) if abs(number) < 1 and "0." in written[:3] else written


def percent(share: float | None) -> str:
    """A share in per cent; two digits if it is small.

    >>> percent(0.123), percent(0.00012), percent(0.0)
    ('12.3 %', '0.012 %', '0 %')
    """
    if share is None:
        return ""
    if 0 < share < 0.001:
        return f"{100 * share:.2g} %"
    return f"{100 * share:.1f} %" if share else "0 %"


def as_text(section: Section) -> str:
    """The table in plain text of at most 80 characters a line; longer words are wrapped."""
    table = [section.columns, *section.rows]
    widths = [max(len(row[k]) for row in table) for k in range(len(section.columns))]
    room = WIDTH - 2 * (len(widths) - 1)
    least = [
        max(len(word) for row in table for word in (row[k].split() or [""]))
        for k in range(len(widths))
    ]
    while sum(widths) > room and any(w > low for w, low in zip(widths, least, strict=True)):
        can = [k for k in range(len(widths)) if widths[k] > least[k]]
        widths[max(can, key=lambda k: widths[k])] -= 1
    lines = [section.title]
    for row in table:
        cells = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
        for number in range(max(map(len, cells))):
            parts = [cell[number] if number < len(cell) else "" for cell in cells]
            aligned = [
                part.ljust(width) if k < section.words else part.rjust(width)
                for k, (part, width) in enumerate(zip(parts, widths, strict=True))
            ]
            lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)


def as_html(section: Section) -> str:
    """The table in HTML; names are escaped."""
    return plain_html.table(section.columns, section.rows, title=section.title)


def _wrapped(cell: str, width: int) -> Sequence[str]:
    lines = [""]
    for word in cell.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _both(
    of: Callable[[Fidelity], float | None], one: Fidelity, other: Fidelity | None
) -> tuple[str, str]:
    return figure(of(one)), "" if other is None else figure(of(other))


def _score(apart: ToldApart | None) -> str:
    return "" if apart is None else figure(apart.score)


def _area(apart: ToldApart | None) -> str:
    return "" if apart is None else f"{figure(apart.auc)} ± {figure(apart.standard_error)}"
