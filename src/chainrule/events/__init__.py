"""Events of a table's rows: parsed from words, polars expressions or dicts, and bound to columns.

A question becomes a tree of comparisons, the tree becomes regions of codes. This room knows
schemas, and no network. Nothing that a user writes is evaluated.
"""

from __future__ import annotations

from chainrule.events.boxes import MISSING, PRESENT, Box, boxes_of
from chainrule.events.event import (
    AllOf,
    Always,
    AnyOf,
    Cell,
    Event,
    Missing,
    Not,
    Relation,
    Rows,
    columns_in,
    conjunction,
    holds,
    is_conjunction,
    negation,
)
from chainrule.events.question import event_of, events_of, is_words
from chainrule.events.regions import Intervals, Levels, Region

__all__ = [
    "MISSING",
    "PRESENT",
    "AllOf",
    "Always",
    "AnyOf",
    "Box",
    "Cell",
    "Event",
    "Intervals",
    "Levels",
    "Missing",
    "Not",
    "Region",
    "Relation",
    "Rows",
    "boxes_of",
    "columns_in",
    "conjunction",
    "event_of",
    "events_of",
    "holds",
    "is_conjunction",
    "is_words",
    "negation",
]
