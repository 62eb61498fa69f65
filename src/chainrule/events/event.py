"""Events over the columns of a schema: cells in regions, missing cells, and their combinations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from chainrule.events.regions import Region

ROUNDING = 1e-9  # sums of columns that differ by less, relative to their terms, are equal


class Rows(Protocol):
    """Rows of codes, as ``holds`` reads them."""

    def codes(self, column: int) -> np.ndarray:
        """The codes (N,) of a column; those of missing cells have no meaning."""
        ...

    def missing(self, column: int) -> np.ndarray | None:
        """Marks the missing cells (N,) of a column; None if none can be missing."""
        ...

    def numbers(self, column: int) -> np.ndarray:
        """The values (N,) of a column as float64, dates in days; NaN where there is no number."""
        ...

    def labels(self, column: int) -> np.ndarray:
        """The labels (N,) of a column as objects; None where one has no name."""
        ...

    def known(self, event: Event) -> np.ndarray | None:
        """The answer (N,) to an event that was asked before, if it is kept."""
        ...

    def keep(self, event: Event, found: np.ndarray) -> None:
        """Takes the answer (N,) to a cell's event, to keep it."""
        ...

    def __len__(self) -> int:
        """The number of rows."""
        ...


@dataclass(frozen=True)
class Always:
    """The event that holds in every row, or in none."""

    holds: bool


@dataclass(frozen=True)
class Cell:
    """A column's cell is not missing, and its code lies in a region."""

    column: int
    region: Region


@dataclass(frozen=True)
class Missing:
    """A column's cell is missing."""

    column: int


@dataclass(frozen=True)
class Relation:
    """Cells of several columns are not missing, and their sum has a relation to zero.

    Attributes:
        factors: (column, factor) pairs; empty if two columns of labels are compared.
        constant: a number, added to the sum.
        sign: one of < <= > >= == !=.
        columns: the columns.
    """

    factors: tuple[tuple[int, float], ...]
    constant: float
    sign: str
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Not:
    """An event does not hold."""

    of: Event


@dataclass(frozen=True)
class AllOf:
    """All of some events hold."""

    of: tuple[Event, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of some events holds."""

    of: tuple[Event, ...]


Event: TypeAlias = Always | Cell | Missing | Relation | Not | AllOf | AnyOf


def conjunction(*events: Event) -> Event:
    """Returns the event that all of these hold."""
    parts: list[Event] = []
    for event in events:
        if event == Always(False):
            return event
        if event != Always(True) and event not in parts:
            parts += event.of if isinstance(event, AllOf) else (event,)
    if not parts:
        return Always(True)
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def disjunction(*events: Event) -> Event:
    """Returns the event that at least one of these holds."""
    return negation(conjunction(*map(negation, events)))


def negation(event: Event) -> Event:
    """Returns the event that this one does not hold."""
    if isinstance(event, Always):
        return Always(not event.holds)
    if isinstance(event, Not):
        return event.of
    if isinstance(event, AllOf):
        return AnyOf(tuple(map(negation, event.of)))
    if isinstance(event, AnyOf):
        return AllOf(tuple(map(negation, event.of)))
    return Not(event)


def is_conjunction(event: Event) -> bool:
    """Whether an event is that some cells lie in their regions."""
    parts = event.of if isinstance(event, AllOf) else (event,)
    return all(isinstance(part, Cell) for part in parts)


def columns_in(event: Event) -> set[int]:
    """Returns the columns that an event asks about."""
    if isinstance(event, Cell | Missing):
        return {event.column}
    if isinstance(event, Relation):
        return set(event.columns)
    if isinstance(event, Not):
        return columns_in(event.of)
    if isinstance(event, AllOf | AnyOf):
        return set().union(*map(columns_in, event.of))
    return set()


def leaves_of(event: Event) -> list[Cell | Missing | Relation]:
    """Returns the events of which this one is composed, each once."""
    if isinstance(event, Cell | Missing | Relation):
        return [event]
    if isinstance(event, Not):
        return leaves_of(event.of)
    if isinstance(event, AllOf | AnyOf):
        return list(dict.fromkeys(leaf for each in event.of for leaf in leaves_of(each)))
    return []


def holds(event: Event, rows: Rows) -> np.ndarray:
    """Marks the rows (N,) in which an event holds."""
    match event:
        case Always():
            return np.full(len(rows), event.holds)
        case Not():
            return ~holds(event.of, rows)
        case AllOf():
            found = holds(event.of[0], rows)
            for each in event.of[1:]:
                found = found & holds(each, rows)
            return found
        case AnyOf():
            found = holds(event.of[0], rows)
            for each in event.of[1:]:
                found = found | holds(each, rows)
            return found
    found = rows.known(event)
    if found is None:
        found = _leaf(event, rows)
        rows.keep(event, found)
    return found


def _leaf(event: Cell | Missing | Relation, rows: Rows) -> np.ndarray:
    if isinstance(event, Missing):
        missing = rows.missing(event.column)
        return np.zeros(len(rows), dtype=bool) if missing is None else missing
    if isinstance(event, Cell):
        return _present(event.region.contains(rows.codes(event.column)), rows, (event.column,))
    if not event.factors:
        first, second = (rows.labels(column) for column in event.columns)
        is_named = (first != None) & (second != None)  # noqa: E711  # of each object
        found = is_named & ((first == second) == (event.sign == "=="))
        return _present(found.astype(bool), rows, event.columns)
    total, size = np.full(len(rows), event.constant), np.full(len(rows), abs(event.constant))
    for column, factor in event.factors:
        part = factor * rows.numbers(column)
        total, size = total + part, np.maximum(size, np.abs(part))
    with np.errstate(invalid="ignore"):
        total = np.where(np.abs(total) <= ROUNDING * size, 0.0, total)
        found = {
            "<": total < 0,
            "<=": total <= 0,
            ">": total > 0,
            ">=": total >= 0,
            "==": total == 0,
            "!=": total != 0,
        }[event.sign]
    return _present(found & ~np.isnan(total), rows, event.columns)


def _present(found: np.ndarray, rows: Rows, columns: tuple[int, ...]) -> np.ndarray:
    for column in columns:
        missing = rows.missing(column)
        if missing is not None:
            found = found & ~missing
    return found
