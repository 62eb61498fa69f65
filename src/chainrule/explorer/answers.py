"""What the page asks of a model: a row's conditionals, rows like it, wrong cells of a table."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch

from chainrule import tasks
from chainrule.conditionals import Distribution
from chainrule.errors import ChainruleError, ShapeError, nearest
from chainrule.explorer.findings import findings_of
from chainrule.explorer.shown import number_or_none, shown, takes
from chainrule.explorer.tables import OWN, Tables, texts_of
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.plots.bins import Bins, bins_of
from chainrule.review.cells import polars_frame
from chainrule.table import AbstractColumn, Codes, Table, encode, masses, objects_of, read_table
from chainrule.tasks.answer import Batch
from chainrule.tasks.each_cell import each_cell
from chainrule.tasks.explain import bits_of
from chainrule.tasks.score import nats

MOST_LEVELS = 500  # of a column that the page offers in a list
TYPICAL = 300  # rows of a table with whose log p a row is compared

Cells = Mapping[str, str | None]  # by column; None is unknown


class CellsError(ShapeError):
    """Cells that their columns cannot hold.

    Attributes:
        cells: why, by column.
    """

    def __init__(self, cells: Mapping[str, str]) -> None:
        super().__init__("; ".join(cells.values()))
        self.cells = dict(cells)


def columns(model: Model) -> list[dict[str, Any]]:
    """The columns in the table's order: name, what it takes, and the levels if there is a list."""
    found = []
    for column in model.schema.columns_without_flags:
        levels = None
        if column.has_levels and len(column.level_names) <= MOST_LEVELS:
            levels = list(column.level_names)
        found.append({"name": str(column.name), "levels": levels, "takes": takes(column)})
    return found


class Answers:
    """Answers about one model. Its network is copied to float64 once.

    Args:
        model: a fitted model that takes any evidence.
        table: rows that the page begins with; None begins with an unknown row.

    Raises:
        EvidenceError: a network of one order.
    """

    def __init__(self, model: Model, table: Any = None) -> None:
        self._model = model
        _require_any_evidence(self._model)
        self._network = self._model.in_float64()
        self._names = [str(c.name) for c in model.schema.columns_without_flags]
        self._tables = Tables(model, table)
        self._bins: dict[int, Bins] = {}

    @property
    def tables(self) -> list[dict[str, Any]]:
        """The tables whose rows can be opened: ``table`` (a number), ``name`` and ``rows``.

        Number 0 is the table that the page began with.
        """
        return self._tables.listed

    def open(self, row: int, table: int = OWN) -> dict[str, str | None]:
        """The cells of a row of a table, as text.

        Raises:
            ShapeError: there is no such row or table.
        """
        return self._tables.row(table, row)

    def load(self, text: bytes, name: str) -> int:
        """Reads a CSV file beside the other tables, and returns the number of its table.

        Args:
            text: the file.
            name: what messages and the page call it.

        Raises:
            FormatError: the file is no CSV.
            SchemaError: it lacks the model's columns.
        """
        return self._tables.add(text, name)

    def row(self, cells: Cells, number: int | None = None, table: int = OWN) -> dict[str, Any]:
        """log p of a row, and of each column its distribution given all other known cells.

        Args:
            cells: the cells as the page shows them.
            number: the row of the table whose cells they are, but for some that were changed.
            table: the number of the table.

        Raises:
            CellsError: changed cells that their columns cannot hold; the message names them.
        """
        rows = self._batch(cells, number, table)
        columns = [found for _, found in sorted(self._conditionals(rows).items())]
        return {"nats": number_or_none(nats(rows)[0]), "columns": columns}

    def typical(self, known: Collection[str], table: int = OWN) -> list[float]:
        """log p of the cells of some columns, in nats, of rows of a table, least first.

        Args:
            known: the columns. Rows that lack one of these cells are left out.
            table: the number of the table. Some hundred of its rows are read.
        """
        held = self._tables.get(table)
        if held is None or not len(held):
            return []
        at = np.unique(np.linspace(0, len(held) - 1, TYPICAL).astype(np.int64))
        codes, schema = held.codes.take(at), self._model.schema
        numbers = [schema.number(name) for name in known]
        is_known = codes.observed_or_outside[:, numbers]
        codes = codes.take(np.flatnonzero(is_known.all(axis=1)))
        if not len(codes):
            return []
        codes = self._joined(codes, self._encoded({}), known)
        found = nats(Batch(self._model, self._network, codes, progress=False))
        return sorted(each for each in map(number_or_none, found) if each is not None)

    def similar(
        self, cells: Cells, number: int, seed: int, table: int = OWN
    ) -> list[list[str | None]]:
        """Rows that agree with the known cells, as text in the order of ``columns``.

        A label that only the table has is kept, too.
        """
        known = {name: text for name, text in cells.items() if text is not None}
        given = {name: self._given(name, text, table) for name, text in known.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            drawn = tasks.sample(self._model, number, given=given or None, seed=seed)
        return texts_of(polars_frame(read_table(drawn)), self._names)

    def wrong(self, table: int = OWN) -> dict[str, Any]:
        """The table's cells that are probably wrong, or else its oddest ones; see ``findings_of``.

        Raises:
            ShapeError: there is no such table.
        """
        held = self._tables.get(table)
        if held is None:
            raise ShapeError("there is no table to look at; choose a CSV file, or drop one")
        return findings_of(self._model, held)

    def _batch(self, cells: Cells, number: int | None, table: int) -> Batch:
        """The codes of one row; unknown columns of the page are an error.

        Cells of the table keep the table's codes. Only changed ones are read from the page.
        """
        if unknown := [name for name in cells if name not in self._names]:
            raise ShapeError(f"{unknown[0]!r} is no column of the model")
        held = None if number is None else self._tables.get(table)
        own = {} if held is None or number is None else held.row(number)
        same = [n for n in self._names if n in own and cells.get(n) == own[n]]
        codes = self._encoded({n: t for n, t in cells.items() if n not in same})
        if held is not None and number is not None:
            codes = self._joined(held.codes.take(np.array([number])), codes, same)
        return Batch(self._model, self._network, codes, progress=False)

    def _joined(self, theirs: Codes, ours: Codes, kept: Collection[str]) -> Codes:
        """Codes (n, D) of a table in the columns that are kept, those of one row elsewhere."""
        schema = self._model.schema
        of_table = np.zeros(len(schema.columns), dtype=bool)
        for k in map(schema.number, kept):
            of_table[k] = True
            if k in schema.flags:
                of_table[schema.flags[k]] = True
        pairs = (
            (theirs.values, ours.values),
            (theirs.observed, ours.observed),
            (theirs.outside, ours.outside),
        )
        return Codes(*(np.where(of_table, their, our) for their, our in pairs))

    def _encoded(self, cells: Cells) -> Codes:
        """The codes of one row of cells as the page shows them; columns without one are unknown.

        Raises:
            CellsError: cells that their columns cannot hold.
        """
        values, wrong = {}, {}
        for name, text in cells.items():
            try:
                values[name] = self._value(name, text)
            except ShapeError as error:
                wrong[name] = str(error)
        codes = None
        try:
            codes = self._strictly(values)
        except ChainruleError:
            refused = {name: self._refused(name, value) for name, value in values.items()}
            wrong |= {name: said for name, said in refused.items() if said is not None}
            if not wrong:
                raise
        if wrong or codes is None:
            raise CellsError(wrong)
        return codes

    def _strictly(self, values: Mapping[str, Any]) -> Codes:
        cells = tuple(objects_of([values.get(name)]) for name in self._names)
        row = Table(tuple(self._names), cells, "the row", named=True)
        return encode(row, self._model.schema, warn=False, strict=True)

    def _refused(self, name: str, value: Any) -> str | None:
        """Why a column cannot hold a value; None if it can."""
        try:
            self._strictly({name: value})
        except ChainruleError:
            return f"{name} takes {takes(self._column(name))}; {_plain(value)} is not among them"
        return None

    def _column(self, name: str) -> AbstractColumn:
        return self._model.schema.columns[self._model.schema.number(name)]

    def _given(self, name: str, text: str, table: int) -> Any:
        """A cell's text as a value that may be given: also a label that only the table has."""
        column, held = self._column(name), self._tables.get(table)
        is_listed = not column.has_levels or text in column.level_names
        if not is_listed and held is not None and held.has(name, text):
            return text
        return self._value(name, text)

    def _value(self, name: str, text: str | None) -> Any:
        """A cell's text as a value that the model's column takes."""
        column = self._column(name)
        if text is None or not text.strip():
            return None
        if column.has_levels:
            return _level(column, text)
        try:
            if column.holds_dates:
                return np.datetime64(text.strip().replace(" ", "T"))
            if column.notation is None:
                return float(text)
        except ValueError:
            if column.notation is None:
                said = "date, such as 2024-12-31" if column.holds_dates else "number, such as 12.5"
                raise ShapeError(f"{name}: {text!r} is no {said}") from None
        return text  # as the table writes its cells

    def _conditionals(self, rows: Batch) -> dict[int, dict[str, Any]]:
        """Each column's distribution given the other known cells, by its number."""
        known, outside = rows.codes.observed[0], rows.codes.outside[0]
        filled = rows.network.columns.filled(rows.x, rows.observed)
        has_mass = torch.from_numpy(masses(self._model.schema, rows.codes.values))
        found = {}

        def of(_: np.ndarray, at: np.ndarray, distribution: Distribution) -> None:
            tails = np.full(len(at), np.nan)
            if known[at].any():
                own = has_mass[0, at].to(filled.device)
                tails = bits_of(distribution, filled[0, at], own)[0]
            for place, k in enumerate(at.tolist()):
                found[k] = self._shown(k, distribution.take(slice(place, place + 1)))
                found[k]["bits"] = number_or_none(tails[place]) if known[k] else None
                found[k]["outside"] = bool(outside[k])

        each_cell(rows, ~is_flag(self._model.schema)[None], of, "conditioning")
        return found

    def _shown(self, k: int, distribution: Distribution) -> dict[str, Any]:
        column = self._model.schema.columns[k]
        if k not in self._bins:
            self._bins[k] = bins_of(column, self._alone(k), np.zeros(0))
        return shown(column, self._bins[k], distribution)

    def _alone(self, k: int) -> Distribution:
        """p(column) of a row of which nothing is known, which decides the bins."""
        width = len(self._model.schema.columns)
        x = torch.zeros(1, width, dtype=torch.float64)
        nothing = torch.zeros(1, width, dtype=torch.bool)
        device = next(self._network.parameters()).device
        return self._network.conditional(x.to(device), k, nothing.to(device))


def _level(column: AbstractColumn, text: str) -> Any:
    """The level of this name."""
    levels = dict(zip(column.level_names, getattr(column, "levels", ()), strict=False))
    if text not in levels:
        near = nearest(text, list(levels))
        hint = f" (nearest: {near!r})" if near is not None else ""
        raise ShapeError(
            f"{column.name}: {text!r} is unknown; the column takes {takes(column)}{hint}"
        )
    return levels[text]


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _require_any_evidence(model: Model) -> None:
    """Raises EvidenceError for a network that cannot answer about single cells."""
    width = len(model.schema.columns)
    for k in range(width):
        known = np.ones((1, width), dtype=bool)
        known[0, k] = False
        model.require_evidence(known, name="known")
