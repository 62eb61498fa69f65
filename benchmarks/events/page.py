"""Writes the figures of Census13 and of coverage, in events.json, into docs/howto/ask-a-table.md.

Usage: python -m benchmarks.events.page
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.markdown import paragraph, replace_section, table
from benchmarks.record import RESULTS

PAGE = RESULTS.parents[1] / "docs" / "howto" / "ask-a-table.md"
BEGIN = "<!-- census: written by python -m benchmarks.events.page -->"
END = "<!-- end of census -->"
QUANTILES = "median", "95 %", "99 %", "max"
CENSUS = """
    `python -m benchmarks.events.census` asks 10,000 conjunctions about 13 columns of adult, 48,842
    rows. It is the benchmark of "Are we ready for learned cardinality estimation?" (VLDB 2021). The
    q-error is the larger of estimated and counted rows, divided by the smaller. The model is a NADE
    of all rows. The figures of Naru are those of the publication.
"""
REST = """
    A question takes {single:.0f} milliseconds alone and {batch:.0f} in batches of 100, on two
    cores. Its pool of draws is drawn once, in {pool:.0f} seconds. Asked again in another order,
    {differ} of {again:,} questions have another answer. A question has a wider one beside it in
    10,000 pairs. The wider one is less probable in {counted} of the {pairs:,} pairs whose answers
    are both exact or both counted. It is less probable by more than two errors in {beyond} of the
    {others:,} other pairs.
"""
COVERAGE = """
    `python -m benchmarks.events.coverage` compares answers about small tables with the exact
    probability. Of the intervals of 95 %, {paths:.1%} by paths and {pool:.1%} by the pool hold it.
"""


def section(parts: dict[str, Any]) -> list[str]:
    """The paragraphs and the table of q-errors."""
    rows = {row["what"]: row for row in parts["census"]["rows"]}
    errors = [
        [
            what,
            *(
                f"{row[name]:,.3g}" if row[name] < 100 else f"{row[name]:,.0f}"
                for name in QUANTILES
            ),
        ]
        for what, row in rows.items()
        if "median" in row
    ]
    again, others = rows["asked again in another order"], rows["nested pairs, other methods"]
    guaranteed = rows["nested pairs, both exact, or both counted"]
    rest = REST.format(
        single=rows["milliseconds a question, one by one"]["ms"],
        batch=rows["milliseconds a question, in batches of 100"]["ms"],
        pool=rows["seconds to draw the pool, once"]["s"],
        differ=again["differ by more than 1e-6 of the value"] or "none",
        again=again["questions"],
        counted=guaranteed["violations"] or "none",
        pairs=guaranteed["pairs"],
        beyond=others["beyond two errors"] or "none",
        others=others["pairs"],
    )
    held = {row["what"]: row["hold the probability"] for row in parts["coverage"]["rows"]}
    coverage = COVERAGE.format(
        paths=held["95 % intervals by paths"], pool=held["95 % intervals by pool"]
    )
    names = ["q-errors", *QUANTILES]
    return [
        paragraph(CENSUS),
        "",
        *table(names, errors),
        "",
        paragraph(rest),
        "",
        paragraph(coverage),
    ]


def main() -> None:
    """Replaces the section between its two marks."""
    parts = json.loads((RESULTS / "events.json").read_text(encoding="utf-8"))
    replace_section(PAGE, BEGIN, END, section(parts))


if __name__ == "__main__":
    main()
