"""Values as JSON that every parser reads: non-finite numbers are null, keys are text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def plain_json(value: Any) -> str:
    """Indented JSON of a value; types that JSON lacks become text.

    >>> plain_json({3: (0.5, float("nan"))}).split()
    ['{', '"3":', '[', '0.5,', 'null', ']', '}']
    """
    return json.dumps(_plain(value), ensure_ascii=False, indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, str | int) else str(value)
