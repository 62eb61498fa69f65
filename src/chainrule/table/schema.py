"""What a table's columns are: frozen values, JSON in and out."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from chainrule.errors import FormatError, SchemaError, printable, unknown_choice
from chainrule.table.exact import LARGEST_EXACT
from chainrule.table.index import ColumnIndex, find
from chainrule.table.notation import Notation, notation_from_json
from chainrule.table.reading import NOTHING_SAID, Reading
from chainrule.table.types import Type
from chainrule.table.values import Encoded, as_lists, as_tuples

CONTAINERS = ("numpy", "pandas", "polars", "pyarrow")
MOST_ATOMS = 64
ANY_SHARE = 1e-6  # of what a column cannot hold, where its training rows are not known
LATER = ("rows", "unlisted_rows")  # fields that older files may lack
SCALE = ("center", "spread", "low", "high")
GRID = ("step", "decimals", "origin")
FIELDS: dict[str, tuple[str, ...]] = {
    "binary": ("levels", "rows", "flag_of"),
    "categorical": ("levels", "unlisted", "unlisted_rows", "rows"),
    "integer": (*SCALE, *GRID, "knots", "atoms", "least", "most", "rows"),
    "real": (*SCALE, *GRID, "knots", "atoms", "rows"),
    "datetime": (*SCALE, *GRID, "knots", "unit", "periods", "rows"),
}

Level = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: what it is called, how its values become codes, and its type in the table it came from.

    Attributes:
        name: what it is called.
        kind: "binary", "categorical", "integer", "real" or "datetime".
        dtype: the type it had, as its container writes it.
        cells: of a column of objects, what they all are; see ``Type``.
        categories: labels that its type names, in its sequence: those with enough rows to be listed, and those without a row.
        reason: why it is taken to be of that kind.
        levels: ``levels[code]`` is the value a code stands for; of a binary column code 0 is the more frequent value.
        unlisted: of a category, how many levels were too rare to be listed; they share one more code.
        unlisted_rows: of a category, how many training rows had one of these.
        rows: how many training rows had a known value; 0 where that is not known.
        own_levels: the levels as the table has them, encoded, where one is no text, number or boolean.
        step: distance of the grid on which numbers lie, in the table's units; the code is then the integer
            (value − origin) / step. None: the numbers are continuous, and the code is (value − center) / spread.
        decimals: to how many decimals values are written; without a step, 0 says that they are whole numbers.
        origin: the value of code 0 on the grid. It, the step, the center and atoms are integers where float64 would round them.
        center, spread: mean and standard deviation of what is no atom; of codes on a grid, of values otherwise. Rounded where
            they would tell the values of few rows.
        low, high: range of the training rows' codes, rounded outwards to half a standard deviation, or more coarsely.
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
    cells: str = ""
    categories: tuple[Encoded, ...] = ()
    levels: tuple[Level, ...] = ()
    unlisted: int = 0
    unlisted_rows: int = 0
    rows: int = 0
    own_levels: tuple[Encoded, ...] = ()
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
        return self.notation is not None and not self.dtype.startswith(("Int", "UInt", "Float", "Date"))

    @property
    def type(self) -> Type:
        """The type that it had in its table."""
        return Type(self.dtype, self.cells, self.categories)

    @property
    def outside_share(self) -> float:
        """ε, the probability of all that the column cannot hold together: 1 / (rows + 1).

        A category can hold any label, and a flag is made, never typed: 0.
        """
        if self.kind == "categorical" or self.flag_of is not None:
            return 0.0
        return 1 / (self.rows + 1) if self.rows else ANY_SHARE

    def to_json(self) -> dict[str, Any]:
        """The fields that the column's kind has, as a JSON object."""
        shared: dict[str, Any] = {"name": self.name, "kind": self.kind, "dtype": self.dtype, "reason": self.reason}
        shared |= {"cells": self.cells} if self.cells else {}
        for name in ("categories", "own_levels"):
            if values := getattr(self, name):
                shared[name] = [as_lists(value) for value in values]
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
        own = {name: _READ[name](spec[name]) for name in FIELDS[kind] if name in spec or name not in LATER}
        own |= {name: tuple(map(as_tuples, spec.get(name, ()))) for name in ("categories", "own_levels")}
        if "ranks" in spec and "categories" not in spec:  # as 0.1.0 wrote them
            own["categories"] = tuple(own["levels"][_whole(k)] for k in spec["ranks"])
        text = {name: str(spec[name]) for name in ("name", "dtype", "reason")} | {"cells": str(spec.get("cells", ""))}
        own["notation"] = notation_from_json(spec["notation"]) if "notation" in spec else None
        return cls(kind=kind, **text, **own)


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
    index: ColumnIndex | None = None  # of a pandas frame that does not call its columns by text alone
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

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """Where each name stands: asked once a column, ten thousand columns would be looked through as often."""
        return {name: number for number, name in enumerate(self.names)}

    def name_of(self, label: Hashable) -> str:
        """The name of the column that the table, or its reader, calls by this label; of none the label as text."""
        return find(label, self.table_names, self.index) if self.index or not isinstance(label, str) else label

    def label(self, name: str) -> Any:
        """What the table itself calls the column of that name."""
        return name if self.index is None else self.index.label(name)

    def number(self, label: Hashable) -> int:
        """The position of a modelled column among ``columns``, by its name or by what the table calls it.

        Raises:
            SchemaError: there is none of that name, or it was left out.
        """
        name = label if isinstance(label, str) and label in self._numbers else self.name_of(label)
        if name in self._numbers:
            return self._numbers[name]
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
            **({} if self.index is None else {"index": self.index.to_json()}),
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
            index = ColumnIndex.from_json(spec["index"]) if "index" in spec else None
            if spec.get("numbered"):  # as 0.1.0 wrote it
                names = [column.name for column in columns if column.flag_of is None]
                index = ColumnIndex.numbered([*names, *(out.name for out in left_out)])
            reading = Reading.from_json(spec["reading"]) if "reading" in spec else NOTHING_SAID
        except FormatError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FormatError(f"the schema is not one this version wrote: {error!r}") from error
        if container not in CONTAINERS:
            raise FormatError(f"the schema names the container {container!r}; known are {', '.join(CONTAINERS)}")
        return cls(columns, container, left_out, index, reading)

    def __str__(self) -> str:
        lines = {column.name: (column.name, column.kind, column.reason) for column in self.columns}
        lines |= {out.name: (out.name, "left out", out.reason) for out in self.left_out}
        flags = {column.flag_of: lines[column.name] for column in self.columns if column.flag_of is not None}
        shown = [line for name in self.table_names for line in (flags.get(name), lines[name]) if line is not None]
        shown = [tuple(map(printable, line)) for line in shown]
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
    if column.rows < 0 or not 0 <= column.unlisted_rows <= column.rows:
        raise SchemaError(f"{name}: {column.rows} rows, {column.unlisted_rows} of them with labels that are not listed")
    if column.kind == "binary":
        if column.levels not in ((0, 1), (1, 0)):
            raise SchemaError(f"{name}: a binary column has the levels 0 and 1, not {column.levels}")
        return
    if column.kind == "categorical":
        if not column.levels or column.unlisted < 0 or column.rows < 1:
            raise SchemaError(f"{name}: a categorical column needs at least one level, and a row that has it")
        if column.own_levels and len(column.own_levels) != len(column.levels):
            raise SchemaError(f"{name}: {len(column.own_levels)} values of its own for {len(column.levels)} levels")
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
    if not all(map(_is_finite, numbers)) or column.spread <= 0 or column.low > column.high:
        raise SchemaError(
            f"{name}: center {column.center}, spread {column.spread} and range {column.low} to {column.high} are not those of "
            f"a {column.kind} column"
        )
    if column.step is None:
        if column.kind != "real":
            raise SchemaError(f"{name}: a column of kind {column.kind!r} needs the step of its grid")
    elif not (_is_finite(column.step) and column.step > 0):
        raise SchemaError(f"{name}: step {column.step} is not above zero")
    if column.kind != "real" and not all(float(part).is_integer() for part in (column.step or 1, column.origin)):
        raise SchemaError(f"{name}: a {column.kind} column counts whole steps of {column.step} from {column.origin}")
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


def _number(value: Any) -> float:
    """A float, or an integer that is too large for one to hold exactly."""
    return value if isinstance(value, int) and abs(value) >= LARGEST_EXACT else float(value)


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(map(_number, values))


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer beyond float64
        return False


_READ: dict[str, Callable[[Any], Any]] = {
    "levels": lambda values: tuple(map(_level, values)),
    "unlisted": _whole,
    "unlisted_rows": _whole,
    "rows": _whole,
    "step": _optional(_number),
    "decimals": _optional(_whole),
    "origin": _number,
    "center": _number,
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
