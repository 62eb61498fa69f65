"""Which hidden units are kept in a training step: a hash of the unit's number and of a seed.

The kernel and the plain form compute the same bits. Drawing as many numbers from a generator would
take as long as the matrix products of a layer.

Source of the hash: Wellons, "Prospecting for Hash Functions", 2018 (lowbias32).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

SHIFTS, FACTORS = (16, 15, 16), (0x7FEB352D, 0x846CA68B)
WORD = 2**32


@dataclass(frozen=True)
class Place:
    """Where units (U, N) stand among all units and rows of a step; their numbers are hashed.

    Attributes:
        first_unit: the number of the first unit.
        first_row: the number of the first row.
        rows: the number of all rows; None if these are all.
    """

    first_unit: int = 0
    first_row: int = 0
    rows: int | None = None


ALL = Place()


def draw_seed(generator: torch.Generator) -> tuple[int, int]:
    """Two random words of 32 bits."""
    low, high = torch.randint(WORD, (2,), generator=generator).tolist()
    return low, high


def bound_of(share: float) -> int:
    """The word below which a unit is dropped, for a share of units that are."""
    return min(round(share * WORD), WORD - 1)


def kept(
    shape: tuple[int, int],
    seed: tuple[int, int],
    share: float,
    device: torch.device | str = "cpu",
    place: Place = ALL,
) -> torch.Tensor:
    """Bool (units, N) on a device: the units to keep, each with probability 1 − share.

    >>> bool(0.29 < 1 - kept((300, 500), (1, 2), 0.3).float().mean() < 0.31)
    True
    """
    row = (place.first_unit + torch.arange(shape[0], device=device)) * (place.rows or shape[1])
    bits = row[:, None] + torch.arange(shape[1], device=device) + place.first_row
    bits = bits & (WORD - 1)
    for word in seed:
        bits = bits ^ word
        for shift, factor in zip(SHIFTS, FACTORS, strict=False):
            bits = _times(bits ^ (bits >> shift), factor)
        bits = bits ^ (bits >> SHIFTS[-1])
    return bits >= bound_of(share)


def _times(bits: torch.Tensor, factor: int) -> torch.Tensor:
    """bits · factor modulo 2³², without overflow of int64."""
    high, low = factor >> 16, factor & 0xFFFF
    return (((bits * high & 0xFFFF) << 16) + bits * low) & (WORD - 1)
