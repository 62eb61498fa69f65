"""The schema of a table: its columns in order, its container and options. A frozen value."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from typing_extensions import override

from chainrule import plain_html
from chainrule.arguments import first_repeated
from chainrule.errors import FormatError, SchemaError, printable, unknown_choice
from chainrule.table.columns import AbstractColumn, AbstractLevels, Binary, column_from_json
from chainrule.table.frames.column_index import ColumnIndex, find
from chainrule.table.text.reading_options import DEFAULT_READING, Reading
from chainrule.table.ties import AbstractTie, tie_from_json
from chainrule.table.ties.words import share

CONTAINERS = ("numpy", "pandas", "polars", "pyarrow")
SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which UTF-8 does not hold


@dataclass(frozen=True)
class LeftOut:
    """A column that is not modelled: ids, free text, a column without a value."""

    name: str
    position: int  # among all columns of the table
    reason: str


@dataclass(frozen=True)
class Schema:
    """The columns of a table in order, and its kind of container.

    ``print(schema)`` shows a line per column: its kind, and the reason for it. A line per tie
    follows, with the share of the rows in which it holds.

    Examples:
        >>> schema = Schema((Binary(name="smoker", levels=(0, 1), dtype="bool"),), "pandas")
        >>> Schema.from_json(schema.to_json()) == schema
        True
    """

    columns: tuple[AbstractColumn, ...]
    container: str = "numpy"
    left_out: tuple[LeftOut, ...] = ()
    index: ColumnIndex | None = None  # of a pandas frame, if its column labels are not plain text
    reading: Reading = DEFAULT_READING  # the user's options for reading the table
    ties: tuple[AbstractTie, ...] = ()  # relations between columns, by their numbers

    def __post_init__(self) -> None:
        if repeated := first_repeated(self.table_names):
            raise SchemaError(f"column name {repeated!r} appears twice; rename one of them")
        for name in self.table_names:
            if SURROGATE.search(name):
                raise SchemaError(f"column name {name!r} holds half a character; rename it")
        for column in self.columns:
            for level in column.levels if isinstance(column, AbstractLevels) else ():
                if isinstance(level, str) and SURROGATE.search(level):
                    raise SchemaError(
                        f"column {column.name!r}: the label {level!r} holds half a character, "
                        "which no file holds; correct it, or leave the column out"
                    )
        for tie in self.ties:
            for number in tie.columns:
                if number >= len(self.columns) or self.columns[number].is_continuous:
                    raise SchemaError(
                        f"tie {tie.text!r}: column {number} is none that has masses, of "
                        f"{len(self.columns)} columns"
                    )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modelled columns in order, including missing-flags."""
        return tuple(column.name for column in self.columns)

    @property
    def columns_without_flags(self) -> tuple[AbstractColumn, ...]:
        """The modelled columns of the table itself, without missing-flags."""
        return tuple(column for column in self.columns if not column.is_flag)

    @cached_property
    def flags(self) -> dict[int, int]:
        """Maps the number of each column with modelled missing cells to the number of its flag."""
        return {
            self._numbers[column.flag_of]: number
            for number, column in enumerate(self.columns)
            if isinstance(column, Binary) and column.flag_of in self._numbers
        }

    def flag_code(self, flag: int, *, missing: bool) -> float:
        """The code of a flag, given by its number, for a missing cell or one that is present."""
        column = self.columns[flag]
        assert isinstance(column, Binary), "flags are binary"
        return column.flag_code(missing=missing)

    @property
    def table_names(self) -> tuple[str, ...]:
        """Names of all columns of the table in order, including those left out."""
        names = [column.name for column in self.columns_without_flags]
        for column in sorted(self.left_out, key=lambda out: out.position):
            names.insert(column.position, column.name)
        return tuple(names)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The number of each name, computed once, to keep look-ups in many columns fast."""
        return {name: number for number, name in enumerate(self.names)}

    def name_of(self, label: Hashable) -> str:
        """The name of the column with this label; an unknown label gives its own text."""
        return (
            find(label, self.table_names, self.index)
            if self.index or not isinstance(label, str)
            else label
        )

    def label(self, name: str) -> Any:
        """The table's own label of the column of that name."""
        return name if self.index is None else self.index.label(name)

    def number(self, label: Hashable) -> int:
        """The number of a modelled column among ``columns``, given by name or by the table's label.

        Raises:
            SchemaError: no such column, or it was left out.
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
        left_out = [
            {"name": out.name, "position": out.position, "reason": out.reason}
            for out in self.left_out
        ]
        options = {"reading": self.reading.to_json()} if self.reading != DEFAULT_READING else {}
        return {
            "container": self.container,
            "columns": [column.to_json() for column in self.columns],
            "left_out": left_out,
            **({} if self.index is None else {"index": self.index.to_json()}),
            **options,
            **({"ties": [tie.to_json() for tie in self.ties]} if self.ties else {}),
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Schema:
        """Rebuilds the schema that ``to_json`` described."""
        try:
            columns = tuple(column_from_json(column) for column in spec["columns"])
            left_out = tuple(
                LeftOut(str(o["name"]), int(o["position"]), str(o["reason"]))
                for o in spec.get("left_out", ())
            )
            container = spec["container"]
            index = ColumnIndex.from_json(spec["index"]) if "index" in spec else None
            reading = Reading.from_json(spec["reading"]) if "reading" in spec else DEFAULT_READING
            ties = tuple(tie_from_json(tie) for tie in spec.get("ties", ()))
        except (FormatError, SchemaError):
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FormatError(f"the schema is not one this version wrote: {error!r}") from error
        if container not in CONTAINERS:
            raise FormatError(
                f"the schema names the container {container!r}; known are {', '.join(CONTAINERS)}"
            )
        return cls(columns, container, left_out, index, reading, ties)

    @override
    def __str__(self) -> str:
        shown = self._lines()
        widths = [max((len(row[part]) for row in shown), default=0) for part in (0, 1)]
        return "\n".join(
            [
                *(
                    f"{name:{widths[0]}}  {kind:{widths[1]}}  {reason}"
                    for name, kind, reason in shown
                ),
                *self.ties_as_text,
            ]
        )

    def _repr_html_(self) -> str:
        shown = plain_html.table(["column", "kind", "what is assumed"], self._lines())
        return shown + (plain_html.paragraph("\n".join(self.ties_as_text)) if self.ties else "")

    def _lines(self) -> list[tuple[str, ...]]:
        """Name, kind and reason of each column, in the table's order."""
        lines = {column.name: (column.name, column.kind, column.reason) for column in self.columns}
        lines |= {out.name: (out.name, "left out", out.reason) for out in self.left_out}
        flags = {
            self.columns[number].name: lines[self.columns[flag].name]
            for number, flag in self.flags.items()
        }
        shown = [
            line
            for name in self.table_names
            for line in (flags.get(name), lines[name])
            if line is not None
        ]
        return [tuple(map(printable, line)) for line in shown]

    @property
    def ties_as_text(self) -> list[str]:
        """A line for each tie, with the share of the rows in which it holds.

        Two ties of one text, such as those of columns that determine each other, have one line.
        """
        least: dict[str, float] = {}
        for tie in self.ties:
            least[tie.text] = min(tie.share, least.get(tie.text, 1.0))
        return [printable(f"tie: {text}, {share(each)}") for text, each in least.items()]
