"""Values of any type as JSON, and back: labels of categories, and names of columns.

Text, booleans, integers and finite numbers represent themselves. Other values are tuples, which
JSON stores as lists: a word for the type, then its arguments. Decoding pandas types needs pandas.
"""

from __future__ import annotations

import datetime
import json
import math
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

Encoded = str | int | float | bool | None | tuple[Any, ...]

MISSING = ("NAType", "NaTType")  # of pd.NA and pd.NaT, without an import of pandas


def encoded(value: Any) -> Encoded:
    """A value as JSON holds it.

    >>> encoded(("a", 1)), encoded(Decimal("1.10")), encoded(datetime.date(2024, 1, 31))
    (('tuple', 'a', 1), ('decimal', '1.10'), ('date', '2024-01-31'))

    Raises:
        TypeError: a type that cannot be rebuilt from JSON.
    """
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)  # the text of a member of an enumeration
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else ("float", str(float(value)))
    if isinstance(value, tuple):
        return ("tuple", *map(encoded, value))
    if isinstance(value, bytes):
        return ("bytes", value.hex())
    if isinstance(value, Decimal):
        return ("decimal", str(value))
    if isinstance(value, uuid.UUID):
        return ("uuid", str(value))
    return _of_time(value)


def decoded(value: Encoded) -> Any:
    """Rebuilds the value that ``encoded`` described.

    Raises:
        ImportError: the value needs pandas, which is not installed.
        ValueError, TypeError, LookupError: it describes no value.

    >>> decoded(("tuple", "a", ("decimal", "1.10")))
    ('a', Decimal('1.10'))
    """
    if not isinstance(value, tuple):
        return value
    word, *parts = value
    return _MAKERS[word](*parts)


def as_tuples(value: Any) -> Encoded:
    """An encoded value from JSON, with tuples instead of lists.

    Raises:
        TypeError, LookupError: it describes no value.
    """
    if isinstance(value, list):
        if not value or value[0] not in _MAKERS:
            raise LookupError(f"{value!r} describes no value")
        return (value[0], *map(as_tuples, value[1:]))
    if value is not None and not isinstance(value, str | int | float | bool):
        raise TypeError(f"{value!r} describes no value")
    return value


def as_lists(value: Encoded) -> Any:
    """An encoded value for JSON, with lists instead of tuples."""
    return [as_lists(part) for part in value] if isinstance(value, tuple) else value


def key_of(value: Encoded) -> str:
    """A text that is equal for two encoded values only if value and type are: 1, 1.0 and True
    differ.

    >>> key_of(1) == key_of(1.0)
    False
    """
    return json.dumps(value)


def _of_time(value: Any) -> Encoded:
    kind = type(value).__name__
    if kind in MISSING:
        return (kind,)
    if isinstance(value, datetime.datetime):
        return (
            "timestamp" if hasattr(value, "nanosecond") else "datetime",
            value.isoformat(),
            zone_of(value),
        )
    if isinstance(value, datetime.date | datetime.time):
        return (kind, value.isoformat())
    if isinstance(value, datetime.timedelta):
        if hasattr(value, "nanoseconds"):
            exact = value.to_timedelta64()  # type: ignore[attr-defined]
            return (
                "pandas.timedelta",
                int(exact.astype(np.int64)),
                np.datetime_data(exact.dtype)[0],
            )
        return ("timedelta", value.days, value.seconds, value.microseconds)
    if isinstance(value, np.datetime64 | np.timedelta64):
        return (
            value.dtype.name.split("[")[0],
            int(value.astype(np.int64)),
            np.datetime_data(value.dtype)[0],
        )
    if kind == "Period":
        return ("period", str(value), value.freqstr)
    if kind == "Interval":
        return ("interval", encoded(value.left), encoded(value.right), value.closed)
    raise TypeError(f"{value!r} is a {type(value).__name__}, which JSON cannot hold")


def zone_of(value: datetime.datetime) -> str | None:
    """The zone of a time: its name, or its offset as +01:00; None without a zone."""
    zone = value.tzinfo
    if zone is None:
        return None
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)  # of zoneinfo, and of pytz
    if isinstance(name, str):
        return name
    offset = value.utcoffset() or datetime.timedelta(0)
    return "UTC" if not offset else value.isoformat()[-len("+01:00") :]


def zone_called(name: str) -> datetime.tzinfo:
    """The zone of that name or offset.

    >>> zone_called("+01:30")
    datetime.timezone(datetime.timedelta(seconds=5400))
    """
    if name == "UTC":
        return datetime.UTC
    offset = name.removeprefix("UTC")  # as datetime.timezone and pandas write it
    if offset[:1] in ("+", "-"):
        text = f"2000-01-01T00:00:00{offset}"
        return datetime.datetime.fromisoformat(text).tzinfo or datetime.UTC
    import zoneinfo

    return zoneinfo.ZoneInfo(name)


def _datetime(text: str, zone: str | None) -> datetime.datetime:
    value = datetime.datetime.fromisoformat(text)
    return value if zone is None else value.astimezone(zone_called(zone))


def _timestamp(text: str, zone: str | None) -> Any:
    import pandas as pd

    value = pd.Timestamp(text)
    return value if zone is None else value.tz_convert(zone_called(zone))


def _timedelta(value: int, unit: str) -> Any:
    import pandas as pd

    return pd.Timedelta(np.timedelta64(value, unit))  # type: ignore[call-overload]


def _period(text: str, frequency: str) -> Any:
    import pandas as pd

    return pd.Period(text, frequency)


def _interval(left: Encoded, right: Encoded, closed: str) -> Any:
    import pandas as pd

    return pd.Interval(decoded(left), decoded(right), closed)  # type: ignore[arg-type]


def _missing(name: str) -> Any:
    import pandas as pd

    return pd.NA if name == "NAType" else pd.NaT


_MAKERS: dict[str, Callable[..., Any]] = {
    "NAType": lambda: _missing("NAType"),
    "NaTType": lambda: _missing("NaTType"),
    "bytes": bytes.fromhex,
    "date": datetime.date.fromisoformat,
    "datetime": _datetime,
    "datetime64": np.datetime64,
    "decimal": Decimal,
    "float": float,
    "interval": _interval,
    "pandas.timedelta": _timedelta,
    "period": _period,
    "time": datetime.time.fromisoformat,
    "timedelta": datetime.timedelta,
    "timedelta64": np.timedelta64,
    "timestamp": _timestamp,
    "tuple": lambda *parts: tuple(map(decoded, parts)),
    "uuid": uuid.UUID,
}
