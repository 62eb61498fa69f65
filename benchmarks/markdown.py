"""Tables in Markdown, for the pages that benchmarks write."""

from __future__ import annotations

from collections.abc import Sequence


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table.

    >>> table(["set", "nats"], [["dna", "-79.1"]])
    ['| set | nats |', '|---|---|', '| dna | -79.1 |']
    """
    return [
        f"| {' | '.join(names)} |",
        f"|{'---|' * len(names)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
