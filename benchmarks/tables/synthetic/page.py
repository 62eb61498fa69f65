"""Writes docs/drawn.md; its numbers come from benchmarks/results/real_tables/synthetic."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.markdown import table

RESULTS = record.RESULTS / "real_tables" / "synthetic"
PAGE = record.RESULTS.parents[1] / "docs" / "drawn.md"
TABLES = ("adult", "bank_marketing", "online_shoppers", "beijing_pm25")
EFFORTS = {"standard": "", "best": "best-"}  # each with the beginning of its files' names
PICTURED = ("adult",)  # of which docs/pictures has pictures
# The best published figures that we know of, by table.
BEST_SCORE = {
    "adult": (0.855, "TabPC"),
    "online_shoppers": (0.894, "TabPC"),
    "beijing_pm25": (0.772, "TabDiff"),
}
BEST_ACCURACY = {
    "adult": (0.990, "synthpop"),
    "bank_marketing": (0.992, "synthpop"),
    "online_shoppers": (0.986, "synthpop"),
}

Found = list[dict[str, Any]]  # the files of a table, one for each seed

_HEAD = """\
# Drawn beside real

A fit learns the joint density of a table, and draws rows from it. This page shows how much the
drawn rows are like the real ones. `python -m benchmarks.tables.synthetic` computes it from the
tables in the folder `CHAINRULE_DATA`. Every number is in
[benchmarks/results/real_tables/synthetic](../benchmarks/results/real_tables/synthetic).
[How real are synthetic rows](quality.md) says what the figures measure.

All fits have `missing="informative"`, and the effort that the tables name. Other settings follow
from the table. As many rows are drawn as were fitted.
"""
_PICTURES = """\
## {name}

Nine tenths of the rows are fitted, with seed 0. The first picture has the columns that give the
drawn rows away most, the worst first. Gray areas are shares of the real rows, and blue lines are
those of the drawn rows. A column of which most cells have one value has a logarithmic axis.

![Columns of {name}, real rows in gray and drawn ones as lines](pictures/{marginals})

The second picture has two pairs of columns, real rows above drawn ones. They are pairs that trees
tell apart better than each of their columns alone, or else pairs of the least accuracy. A cell is
darker, the more rows it has.

![Pairs of columns of {name}, real rows above drawn ones](pictures/{pairs})
"""
_C2ST = """\
## Told apart by trees

Nine tenths of the rows are fitted. XGBoost, with the settings of TabPC (arXiv 2603.23016), tells
drawn rows from the fitted ones. The score 2 (1 − AUC) is 1 if nothing can be told, and 0 if
everything can. *By our trees* is the score of `cr.quality`, for drawn rows and for the held-out
tenth. Published scores are means of five splits. Numbers are means over seeds, and ± is their
standard error.
"""
_HALVES = """\
## Accuracy in bins

Half of the rows are fitted, and the other half is held out, as in the benchmark of mostlyai-qa.
The accuracy is the mean over one, two and three columns. *At best* is that of as many real rows.
*Nearer* is the share of drawn rows that are nearer to a fitted than to a held-out row. Half of them
would be if nothing was memorised. The last column is what a classifier loses, in AUC, if it learns
from drawn rows instead of real ones.
"""


def marginals_of(name: str) -> str:
    """The file of a table's picture of columns."""
    return f"drawn-{name}-columns.png"


def pairs_of(name: str) -> str:
    """The file of a table's picture of pairs."""
    return f"drawn-{name}-pairs.png"


def text() -> str:
    """The page: pictures, and a table for each protocol with the figures that are measured."""
    pictures = [
        _PICTURES.format(name=name, marginals=marginals_of(name), pairs=pairs_of(name))
        for name in PICTURED
    ]
    return "\n".join([_HEAD, *pictures, *_told_apart(), *_accuracy()])


def _told_apart() -> list[str]:
    rows = [
        [
            name,
            effort,
            str(len(found)),
            _mean(found, "xgboost", "score"),
            _published(BEST_SCORE, name),
            _mean(found, "quality", "told_apart", "score"),
            _mean(found, "quality", "holdout_apart", "score"),
            _mean(found, "quality", "fidelity", "shapes"),
            _mean(found, "quality", "fidelity", "trends"),
        ]
        for (name, effort), found in _read("c2st").items()
    ]
    names = ["table", "effort", "seeds", "score of XGBoost", "best published"]
    names += ["by our trees", "held out", "column shapes", "pair trends"]
    return [_C2ST, *table(names, rows), ""]


def _accuracy() -> list[str]:
    rows = [
        [
            name,
            effort,
            str(len(found)),
            _mean(found, "quality", "fidelity", "accuracy", "overall", digits=4),
            _mean(found, "quality", "fidelity", "accuracy", "expected", digits=4),
            _published(BEST_ACCURACY, name),
            _mean(found, "quality", "nearest", "share"),
            _mean(found, "quality", "utility", "lost"),
        ]
        for (name, effort), found in _read("halves").items()
    ]
    if not rows:
        return []
    names = ["table", "effort", "seeds", "accuracy", "at best", "best published", "nearer"]
    return [_HALVES, *table([*names, "AUC lost"], rows), ""]


def _read(protocol: str) -> dict[tuple[str, str], Found]:
    """The figures of each table and effort that are measured."""
    found = {
        (name, effort): [
            json.loads(path.read_text())
            for path in sorted(RESULTS.glob(f"{prefix}{name}-{protocol}-*.json"))
        ]
        for name in TABLES
        for effort, prefix in EFFORTS.items()
    }
    return {key: each for key, each in found.items() if each}


def _mean(found: Found, *path: str, digits: int = 3) -> str:
    """The mean of a figure over the seeds, with its standard error if there are several."""
    values = [value for each in found if (value := _at(each, path)) is not None]
    if not values:
        return ""
    mean = f"{np.mean(values):.{digits}f}"
    if len(values) < 2:
        return mean
    return f"{mean} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.{digits}f}"


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = None if value is None else value[key]
    return value


def _published(figures: dict[str, tuple[float, str]], name: str) -> str:
    if name not in figures:
        return ""
    figure, whose = figures[name]
    return f"{figure:.3f} ({whose})"
