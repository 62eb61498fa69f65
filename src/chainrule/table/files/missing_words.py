"""Counts the words of a text file that stand for missing cells, and describes them."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote

from chainrule.errors import printable
from chainrule.table.columns import AbstractColumn, Categorical
from chainrule.table.schema import Schema

Counts = Mapping[str, Mapping[str, int]]  # by column, by word
MOST_COLUMNS, MOST_WORDS = 12, 3
CODES_OF_TWO = 0.9  # least share of two-letter labels in a column in which NA may be a label


def added(counts: Counts, more: Counts) -> dict[str, dict[str, int]]:
    """The sum of the counts of two chunks of a table."""
    found = {name: dict(words) for name, words in counts.items()}
    for name, words in more.items():
        sums = found.setdefault(name, {})
        for word, count in words.items():
            sums[word] = sums.get(word, 0) + count
    return found


def describe_missing(counts: Counts, schema: Schema) -> list[str]:
    """Lines for a terminal with the counts and words of missing cells; none if no cell is missing.

    >>> describe_missing({"age": {"": 14, "NA": 2}}, Schema(()))
    ["missing cells: age 14 empty, 2 'NA'"]
    """
    if not counts:
        return []
    if len(counts) <= MOST_COLUMNS:
        lines = [
            "missing cells: "
            + "; ".join(f"{name} {_words(words)}" for name, words in counts.items())
        ]
    else:
        total: dict[str, int] = {}
        for words in counts.values():
            for word, count in words.items():
                total[word] = total.get(word, 0) + count
        lines = [f"missing cells: {_words(total)} in {len(counts)} columns"]
    columns = {column.name: column for column in schema.columns_without_flags}
    for name, words in counts.items():
        if name in columns and (word := _may_be_label(columns[name], words)):
            lines.append(
                f"{name!r} holds codes of two letters, of which {word!r} may be one: "
                f"na_values={{{name!r}: ''}} (--na-values {quote(name + '=')}) keeps it as a label"
            )
    return list(map(printable, lines))


def _words(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda each: (each[0] != "", -each[1]))
    shown = [f"{count} {repr(word) if word else 'empty'}" for word, count in ranked[:MOST_WORDS]]
    others = sum(count for _, count in ranked[MOST_WORDS:])
    return ", ".join([*shown, f"{others} of other words"] if others else shown)


def _may_be_label(column: AbstractColumn, words: Mapping[str, int]) -> str | None:
    """A word of two letters that counts as missing in a column of two-letter labels."""
    if not isinstance(column, Categorical):
        return None
    labels = [level for level in column.levels if isinstance(level, str)]
    codes = sum(len(label) == 2 and label.isalpha() for label in labels)
    if codes < max(2, CODES_OF_TWO * len(labels)):
        return None
    return next((word for word in words if len(word) == 2 and word.isalpha()), None)
