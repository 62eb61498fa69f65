"""Writes the figures of benchmarks/results/default_fit.json into docs/benchmarks.md.

Usage: python -m benchmarks.speed.default_fit.page
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.markdown import item, table
from benchmarks.record import RESULTS
from benchmarks.speed.default_fit.forms import MANY

PAGE = RESULTS.parents[1] / "docs" / "benchmarks.md"
BEGIN = "<!-- default fits: written by python -m benchmarks.speed.default_fit.page -->"
END = "<!-- end of default fits -->"
TABLES = ("adult", "bank_marketing", "beijing_pm25", "online_shoppers", "titanic")


def figures() -> dict[str, float]:
    """The measured value of each figure, by what it is."""
    parts = json.loads((RESULTS / "default_fit.json").read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = [row for part in parts.values() for row in part["rows"]]
    return {row["what"]: row["measured"] for row in rows}


def section(found: dict[str, float]) -> list[str]:
    """A table with a row for each default fit, then the other figures."""
    rows = []
    for effort in ("quick", "standard"):
        for name in TABLES:
            label = f"{name}, {effort}, 1 thread"
            seconds = [f"{found[f'{said}: {label}']:.1f}" for said in ("fit, 0.1.0", "fit")]
            times = f"{found[f'fit, 0.1.0 ÷ ours: {label}']:.1f}"
            nats = f"{found[f'nats of other rows, ours − 0.1.0: {label}']:+.3f}"
            rows.append([name, effort, *seconds, times, nats])
    names = ["table", "effort", "0.1.0, s", "now, s", "times as fast", "nats, now − 0.1.0"]
    step = "step ÷ (matrix products + AdamW): {} shape, 1 thread"
    quick, standard = (found[step.format(effort)] for effort in ("quick", "standard"))
    steps = f"""A training step takes {quick:.1f} times its matrix products and AdamW at the shape
        of effort quick, and {standard:.1f} times at that of standard."""
    asked = "20 rows × 300 columns, 10% missing"
    best, mean, explain = (
        f"{found[f'{how}: {asked}']:.2f} s ({found[f'{how}, 0.1.0: {asked}']:.1f})"
        for how in ("best", "mean", "explain")
    )
    wide = f"""Questions about 20 rows of 300 columns with a tenth of the cells missing take this
        processor time, in brackets that of 0.1.0: `impute(how="best")` {best}, `how="mean"` {mean},
        `explain` {explain}."""
    return [*table(names, rows), "", item(steps), item(wide), item(_calls(found))]


def _calls(found: dict[str, float]) -> str:
    """What public calls of a NADE take, as multiples."""
    label = "2 threads"
    log_prob, one, many = (
        f"{found[f'{call}, textbook loop ÷ ours: {label}']:.0f}"
        for call in ("log_prob", "sample 1", f"sample {MANY}")
    )
    step = f"{found[f'step, ours ÷ dense MADE: {label}']:.1f}"
    return f"""The textbook loop takes {log_prob} times as long as `log_prob` of a `chainrule.NADE`,
        {one} times as long as `sample(1)`, {many} times as long as `sample({MANY})`. Both have two
        threads and the shape of the first table. A training step takes {step} times that of a dense
        MADE."""


def written(page: str, found: dict[str, float]) -> str:
    """The page with the section between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return "\n".join([before + BEGIN, "", *section(found), "", END + after])


def main() -> None:
    """Renews the section."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(written(page, figures()), encoding="utf-8")


if __name__ == "__main__":
    main()
