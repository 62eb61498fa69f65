"""Small differences between two labels, and how likely a typing mistake makes each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MOST = 2  # mistakes in one label
SECOND = 0.1  # share of labels with two mistakes
LEAST_LENGTH = 3  # of a label with two mistakes, for each mistake
BUCKETS = 32  # of characters, which are counted before labels are compared
PAIRS = 2**20  # of labels that are compared at once
# Shares of single mistakes: a character left out, added, replaced; two neighbours exchanged; other
# capitals; a character replaced wherever it occurs, or in some of these places.
LEFT_OUT, ADDED, REPLACED, EXCHANGED, CAPITALS = 0.25, 0.2, 0.25, 0.1, 0.05
THROUGHOUT, PARTLY = 0.1, 0.05


@dataclass(frozen=True)
class Edit:
    """How a label becomes another.

    Attributes:
        log_place: log of the probability of these mistakes at these places.
        letters: the characters that they bring in.
        mistakes: 1 or 2.
    """

    log_place: float
    letters: str
    mistakes: int = 1

    def log_share(self, letters: Mapping[str, float], other: float) -> float:
        """log q(v | u), from the shares of characters that mistakes bring in."""
        shares = (letters.get(letter, other) for letter in self.letters)
        return self.log_place + sum(map(math.log, shares))


def edit(value: str, level: str) -> Edit | None:
    """The mistakes that make a label from another one; None if there are more than two.

    Examples:
        >>> edit("hopsital", "hospital").letters, edit("boxz", "boaz").letters
        ('', 'x')
        >>> edit("mxrshxll", "marshall").letters  # one character, wherever it occurs
        'x'
        >>> edit("north", "east") is None
        True
    """
    if value == level or not level:
        return None
    v, u = value.casefold(), level.casefold()
    if v == u:
        return Edit(math.log(CAPITALS), "")
    share, letter = _as_one_character(v, u)
    rest_v, rest_u = _without_common_ends(v, u)
    if (len(rest_v), len(rest_u)) == (0, 1):
        share = LEFT_OUT / len(u)
    elif (len(rest_v), len(rest_u)) == (1, 0):
        share, letter = ADDED / (len(u) + 1), rest_v
    elif len(rest_v) == len(rest_u) == 1:
        share, letter = share + REPLACED / len(u), rest_v
    elif len(u) > 1 and len(rest_v) == 2 and rest_v == rest_u[::-1]:
        share = EXCHANGED / (len(u) - 1)
    if share:
        return Edit(math.log(share * (1 - SECOND)), letter)
    if min(len(v), len(u)) < MOST * LEAST_LENGTH or abs(len(v) - len(u)) > MOST:
        return None
    if edit_distance(rest_v, rest_u, MOST) > MOST:
        return None
    new = "".join((Counter(v) - Counter(u)).elements())
    return Edit(math.log(SECOND) - MOST * math.log(2 * len(u) + 1), new, MOST)


def _as_one_character(v: str, u: str) -> tuple[float, str]:
    """The probability that one character of u became another, in some places or all; and that one.

    0 and "" if v is no such text.
    """
    pairs = {(a, b) for a, b in zip(v, u, strict=False) if a != b}
    if len(v) != len(u) or len(pairs) != 1:
        return 0.0, ""
    ((new, old),) = pairs
    partly = PARTLY / 2 ** u.count(old)  # any of the places
    return (partly if old in v else THROUGHOUT + partly) / len(set(u)), new


def _without_common_ends(v: str, u: str) -> tuple[str, str]:
    """What lies between the common start of two texts and their common end."""
    shorter = min(len(v), len(u))
    start = next((k for k in range(shorter) if v[k] != u[k]), shorter)
    end = next((k for k in range(shorter - start) if v[-1 - k] != u[-1 - k]), shorter - start)
    return v[start : len(v) - end], u[start : len(u) - end]


def edit_distance(first: str, second: str, most: int) -> int:
    """Characters to leave out, add, replace, or exchange with a neighbour; most + 1 if more.

    >>> edit_distance("hospital", "hopsital", 2), edit_distance("abc", "xyz", 2)
    (1, 3)
    """
    before: list[int] = []
    row = [k if k <= most else most + 1 for k in range(len(second) + 1)]
    for i, a in enumerate(first, 1):
        earlier, before, row = before, row, [most + 1] * (len(second) + 1)
        row[0] = min(i, most + 1)
        for j in range(max(1, i - most), min(len(second), i + most) + 1):
            b = second[j - 1]
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row[j] = min(cost, most + 1)
        if min(row) > most and min(before) >= most:
            return most + 1
    return min(row[-1], most + 1)


def near(values: Sequence[str], levels: Sequence[str]) -> Iterator[tuple[int, int, Edit]]:
    """Yields the numbers of a value and of a level that a small edit turns into it, and the edit.

    Labels whose lengths or characters differ by more than two are not compared, unless one
    character may be replaced throughout.
    """
    if not len(values) or not len(levels):
        return
    ours, theirs = _profile(values), _profile(levels)
    step = max(1, PAIRS // len(levels))
    for start in range(0, len(values), step):
        some = ours[start : start + step, None]
        apart = np.abs(some - theirs[None])
        close = (apart[..., 0] <= MOST) & (apart[..., 1:].sum(-1) <= 2 * MOST)
        changed = (apart[..., 1:] > 0).sum(-1)
        close |= (apart[..., 0] == 0) & (changed <= 2)  # one character for another, throughout
        for i, j in np.argwhere(close).tolist():
            found = edit(values[start + i], levels[j])
            if found is not None:
                yield start + i, j, found


def _profile(labels: Sequence[str]) -> np.ndarray:
    """The length of each label, and how many of its characters fall in each bucket, int32."""
    found = np.zeros((len(labels), BUCKETS + 1), dtype=np.int32)
    for row, label in enumerate(labels):
        folded = label.casefold()
        found[row, 0] = len(folded)
        for character, count in Counter(folded).items():
            found[row, 1 + ord(character) % BUCKETS] += count
    return found
