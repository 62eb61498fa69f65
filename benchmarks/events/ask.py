"""Questions about adult and titanic, each answer beside the share that the table counts.

Usage: python -m benchmarks.events.ask

It fits both tables, asks, and writes the tables of docs/howto/ask-a-table.md, and
``benchmarks/results/events.json``. CHAINRULE_DATA names the folder of the tables.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import polars as pl

import chainrule as cr
from benchmarks.record import write_part
from benchmarks.tables.data import whole_table

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "ask-a-table.md"
TIME_LIMIT_S = 150.0  # of a fit
FITS: dict[str, dict[str, Any]] = {
    "titanic": {"missing": "informative"},
    "adult": {"network": "nade"},
}
# Words, those that are given, and the same in SQL.
QUESTIONS: dict[str, list[tuple[str, str | None, str, str]]] = {
    "titanic": [
        ("Survived", None, "Survived = 1", "true"),
        ("Survived", "Sex == 'female' and Pclass == 1", "Survived = 1",
         "Sex = 'female' AND Pclass = 1"),
        ("Survived", "Sex == 'male' and Pclass == 3 and Age >= 30", "Survived = 1",
         "Sex = 'male' AND Pclass = 3 AND Age >= 30"),
        ("Age < 10", None, "Age < 10", "true"),
        ("Age is null", "Pclass == 3", "Age IS NULL", "Pclass = 3"),
        ("SibSp + Parch >= 4", None, "SibSp + Parch >= 4", "true"),
        ("Fare > 50", "Pclass == 1", "Fare > 50", "Pclass = 1"),
    ],
    "adult": [
        ("income == '>50K'", None, "income = '>50K'", "true"),
        ("income == '>50K'", "age > 60 and sex == 'Female'", "income = '>50K'",
         "age > 60 AND sex = 'Female'"),
        ("`hours-per-week` >= 60 and income == '>50K'", None,
         "\"hours-per-week\" >= 60 AND income = '>50K'", "true"),
        ("education in ['Masters', 'Doctorate']", "income == '>50K'",
         "education IN ('Masters', 'Doctorate')", "income = '>50K'"),
        ("`capital-gain` > 5000", "income == '<=50K'", "\"capital-gain\" > 5000",
         "income = '<=50K'"),
        ("age < 25 and `marital-status` == 'Married-civ-spouse' and occupation == 'Sales'", None,
         "age < 25 AND \"marital-status\" = 'Married-civ-spouse' AND occupation = 'Sales'", "true"),
        ("20 <= age < 30 or `hours-per-week` < 20", None,
         "(age >= 20 AND age < 30) OR \"hours-per-week\" < 20", "true"),
    ],
}  # fmt: skip


def share(table: pl.DataFrame, event: str, given: str) -> tuple[float, int]:
    """Returns the share of a table's rows in which an event holds, and of how many rows."""
    context = pl.SQLContext({"rows": table}, eager=True)
    whole = context.execute(f"SELECT * FROM rows WHERE {given}")
    part = pl.SQLContext({"rows": whole}, eager=True).execute(f"SELECT * FROM rows WHERE {event}")
    return len(part) / len(whole), len(whole)


def asked(name: str) -> list[dict[str, Any]]:
    """Returns the questions about a table with their answers and the counted shares."""
    table = whole_table(name)
    if name == "adult":  # an empty cell is a label there, as in the census
        table = table.with_columns(pl.col(pl.String).fill_null("?"))
    density = cr.fit(table, seed=0, verbose=False, time_limit_s=TIME_LIMIT_S, **FITS[name])
    rows = []
    for words, given, event, condition in QUESTIONS[name]:
        found = density.probability(words, given=given)
        counted, of = share(table, event, condition)
        rows.append(
            {
                "what": f"{name}: {words}" + ("" if given is None else f" | {given}"),
                "event": words,
                "given": given,
                "probability": found.value,
                "standard_error": found.standard_error,
                "method": found.method,
                "counted": counted,
                "rows": of,
            }
        )
    return rows


def as_table(rows: list[dict[str, Any]]) -> str:
    """Returns the answers as a table of Markdown."""
    lines = ["| event | given | answer | by | counted | of rows |", "|---|---|---|---|---|---|"]
    for row in rows:
        given = "" if row["given"] is None else f"`` {row['given']} ``"
        error = row["standard_error"]
        answer = f"{row['probability']:.4f}" + (f" ± {error:.4f}" if error else "")
        lines.append(
            f"| `` {row['event']} `` | {given} | {answer} | {row['method']} | {row['counted']:.4f} "
            f"| {row['rows']:,} |"
        )
    return "\n".join(lines)


def _write_table(name: str, table: str) -> None:
    """Replaces a table of the page, between its two marks."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n\n{table}\n\n{end}{after}", encoding="utf-8")


def main() -> None:
    """Fits, asks, and writes the page's tables and the results."""
    warnings.simplefilter("ignore")
    for name in QUESTIONS:
        rows = asked(name)
        table = as_table(rows)
        print(table)
        _write_table(name, table)
        write_part("events", name, rows)


if __name__ == "__main__":
    main()
