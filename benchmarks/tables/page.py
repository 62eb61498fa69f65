"""Writes docs/real-tables.md; all numbers come from benchmarks/results/real_tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.markdown import table
from benchmarks.tables.data import KINDS

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
    asked = [(proof, name, seed) for proof in ("rows", "imputation", "odd_cells") for name in KINDS for seed in SEEDS]
    asked += [("seconds", name, SEEDS[0]) for name in KINDS]
    return [path_of(*each).name for each in asked if not path_of(*each).exists()]


def text() -> str:
    """The page."""
    return "\n".join(
        [
            _HEAD,
            *_short_of(),
            *_likelihood(_read("rows", "likelihood")),
            *_imputation(_read("imputation")),
            *_synthesis(_read("rows", "synthesis")),
            *_odd_cells(_read("odd_cells")),
            *_seconds({name: [_one("seconds", name, SEEDS[0])] for name in KINDS}),
        ]
    )


_HEAD = """# Real tables

What a density by the chain rule is worth on five tables as people have them, beside what one would use instead. Made by
`python -m benchmarks.tables.prove` from the tables that `CHAINRULE_DATA` names; every number is in
[benchmarks/results/real_tables](../benchmarks/results/real_tables).

Of each table at most 10,000 rows are taken (5,000 for odd cells), drawn anew for each of five seeds, which are those of splits,
masks, errors and fits, too. Numbers are means over the five; ± is a standard error, of a difference that of the paired
differences. `effort="standard"` and nothing else is set, but that four columns of online_shoppers are said to be labels and two
of beijing_pm25 numbers that need not be whole. The rules by which a fit follows from a table were chosen on other draws of rows
of these tables (seeds from 100 on); what the baselines leave open is chosen on validation rows.
"""
_SHORT_OF = """Where it gains no more than a standard error on the best other (below zero, that one is better), or
misjudges how sure it is:
"""
_LIKELIHOOD = """## 1. How likely are held-out rows

Nats per test row, higher is better; 7,000 training rows, titanic 623. All are densities on one base measure: the same levels,
atoms and steps have masses, other numbers a density in the table's units. Independent columns are histograms, the tree of Chow
and Liu is over such bins, in which masses spread evenly; the Gaussian mixture is scikit-learn's with diagonal covariances, whose
mass of a step is that between its ends.
"""
_IMPUTATION = """## 2. What belongs in the holes

A fifth of the known cells is taken away at random. Everyone sees the same table with the same holes, and fills the rows that
were fitted. Linear and forests are scikit-learn's `IterativeImputer` with ridge regressions and classifiers, and with random
forests of both; these and neighbours fill in means, which the squared error favours as the absolute one does medians, so
chainrule is asked for medians in the first table of errors and for means (`how="mean"`) in the second.
"""
_CALIBRATION = """How sure it was of the emptied numbers: how many lie in their 90 % interval, and the ranks of the truth
in its conditional (the probability integral transform, drawn evenly within steps), each tenth of which would hold 0.1 if all
were right.
"""
_SYNTHESIS = """## 3. Rows like these

As many rows are drawn as there are training rows; shuffled is the training table with each column shuffled on its own. A
gradient-boosting classifier is trained on each to predict one column (income, y, wind from the south-east, revenue, survival)
and tested on real rows: area under the curve. Another is to tell made rows from real ones: 0.5 is chance. Of the drawn rows a
share lies nearer to a training row than to any of as many test rows: 0.5 if nothing is memorised; and some repeat a training
row, as test rows do.
"""
_ODD_CELLS = """## 4. Which cells are wrong

Errors are planted in random cells of 5,000 rows, at most one a row: another label of the column, ten or a hundred times the
number, or two neighbouring digits swapped. Each method ranks what it finds odd in the table with its errors, and is given as
many as there are errors. The forest ranks rows: an error is found if its row is. Many errors of labels cannot be found: another
region is as good as the one that was.
"""
_SECONDS = """## 5. Seconds

On two cores: to fit the training rows and to score the test rows of proof 1, choices on validation rows included; to fill the
holes of proof 2, for which the others fit anew each time (chainrule's fit of that table takes as long as that above).
"""


def _short_of() -> list[str]:
    """Tables where we gain at most a standard error on the best other, or are miscalibrated."""
    lines = []
    imputed = _read("imputation")
    for what, name, sign in (
        ("accuracy", "labels filled right", 1), ("error", "absolute error", -1), ("squared", "root of squared error", -1),
    ):  # fmt: skip
        for table_name, each in imputed.items():
            values = [{label: sign * one[what] for label, one in every["methods"].items()} for every in each]
            mean, error, best = _paired(values)
            if mean < error:
                lines.append(f"- {table_name}, {name}: {mean:+.3f} ± {error:.3f} beside {best}.")
    for table_name, each in imputed.items():
        inside, bound = np.mean([one["inside"] for one in each]), _two_errors(each)
        if abs(inside - 0.9) > bound:
            lines.append(
                f"- {table_name}, 90 % intervals: {inside:.1%} of the numbers lie inside, ± {bound:.1%} would be chance."
            )
    for table_name, each in _read("odd_cells").items():
        mean, error, best = _paired([{label: 100 * v for label, v in one["found"].items()} for one in each])
        if mean < error:
            lines.append(f"- {table_name}, odd cells: {mean:+.1f} ± {error:.1f} points beside {best}.")
    for name in KINDS:
        fits = {label: one["fit"] for label, one in _one("seconds", name, SEEDS[0])["densities"].items()}
        if fits[OURS] > (longest := max(seconds for label, seconds in fits.items() if label != OURS)):
            lines.append(f"- {name}, seconds to fit: {fits[OURS] / longest:.0f} times the longest of the others.")
    return [_SHORT_OF, *lines, ""]


def _likelihood(found: Found) -> list[str]:
    labels = list(next(iter(found.values()))[0]["nats"])
    lines = [
        _LIKELIHOOD,
        *table(
            ["table", *labels, "better than the best other by"],
            [
                [
                    name,
                    *(f"{_mean(each, 'nats', label):.2f}" for label in labels),
                    _gain([one["nats"] for one in each], "{:+.2f}"),
                ]
                for name, each in found.items()
            ],
        ),
    ]
    return [*lines, ""]


def _imputation(found: Found) -> list[str]:
    labels = list(next(iter(found.values()))[0]["methods"])
    lines = [_IMPUTATION]
    for what, title, sign in (
        ("accuracy", "Share of labels filled right, mean over the columns, higher is better", 1),
        (
            "error",
            "Absolute error of numbers over their standard deviation, mean over the columns, lower is better",
            -1,
        ),
        (
            "squared",
            "Root of the mean squared error of numbers over their standard deviation, mean over the columns, lower is better",
            -1,
        ),
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
        means = [np.mean([one[label] for each in values.values() for one in each]) for label in labels]
        rows.append(["mean", *(f"{mean:.3f}" for mean in means), ""])
        lines += ["", f"{title}:", "", *table(["table", *labels, "better than the best other by"], rows)]
    rows = []
    for name, each in found.items():
        inside, numbers = np.mean([one["inside"] for one in each]), _numbers(each)
        ranks = np.mean([one["ranks"] for one in each], axis=0)
        rows.append(
            [
                name,
                f"{numbers:,}",
                f"{inside:.1%}",
                f"{_two_errors(each):.1%}",
                f"{ranks.min():.3f} … {ranks.max():.3f}",
            ]
        )
    lines += [
        "",
        _CALIBRATION,
        *table(["table", "numbers", "inside", "two binomial standard errors", "smallest and largest tenth"], rows),
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
                "learned from real",
                "from drawn",
                "from shuffled",
                "drawn told apart",
                "shuffled told apart",
                "nearer to training rows",
                "drawn repeat",
                "test rows repeat",
            ],
            [
                [
                    name,
                    *(f"{mean(each, 'learned', label):.3f}" for label in ("real", "drawn", "shuffled")),
                    *(f"{mean(each, 'told apart', label):.3f}" for label in ("drawn", "shuffled")),
                    f"{mean(each, 'nearest', 'nearer to training rows'):.3f}",
                    *(f"{mean(each, 'nearest', f'{label} rows that repeat one'):.1%}" for label in ("drawn", "test")),
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
        row = [name, str(each[0]["errors"]), *(f"{_mean(each, 'found', label):.1%}" for label in labels)]
        gain = _gain([{label: 100 * one["found"][label] for label in labels} for one in each], "{:+.1f}")
        of_kind = []
        for kind in kinds:
            parts = [one["by kind"][kind] for one in each if kind in one["by kind"]]
            count = sum(part["errors"] for part in parts)
            of_kind.append(f"{sum(part[OURS] * part['errors'] for part in parts) / max(count, 1):.0%}")
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
    return [
        _SECONDS,
        *table(["table", *(f"fit: {label}" for label in densities)], [row[: 1 + len(densities)] for row in rows]),
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
    best = max((label for label in each[0] if label != OURS), key=lambda label: np.mean([one[label] for one in each]))
    gains = np.array([one[OURS] - one[best] for one in each])
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    return float(gains.mean()), float(error), best


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


def _read(proof: str, part: str | None = None) -> Found:
    found = {name: [_one(proof, name, seed) for seed in SEEDS if path_of(proof, name, seed).exists()] for name in KINDS}
    return {name: [one if part is None else one[part] for one in each] for name, each in found.items() if each}


def _one(proof: str, name: str, seed: int) -> dict[str, Any]:
    return json.loads(path_of(proof, name, seed).read_text())
