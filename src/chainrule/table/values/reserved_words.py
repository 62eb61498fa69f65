"""Words in text for missing cells and for booleans."""

from __future__ import annotations

UNKNOWN = frozenset({"", "na", "n/a", "nan", "null", "none", "nat", "<na>"})
BOOLEANS = {"false": 0.0, "true": 1.0}
