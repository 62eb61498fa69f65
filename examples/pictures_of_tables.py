"""Pictures of a table of wines, and a page about it.

Run: python examples/pictures_of_tables.py [FOLDER]. It writes six pictures and report.html.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import polars as pl
from sklearn.datasets import load_wine

import chainrule as cr

COLUMNS = ["alcohol", "malic_acid", "magnesium", "flavanoids", "color_intensity", "proline"]


def main(folder: Path) -> None:
    """Fits the wines, and draws what the page of the documentation shows."""
    data: Any = load_wine()
    wines = pl.DataFrame(data.data, data.feature_names).select(pl.col(COLUMNS).round(2))
    wines = wines.with_columns(cultivar=pl.Series(data.target_names[data.target]))
    density = cr.fit(wines, effort="quick", seed=0, verbose=False)
    pictures = {
        "column": density.plot.column("proline", given={"cultivar": "class_1"}, table=wines),
        "pair": density.plot.pair("flavanoids", "proline", table=wines),
        "shares": density.plot.shares("cultivar", "proline", table=wines),
        "row": density.plot.row(wines.with_columns(flavanoids=pl.col("flavanoids") * 10), 70),
        "dependence": density.plot.dependence(),
        "calibration": density.plot.calibration(wines),
    }
    for name, axes in pictures.items():
        axes.figure.savefig(folder / f"wines-{name}.png", dpi=110)
    density.report(wines, folder / "report.html", verbose=False)
    pairs = density.dependence()
    print(pairs.head(3))
    print(f"{len(pictures)} pictures, and a page of {len(wines)} rows")


if __name__ == "__main__":
    mpl.use("Agg")
    main(Path(sys.argv[1]) if len(sys.argv) == 2 else Path())
