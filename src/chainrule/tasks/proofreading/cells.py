"""What a table says of its cells beside their codes: values, how they are written, their shares."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from chainrule.mistakes import (
    AnotherLevel,
    AnotherRow,
    BrokenRelation,
    Form,
    NoneOfThese,
    RowAbove,
    Zero,
)
from chainrule.table import AbstractColumn, AbstractNumbers
from chainrule.table.codes import cells_of_column, column_positions
from chainrule.table.values.cells import is_observed, label_of, numbers_if_any, objects_of
from chainrule.tasks.answer import Batch, Chunk
from chainrule.tasks.proofreading import shares
from chainrule.tasks.proofreading.endings import Endings
from chainrule.tasks.proofreading.spelling import Alphabet, Spelling, Words, learned
from chainrule.tasks.proofreading.written import (
    USUAL,
    manner_of,
    shown_decimals,
    usual_decimals,
    usual_spread,
)

NEVER = -np.inf
# Share of right cells that follow their column alone: of listed labels, and of others.
LABELS, UNLISTED = 0.0001, 0.02
REPEATS = 0.5  # right cells of a column that repeat the row above, at least
COPIED = 0.02  # most cells of a column that are copies of the row above
REAL = 0.5  # least probability of a level that is not misspelt
LEAST_REAL = 1e-12


@dataclass(frozen=True)
class ColumnCells:
    """The cells of one column of n rows.

    Attributes:
        column: the column of the schema.
        holds: "numbers", "dates" or "labels".
        values: the cells (n,): float64 with NaN, datetime64 with NaT, or objects.
        form: how they are written.
        width: width of a rounding cell, in the table's units.
        is_rounded: whether nearly all numbers are multiples of the width.
        codes: their codes (n,).
        known: the cells that are not missing, bool (n,).
        outside: those that the column cannot hold.
        manner: how numbers are written; see ``written``.
        log_written: log of the probability (n,) that a right cell is written in this manner, that
            a label that is not listed has these letters, or that a level is no misspelt one; 0
            where its code says it all.
        log_repeated: log of how many times more often the value (n,) occurs than its neighbours.
        endings: how often the column writes a number's last digits; None of dates and labels.
        log_width: log of the width (n,) of a coarse cell times the share of the cell's ending.
        log_anew: log of the same width (n,) for a number that a mistake has written.
        log_shares: log q(v | u) (n,) of each mistake that writes another value, by its name.
        log_mistyped: log of the probability (n,) that a misspelt label that is not listed has these
            letters; -inf where it is none.
        repeats: how many rows (n,) have the same label, if it may be misspelt; else 1.
    """

    column: AbstractColumn
    holds: str
    values: np.ndarray
    form: Form
    width: float
    is_rounded: bool
    codes: np.ndarray
    known: np.ndarray
    outside: np.ndarray
    manner: np.ndarray
    log_written: np.ndarray
    log_repeated: np.ndarray
    endings: Endings | None
    log_width: np.ndarray
    log_anew: np.ndarray
    log_shares: Mapping[str, np.ndarray]
    repeats: np.ndarray
    log_mistyped: np.ndarray

    @cached_property
    def is_unusual(self) -> np.ndarray:
        """Marks cells (n,) that only a mistake explains well, whatever the row says."""
        return self.known & (self.outside | (self.log_written < 0))

    @cached_property
    def is_exact(self) -> np.ndarray:
        """Marks cells (n,) with the one value that some mistake always writes."""
        certain = [
            self.log_shares[name] == 0
            for name in (Zero.name, RowAbove.name)
            if name in self.log_shares
        ]
        return self.known & np.logical_or.reduce(certain)

    @cached_property
    def share_repeated(self) -> float:
        """Share of right cells that repeat the row above because the rows are in an order.

        One equal pair in a column is no evidence of a copy, nor are many: copies are rare.
        """
        rows = max(int(self.known.sum()), 1)
        _, counts = np.unique(self.codes[self.known], return_counts=True)
        chance = float(((counts / rows) ** 2).sum())
        repeated = float((self.log_shares[RowAbove.name] == 0).sum()) / rows
        return max(repeated - chance - COPIED, REPEATS / (len(self.values) + 1))

    @cached_property
    def log_usual_label(self) -> np.ndarray:
        """log of the share (n,) of each label in the column, times the share of such right cells.

        These are the right cells that follow their column alone, whatever a network says of them.
        The shares are those of wrong labels: that bounds the likelihood ratios of all labels alike.
        """
        unlisted = self.known & (self.outside | self.column.is_unlisted(self.codes))
        share = max(float(unlisted.sum()), 1.0) / max(float(self.known.sum()), 1.0)
        rare = np.log(UNLISTED * share) - self.column.log_multiplicity(self.codes)
        usual = self.log_shares[AnotherLevel.name] + np.log(LABELS)
        return np.where(unlisted, rare, usual) + self.log_written

    @cached_property
    def log_own(self) -> np.ndarray:
        """log of the mass (n,) of each cell's value minus the log-likelihood of its code."""
        return self.log_scale(self.codes, self.log_width) + self.log_repeated

    def log_unit(self, codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """log of the mass of rounding cells minus the log-likelihood of codes (m, …) there.

        The numbers may be right in some rows (m,).
        """
        return self.log_scale(codes, self.log_width_at(codes, rows))

    def log_width_at(self, codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The ``log_width`` of codes (m, …) that may be right in rows (m,), and of their manner."""
        if self.endings is None or not self.endings.count:
            return np.full(codes.shape, np.log(self.width))
        values = np.asarray(self.column.decode(codes.ravel()), dtype=np.float64)
        manner = self.endings.manner_of_other(values)
        beside = np.broadcast_to(self.values[rows], codes.T.shape).T.ravel()
        found = self.endings.log_width(values, manner, beside)
        found += self.endings.log_manner(values, manner)
        return found.reshape(codes.shape)

    def log_scale(self, codes: np.ndarray, log_width: np.ndarray) -> np.ndarray:
        """log of the mass of cells minus the log-likelihood of their codes (…), by their widths."""
        if not self.column.is_continuous:
            return np.zeros(codes.shape)
        flat = codes.ravel()
        scale = self.column.log_scale(flat) + log_width.ravel()
        return np.where(self.column.is_mass(flat), 0.0, scale).reshape(codes.shape)

    def around(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Codes (2, …) of the ends of the coarse cells around numbers, and which codes are masses.

        The ends lie within the column's bounds.
        """
        assert self.endings is not None
        flat = codes.ravel()
        values = np.asarray(self.column.decode(flat), dtype=np.float64)
        half = 0.5 * self.endings.coarse_width
        ends = self.codes_at(np.clip(np.stack([values - half, values + half]), *self.bounds))
        is_mass = self.column.is_mass(flat) | ~np.isfinite(ends).all(0)
        ends = np.where(np.isfinite(ends), ends, 0.0)
        return ends.reshape(2, *codes.shape), is_mass.reshape(codes.shape)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest number that the column can hold."""
        least, most = getattr(self.column, "least", None), getattr(self.column, "most", None)
        return -np.inf if least is None else least, np.inf if most is None else most

    def codes_at(self, values: np.ndarray) -> np.ndarray:
        """Codes (…) of numbers within the column's bounds, of the nearest points of its grid."""
        column = self.column
        if isinstance(column, AbstractNumbers) and column.step is not None:
            return np.round((values - float(column.origin)) / float(column.step))
        return self._encoded(values.ravel()).reshape(values.shape)

    def _encoded(self, values: np.ndarray) -> np.ndarray:
        """Codes (n,) of values; NaN where the column has no such value."""
        found = np.full(len(values), np.nan)
        there = is_observed(values)
        if there.any():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of values between the points of a grid
                found[there] = self.column.encode(values[there], str, strict=False)
        found[~np.isfinite(found)] = np.nan
        return found

    def codes_of(self, values: np.ndarray) -> np.ndarray:
        """Codes (…) of values, NaN where the column has no such value."""
        flat = values.ravel()
        found = self._encoded(flat)
        if self.holds == "numbers":
            found[~self._is_written(flat, found)] = np.nan
        elif self.holds == "labels":
            found[self.column.is_unlisted(np.nan_to_num(found))] = np.nan
        return found.reshape(values.shape)

    def _is_written(self, values: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Whether each number (n,) is one that the column writes: on its grid."""
        known = np.isfinite(codes)
        if self.column.is_continuous and not self.is_rounded:
            return known
        if self.column.is_continuous:
            nearest = np.round(values / self.width) * self.width
        else:
            nearest = np.full(len(values), np.nan)
            nearest[known] = np.asarray(self.column.decode(codes[known]), dtype=np.float64)
        with np.errstate(invalid="ignore"):
            return known & (np.abs(nearest - values) <= 1e-9 * np.maximum(np.abs(values), 1e-9))


def cells_of_chunk(chunk: Chunk) -> list[ColumnCells | None]:
    """The cells of each column of the schema; None for flags and absent columns."""
    table, schema = chunk.table, chunk.rows.model.schema
    at, found = column_positions(table, schema), []
    cells = {
        number: cells_of_column(table, at[column.name], column, schema, strict=False)
        for number, column in enumerate(schema.columns)
        if not column.is_flag and column.name in at
    }
    spellings = _spellings(chunk, cells)
    for number in range(len(schema.columns)):
        own = cells.get(number)
        found.append(
            None if own is None
            else _column_cells(chunk.rows, number, own, spellings.get(number))
        )  # fmt: skip
    return found


def _column_cells(
    rows: Batch, number: int, cells: np.ndarray, spelt: tuple[Spelling, Alphabet] | None
) -> ColumnCells:
    column = rows.model.schema.columns[number]
    codes = rows.codes
    of_codes = (
        codes.values[:, number],
        codes.observed_or_outside[:, number],
        codes.outside[:, number],
    )
    if not isinstance(column, AbstractNumbers):
        assert spelt is not None
        found = _of_labels(column, cells, *of_codes, spelt)
    elif column.holds_dates:
        found = _of_dates(column, *of_codes)
    else:
        found = _of_numbers(column, cells, *of_codes)
    log_shares = dict(found.log_shares)
    log_shares[RowAbove.name] = _above(found.values, found.known)
    log_shares[BrokenRelation.name] = _broken(rows, number, log_shares)
    return replace(found, log_shares=log_shares)


def _spellings(
    chunk: Chunk, cells: Mapping[int, np.ndarray]
) -> dict[int, tuple[Spelling, Alphabet]]:
    """What the labels of all columns say about misspelt ones, by the number of the column."""
    schema, found, words = chunk.rows.model.schema, [], []
    for number, own in cells.items():
        column = schema.columns[number]
        if isinstance(column, AbstractNumbers):
            continue
        known = chunk.rows.codes.observed_or_outside[:, number]
        found.append(number)
        words.append(Words.of([*map(label_of, own[known].tolist())], column.level_names))
    spellings, alphabet = learned(words)
    return {number: (each, alphabet) for number, each in zip(found, spellings, strict=True)}


def _of_labels(
    column: AbstractColumn,
    cells: np.ndarray,
    codes: np.ndarray,
    known: np.ndarray,
    outside: np.ndarray,
    spelt: tuple[Spelling, Alphabet],
) -> ColumnCells:
    spelling, alphabet = spelt
    pairs = list(zip(cells.tolist(), known.tolist(), strict=True))
    labels = objects_of([cell if is_known else None for cell, is_known in pairs])
    text = [label_of(cell) if is_known else "" for cell, is_known in pairs]
    unlisted = known & (outside | column.is_unlisted(codes))
    real = np.array([spelling.real.get(each, 1.0) for each in text])
    doubtful = known & ~unlisted & (real < REAL)
    repeats = np.array([spelling.counts.get(each, 1) for each in text], dtype=np.float64)
    repeats[~(unlisted | doubtful)] = 1.0
    written, nothing = np.zeros(len(cells)), np.zeros(len(cells))
    own = np.array([spelling.log_text.get(each, 0.0) for each in text])
    # Equal labels share the probability of their letters; all of them share that of the code.
    written[unlisted] = own[unlisted] / repeats[unlisted]
    written[unlisted] += column.log_multiplicity(codes[unlisted])
    mistyped = np.array([spelling.log_mistyped.get(each, NEVER) for each in text]) / repeats
    mistyped = np.where(unlisted, mistyped + column.log_multiplicity(codes), NEVER)
    written[doubtful] = np.log(np.maximum(real[doubtful], LEAST_REAL))
    levels = [level for level in column.level_names if spelling.real.get(level, 1.0) >= REAL]
    form = Form(levels=tuple(levels), letters=alphabet.shares, other_letter=alphabet.other)
    log_shares = _label_shares(column, codes, known & ~outside, unlisted, labels)
    return ColumnCells(
        column, "labels", labels, form, 1.0, True, codes, known, outside,
        np.full(len(cells), USUAL), written, nothing, None, nothing, nothing, log_shares, repeats,
        mistyped,
    )  # fmt: skip


def _of_dates(
    column: AbstractNumbers,
    codes: np.ndarray,
    known: np.ndarray,
    outside: np.ndarray,
) -> ColumnCells:
    values = np.full(len(codes), np.datetime64("NaT"), dtype="datetime64[us]")
    inside = known & ~outside
    if inside.any():
        values[inside] = np.asarray(column.decode(codes[inside])).astype("datetime64[us]")
    usual = np.sort(codes[inside])
    center, spread = column.code_scale
    repeated, nothing = shares.log_repeated(codes, usual, 1.0), np.zeros(len(codes))
    log_shares = _number_shares(codes, usual, center, spread, 1.0)
    return ColumnCells(
        column, "dates", values, Form(), 1.0, True, codes, known, outside,
        np.full(len(codes), USUAL), nothing, repeated, None, nothing, nothing, log_shares,
        np.ones(len(codes)), np.full(len(codes), NEVER),
    )  # fmt: skip


def _of_numbers(
    column: AbstractNumbers,
    cells: np.ndarray,
    codes: np.ndarray,
    known: np.ndarray,
    outside: np.ndarray,
) -> ColumnCells:
    values = numbers_if_any(cells)
    values[~np.isfinite(values) | ~known] = np.nan
    manner, there = manner_of(values), np.isfinite(values)
    usual = np.sort(values[there & (manner == USUAL)])
    decimals, finest = shown_decimals(values[there], column.deviation)
    width = float(column.step or 10.0**-finest)
    form = Form(decimals, usual_spread(usual, width))
    if not column.is_continuous:  # the mass of a point of the grid says how rare it is
        inside = np.flatnonzero(there & ~outside)
        points = np.asarray(column.decode(codes[inside]), dtype=np.float64)
        manner[inside[np.isclose(points, values[inside], rtol=1e-9, atol=0)]] = USUAL
    is_rounded = usual_decimals(values[there]) is not None
    has_endings = column.is_continuous and is_rounded
    endings = Endings.of(values, manner, finest if has_endings else None, width, form.spread)
    written = endings.log_manner(values, manner, 1)
    log_width = endings.log_width(values, manner, values)
    log_anew = endings.log_width_of_mistakes(values, manner)
    cell = np.exp(log_width)
    log_shares = _number_shares(values, usual, _center(column), form.spread, cell)
    log_shares[NoneOfThese.name] += log_anew - log_width
    log_shares[AnotherRow.name] = log_shares[AnotherRow.name] + written
    log_shares[Zero.name] = np.where(values == 0, 0.0, NEVER)
    repeated = shares.log_repeated(np.where(there, values, 0.0), endings.numbers, cell)
    return ColumnCells(
        column, "numbers", values, form, width, is_rounded, codes, known, outside, manner,
        written, np.where(there & (values != 0), repeated, 0.0), endings, log_width, log_anew,
        log_shares, np.ones(len(codes)), np.full(len(codes), NEVER),
    )  # fmt: skip


def _number_shares(
    values: np.ndarray,
    usual: np.ndarray,
    center: float,
    spread: float,
    width: float | np.ndarray,
) -> dict[str, np.ndarray]:
    is_number = np.isfinite(values)
    numbers = np.where(is_number, values, center)
    wide = shares.log_share_wide(numbers, center, spread, width)
    near = shares.log_share_near(numbers, usual, width)
    another = shares.blended(near, wide, max(len(usual), 1))
    return {
        AnotherRow.name: np.where(is_number, another, NEVER),
        NoneOfThese.name: wide,
    }


def _label_shares(
    column: AbstractColumn,
    codes: np.ndarray,
    known: np.ndarray,
    unlisted: np.ndarray,
    labels: np.ndarray,
) -> dict[str, np.ndarray]:
    levels = len(column.level_names)
    another = shares.log_share_of_labels(codes, known, levels)
    any_text = np.zeros(len(codes))
    any_text[unlisted] = shares.log_text(labels[unlisted])
    return {
        AnotherLevel.name: np.where(column.is_unlisted(codes), NEVER, another),
        NoneOfThese.name: np.full(len(codes), -np.log(levels + 1.0)) + any_text,
    }


def _center(column: AbstractNumbers) -> float:
    center = np.array([column.code_scale[0]])
    if not column.is_continuous:
        center = np.round(center)
    return float(np.asarray(column.decode(center), dtype=np.float64)[0])


def _above(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """0 where a cell has the value of the row above, else −∞."""
    same = np.zeros(len(values), dtype=bool)
    same[1:] = (values[1:] == values[:-1]) & known[1:] & known[:-1]
    return np.where(same, 0.0, NEVER)


def _broken(rows: Batch, number: int, log_shares: Mapping[str, np.ndarray]) -> np.ndarray:
    """log of the share of values that break a tie of the schema, −∞ where none is broken."""
    codes, broken = rows.codes, np.zeros(len(rows), dtype=bool)
    for tie in rows.model.schema.ties:
        if number in tie.targets and not tie.is_in_part:
            low, high = tie.interval(number, codes.values, codes.observed)
            x = codes.values[:, number]
            broken |= (low <= high) & codes.observed[:, number] & ((x < low) | (x > high))
    share = log_shares.get(AnotherRow.name, log_shares.get(AnotherLevel.name))
    assert share is not None
    return np.where(broken, share, NEVER)
