"""Whether rows of a table were handed to a network that reads codes: a warning, where that is sure to one in a million."""

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

ROWS, COLUMNS = 8, 32  # at most so many rows of a call are looked at, and of a network of any order so many columns
ALWAYS = 8  # calls that are looked at; of later ones those whose number is a power of two
SURE = math.log(1e6)


class RowsOrCodes:
    """Looks at what a fitted network is handed, and warns once if these are rows of the table instead of their codes.

    Values alone do not tell: bits are 0 and 1 in both. So the two readings x and T(x) are compared, T being ``encode``. If x is
    drawn from the model p, the ratio p(T(x)) |dT/dx| / p(x) is on average at most 1, since its numerator is a density too; by
    Markov's inequality it exceeds a million for one draw in a million at most. For rows of the table it usually does for one row.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema, self._calls, self._busy = schema, 0, False
        self._columns = [k for k, column in enumerate(schema.columns) if column.is_read_as_number]
        if schema.flags:
            self._columns = []  # rows of the table have fewer columns than there are codes

    def __call__(self, network: AbstractNetwork, x: torch.Tensor, observed: object = None) -> None:
        """Warns if x (N, D) holds rows of the table; ``observed`` as the network takes it."""
        if self._busy or not self._columns or not len(x):
            return
        self._calls += 1
        if self._calls > ALWAYS and self._calls & (self._calls - 1):
            return
        self._busy = True
        try:
            if self._nats_for_rows(network, x.detach(), observed) > SURE:
                self._columns = []  # once is enough
                warnings.warn(_message(self._schema), UserWarning, stacklevel=_outside())
        except (ChainruleError, RuntimeError):  # what cannot be scored is not judged
            pass
        finally:
            self._busy = False

    def __deepcopy__(self, memo: dict[int, Any]) -> RowsOrCodes:
        return self

    @torch.no_grad()
    def _nats_for_rows(self, network: AbstractNetwork, x: torch.Tensor, observed: object) -> float:
        """How much likelier x is as rows of the table than as codes, nats; −∞ where it cannot be rows."""
        seen = as_mask(observed, *x.shape, name="observed", default=True).to(x.device) & ~x.isnan()
        picked = torch.linspace(0, len(x) - 1, min(len(x), ROWS)).round().long().unique().to(x.device)
        x, seen = x[picked], seen[picked]
        codes = x.cpu().double().numpy()
        known = seen.cpu().numpy()
        read = self._read(np.where(known, codes, np.nan))
        if read is None:
            return -math.inf
        different = np.flatnonzero((known & (read != codes)).any(0))
        if not len(different):
            return 0.0
        asked = torch.zeros_like(seen)
        asked[:, different[:: -(-len(different) // COLUMNS)]] = True
        try:
            network.require_evidence(seen & asked, name="observed")
            seen = seen & asked  # any cells may be left out, and fewer are quicker
        except ChainruleError:
            asked[:] = True
        unit = sum(
            np.where((seen[:, k] & asked[:, k]).cpu().numpy(), self._schema.columns[k].log_unit(read[:, k]), 0).sum()
            for k in different.tolist()
        )
        like = torch.from_numpy(np.where(known, read, 0.0)).to(x)
        as_codes, as_rows = (float(network.log_prob(each, seen).double().sum()) for each in (x, like))
        if math.isnan(as_rows):
            return -math.inf
        return as_rows + unit - (-math.inf if math.isnan(as_codes) else as_codes)

    def _read(self, x: np.ndarray) -> np.ndarray | None:
        """The codes of rows x (n, D) of the table; None where they cannot be such rows."""
        columns = [self._schema.columns[k] for k in self._columns]
        table = Table(tuple(column.name for column in columns), tuple(x[:, self._columns].T), "x", named=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            codes = encode(table, self._schema, warn=False)
        read, known = codes.values[:, self._columns], codes.observed[:, self._columns]
        holes = np.isnan(x[:, self._columns])
        unlisted = [bool(column.is_unlisted(read[:, k]).any()) for k, column in enumerate(columns)]
        if (known == holes).any() or any(unlisted):
            return None
        found = x.copy()
        found[:, self._columns] = read
        return found


def _message(schema: Schema) -> str:
    flipped = [column.name for column in schema.columns if column.is_flipped]
    bits = (
        f": in {len(flipped)} of its binary columns, such as {flipped[0]!r}, code 1 is the value 0" if flipped else ""
    )
    return (
        f"these seem to be rows of the table (as such they are over a million times likelier), but a network reads codes{bits}. "
        f"Pass torch.from_numpy(density.codes(rows)), and show drawn codes by density.table(codes); or ask the density itself"
    )


def _outside() -> int:
    """The stack level, for who calls this, of the first caller that belongs neither to the library nor to torch."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("chainrule", "torch"):
        frame, level = frame.f_back, level + 1
    return level
