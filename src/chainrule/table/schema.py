"""What a table's columns are: names, kinds, levels. Frozen, JSON in and out; holds no row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chainrule.errors import FormatError, SchemaError

CONTAINERS = ("numpy", "pandas", "polars", "pyarrow")
REAL_FIELDS = ("center", "spread", "low", "high")


@dataclass(frozen=True)
class Column:
    """One column: what it is called, how its values become codes, and its type in the table it came from.

    ``levels[code]`` is the value a code stands for; of a binary column code 0 is the more frequent value. The code of a
    real column's value is (value − center) / spread; those of the training rows lie within [low, high].
    """

    name: str
    kind: str
    levels: tuple[int, ...]
    dtype: str
    center: float = 0.0
    spread: float = 1.0
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields that the column's kind has, as a JSON object."""
        own = REAL_FIELDS if self.kind == "real" else ()
        return {
            name: value for name, value in asdict(self).items() if name in ("name", "kind", "levels", "dtype", *own)
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Column:
        """The column that ``to_json`` described."""
        own = {name: float(spec[name]) for name in REAL_FIELDS} if spec["kind"] == "real" else {}
        levels = tuple(int(v) for v in spec["levels"])
        return cls(str(spec["name"]), str(spec["kind"]), levels, str(spec["dtype"]), **own)


@dataclass(frozen=True)
class Schema:
    """The columns of a table in order, and the kind of container it came in.

    Examples:
        >>> schema = Schema((Column("smoker", "binary", (0, 1), "bool"),), "pandas")
        >>> Schema.from_json(schema.to_json()) == schema
        True
    """

    columns: tuple[Column, ...]
    container: str = "numpy"

    def __post_init__(self) -> None:
        for column in self.columns:
            if column.kind == "real" and not _is_scale(column):
                raise SchemaError(
                    f"column {column.name!r}: center {column.center}, spread {column.spread} and range {column.low} to "
                    f"{column.high} are not those of a real column"
                )
            if column.kind == "binary" and column.levels not in ((0, 1), (1, 0)):
                raise SchemaError(
                    f"column {column.name!r}: a binary column has the levels 0 and 1, not {column.levels}"
                )
        if repeated := first_repeated([column.name for column in self.columns]):
            raise SchemaError(f"column name {repeated!r} appears twice; rename one of them")

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        return {"container": self.container, "columns": [column.to_json() for column in self.columns]}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Schema:
        """The schema that ``to_json`` described."""
        try:
            columns = tuple(Column.from_json(column) for column in spec["columns"])
            container = spec["container"]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"the schema is not one this version wrote: {error!r}") from error
        if container not in CONTAINERS:
            raise FormatError(f"the schema names the container {container!r}; known are {', '.join(CONTAINERS)}")
        return cls(columns, container)


def _is_scale(column: Column) -> bool:
    low, high = column.low, column.high
    if low is None or high is None or not all(map(math.isfinite, (column.center, column.spread, low, high))):
        return False
    return column.spread > 0 and low <= high


def first_repeated(names: Sequence[str]) -> str | None:
    """The first name that stands twice, if any."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
