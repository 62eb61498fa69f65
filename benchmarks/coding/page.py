"""Writes the figures of coding.json, in benchmarks/results, into docs/coding.md.

Usage: python -m benchmarks.coding.page
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.coding.tables import TABLES
from benchmarks.markdown import paragraph, table
from benchmarks.record import RESULTS

PAGE = RESULTS.parents[1] / "docs" / "coding.md"
BEGIN = "<!-- coding: written by python -m benchmarks.coding.page -->"
END = "<!-- end of coding -->"
LENGTHS = ["table", "held-out rows × columns", "−log₂ masses", "code", "code ÷ masses"]
LENGTHS += ["file ÷ masses", "escaped cells", "their text"]
SIZES = ["table", "CSV", "packed bits", "zstd", "xz", "xz after training rows", "chainrule"]
SIZES += ["of which text", "model"]


def section(rows: list[dict[str, Any]]) -> list[str]:
    """The two tables and what they show."""
    rows = sorted(rows, key=lambda row: TABLES.index(row["what"]))
    worst = max(rows, key=lambda row: row["file over masses"])
    seconds = max(row[f"{what} seconds"] for row in rows for what in ("encode", "decode"))
    apart = max(
        abs(row["mass bits"] / row["log_prob bits"] - 1) for row in rows if not row["escaped cells"]
    )
    shown = f"""The files are at most {worst["file over masses"] - 1:.2%} longer than the masses
        say ({worst["what"]}), checksum and header included. Each was decoded by another process,
        and all are equal to the byte. Coding and decoding took at most {seconds:.0f} s each, with
        one thread. Where no cell is escaped, the sum of the cells' terms is that of
        `density.log_prob`, which scores whole rows, to {max(apart, 1e-15):.0e} of it."""
    return [
        *table(LENGTHS, [_lengths(row) for row in rows]),
        "",
        paragraph(shown),
        "",
        *table(SIZES, [_sizes(row) for row in rows]),
    ]


def _lengths(row: dict[str, Any]) -> list[str]:
    return [
        row["what"],
        f"{row['rows']:,} × {row['columns']}",
        _bytes(row["mass bits"] / 8),
        _bytes(row["code bytes"]),
        f"{row['code over masses']:.5f}",
        f"{row['file over masses']:.5f}",
        f"{row['escaped cells']:,}",
        _bytes(row["text bits"] / 8),
    ]


def _sizes(row: dict[str, Any]) -> list[str]:
    names = ("csv", "packed bits", "zstd", "xz", "xz after training rows", "file bytes")
    sizes = [_bytes(row[name]) if name in row else "" for name in names]
    return [row["what"], *sizes, _bytes(row["text bits"] / 8), _bytes(row["model bytes"])]


def _bytes(number: float) -> str:
    return f"{round(number):,}"


def main() -> None:
    """Replaces the section between its two marks."""
    rows = json.loads((RESULTS / "coding.json").read_text(encoding="utf-8"))["tables"]["rows"]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    text = "\n".join(section(rows))
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
