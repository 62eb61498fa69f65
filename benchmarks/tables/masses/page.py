"""What docs/real-tables.md says of masses and of impossible draws.

The other libraries and 0.1.0 take most of the time, so they may be measured for fewer seeds. A
table then has the seeds that all its densities have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.markdown import table
from benchmarks.tables.data import KINDS
from benchmarks.tables.masses.plain import GAUSSIANS, INDEPENDENT, TREE
from benchmarks.tables.masses.scores import OURS, RIVALS, earlier, labels
from benchmarks.tables.masses.summary import RESULTS, path_of

Found = dict[str, list[dict[str, Any]]]  # figures by table, for each seed
PLAIN = (INDEPENDENT, TREE, GAUSSIANS)
ERRORS = 2.0  # the share of draws at an end may differ from the table's by so many errors

_HEAD = """\
## 1. How likely are held-out rows

The tables have nats per test row; higher is better. There are 7,000 training rows, and 624 for
titanic. A likelihood depends on its base measure: an atom or a grid makes a mass of a density.
Therefore every known cell is a set of values here, and a row's figure is the log of the probability
of all its sets. The set of a number is its rounding cell: the value ± half a unit of the column's
last decimal. In a column of full precision the cell is 10⁻⁶ standard deviations wide. These sets
follow from the table, never from a model, so different kinds of models can be compared.
`python -m benchmarks.tables.masses` computes the figures; benchmarks/tables/masses defines them.

Independent columns are histograms. The Chow-Liu tree uses the same bins. The Gaussian mixture is
scikit-learn's, with diagonal covariances. [arfpy](https://github.com/bips-hb/arfpy) has adversarial
random forests, [pylace](https://github.com/promised-ai/lace) has Lace, and
[mostlyai-engine](https://github.com/mostly-ai/mostlyai-engine) has TabularARGN. Leaves and clusters
have exact masses. A bin's mass is spread evenly over its cells. Each density counts with a share
1/(n + 1) of independent columns, for n training rows, so that no row has the mass 0.
"""
_ONE_SEED = "All methods, for one seed:"
_DRAWS = """\
The next table is about single numbers of the drawn rows. A row is impossible if a number lies
outside its column's evident bounds, or has more decimals than the column. *Ends* are finite bounds
of columns, over all seeds. At an end, the share of drawn numbers is compared with the share in the
training rows.
"""
_FIRST = "The figures of 0.1.0 are of one seed.\n"


def missing(seeds: Sequence[int], folder: Path = RESULTS) -> list[str]:
    """The files that are absent, or lack this version or one of the plain densities."""
    return [
        path_of(name, seed, "standard", folder).name
        for name in KINDS
        for seed in seeds
        if not {*PLAIN, OURS} <= set(_densities(name, seed, folder))
    ]


def section(seeds: Sequence[int], folder: Path = RESULTS) -> list[str]:
    """The lines of the section; none while no seed has all figures."""
    if not (whole := _complete(seeds, folder)):
        return []
    lines = [_HEAD, *_all_methods(_found(whole, folder))]
    plain = [seed for seed in seeds if not missing([seed], folder)]
    if len(plain) > len(whole):
        lines += _plain_methods(_found(plain, folder))
    return [*lines, *_earlier(_found(whole, folder))]


def short_of(seeds: Sequence[int], folder: Path = RESULTS) -> list[str]:
    """A line for each table in which another density is as likely as ours, within an error."""
    lines = []
    for name, each in _found(_complete(seeds, folder), folder).items():
        gain, best = _best_gain(each, [label for label in labels() if label != earlier()])
        error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else 0.0
        if gain.mean() < error:
            lines.append(f"- {name}, held-out rows: {_said(gain, '.2f')} nats beside {best}.")
    return lines


def draws(seeds: Sequence[int], folder: Path = RESULTS) -> list[str]:
    """The table of impossible draws, of this version for all seeds that it has."""
    whole = _complete(seeds, folder)
    ours = _found([seed for seed in seeds if not missing([seed], folder)], folder)
    first = _found(whole, folder)
    rows = []
    for name, each in ours.items():
        old, now = first.get(name, []), [one[OURS]["draws"] for one in each]
        ends = _ends(now)
        worst = max(ends, key=lambda end: end[2])
        rows.append(
            [
                name,
                *_impossible([one[earlier()]["draws"] for one in old]),
                *_impossible(now),
                f"{worst[0]}, {worst[1]}: {worst[2]:.1f}",
            ]
        )
    off = f"ends off by over {ERRORS:g} errors"
    names = ["table", "0.1.0: impossible rows", off, "this version: impossible rows", off]
    fewer = len(whole) == 1 < len(next(iter(ours.values()), []))
    said = [_DRAWS, _FIRST] if fewer else [_DRAWS]
    return [*said, *table([*names, "worst end, in errors"], rows), ""] if ours else []


def _all_methods(found: Found) -> list[str]:
    shown = [label for label in labels() if label != earlier()]
    failed = {
        f"{label}: {one[label]['failed']}"
        for each in found.values()
        for one in each
        for label in RIVALS
        if "failed" in one[label]
    }
    count = len(next(iter(found.values())))
    return [
        f"Means over {count} seeds:" if count > 1 else _ONE_SEED,
        "",
        *_against_best(found, shown),
        *(f"- Not measured: {each}" for each in sorted(failed)),
        *([""] if failed else []),
    ]


def _plain_methods(found: Found) -> list[str]:
    count = len(next(iter(found.values())))
    said = f"The methods without another library, means over {count} seeds:"
    return [said, "", *_against_best(found, [*PLAIN, OURS])]


def _against_best(found: Found, shown: Sequence[str]) -> list[str]:
    rows = []
    for name, each in found.items():
        gain, best = _best_gain(each, shown)
        means = (_mean(_nats(each, label)) for label in shown)
        rows.append([name, *means, f"{_said(gain, '.2f')} ({best})"])
    return [*table(["table", *shown, "better than the best other by"], rows), ""]


def _earlier(found: Found) -> list[str]:
    rows = []
    for name, each in found.items():
        old, now = _nats(each, earlier()), _nats(each, OURS)
        assert old is not None
        assert now is not None
        lost = sum(one[OURS]["rows"]["without mass"] for one in each)
        rows.append([name, _mean(old), _mean(now), _said(now - old, ".3f"), str(lost)])
    count = len(next(iter(found.values())))
    seeds = "one seed" if count == 1 else f"{count} seeds"
    return [
        f"Version 0.1.0 and this version with equal effort, {seeds}:",
        "",
        *table(["table", "0.1.0", "this version", "gain", "rows without mass"], rows),
        "",
    ]


def _impossible(drawn: list[dict[str, Any]]) -> list[str]:
    """The share of impossible rows, and how many ends are off."""
    if not drawn:
        return ["–", "–"]
    ends = _ends(drawn)
    off = sum(errors > ERRORS for _, _, errors in ends)
    return [f"{np.mean([one['impossible'] for one in drawn]):.2%}", f"{off} of {len(ends)}"]


def _ends(drawn: list[dict[str, Any]]) -> list[tuple[str, str, float]]:
    """Column, end and difference in errors of each finite bound, for each seed."""
    return [
        (column, word, abs(of[word]["errors"]))
        for one in drawn
        for column, of in one["columns"].items()
        for word in ("least", "most")
        if word in of
    ]


def _complete(seeds: Sequence[int], folder: Path) -> list[int]:
    """The seeds with all densities of all tables; a rival's may say why it failed."""
    return [
        seed
        for seed in seeds
        if all(set(labels()) <= set(_densities(name, seed, folder)) for name in KINDS)
        and all(
            "nats" in _densities(name, seed, folder)[label]
            for name in KINDS
            for label in (*PLAIN, earlier(), OURS)
        )
    ]


def _found(seeds: Sequence[int], folder: Path) -> Found:
    return {name: [_densities(name, seed, folder) for seed in seeds] for name in KINDS if seeds}


def _densities(name: str, seed: int, folder: Path) -> dict[str, Any]:
    path = path_of(name, seed, "standard", folder)
    return json.loads(path.read_text())["densities"] if path.exists() else {}


def _best_gain(each: list[dict[str, Any]], shown: Sequence[str]) -> tuple[np.ndarray, str]:
    """Our gain for each seed on the density that has the largest mean of the others."""
    nats = {label: values for label in shown if (values := _nats(each, label)) is not None}
    best = max(
        (label for label in nats if label != OURS), key=lambda label: float(nats[label].mean())
    )
    return nats[OURS] - nats[best], best


def _nats(each: list[dict[str, Any]], label: str) -> np.ndarray | None:
    """The nats for each seed; None if a seed has none."""
    found = [one[label].get("nats") for one in each]
    return None if None in found else np.array(found)


def _mean(values: np.ndarray | None, form: Callable[[float], str] = "{:.2f}".format) -> str:
    return "–" if values is None else form(float(values.mean()))


def _said(gain: np.ndarray, form: str) -> str:
    """A mean gain, with its standard error if there are several seeds."""
    if len(gain) == 1:
        return f"{gain[0]:+{form}}"
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    return f"{gain.mean():+{form}} ± {error:{form}}"
