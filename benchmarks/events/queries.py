"""Conjunctive questions about a table, as drawn by a published benchmark of cardinality estimation.

Source: Wang, Qu, Wu et al., "Are We Ready For Learned Cardinality Estimation?", PVLDB 14 (2021),
arXiv:2012.06743. A question asks 1 … D columns, each number equally likely. Its centre is a row of
the table, or in a tenth of the questions a value drawn for each column alone from its different
values. A label must equal the centre. A number must lie within a range around it, whose width is
uniform, or exponential with a tenth of the column's range as its mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

APART = 0.1  # share of the centres that are no row
EXPONENTIAL = 0.5  # share of the questions with exponential widths

Question = dict[str, Any]
"""By column: a label, or a tuple (low, high) with None where there is no end."""


def questions(table: pl.DataFrame, n: int, seed: int) -> list[Question]:
    """Returns so many questions about a table."""
    rng = np.random.default_rng(seed)
    values = {name: table[name].unique().sort() for name in table.columns}
    return [_question(table, values, rng) for _ in range(n)]


def _question(
    table: pl.DataFrame, values: dict[str, pl.Series], rng: np.random.Generator
) -> Question:
    count = int(rng.integers(1, table.width + 1))
    names = rng.choice(table.columns, size=count, replace=False).tolist()
    row = int(rng.integers(len(table)))
    is_row, is_exponential = rng.random() >= APART, rng.random() < EXPONENTIAL
    found: Question = {}
    for name in names:
        of = values[name]
        centre = table[row, name] if is_row else of[int(rng.integers(len(of)))]
        if table.schema[name] == pl.String:
            found[name] = centre
            continue
        low, high = float(of[0]), float(of[-1])
        width = rng.exponential((high - low) / 10) if is_exponential else rng.uniform(0, high - low)
        first, last = centre - width / 2, centre + width / 2
        if first <= low:
            found[name] = (None, last)
        else:
            found[name] = (first, None if last >= high else last)
    return found


def counts(table: pl.DataFrame, asked: list[Question]) -> np.ndarray:
    """Returns the number of rows in which each question holds."""
    columns = {name: table[name].to_numpy() for name in table.columns}
    found = np.zeros(len(asked), np.int64)
    for place, question in enumerate(asked):
        inside = np.ones(len(table), dtype=bool)
        for name, part in question.items():
            cells = columns[name]
            if isinstance(part, tuple):
                low, high = part
                inside &= True if low is None else cells >= low
                inside &= True if high is None else cells <= high
            else:
                inside &= cells == part
        found[place] = inside.sum()
    return found


def wider(question: Question, rng: np.random.Generator) -> Question:
    """Returns a question that holds wherever this one does: a range is wider, or a column gone."""
    name = str(rng.choice(list(question)))
    part = question[name]
    if isinstance(part, tuple) and rng.random() < 0.5:
        low, high = part
        if low is not None and (high is None or rng.random() < 0.5):
            return {**question, name: (None, high) if high is not None else (low / 2 - 1, None)}
        return {**question, name: (low, high * 1.2 + 1)}
    rest = {other: each for other, each in question.items() if other != name}
    return rest or {name: (None, 1e9)} if isinstance(part, tuple) else rest or question
