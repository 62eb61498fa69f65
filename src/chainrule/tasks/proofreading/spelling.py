"""Which labels of a table are misspelt: rare ones, near to frequent ones, with unusual letters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.mistakes.base import LETTERS
from chainrule.mistakes.edits import Edit, edit, near
from chainrule.tasks.proofreading.letters import LOG_UNIFORM, Letters

ROUNDS = 4  # of learning which labels are misspelt, and what misspelt ones look like
MISSPELT, LABELS = 0.01, 50  # share of misspelt labels, and how many labels this counts for
RARER = 5  # times by which a misspelt label is rarer than its original
OFTEN = 5  # times by which a character that mistakes often bring in is more frequent than others
MOST_LABELS = 5_000  # of a column whose letters are learned, the most frequent first
MOST_PAIRS = 2_000_000  # of labels of a column that are compared


@dataclass(frozen=True)
class Words:
    """The labels of one column.

    Attributes:
        labels: its different labels, the most frequent first.
        counts: the number of rows of each, (V,).
        listed: how many of them are levels; these come first.
    """

    labels: tuple[str, ...]
    counts: np.ndarray
    listed: int

    @classmethod
    def of(cls, cells: Sequence[str], levels: Sequence[str]) -> Words:
        """The labels of the known cells of a column with these levels."""
        counts = Counter(cells)
        first = [level for level in levels if counts[level]]
        known = set(first)
        rest = [label for label, _ in counts.most_common() if label not in known]
        labels = (*sorted(first, key=lambda level: -counts[level]), *rest)
        return cls(labels, np.array([counts[label] for label in labels]), len(first))


@dataclass(frozen=True)
class Spelling:
    """What is known of the labels of one column.

    Attributes:
        log_text: log of the probability of the letters of each label.
        log_mistyped: log of the probability of its letters, if it is a misspelt label that the
            column does not list.
        real: probability that each label is no misspelt one.
        counts: the number of rows of each.
    """

    log_text: dict[str, float]
    log_mistyped: dict[str, float]
    real: dict[str, float]
    counts: dict[str, int]


@dataclass(frozen=True)
class Alphabet:
    """The shares of characters that typing mistakes bring in, and of each other character."""

    shares: dict[str, float]
    other: float

    @classmethod
    def of(cls, counts: Counter[str]) -> Alphabet:
        """The shares by weighted counts; each of 27 characters counts once more."""
        total = sum(counts.values()) + LETTERS
        return cls({c: (count + 1) / total for c, count in counts.items()}, 1 / total)

    @property
    def usual(self) -> set[str]:
        """Characters that mistakes bring in far more often than others."""
        return {c for c, share in self.shares.items() if share > OFTEN / LETTERS}


def learned(columns: Sequence[Words]) -> tuple[list[Spelling], Alphabet]:
    """The spelling of each column, and the characters that mistakes bring in, by EM.

    A label is misspelt, or a label of its own. The letters of a label of its own are like those of
    the other labels. A misspelt one differs by a small edit from a label that is five times as
    frequent at least.
    """
    edits = [_candidates(words) for words in columns]
    wrong = [np.array([0.5 * bool(each) for each in found]) for found in edits]
    alphabet, spellings = Alphabet.of(Counter()), list[Spelling]()
    for _ in range(ROUNDS):
        alphabet = Alphabet.of(_brought_in(columns, edits, wrong, alphabet))
        prior = _share(wrong, MISSPELT)
        spellings = [
            _spelling(words, found, _share([each], prior), 1 - each, alphabet)
            for words, found, each in zip(columns, edits, wrong, strict=True)
        ]
        wrong = [
            np.array([1 - spelling.real[label] for label in words.labels])
            for words, spelling in zip(columns, spellings, strict=True)
        ]
    return spellings, alphabet


def _candidates(words: Words) -> list[list[tuple[int, Edit]]]:
    """For each label, the more frequent levels that it may be a misspelt one of, and the edits."""
    found: list[list[tuple[int, Edit]]] = [[] for _ in words.labels]
    levels = words.labels[: words.listed]
    rows = np.flatnonzero(words.counts * RARER <= words.counts.max(initial=0)).tolist()
    rows = rows[: MOST_PAIRS // max(len(levels), 1)]
    for row, level, each in near([words.labels[k] for k in rows], levels):
        number = rows[row]
        if number != level and words.counts[number] * RARER <= words.counts[level]:
            found[number].append((level, each))
    return found


def _share(wrong: Sequence[np.ndarray], prior: float) -> float:
    """The share of misspelt ones among the labels of some columns, drawn towards the prior."""
    labels = sum(map(len, wrong))
    return (sum(float(each.sum()) for each in wrong) + prior * LABELS) / (labels + LABELS)


def _brought_in(
    columns: Sequence[Words],
    edits: Sequence[list[list[tuple[int, Edit]]]],
    wrong: Sequence[np.ndarray],
    alphabet: Alphabet,
) -> Counter[str]:
    """How often misspelt labels bring in each character, by the probability that they are."""
    counts: Counter[str] = Counter()
    for words, found, each in zip(columns, edits, wrong, strict=True):
        for candidates, probability in zip(found, each.tolist(), strict=True):
            if not candidates:
                continue
            logs = [_log_edit(words, at, own, alphabet) for at, own in candidates]
            shares = np.exp(np.array(logs) - np.logaddexp.reduce(logs))
            for (_, own), share in zip(candidates, shares.tolist(), strict=True):
                for letter in own.letters:
                    counts[letter] += probability * share / len(own.letters)
    return counts


def _log_edit(words: Words, level: int, own: Edit, alphabet: Alphabet) -> float:
    """log of the share of a level in its column times q(v | level)."""
    log_level = math.log(words.counts[level] / words.counts.sum())
    return log_level + own.log_share(alphabet.shares, alphabet.other)


def _spelling(
    words: Words,
    edits: list[list[tuple[int, Edit]]],
    share: float,
    weights: np.ndarray,
    alphabet: Alphabet,
) -> Spelling:
    some = min(len(words.labels), MOST_LABELS)
    letters = Letters(words.labels[:some], weights[:some])
    log_text, log_mistyped, real = dict[str, float](), dict[str, float](), dict[str, float]()
    characters = sorted(set("".join(words.labels[: words.listed])))
    rows = int(words.counts.sum())
    for label, count, candidates in zip(words.labels, words.counts.tolist(), edits, strict=True):
        uniform = (len(label) + 1) * LOG_UNIFORM
        log_text[label] = float(np.logaddexp(letters.log_prob(label), uniform) - math.log(2))
        real[label] = 1.0
        log_mistyped[label] = -math.inf
        if count * RARER <= rows and all(own.mistakes > 1 for _, own in candidates):
            log_mistyped[label] = _log_mistyped(label, letters, characters, alphabet)
        if candidates or log_mistyped[label] > -math.inf:
            logs = [_log_edit(words, at, own, alphabet) for at, own in candidates]
            logs.append(log_mistyped[label])
            # A mistake is rarely made again; many rows may have a label of its own.
            log_wrong = float(np.logaddexp.reduce(logs)) + math.log(share) - math.log(count)
            log_right = log_text[label] + math.log1p(-share)
            real[label] = 1 / (1 + math.exp(min(log_wrong - log_right, 600.0)))
    counts = dict(zip(words.labels, words.counts.tolist(), strict=True))
    return Spelling(log_text, log_mistyped, real, counts)


def _log_mistyped(
    label: str, letters: Letters, characters: Sequence[str], alphabet: Alphabet
) -> float:
    """log of the sum of p(u) q(label | u) over texts u, listed or not.

    In these, a character that mistakes often bring in is replaced by another one throughout.
    """
    logs = []
    for new in sorted(each for each in set(label) if each.casefold() in alphabet.usual):
        texts = [label.replace(new, old) for old in characters if old != new]
        for text in texts:
            found = edit(label, text)
            if found is not None:
                log_share = found.log_share(alphabet.shares, alphabet.other)
                logs.append(letters.log_prob(text) + log_share)
    return float(np.logaddexp.reduce(logs)) if logs else -math.inf
