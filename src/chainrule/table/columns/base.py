"""The interface of a column: a name, codes for values, and what other rooms ask of either."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.cells import Where, cells_as_text, objects_of
from chainrule.table.columns.fields import whole
from chainrule.table.notation import Notation, notation_from_json
from chainrule.table.types import Type
from chainrule.table.values import Encoded, as_lists, as_tuples

ANY_SHARE = 1e-6  # of what a column cannot hold, where its training rows are not known


@dataclass(frozen=True)
class Cells:
    """The cells of one column of a table, before they are a column of some kind.

    Attributes:
        name: what the column is called.
        values: the cells (N,), as numpy has them.
        dtype: the type of the column, as its container writes it.
        where: names a row in messages.
        min_count: how many rows make a level, an atom, or a number of the column.
        categories: labels that the column's type names, encoded.
        options: what the user said of the column beside its kind.
    """

    name: str
    values: np.ndarray
    dtype: str
    where: Where
    min_count: int
    categories: tuple[Encoded, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


class Measure(NamedTuple):
    """Which values of a column with a density have masses: those on a grid, and atoms."""

    step: float | None
    origin: float
    atoms: frozenset[float]

    def __str__(self) -> str:
        return f"step {self.step}, atoms {sorted(self.atoms)}"


@dataclass(frozen=True, kw_only=True)
class AbstractColumn(ABC):
    """One column: what it is called, how its values become codes, and its type in its table.

    A kind of column is a frozen leaf. ``COLUMNS`` lists the leaves, and ``model.column_of``
    gives the conditional of each. What is asked of columns is a class variable, a property or a
    method here, so that no other room compares kinds.

    Class variables:
        kind: what the kind is called, in ``kinds=`` and in files.
        options: what ``kinds=`` may say of a column of this kind.
        has_levels: whether its values are a finite list, each with a probability of its own.
        holds_labels: whether cells are labels as they are written, never numbers or dates in text.
        holds_dates: whether cells are dates.

    Attributes:
        name: what it is called.
        dtype: the type it had, as its container writes it.
        reason: why it is taken to be of its kind.
        cells: of a column of objects, what they all are; see ``Type``.
        categories: labels that its type names, in its sequence: those with enough rows to be
            listed, and those without a row.
        rows: how many training rows had a known value; 0 where that is not known.
        notation: how a column of text writes its numbers or dates; None where every program reads
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
    notation: Notation | None = None

    def __post_init__(self) -> None:
        if self.rows < 0:
            raise SchemaError(f"column {self.name!r}: {self.rows} rows")

    # From a table

    @classmethod
    def checked_options(cls, options: Mapping[str, Any], said: str) -> dict[str, Any]:
        """What the user said of a column of this kind, checked.

        Args:
            options: of one column, the kind among them.
            said: what messages call them.

        Raises:
            SchemaError: an option that the kind does not have, or a wrong value.
        """
        allowed = ("kind", *cls.options)
        for option in options:
            if option not in allowed:
                raise SchemaError(f"{said}: {unknown_choice('option', option, allowed)}")
        return dict(options)

    @classmethod
    @abstractmethod
    def as_told(cls, cells: Cells, reason: str) -> AbstractColumn | str:
        """The column of this kind that the user asked for; text says why it is left out.

        Raises:
            SchemaError: a value that the kind cannot have.
        """

    @property
    def type(self) -> Type:
        """The type that it had in its table."""
        return Type(self.dtype, self.cells, self.categories)

    @property
    def is_text(self) -> bool:
        """Whether the table itself holds text for numbers or dates: a frame does, a file is read."""
        return self.notation is not None and not self.dtype.startswith(("Int", "UInt", "Float", "Date"))

    @property
    def is_continuous(self) -> bool:
        """Whether values other than atoms have densities."""
        return False

    @property
    def is_flag(self) -> bool:
        """Whether it is no column of the table, but says where cells of another one are missing."""
        return False

    @property
    def has_unlisted(self) -> bool:
        """Whether training rows have labels that are not listed, which share a code."""
        return False

    @property
    def reads_as_written(self) -> bool:
        """Whether ``encode`` takes cells as the file writes them, although they look like numbers."""
        return False

    # Codes

    @abstractmethod
    def encode(self, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
        """Codes (N,) float64 of cells, NaN where unknown; what the column cannot hold is infinite.

        Raises:
            SchemaError: where ``strict``, a value that the column cannot hold.
        """

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Values (N,), in the table's own type, from codes."""

    def decode_named(self, codes: np.ndarray) -> np.ndarray:
        """As ``decode``; labels that are not listed are one word among text, masked otherwise."""
        return self.decode(codes)

    def is_unlisted(self, codes: np.ndarray) -> np.ndarray:
        """Which codes (N,) are that of all labels that are not listed."""
        return np.zeros(len(codes), dtype=bool)

    def mean_values(self, codes: np.ndarray) -> np.ndarray:
        """Values (N,) from codes that may lie between those of a grid; whole where its type is."""
        return self.decode(codes)

    def given_back(self, codes: np.ndarray, cells: np.ndarray, where: Where) -> tuple[np.ndarray, np.ndarray] | None:
        """Which given cells (N,), by their codes, codes do not name exactly; and what these are.

        None: ``decode`` gives back every cell as it was.
        """
        return None

    def wrong_codes(self, codes: np.ndarray) -> tuple[np.ndarray, str]:
        """Which codes (N,) no value has, and what is wrong with them."""
        return ~np.isfinite(codes), "is not finite"

    @property
    def code_scale(self) -> tuple[float, float]:
        """Center and spread of the codes, of which a typical column has one above and one below."""
        return 0.0, 1.0

    def beyond(self, codes: np.ndarray) -> np.ndarray:
        """How far codes (N,) lie outside the training rows' range, in widths of it; 0 within."""
        return np.zeros(len(codes))

    @abstractmethod
    def points(self, most: int) -> np.ndarray:
        """Codes (M,) that show the distribution: all of a finite list, else ``most`` in the range."""

    # Likelihood

    @property
    def outside_share(self) -> float:
        """ε, the probability of all that the column cannot hold together: 1 / (rows + 1)."""
        return 1 / (self.rows + 1) if self.rows else ANY_SHARE

    def atom_codes(self) -> tuple[float, ...]:
        """Codes of the values that occur by themselves."""
        return ()

    def is_mass(self, codes: np.ndarray) -> np.ndarray:
        """Which codes (N,) have a mass, bool; the others have a density."""
        return np.ones(len(codes), dtype=bool)

    def log_scale(self, codes: np.ndarray) -> np.ndarray:
        """What the log-likelihood of codes (N,) gains as one of values: −log of the unit of a density."""
        return np.zeros(len(codes))

    def log_unit(self, codes: np.ndarray, *, strict: bool = False) -> np.ndarray:
        """What the log-likelihood of codes (N,) gains as one of cells: ``log_scale`` and log(1 − ε).

        Where ``strict``, nothing is left for cells that the column cannot hold: ε is 0.
        """
        return self.log_scale(codes) + (0.0 if strict else math.log1p(-self.outside_share))

    def log_multiplicity(self, codes: np.ndarray) -> np.ndarray:
        """log of how many values share each code (N,)."""
        return np.zeros(len(codes))

    @property
    def measure(self) -> Measure | None:
        """Which values have masses where others have densities; None: likelihoods are all masses."""
        return None

    # Words

    @property
    @abstractmethod
    def held(self) -> str:
        """What the column can hold, in words."""

    @property
    def level_names(self) -> list[str]:
        """What the levels are called, in the sequence of their codes; none of numbers."""
        return []

    @property
    def code_names(self) -> list[str]:
        """What all codes of a finite list are called, unlisted labels among them; none of numbers."""
        return self.level_names

    @property
    def is_read_as_number(self) -> bool:
        """Whether a tensor can hold its cells as they are in the table."""
        return not self.holds_dates

    @property
    def is_flipped(self) -> bool:
        """Whether code 1 is the value 0."""
        return False

    def distance(self, cells: np.ndarray) -> np.ndarray:
        """How far cells (n,) that the column cannot hold lie from those that it can, in spreads."""
        return np.full(len(cells), np.inf)

    def as_text(self, values: np.ndarray) -> list[str]:
        """Values (N,) as a person reads them, in the column's notation where it has one."""
        if self.notation is None:
            return cells_as_text(values)
        return [str(cell) for cell in self.notation.write(values)]

    # Files

    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        """Values (N,) as text, objects, in the manner of a known cell; "" stands for none."""
        return objects_of([str(value) for value in values.tolist()])

    def polars_type(self) -> Any:
        """The polars type of the column in a table that was read from a file of text."""
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
        if self.cells:
            spec["cells"] = self.cells
        if self.categories:
            spec["categories"] = [as_lists(value) for value in self.categories]
        if self.notation is not None:
            spec["notation"] = self.notation.to_json()
        return spec | self.fields_to_json()

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Self:
        """The column of this kind that ``to_json`` described."""
        return cls(
            name=str(spec["name"]),
            dtype=str(spec["dtype"]),
            reason=str(spec["reason"]),
            cells=str(spec.get("cells", "")),
            categories=tuple(map(as_tuples, spec.get("categories", ()))),
            rows=whole(spec["rows"]),
            notation=notation_from_json(spec["notation"]) if "notation" in spec else None,
            **cls.fields_from_json(spec),
        )

    @abstractmethod
    def fields_to_json(self) -> dict[str, Any]:
        """The fields that only columns of this kind have, as JSON holds them."""

    @classmethod
    @abstractmethod
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that ``fields_to_json`` wrote."""
