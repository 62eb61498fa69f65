"""The section of docs/real-tables.md about masses, once every table and seed is measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.markdown import table
from benchmarks.tables.data import KINDS
from benchmarks.tables.masses.scores import OURS, RIVALS, earlier, labels
from benchmarks.tables.masses.summary import IMPUTATION, RESULTS, path_of

Found = dict[str, list[dict[str, Any]]]  # figures by table, for each seed
ERRORS = 2.0  # the share of draws at an end may differ from the table's by so many errors

_HEAD = """\
## 6. Held-out rows on one measure for all

A likelihood depends on its base measure: an atom or a grid makes a mass of a density. In this
section every known cell is a set of values, and a row's figure is the log of the probability of all
its sets. The set of a number is its rounding cell: the value ± half a unit of the column's last
decimal. In a column of full precision the cell is 10⁻⁶ standard deviations wide. These sets follow
from the table, never from a model, so different kinds of models can be compared. Higher is better.
`python -m benchmarks.tables.masses` computes the figures; benchmarks/tables/masses defines them.

Independent columns, the tree and the Gaussian mixture are those of section 1, fitted to the sets.
[arfpy](https://github.com/bips-hb/arfpy) has adversarial random forests,
[pylace](https://github.com/promised-ai/lace) has Lace, and
[mostlyai-engine](https://github.com/mostly-ai/mostlyai-engine) has TabularARGN. Leaves and clusters
have exact masses. A bin's mass is spread evenly over its cells. Each density counts with a share
1/(n + 1) of independent columns, for n training rows, so that no row has the mass 0.
"""
_ONE_SEED = "Figures are those of one seed, so that gains have no error between seeds."
_IMPUTATION = """\
The next table repeats section 2 with this version. The gains are those on the best other imputer.
*Inside* is the share of removed numbers in their 90 % interval.
"""
_DRAWS = """\
As many rows are drawn as there are training rows. A row is impossible if a number lies outside its
column's evident bounds, or has more decimals than the column. *Ends* are finite bounds of columns,
over all seeds. At an end, the share of drawn numbers is compared with the share in the training
rows.
"""


def missing(seeds: Sequence[int], folder: Path = RESULTS) -> list[str]:
    """The files that are absent or lack a density."""
    lacking = []
    for name in KINDS:
        for seed in seeds:
            path = path_of(name, seed, "standard", folder)
            found = json.loads(path.read_text()) if path.exists() else {}
            densities = found.get("densities", {})
            ours = all("nats" in densities.get(label, {}) for label in (OURS, earlier()))
            if not ours or set(labels()) - set(densities) or IMPUTATION not in found:
                lacking.append(path.name)
    return lacking


def section(seeds: Sequence[int], folder: Path = RESULTS) -> list[str]:
    """The lines of the section, of the seeds with all figures; none while no seed has them."""
    complete = [seed for seed in seeds if not missing([seed], folder)]
    if not complete:
        return []
    found = {
        name: [json.loads(path_of(name, seed, "standard", folder).read_text()) for seed in complete]
        for name in KINDS
    }
    return [*_masses(found), *_imputation(found), *_draws(found)]


def _masses(found: Found) -> list[str]:
    shown = [label for label in labels() if label != earlier()]
    rows, against = [], []
    for name, each in found.items():
        nats = {label: _nats(each, label) for label in labels()}
        others = {label: nats[label] for label in shown if label != OURS}
        best = _best({label: values for label, values in others.items() if values is not None})
        row = [_mean(nats[label]) for label in shown]
        rows.append([name, *row, f"{_gain(nats[OURS], nats[best], '.2f')} ({best})"])
        lost = sum(one["densities"][OURS]["rows"]["without mass"] for one in each)
        against.append(
            [
                name,
                _mean(nats[earlier()]),
                _mean(nats[OURS]),
                _gain(nats[OURS], nats[earlier()], ".3f"),
                str(lost),
            ]
        )
    failed = {
        f"{label}: {one['densities'][label]['failed']}"
        for each in found.values()
        for one in each
        for label in RIVALS
        if "failed" in one["densities"][label]
    }
    count = len(next(iter(found.values())))
    seeds = f"Figures are means over {count} seeds." if count > 1 else _ONE_SEED
    return [
        _HEAD,
        seeds,
        "",
        *table(["table", *shown, "better than the best other by"], rows),
        "",
        *(f"- Not measured: {each}" for each in sorted(failed)),
        *([""] if failed else []),
        "The same for 0.1.0 and this version, with equal effort:",
        "",
        *table(["table", "0.1.0", "this version", "gain", "rows without mass"], against),
        "",
    ]


def _imputation(found: Found) -> list[str]:
    rows = []
    for name, each in found.items():
        row = [name]
        for what, sign in (("accuracy", 1.0), ("error", -1.0), ("squared", -1.0)):
            methods = [one[IMPUTATION]["methods"] for one in each]
            values = {m: np.array([sign * one[m][what] for one in methods]) for m in methods[0]}
            best = _best({m: of for m, of in values.items() if m != OURS})
            row.append(f"{_gain(values[OURS], values[best], '.3f')} ({best})")
        inside = float(np.mean([one[IMPUTATION]["inside"] for one in each]))
        numbers = sum(one[IMPUTATION]["numbers"] for one in each)
        rows.append([*row, f"{inside:.1%}", f"{2 * np.sqrt(0.09 / numbers):.1%}"])
    names = ["table", "labels", "absolute error", "root of squared error"]
    return [_IMPUTATION, *table([*names, "inside", "two binomial errors"], rows), ""]


def _draws(found: Found) -> list[str]:
    rows, ends = [], []
    for name, each in found.items():
        row = [name]
        for label in (earlier(), OURS):
            drawn = [one["densities"][label]["draws"] for one in each]
            ends = [
                (column, word, abs(of[word]["errors"]))
                for one in drawn
                for column, of in one["columns"].items()
                for word in ("least", "most")
                if word in of
            ]
            off = sum(errors > ERRORS for _, _, errors in ends)
            row.append(f"{np.mean([one['impossible'] for one in drawn]):.2%}")
            row.append(f"{off} of {len(ends)}")
        worst = max(ends, key=lambda end: end[2])
        rows.append([*row, f"{worst[0]}, {worst[1]}: {worst[2]:.1f}"])
    names = ["0.1.0: impossible rows", f"ends off by over {ERRORS:g} errors"]
    ours = ["this version: impossible rows", f"ends off by over {ERRORS:g} errors"]
    return [_DRAWS, *table(["table", *names, *ours, "worst end, in errors"], rows), ""]


def _best(values: dict[str, np.ndarray]) -> str:
    """The method with the largest mean."""
    return max(values, key=lambda label: float(values[label].mean()))


def _nats(each: list[dict[str, Any]], label: str) -> np.ndarray | None:
    """The nats for each seed; None if a seed has none."""
    found = [one["densities"][label].get("nats") for one in each]
    return None if None in found else np.array(found)


def _mean(values: np.ndarray | None, form: Callable[[float], str] = "{:.2f}".format) -> str:
    return "–" if values is None else form(float(values.mean()))


def _gain(ours: np.ndarray | None, other: np.ndarray | None, form: str) -> str:
    """The mean gain for each seed with its standard error."""
    assert ours is not None
    assert other is not None
    gains = ours - other
    if len(gains) == 1:
        return f"{gains[0]:+{form}}"
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    return f"{gains.mean():+{form}} ± {error:{form}}"
