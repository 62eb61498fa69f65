"""Tables for the baselines: numbers standardised, categories as integers or one input a level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule import Schema


@dataclass(frozen=True)
class Coded:
    """A table's modelled columns as numbers, NaN where unknown.

    Attributes:
        names: the names of the columns.
        levels: the number of levels of a category; 0 for numbers.
        values: (N, D), levels by number, and numbers standardised by their known cells.
        center: (D,), the means of numbers; 0 for categories.
        spread: (D,), the standard deviations of numbers; 1 for categories.
    """

    names: tuple[str, ...]
    levels: tuple[int, ...]
    values: np.ndarray
    center: np.ndarray
    spread: np.ndarray

    @property
    def is_category(self) -> np.ndarray:
        """The mask of categories, bool (D,)."""
        return np.array(self.levels) > 0

    def one_hot(self, values: np.ndarray | None = None) -> np.ndarray:
        """(N, inputs), with an input for each level of a category, all NaN for missing cells."""
        values = self.values if values is None else values
        parts = []
        for k, levels in enumerate(self.levels):
            column = values[:, [k]]
            if levels:
                column = np.where(np.isnan(column), np.nan, column == np.arange(levels))
            parts.append(column)
        return np.concatenate(parts, axis=1).astype(np.float64)

    def from_one_hot(self, inputs: np.ndarray) -> np.ndarray:
        """(N, D), with the level whose input is largest for a category."""
        values, start = np.empty((len(inputs), len(self.levels))), 0
        for k, levels in enumerate(self.levels):
            part = inputs[:, start : start + max(levels, 1)]
            values[:, k] = part.argmax(1) if levels else part[:, 0]
            start += max(levels, 1)
        return values


def coded(frame: pl.DataFrame, schema: Schema, *, like: pl.DataFrame | None = None) -> Coded:
    """A table's columns of a schema as numbers.

    Args:
        frame: the table.
        schema: its columns.
        like: the table whose means and standard deviations are used, by default this one.
    """
    like = frame if like is None else like
    names, levels, columns, center, spread = [], [], [], [], []
    for column in schema.columns_without_flags:
        names.append(column.name)
        series = frame[column.name]
        if column.has_levels:
            both = (
                pl.concat([like[column.name], series])
                .cast(pl.String)
                .unique()
                .drop_nulls()
                .sort()
                .to_list()
            )
            numbers = {label: number for number, label in enumerate(both)}
            cells = [np.nan if v is None else numbers[v] for v in series.cast(pl.String).to_list()]
            levels.append(len(both))
            center.append(0.0)
            spread.append(1.0)
            columns.append(np.array(cells, dtype=np.float64))
        else:
            known = like[column.name].drop_nulls().to_numpy().astype(np.float64)
            levels.append(0)
            center.append(float(known.mean()))
            spread.append(float(known.std()) or 1.0)
            cells = series.cast(pl.Float64).to_numpy()
            columns.append((cells - center[-1]) / spread[-1])
    return Coded(
        tuple(names),
        tuple(levels),
        np.stack(columns, axis=1).astype(np.float64),
        np.array(center),
        np.array(spread),
    )
