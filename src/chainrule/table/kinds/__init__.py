"""Kinds of columns: each owns infer, encode, decode and log_scale."""

from __future__ import annotations

from types import ModuleType

from chainrule.table.kinds import binary, real

KINDS: dict[str, ModuleType] = {"binary": binary, "real": real}
