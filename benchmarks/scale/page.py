"""Writes the figures of scale.json, in benchmarks/results, into docs/at-any-size.md.

Usage: python -m benchmarks.scale.page
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.markdown import paragraph, table
from benchmarks.record import RESULTS

PAGE = RESULTS.parents[1] / "docs" / "at-any-size.md"
BEGIN = "<!-- scale: written by python -m benchmarks.scale.page -->"
END = "<!-- end of scale -->"
PROCESS = """
    `python -m benchmarks.scale.ask` asks one process with one thread about 12 columns of adult. The
    network has one member of 256 × 256 units, in float64. The last column compares the
    multiplications and additions that a row needs with those of a matrix product alone.
"""
MEMORY = """
    `python -m benchmarks.scale.memory` runs commands that read Parquet and write a file, for a
    small network. The figure is the peak of the process. Files above a MiB, and draws, are asked by
    PyTorch, whose libraries take some 350 MB.
"""
ENGINES = """
    `python -m benchmarks.scale.engines` scores the same rows by an engine with two workers. The
    ratio is its CPU seconds by those of one process, start-up apart.
"""
SCHEMA = """
    `python -m benchmarks.scale.first` infers the schema of a million rows of these columns, and
    answers a first question by a scorer in a new process.
"""


def section(parts: dict[str, Any]) -> list[str]:
    """A paragraph and a table for each part that was measured."""
    lines: list[str] = []
    for part, text, names, rows in (
        ("one process", PROCESS, ["question", "rows a CPU second", "of matrix products"], _asked),
        ("memory", MEMORY, ["command", "MB"], _memory),
        ("engines", ENGINES, ["engine", "CPU seconds", "ratio"], _engines),
        ("first", SCHEMA, ["what", "CPU seconds"], _first),
    ):
        if part in parts:
            cells = list(rows(parts[part]["rows"]))
            lines += [paragraph(text), "", *table(names, cells), ""]
    return lines


def _asked(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    for row in rows:
        speed, share = row["rows_per_cpu_second"], row["share_of_peak"]
        yield [row["what"], f"{round(speed, -2):,.0f}", f"{share:.0%}"]


def _memory(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield [row["what"], f"{row['peak_mb']:,.0f}"]


def _engines(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield [row["what"], f"{row['cpu_seconds']:.1f}", f"{row['ratio']:.2f}"]


def _first(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield [row["what"], f"{row['cpu_seconds']:.2f}"]


def main() -> None:
    """Replaces the section between its two marks."""
    parts = json.loads((RESULTS / "scale.json").read_text(encoding="utf-8"))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    text = "\n".join(section(parts))
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
    print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
