"""Detects numbers that are followed by a unit, such as kg, and which unit it is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.table.text.detect_numbers import CURRENCY, detect_numbers
from chainrule.table.text.findings import MANY_NUMBERS, MOSTLY, Doubt, Found, but_for, listed
from chainrule.table.text.number_notation import (
    APOSTROPHES,
    DIGIT_FIRST,
    GAP,
    MINUSES,
    SIGNS,
    SPACES,
    NumberNotation,
)
from chainrule.table.text.reading_options import ColumnReading

SEVERAL = 4  # so few single words behind most numbers are different units, and not names of streets
ORDINALS = {"st", "nd", "rd", "th"}
# One letter right behind whole numbers is a unit if it is among these: lengths, masses, volumes,
# times, thousands, multiples. Others, and capitals, are more often codes of seats, flats and
# products: 1A, 2A, 30A. Behind all of a column's numbers, and with a space, each is a unit.
ATTACHED = set("mgltshdwykx")
DIGITS = rf"[0-9](?:[0-9.,{APOSTROPHES}{SPACES}]*[0-9])?"
NUMBER = (
    rf"[+{MINUSES}]?{GAP}(?:(?:{CURRENCY}){GAP})?[+{MINUSES}]?"
    rf"(?:{DIGITS}|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?"
)
LETTER = rf"(?:[^\W\d_]|[{SIGNS}°%‰µΩ])"
WORD = rf"{LETTER}(?:{LETTER}|[0-9²³¹⁻/·*^.-]){{0,14}}"
UNIT = rf"^({NUMBER})([{SPACES}]?)(/?{WORD}(?: {WORD}){{0,2}})$"


def may_have_unit(cell: str) -> bool:
    """Whether a cell looks like a number with a unit.

    >>> may_have_unit("1.5 m2"), may_have_unit("10-20")
    (True, False)
    """
    return re.fullmatch(UNIT, cell) is not None


def detect_units(
    name: str,
    cells: Any,
    weight: np.ndarray,
    options: ColumnReading,
    min_count: int,
    *,
    as_numbers: bool = False,
) -> Found | Doubt | None:
    """The notation of many different numbers that are followed by one unit, such as kg.

    A doubt if only most of them are, or if there are several units. Numbers without a unit, among
    many with one, count as numbers of this unit, as amounts without a currency do.

    Args:
        name: the name of the column, for messages.
        cells: a polars series of its different cells, the most frequent first.
        weight: the number of rows with each of these cells.
        options: the user's options for the column.
        min_count: fewest rows that share a fact in the reason of a doubt.
        as_numbers: whether the user says that these are numbers: then few suffice, and codes.
    """
    import polars as pl

    found = cells.str.extract_groups(UNIT).struct.unnest()
    found.columns = ["number", "gap", "unit"]
    found = found.with_columns(pl.Series("weight", weight), cells.alias("cell"))
    units = _counted(found.drop_nulls("unit"), "unit")
    least = 1 if as_numbers else MANY_NUMBERS
    if not units or len(found.drop_nulls("unit")) < least:
        return None
    unit = max(sorted(units), key=units.__getitem__)
    if sum(units.get(end, 0) for end in ORDINALS) >= MOSTLY * weight.sum():
        return Doubt("ordinals such as 1st and 2nd, which are not read: write 1 and 2")
    forms = {unit, *(other for other in units if are_forms(unit, other))}
    has_unit = found["unit"].is_in(list(forms)).fill_null(False).to_numpy()
    is_bare = found["cell"].str.contains(f"^{NUMBER}$").to_numpy()
    total, known = weight.sum(), weight[has_unit].sum()
    if known < min_count or weight[has_unit | is_bare].sum() < MOSTLY * total:
        return _several(found, units, min_count)
    if not as_numbers and _may_be_codes(found.filter(pl.Series(has_unit))):
        return Doubt(_codes(name, unit)) if known >= MOSTLY * total else None
    if not (has_unit | is_bare).all():
        return _others(name, found, unit, has_unit | is_bare, min_count)
    if known < MOSTLY * total:
        return Doubt(
            f"numbers of which {int(total - known)} of {int(total)} have no {unit!r} behind them: "
            "write it behind all of them, or behind none"
        )
    return _read(name, found, forms, options, min_count)


def are_forms(unit: str, other: str) -> bool:
    """Whether two units are the singular and the plural of one.

    >>> are_forms("days", "day"), are_forms("cities", "city"), are_forms("mg", "g")
    (True, True, False)
    """
    one, many = sorted((unit, other), key=len)
    if many == f"{one}s":
        return len(one) > 1
    stem = one[:-1] if one.endswith("y") else one
    return len(one) > 2 and many.startswith(stem) and many[len(stem) :] in ("es", "ies", "e", "n")


def _read(
    name: str, found: Any, forms: set[str], options: ColumnReading, min_count: int
) -> Found | Doubt | None:
    """The notation of numbers that have a unit in one of its forms, or none."""
    import polars as pl

    has_unit = found["unit"].is_in(list(forms)).fill_null(False)
    bodies = pl.select(pl.when(has_unit).then(found["number"]).otherwise(found["cell"])).to_series()
    numbers = detect_numbers(name, bodies, found["weight"].to_numpy(), options, min_count)
    if not isinstance(numbers, Found) or not isinstance(numbers.notation, NumberNotation):
        return numbers
    written = found.filter(has_unit).with_columns((pl.col("gap") + pl.col("unit")).alias("suffix"))
    is_one = written["number"].str.contains("^[^0-9]*1$")
    many, one = (_commonest(written.filter(each)) for each in (~is_one, is_one))
    suffix = many or one
    if re.match(DIGIT_FIRST, suffix.strip()):  # e2 would be an exponent
        return None
    shared = written.filter(is_one & (written["suffix"] == one))["weight"].sum() >= min_count
    singular = one if one.strip() != suffix.strip() and shared else ""
    strays = [each for each in numbers.strays if each]
    return Found(
        replace(numbers.notation, suffix=suffix, singular=singular),
        tuple(found["cell"].filter(bodies.is_in(strays)).to_list()),
        unmarked=tuple(found["cell"].filter(~has_unit).to_list()),
    )


def _commonest(written: Any) -> str:
    counts = _counted(written, "suffix")
    return max(sorted(counts), key=counts.__getitem__, default="")


def _counted(frame: Any, by: str) -> dict[str, int]:
    import polars as pl

    return dict(frame.group_by(by).agg(pl.col("weight").sum()).iter_rows())


def _may_be_codes(found: Any) -> bool:
    """Whether whole numbers, each with the same letter right behind, may be codes such as 12A."""
    letters = found["unit"].unique().to_list()
    return (
        len(letters) == 1
        and len(letters[0]) == 1
        and letters[0].isalpha()
        and letters[0] not in ATTACHED
        and bool((found["gap"] == "").all())
        and bool(found["number"].str.contains("^[0-9]+$").all())
    )


def _codes(name: str, letter: str) -> str:
    return (
        f"whole numbers with {letter!r} right behind them, which may be codes: kinds={{{name!r}: "
        "'integer'} reads them as numbers, and so does a space before the unit"
    )


def _several(found: Any, units: dict[str, int], min_count: int) -> Doubt | None:
    """A doubt if most cells are numbers with one of a few units; None if they are labels."""
    known = {unit: n for unit, n in units.items() if n >= min_count and " " not in unit}
    few = sorted(known, key=lambda unit: (-known[unit], unit))[:SEVERAL]
    are_codes = all(len(unit) == 1 and unit.isalpha() for unit in few) and bool(
        found.drop_nulls("unit")["number"].str.contains("^[0-9]+$").all()
    )
    covered = sum(known[unit] for unit in few)
    if len(few) < 2 or covered < MOSTLY * found["weight"].sum() or are_codes:
        return None
    return Doubt(
        f"numbers with several units, such as {listed(few[:2])}, which are not read: convert them "
        "to one, or put the unit into a column of its own"
    )


def _others(name: str, found: Any, unit: str, read: np.ndarray, min_count: int) -> Doubt:
    """A doubt about numbers with a unit, among which a few cells are something else."""
    import polars as pl

    weight = found["weight"].to_numpy()
    other = found.filter(pl.Series(~read))
    if other["unit"].is_null().all() and (other["weight"] >= min_count).all():
        what = f"numbers with {unit!r}"
        return Doubt(but_for(name, what, found["cell"], weight, read, min_count))
    units = _counted(other.drop_nulls("unit"), "unit")
    shared = [each for each in sorted(units) if units[each] >= min_count]
    such = f", such as {listed(shared[:1])}," if shared else ""
    return Doubt(
        f"numbers with {unit!r} behind most, and something else{such} in "
        f"{int(weight[~read].sum())} cells: write all of them with {unit!r}, or leave the others "
        "empty"
    )
