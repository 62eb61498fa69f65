"""What the page asks of a model: a row's conditionals, rows like it, wrong cells of a table."""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from chainrule import tasks
from chainrule.conditionals import Distribution
from chainrule.errors import ChainruleError, ShapeError, unknown_choice
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.plots.bins import DATES, FEWEST, LEVELS, LINEAR, Bins, bins_of
from chainrule.review.cells import polars_frame
from chainrule.table import AbstractColumn, Codes, Table, encode, masses, objects_of, read_table
from chainrule.tasks.answer import Batch
from chainrule.tasks.conditional import MIDDLE, level_probabilities_of, likely_levels
from chainrule.tasks.each_cell import each_cell
from chainrule.tasks.explain import bits_of
from chainrule.tasks.score import nats

MOST_LEVELS = 500  # of a column that the page offers in a list
MOST_FINDINGS = 200
FDR = 0.2  # expected share of false findings
TOP = 20  # oddest cells of a table without findings
MOST_BYTES = 50_000_000  # of a table that is dropped on the page
DIGITS = 5
SEARCHES, FINE = 2, 64  # for an end of the middle 90 % in its bin, and parts of each search
MIDNIGHT = "T00:00:00"

Cells = Mapping[str, str | None]  # by column; None is unknown


def columns(model: Model) -> list[dict[str, Any]]:
    """The columns in the table's order: name, and the levels of those that have a list."""
    found = []
    for column in model.schema.columns_without_flags:
        levels = None
        if column.has_levels and len(column.level_names) <= MOST_LEVELS:
            levels = list(column.level_names)
        found.append({"name": str(column.name), "levels": levels})
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
        self._table = None if table is None else _TextRows.of(table, model)
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
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "the table.csv"
            path.write_bytes(text)
            try:
                self._table = _TextRows.of(path, self._model)
            except ChainruleError as error:  # a reader knows no temporary file
                raise type(error)(str(error).replace(str(path), "the table")) from error

    def row(self, cells: Cells, number: int | None = None) -> dict[str, Any]:
        """log p of a row, and of each column its distribution given all other known cells.

        Args:
            cells: the cells as the page shows them.
            number: the row of the table whose cells they are, but for some that were changed.

        Raises:
            SchemaError: a changed cell that its column cannot hold; the message names it.
        """
        rows = self._batch(cells, number)
        columns = [found for _, found in sorted(self._conditionals(rows).items())]
        return {"nats": _number(nats(rows)[0]), "columns": columns}

    def similar(self, cells: Cells, number: int, seed: int) -> list[list[str | None]]:
        """Rows that agree with the known cells, as text in the order of ``columns``."""
        given = {name: self._given(name, text) for name, text in cells.items() if text is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            drawn = tasks.sample(self._model, number, given=given or None, seed=seed)
        return _texts(polars_frame(read_table(drawn)), self._names)

    def wrong(self) -> list[dict[str, Any]]:
        """The table's cells that are probably wrong, or else its oddest ones, worst first."""
        if self._table is None:
            return []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = tasks.proofread_by([self._model], self._table.table, fdr=FDR, progress=False)
            kind = "wrong"
            if not len(found):
                found, kind = tasks.oddest(self._model, self._table.table, top=TOP), "odd"
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

    def _batch(self, cells: Cells, number: int | None) -> Batch:
        """The codes of one row; unknown columns of the page are an error.

        Cells of the table keep the table's codes. Only changed ones are read from the page.
        """
        if unknown := [name for name in cells if name not in self._names]:
            raise ShapeError(f"{unknown[0]!r} is no column of the model")
        own = {} if number is None or self._table is None else self.open(number)
        changed = [n for n in self._names if n not in own or cells.get(n) != own[n]]
        values = [
            objects_of([self._value(n, cells.get(n)) if n in changed else None])
            for n in self._names
        ]
        row = Table(tuple(self._names), tuple(values), "the row", named=True)
        codes = encode(row, self._model.schema, warn=False, strict=True)
        if self._table is not None and own:
            schema, of_table = self._model.schema, self._table.codes.take(np.array([number]))
            kept = np.zeros(len(schema.columns), dtype=bool)
            for k in (schema.number(n) for n in self._names if n not in changed):
                kept[k] = True
                if k in schema.flags:
                    kept[schema.flags[k]] = True
            codes = Codes(
                *(
                    np.where(kept, theirs, ours)
                    for theirs, ours in (
                        (of_table.values, codes.values),
                        (of_table.observed, codes.observed),
                        (of_table.outside, codes.outside),
                    )
                )
            )
        return Batch(self._model, self._network, codes, progress=False)

    def _given(self, name: str, text: str) -> Any:
        """A cell's text as a value that may be given: also a label that only the table has."""
        column = self._model.schema.columns[self._model.schema.number(name)]
        is_listed = not column.has_levels or text in column.level_names
        if not is_listed and any(self.open(row)[name] == text for row in range(self.rows)):
            return text
        return self._value(name, text)

    def _value(self, name: str, text: str | None) -> Any:
        """A cell's text as a value that the model's column takes."""
        column = self._model.schema.columns[self._model.schema.number(name)]
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
        if column.has_levels:
            expected = likely_levels(level_probabilities_of(distribution)[0], column.code_names)
        else:
            expected = _middle(column, bins, distribution)
        return {
            "name": str(column.name),
            "kind": bins.kind,
            "shares": [_number(share) for share in shares],
            "names": names,
            "ticks": _ticks(bins),
            "axis": _axis(column, bins),
            "expected": expected,
        }

    def _alone(self, k: int) -> Distribution:
        """p(column) of a row of which nothing is known, which decides the bins."""
        width = len(self._model.schema.columns)
        x = torch.zeros(1, width, dtype=torch.float64)
        nothing = torch.zeros(1, width, dtype=torch.bool)
        device = next(self._network.parameters()).device
        return self._network.conditional(x.to(device), k, nothing.to(device))


class _TextRows:
    """The rows of a table, as codes and as text."""

    def __init__(self, table: Table, codes: Codes, names: list[str]) -> None:
        self.table, self.codes, self._names = table, codes, names
        self._texts = _texts(polars_frame(table), names)

    def __len__(self) -> int:
        return len(self._texts)

    @classmethod
    def of(cls, table: Any, model: Model) -> _TextRows:
        """Reads a table, which has the model's columns.

        Raises:
            SchemaError: it has not.
        """
        read = read_table(table, reading=model.schema.reading)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            codes = encode(read, model.schema, warn=False)
        return cls(read, codes, [str(c.name) for c in model.schema.columns_without_flags])

    def row(self, number: int) -> dict[str, str | None]:
        """One row's cells by name."""
        return dict(zip(self._names, self._texts[number], strict=True))


def _texts(frame: Any, names: list[str]) -> list[list[str | None]]:
    """The cells of some columns of a polars frame, as the page shows them; None if missing."""
    columns = [
        [_text(cell) for cell in frame[name].to_list()]
        if name in frame.columns
        else [None] * len(frame)
        for name in names
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _text(cell: Any) -> str | None:
    """All digits of a number; None if it is missing."""
    if isinstance(cell, float):
        return None if math.isnan(cell) else np.format_float_positional(cell, trim="-")
    return None if cell is None else str(cell)


def _level(column: AbstractColumn, text: str) -> Any:
    """The level of this name."""
    levels = dict(zip(column.level_names, getattr(column, "levels", ()), strict=False))
    if text not in levels:
        raise ShapeError(f"{column.name}: {unknown_choice('label', text, list(levels))}")
    return levels[text]


def _ends(column: AbstractColumn, bins: Bins) -> list[str | float]:
    if bins.kind == DATES:
        return [str(each) for each in bins.ends]
    return [float(f"{each:.{DIGITS + 2}g}") for each in bins.ends]


def _middle(column: AbstractColumn, bins: Bins, distribution: Distribution) -> str:
    """Between which values the middle 90 % lie, to a small part of a bin; quantiles take longer."""
    below = _below(distribution, bins.codes)
    is_grid = getattr(column, "step", None) is not None or bins.kind == DATES
    ends = []
    for level, way in zip(MIDDLE, (1, -1), strict=True):
        wanted = below[0] + level * (below[-1] - below[0])
        within = _holding(below, wanted)
        first, last = bins.codes[within : within + 2]
        for _ in range(SEARCHES):
            count = min(FINE, max(1, round(last - first))) if is_grid else FINE
            codes = np.linspace(first, last, count + 1)
            codes = np.round(codes - first) + first if is_grid else codes  # between grid points
            found = _holding(_below(distribution, codes), wanted)
            first, last = codes[found : found + 2]
            if not is_grid or last - first <= 1:
                break
        ends.append((first + 0.5 if way > 0 else last - 0.5) if is_grid else (first + last) / 2)
    start, stop = column.as_text(column.decode(np.array(ends)))
    return f"{start} … {stop}" if start != stop else str(start)


def _below(distribution: Distribution, codes: np.ndarray) -> np.ndarray:
    """The probability (n,) of a value up to each of n codes, by a distribution of one row."""
    at = torch.from_numpy(codes).to(distribution.params.device)
    return distribution.repeated(len(codes)).cdf(at).cpu().numpy()


def _holding(below: np.ndarray, wanted: float) -> int:
    """The first of the n − 1 intervals between n ends that reaches a probability."""
    return min(int(np.searchsorted(below[1:], wanted)), len(below) - 2)


def _axis(column: AbstractColumn, bins: Bins) -> list[tuple[int, str]] | None:
    """Three places of an axis of numbers or dates, in bins, and what is written there."""
    if bins.kind == LEVELS:
        return None
    last = len(bins.ends) - 1
    ways = (0, 1), (round(last / 2), 1), (last, -1)
    return [(place, _end(column, bins, place, way)) for place, way in ways]


def _end(column: AbstractColumn, bins: Bins, place: int, way: int) -> str:
    """The first value of the bin after an end, or the last one before it, as text.

    Numbers have the digits that tell bins apart.

    Args:
        column: whose bins they are.
        bins: of numbers or dates.
        place: the number of the end.
        way: 1 for the bin after it, -1 for the one before it.
    """
    if bins.kind == DATES:
        return str(bins.ends[place]).removesuffix(MIDNIGHT)
    step = getattr(column, "step", None) or 0.0
    width = np.diff(bins.ends)[place if way > 0 else place - 1]
    digits = max(0, math.ceil(-math.log10(width)))
    value = round(float(bins.ends[place] + way * step / 2), digits)
    return np.format_float_positional(value + 0.0, trim="-")


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
