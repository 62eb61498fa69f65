"""What the page asks of a density: a row's conditionals, rows like it, wrong cells of a table."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.density import Density
from chainrule.errors import ChainruleError, ShapeError, unknown_choice
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.plots.bins import DATES, FEWEST, LEVELS, LINEAR, Bins, bins_of
from chainrule.review.cells import polars_frame
from chainrule.table import AbstractColumn, Codes, Table, encode, masses, objects_of, read_table
from chainrule.tasks.answer import Batch
from chainrule.tasks.conditional import MIDDLE, SHOWN_LEVELS
from chainrule.tasks.each_cell import each_cell
from chainrule.tasks.explain import bits_of
from chainrule.tasks.outside import row_nats

MOST_LEVELS = 500  # of a column that the page offers in a list
MOST_FINDINGS = 200
MOST_BYTES = 50_000_000  # of a table that is dropped on the page
DIGITS = 5
RARE = 0.01  # a level of less is not expected

Cells = Mapping[str, str | None]  # by column; None is unknown


def columns(density: Density) -> list[dict[str, Any]]:
    """The columns in the table's order: name, kind, and the levels of those that have a list."""
    found = []
    for column in density.schema.columns_without_flags:
        levels = None
        if column.has_levels and len(column.level_names) <= MOST_LEVELS:
            levels = list(column.level_names)
        kind = "date" if column.holds_dates else "levels" if column.has_levels else "number"
        found.append({"name": str(column.name), "kind": kind, "levels": levels})
    return found


class Answers:
    """Answers about one density. Its network is copied to float64 once.

    Args:
        density: a fitted density that takes any evidence.
        table: rows that the page begins with; None begins with an unknown row.

    Raises:
        EvidenceError: a network of one order.
    """

    def __init__(self, density: Density, table: Any = None) -> None:
        self._density, self._model = density, density.model
        _require_any_evidence(self._model)
        self._network = self._model.in_float64()
        self._names = [str(c.name) for c in density.schema.columns_without_flags]
        self._table = None if table is None else _TextRows.of(table, density.model)
        self._bins: dict[int, Bins] = {}

    @property
    def rows(self) -> int:
        """How many rows of the table can be opened."""
        return 0 if self._table is None else len(self._table)

    def open(self, row: int) -> dict[str, str | None]:
        """The cells of a row of the table, as text."""
        if self._table is None or not 0 <= row < len(self._table):
            raise ShapeError(f"row {row} of a table of {self.rows} rows; rows count from 0")
        return self._table.row(row)

    def load(self, text: bytes) -> None:
        """Takes the rows of a CSV file instead of the table.

        Raises:
            SchemaError: the file is no CSV, or lacks the model's columns.
        """
        if len(text) > MOST_BYTES:
            raise ShapeError(f"a table of {len(text):,} bytes: the page takes {MOST_BYTES:,}")
        self._table = _TextRows.of(io.BytesIO(text), self._model)

    def row(self, cells: Cells) -> dict[str, Any]:
        """log p of a row, and of each column its distribution given all other known cells.

        Raises:
            SchemaError: a cell that its column cannot hold; the message names it.
        """
        rows = self._batch(cells)
        with torch.no_grad():
            nats = float(row_nats(rows.network, rows.x, rows.observed, rows.outside)[0])
        columns = [found for _, found in sorted(self._conditionals(rows).items())]
        return {"nats": _number(nats + self._units(rows.codes)), "columns": columns}

    def similar(self, cells: Cells, number: int, seed: int) -> list[list[str | None]]:
        """Rows that agree with the known cells, as text in the order of ``columns``."""
        given = {name: self._value(name, text) for name, text in cells.items() if text is not None}
        drawn = self._density.sample(number, given=given or None, seed=seed)
        return _texts(drawn, self._names)

    def wrong(self) -> list[dict[str, Any]]:
        """The table's cells that are probably wrong, or else its oddest ones, worst first."""
        if self._table is None:
            return []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = self._density.proofread(self._table.frame, 0.2)
            kind = "wrong"
            if not len(found):
                found, kind = self._density.oddest(self._table.frame, top=20), "odd"
        frame = polars_frame(read_table(found)).head(MOST_FINDINGS)
        return [
            {
                "row": int(each["row"]),
                "column": str(each["column"]),
                "found": str(each["found"]),
                "said": _said(each, kind),
            }
            for each in frame.iter_rows(named=True)
        ]

    def _batch(self, cells: Cells) -> Batch:
        """The codes of one row; unknown columns of the page are an error."""
        unknown = [name for name in cells if name not in self._names]
        if unknown:
            raise ShapeError(f"{unknown[0]!r} is no column of the model")
        texts = [cells.get(name) for name in self._names]
        values = [self._value(n, t) for n, t in zip(self._names, texts, strict=True)]
        cells_of_row = tuple(objects_of([value]) for value in values)
        row = Table(tuple(self._names), cells_of_row, "the row", named=True)
        codes = encode(row, self._model.schema, warn=False, strict=True)
        return Batch(self._model, self._network, codes, progress=False)

    def _value(self, name: str, text: str | None) -> Any:
        """A cell's text as a value that the model's column takes."""
        column = self._model.schema.columns[self._model.schema.number(name)]
        if text is None or not text.strip():
            return None
        if column.has_levels:
            return _level(column, text)
        if column.holds_dates:
            return _date(name, text)
        try:
            return float(text)
        except ValueError:
            raise ShapeError(f"{name}: {text!r} is no number, such as 12.5") from None

    def _conditionals(self, rows: Batch) -> dict[int, dict[str, Any]]:
        """Each column's distribution given the other known cells, by its number."""
        known = rows.codes.observed[0]
        filled = rows.network.columns.filled(rows.x, rows.observed)
        has_mass = torch.from_numpy(masses(self._model.schema, rows.codes.values))
        found = {}

        def of(_: np.ndarray, at: np.ndarray, distribution: Distribution) -> None:
            tails = bits_of(distribution, filled[0, at], has_mass[0, at].to(filled.device))[0]
            for place, k in enumerate(at.tolist()):
                found[k] = self._shown(k, distribution.take(slice(place, place + 1)))
                found[k]["bits"] = _number(tails[place]) if known[k] else None

        each_cell(rows, ~is_flag(self._model.schema)[None], of, "conditioning")
        return found

    def _shown(self, k: int, distribution: Distribution) -> dict[str, Any]:
        column = self._model.schema.columns[k]
        if k not in self._bins:
            self._bins[k] = bins_of(column, self._alone(k), np.zeros(0))
        bins = self._bins[k]
        shares = bins.by(distribution)
        names = list(bins.names) if bins.kind == LEVELS else _ends(column, bins)
        return {
            "name": str(column.name),
            "kind": bins.kind,
            "shares": [_number(share) for share in shares],
            "names": names,
            "ticks": _ticks(bins),
            "expected": _expected(bins, shares, names),
        }

    def _alone(self, k: int) -> Distribution:
        """p(column) of a row of which nothing is known, which decides the bins."""
        width = len(self._model.schema.columns)
        x = torch.zeros(1, width, dtype=torch.float64)
        nothing = torch.zeros(1, width, dtype=torch.bool)
        device = next(self._network.parameters()).device
        return self._network.conditional(x.to(device), k, nothing.to(device))

    def _units(self, codes: Codes) -> float:
        """What turns the likelihood of codes into that of the table's values."""
        columns = self._model.schema.columns
        known = np.flatnonzero(codes.observed[0])
        return float(sum(columns[k].log_unit(codes.values[:, k])[0] for k in known))


class _TextRows:
    """The rows of a table, as a frame and as text."""

    def __init__(self, frame: Any, texts: list[list[str | None]], names: list[str]) -> None:
        self.frame, self._texts, self._names = frame, texts, names

    def __len__(self) -> int:
        return len(self._texts)

    @classmethod
    def of(cls, table: Any, model: Model) -> _TextRows:
        """Reads a table, which has the model's columns.

        Raises:
            SchemaError: it has not.
        """
        if isinstance(table, io.BytesIO):
            import polars as pl

            try:
                table = pl.read_csv(table, infer_schema_length=None)
            except pl.exceptions.PolarsError as error:
                raise ChainruleError(f"the file is no CSV that can be read: {error}") from error
        read = read_table(table, reading=model.schema.reading)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            encode(read, model.schema, warn=False)  # a table of other columns is refused
        frame = polars_frame(read)
        names = [str(column.name) for column in model.schema.columns_without_flags]
        return cls(frame, _texts(frame, names), names)

    def row(self, number: int) -> dict[str, str | None]:
        """One row's cells by name."""
        return dict(zip(self._names, self._texts[number], strict=True))


def _texts(frame: Any, names: list[str]) -> list[list[str | None]]:
    """The cells of some columns, as the page shows and takes them; None if missing."""
    import polars as pl

    found = polars_frame(read_table(frame))
    columns = []
    for name in names:
        if name not in found.columns:
            columns.append([None] * len(found))
            continue
        cells = found[name]
        if cells.dtype.is_float():
            cells = cells.fill_nan(None)
        columns.append([None if c is None else _text(c) for c in cells.to_list()])
    assert isinstance(found, pl.DataFrame)
    return [list(row) for row in zip(*columns, strict=True)]


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.10g}"
    return str(cell)


def _level(column: AbstractColumn, text: str) -> Any:
    """The level of this name."""
    levels = dict(zip(column.level_names, getattr(column, "levels", ()), strict=False))
    if text not in levels:
        raise ShapeError(f"{column.name}: {unknown_choice('label', text, list(levels))}")
    return levels[text]


def _date(name: str, text: str) -> np.datetime64:
    try:
        return np.datetime64(text.strip().replace(" ", "T"))
    except ValueError:
        raise ShapeError(f"{name}: {text!r} is no date, such as 2024-12-31") from None


def _ends(column: AbstractColumn, bins: Bins) -> list[str | float]:
    if bins.kind == DATES:
        return [str(each) for each in bins.ends]
    return [float(f"{each:.{DIGITS + 2}g}") for each in bins.ends]


def _expected(bins: Bins, shares: np.ndarray, names: list[Any]) -> str:
    """The most probable levels, or between which ends of bins the middle 90 % lie."""
    if bins.kind == LEVELS:
        order = np.argsort(-shares, kind="stable")[:SHOWN_LEVELS].tolist()
        return ", ".join(f"{names[k]} {shares[k]:.0%}" for k in order if shares[k] >= RARE)
    below = np.concatenate([[0.0], shares.cumsum()]) / max(shares.sum(), 1e-300)
    first = int(np.searchsorted(below, MIDDLE[0], side="right")) - 1
    last = int(np.searchsorted(below, MIDDLE[1], side="left"))
    ticks = _ticks(bins)
    if ticks is not None:
        low, high = ticks[first], ticks[min(last, len(ticks)) - 1]
        return low if low == high else f"{low} … {high}"
    return f"{names[first]} … {names[min(last, len(names) - 1)]}"


def _ticks(bins: Bins) -> list[str] | None:
    """What each of a few bins of numbers stands for."""
    if bins.kind != LINEAR or len(bins.ends) > FEWEST:
        return None
    return [f"{each:g}" for each in bins.middles]


def _said(finding: Mapping[str, Any], kind: str) -> str:
    if kind == "odd":
        return f"expected {finding['expected']}"
    suggested = finding["suggested"]
    return f"{finding['kind']}" + (f": {suggested}?" if suggested is not None else "")


def _number(value: float) -> float | None:
    value = float(value)
    return float(f"{value:.{DIGITS + 10}g}") if math.isfinite(value) else None


def _require_any_evidence(model: Model) -> None:
    """Raises EvidenceError for a network that cannot answer about single cells."""
    width = len(model.schema.columns)
    for k in range(width):
        known = np.ones((1, width), dtype=bool)
        known[0, k] = False
        model.require_evidence(known, name="known")
