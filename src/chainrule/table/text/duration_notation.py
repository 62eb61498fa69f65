"""Durations in words: 2h 15m, 1h30, 1 day 4 hours, PT1H30M; how they become numbers, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.text.times import CELLS, HOUR, MINUTE, MOST_DECIMALS, AbstractTimes, shared

PARTS = "wdhms"  # weeks, days, hours, minutes, seconds
DAY = 24 * HOUR
SECONDS = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": 1}
WORDS = {
    "w": "weeks?|wks?|w",
    "d": "days?|d",
    "h": "hours?|hrs?|h",
    "m": "minutes?|mins?|m",
    "s": "seconds?|secs?|s",
}
LONG = {"w": " weeks", "d": " days", "h": " hours", "m": " minutes", "s": " seconds"}
GAPS = ("", " ", ", ", " and ", ", and ")
SPACE = "[ \u00a0\u202f]?"
NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"


def _in_words() -> str:
    parts = "".join(
        rf"(?:(?P<before_{part}>,? and |, | )?(?P<{part}>{NUMBER})(?P<word_{part}>{SPACE}(?:{word})"
        rf"\.?){'|(?P<bare>(?<=[hH])[0-9]{2})$' if part == 'm' else ''})?"
        for part, word in WORDS.items()
    )
    return rf"(?P<minus>-)?(?=[0-9]){parts}"


CELL = re.compile(_in_words(), re.ASCII | re.IGNORECASE)
ISO = re.compile(
    rf"(?P<minus>-)?P(?=[0-9T])(?:(?P<w>{NUMBER})W)?(?:(?P<d>{NUMBER})D)?"
    rf"(?:T(?=[0-9])(?:(?P<h>{NUMBER})H)?(?:(?P<m>{NUMBER})M)?(?:(?P<s>{NUMBER})S)?)?",
    re.ASCII,
)
# Years and months have no length in seconds.
CALENDAR = re.compile(
    r"P[0-9]+Y.*|P[0-9]+M.*|[0-9]+ ?y(?:ears?|rs?)?,?(?: and)? ?[0-9]+ ?m(?:onths?|os?)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class DurationNotation(AbstractTimes):
    """Durations in words, ``2h 15m``, or of ISO 8601, ``PT2H15M``.

    Their numbers count the finest part that cells have, such as minutes.

    Attributes:
        largest, finest: the parts that are written, each one of "wdhms".
        words: what stands behind the numbers of weeks, days, hours, minutes and seconds, with its
            space; none for ISO 8601.
        singulars: the same behind a 1.
        gap: what stands between two parts.
        first_digits, digits: least number of digits of the first part, and of those behind it.
        has_zeros: whether zeros behind the first part are written, as in 2h 0m.
        begins_with_zeros: whether zeros before it are, as in 0h 15m.
        is_single: whether each cell has one part, the largest in which its number is whole.
    """

    largest: str
    finest: str
    words: tuple[str, ...] = ()
    singulars: tuple[str, ...] = ()
    gap: str = ""
    first_digits: int = 1
    digits: int = 1
    has_zeros: bool = False
    begins_with_zeros: bool = False
    is_single: bool = False

    def __post_init__(self) -> None:
        known = len(self.largest) == len(self.finest) == 1 and {self.largest, self.finest} <= set(
            PARTS
        )
        sound = (
            known
            and PARTS.index(self.largest) <= PARTS.index(self.finest)
            and 0 <= self.decimals <= MOST_DECIMALS
            and {self.first_digits, self.digits} <= {1, 2}
            and self.gap in GAPS
            and self.cells in CELLS
            and all(self._are_words(words) for words in (self.words, self.singulars))
            and len(self.words) == len(self.singulars)
        )
        if not sound:
            raise SchemaError(f"{self!r} is no notation of durations")

    def _are_words(self, words: tuple[str, ...]) -> bool:
        if not words:
            return True
        each = zip(PARTS, words, strict=False)
        return len(words) == len(PARTS) and all(
            re.fullmatch(rf"{SPACE}(?:{WORDS[part]})\.?", word, re.IGNORECASE) is not None
            or (part == "m" and word == "")
            for part, word in each
        )

    @property
    @override
    def unit(self) -> int:
        return SECONDS[self.finest]

    @override
    def describe(self) -> str:
        """Describes the notation with an example, for a line of a schema.

        >>> DurationNotation(largest="h", finest="m").describe()
        'durations written PT2H15M'
        """
        examples = {"w": 1, "d": 3, "h": 2, "m": 15, "s": 30}
        shown = PARTS[PARTS.index(self.largest) : PARTS.index(self.finest) + 1]
        shown = shown[-1:] if self.is_single else shown
        seconds = sum(examples[part] * SECONDS[part] for part in shown)
        return f"durations written {self.text_of(seconds / self.unit)}"

    @override
    def to_json(self) -> dict[str, Any]:
        return {"of": "durations", **asdict(self)}

    @override
    def number_of(self, cell: str) -> float | None:
        """The number of a cell in the finest part.

        >>> DurationNotation(largest="h", finest="m").number_of("PT1H30M")
        90
        """
        found = match(cell, iso=not self.words)
        if found is None:
            return None
        seconds = sum(float(count) * SECONDS[part] for part, count in found.counts.items())
        number = round(seconds, MOST_DECIMALS) / self.unit
        number = int(number) if number == int(number) else number
        return -number if found.is_negative and number else number

    @override
    def text_of(self, value: float) -> str:
        """A number of the finest part as text.

        >>> DurationNotation(largest="h", finest="m").text_of(90)
        'PT1H30M'
        """
        ticks = round(abs(value) * 10**self.decimals)
        sign = "-" if value < 0 and ticks else ""
        counts = self._single(ticks) if self.is_single else self._split(ticks)
        if self.words:
            texts = [self._part(part, *each, k) for k, (part, each) in enumerate(counts.items())]
            return sign + self.gap.join(texts)
        days = "".join(f"{n}{f}{part.upper()}" for part, (n, f) in counts.items() if part in "wd")
        clock = "".join(
            f"{n}{f}{part.upper()}" for part, (n, f) in counts.items() if part not in "wd"
        )
        return f"{sign}P{days}{'T' if clock else ''}{clock}"

    def _part(self, part: str, count: int, fraction: str, place: int) -> str:
        at = PARTS.index(part)
        is_one = count == 1 and not fraction
        digits = self.digits if place else self.first_digits
        return f"{count:0{digits}d}{fraction}{(self.singulars if is_one else self.words)[at]}"

    def _split(self, ticks: int) -> dict[str, tuple[int, str]]:
        """Each written part's count, and its fraction as text."""
        scale, found = 10**self.decimals, dict[str, tuple[int, str]]()
        shown = PARTS[PARTS.index(self.largest) : PARTS.index(self.finest) + 1]
        for part in shown:
            size = SECONDS[part] // self.unit * scale
            count, ticks = divmod(ticks, size) if part != self.finest else (ticks, 0)
            fraction = ""
            if part == self.finest:
                count, rest = divmod(count, scale)
                fraction = f".{rest:0{self.decimals}d}" if self.decimals and rest else ""
            has_zero = self.has_zeros if found else self.begins_with_zeros
            if count or fraction or has_zero or (part == self.finest and not found):
                found[part] = count, fraction
        return found

    def _single(self, ticks: int) -> dict[str, tuple[int, str]]:
        """The largest part in which a number is whole, or else the finest."""
        scale = 10**self.decimals
        for part in PARTS[PARTS.index(self.largest) : PARTS.index(self.finest)]:
            count, rest = divmod(ticks, SECONDS[part] // self.unit * scale)
            if count and not rest:
                return {part: (count, "")}
        count, rest = divmod(ticks, scale)
        return {self.finest: (count, f".{rest:0{self.decimals}d}" if rest else "")}


@dataclass(frozen=True)
class Match:
    """The parts of a cell: counts and words by part, the gaps, and whether it is below zero."""

    counts: dict[str, str]
    words: dict[str, str]
    gaps: tuple[str, ...]
    is_negative: bool


def match(cell: str, *, iso: bool) -> Match | None:
    """The parts of a cell in words, or of ISO 8601; None if it is no duration.

    Only the last part may have a fraction.

    >>> match("2h 15m", iso=False).counts
    {'h': '2', 'm': '15'}
    """
    found = (ISO if iso else CELL).fullmatch(cell)
    if found is None:
        return None
    of = found.groupdict()
    counts = {part: of[part] for part in PARTS if of[part] is not None}
    words = {part: of.get(f"word_{part}") or "" for part in counts}
    if of.get("bare") is not None:
        counts["m"], words["m"] = of["bare"], ""
    if not counts or any("." in counts[part] for part in list(counts)[:-1]):
        return None
    gaps = tuple(of.get(f"before_{part}") or "" for part in list(counts)[1:])
    return Match(counts, words, gaps, bool(of["minus"]))


def duration_notation(
    cells: Sequence[str], weight: np.ndarray, min_count: int = 1
) -> DurationNotation | None:
    """The notation of different cells of text; None if they are not all durations of one kind.

    None also if all have the same part alone, such as minutes, in words: these are numbers with a
    unit. Parts, words and decimals count if at least ``min_count`` rows have them.

    Args:
        cells: the different cells.
        weight: the number of rows of each.
        min_count: fewest rows that share what the notation says.

    >>> duration_notation(["2h 15m", "1h", "45m"], np.ones(3)).describe()
    'durations written 2h 15m'
    """
    is_iso = bool(cells) and "P" in cells[0][:2]
    found = [match(cell, iso=is_iso) for cell in cells]
    every = [each for each in found if each is not None]
    if not every or len(every) < len(found):
        return None
    parts = {part for each in every for part in each.counts}
    if len(parts) == 1 and not is_iso:
        return None
    rows = {
        part: int(sum(weight[k] for k, each in enumerate(every) if part in each.counts))
        for part in PARTS
    }
    known = [part for part in PARTS if rows[part] >= min(min_count, weight.sum())]
    if not known:
        return None
    style = _style(every, weight, known)
    fractions = np.array([len(list(each.counts.values())[-1].partition(".")[2]) for each in every])
    words, singulars = ((), ()) if is_iso else _words(every, weight, min_count)
    is_bare = bool(words) and words[PARTS.index("m")] == ""
    return DurationNotation(
        largest="h" if is_bare and known == ["m"] else known[0],
        finest=known[-1],
        words=words,
        singulars=singulars,
        decimals=min(shared(fractions, weight, min_count), MOST_DECIMALS),
        **(style | {"begins_with_zeros": True, "digits": 2} if is_bare else style),
    )


def _style(every: Sequence[Match], weight: np.ndarray, known: list[str]) -> dict[str, Any]:
    """How most cells write gaps, zeros and small numbers."""
    gaps: dict[str, int] = {}
    padded, first_padded, later, first = ({True: 0, False: 0} for _ in range(4))
    for each, rows in zip(every, weight.tolist(), strict=True):
        whole = [count.partition(".")[0] for count in each.counts.values()]
        for gap in each.gaps:
            gaps[gap] = gaps.get(gap, 0) + rows
        for place, digits in enumerate(whole):
            if int(digits) < 10:
                (padded if place else first_padded)[len(digits) > 1] += rows
        values = [float(count) for count in each.counts.values()]
        later[True] += rows * values[1:].count(0)
        parts = list(each.counts)
        later[False] += rows * (parts[-1] != known[-1] and values[0] > 0)
        begins_with_zero = len(values) > 1 and values[0] == 0
        first[begins_with_zero] += rows * (begins_with_zero or parts[0] != known[0])
    return {
        "gap": max(sorted(gaps), key=gaps.__getitem__, default=""),
        "first_digits": 2 if first_padded[True] > first_padded[False] else 1,
        "digits": 2 if padded[True] > padded[False] else 1,
        "has_zeros": later[True] > later[False],
        "begins_with_zeros": first[True] > first[False],
        "is_single": not gaps,
    }


def _words(
    every: Sequence[Match], weight: np.ndarray, min_count: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands behind the number of each part, and behind a 1, of weeks to seconds."""
    counts: dict[tuple[str, bool], dict[str, int]] = {}
    for each, rows in zip(every, weight.tolist(), strict=True):
        for part, word in each.words.items():
            words = counts.setdefault((part, float(each.counts[part]) == 1), {})
            words[word] = words.get(word, 0) + rows
    is_short = all(len(w.strip()) == 1 for words in counts.values() for w in words if w)
    least, many, one = min(min_count, weight.sum()), [], []
    for part in PARTS:
        plural, singular = (
            max(sorted(w for w, n in words.items() if n >= least), key=words.__getitem__,
                default=None)
            for words in (counts.get((part, False), {}), counts.get((part, True), {}))
        )  # fmt: skip
        usual = part if is_short else LONG[part]
        many.append(next(word for word in (plural, singular, usual) if word is not None))
        one.append(many[-1] if singular is None else singular)
    return tuple(many), tuple(one)
