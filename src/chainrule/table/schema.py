"""What a table's columns are: frozen values, JSON in and out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chainrule.errors import FormatError, SchemaError, unknown_choice
from chainrule.table.notation import Notation, notation_from_json
from chainrule.table.reading import NOTHING_SAID, Reading

CONTAINERS = ("numpy", "pandas", "polars", "pyarrow")
MOST_ATOMS = 64
SCALE = ("center", "spread", "low", "high")
GRID = ("step", "decimals", "origin")
FIELDS: dict[str, tuple[str, ...]] = {
    "binary": ("levels", "flag_of"),
    "categorical": ("levels", "unlisted", "rows", "ranks"),
    "integer": (*SCALE, *GRID, "knots", "atoms", "least", "most"),
    "real": (*SCALE, *GRID, "knots", "atoms"),
    "datetime": (*SCALE, *GRID, "knots", "unit", "periods"),
}

Level = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: what it is called, how its values become codes, and its type in the table it came from.

    Attributes:
        name: what it is called.
        kind: "binary", "categorical", "integer", "real" or "datetime".
        dtype: the type it had, as its container writes it.
        reason: why it is taken to be of that kind.
        levels: ``levels[code]`` is the value a code stands for; of a binary column code 0 is the more frequent value.
        unlisted: of a category, how many levels were too rare to be listed; they share one more code.
        rows: of a category, how many rows had a known value.
        ranks: codes of the levels in the sequence that the column's own type has, where it names labels.
        step: distance of the grid on which numbers lie, in the table's units; the code is then the integer
            (value − origin) / step. None: the numbers are continuous, and the code is (value − center) / spread.
        decimals: to how many decimals values are written.
        origin: the value of code 0 on the grid.
        center, spread: mean and standard deviation of what is no atom; of codes on a grid, of values otherwise.
        low, high: range of the training rows' codes, rounded outwards to a sixteenth of a standard deviation.
        knots: codes that part the training rows into about equal shares, ascending; each a mean of several rows.
        atoms: values that occur by themselves, in the table's units.
        least, most: declared bounds of an integer column.
        unit: resolution of a datetime column, in numpy's words.
        periods: day, week and year in steps of a datetime column, as far as it shows them.
        flag_of: the column of whose cells this binary one says that they are missing.
        notation: how a column of text writes its numbers or dates; None where every program reads them.
    """

    name: str
    kind: str
    dtype: str
    reason: str = ""
    levels: tuple[Level, ...] = ()
    unlisted: int = 0
    rows: int = 0
    ranks: tuple[int, ...] = ()
    step: float | None = None
    decimals: int | None = None
    origin: float = 0.0
    center: float = 0.0
    spread: float = 1.0
    low: float = 0.0
    high: float = 0.0
    knots: tuple[float, ...] = ()
    atoms: tuple[float, ...] = ()
    least: int | None = None
    most: int | None = None
    unit: str = ""
    periods: tuple[float, ...] = ()
    flag_of: str | None = None
    notation: Notation | None = None

    @property
    def is_text(self) -> bool:
        """Whether the table itself holds text for this column's numbers or dates: a frame does, of a file they are read."""
        return self.notation is not None and not self.dtype.startswith(("Int", "Float", "Date"))

    def to_json(self) -> dict[str, Any]:
        """The fields that the column's kind has, as a JSON object."""
        shared: dict[str, Any] = {"name": self.name, "kind": self.kind, "dtype": self.dtype, "reason": self.reason}
        own = {name: getattr(self, name) for name in FIELDS[self.kind]}
        if self.notation is not None:
            shared["notation"] = self.notation.to_json()
        return shared | {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Column:
        """The column that ``to_json`` described."""
        kind = spec["kind"]
        if kind not in FIELDS:
            raise FormatError(f"column {spec['name']!r}: {unknown_choice('kind', kind, FIELDS)}")
        own = {name: _READ[name](spec[name]) for name in FIELDS[kind]}
        own["notation"] = notation_from_json(spec["notation"]) if "notation" in spec else None
        return cls(name=str(spec["name"]), kind=kind, dtype=str(spec["dtype"]), reason=str(spec["reason"]), **own)


@dataclass(frozen=True)
class LeftOut:
    """A column that is not modelled: ids, free text, columns without a value."""

    name: str
    position: int  # among all columns of the table
    reason: str


@dataclass(frozen=True)
class Schema:
    """The columns of a table in order, and the kind of container it came in.

    ``print(schema)`` shows a line for each column: its kind, and why.

    Examples:
        >>> schema = Schema((Column(name="smoker", kind="binary", levels=(0, 1), dtype="bool"),), "pandas")
        >>> Schema.from_json(schema.to_json()) == schema
        True
    """

    columns: tuple[Column, ...]
    container: str = "numpy"
    left_out: tuple[LeftOut, ...] = ()
    numbered: bool = False  # whether the table calls its columns by integers, which are names here as text
    reading: Reading = NOTHING_SAID  # what was said of how the table is written

    def __post_init__(self) -> None:
        for column in self.columns:
            _require_sound(column)
        if repeated := first_repeated(self.table_names):
            raise SchemaError(f"column name {repeated!r} appears twice; rename one of them")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modelled columns in order, those of missing-flags too."""
        return tuple(column.name for column in self.columns)

    @property
    def own(self) -> tuple[Column, ...]:
        """The modelled columns of the table itself, without missing-flags."""
        return tuple(column for column in self.columns if column.flag_of is None)

    @property
    def table_names(self) -> tuple[str, ...]:
        """Names of all columns of the table in order, modelled or not."""
        names = [column.name for column in self.own]
        for column in sorted(self.left_out, key=lambda out: out.position):
            names.insert(column.position, column.name)
        return tuple(names)

    def number(self, name: str) -> int:
        """The position of a modelled column among ``columns``.

        Raises:
            SchemaError: there is none of that name, or it was left out.
        """
        if name in self.names:
            return self.names.index(name)
        for column in self.left_out:
            if column.name == name:
                raise SchemaError(f"column {name!r} is not modelled: {column.reason}")
        raise SchemaError(unknown_choice("column", name, self.names))

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        left_out = [{"name": out.name, "position": out.position, "reason": out.reason} for out in self.left_out]
        said = {"reading": self.reading.to_json()} if self.reading != NOTHING_SAID else {}
        return {
            "container": self.container,
            "columns": [column.to_json() for column in self.columns],
            "left_out": left_out,
            "numbered": self.numbered,
            **said,
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Schema:
        """The schema that ``to_json`` described."""
        try:
            columns = tuple(Column.from_json(column) for column in spec["columns"])
            left_out = tuple(
                LeftOut(str(o["name"]), int(o["position"]), str(o["reason"])) for o in spec.get("left_out", ())
            )
            container = spec["container"]
            reading = Reading.from_json(spec["reading"]) if "reading" in spec else NOTHING_SAID
        except FormatError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FormatError(f"the schema is not one this version wrote: {error!r}") from error
        if container not in CONTAINERS:
            raise FormatError(f"the schema names the container {container!r}; known are {', '.join(CONTAINERS)}")
        return cls(columns, container, left_out, bool(spec.get("numbered", False)), reading)

    def __str__(self) -> str:
        lines = {column.name: (column.name, column.kind, column.reason) for column in self.columns}
        lines |= {out.name: (out.name, "left out", out.reason) for out in self.left_out}
        flags = {column.flag_of: lines[column.name] for column in self.columns if column.flag_of is not None}
        shown = [line for name in self.table_names for line in (flags.get(name), lines[name]) if line is not None]
        widths = [max((len(row[part]) for row in shown), default=0) for part in (0, 1)]
        return "\n".join(f"{name:{widths[0]}}  {kind:{widths[1]}}  {reason}" for name, kind, reason in shown)


def first_repeated(names: Sequence[str]) -> str | None:
    """The first name that stands twice, if any."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _require_sound(column: Column) -> None:
    """Raises SchemaError for a column whose fields contradict its kind."""
    name = f"column {column.name!r}"
    if column.kind == "binary":
        if column.levels not in ((0, 1), (1, 0)):
            raise SchemaError(f"{name}: a binary column has the levels 0 and 1, not {column.levels}")
        return
    if column.kind == "categorical":
        if not column.levels or column.unlisted < 0 or column.rows < 1:
            raise SchemaError(f"{name}: a categorical column needs at least one level, and a row that has it")
        if column.ranks and sorted(column.ranks) != list(range(len(column.levels))):
            raise SchemaError(f"{name}: ranks {column.ranks} are no sequence of its {len(column.levels)} levels")
        return
    numbers = (
        column.center,
        column.spread,
        column.low,
        column.high,
        column.origin,
        *column.knots,
        *column.atoms,
        *column.periods,
    )
    if not all(map(math.isfinite, numbers)) or column.spread <= 0 or column.low > column.high:
        raise SchemaError(
            f"{name}: center {column.center}, spread {column.spread} and range {column.low} to {column.high} are not those of "
            f"a {column.kind} column"
        )
    if column.step is None:
        if column.kind != "real":
            raise SchemaError(f"{name}: a column of kind {column.kind!r} needs the step of its grid")
    elif not 0 < column.step < math.inf:
        raise SchemaError(f"{name}: step {column.step} is not above zero")
    if column.decimals is not None and not 0 <= column.decimals <= 30:
        raise SchemaError(f"{name}: {column.decimals} decimals")
    if len(column.atoms) > MOST_ATOMS or len(set(column.atoms)) < len(column.atoms):
        raise SchemaError(f"{name}: atoms are at most {MOST_ATOMS} different values")
    if len(column.knots) == 1 or any(a >= b for a, b in pairwise(column.knots)):
        raise SchemaError(f"{name}: knots {column.knots} are not two or more that ascend")
    if any(period <= 0 for period in column.periods):
        raise SchemaError(f"{name}: periods {column.periods} are not above zero")
    if column.kind == "datetime" and column.unit not in UNITS:
        raise SchemaError(f"{name}: {unknown_choice('unit', column.unit, UNITS)}")


UNITS = ("D", "h", "m", "s", "ms", "us")  # of datetimes, coarse to fine; what is finer is cut off


def _level(value: Any) -> Level:
    if not isinstance(value, str | int | float | bool):
        raise TypeError(f"level {value!r}")
    return value


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no integer")
    return value


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


_READ: dict[str, Callable[[Any], Any]] = {
    "levels": lambda values: tuple(map(_level, values)),
    "unlisted": _whole,
    "rows": _whole,
    "ranks": lambda values: tuple(map(_whole, values)),
    "step": _optional(float),
    "decimals": _optional(_whole),
    "origin": float,
    "center": float,
    "spread": float,
    "low": float,
    "high": float,
    "knots": _numbers,
    "atoms": _numbers,
    "least": _optional(_whole),
    "most": _optional(_whole),
    "unit": str,
    "periods": _numbers,
    "flag_of": _optional(str),
}
