"""Numbers that no notation reads, and what to write instead: limits such as <5, pairs as 10-20."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np

from chainrule.table.text.detect_numbers import may_be_amount
from chainrule.table.text.detect_units import DIGITS, may_have_unit
from chainrule.table.text.findings import MANY_NUMBERS, MOSTLY, Doubt, listed

BOUND = r"[<>]=?|=[<>]|[≤≥≦≧⩽⩾~≈]|(?:ca|approx|about|over|under|up to|less than|more than)\.?"
LIMIT = re.compile(
    rf"(?:(?:{BOUND})\s?(?P<behind>[+-]?{DIGITS})(?:\s?[^\W\d_]\S*)?"
    rf"|(?P<before>{DIGITS})\s?(?:\+|or more|or less|or fewer|plus))",
    re.IGNORECASE,
)
FIGURE = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
SEVERAL = re.compile(r"[0-9][0-9.,]*(?:[^0-9.]{1,8}[0-9][0-9.,]*){1,2}[^0-9]{0,6}")
LEADING_ZERO = re.compile(r"(?<![0-9.,])0[0-9]")


def may_be_unread(cell: str) -> bool:
    """Whether a cell looks like a limit, or like several numbers.

    >>> may_be_unread("<5"), may_be_unread("10-20"), may_be_unread("B12")
    (True, True, False)
    """
    return LIMIT.fullmatch(cell) is not None or SEVERAL.fullmatch(cell) is not None


def limit_of(cell: str) -> str | None:
    """The number in a limit, as it is written; None for other cells.

    >>> limit_of("≥ 300"), limit_of("300+"), limit_of("300")
    ('300', '300', None)
    """
    found = LIMIT.fullmatch(cell.strip())
    return None if found is None else found["behind"] or found["before"]


def doubt_of_limits(cells: Any, weight: np.ndarray, min_count: int) -> Doubt | None:
    """The reason for numbers some of which are limits; None if there are few, or none.

    Args:
        cells: a polars series of the different cells.
        weight: the number of rows with each of these cells.
        min_count: fewest rows that share what the reason says.
    """
    texts = cells.to_list()
    is_limit = np.array([limit_of(cell) is not None for cell in texts], dtype=bool)
    count = int(weight[is_limit].sum())
    if count < min_count or len(texts) < MANY_NUMBERS or is_limit.all():
        return None
    is_number = np.array([may_be_amount(cell) or may_have_unit(cell) for cell in texts], dtype=bool)
    if weight[is_limit | is_number].sum() < MOSTLY * weight.sum():
        return None
    known = [cell for cell, n, is_one in zip(texts, weight, is_limit, strict=True)
             if is_one and n >= min_count]  # fmt: skip
    such = f", such as {listed(known[:2])}," if known else ""
    return Doubt(
        f"numbers of which {count} are limits{such} and not read: write the numbers alone, and "
        "mark the limits in a column of their own, or leave these cells empty"
    )


def doubt_of_several(cells: Any, weight: np.ndarray) -> Doubt | None:
    """The reason for two or three numbers in each of many cells, such as 10-20 or 5 lb 3 oz.

    None if they are parts of codes: with leading zeros, or of the same lengths in all cells.
    """
    if len(cells) < MANY_NUMBERS or SEVERAL.fullmatch(cells[0]) is None:
        return None
    texts, shapes = cells.to_list(), Counter[str]()
    for cell, rows in zip(texts, weight.tolist(), strict=True):
        if SEVERAL.fullmatch(cell):
            shapes[FIGURE.sub("#", cell)] += rows
    shape, rows = shapes.most_common(1)[0]
    if rows < MOSTLY * weight.sum() or "." in shape or not 2 <= shape.count("#") <= 3:
        return None
    some = [cell for cell in texts if FIGURE.sub("#", cell) == shape]
    lengths = {tuple(map(len, FIGURE.findall(cell))) for cell in some}
    if len(lengths) == 1 or any(map(LEADING_ZERO.search, some)):
        return None
    example = shape
    for figure in ("10", "20", "30"):
        example = example.replace("#", figure, 1)
    return Doubt(
        f"{'two' if shape.count('#') == 2 else 'three'} numbers in a cell, as in {example}, which "
        "are not read: put each into a column of its own"
    )
