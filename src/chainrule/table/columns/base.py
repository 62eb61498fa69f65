"""The interface of a column: a name, codes for values, and answers to other rooms' questions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.columns.fields import number, whole
from chainrule.table.text.notation import Notation, notation_from_json, written
from chainrule.table.text.times import AbstractTimes
from chainrule.table.values.cells import Where, cells_as_text, objects_of
from chainrule.table.values.distinct import Distinct
from chainrule.table.values.json_values import Encoded, as_lists, as_tuples
from chainrule.table.values.types import Type

ANY_SHARE = 1e-6  # probability of cells that the column cannot hold, if its rows are not known


@dataclass(frozen=True)
class Cells:
    """The cells of one column of a table, before its kind is chosen.

    Attributes:
        name: the name of the column.
        values: the cells (N,), as numpy holds them.
        dtype: the type of the column, as its container writes it.
        where: names a row in messages.
        min_count: number of rows that make a level, an atom, or a stored number.
        categories: labels named by the column's type, encoded.
        options: the user's options for the column, without its kind.
        different: the different cells in all rows, if ``values`` stand for more rows.
        text: a polars series of the cells as a text file has them; None for other tables.
        notation: how the column of text writes its numbers; None if every program reads them.
    """

    name: str
    values: np.ndarray
    dtype: str
    where: Where
    min_count: int
    categories: tuple[Encoded, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    different: Distinct | None = None
    text: Any = None
    notation: Notation | None = None


class Measure(NamedTuple):
    """Values of a column with a density that have masses: those on a grid, and atoms."""

    step: float | None
    origin: float
    atoms: frozenset[float]

    @override
    def __str__(self) -> str:
        return f"step {self.step}, atoms {sorted(self.atoms)}"


def signed(word: str, value: Any, like: str) -> str:
    """The word of a value, with a plus if a known cell has one and the value is above zero.

    >>> signed("5.15", 5.15, "+0.5"), signed("-5.15", -5.15, "+0.5")
    ('+5.15', '-5.15')
    """
    has_plus = like.startswith("+") and isinstance(value, int | float) and value > 0
    return f"+{word}" if has_plus else word


@dataclass(frozen=True, kw_only=True)
class AbstractColumn(ABC):
    """One column: its name, the map from values to codes, and its type in the table.

    A kind of column is a frozen leaf. ``COLUMNS`` lists the leaves, and ``model.column_of`` gives
    the conditional of each. Other rooms ask class variables, properties or methods of this class
    instead of comparing kinds.

    Class variables:
        kind: the name of the kind in ``kinds=`` and in files.
        options: the options that ``kinds=`` accepts for this kind.
        has_levels: whether values are a finite list, each with a probability.
        holds_labels: whether cells are labels as written, never numbers or dates in text.
        holds_dates: whether cells are dates.

    Attributes:
        name: the column's name.
        dtype: its type in the table, as the container writes it.
        reason: why this kind was chosen.
        cells: the common type of all cells in a column of objects; see ``Type``.
        categories: labels named by the type, in its order: those with enough rows to be listed, and
            those without a row.
        rows: number of training rows with a known value; 0 if unknown.
        broken: share of the validation cells that lie beyond the column's bounds.
        notation: how a column of text writes its numbers or dates; None if every program reads
            them.
    """

    kind: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ()
    has_levels: ClassVar[bool] = False
    holds_labels: ClassVar[bool] = False
    holds_dates: ClassVar[bool] = False

    name: str
    dtype: str
    reason: str = ""
    cells: str = ""
    categories: tuple[Encoded, ...] = ()
    rows: int = 0
    broken: float = 0.0
    notation: Notation | None = None

    def __post_init__(self) -> None:
        if self.rows < 0:
            raise SchemaError(f"column {self.name!r}: {self.rows} rows")
        if not 0 <= self.broken < 1:
            raise SchemaError(f"column {self.name!r}: {self.broken} is no share of its cells")

    # From a table

    @classmethod
    def checked_options(cls, options: Mapping[str, Any], label: str) -> dict[str, Any]:
        """Checks the user's options for a column of this kind.

        Args:
            options: the options of one column, its kind among them.
            label: the name of the options in messages.

        Raises:
            SchemaError: an option that the kind does not have, or a wrong value.
        """
        allowed = ("kind", *cls.options)
        for option in options:
            if option not in allowed:
                raise SchemaError(f"{label}: {unknown_choice('option', option, allowed)}")
        return dict(options)

    @classmethod
    @abstractmethod
    def as_requested(cls, cells: Cells, reason: str) -> AbstractColumn | str:
        """Makes the column of this kind that the user asked for, or says why it is left out.

        Raises:
            SchemaError: a value that the kind cannot have.
        """

    @property
    def type(self) -> Type:
        """The column's type in its table."""
        return Type(self.dtype, self.cells, self.categories)

    @property
    def is_text(self) -> bool:
        """Whether the table itself holds text for numbers or dates.

        A frame may; the text of a file is parsed.
        """
        return self.notation is not None and not self.dtype.startswith(
            ("Int", "UInt", "Float", "Date")
        )

    @property
    def is_continuous(self) -> bool:
        """Whether values other than atoms have densities."""
        return False

    @property
    def is_flag(self) -> bool:
        """Whether the column marks missing cells of another column and is not in the table."""
        return False

    @property
    def has_unlisted(self) -> bool:
        """Whether training rows have unlisted labels, which share a code."""
        return False

    @property
    def reads_as_written(self) -> bool:
        """Whether ``encode`` takes a file's cells as written, even if they look like numbers."""
        return False

    # Codes

    @abstractmethod
    def encode(self, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
        """Codes (N,) float64 of cells: NaN if unknown, infinite if the column cannot hold the cell.

        Raises:
            SchemaError: if ``strict``, a value that the column cannot hold.
        """

    def nearest_codes(self, values: np.ndarray, where: Where) -> np.ndarray:
        """As ``encode`` if not strict, but numbers and dates off the grid have the nearest code."""
        return self.encode(values, where, strict=False)

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Values (N,) of codes, in the table's own type."""

    def decode_named(self, codes: np.ndarray) -> np.ndarray:
        """Decodes codes, with one word for unlisted labels among text.

        Elsewhere they are masked.
        """
        return self.decode(codes)

    def is_unlisted(self, codes: np.ndarray) -> np.ndarray:
        """Marks the codes (N,) that stand for unlisted labels."""
        return np.zeros(len(codes), dtype=bool)

    def mean_values(self, codes: np.ndarray) -> np.ndarray:
        """Values (N,) of codes that may lie between those of a grid.

        Whole numbers in an integer type.
        """
        return self.decode(codes)

    def mean_bins(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Ends (B,) of bins of codes, ascending, and the value (B + 1,) that stands for each bin.

        A mean of values is the sum of these values, each times the probability of its bin. The
        first bin lies below all ends, and the last one above them. None if the value of the mean
        code is the mean value.
        """
        return None

    def codes_of_means(self, means: np.ndarray) -> np.ndarray:
        """Codes (N,) of means of values, for a column that has ``mean_bins``."""
        return means

    def restored_cells(
        self, codes: np.ndarray, cells: np.ndarray, where: Where
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Marks given cells (N,) whose codes do not name them exactly, and returns these cells.

        None: ``decode`` restores every cell.
        """
        return None

    def wrong_codes(self, codes: np.ndarray) -> tuple[np.ndarray, str]:
        """Marks codes (N,) that no value has, and says what is wrong with them."""
        return ~np.isfinite(codes), "is not finite"

    @property
    def code_scale(self) -> tuple[float, float]:
        """Center and spread of the codes; typical codes lie one spread from the center."""
        return 0.0, 1.0

    def on_scale(self, codes: np.ndarray) -> np.ndarray:
        """The numbers (N,), from codes, that a distribution of the column describes."""
        return codes

    @property
    def typical_codes(self) -> tuple[float, float]:
        """The codes one standard deviation below and above the center."""
        center, spread = self.code_scale
        return center - spread, center + spread

    def range_excess(self, codes: np.ndarray) -> np.ndarray:
        """Distance of codes (N,) outside the training rows' range, in widths of the range.

        0 within.
        """
        return np.zeros(len(codes))

    @abstractmethod
    def points(self, most: int) -> np.ndarray:
        """Codes (M,) that show the distribution: a whole finite list, or ``most`` in the range."""

    # Likelihood

    @property
    def outside_share(self) -> float:
        """ε, the total probability of cells that the column cannot hold.

        It is 1 / (rows + 1), or the larger share of them among the validation cells.
        """
        return max(1 / (self.rows + 1) if self.rows else ANY_SHARE, self.broken)

    def atom_codes(self) -> tuple[float, ...]:
        """Codes of the atoms: values with a probability of their own."""
        return ()

    def is_mass(self, codes: np.ndarray) -> np.ndarray:
        """Marks codes (N,) that have a mass; the others have a density."""
        return np.ones(len(codes), dtype=bool)

    def log_scale(self, codes: np.ndarray) -> np.ndarray:
        """The log-likelihood of values minus that of codes (N,): −log of a density's unit."""
        return np.zeros(len(codes))

    def log_unit(self, codes: np.ndarray, *, strict: bool = False) -> np.ndarray:
        """The log-likelihood of cells minus that of codes (N,): ``log_scale`` + log(1 − ε).

        If ``strict``, ε is 0: cells that the column cannot hold have no probability.
        """
        return self.log_scale(codes) + (0.0 if strict else math.log1p(-self.outside_share))

    def log_multiplicity(self, codes: np.ndarray) -> np.ndarray:
        """log of the number of values that share each code (N,)."""
        return np.zeros(len(codes))

    @property
    def measure(self) -> Measure | None:
        """Which values have masses if others have densities; None if all likelihoods are masses."""
        return None

    # Words

    @property
    @abstractmethod
    def domain_as_text(self) -> str:
        """Describes the values that the column can hold."""

    @property
    def level_names(self) -> list[str]:
        """Names of the levels in the order of their codes; empty for numbers."""
        return []

    @property
    def code_names(self) -> list[str]:
        """Names of all codes of a finite list, with one for unlisted labels; empty for numbers."""
        return self.level_names

    @property
    def is_read_as_number(self) -> bool:
        """Whether a tensor can hold the cells as they are in the table."""
        return not self.holds_dates

    @property
    def is_flipped(self) -> bool:
        """Whether code 1 is the value 0."""
        return False

    def is_beyond_bounds(self, cells: np.ndarray) -> np.ndarray:
        """Marks the cells (n,), none of which the column can hold, that only its bounds exclude."""
        return np.zeros(len(cells), dtype=bool)

    def distance(self, cells: np.ndarray) -> np.ndarray:
        """Distance of cells (n,) that the column cannot hold from those it can, in spreads."""
        return np.full(len(cells), np.inf)

    def shown(self, codes: np.ndarray) -> np.ndarray:
        """Values (N,) of codes as a person reads them: numbers, dates, or times as the table has
        them.
        """
        values = self.decode(codes)
        notation = self.notation
        return written(notation, values) if isinstance(notation, AbstractTimes) else values

    def as_text(self, values: np.ndarray) -> list[str]:
        """Values (N,) as text for a person, in the column's notation if it has one."""
        if self.notation is None:
            return cells_as_text(values)
        return [str(cell) for cell in self.notation.write(values)]

    # Files

    def in_text(self, values: np.ndarray) -> np.ndarray | None:
        """Values (N,) as the column's text has them; None if every program writes them so."""
        return None if self.notation is None else written(self.notation, values)

    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        """Values (N,) as text objects in the style of a known cell; "" stands for no such cell.

        Numbers above zero have a plus if it has one.
        """
        return objects_of([signed(str(value), value, like) for value in values.tolist()])

    def polars_type(self) -> Any:
        """The polars type of the column in a table read from a text file."""
        import polars as pl

        return pl.String

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``column_from_json`` reads."""
        spec: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "dtype": self.dtype,
            "reason": self.reason,
            "rows": self.rows,
        }
        if self.broken:
            spec["broken"] = self.broken
        if self.cells:
            spec["cells"] = self.cells
        if self.categories:
            spec["categories"] = [as_lists(value) for value in self.categories]
        if self.notation is not None:
            spec["notation"] = self.notation.to_json()
        return spec | self.fields_to_json()

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Self:
        """Rebuilds the column of this kind that ``to_json`` described."""
        return cls(
            name=str(spec["name"]),
            dtype=str(spec["dtype"]),
            reason=str(spec["reason"]),
            cells=str(spec.get("cells", "")),
            categories=tuple(map(as_tuples, spec.get("categories", ()))),
            rows=whole(spec["rows"]),
            broken=number(spec.get("broken", 0.0)),
            notation=notation_from_json(spec["notation"]) if "notation" in spec else None,
            **cls.fields_from_json(spec),
        )

    @abstractmethod
    def fields_to_json(self) -> dict[str, Any]:
        """The fields specific to this kind, as JSON."""

    @classmethod
    @abstractmethod
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The constructor arguments that ``fields_to_json`` wrote."""
