"""Writes the figures of wrong_cells.json, false_share.json and dirty.json into a page.

They are in benchmarks/results, and the page is docs/wrong-cells.md.

Usage: python -m benchmarks.tables.wrong_cells.page
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from benchmarks.markdown import paragraph, table
from benchmarks.record import RESULTS

PAGE = RESULTS.parents[1] / "docs" / "wrong-cells.md"
BEGIN = "<!-- wrong cells: written by python -m benchmarks.tables.wrong_cells.page -->"
END = "<!-- end of wrong cells -->"
# Means of precision at k that TabLint publishes: docs/PROOFREAD_RESULTS.md of its repository.
TABLINT = {
    ("tablint", "blood"): 0.78,
    ("tablint", "breast_cancer"): 0.85,
    ("tablint", "diabetes"): 0.61,
    ("tablint", "phoneme"): 0.59,
    ("labels", "adult"): 0.35,
    ("labels", "bank_marketing"): 0.28,
    ("labels", "contraceptive"): 0.24,
}
SECONDS = """
    `python -m benchmarks.tables.wrong_cells.seconds` proofreads {rows}, by a model of 7,000 of
    them. It takes {seconds:.0f} seconds of one core.
"""
SAID = {
    "tablint": "five usual kinds",
    "rounded": "the same, as the column writes numbers",
    "another row": "value of another row",
    "drift": "smooth drift over 20 rows",
    "tens": "rounded to tens",
    "labels": "another label",
}


# Names of rivals in the table.
SHORT = {"isolation forest, contributions": "forest", "boosted residuals": "trees"}


def section(parts: dict[str, Any], shares: dict[str, Any], dirty: dict[str, Any]) -> list[str]:
    """A table with a row for each kind of mistakes and table of data, and two others."""
    rows = []
    for protocol, said in SAID.items():
        measured = parts.get(protocol, {}).get("rows", [])
        for name in dict.fromkeys(row["table"] for row in measured):
            own = [row for row in measured if row["table"] == name]
            rows.append(_row(protocol, said, name, own))
    names = [
        "mistakes", "table", "precision at k: chainrule", "TabLint", "best other", "false", "found",
    ]  # fmt: skip
    return [
        paragraph(INTRODUCTION), "", *table(names, rows), "",
        *([paragraph(SHARES), "", *table(SHARES_NAMES, _shares(shares)), ""] if shares else []),
        *([paragraph(_seconds(parts["seconds"]["rows"][0])), ""] if "seconds" in parts else []),
        paragraph(DIRTY), "", *table(DIRTY_NAMES, _dirty(dirty)), "", paragraph(EXPLAINED),
    ]  # fmt: skip


def _seconds(row: dict[str, Any]) -> str:
    return SECONDS.format(rows=row["what"], seconds=row["processor seconds"])


def _shares(parts: dict[str, Any]) -> list[list[str]]:
    """A row for each kind of mistakes and share of wrong cells, of all tables together."""
    found = []
    for protocol, part in parts.items():
        for rate in sorted({row["rate"] for row in part["rows"]}):
            own = [row for row in part["rows"] if row["rate"] == rate]
            listed = sum(row["found"] for row in own)
            false = sum(row["found"] * row["false share"] for row in own)
            recall, precision = (
                float(np.mean([row[what] for row in own])) for what in ("recall", "precision at k")
            )
            share = f"{false / listed:.2f}" if listed else ""
            found.append([
                SAID[protocol], f"{rate:.0%}", str(listed), share, f"{recall:.2f}",
                f"{precision:.2f}",
            ])  # fmt: skip
    return found


def _dirty(parts: dict[str, Any]) -> list[list[str]]:
    """A row for each table whose clean version is known."""
    return [
        [
            row["table"],
            f"{row['errors']:,}",
            f"{row['found']:,}",
            f"{row['precision']:.2f}",
            f"{row['recall']:.2f}",
            f"**{row['F1']:.2f}**",
            f"{row['repaired']:.2f}",
            f"{row['seconds']:.0f}",
        ]
        for part in parts.values()
        for row in part["rows"]
    ]


INTRODUCTION = """
    `python -m benchmarks.tables.wrong_cells` plants mistakes in 400 rows of each table, by the
    protocol of TabLint: 3 % of the cells of the continuous columns, five seeds. TabLint is a
    program built on TabPFN, a network for tables. Its figures are those that its repository
    publishes (docs/PROOFREAD_RESULTS.md). *Precision at k* is the share of wrong cells among the
    first k findings, where k is the number of mistakes. *Best other* is the best of three methods:
    z-scores, the residuals of boosted *trees*, and an isolation *forest* that asks how much each
    cell contributes. *False* and *found* are about what `cr.proofread(table)` returns by default,
    the findings with q ≤ 0.1: the share of them that are false, and the share of mistakes that they
    find. All settings were chosen on the tables marked \\*. The others were measured once, at the
    end.
"""


SHARES_NAMES = ["mistakes", "wrong cells", "found", "false", "recall", "precision at k"]
SHARES = """
    `python -m benchmarks.tables.wrong_cells.rates` asks whether the findings at q ≤ 0.1 are as sure
    as they say, for other shares of wrong cells and for kinds of mistakes that the model does not
    know. *False* is the share of right cells among all findings of the tables marked \\*.
"""
DIRTY_NAMES = [
    "table", "errors", "found at q ≤ 0.1", "precision", "recall", "F1", "repaired right", "seconds",
]  # fmt: skip
DIRTY = """
    `python -m benchmarks.tables.dirty` proofreads two public tables whose clean versions are known,
    with all defaults. Cells of hospital whose clean value is a placeholder are no errors. *Repaired
    right* is the share of the found errors whose suggestion is the clean value.
"""
EXPLAINED = """
    Most errors of hospital are letters typed wrongly in labels. The right value of the other errors
    occurs nowhere in their column. In flights, many sources report one flight, and an error is
    another time than the true one. Nearly half of its errors are empty cells, which `proofread`
    never lists; most others are as plausible as the true time, for a model that takes rows as
    independent.
"""


def _row(protocol: str, said: str, name: str, own: list[dict[str, Any]]) -> list[str]:
    def mean(what: str) -> float:
        return float(np.mean([row[what] for row in own]))

    published = TABLINT.get((protocol, name))
    return [
        said,
        f"{name} \\*" if own[0]["half"] == "choice" else name,
        f"**{mean('precision at k'):.2f}**",
        "" if published is None else f"{published:.2f}",
        _best_other(own),
        f"{mean('false share'):.2f}",
        f"{mean('recall'):.2f}",
    ]


def _best_other(own: list[dict[str, Any]]) -> str:
    """The best mean of any rival, with its name."""
    rivals = [row["rivals"] for row in own if row.get("rivals")]
    if not rivals:
        return ""
    means = {each: float(np.mean([row[each] for row in rivals])) for each in rivals[0]}
    best = max(means, key=lambda each: means[each])
    return f"{means[best]:.2f} ({SHORT.get(best, best)})"


def written(page: str, parts: dict[str, Any], shares: dict[str, Any], dirty: dict[str, Any]) -> str:
    """The page with the section between its marks replaced."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return "\n".join([before + BEGIN, *section(parts, shares, dirty), END]) + after


def main() -> None:
    """Replaces the section of the page."""
    parts, shares, dirty = (
        json.loads(path.read_text(encoding="utf-8")) if (path := RESULTS / name).exists() else {}
        for name in ("wrong_cells.json", "false_share.json", "dirty.json")
    )
    PAGE.write_text(
        written(PAGE.read_text(encoding="utf-8"), parts, shares, dirty), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
