"""Rows, decided column by column along the density's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.coding.cells import AbstractCells
from benchmarks.coding.coder import Coder, bits_of
from chainrule.missing import missing_codes
from chainrule.model import Model
from chainrule.networks import AbstractNetwork

BLOCK = 1000  # rows that are decided together


@dataclass(frozen=True)
class Rows:
    """The cells of n rows as they are decided.

    Attributes:
        numbers: (n, D) of the schema's columns, flags among them; NaN for cells that are missing
            or escaped.
        words: text (n, D), objects: of escaped cells as written, "" elsewhere.
    """

    numbers: np.ndarray
    words: np.ndarray

    @classmethod
    def unknown(cls, rows: int, columns: int) -> Rows:
        """Returns rows of which nothing is known, for a decoder."""
        return cls(np.full((rows, columns), np.nan), np.full((rows, columns), "", dtype=object))

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: slice) -> Rows:
        """Selects rows."""
        return Rows(self.numbers[rows], self.words[rows])


@dataclass
class Account:
    """What cells are expected to cost, by the density's own functions.

    Attributes:
        nats: −log of the masses (D,) of all cells of each column, with those of escapes.
        text_bits: bits of the texts of escaped cells, (D,).
        escaped: how many cells are escaped, (D,).
    """

    nats: np.ndarray
    text_bits: np.ndarray
    escaped: np.ndarray

    @classmethod
    def of(cls, columns: int) -> Account:
        """Returns an account of no cell."""
        return cls(np.zeros(columns), np.zeros(columns), np.zeros(columns, dtype=np.int64))

    @property
    def bits(self) -> float:
        """−log₂ of the masses of all cells, as they are written."""
        return float(self.nats.sum() / np.log(2) + self.text_bits.sum())


def network_of(model: Model) -> AbstractNetwork:
    """Returns the network in float64, with each flag before the column of which it speaks.

    Raises:
        ValueError: an ensemble of several orders, in which a cell has no conditional of its own; or
            a single order that has a flag after its column.
    """
    network, schema = model.in_float64(), model.schema
    if len({tuple(each.order.tolist()) for each in network.row_mixture()[0]}) > 1:
        raise ValueError("the density has several orders; fit it with orders=1")
    order = network.order.tolist()
    if all(order.index(flag) < order.index(column) for column, flag in schema.flags.items()):
        return network
    with_order = getattr(network, "with_order", None)
    if with_order is None:
        raise ValueError("the density draws a cell before its flag; fit it without an order")
    return with_order(sorted(order, key=lambda column: not schema.columns[column].is_flag))


@torch.no_grad()
def decide(
    coder: Coder,
    model: Model,
    network: AbstractNetwork,
    cells: Sequence[AbstractCells],
    rows: Rows,
    account: Account | None = None,
) -> Rows:
    """Returns the cells of rows, each decided given those before it in the order.

    Args:
        coder: an encoder, or a decoder that knows only how many rows there are.
        model: the fitted model.
        network: its network, from ``network_of``.
        cells: how each column's cells are decided.
        rows: n rows.
        account: sums what each cell costs; for an encoder.
    """
    found, n = Rows.unknown(len(rows), len(cells)), len(rows)
    gone = missing_codes(model.schema)
    values = torch.zeros(n, len(cells), dtype=torch.float64)
    nothing = torch.zeros(values.shape, dtype=torch.bool)
    values = network.columns.filled(values, nothing)
    walk = network.walk(values, nothing)
    for k in network.order.tolist():
        asked = np.arange(n)
        if k in gone:
            flag, code = gone[k]
            asked = np.flatnonzero(found.numbers[:, flag] != code)
        if len(asked):
            given, words = rows.numbers[asked, k], rows.words[asked, k]
            distribution = walk.distribution(k)
            if len(asked) < n:
                distribution = distribution.take(asked)
            numbers, read = cells[k].cells(coder, distribution, given, words)
            found.numbers[asked, k], found.words[asked, k] = numbers, read
            if account is not None:
                account.nats[k] -= cells[k].log_mass(distribution, numbers).sum()
                account.text_bits[k] += bits_of(read)[np.isnan(numbers)].sum()
                account.escaped[k] += int(np.isnan(numbers).sum())
        codes = _read(cells[k], found.numbers[:, k], found.words[:, k])
        known = torch.from_numpy(~np.isnan(codes))
        walk.learn(k, torch.where(known, torch.from_numpy(codes), values[:, k]), known)
    return found


def _read(cells: AbstractCells, numbers: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Returns codes (n,) as the network reads them; NaN of cells that are missing, and of escaped
    ones that have no code."""
    escaped = np.isnan(numbers)
    codes = cells.codes_of(np.where(escaped, 0.0, numbers))
    codes = np.where(np.isfinite(codes), codes, np.nan)  # a damaged file may say anything
    return np.where(escaped, np.where(words != "", cells.escape_code, np.nan), codes)
