"""The sections of the page, one function each; None where a section has nothing to say."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule import tasks
from chainrule.headline import headline
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.plots import Plots, dependence
from chainrule.plots import drawn as beside
from chainrule.review.cells import polars_frame
from chainrule.synthetic import quality
from chainrule.table import Table, column_positions, encode, read_table
from chainrule.table_report.parts import Cells, Part, Pictures, Section, Text, picture
from chainrule.tasks.dependence import information

MOST_COLUMNS = 40  # that have a picture
MOST_ROWS = 5_000  # of the table, on which figures are measured
MOST_FINDINGS, MOST_ODD, ODD_PICTURES, MOST_FILLED, DRAWN, MOST_PAIRS = 20, 12, 2, 12, 8, 12
MOST_CHANGES = 12  # between the table and new rows
MOST_WIDE = 30  # columns up to which all pairs are compared
INTERVAL, FDR = 0.9, 0.1


@dataclass(frozen=True)
class Asked:
    """What the page is about.

    Attributes:
        model: schema and network.
        table: all rows.
        training: the density's training record.
        seed: of what is drawn.
        new: rows that are compared with the table; None if there are none.
    """

    model: Model
    table: Table
    training: Mapping[str, Any]
    seed: int
    new: Any = None

    @cached_property
    def some(self) -> Table:
        """At most 5,000 rows, drawn by the seed, in their order."""
        if len(self.table) <= MOST_ROWS:
            return self.table
        generator = np.random.default_rng(self.seed)
        return self.table.take(np.sort(generator.choice(len(self.table), MOST_ROWS, replace=False)))

    @property
    def any_evidence(self) -> bool:
        """Whether any cells may be unknown; without it, questions about single cells have none."""
        return self.model.any_evidence


def facts(asked: Asked) -> str:
    """One line: how many rows, which network, how well it fits."""
    said = [
        f"{len(asked.table):,} rows, {len(asked.model.schema.columns_without_flags)} columns",
        type(asked.model.network).__name__,
    ]
    reached = headline(asked.training, digits=2, each="a row")
    if reached is not None:
        said.append(f"fitted to {asked.training.get('train_rows', 0):,} rows; held-out: {reached}")
    return " · ".join(said)


def assumed(asked: Asked) -> Section:
    """The schema."""
    schema = asked.model.schema
    rows = [[c.name, c.kind, c.reason] for c in schema.columns]
    rows += [[out.name, "left out", out.reason] for out in schema.left_out]
    parts: list[Part] = [Cells.of("assumed kinds", ["column", "kind", "what was assumed"], rows)]
    if schema.ties:
        parts.append(Text("These relations hold between columns, and the model uses them:"))
        parts.append(Cells.of("relations", ["relation"], [[t] for t in schema.ties_as_text]))
    return Section("assumed", "What was assumed", tuple(parts))


def columns(asked: Asked) -> Section | None:
    """Each column, real and by the model."""
    if not asked.any_evidence:
        return None
    plots, shown, some = Plots(asked.model), _shown(asked), asked.some
    with _unseen():
        pictures = tuple(
            picture(plots.column(name, table=some), f"Distribution of {name}: table and model")
            for name in shown[:MOST_COLUMNS]
        )
    said = "Gray are the rows of the table, blue is the model."
    if len(shown) > MOST_COLUMNS:
        said += f" The first {MOST_COLUMNS} of {len(shown)} columns are shown."
    return Section("columns", "Columns", (Text(said), Pictures(pictures)))


def depend(asked: Asked) -> Section | None:
    """Which columns depend on each other."""
    shown = _shown(asked)
    if not asked.any_evidence or not 2 <= len(shown) <= MOST_WIDE:
        return None
    with _unseen():
        found = information(asked.model, seed=asked.seed)
    axes = dependence.drawn(found, None)
    rows = [
        [found.names[i], found.names[j], found.bits[i, j], found.errors[i, j]]
        for i, j in found.pairs[:MOST_PAIRS]
    ]
    said = """Bits that one column says about the other, by the model: 0 if they are independent,
        and at most the bits that the column itself has."""
    return Section(
        "dependence",
        "Who depends on whom",
        (
            Text(" ".join(said.split())),
            Pictures((picture(axes, "Mutual information of all pairs of columns"),), "large"),
            Cells.of("pairs", ["column", "other column", "bits", "standard error"], rows),
        ),
    )


def calibrated(asked: Asked) -> Section | None:
    """Whether conditionals are calibrated."""
    if not asked.any_evidence:
        return None
    table = asked.some
    if not encode(table, asked.model.schema, warn=False).observed.any():
        return None
    with _unseen():
        axes = Plots(asked.model).calibration(table, seed=asked.seed)
    said = """If the conditional distributions are right, each share of the cells lies below the
        quantile of that share: the blue line stays in the gray band. Thin lines are single
        columns. Rows that were fitted look a little better than new ones."""
    alt = "Share of cells below each quantile of their conditional, minus the quantile"
    return Section(
        "calibration",
        "Calibration",
        (Text(" ".join(said.split())), Pictures((picture(axes, alt),), "large")),
    )


def wrong(asked: Asked) -> Section | None:
    """Cells that are probably wrong."""
    if not asked.any_evidence:
        return None
    with _unseen():
        answered = tasks.proofread(asked.model, asked.table, fdr=FDR)
    names = ["row", "column", "found", "suggested", "kind", "bits", "q"]
    if not len(answered):
        said = f"No cell is wrong with so much certainty that {FDR:.0%} false findings remain."
        return Section("wrong", "Cells that are probably wrong", (Text(said),))
    found = _polars(answered)
    said = f"{len(found):,} cells, of which at most {FDR:.0%} are right by expectation."
    if len(found) > MOST_FINDINGS:
        said += f" The surest {MOST_FINDINGS} are shown."
    said += " A model that was fitted to these rows misses some: cr.proofread(table) finds more."
    rows = [list(row) for row in found.select(names).rows()[:MOST_FINDINGS]]
    return Section(
        "wrong",
        "Cells that are probably wrong",
        (Text(said), Cells.of("findings", names, rows)),
    )


def odd(asked: Asked) -> Section | None:
    """The oddest rows, with a picture of the first of them; if no row is odd, the oddest cells."""
    if not asked.any_evidence:
        return None
    spec = asked.training.get("calibration")
    calibration = None if spec is None else tasks.Calibration.from_json(spec)
    with _unseen():
        rows = tasks.odd_rows(asked.model, asked.table, calibration, fdr=FDR)
        if len(rows):
            found = _polars(rows).head(MOST_ODD)
            names = ["row", "p_value", "q_value", "column", "found", "bits", "expected", "others"]
            title = "Odd rows"
            said = f"{len(rows):,} rows are odd, of which at most {FDR:.0%} are ordinary by "
            said += "expectation. Beside each is its oddest cell."
        else:
            found = _polars(tasks.oddest(asked.model, asked.table, top=MOST_ODD))
            names, title = found.columns, "Oddest cells"
            said = "No row is odd for sure. These cells are the least likely, given their rows."
        at = list(dict.fromkeys(found["row"].to_list()))[:ODD_PICTURES]
        plots = Plots(asked.model)
        pictures = tuple(
            picture(plots.row(asked.table, row), f"Bits of the cells of row {row}") for row in at
        )
    said += " 10 bits are one cell in a thousand."
    cells = Cells.of(title, names, [list(row) for row in found.select(names).rows()])
    return Section("odd", title, (Text(said), cells, Pictures(pictures, "large")))


def drifted(asked: Asked) -> Section | None:
    """Whether the new rows are like the table."""
    if asked.new is None:
        return None
    with _unseen():
        found = tasks.drift(asked.model, asked.new, asked.table, progress=False)
    changes = [[c.sentence, c.p_value, c.q_value] for c in found.changes[:MOST_CHANGES]]
    names = ["change", "p", "q"]
    return Section(
        "drift",
        "New rows",
        (Text(f"{found.rows:,} new rows: {found.sentence}"), Cells.of("changes", names, changes)),
    )


def filled(asked: Asked) -> Section | None:
    """What belongs in missing cells."""
    model, table = asked.model, asked.table
    codes = encode(table, model.schema, warn=False)
    missing = ~codes.observed_or_outside & ~is_flag(model.schema)
    if not asked.any_evidence or not missing.any():
        return None
    some = np.flatnonzero(missing.any(1))[:MOST_FILLED]
    with _unseen():
        part = polars_frame(table)[some.tolist()]
        answer = tasks.impute(model, part, how="best", interval=INTERVAL)
        whole, low, high = (_polars(each) for each in answer)
    at, rows = column_positions(table, model.schema), []
    for place, row in enumerate(some.tolist()):
        for k in np.flatnonzero(missing[row]).tolist():
            name = model.schema.columns[k].name
            position = at.get(name)
            if position is None or len(rows) == MOST_FILLED:
                continue
            ends = [each[place, position] for each in (low, high)]
            rows.append([row, name, whole[place, position], *ends])
    counts = missing.sum(0)
    said = f"{int(counts.sum()):,} cells are missing. These are the first of them, filled with the "
    said += f"most probable label or the median; numbers have their {INTERVAL:.0%} interval."
    if not rows:
        return None
    return Section(
        "filled",
        "Missing cells",
        (Text(said), Cells.of("filled cells", ["row", "column", "filled", "from", "to"], rows)),
    )


def drawn(asked: Asked) -> Section:
    """Drawn rows, and how real they are."""
    with _unseen():
        rows = tasks.sample(asked.model, max(len(asked.some), DRAWN), seed=asked.seed)
        axes = beside.compared(asked.model, asked.some, rows, None)
        found = quality(asked.some, rows, kinds=asked.model.schema, seed=asked.seed, verbose=False)
    frame = _polars(rows)
    figures = found.sections()[0]
    said = "Rows that the model draws. No row is copied from the table on purpose."
    return Section(
        "drawn",
        "Drawn rows",
        (
            Text(said),
            Cells.of("drawn rows", frame.columns, [list(row) for row in frame.head(DRAWN).rows()]),
            Pictures((picture(axes, "Accuracy of drawn columns beside real ones"),), "large"),
            Cells.of(figures.title, figures.columns, [list(row) for row in figures.rows]),
        ),
    )


ALL: tuple[Callable[[Asked], Section | None], ...] = (
    assumed, columns, depend, calibrated, wrong, odd, filled, drawn, drifted,
)  # fmt: skip


def _shown(asked: Asked) -> list[Any]:
    """The names of the columns that are no flags."""
    return [column.name for column in asked.model.schema.columns_without_flags]


def _polars(frame: Any) -> Any:
    """An answer of any kind as a polars frame."""
    return polars_frame(read_table(frame))


@contextmanager
def _unseen() -> Iterator[None]:
    """Hides warnings about single cells, which the page shows itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield
