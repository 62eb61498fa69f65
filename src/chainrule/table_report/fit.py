"""How the model describes the table: columns, calibration, drawn rows, what was assumed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from chainrule import tasks
from chainrule.headline import headline
from chainrule.plots import Plots, calibration
from chainrule.plots import drawn as beside
from chainrule.plots.calibration import Curve, curve_of, ranks_of
from chainrule.synthetic import Quality, quality
from chainrule.table import on_nearest_steps
from chainrule.table_report.asked import MOST_NAMED, Asked, as_polars, unseen
from chainrule.table_report.parts import Cells, Part, Pictures, Section, Text, picture

LOW, MIDDLE = 2.7, 3.4  # inches of a picture of a column, and of calibration
MOST_COLUMNS = 40  # that have a picture
DRAWN = 8  # rows that are shown
OVERLAP = """Overlap is the share that the bins of drawn and real rows have in common. Beside it is
that of as many other real rows, by expectation: no model does better on average."""


def columns(asked: Asked) -> Section | None:
    """Each column, real and by the model."""
    if not asked.any_evidence:
        return None
    plots, shown, some = Plots(asked.model), asked.shown, asked.some
    with unseen():
        pictures = tuple(
            picture(
                plots.column(name, table=some),
                f"Distribution of {name}: table and model",
                height=LOW,
            )
            for name in shown[:MOST_COLUMNS]
        )
    said = "Gray are the rows of the table, blue is the model."
    if len(shown) > MOST_COLUMNS:
        said += f" The first {MOST_COLUMNS} of {len(shown)} columns are shown."
    gist = "each in the table and by the model"
    return Section("columns", "Columns", (Text(said), Pictures(pictures)), gist)


def calibrated(asked: Asked) -> Section | None:
    """Whether conditionals are calibrated."""
    if not asked.any_evidence or not asked.codes.observed.any():
        return None
    with unseen():
        ranks = ranks_of(asked.model, asked.some, asked.seed)
        if np.isnan(ranks).all():
            return None
        axes = calibration.drawn(ranks, asked.seed, None)
    every = curve_of(ranks, asked.seed)
    names, share = asked.model.schema.names, 0.05 / max(len(asked.shown), 1)
    each = {
        str(names[k]): curve_of(ranks[:, [k]], asked.seed, sure=1 - share)
        for k in np.flatnonzero(~np.isnan(ranks).all(0)).tolist()
    }
    said = """If the conditional distributions are right, each share of the cells lies below the
        quantile of that share: the blue line stays in the gray band. Thin lines are single
        columns, which vary more by chance. Rows that were fitted look a little better than new
        ones."""
    alt = "Share of cells below each quantile of their conditional, minus the quantile"
    parts = (
        Text(f"{every.sentence} {_single(each)}"),
        Pictures((picture(axes, alt, height=MIDDLE),), "large"),
        Text(" ".join(said.split())),
    )
    return Section("calibration", "Are the probabilities right?", parts, every.gist)


def _single(each: dict[str, Curve]) -> str:
    """Which columns leave bands of their own."""
    off = sorted((c.gap_of_worst, name) for name, c in each.items() if not c.is_within)[::-1]
    if not off:
        return "No single column leaves the band that it would have alone."
    listed = ", ".join(
        f"{name} (by up to {100 * gap:.1f} points)" for gap, name in off[:MOST_NAMED]
    )
    more = f" and {len(off) - MOST_NAMED} more" if len(off) > MOST_NAMED else ""
    return f"Columns whose own lines are off by more than chance: {listed}{more}."


def drawn(asked: Asked) -> Section:
    """Drawn rows, and how real they are."""
    with unseen():
        rows = tasks.sample(asked.model, max(len(asked.some), DRAWN), seed=asked.seed)
        axes = beside.compared(asked.model, asked.some, rows, None)
        found = quality(asked.some, rows, kinds=asked.model.schema, seed=asked.seed, verbose=False)
    frame = as_polars(rows)
    said = "Rows that the model draws. No row is copied from the table on purpose."
    shown = [list(row) for row in frame.head(DRAWN).rows()]
    gist = "drawn rows beside real ones"
    if (apart := found.told_apart) is not None:
        gist = f"trees tell drawn from real rows with an AUC of {apart.auc:.2f}; chance has 0.5"
    names = ["how real", "drawn rows", "real rows"]
    parts = (
        Text(said),
        Cells.of("drawn rows", frame.columns, shown),
        Text(" ".join(OVERLAP.split())),
        Cells.of("how real drawn rows are", names, how_real(found), wraps=True),
        Pictures((picture(axes, "Accuracy of drawn columns beside real ones"),), "large"),
    )
    return Section("drawn", "Drawn rows", parts, gist)


def how_real(found: Quality) -> list[list[str]]:
    """Figures of drawn rows in plain words, each beside that of real rows."""
    fit, rows = found.fidelity, []

    def add(words: str, drawn: float | None, real: float | None) -> None:
        if drawn is not None:
            rows.append([words, _percent(drawn), "" if real is None else _percent(real)])

    of_columns = [column.expected for column in fit.columns]
    of_pairs = [pair.expected for pair in fit.pairs]
    add("overlap of a column, mean of all", fit.accuracy.univariate, _mean(of_columns))
    add("overlap of two columns together, mean of all", fit.accuracy.bivariate, _mean(of_pairs))
    if (apart := found.told_apart) is not None:
        words = "AUC of trees that guess which rows are drawn; 0.5 is a blind guess"
        rows.append([words, f"{apart.auc:.2f} ± {apart.standard_error:.2f}", "0.50"])
    if (use := found.utility) is not None:
        measure = use.measure.replace("R2", "R²")
        words = f"{measure} of predicting {use.target}, learned from these rows; 1 is best"
        rows.append([words, f"{use.synthetic:.2f}", f"{use.real:.2f}"])
    own = found.repeated.real_of_own
    add("rows that equal a row of the table (real ones: another row)", found.repeated.of_real, own)
    add("rows that equal another one of their own", found.repeated.of_own, own)
    return rows


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _mean(each: list[float]) -> float | None:
    return float(np.mean(each)) if each else None


def assumed(asked: Asked) -> Section:
    """The schema, and the network that was fitted."""
    schema = asked.model.schema
    rows = [[c.name, c.kind, c.reason] for c in schema.columns]
    rows += [[out.name, "left out", out.reason] for out in schema.left_out]
    names = ["column", "kind", "what was assumed"]
    parts: list[Part] = [Cells.of("assumed kinds", names, rows, wraps=True)]
    if schema.ties:
        said = "These relations hold between columns of the fitted rows, and the model uses them."
        parts.append(Text(f"{said} Rows of this table may break them."))
        names = ["relation", "broken here", "first of these rows"]
        parts.append(Cells.of("relations", names, _relations(asked), wraps=True))
    parts.append(Text(_network(asked)))
    kinds = Counter(row[1] for row in rows)
    gist = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    gist += "".join(f"; {tie}" for tie in schema.ties_as_text[:MOST_NAMED])
    return Section("assumed", "What was assumed", tuple(parts), gist)


def _relations(asked: Asked) -> list[list[Any]]:
    """Each tie as text, how many rows of the table break it, and the first of them."""
    schema = asked.model.schema
    codes = on_nearest_steps(asked.table, schema, asked.codes)
    breaks: dict[str, np.ndarray] = {}
    for tie in schema.ties:  # two of one text have one line
        broken = tie.breaks(codes.values, codes.observed)
        breaks[tie.text] = breaks.get(tie.text, False) | broken
    return [
        [tie.removeprefix("tie: "), int(each.sum()), ", ".join(map(str, at[:MOST_NAMED]))]
        for tie, each in zip(schema.ties_as_text, breaks.values(), strict=True)
        for at in [np.flatnonzero(each).tolist()]
    ]


def _network(asked: Asked) -> str:
    """Which network was fitted, and how well it fits rows that it did not see."""
    said = f"The network is of the class {type(asked.model.network).__name__}"
    if rows := asked.training.get("train_rows", 0):
        said += f" and was fitted to {rows:,} rows"
    reached = headline(asked.training, digits=2, each="a row")
    if reached is not None:
        said += f". On held-out rows it reaches {reached}"
    return f"{said}."
