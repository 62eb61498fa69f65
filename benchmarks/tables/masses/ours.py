"""The masses of rows under a density of chainrule, of this version or of an earlier one.

Only calls that all versions have are made: a worker runs this with the source that its path names.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np
import polars as pl
import torch

from benchmarks.tables.masses.cells import Cells
from benchmarks.tables.masses.quadrature import masses_between
from chainrule import table as tables

BATCH = 500
MOST_POINTS = 200  # grid points of a column within a rounding cell
EDGE = 1e-6  # share of a cell by which a value that is rounded to its grid may miss it


def log_masses(density: Any, frame: pl.DataFrame, cells: Cells) -> np.ndarray:
    """The log mass (N,) of the known cells of each row; −inf without mass.

    Raises:
        ValueError: the density models other columns than those of the measure.
    """
    schema = density.model.schema
    if [column.name for column in schema.columns] != list(cells.names):
        raise ValueError(f"the density models {[column.name for column in schema.columns]}")
    rows = _Rows(density.model, frame, cells)
    found = [rows.log_masses(slice(start, start + BATCH)) for start in range(0, len(frame), BATCH)]
    return np.concatenate(found)


class _Rows:
    """A table encoded once, and the version's own ways to encode and decode a column."""

    def __init__(self, model: Any, frame: pl.DataFrame, cells: Cells) -> None:
        self.frame, self.cells = frame, cells
        self.schema, self.network = model.schema, model.in_float64()
        codes = self.encode(frame)
        self.codes, self.observed = codes.values, codes.observed
        self.values = cells.values(frame)
        # A cell that its column cannot hold has no mass, and nothing depends on it.
        self.is_lost = ~self.observed & ~np.isnan(self.values)

    def encode(self, frame: pl.DataFrame) -> Any:
        """Codes; values that are rounded to a grid are judged later, without a warning."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return tables.encode(tables.read_table(frame), self.schema, warn=False)

    def decode(self, k: int, codes: np.ndarray) -> np.ndarray:
        """Values (N,) of a column's codes."""
        column = self.schema.columns[k]
        if hasattr(column, "decode"):
            values = np.asarray(column.decode(codes))
        else:
            values = np.asarray(vars(tables)["decode_column"](column, codes))
        if self.cells.are_dates[k]:
            values = values.astype("datetime64[us]").astype(np.int64)
        return values.astype(np.float64)

    def atom_codes(self, k: int) -> tuple[float, ...]:
        """The codes of a column's atoms."""
        column = self.schema.columns[k]
        if hasattr(column, "atom_codes"):
            return column.atom_codes()
        return import_module("chainrule.table.kinds").KINDS[column.kind].atom_codes(column)

    def log_scale(self, k: int, codes: np.ndarray) -> np.ndarray:
        """log density of values minus log density of codes (N,) of a column."""
        column = self.schema.columns[k]
        if hasattr(column, "log_scale"):
            return column.log_scale(codes)
        return vars(tables)["log_scales_of"](column, codes)

    def codes_of(self, k: int, rows: slice, numbers: np.ndarray) -> np.ndarray:
        """Codes (n,) of other numbers in a column of some rows; NaN where it cannot hold them."""
        name, written = self.cells.names[k], pl.Series(numbers, dtype=pl.Float64)
        if self.cells.are_dates[k]:
            written = written.round().cast(pl.Int64).cast(pl.Datetime("us"))
        asked = self.frame[rows].with_columns(written.alias(name))
        codes = self.encode(asked)
        return np.where(codes.observed[:, k], codes.values[:, k], np.nan)

    @torch.no_grad()
    def log_masses(self, rows: slice) -> np.ndarray:
        """The log masses (n,) of some rows."""
        x, observed = (torch.from_numpy(each[rows]) for each in (self.codes, self.observed))
        given, total = torch.zeros_like(observed), np.zeros(len(x))
        with np.errstate(divide="ignore"):
            for k in range(len(self.schema.columns)):
                distribution = self.network.conditional(x, k, given.clone())
                found = self._column(k, rows, distribution)
                known = observed[:, k].numpy()
                total[known] += found[known]
                given[:, k] = observed[:, k]
        return np.where(self.is_lost[rows].any(1), -np.inf, total)

    def _column(self, k: int, rows: slice, distribution: Any) -> np.ndarray:
        """The log masses (n,) of the cells of one column under its distribution in each row."""
        codes = self.codes[rows, k]
        if not self.cells.widths[k]:
            return distribution.log_prob(torch.from_numpy(codes)).numpy()
        values = np.nan_to_num(self.values[rows, k])
        half = self.cells.widths[k] / 2
        if distribution.conditional.is_discrete:
            return np.log(self._on_grid(k, codes, values, half, distribution))
        return np.log(self._with_density(k, rows, values, half, distribution))

    def _on_grid(
        self, k: int, codes: np.ndarray, values: np.ndarray, half: float, distribution: Any
    ) -> np.ndarray:
        """The masses (n,) of the points of a grid or of levels that lie within the cells."""
        reach = half * (1 + EDGE)
        listed = distribution.conditional.support()
        pair = np.array([codes[0], codes[0] + 1])
        if listed is not None and len(listed) > 1:  # a bit has no code after 1
            pair = np.array(listed[:2], dtype=np.float64)
        step = float(np.abs(np.diff(self.decode(k, pair)))[0]) or 1.0
        most = int(min(np.ceil(half / step), MOST_POINTS))
        found = np.zeros(len(codes))
        for offset in range(-most, most + 1):
            tried = codes + offset
            is_code = np.ones(len(tried), bool) if listed is None else np.isin(tried, listed)
            safe = np.where(is_code, tried, codes)
            near = is_code & (np.abs(self.decode(k, safe) - values) <= reach)
            if near.any():
                p = distribution.log_prob(torch.from_numpy(safe)).exp().numpy()
                found += np.where(near, p, 0)
        return found

    def _with_density(
        self, k: int, rows: slice, values: np.ndarray, half: float, distribution: Any
    ) -> np.ndarray:
        """The masses (n,) of cells of a column with a density and perhaps atoms."""
        ends = []
        for side in (-1, 1):
            codes = self.codes_of(k, rows, values + side * half)
            # Beyond an end of the support there is nothing: below it 0, above it everything.
            ends.append(np.where(np.isnan(codes), side * np.inf, codes))
        below, upto = (_cdf(distribution, end) for end in ends)
        atoms = np.array(self.atom_codes(k), dtype=np.float64)
        inside = np.zeros(len(values))
        for atom, value in zip(atoms, self.decode(k, atoms), strict=True):
            by_code = (ends[0] < atom) & (atom <= ends[1])
            by_value = np.abs(value - values) < half
            if by_code.any() or by_value.any():
                p = distribution.log_prob(torch.full((len(values),), atom)).exp().numpy()
                upto = upto - np.where(by_code, p, 0)
                inside += np.where(by_value, p, 0)

        def density(numbers: np.ndarray) -> np.ndarray:
            codes = self.codes_of(k, rows, numbers)
            is_dense = ~np.isnan(codes) & ~np.isin(codes, atoms)
            safe = np.where(is_dense, codes, self.codes[rows, k])
            logs = distribution.log_prob(torch.from_numpy(safe)).numpy() + self.log_scale(k, safe)
            return np.where(is_dense, np.exp(logs), 0)

        return inside + masses_between(values - half, values + half, below, upto, density)


def _cdf(distribution: Any, codes: np.ndarray) -> np.ndarray:
    """P(code <= c), (n,), of codes that may be infinite."""
    finite = np.isfinite(codes)
    found = distribution.cdf(torch.from_numpy(np.where(finite, codes, 0.0))).numpy()
    return np.where(finite, found, codes > 0)
