"""Writes docs/likelihoods.md and its pictures from benchmarks/results/likelihood.csv.

Usage: python -m benchmarks.likelihood.page
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.likelihood.experiments import (
    COMPONENTS,
    EXPERIMENTS,
    ONE_NADE,
    SCALE_FLOOR,
    Experiment,
)
from benchmarks.likelihood.published import best, published
from benchmarks.likelihood.results import read
from benchmarks.likelihood.trials import read_trials
from benchmarks.markdown import item, paragraph, table
from chainrule.training.recipes.committee import LADDERS

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = DOCS / "likelihoods.md"
TABLES = {
    "binary": "Twenty-one binary sets",
    "mnist": "Binarized MNIST",
    "real": "Tables of numbers",
}
# Names of the columns of each table.
NAMES = ["set", "columns", "training rows", "independent", "best known", "", "ours", "better by"]
NAMES += ["must", "aim", "seconds"]
INTROS = {
    "mnist": f"""The first row is one NADE of {ONE_NADE.hidden_size} hidden units in the natural
        order: {ONE_NADE.epochs} epochs at rate {ONE_NADE.learning_rate}, with an input dropout of
        {ONE_NADE.input_dropout}. It is the best of five trials on validation rows
        (`benchmarks/results/likelihood_trials.csv`). An earlier run with rate 0.01 and without
        dropout had −88.79 on the test rows. The second row is the recipe.""",
    "real": f"""Numbers are in units of the training rows' standard deviations, as in the RNADE
        paper. Densities are mixtures of {COMPONENTS} Gaussians without atoms. If rounded numbers
        repeat, a density has no upper bound. The standard deviation of a component is therefore at
        least {SCALE_FLOOR} of the column's. Red wine is the mean over ten published folds. Each
        network is trained on eight folds, and the recipe's search chooses it on one. 240 of its
        1,599 rows repeat others, so some test rows are training rows. The published figures have
        the same property.""",
}
_REMARKS = dict.fromkeys(e.mark for e in EXPERIMENTS.values() if e.mark)
MARKS = dict(zip(_REMARKS, ("\\*", "†", "‡"), strict=False))
INK, OURS, GREY = "#222222", "#c1272d", "#9a9a9a"

_HEAD = """\
# Likelihoods on published splits

This page has mean log-likelihoods of test rows in nats; higher is better. They are exact
likelihoods of normalised densities. `make bench-likelihood` computes all of them, and
`python -m benchmarks.likelihood.run NAME` one row. Both append to
[benchmarks/results/likelihood.csv](../benchmarks/results/likelihood.csv), with commit, versions,
configuration and time. `python -m benchmarks.likelihood.page` writes the page.

One recipe trains all binary sets: `cr.fit(train, valid, objective="likelihood")`. The number of
rows and columns decides some settings. A search on validation rows decides the others ([its
choices](#what-the-recipe-chose) are below). The same search trains tables of numbers, in other
units. Test rows are read once, with the chosen weights.

- ± is the standard error over test rows.
- Sets with five seeds have the mean and the range over seeds.
- *Seconds* are those of the first seed's fit, with one thread for a binary set.
- *Best known* is the best published exact figure that we know of. Bounds and importance-sampling
  estimates do not count. Figures marked ° are quoted from memory and not verified.
- *Must* and *aim* are goals that were set before measuring.
"""

_RECIPE = """\
## The recipe

`training/recipes/committee.py` has all settings of the recipe. In words:

- **Members.** A committee has eight NADEs (one with `effort="quick"`, sixteen with `"best"`). Each
  is trained separately, with its own initial weights and its own clipped gradients. Different
  networks overfit differently, and averaging reduces the effect in proportion to 1 / M. For M
  members −log p is close to a + b / M, less closely with several orders. The results of one and two
  members therefore predict that of eight; the table below has both figures.
- **Averaging.** Members of one order are averaged conditional by conditional (`Committee`). Members
  of several orders are averaged row by row (`Ensemble`). Both are exact. The first is better if
  networks overfit much (few rows, many columns), because every cell is averaged. The second is
  better if they overfit little, because networks of different orders differ more. The search tries
  both.
- **The search.** It tries the settings in sequence: `input_dropout`, weight decay, epochs, learning
  rate, order, one order or several, and hidden units. For binary tables of at most 8,000 rows, it
  also tries the number of rows in a step. It moves a setting up or down its grid while that
  improves a committee of two on validation rows. Regularisation comes before epochs. In the other
  sequence, dna got half the epochs, and then no dropout could compensate.
- **Trees.** The trained committee is the first member of a mixture. Up to three latent trees are
  candidates, of 8, 16 and 32 hidden states for each column (`training/latent_trees.py`): a hidden
  Chow–Liu tree (Liu & Van den Broeck, NeurIPS 2021), fitted by stepwise expectation maximisation.
  Weights are those of largest likelihood on validation rows. A tree must gain two standard errors
  there; the first that does not ends the series. A mixture is exact, like its members.
- **Cost.** A setting that doubles the time must gain at least 0.05 % of −log p. Otherwise the
  search would choose the longest training for a tiny gain.
- **Fixed settings.** Code 0 is the more frequent value. Training starts at independent columns. The
  optimiser is AdamW with a cosine learning rate, and hidden units are sigmoids. ReLU was 0.02 nats
  better on validation rows of mushrooms and 0.85 worse on those of nips (below). A step of
  larger tables has 50 to 200 rows. The weights are those of the best epoch on validation rows. The
  learning rate decays to zero. Averaging the last epochs' weights is therefore at best equally good
  (`python -m benchmarks.likelihood.averaging`, below, with codes as in the data sets).
- **Tried in vain:** committees of the other orders in the mixture. None joined for mushrooms.
- **Not tried yet:** connections from columns to outputs without hidden units, residual layers and
  orderless pre-training. A deep MADE at its defaults overfits small sets (below), which a search
  for it might improve.
"""

_CHOICES = """\
## What the recipe chose

The table has −log p per validation row of eight members, predicted from two. *Start* has the
initial settings. The next columns have the best value of each setting after it was tried, with its
gain in brackets. A dash means that the initial value was best. *Predicted* is the prediction for
the chosen settings. *Trees* has the numbers of states of the latent trees that joined the
mixture, with their gain over eight members alone. *Reached* is the result of the whole mixture.
*Trials* counts the tried settings.
Settings are fields of `cr.FitConfig`. `training/recipes/committee.py` gives the reasons for their
sequence.
"""

_TRIED = """\
## What else was tried

The table has −log p per validation row of fits with some settings chosen by hand
(`python -m benchmarks.likelihood.trials`). The search chose the other settings of committees. Test
rows were not read.
"""


def text() -> str:
    """The page."""
    lines, rows = [_HEAD], read()
    for name, title in TABLES.items():
        lines += [
            f"## {title}",
            "",
            f"![Test likelihoods of {name} sets beside published ones](pictures/{_picture(name)})",
            "",
        ]
        experiments = [each for each in EXPERIMENTS.values() if each.table == name]
        lines += [*table(NAMES, [_row(each, rows) for each in experiments]), ""]
        if name == "binary":
            lines += [paragraph(_above(experiments, rows)), ""]
        if name in INTROS:
            lines += [paragraph(INTROS[name]), ""]
    lines += _short(rows)
    lines += _choices(rows)
    lines += _tried()
    lines += [f"{symbol} {mark}.  " for mark, symbol in MARKS.items()]
    checked = [float(row["second_path"]) for row in rows]
    if checked:
        second = f"""The lecture's recursion in float64, without kernels, also scored up to 1,000
            test rows of every set. The largest difference of a row is {max(checked):.0e} nats."""
        lines += ["", paragraph(second)]
    return "\n".join(lines) + "\n"


def _above(experiments: Sequence[Experiment], rows: Sequence[dict[str, Any]]) -> str:
    """How many sets are above the best known figure, and how much that says."""
    above, from_memory, within = [], 0, []
    for each in experiments:
        found, known = of(each, rows), best(each.data)
        if not found or known is None:
            continue
        gain = float(np.mean([row["test_nats"] for row in found])) - known.nats
        if gain <= 0:
            continue
        above.append(each.name)
        from_memory += known.checked == "memory"
        if round(gain, 2) <= 0.01:
            within.append(each.name)
    said = f"""{len(above)} of the {len(experiments)} sets are above the best known figure.
        {from_memory} of these figures are marked °: they are quoted from memory and not
        verified."""
    if within:
        said += f""" {" and ".join(within)} is above by 0.01, which is the rounding of such a
            figure."""
    return said


def missed(rows: Sequence[dict[str, Any]]) -> list[Experiment]:
    """The experiments whose mean over the seeds is below ``must``."""
    found = []
    for experiment in EXPERIMENTS.values():
        nats = [row["test_nats"] for row in of(experiment, rows)]
        if nats and experiment.must is not None and float(np.mean(nats)) < experiment.must:
            found.append(experiment)
    return found


def _short(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The experiments that miss ``must``, with reasons, and the number of those that reach it."""
    counted = [e for e in EXPERIMENTS.values() if e.must is not None and of(e, rows)]
    below = missed(rows)
    lines = ["## Where it falls short", ""]
    lines += [
        f"{len(counted) - len(below)} of {len(counted)} rows reach their *must*. The others are:",
        "",
    ]
    lines += [item(f"**{experiment.name}.** {experiment.short}") for experiment in below]
    return [*lines, ""]


def _tried() -> list[str]:
    """Trials besides the search: changes by hand, and their nats of validation rows."""
    found = [
        [
            row["data"],
            row["network"],
            _changed(row),
            f"{-float(row['valid_nats']):.3f}",
            str(round(float(row["seconds"]))),
        ]
        for row in read_trials()
    ]
    if not found:
        return []
    names = ["set", "network", "set by hand", "−log p", "seconds"]
    return ["", _TRIED, *table(names, found), ""]


def _changed(row: dict[str, Any]) -> str:
    changed = json.loads(row["changed"])
    changed.pop("network", None)
    if row["effort"] != "standard":
        changed = {"effort": row["effort"], **changed}
    return (
        ", ".join(f"{field} {value}" for field, value in changed.items()) or "nothing: the recipe"
    )


def _choices(rows: Sequence[dict[str, Any]]) -> list[str]:
    """For each set, the result of the search, and the gain of each change on validation rows."""
    lines = [_RECIPE, _CHOICES]
    fields = [*(field for field, _ in LADDERS), "batch_size"]
    found = []
    for row in rows:
        trials, config = json.loads(row["trials"] or "[]"), json.loads(row["config"])
        if (
            not trials
            or EXPERIMENTS[row["experiment"]].table == "real"
            or (row["seed"], row["effort"]) != (0, "standard")
        ):
            continue
        before, cells = trials[0]["valid_nats"], []
        for field in fields:
            tried = [t for t in trials if (field, config.get(field)) in t["changed"].items()]
            after = tried[-1]["valid_nats"] if tried else before
            cells.append(f"{config[field]} ({before - after:.3f})" if tried else "–")
            before = after
        found.append([row["experiment"], f"{trials[0]['valid_nats']:.3f}", *cells, f"{before:.3f}"])
        searched = sum("mixed_with" not in trial["changed"] for trial in trials)
        found[-1] += [_trees(trials), f"{-row['valid_nats']:.3f}", str(searched)]
    found.sort(key=lambda row: list(EXPERIMENTS).index(row[0]))
    names = ["set", "start", *fields, "predicted", "trees", "reached", "trials"]
    return [*lines, *table(names, found), ""]


def _trees(trials: Sequence[dict[str, Any]]) -> str:
    """The states of the trees that joined the committee, and their gain on validation rows."""
    kept = [trial for trial in trials if trial.get("kept")]
    if not kept:
        return ""
    joined = [str(each["changed"]["mixed_with"]["states"]) for each in kept[1:]]
    gain = kept[0]["valid_nats"] - kept[-1]["valid_nats"]
    return f"{', '.join(joined)} ({gain:.3f})" if joined else "–"


def of(
    experiment: Experiment, rows: Sequence[dict[str, Any]], effort: str = "standard"
) -> list[dict[str, Any]]:
    """The results of an experiment, one for each seed."""
    return [row for row in rows if row["experiment"] == experiment.name and row["effort"] == effort]


def _row(experiment: Experiment, rows: Sequence[dict[str, Any]]) -> list[str]:
    from chainrule import datasets

    info = next(each for each in datasets.list() if each.name == experiment.data)
    found, known = of(experiment, rows), best(experiment.data)
    name = f"{experiment.name} {MARKS.get(experiment.mark, '')}".strip()
    row = [name, f"{info.columns:,}", f"{info.rows[0]:,}"]
    goals = ["" if goal is None else f"{goal:.2f}" for goal in (experiment.must, experiment.aim)]
    known_text = ["–", ""]
    if known is not None:
        known_text = [f"{known.nats:.2f}{'°' if known.checked == 'memory' else ''}", known.model]
    if not found:
        return [*row, "", *known_text, "not run", "", *goals, ""]
    nats = [each["test_nats"] for each in found]
    mean = float(np.mean(nats))
    spread = f" ({len(nats)} seeds, {min(nats):.3f} … {max(nats):.3f})" if len(nats) > 1 else ""
    error = float(np.mean([each["test_standard_error"] for each in found]))
    ours = f"**{mean:.3f}** ± {error:.3f}{spread}"
    gain = "" if known is None or experiment.must is None else f"{mean - known.nats:+.2f}"
    reached = [goal and f"{goal}{' ✓' if mean >= float(goal) else ' ✗'}" for goal in goals]
    seconds = found[0]["seconds"]  # other seeds ran beside other work
    return [
        *row,
        f"{found[0]['independent_test_nats']:.2f}",
        *known_text,
        ours,
        gain,
        *reached,
        f"{seconds:.0f}",
    ]


def draw(name: str) -> Any:
    """A picture of a table: the published figures of each set and ours, in per cent of the best."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    experiments = [e for e in EXPERIMENTS.values() if e.table == name and e.must is not None]
    rows = read()
    figure, axes = plt.subplots(figsize=(8, 0.34 * len(experiments) + 1.4), layout="constrained")
    for row, experiment in enumerate(experiments):
        known = best(experiment.data)
        if known is None:
            continue
        others = [
            p
            for p in published(experiment.data)
            if p.kind == "exact" and p.model != "independent columns"
        ]
        relative = [100 * (p.nats / known.nats - 1) for p in others]
        axes.plot(
            relative, [row] * len(relative), "o", color=GREY, markersize=4, alpha=0.7, zorder=2
        )
        ours = [100 * (each["test_nats"] / known.nats - 1) for each in of(experiment, rows)]
        axes.plot(ours, [row] * len(ours), "D", color=OURS, markersize=6, zorder=3)
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    axes.set_yticks(range(len(experiments)), [e.name for e in experiments])
    axes.set_ylim(len(experiments) - 0.5, -0.5)
    axes.set_xscale("symlog", linthresh=2, linscale=1.5)
    ticks = [-10, -5, -2, -1, 0, 1, 2, 5, 10, 20, 50]
    axes.set_xticks(ticks, [f"{t:+d}" if t else "best\nknown" for t in ticks])
    axes.set_xlim(-15, 60)
    axes.set_xlabel(
        "−log p of test rows, per cent beside the best published exact figure: left is better"
    )
    axes.plot([], [], "D", color=OURS, label="chainrule")
    axes.plot([], [], "o", color=GREY, markersize=4, label="published, exact")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e6e6", zorder=0)
    return figure


def _picture(name: str) -> str:
    return f"likelihood-{name}.png"


def main() -> None:
    """Writes the page and its pictures."""
    for name in TABLES:
        draw(name).savefig(DOCS / "pictures" / _picture(name), dpi=110)
    PAGE.write_text(text(), encoding="utf-8")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
