"""Writes the figures of benchmarks/results/wrong_cells.json into docs/wrong-cells.md.

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
SAID = {
    "tablint": "five usual kinds",
    "rounded": "the same, as the column writes numbers",
    "another row": "value of another row",
    "drift": "smooth drift over 20 rows",
    "tens": "rounded to tens",
    "labels": "another label",
}


def section(parts: dict[str, Any]) -> list[str]:
    """A table with a row for each kind of mistakes and table of data, and what it shows."""
    rows = []
    for protocol, said in SAID.items():
        measured = parts.get(protocol, {}).get("rows", [])
        for name in dict.fromkeys(row["table"] for row in measured):
            own = [row for row in measured if row["table"] == name]
            rows.append(_row(protocol, said, name, own))
    names = [
        "mistakes", "table", "half", "seeds", "precision at k", "TabLint", "best other",
        "false at q ≤ 0.1", "found at q ≤ 0.1", "seconds",
    ]  # fmt: skip
    return [paragraph(INTRODUCTION), "", *table(names, rows)]


INTRODUCTION = """
    `python -m benchmarks.tables.wrong_cells` plants mistakes in 400 rows of each table, by the
    protocol of TabLint: 3 % of the cells of the continuous columns, five seeds. TabLint is built on
    TabPFN, and its figures are the published ones. *Precision at k* is the share of wrong cells
    among the first k findings, where k is the number of mistakes. The best other is that of
    z-scores, residuals of boosted trees, and isolation forests with contributions. The last three
    columns are what `cr.proofread(table)` returns by default: the share of its findings that are
    false, the share of mistakes that it finds, and its seconds, fits included. All choices were
    made on the half of the tables that is called choice; the other half was read once.
"""


def _row(protocol: str, said: str, name: str, own: list[dict[str, Any]]) -> list[str]:
    def mean(what: str) -> float:
        return float(np.mean([row[what] for row in own]))

    published = TABLINT.get((protocol, name))
    return [
        said,
        name,
        own[0]["half"],
        str(len(own)),
        f"**{mean('precision at k'):.2f}**",
        "" if published is None else f"{published:.2f}",
        _best_other(own),
        f"{mean('false share'):.2f}",
        f"{mean('recall'):.2f}",
        f"{mean('seconds'):.0f}",
    ]


def _best_other(own: list[dict[str, Any]]) -> str:
    """The best mean of any rival, with its name."""
    rivals = [row["rivals"] for row in own if row.get("rivals")]
    if not rivals:
        return ""
    means = {each: float(np.mean([row[each] for row in rivals])) for each in rivals[0]}
    best = max(means, key=lambda each: means[each])
    return f"{means[best]:.2f} ({best})"


def written(page: str, parts: dict[str, Any]) -> str:
    """The page with the section between its marks replaced."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return "\n".join([before + BEGIN, *section(parts), END]) + after


def main() -> None:
    """Replaces the section of the page."""
    parts = json.loads((RESULTS / "wrong_cells.json").read_text(encoding="utf-8"))
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), parts), encoding="utf-8")


if __name__ == "__main__":
    main()
