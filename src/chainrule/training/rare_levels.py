"""Rare levels as evidence: how large the steps of their weights are, how often their rows come.

A level of one row in a hundred changes few losses. Two things then keep a network from learning
what the level says of other columns. Its input is zero nearly always, so its weights reach the
size of those of other inputs late. And a batch holds none of its rows or one, so the gradients of
its weights are mostly noise.

An atom of a number is a level, too. The atoms of a number share what one level has, since the
number itself is an input as well. One of many atoms needs no rows more often; that made held-out
rows of real tables less likely.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from chainrule.conditionals import AbstractEncoding, AtomFlags, Identity, OneHot
from chainrule.networks import Columns
from chainrule.training.batches import Rows, batches

# A level of fewer rows is treated as any other: a network would memorise their cells.
FEWEST_ROWS = 5
LARGEST_FACTOR = 16.0  # of the weights of an input

# A batch holds so many rows of a level on average, if these limits permit it.
ROWS_OF_LEVEL = 8
MOST_FREQUENT = 16.0  # relative to rows without a rare level
MOST_REPEATED = 1.1  # the mean of that over all rows
CHUNK_ROWS = 2**18


def input_factors(columns: Columns, x: torch.Tensor) -> torch.Tensor:
    """Factors (I,) of the weights of inputs, which give levels the variance of other inputs.

    The factor of the input of a level or a bit is 1 / its standard deviation. It is a power of two
    from 1 to ``LARGEST_FACTOR``. Other inputs have the factor 1. Rows count equally, whatever their
    weight is: the factor sets how fast weights are learned, and biases nothing.

    Args:
        columns: the columns.
        x: codes (N, D) without missing cells.
    """
    factor = torch.ones(sum(columns.input_widths), dtype=torch.float64)
    for column, part, start in _parts_with_levels(columns):
        level = _level_of(part, x[:, column].cpu())
        count = _counts(level, part.width).double()
        share = count / len(x)
        found = (share * (1 - share)).rsqrt() / _sharing(part)
        is_counted = torch.minimum(count, len(x) - count) >= FEWEST_ROWS
        factor[start : start + part.width] = torch.where(is_counted, found, 1.0)
    return torch.exp2(factor.clamp(1, LARGEST_FACTOR).log2().round()).float()


def with_frequencies(rows: Rows, columns: Columns, batch_size: int) -> Rows:
    """The rows, with a ``frequency`` if some have a level that few rows have.

    A row comes so often that a batch holds ``ROWS_OF_LEVEL`` rows of its rarest level, on average.
    Its weight is smaller in turn where that level is not evidence; see ``repeated_loss``. All rare
    levels of a row are kept for that.

    Rows count equally, whatever their ``weight`` is. The frequency lessens the noise of a gradient,
    and this noise falls with the number of rows that a batch holds of a level. Weights multiply the
    loss of each row, repeated or not, so the weighted loss stays that of all rows.

    Args:
        rows: the training rows.
        columns: their columns.
        batch_size: the number of rows of a batch.
    """
    rare: list[tuple[int, AbstractEncoding, torch.Tensor]] = []
    for column, part, _ in _parts_with_levels(columns):
        each = (
            _counts(_observed_level(chunk, column, part), part.width) for chunk in _chunks(rows)
        )
        count = torch.stack(list(each)).sum(0)
        wanted = ROWS_OF_LEVEL * len(rows) / (batch_size * count.double()) / _sharing(part) ** 2
        wanted = torch.where(count < FEWEST_ROWS, 1.0, wanted.clamp(1, MOST_FREQUENT))
        if bool((wanted[count > 0] > 1).any()):
            rare.append((column, part, wanted))
    if not rare:
        return rows
    # Chunks, since the levels of all columns of all rows would take much memory.
    most = max(int((_due(chunk, rare) > 1).sum(1).max()) for chunk in _chunks(rows))
    due = torch.empty(len(rows), most)
    causes = torch.empty(len(rows), most, dtype=torch.int32)
    largest, start = torch.empty(len(rows), dtype=torch.float64), 0
    of_column = torch.tensor([column for column, _, _ in rare])
    for chunk in _chunks(rows):
        end = start + len(chunk)
        some, at = _due(chunk, rare).sort(dim=1, descending=True)
        largest[start:end] = some[:, 0]
        due[start:end], start = some[:, :most], end
        causes[end - len(chunk) : end] = torch.where(some > 1, of_column[at], -1)[:, :most]
    mean, factor = float(largest.mean()), 1.0
    if mean > MOST_REPEATED:
        factor = (MOST_REPEATED - 1) / (mean - 1)
    largest.sub_(1).mul_(factor).add_(1)
    scale = 1 / float(largest.mean())
    due.sub_(1).mul_(factor).add_(1).mul_(scale)
    return replace(rows, frequency=(largest * scale).float(), causes=causes, due=due)


def _chunks(rows: Rows) -> Iterator[Rows]:
    return batches(rows, CHUNK_ROWS)


def _observed_level(rows: Rows, column: int, part: AbstractEncoding) -> torch.Tensor:
    """The level of each row's cell, int64 (n,); −1 for none."""
    level = _level_of(part, rows.x[:, column])
    return level if rows.observed is None else torch.where(rows.observed[:, column], level, -1)


def _due(rows: Rows, rare: list[tuple[int, AbstractEncoding, torch.Tensor]]) -> torch.Tensor:
    """How often each column's level would make a row come, float64 (n, columns)."""
    found = []
    for column, part, wanted in rare:
        level = _observed_level(rows, column, part)
        found.append(torch.where(level < 0, 1.0, wanted[level.clamp(min=0)]))
    return torch.stack(found, 1)


def _parts_with_levels(columns: Columns) -> Iterator[tuple[int, AbstractEncoding, int]]:
    """Encodings with an input for each level: each with its column and its first input."""
    start = 0
    for column, encoding in enumerate(columns.encodings):
        for part in encoding.summands:
            if isinstance(part, Identity | OneHot | AtomFlags):
                yield column, part, start
            start += part.width


def _level_of(part: AbstractEncoding, codes: torch.Tensor) -> torch.Tensor:
    """The input that each of the codes (N,) sets to 1, int64 (N,); −1 for none."""
    if isinstance(part, AtomFlags):
        values = codes.new_tensor(part.values)
        level = torch.searchsorted(values, codes.contiguous()).clamp(max=part.width - 1)
        return torch.where(values[level] == codes, level, -1)
    if isinstance(part, OneHot):
        return torch.where(part.is_evidence(codes), codes.long(), -1)
    return codes.long() - 1


def _counts(level: torch.Tensor, width: int) -> torch.Tensor:
    """How many rows have each level, int64 (width,)."""
    return torch.bincount(level[level >= 0], minlength=width)


def _sharing(part: AbstractEncoding) -> int:
    """How many inputs share what one level has."""
    return part.width if isinstance(part, AtomFlags) else 1
