"""The style of a column of numbers: the signs, currency and decimals of most of its cells."""

from __future__ import annotations

from typing import Any

from chainrule.table.text.number_notation import MINUSES, MOST_DECIMALS, NumberNotation

Marks = tuple[str, str, int]  # decimal mark, thousands, grouping


def style_of(marks: Marks, prefix: str, suffix: str, shape: Any, min_count: int) -> NumberNotation:
    """The most frequent style of cells of this shape, which these marks read, as a notation."""
    decimal, thousands, grouping = marks
    weight = shape["weight"]
    body = shape["body"].str.replace("[eE].*$", "")
    whole = body.str.split(decimal).list.first() if decimal else body
    least, most = _decimals(body, decimal, shape, min_count)
    digits = whole.str.replace_all("[^0-9]", "").str.len_chars()
    is_grouped = whole.str.contains("[^0-9]")
    longest = int(digits.filter(~is_grouped).max() or 0)
    if thousands in (" ", "'") and is_grouped.any():
        used = whole.filter(is_grouped).str.replace_all("[0-9]", "").str.slice(0, 1)
        thousands = _commonest(used, weight.filter(is_grouped))
    if not is_grouped.any():
        thousands, grouping = "", 3
    # Four digits stand together where only longer numbers are grouped: 1234 beside 12.345.
    keeps_four = longest == 4 and thousands and int(digits.filter(is_grouped).min() or 0) > 4
    minus, minus_at, plus = _signs(shape, prefix)
    has_affix = (shape["prefix"] != "") | (shape["suffix"] != "")
    before, behind = (
        _commonest(shape[side].filter(has_affix), weight.filter(has_affix)) if affix else ""
        for side, affix in (("before", prefix), ("behind", suffix))
    )
    has_exponents = bool(shape["body"].str.contains("[eE]").any())
    dashes = shape.filter(shape["dash"] != "")
    return NumberNotation(
        decimal=decimal,
        thousands=thousands,
        grouping=grouping,
        grouped_from=5 if keeps_four else 4,
        prefix=prefix + before,
        suffix=behind + suffix,
        minus=minus,
        minus_at=minus_at,
        plus=plus,
        least_decimals=0 if has_exponents else min(least, most),
        most_decimals=most,
        exponent=has_exponents,
        dash=_commonest(dashes["dash"], dashes["weight"]) if len(dashes) else "",
    )


def _decimals(body: Any, decimal: str, shape: Any, min_count: int) -> tuple[int, int]:
    """The least and the most decimals that cells are written with."""
    fraction = body.str.split(decimal).list.get(1, null_on_oob=True).fill_null("")
    weight = shape["weight"]
    has_decimals = shape["dash"] == ""  # dashes replace the decimals of the others
    if has_decimals.any():
        fraction, weight = fraction.filter(has_decimals), weight.filter(has_decimals)
    lengths = fraction.str.len_chars()
    most = _shared(lengths, weight, min_count)
    if fraction.str.contains("[0-9]0$").any() or lengths.n_unique() == 1:  # zeros are kept
        return _commonest(lengths, weight), most
    return int((fraction == "0").any()), most  # programs write 12 as 12.0


def _signs(shape: Any, prefix: str) -> tuple[str, str, bool]:
    """The sign of negative cells, its position, and whether positive ones have a plus."""
    import polars as pl

    front, inner, after, end = (shape[part] for part in ("front", "inner", "after", "end"))
    signs = pl.DataFrame(
        {
            "sign": front + inner + after + end,
            "is_front": front != "",
            "is_inner": inner != "",
            "weight": shape["weight"],
        }
    )
    is_minus = pl.col("sign").str.contains(f"[({MINUSES}]")
    above = signs.filter(~is_minus & shape["body"].str.contains("[1-9]"))["sign"]
    plus = len(above) > 0 and bool((above == "+").all())
    below = signs.filter(is_minus)
    if not len(below):
        return "-", "front", plus
    minus = _commonest(below["sign"], below["weight"])
    is_front, is_inner = (
        bool(_commonest(below[part], below["weight"])) for part in ("is_front", "is_inner")
    )
    if minus == "()":
        return "-", "parentheses" if is_front else "inside", plus
    if is_front:
        return minus, "front", plus
    if is_inner:
        return minus, "number" if prefix else "front", plus
    return minus, "end", plus


def _commonest(values: Any, weight: Any) -> Any:
    import polars as pl

    counted = pl.DataFrame({"v": values, "w": weight}).group_by("v").agg(pl.col("w").sum())
    return counted.sort("w", "v", descending=True).item(0, 0)


def _shared(lengths: Any, weight: Any, min_count: int) -> int:
    """The largest number of decimals that at least ``min_count`` cells reach.

    The decimals of a single cell are not stored.
    """
    import polars as pl

    counted = pl.DataFrame({"n": lengths, "w": weight}).sort("n", descending=True)
    enough = counted["w"].cum_sum() >= min(min_count, int(counted["w"].sum()))
    return min(int(counted["n"].filter(enough).item(0)), MOST_DECIMALS)
