"""Kinds of columns: each owns infer, encode, decode, log_scale, is_mass and atom_codes."""

from __future__ import annotations

from types import ModuleType

from chainrule.table.kinds import binary, categorical, datetime, integer, real

KINDS: dict[str, ModuleType] = {
    "binary": binary,
    "categorical": categorical,
    "datetime": datetime,
    "integer": integer,
    "real": real,
}
