"""Cells that are no numbers or dates, in columns where most cells are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from chainrule.table.inference.infer_column import MOSTLY_NUMBERS, names_labels, no_numbers
from chainrule.table.inference.text_columns import text_of
from chainrule.table.table import Table
from chainrule.table.text.detect import detect
from chainrule.table.text.findings import Found
from chainrule.table.values.cells import is_observed, looks
from chainrule.table.values.distinct import Distinct

CODE_DIGITS = 5  # least length of whole numbers that are codes, such as postal codes; years have 4
CODE_ROWS = 10  # least mean number of rows of such a code


@dataclass(frozen=True)
class Strays:
    """The stray cells of a table, by the position of their column.

    Attributes:
        words: cells (N,) with a word of at least ``min_count`` rows, which stands for a missing
            cell.
        wrong: the other stray cells, (N,).
        codes: names of columns whose numbers name things: they repeat, and have one length.
    """

    words: dict[int, np.ndarray]
    wrong: dict[int, np.ndarray]
    codes: tuple[str, ...]


def find_strays(table: Table, *, known: Collection[str] = (), min_count: int) -> Strays:
    """The stray cells of columns of which four in five cells are numbers or dates.

    Args:
        table: the table.
        known: names of columns whose kinds are known, which have none.
        min_count: number of rows that make a word stand for missing cells.
    """
    words, wrong, codes = dict[int, np.ndarray](), dict[int, np.ndarray](), list[str]()
    for position, name in enumerate(table.names):
        if name in known or names_labels(table, name, table.dtypes[position]):
            continue
        stray = _strays(table, position, min_count)
        if not stray.any():
            continue
        labels = table.labels(position)
        if _are_codes(labels[~stray & is_observed(labels)]):
            codes.append(name)
            continue
        counts = Counter(map(str, labels[stray].tolist()))
        is_word = np.zeros(len(stray), dtype=bool)
        is_word[stray] = [counts[str(label)] >= min_count for label in labels[stray].tolist()]
        words[position], wrong[position] = is_word, stray & ~is_word
    return Strays(words, wrong, tuple(codes))


def _strays(table: Table, position: int, min_count: int) -> np.ndarray:
    """The stray cells (N,) of one column."""
    values = table.columns[position]
    column, nothing = Distinct(values), np.zeros(len(values), dtype=bool)
    if looks(column) != "label":
        return nothing
    name, text = table.names[position], table.as_written(position)
    text = text_of(table, name, column) if text is None else text
    if text is not None:
        found = detect(name, text, table.reading.of(name), min_count=min_count)
        if isinstance(found, Found) and found.notation and not found.notation.is_plain:
            read = found.notation.parse(text).is_not_null()
            return (text.is_not_null() & ~read).to_numpy()
    wrong = no_numbers(column)
    observed = int(column.counts[is_observed(column.cells)].sum())
    stray = wrong[column.codes]
    return stray if observed - stray.sum() >= MOSTLY_NUMBERS * observed else nothing


def _are_codes(labels: np.ndarray) -> bool:
    """Whether labels are whole numbers of one length that repeat."""
    counts = Counter(map(str, labels.tolist()))
    lengths = {len(label) for label in counts}
    return (
        len(lengths) == 1
        and min(lengths) >= CODE_DIGITS
        and all(map(str.isdecimal, counts))
        and counts.total() >= CODE_ROWS * len(counts)
    )
