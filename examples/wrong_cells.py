"""Proofreads a table with four wrong cells, and compares what is found with what was done.

Run: python examples/wrong_cells.py. It writes wines.csv and review.html into the working folder.
"""

from __future__ import annotations

from typing import Any

import polars as pl
from sklearn.datasets import load_wine

import chainrule as cr
from chainrule.review import write_review

COLUMNS = [
    "alcohol",
    "malic_acid",
    "magnesium",
    "flavanoids",
    "color_intensity",
    "proline",
    "cultivar",
]
# What was typed, by row and column.
WRONG = {
    (12, "proline"): 13200,
    (40, "flavanoids"): 32.9,
    (90, "cultivar"): "class_0",
    (133, "cultivar"): "clas_2",
}


def wines() -> pl.DataFrame:
    """Six measures of 178 wines and their cultivar, without mistakes."""
    data: Any = load_wine()
    table = pl.DataFrame(data.data, data.feature_names).select(pl.all().round(2))
    table = table.with_columns(pl.col("magnesium", "proline").cast(pl.Int64))
    return table.with_columns(cultivar=pl.Series(data.target_names[data.target])).select(COLUMNS)


def main() -> None:
    """Prints the findings, and how many of the wrong cells got their value back."""
    clean = wines()
    table = clean.clone()
    for (row, column), typed in WRONG.items():
        table[row, column] = typed
    table.write_csv("wines.csv")
    findings = cr.proofread("wines.csv", seed=0, verbose=False)
    print(findings.select("row", "column", "found", "suggested", "kind", "bits", "q"))
    found = findings.select("row", "column", "suggested").rows()
    right = sum(suggested == str(clean[row, column]) for row, column, suggested in found)
    print(f"{len(found)} findings; {right} of {len(WRONG)} wrong cells got their value back")
    write_review(findings, "wines.csv", "review.html")


if __name__ == "__main__":
    main()
