"""Words that stand for values in text: what is unknown, what is a boolean."""

from __future__ import annotations

UNKNOWN = frozenset({"", "na", "n/a", "nan", "null", "none", "nat", "<na>"})
BOOLEANS = {"false": 0.0, "true": 1.0}
