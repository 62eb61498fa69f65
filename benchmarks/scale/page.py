"""Writes the figures of scale into docs/at-any-size.md and docs/howto.

Usage: python -m benchmarks.scale.page
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.markdown import paragraph, replace_section, table
from benchmarks.record import RESULTS

PAGE = RESULTS.parents[1] / "docs" / "at-any-size.md"
BEGIN = "<!-- scale: written by python -m benchmarks.scale.page -->"
END = "<!-- end of scale -->"
TRAIN_PAGE = PAGE.parent / "howto" / "train-on-several-processes.md"
TRAIN_BEGIN = "<!-- processes: written by python -m benchmarks.scale.page -->"
TRAIN_END = "<!-- end of processes -->"
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
COMMITTEE = """
    `python -m benchmarks.scale.train` measured what follows on two cores, within one run. The whole
    fit of a committee of 8, its search included, takes {one:.0f} s in one process of one thread,
    {ranks:.0f} s in two processes and {threads:.0f} s in one process of two threads. So two
    processes are {faster:.2f} and {beside:.2f} times as fast.
"""
ROWS = """
    Steps of one orderless network of 256 × 256 units by one process and by two, each with one
    thread, in milliseconds. The efficiency is the time of one process divided by twice that of two.
    The time outside is what a step takes beside its own computation. The last columns are not
    measured. They follow from a model of costs that was fitted to one and two processes.
"""
EPOCH = """
    One epoch of ten million rows of 12 columns from Parquet took {seconds:.0f} s in two processes,
    with a peak of {peak} GB.
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


def processes(parts: dict[str, Any]) -> list[str]:
    """What fits on several processes take."""
    lines: list[str] = []
    if "committee" in parts:
        seconds, ratio = parts["committee"]["rows"]
        text = COMMITTEE.format(
            one=seconds["one thread"],
            ranks=seconds["two ranks"],
            threads=seconds["two threads"],
            faster=ratio["than one thread"],
            beside=ratio["than two threads"],
        )
        lines += [paragraph(text), ""]
    if "rows" in parts:
        names = ["batch", "one", "two", "efficiency", "outside", "sum", "of 4", "of 8", "of 16"]
        lines += [paragraph(ROWS), "", *table(names, list(_steps(parts["rows"]["rows"]))), ""]
    if "memory" in parts:
        rows = parts["memory"]["rows"]
        peak = " and ".join(f"{row['peak, GB']:.2f}" for row in rows)
        text = EPOCH.format(seconds=max(row["seconds"] for row in rows), peak=peak)
        lines += [paragraph(text), ""]
    return lines


def _steps(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield [
            row["what"].removeprefix("rows, batch "),
            f"{row['one rank, ms']:.1f}",
            f"{row['two ranks, ms']:.1f}",
            f"{row['efficiency']:.0%}",
            f"{row['outside local computation, ms']:.1f}",
            f"{row['sum over ranks, ms']:.1f}",
            *(f"{row[f'efficiency of {ranks} by the model']:.0%}" for ranks in (4, 8, 16)),
        ]


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
    """Replaces the sections between their marks."""
    parts = json.loads((RESULTS / "scale.json").read_text(encoding="utf-8"))
    replace_section(PAGE, BEGIN, END, section(parts))
    path = RESULTS / "scale_train.json"
    if path.exists():
        lines = processes(json.loads(path.read_text(encoding="utf-8")))
        replace_section(TRAIN_PAGE, TRAIN_BEGIN, TRAIN_END, lines)


if __name__ == "__main__":
    main()
