"""Writes the figures of benchmarks/results/comparison into docs/compare.md.

Usage: python -m benchmarks.comparison.page
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.likelihood.published import published
from benchmarks.markdown import item, paragraph, table
from benchmarks.record import RESULTS

COMPARED = ("digits", "binarized-mnist")
PAGE = RESULTS.parents[1] / "docs" / "compare.md"
BEGIN = "<!-- figures: written by python -m benchmarks.comparison.page -->"
END = "<!-- end of figures -->"


def path_of(name: str) -> Path:
    """The file with the numbers of a data set."""
    return RESULTS / "comparison" / f"{name}.json"


def read(name: str) -> dict[str, Any]:
    """The numbers of a data set."""
    return json.loads(path_of(name).read_text(encoding="utf-8"))


def section(found: dict[str, Any]) -> list[str]:
    """The lines of one data set: its description, and a table with a row for each family."""
    rows, effort, where = found["rows"], found["effort"], found["circumstances"]
    about = f"""There are {rows["train"]:,} training, {rows["valid"]:,} validation and
        {rows["test"]:,} test rows of {found["columns"]} columns. Each hidden layer has
        {effort["hidden_size"]} units, and training takes {effort["epochs"]} epochs. The RBM has
        persistent chains of {effort["gibbs_steps"]} steps. Its partition function is estimated by
        {effort["distributions"]:,} distributions. The VAE's bound has {effort["draws"]:,} draws.
        The run used {where["threads"]} threads and seed {found["seed"]}."""
    lines = [f"### {found['data']}", "", paragraph(about), ""]
    names = [
        "family",
        "nats per test row",
        "parameters",
        "seconds to train",
        "to score 1000 rows",
        "to draw 1000 rows",
    ]
    raw = found["raw_columns"]
    if raw is not None:
        names.append("label predicted from")
    cells = [_row(family, with_label=raw is not None) for family in found["families"]]
    if raw is not None:
        cells.append(["–", *[""] * (len(names) - 2), f"the columns themselves: {_accuracy(raw)}"])
    return [*lines, *table(names, cells), "", *_published(found["data"])]


def _published(data: str) -> list[str]:
    named = [
        row for row in published(data) if row.model.startswith(("RBM", "NADE", "MADE", "mixture"))
    ]
    if not named:
        return []
    figures = [
        item(f"{row.model}: {row.nats:.2f}{'°' if row.checked == 'memory' else ''} ({row.source})")
        for row in named
    ]
    return ["Published figures (° was not checked against the paper):", "", *figures, ""]


def _row(family: dict[str, Any], *, with_label: bool) -> list[str]:
    likelihood, seconds = family["log_likelihood"], family["seconds"]
    nats = f"{likelihood['mark']} {likelihood['nats_per_row']:.2f}"
    nats += f" ± {likelihood['standard_error']:.2f}"
    if likelihood["monte_carlo_error"]:
        nats += f" (Monte Carlo error {likelihood['monte_carlo_error']:.3f})"
    scored = _seconds(seconds["score_1000_rows"])
    if seconds["score_once"]:
        scored += f", once {_seconds(seconds['score_once'])}"
    row = [family["title"], nats, f"{family['parameters']:,}", _seconds(seconds["train"])]
    row += [scored, _seconds(seconds["draw_1000_rows"])]
    if not with_label:
        return row
    probes = family["representations"]
    if not probes:
        return [*row, ""]
    best = max(probes, key=lambda probe: probe["valid_accuracy"])  # validation rows choose
    # A bar would end the cell.
    what = best["what"].removeprefix(f"{family['title']}: ").replace("|", "\\|")
    return [*row, f"{what}: {_accuracy(best)}"]


def _accuracy(probe: dict[str, Any]) -> str:
    return f"{100 * probe['accuracy']:.1f} ± {100 * probe['standard_error']:.1f} %"


def _seconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.2g}"


def figures() -> str:
    """The text between the marks."""
    measured = [name for name in COMPARED if path_of(name).exists()]
    return "\n".join([BEGIN, "", *(line for name in measured for line in section(read(name))), END])


def written(text: str) -> str:
    """The page with the current figures."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + figures() + after


def main() -> None:
    """Writes the figures into the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
