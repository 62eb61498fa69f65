"""Writes docs/real-tables.md; all numbers come from benchmarks/results/real_tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.markdown import table
from benchmarks.tables.data import KINDS
from benchmarks.tables.masses import page as masses

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results" / "real_tables"
PAGE = ROOT.parent / "docs" / "real-tables.md"
SEEDS = (0, 1, 2, 3, 4)
OURS = "chainrule"

Found = dict[str, list[dict[str, Any]]]  # figures by table, for each seed


def path_of(proof: str, name: str, seed: int) -> Path:
    """The file with the figures of one table and seed."""
    return RESULTS / f"{proof}-{name}-{seed}.json"


def missing() -> list[str]:
    """The figures that are not measured yet."""
    asked = [
        (proof, name, seed)
        for proof in ("imputation", "synthesis", "odd_cells")
        for name in KINDS
        for seed in SEEDS
    ]
    asked += [("seconds", name, SEEDS[0]) for name in KINDS]
    lacking = [path_of(*each).name for each in asked if not path_of(*each).exists()]
    return [*lacking, *masses.missing(SEEDS)]


def text() -> str:
    """The page."""
    return "\n".join(
        [
            _HEAD,
            *_short_of(),
            *masses.section(SEEDS),
            *_imputation(_read("imputation")),
            *_synthesis(_read("synthesis")),
            *masses.draws(SEEDS),
            *_odd_cells(_read("odd_cells")),
            *_seconds({name: [_one("seconds", name, SEEDS[0])] for name in KINDS}),
        ]
    )


_HEAD = """\
# Real tables

This page compares chainrule with common alternatives on five tables as people have them.
`python -m benchmarks.tables.masses` and `python -m benchmarks.tables.prove` compute it from the
tables in the folder `CHAINRULE_DATA`. Every number is in
[benchmarks/results/real_tables](../benchmarks/results/real_tables).

Each table contributes at most 10,000 rows (5,000 for odd cells). They are drawn for each of five
seeds, which also determine splits, masks, errors and fits. Numbers are means over the five seeds. ±
is a standard error. Standard errors of differences are paired by seed.

Only `effort="standard"` and some kinds are set, except in section 4: four columns of
online_shoppers are labels, and two of beijing_pm25 are real numbers. Settings follow from a table
by fixed rules. The rules were chosen on other draws of rows of these tables (seeds from 100 on).
The baselines' settings are chosen on validation rows.
"""
_SHORT_OF = """\
The list has three kinds of cases: chainrule gains at most a standard error over the best other
method, it misjudges its certainty, or its fit takes longer. Below zero, the other method is better.
"""
_IMPUTATION = """\
## 2. What belongs in missing cells

A fifth of the known cells is removed at random. All methods get the same table with the same
missing cells, and fill the rows that were fitted. *Iterative* is scikit-learn's `IterativeImputer`,
with ridge regressions and linear classifiers, or with random forests. These methods and the
neighbours fill in means. Means are best for the squared error, and medians for the absolute error.
Therefore chainrule fills in medians in the first table of errors, and means (`how="mean"`) in the
second.
"""
_CALIBRATION = """\
The last table shows the calibration of chainrule's conditionals for the removed numbers. *Inside*
is the share of numbers in the central 90 % of their conditional. *Corrected* is the share in their
interval of `impute(interval=0.9)`, whose
[level](howto/fill-missing-cells.md#how-sure-is-that) is corrected by held-out rows; – is not
measured. The ranks of the true values in their conditionals are probability integral transforms,
randomised within a grid cell. If the conditionals were right, each tenth of the ranks would hold
0.1 of the numbers.
"""
_CALIBRATION_NAMES = ["two binomial standard errors", "smallest and largest tenth"]
_SYNTHESIS = """\
## 3. Similar rows

As many rows are drawn as there are training rows. *Shuffled* is the training table with each column
shuffled separately. A gradient-boosting classifier is trained on each table to predict one column
(income, y, wind from the south-east, revenue, survival). It is tested on real rows; the figure is
the area under the curve. A second classifier distinguishes drawn from real rows: 0.5 is chance.
*Nearer to training rows* is the share of drawn rows whose nearest row is a training row rather than
a test row. Both have equally many rows, so that 0.5 means that nothing is memorised. Some drawn
rows repeat a training row, and so do some test rows.
"""
_ODD_CELLS = """\
## 4. Which cells are wrong

Errors are planted in random cells of 5,000 rows, at most one per row. An error is another label of
the column, ten or a hundred times the number, or two neighbouring digits swapped. Each method ranks
the cells of the table with errors. Its first ranks count, as many as there are errors. chainrule is
`cr.proofread` with `effort="quick"`, its default, and the kinds of the other sections. The
isolation forest ranks rows: an error counts as found if its row is. Many wrong labels cannot be
found, because another region is as plausible as the original one.
"""
_SECONDS = """\
## 5. Seconds

The times are for two cores. The first two tables are for section 1: a fit of the training rows, and
the scores of the test rows, both with choices on validation rows. The third table is for filling
the missing cells of section 2. The other methods include a fit in each filling. The chainrule fit
of that table takes as long as that of section 1.
"""
_OF_FIRST = """\
These are seconds of version 0.1.0. Fits have since become
[four to five times as fast](benchmarks.md#speed).
"""


def _short_of() -> list[str]:
    """Tables where we gain at most a standard error on the best other, or are miscalibrated."""
    lines = masses.short_of(SEEDS)
    imputed = _read("imputation")
    for what, name, sign in (
        ("accuracy", "labels filled correctly", 1),
        ("error", "absolute error", -1),
        ("squared", "root of squared error", -1),
    ):
        for table_name, each in imputed.items():
            values = [
                {label: sign * one[what] for label, one in every["methods"].items()}
                for every in each
            ]
            mean, error, best = _paired(values)
            if mean < error:
                lines.append(f"- {table_name}, {name}: {mean:+.3f} ± {error:.3f} beside {best}.")
    for table_name, each in imputed.items():
        corrected, bound = _corrected(each), _two_errors(each)
        inside = np.mean([one["inside"] for one in each]) if corrected is None else corrected
        if abs(inside - 0.9) > bound:
            what = f"{inside:.1%} of the numbers lie inside; chance explains ± {bound:.1%}."
            lines.append(f"- {table_name}, 90 % intervals: {what}")
    for table_name, each in _read("odd_cells").items():
        points = [{label: 100 * v for label, v in one["found"].items()} for one in each]
        mean, error, best = _paired(points)
        if mean < error:
            what = f"{mean:+.1f} ± {error:.1f} points beside {best}."
            lines.append(f"- {table_name}, odd cells: {what}")
    for name in KINDS:
        measured = _one("seconds", name, SEEDS[0])
        densities, version = measured["densities"], "" if "commit" in measured else " of 0.1.0"
        ours = densities[OURS]["fit"]
        longest = max(one["fit"] for label, one in densities.items() if label != OURS)
        if ours > longest:
            what = f"{ours / longest:.1f} times the longest of the others."
            lines.append(f"- {name}, seconds to fit{version}: {what}")
    return [_SHORT_OF, *lines, ""]


def _imputation(found: Found) -> list[str]:
    labels = list(next(iter(found.values()))[0]["methods"])
    lines = [_IMPUTATION]
    for what, title, sign in (
        (
            "accuracy",
            "The share of labels filled correctly, mean over columns",
            1,
        ),
        ("error", "The absolute error in standard deviations, mean over columns of numbers", -1),
        ("squared", "The root mean squared error, likewise", -1),
    ):
        values = {
            name: [{label: one["methods"][label][what] for label in labels} for one in each]
            for name, each in found.items()
        }
        rows = [
            [
                name,
                *(f"{np.mean([one[label] for one in each]):.3f}" for label in labels),
                _gain([{label: sign * one[label] for label in labels} for one in each], "{:+.3f}"),
            ]
            for name, each in values.items()
        ]
        means = [
            np.mean([one[label] for each in values.values() for one in each]) for label in labels
        ]
        rows.append(["mean", *(f"{mean:.3f}" for mean in means), ""])
        lines += [
            f"{title}; {'higher' if sign > 0 else 'lower'} is better:",
            "",
            *table(["table", *labels, "better than the best other by"], rows),
            "",
        ]
    rows = []
    for name, each in found.items():
        inside, numbers = np.mean([one["inside"] for one in each]), _numbers(each)
        ranks = np.mean([one["ranks"] for one in each], axis=0)
        rows.append(
            [
                name,
                f"{numbers:,}",
                f"{inside:.1%}",
                "–" if (corrected := _corrected(each)) is None else f"{corrected:.1%}",
                f"{_two_errors(each):.1%}",
                f"{ranks.min():.3f} … {ranks.max():.3f}",
            ]
        )
    lines += [
        _CALIBRATION,
        *table(
            ["table", "numbers", "inside", "corrected", *_CALIBRATION_NAMES],
            rows,
        ),
    ]
    return [*lines, ""]


def _synthesis(found: Found) -> list[str]:
    def mean(each: list[dict[str, Any]], *path: str) -> float:
        return float(np.mean([_at(one, path) for one in each]))

    return [
        _SYNTHESIS,
        *table(
            [
                "table",
                "classifier: trained on real",
                "on drawn",
                "on shuffled",
                "drawn distinguished",
                "shuffled distinguished",
                "nearer to training rows",
                "drawn repeat",
                "test rows repeat",
            ],
            [
                [
                    name,
                    *(
                        f"{mean(each, 'learned', label):.3f}"
                        for label in ("real", "drawn", "shuffled")
                    ),
                    *(
                        f"{mean(each, 'distinguished', label):.3f}"
                        for label in ("drawn", "shuffled")
                    ),
                    f"{mean(each, 'nearest', 'nearer to training rows'):.3f}",
                    *(
                        f"{mean(each, 'nearest', f'{label} rows that repeat one'):.1%}"
                        for label in ("drawn", "test")
                    ),
                ]
                for name, each in found.items()
            ],
        ),
        "",
    ]


def _odd_cells(found: Found) -> list[str]:
    labels = list(next(iter(found.values()))[0]["found"])
    kinds = sorted({kind for each in found.values() for one in each for kind in one["by kind"]})
    rows = []
    for name, each in found.items():
        row = [
            name,
            str(each[0]["errors"]),
            *(f"{_mean(each, 'found', label):.1%}" for label in labels),
        ]
        gain = _gain(
            [{label: 100 * one["found"][label] for label in labels} for one in each], "{:+.1f}"
        )
        of_kind = []
        for kind in kinds:
            cases = [one["by kind"][kind] for one in each if kind in one["by kind"]]
            count = sum(case["errors"] for case in cases)
            of_kind.append(
                f"{sum(case[OURS] * case['errors'] for case in cases) / max(count, 1):.0%}"
            )
        rows.append([*row, gain, *of_kind])
    return [
        _ODD_CELLS,
        *table(
            [
                "table",
                "errors",
                *labels,
                "points better than the best other",
                *(f"{OURS}: {kind}" for kind in kinds),
            ],
            rows,
        ),
        "",
    ]


def _seconds(found: Found) -> list[str]:
    first = next(iter(found.values()))[0]
    densities, fills = list(first["densities"]), list(first["fills"])
    rows = []
    for name, (one,) in found.items():
        row = [name, *(f"{one['densities'][label]['fit']:.1f}" for label in densities)]
        row += [f"{one['densities'][label]['score']:.2f}" for label in densities]
        rows.append([*row, *(f"{one['fills'][label]:.1f}" for label in fills)])
    is_first = any("commit" not in one for each in found.values() for one in each)
    return [
        _SECONDS,
        *([_OF_FIRST] if is_first else []),
        *table(
            ["table", *(f"fit: {label}" for label in densities)],
            [row[: 1 + len(densities)] for row in rows],
        ),
        "",
        *table(
            ["table", *(f"score: {label}" for label in densities)],
            [[row[0], *row[1 + len(densities) : 1 + 2 * len(densities)]] for row in rows],
        ),
        "",
        *table(
            ["table", *(f"fill: {label}" for label in fills)],
            [[row[0], *row[1 + 2 * len(densities) :]] for row in rows],
        ),
        "",
    ]


def _gain(each: list[dict[str, float]], form: str) -> str:
    """Our mean gain over the best other method, with the standard error of the difference."""
    mean, error, best = _paired(each)
    return f"{form.format(mean)} ± {form.format(error)[1:]} ({best})"


def _paired(each: list[dict[str, float]]) -> tuple[float, float, str]:
    """Mean and standard error of the gain over the best other method, and that method."""
    best = max(
        (label for label in each[0] if label != OURS),
        key=lambda label: np.mean([one[label] for one in each]),
    )
    gains = np.array([one[OURS] - one[best] for one in each])
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    return float(gains.mean()), float(error), best


def _corrected(each: list[dict[str, Any]]) -> float | None:
    """The share of numbers in the intervals of ``impute``; None unless every seed has it."""
    found = [one["corrected"] for one in each if "corrected" in one]
    return float(np.mean(found)) if len(found) == len(each) else None


def _two_errors(each: list[dict[str, Any]]) -> float:
    """Two binomial standard errors of the share of all numbers that lie in their 90 % interval."""
    return float(2 * np.sqrt(0.09 / _numbers(each)))


def _numbers(each: list[dict[str, Any]]) -> int:
    return sum(one["numbers"] for one in each)


def _mean(each: list[dict[str, Any]], what: str, label: str) -> float:
    return float(np.mean([one[what][label] for one in each]))


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value[key]
    return value


def _read(proof: str) -> Found:
    found = {
        name: [_one(proof, name, seed) for seed in SEEDS if path_of(proof, name, seed).exists()]
        for name in KINDS
    }
    return {name: each for name, each in found.items() if each}


def _one(proof: str, name: str, seed: int) -> dict[str, Any]:
    return json.loads(path_of(proof, name, seed).read_text())
