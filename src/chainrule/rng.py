"""Seeds into generators: the only place that seeds anything.

Nothing in chainrule reads or advances a global generator. Functions take
``generator: torch.Generator | None``. Interfaces take a seed and turn it into a generator here.
Generators live on the CPU, so the same seed gives the same numbers on any device.

Tasks that draw rows of a table use a ``RowGenerator``: a row's draws depend on the seed and on the
row's number alone, so that they are the same whatever the chunks and partitions.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, overload

import numpy as np
import torch

from chainrule.errors import seed_number
from chainrule.philox import philox

WORDS = 4  # words of each counter


class RowGenerator:
    """Uniforms of rows that have a number or a key: each row's depend on the seed and on it alone.

    The k-th draw of a row is the same whatever other rows there are, and in whichever order they
    draw. Draws come from Philox, whose counter holds the row's key and the number of its draw.

    Args:
        seed: an integer from 0 to 2**63 - 1.
        keys: the rows' keys, uint64 (n, 2). A row's number is the key (number, 0).
        purpose: what is drawn. Draws of one seed for different purposes are independent.

    Examples:
        >>> all_rows = RowGenerator.numbered(0, 0, 100, purpose=0)
        >>> part = RowGenerator.numbered(0, 30, 50, purpose=0)
        >>> bool((part.uniforms(7) == all_rows.uniforms(7)[30:50]).all())
        True
    """

    def __init__(self, seed: int, keys: np.ndarray, *, purpose: int) -> None:
        self._key = seed, purpose
        self._keys = keys
        # How often each row has drawn. Generators of some of the rows count here, too.
        self._drawn = np.zeros(len(keys), np.uint64)
        self._rows: np.ndarray = np.arange(len(keys))

    @classmethod
    def numbered(cls, seed: int, start: int, stop: int, *, purpose: int) -> RowGenerator:
        """Returns the generator of the rows with the numbers start … stop - 1."""
        numbers = np.arange(start, stop, dtype=np.uint64)
        return cls(seed, np.stack([numbers, np.zeros_like(numbers)], axis=1), purpose=purpose)

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: np.ndarray | slice) -> RowGenerator:
        """Returns the generator of some of the rows, each of which goes on where it is."""
        some = RowGenerator.__new__(RowGenerator)
        some._key, some._keys, some._drawn = self._key, self._keys, self._drawn
        some._rows = self._rows[rows]
        return some

    def uniforms(self, columns: int) -> np.ndarray:
        """Returns the next uniforms of each row, float64 (n, columns) on [0, 1)."""
        blocks = -(-columns // WORDS)
        counters = np.empty((4, len(self), blocks), np.uint64)
        counters[0] = np.arange(blocks, dtype=np.uint64)
        counters[1] = self._drawn[self._rows, None]
        counters[2:] = self._keys[self._rows].T[:, :, None]
        self._drawn[self._rows] += np.uint64(1)
        words = np.moveaxis(philox(counters, self._key), 0, 2).reshape(len(self), blocks * WORDS)
        return (words[:, :columns] >> np.uint64(11)) / 2.0**53


Source = torch.Generator | RowGenerator  # of draws


@overload
def generator_from(seed: int | torch.Generator | None) -> torch.Generator: ...


@overload
def generator_from(seed: int | Source | None) -> Source: ...


def generator_from(seed: int | Source | None) -> Source:
    """The generator given, a CPU generator seeded by an integer, or for None by system entropy.

    >>> torch.rand((), generator=generator_from(0)) == torch.rand((), generator=generator_from(0))
    tensor(True)
    """
    if isinstance(seed, torch.Generator | RowGenerator):
        return seed
    if seed is None:
        seed = secrets.randbits(63)
    generator = torch.Generator(device="cpu")
    generator.manual_seed(seed_number(seed))
    return generator


def fresh_seed() -> int:
    """A seed from the system's entropy, short enough to be read aloud."""
    return secrets.randbits(31)


def uniforms(rows: int, columns: int, generator: Source | None) -> torch.Tensor:
    """Float64 uniforms on [0, 1), shape (rows, columns); ``None`` draws from a fresh generator.

    A ``RowGenerator`` must have as many rows.
    """
    if isinstance(generator, RowGenerator):
        return torch.from_numpy(generator.uniforms(columns))
    return torch.rand(rows, columns, generator=generator_from(generator), dtype=torch.float64)


def one_each(rows: int, generator: Source) -> torch.Tensor:
    """One float64 uniform on [0, 1) for each row, (rows,)."""
    if isinstance(generator, RowGenerator):
        return uniforms(rows, 1, generator)[:, 0]
    return uniforms(1, rows, generator)[0]


def of_rows(generator: Source, rows: Any) -> Source:
    """The generator of some of the rows: itself, if rows have no draws of their own.

    Args:
        generator: a source of draws.
        rows: a slice, or an array or tensor of row numbers or of one bool per row.
    """
    if not isinstance(generator, RowGenerator):
        return generator
    return generator.take(rows.cpu().numpy() if isinstance(rows, torch.Tensor) else rows)


def row_source(
    seed: int | Source | None, *, purpose: int, first_row: int = 0
) -> Callable[[int, int], Source]:
    """Returns a function of ``start`` and ``stop`` that gives the generator of those rows.

    Args:
        seed: an integer; None for system entropy; or a generator, which then draws. The rows of a
            ``RowGenerator`` are numbered from 0.
        purpose: what is drawn. Draws of one seed for different purposes are independent.
        first_row: the number of row 0.
    """
    if isinstance(seed, RowGenerator):
        return lambda start, stop: seed.take(slice(start, stop))
    if isinstance(seed, torch.Generator):
        return lambda start, stop: seed
    number = secrets.randbits(63) if seed is None else seed_number(seed)
    return lambda start, stop: RowGenerator.numbered(
        number, first_row + start, first_row + stop, purpose=purpose
    )


def normal(*shape: int, deviation: float, generator: torch.Generator) -> torch.Tensor:
    """Initial weights: normal draws of mean 0, in the default dtype and on the default device.

    On the meta device only the shape counts. There ``normal_`` would import PyTorch's compiler, for
    more than a second.

    >>> normal(2, 3, deviation=0.1, generator=generator_from(0)).shape
    torch.Size([2, 3])
    """
    weights = torch.empty(shape)
    return weights if weights.is_meta else weights.normal_(0, deviation, generator=generator)
