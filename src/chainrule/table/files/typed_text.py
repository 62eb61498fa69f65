"""Columns of text as numbers, booleans and dates, if all of their cells are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

FIRST_TRIED = 1000  # cells of a column that are tried first
TYPED_AT_ONCE = 256  # columns converted together; each is in memory twice meanwhile


def typed(text: Any) -> Any:
    """Converts a polars series of text to the common type of its known cells.

    See ``typed_frame``.
    """
    return typed_frame(text.to_frame()).to_series()


def typed_frame(frame: Any) -> Any:
    """Converts each column of a polars frame of text to the common type of its known cells.

    Types are integers, floats, booleans, dates, times and text. Digits with a leading zero, as
    01007, stay text, since a number would lose it. Integers of more than 38 digits stay text as
    well.
    """
    import polars as pl

    casts: tuple[Callable[[Any], Any], ...] = (
        lambda t: t.cast(pl.Int64, strict=False),
        lambda t: t.cast(pl.UInt64, strict=False),
        lambda t: t.cast(pl.Int128, strict=False),
        lambda t: pl.when(t.str.contains(r"^[+-]?[0-9]+$").not_().any()).then(
            t.cast(pl.Float64, strict=False)
        ),
        lambda t: t.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        ),
        lambda t: t.str.to_date("%Y-%m-%d", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%dT%H:%M", time_unit="us", strict=False),
    )
    columns = list(frame.get_columns())
    unknown = [column.null_count() for column in columns]
    for start in range(0, len(columns), TYPED_AT_ONCE):
        left = [
            k for k in range(len(columns))[start : start + TYPED_AT_ONCE] if unknown[k] < len(frame)
        ]
        if left:  # leading zeros, as in zip codes, make no numbers
            zeros = each_column(
                [columns[k] for k in left], lambda t, _: t.str.contains(r"^[+-]?0[0-9]").any()
            )
            left = [k for k, found in zip(left, zeros, strict=True) if not found.item()]
        for cast in casts:
            heads = [columns[k].head(FIRST_TRIED) for k in left]
            # The first cells decide most columns, and take no memory.
            tried = each_column(heads, lambda t, _, cast=cast: cast(t)) if left else []
            left_out = [
                k
                for k, a, b in zip(left, heads, tried, strict=True)
                if b.null_count() > a.null_count()
            ]
            left = [k for k in left if k not in left_out]
            if not left:
                left = left_out
                continue
            found = each_column([columns[k] for k in left], lambda t, _, cast=cast: cast(t))
            for k, column in zip(left, found, strict=True):
                if column.null_count() == unknown[k]:
                    columns[k] = column
            left = left_out + [
                k for k, column in zip(left, found, strict=True) if column.null_count() > unknown[k]
            ]
    return pl.DataFrame(columns)


def each_column(columns: Sequence[Any], of: Callable[[Any, int], Any]) -> list[Any]:
    """Evaluates an expression of each polars series and its number in one query, which is fast.

    The series have numbers for names meanwhile, since polars takes a name such as ^a$ for a
    pattern.
    """
    import polars as pl

    frame = pl.DataFrame([column.alias(str(k)) for k, column in enumerate(columns)])
    found = frame.select(of(pl.col(str(k)), k) for k in range(len(columns))).get_columns()
    return [each.alias(column.name) for each, column in zip(found, columns, strict=True)]
