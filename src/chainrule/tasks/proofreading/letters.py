"""How likely the letters of a label are in its column: two letters before tell the next."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

ORDER = 2  # letters before that tell the next
START, END = "\t", "\n"  # of a label
CLASSES = (10, 26, 26, 16)  # characters of each class: digits, capitals, other letters, others
LOG_UNIFORM = -math.log(27.0)  # of a character of which nothing is known


class Letters:
    """The distribution of a column's labels, character by character.

    p(c | context) = (n(context, c) + T p(c | shorter context)) / (n(context) + T), where T is the
    number of different characters after the context (Witten and Bell, The zero-frequency problem,
    1991). Without a context, characters of one class are equally likely.

    Args:
        labels: different labels.
        weights: how much each counts (n,), up to 1.
    """

    def __init__(self, labels: Sequence[str], weights: np.ndarray) -> None:
        self.weights = dict(zip(labels, weights.tolist(), strict=True))
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.classes = np.ones(len(CLASSES))
        for label, weight in self.weights.items():
            if weight > 0:
                for context, character in _steps(label):
                    self.classes[_class(character)] += weight / (ORDER + 1)
                    self.counts[context][character] += weight
        self.totals = {context: sum(found.values()) for context, found in self.counts.items()}

    def log_prob(self, label: str) -> float:
        """log of the probability of a label, by the other labels alone."""
        own = self.weights.get(label, 0.0)
        mine: Counter[tuple[str, str]] = Counter(_steps(label) if own else ())
        totals: Counter[str] = Counter(context for context, _ in mine.elements())
        found, text = 0.0, START + label + END
        for place, character in enumerate(text):
            if not place:
                continue
            p = self._base(character)
            for order in range(min(place, ORDER) + 1):
                context = text[place - order : place]
                p = self._blended(context, character, p, own, mine, totals)
            found += math.log(p)
        return found

    def _base(self, character: str) -> float:
        kind = _class(character)
        return float(self.classes[kind] / self.classes.sum() / CLASSES[kind])

    def _blended(
        self,
        context: str,
        character: str,
        p: float,
        own: float,
        mine: Mapping[tuple[str, str], int],
        totals: Mapping[str, int],
    ) -> float:
        """p(character | context) from that without the context's first character."""
        followers = self.counts.get(context)
        if followers is None:
            return p
        total = self.totals[context] - own * totals.get(context, 0)
        if total <= 1e-9:
            return p
        count = max(followers.get(character, 0.0) - own * mine.get((context, character), 0), 0.0)
        different = min(len(followers), max(total, 1e-9))
        return (count + different * p) / (total + different)


def _steps(label: str) -> list[tuple[str, str]]:
    """Each context, of 0 to 2 characters, with the character that follows it."""
    text = START + label + END
    return [
        (text[place - order : place], text[place])
        for place in range(1, len(text))
        for order in range(min(place, ORDER) + 1)
    ]


def _class(character: str) -> int:
    if character.isdigit():
        return 0
    if character.isalpha():
        return 1 if character.isupper() else 2
    return 3
