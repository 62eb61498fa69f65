"""The way from a table to an answer: read, encode, ask in batches, and return or write the result.

A task is a function of a ``Batch``. It knows neither where rows come from nor where answers go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch

from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.progress import progress_bar
from chainrule.rng import Source, of_rows
from chainrule.table import Codes, Sink, Table, encode_chunks, sink_of
from chainrule.table.frames.build import build, like
from chainrule.table.frames.concatenated import concatenated

BATCH_ROWS = 500
T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """Rows of a table as a network reads them.

    Attributes:
        model: schema and network.
        network: the model's network in float64, which answers.
        codes: the codes of the n rows.
        progress: whether a progress bar is shown on stderr.
        draws: the source of the rows' draws, for a task that draws.
    """

    model: Model
    network: AbstractNetwork
    codes: Codes
    progress: bool = True
    draws: Source | None = None

    @classmethod
    def of(cls, model: Model, codes: Codes, *, progress: bool = True) -> Batch:
        """Returns a batch of encoded rows, with a copy of the model's network in float64."""
        return cls(model, model.in_float64(), codes, progress)

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def x(self) -> torch.Tensor:
        """Codes (n, D), float64, on the network's device."""
        return self._tensor(self.codes.values)

    @cached_property
    def observed(self) -> torch.Tensor:
        """Mask (n, D) of the cells that have a code, bool."""
        return self._tensor(self.codes.observed)

    @cached_property
    def outside(self) -> torch.Tensor:
        """Mask (n, D) of the cells whose values their columns cannot hold, bool."""
        return self._tensor(self.codes.outside)

    def take(self, rows: np.ndarray | slice) -> Batch:
        """Returns some of the rows, for the same network."""
        draws = None if self.draws is None else of_rows(self.draws, rows)
        return replace(self, codes=self.codes.take(rows), draws=draws)

    def each(
        self, of: Callable[[Batch], np.ndarray], what: str, *, rows: int = BATCH_ROWS
    ) -> np.ndarray:
        """Applies ``of`` to a few rows at a time, without gradients, and joins the results (n, …).

        Args:
            of: maps a batch to an array with one entry per row.
            what: the progress bar's label, such as "scoring".
            rows: how many rows are passed at a time.
        """
        found = []
        with torch.no_grad(), progress_bar(what, len(self), progress=self.progress) as advance:
            for start in range(0, max(len(self), 1), rows):
                batch = self.take(slice(start, min(start + rows, len(self))))
                found.append(of(batch))
                advance(len(batch))
        return np.concatenate(found)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(next(self.network.parameters()).device)


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of a table, with their codes."""

    table: Table
    rows: Batch


def chunks(
    model: Model,
    table: Any,
    *,
    whole: bool = False,
    strict: bool = False,
    ranges: bool = True,
    absent_is_fine: Collection[str] = (),
    progress: bool = True,
) -> Iterator[Chunk]:
    """Reads and encodes a table chunk by chunk.

    One copy of the network in float64 serves all chunks.

    Args:
        model: the fitted model.
        table: a frame, array or path, or an iterable of chunks.
        whole: read a file as one chunk.
        strict: raise for cells whose values their columns cannot hold.
        ranges: warn of numbers outside the range of the training rows.
        absent_is_fine: columns that the table may lack without a warning.
        progress: whether a progress bar is shown on stderr.
    """
    network = model.in_float64()
    for chunk, codes in encode_chunks(
        table,
        model.schema,
        whole=whole,
        strict=strict,
        ranges=ranges,
        absent_is_fine=absent_is_fine,
    ):
        yield Chunk(chunk, Batch(model, network, codes, progress))


def answer(
    model: Model,
    table: Any,
    of: Callable[[Chunk], T],
    *,
    give: Callable[[Table, T], Any] | None = None,
    frames: Callable[[Iterable[tuple[Table, T]], bool], Iterator[Any]] | None = None,
    to: str | os.PathLike[str] | Sink | None = None,
    strict: bool = False,
    ranges: bool = True,
    absent_is_fine: Collection[str] = (),
    in_parts: bool = False,
) -> Any:
    """Applies ``of`` to a table and returns the result as the table's kind, or writes it chunk by
    chunk.

    Args:
        model: the fitted model.
        table: a frame, array or path; with ``to``, also an iterable of chunks.
        of: the task; by default its result is a dict of columns by name.
        give: makes the answer from the table and the task's result; by default a frame of the
            table's kind and index.
        frames: makes polars frames from pairs of chunk and result; the second argument says whether
            they are written as text.
        to: a path of CSV or Parquet, or another sink of frames. The table is then read in chunks,
            one in memory at a time.
        strict: raise for cells whose values their columns cannot hold.
        ranges: warn of numbers outside the range of the training rows.
        absent_is_fine: columns that the table may lack without a warning.
        in_parts: read a file in chunks, one in memory at a time, although the answer is whole.
    """
    sink = None if to is None else sink_of(to, source=table)
    asked = chunks(
        model,
        table,
        whole=sink is None and not in_parts,
        strict=strict,
        ranges=ranges,
        absent_is_fine=absent_is_fine,
    )
    if sink is None:
        given, container = [], ""
        for chunk in asked:
            container = chunk.table.container
            given.append((give or as_frame)(chunk.table, of(chunk)))
        return given[0] if len(given) == 1 else concatenated(given, container)
    # Some sinks take frames in a thread of their own, where NumPy's settings are the usual ones.
    here = copy_context()
    found = ((chunk.table, here.run(of, chunk)) for chunk in asked)
    return sink.take((frames or as_frames)(found, sink.as_text))


def as_frame(table: Table, columns: Any) -> Any:
    """Returns columns by name, (N,) each, as a frame of the table's kind and index."""
    return like(table.frame, columns, table.container)


def as_frames(chunks: Iterable[tuple[Table, Any]], as_text: bool) -> Iterator[Any]:
    """Yields each chunk's columns by name, (n,) each, as a polars frame."""
    return (build(columns, {}, "polars") for _, columns in chunks)
