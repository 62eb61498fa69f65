"""Writes the figures of odd_rows.json, in benchmarks/results, into docs/odd-rows.md.

Usage: python -m benchmarks.tables.odd_rows.page
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from benchmarks.markdown import paragraph, table
from benchmarks.record import RESULTS
from benchmarks.tables.odd_rows import sets

PAGE = RESULTS.parents[1] / "docs" / "odd-rows.md"
BEGIN = "<!-- odd rows: written by python -m benchmarks.tables.odd_rows.page -->"
END = "<!-- end of odd rows -->"
HALVES = ("choice", "report")

INTRODUCTION = """
    `python -m benchmarks.tables.odd_rows` judges the rows of public sets of outliers. Learned are
    half of the ordinary rows; the others are judged beside the outliers (random splits: {learned}).
    The figure is the mean area under the ROC curve, in hundredths. Below, all rows are learned and
    judged, outliers included (fits: {contaminated}); chainrule then has `trim=0.25`.
    {absent} All choices were made on the half of
    the sets that is called choice; the other half was read once. Fits have `effort="quick"`.
    *Likelihood* ranks rows of the same fits by log p. The last column is chainrule beside the
    method, with the standard error of the difference over the sets.
"""
MEASURES = {"semi-supervised": "ordinary rows learned", "contaminated": "all rows learned"}
FDR = """
    What `odd_rows(table, fdr=0.1)` returns where ordinary rows are learned: in the mean of the
    sets, {found:.0%} of the outliers, and {false:.0%} of the returned rows are ordinary.
    {short} of {cases} cases have a share above .15. {small} of them have at most 100 training rows,
    which leave few held-out rows to calibrate by.
"""
SCALED = """
    Other units: every column × 1000, or standardised, changes the area by at most {most:.4f}
    ({name}); the mean is {mean:.4f}.
"""
P_VALUES = """
    P-values of ordinary rows are uniform: {held} of {sets} sets keep the 1 % bound of the
    Kolmogorov–Smirnov distance, with 0, 1 and 3 missing cells in each row.
"""
NAMED = """
    {rows} rows with one feature far out: the feature is named first in {named} of them.
"""
SECONDS = """
    All {rows:,} rows of {columns} columns of adult are judged in {seconds:.0f} s by a fitted model,
    on two cores.
"""
FEW, MOST_FALSE = 100, 0.15


def section(parts: dict[str, Any]) -> list[str]:
    """A table of areas, and a paragraph for each other measure that there is."""
    rows = [
        row
        for measure, said in MEASURES.items()
        for half in HALVES
        for row in _areas(parts.get(measure, {}).get("rows", []), said, half)
    ]
    names = ["task", "half", "sets", "method", "area", "chainrule beside it"]
    lines = [
        "## Beside other detectors",
        "",
        paragraph(_introduction(parts)),
        "",
        *table(names, rows),
        "",
    ]
    for name, of in PARAGRAPHS.items():
        if found := parts.get(name, {}).get("rows", []):
            lines += [paragraph(of(found)), ""]
    return lines[:-1]


def _introduction(parts: dict[str, Any]) -> str:
    """What was measured, with the seeds and without the sets that have no results."""
    of = {measure: parts.get(measure, {}).get("rows", []) for measure in MEASURES}
    seeds = [len({row.get("seed") for row in rows}) for rows in of.values()]
    found = {row["set"] for rows in of.values() for row in rows}
    absent = ", ".join(sorted(set(sets.SETS) - found))
    missing = f"Not yet measured: {absent}." if absent else ""
    return INTRODUCTION.format(learned=seeds[0], contaminated=seeds[1], absent=missing)


def _areas(rows: list[dict[str, Any]], said: str, half: str) -> list[list[str]]:
    """A row of the table for each method, the best first."""
    own = [row for row in rows if row["half"] == half]
    names = list(dict.fromkeys(row["set"] for row in own))
    if not names:
        return []
    means = {  # by method, the mean area of each set
        method: np.array(
            [np.mean([row["areas"][method] for row in own if row["set"] == name]) for name in names]
        )
        for method in own[0]["areas"]
    }
    found = []
    for method, area in sorted(means.items(), key=lambda pair: -pair[1].mean()):
        gap = 100 * (means["ours"] - area)
        error = gap.std(ddof=1) / np.sqrt(len(names)) if len(names) > 1 else np.nan
        is_ours = method == "ours"
        mean = f"{100 * area.mean():.1f}"
        found.append([
            said, half, str(len(names)), "**chainrule**" if is_ours else method,
            f"**{mean}**" if is_ours else mean,
            "" if is_ours else f"{gap.mean():+.1f} ± {error:.1f}",
        ])  # fmt: skip
    return found


def _fdr(rows: list[dict[str, Any]]) -> str:
    high = [row for row in rows if row["false share"] > MOST_FALSE]
    return FDR.format(
        found=np.mean([row["recall"] for row in rows]),
        false=np.mean([row["false share"] for row in rows]),
        short=len(high),
        cases=len(rows),
        small=sum(row["rows"] <= FEW for row in high),
    )


def _scaled(rows: list[dict[str, Any]]) -> str:
    most = max(rows, key=lambda row: row["largest difference"])
    mean = np.mean([row["largest difference"] for row in rows])
    return SCALED.format(most=most["largest difference"], name=most["set"], mean=mean)


def _p_values(rows: list[dict[str, Any]]) -> str:
    return P_VALUES.format(held=sum(row["held"] for row in rows), sets=len(rows))


PARAGRAPHS = {
    "semi-supervised": _fdr,
    "scaled": _scaled,
    "p-values": _p_values,
    "named": lambda rows: NAMED.format(**rows[0]),
    "seconds": lambda rows: SECONDS.format(**rows[0]),
}


def written(page: str, parts: dict[str, Any]) -> str:
    """The page with the section between its marks replaced."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return "\n".join([before + BEGIN, *section(parts), END]) + after


def main() -> None:
    """Replaces the section of the page."""
    parts = json.loads((RESULTS / "odd_rows.json").read_text(encoding="utf-8"))
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), parts), encoding="utf-8")


if __name__ == "__main__":
    main()
