"""The way from a table to an answer: read, encoded, asked in batches, and given back in the table's kind or as a file.

A task is a function of a ``Batch``. It knows neither where rows come from nor where answers go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch

from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.progress import progress_bar
from chainrule.table import Codes, Sink, Table, encode_chunks, sink_of
from chainrule.table.frames import build, like

BATCH_ROWS = 500
T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """Rows of a table as a network reads them.

    Attributes:
        model: schema and network.
        network: the one that is asked: the model's, in float64.
        codes: of the rows, n of them.
        show_progress: whether a bar on stderr tells how far they are asked.
    """

    model: Model
    network: AbstractNetwork
    codes: Codes
    show_progress: bool = True

    @classmethod
    def of(cls, model: Model, codes: Codes, *, show_progress: bool = True) -> Batch:
        """Rows that are encoded, and a copy of the model's network in float64."""
        return cls(model, model.in_float64(), codes, show_progress)

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def x(self) -> torch.Tensor:
        """Codes (n, D), float64, on the network's device."""
        return self._tensor(self.codes.values)

    @cached_property
    def observed(self) -> torch.Tensor:
        """The cells (n, D) that have a code, bool."""
        return self._tensor(self.codes.observed)

    @cached_property
    def outside(self) -> torch.Tensor:
        """The cells (n, D) that hold what their column cannot, bool."""
        return self._tensor(self.codes.outside)

    def take(self, rows: np.ndarray | slice) -> Batch:
        """Some of the rows."""
        return self.over(self.codes.take(rows))

    def over(self, codes: Codes) -> Batch:
        """Other rows, of which the same network is asked."""
        return self if codes is self.codes else Batch(self.model, self.network, codes, self.show_progress)

    def each(self, of: Callable[[Batch], np.ndarray], what: str, *, rows: int = BATCH_ROWS) -> np.ndarray:
        """What ``of`` says of so many rows at a time, without gradients: one after the other, (n, …).

        Args:
            of: says something of each row of a batch.
            what: the progress bar's word, such as "scoring".
            rows: how many go together.
        """
        found = []
        with torch.no_grad(), progress_bar(what, len(self), show=self.show_progress) as advance:
            for start in range(0, max(len(self), 1), rows):
                batch = self.take(slice(start, min(start + rows, len(self))))
                found.append(of(batch))
                advance(len(batch))
        return np.concatenate(found)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(next(self.network.parameters()).device)


@dataclass(frozen=True)
class Part:
    """A part of a table, and its rows as the network reads them."""

    table: Table
    rows: Batch


def parts(
    model: Model,
    table: Any,
    *,
    whole: bool = False,
    strict: bool = False,
    ranges: bool = True,
    absent_is_fine: Collection[str] = (),
    show_progress: bool = True,
) -> Iterator[Part]:
    """The parts of a table, read and encoded one after the other; one copy of the network in float64 serves all of them.

    Args:
        model: whose schema and network these are.
        table: a frame, array or path, or the parts of a table in turn.
        whole: read a file as one part.
        strict: raise for cells that hold what their column cannot.
        ranges: warn of numbers outside the range of the training rows.
        absent_is_fine: columns that the table may lack without a warning.
        show_progress: whether a bar on stderr tells how far they are asked.
    """
    network = model.in_float64()
    for part, codes in encode_chunks(
        table, model.schema, whole=whole, strict=strict, ranges=ranges, absent_is_fine=absent_is_fine
    ):
        yield Part(part, Batch(model, network, codes, show_progress))


def answer(
    model: Model,
    table: Any,
    of: Callable[[Part], T],
    *,
    give: Callable[[Table, T], Any] | None = None,
    frames: Callable[[Iterable[tuple[Table, T]], bool], Iterator[Any]] | None = None,
    to: str | os.PathLike[str] | Sink | None = None,
    strict: bool = False,
    ranges: bool = True,
    absent_is_fine: Collection[str] = (),
) -> Any:
    """What ``of`` says of a table: given back in the table's kind, or written part by part.

    Args:
        model: the fitted model.
        table: a frame, array or path; to be written, also the parts of a table in turn.
        of: says something of a part; by default these are columns by name.
        give: makes the answer of a table and what was said of it; by default a frame of the table's kind and index.
        frames: makes polars frames of parts and what was said of each, and of whether they are written as text.
        to: a path of CSV or Parquet, or another sink of frames; then the table is read in parts, of which one is in memory.
        strict: raise for cells that hold what their column cannot.
        ranges: warn of numbers outside the range of the training rows.
        absent_is_fine: columns that the table may lack without a warning.
    """
    sink = None if to is None else sink_of(to, source=table)
    asked = parts(model, table, whole=sink is None, strict=strict, ranges=ranges, absent_is_fine=absent_is_fine)
    if sink is None:
        (whole,) = asked
        return (give or as_frame)(whole.table, of(whole))
    found = ((part.table, of(part)) for part in asked)
    return sink.take((frames or as_frames)(found, sink.as_text))


def as_frame(table: Table, columns: Any) -> Any:
    """Columns by name, (N,) each, as a frame of the table's kind and index."""
    return like(table.frame, columns, table.container)


def as_frames(parts: Iterable[tuple[Table, Any]], as_text: bool) -> Iterator[Any]:
    """Columns by name, (n,) each, of each part of a table, as polars frames."""
    return (build(columns, {}, "polars") for _, columns in parts)
