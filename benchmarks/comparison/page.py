"""Writes the figures of benchmarks/results/comparison into docs/compare.md.

Usage: python -m benchmarks.comparison.page
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from benchmarks.likelihood.published import published
from benchmarks.markdown import table
from benchmarks.record import RESULTS

COMPARED = ("digits", "binarized-mnist")
PAGE = RESULTS.parents[1] / "docs" / "compare.md"
BEGIN, END = (
    "<!-- figures: written by python -m benchmarks.comparison.page -->",
    "<!-- end of figures -->",
)


def path_of(name: str) -> Path:
    """The file with the numbers of a data set."""
    return RESULTS / "comparison" / f"{name}.json"


def read(name: str) -> dict[str, Any]:
    """The numbers of a data set."""
    return json.loads(path_of(name).read_text(encoding="utf-8"))


def section(found: dict[str, Any]) -> list[str]:
    """The lines of one data set: its description, and a table with a row for each family."""
    rows, effort, where = found["rows"], found["effort"], found["circumstances"]
    lines = [
        f"### {found['data']}",
        "",
        f"{rows['train']:,} training, {rows['valid']:,} validation and {rows['test']:,} test rows of {found['columns']} columns.",
        f"{effort['hidden_size']} units in each hidden layer, {effort['epochs']} epochs.",
        f"The RBM has persistent chains of {effort['gibbs_steps']} steps, and",
        f"{effort['distributions']:,} distributions for its partition function.",
        f"The VAE's bound has {effort['draws']:,} draws. {where['threads']} threads, seed {found['seed']}.",
        "",
    ]
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
        right = f"the columns themselves: {100 * raw['accuracy']:.1f} ± {100 * raw['standard_error']:.1f} %"
        cells.append(["–", *[""] * (len(names) - 2), right])
    return [*lines, *table(names, cells), "", *_published(found["data"])]


def _published(data: str) -> list[str]:
    named = [
        row for row in published(data) if row.model.startswith(("RBM", "NADE", "MADE", "mixture"))
    ]
    if not named:
        return []
    figures = [
        f"- {row.model}: {row.nats:.2f}{'°' if row.checked == 'memory' else ''} ({row.source})"
        for row in named
    ]
    lines = [
        line for figure in figures for line in textwrap.wrap(figure, 100, subsequent_indent="  ")
    ]
    return ["Published figures (° was not checked against the paper):", "", *lines, ""]


def _row(family: dict[str, Any], *, with_label: bool) -> list[str]:
    likelihood, seconds = family["log_likelihood"], family["seconds"]
    own = f" (its own error {likelihood['own_error']:.3f})" if likelihood["own_error"] else ""
    nats = f"{likelihood['mark']} {likelihood['nats_per_row']:.2f} ± {likelihood['standard_error']:.2f}{own}"
    once = f", once {_seconds(seconds['score_once'])}" if seconds["score_once"] else ""
    row = [family["title"], nats, f"{family['parameters']:,}", _seconds(seconds["train"])]
    row += [_seconds(seconds["score_1000_rows"]) + once, _seconds(seconds["draw_1000_rows"])]
    if not with_label:
        return row
    probes = family["representations"]
    if not probes:
        return [*row, ""]
    best = max(probes, key=lambda probe: probe["valid_accuracy"])  # validation rows choose
    what = (
        best["what"].removeprefix(f"{family['title']}: ").replace("|", "\\|")
    )  # a bar ends a cell
    return [*row, f"{what}: {100 * best['accuracy']:.1f} ± {100 * best['standard_error']:.1f} %"]


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
