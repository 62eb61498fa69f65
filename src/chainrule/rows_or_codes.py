"""Warns if rows of a table are passed to a network, which reads codes.

The chance of a false warning is one in a million.
"""

from __future__ import annotations

import math
import sys
import warnings
from typing import Any

import numpy as np
import torch

from chainrule.errors import ChainruleError
from chainrule.networks import AbstractNetwork
from chainrule.networks.evidence import as_mask
from chainrule.table import Schema, Table, encode

ROWS = 8  # largest number of rows that are tested in a call
COLUMNS = 32  # largest number of columns that are tested if the network takes any evidence
ALWAYS = 8  # the first calls are all tested, later ones if their number is a power of two
SURE = math.log(1e6)


class RowsOrCodes:
    """Warns once if a fitted network gets rows of the table instead of their codes.

    Values alone do not decide: bits are 0 and 1 in both. The test compares x with T(x), where T is
    ``encode``. If x is drawn from the model p, the ratio p(T(x)) |dT/dx| / p(x) has expectation at
    most 1, since its numerator is a density too. By Markov's inequality it exceeds a million with
    probability at most one in a million. For rows of the table, one row usually suffices to exceed
    it.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema, self._calls, self._busy = schema, 0, False
        self._columns = [k for k, column in enumerate(schema.columns) if column.is_read_as_number]
        if schema.flags:
            self._columns = []  # codes have more columns than rows of the table

    def __call__(self, network: AbstractNetwork, x: torch.Tensor, observed: object = None) -> None:
        """Warns if x (N, D) holds rows of the table; ``observed`` is as the network takes it."""
        if self._busy or not self._columns or not len(x):
            return
        self._calls += 1
        if self._calls > ALWAYS and self._calls & (self._calls - 1):
            return
        self._busy = True
        try:
            if self._nats_for_rows(network, x.detach(), observed) > SURE:
                self._columns = []  # warns once
                warnings.warn(_message(self._schema), UserWarning, stacklevel=_outside())
        except (ChainruleError, RuntimeError):
            pass  # rows that cannot be scored are not tested
        finally:
            self._busy = False

    def __deepcopy__(self, memo: dict[int, Any]) -> RowsOrCodes:
        return self

    @torch.no_grad()
    def _nats_for_rows(self, network: AbstractNetwork, x: torch.Tensor, observed: object) -> float:
        """Returns log p of x as rows of the table minus log p of x as codes, nats.

        It is −∞ if x cannot be rows.
        """
        is_observed = as_mask(observed, *x.shape, name="observed", default=True)
        observed_cells = is_observed.to(x.device) & ~x.isnan()
        step = torch.linspace(0, len(x) - 1, min(len(x), ROWS))
        tested = step.round().long().unique().to(x.device)
        x, observed_cells = x[tested], observed_cells[tested]
        codes, has_code = x.cpu().double().numpy(), observed_cells.cpu().numpy()
        read = self._read(np.where(has_code, codes, np.nan))
        if read is None:
            return -math.inf
        different = np.flatnonzero((has_code & (read != codes)).any(0))
        if not len(different):
            return 0.0
        asked = torch.zeros_like(observed_cells)
        asked[:, different[:: -(-len(different) // COLUMNS)]] = True
        try:
            network.require_evidence(observed_cells & asked, name="observed")
            observed_cells = observed_cells & asked  # fewer cells are faster
        except ChainruleError:
            asked[:] = True
        counted = (observed_cells & asked).cpu().numpy()
        log_units = sum(
            np.where(counted[:, k], self._schema.columns[k].log_unit(read[:, k]), 0).sum()
            for k in different.tolist()
        )
        encoded = torch.from_numpy(np.where(has_code, read, 0.0)).to(x)
        as_codes, as_rows = (
            float(network.log_prob(each, observed_cells).double().sum()) for each in (x, encoded)
        )
        if math.isnan(as_rows):
            return -math.inf
        return as_rows + log_units - (-math.inf if math.isnan(as_codes) else as_codes)

    def _read(self, x: np.ndarray) -> np.ndarray | None:
        """Returns the codes of rows x (n, D) of the table; None if x cannot be such rows."""
        columns = [self._schema.columns[k] for k in self._columns]
        table = Table(
            tuple(column.name for column in columns), tuple(x[:, self._columns].T), "x", named=True
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            codes = encode(table, self._schema, warn=False)
        read, observed = codes.values[:, self._columns], codes.observed[:, self._columns]
        is_missing = np.isnan(x[:, self._columns])
        unlisted = [bool(column.is_unlisted(read[:, k]).any()) for k, column in enumerate(columns)]
        if (observed == is_missing).any() or any(unlisted):
            return None
        all_codes = x.copy()
        all_codes[:, self._columns] = read
        return all_codes


def _message(schema: Schema) -> str:
    flipped = [column.name for column in schema.columns if column.is_flipped]
    bits = ""
    if flipped:
        such = f"{len(flipped)} of its binary columns, such as {flipped[0]!r}"
        bits = f": in {such}, code 1 is the value 0"
    return (
        "these seem to be rows of the table (as such they are over a million times more "
        f"probable), but a network reads codes{bits}. Pass torch.from_numpy(density.codes(rows)), "
        "and show drawn codes by density.table(codes); or ask the density itself"
    )


def _outside() -> int:
    """Returns the stack level of the first caller outside the library and torch.

    Levels count from the caller of this function.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in (
        "chainrule",
        "torch",
    ):
        frame, level = frame.f_back, level + 1
    return level
