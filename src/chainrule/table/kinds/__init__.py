"""Kinds of columns: each owns infer, encode and decode."""

from __future__ import annotations

from types import ModuleType

from chainrule.table.kinds import binary

KINDS: dict[str, ModuleType] = {"binary": binary}
