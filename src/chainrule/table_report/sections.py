"""The sections of the page, one function each; None where a section has nothing to say."""

from __future__ import annotations

import warnings
from collections import Counter
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
from chainrule.plots import Plots, calibration, dependence
from chainrule.plots import drawn as beside
from chainrule.review.cells import polars_frame
from chainrule.synthetic import quality
from chainrule.table import Codes, Table, column_positions, encode, read_table
from chainrule.table_report.parts import Cells, Part, Pictures, Section, Text, picture
from chainrule.tasks.dependence import information

MOST_COLUMNS = 40  # that have a picture
MOST_ROWS = 5_000  # of the table, on which figures are measured
MOST_FINDINGS, MOST_ODD, ODD_PICTURES, MOST_FILLED, DRAWN, MOST_PAIRS = 20, 12, 2, 12, 8, 12
MOST_CHANGES = 12  # between the table and new rows
MOST_NAMED = 3  # at the top of the page
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

    @cached_property
    def codes(self) -> Codes:
        """The codes of all rows."""
        with _unseen():
            return encode(self.table, self.model.schema, warn=False)

    @property
    def cells(self) -> int:
        """The number of cells of the model's columns."""
        return len(self.table) * len(self.model.schema.columns_without_flags)

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
    names = ["column", "kind", "what was assumed"]
    parts: list[Part] = [Cells.of("assumed kinds", names, rows, wraps=True)]
    if schema.ties:
        said = "These relations hold between columns of the fitted rows, and the model uses them."
        parts.append(Text(f"{said} Rows of this table may break them."))
        names = ["relation", "broken here", "first of these rows"]
        parts.append(Cells.of("relations", names, _relations(asked), wraps=True))
    kinds = Counter(row[1] for row in rows)
    gist = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    gist += "".join(f"; {tie}" for tie in schema.ties_as_text[:MOST_NAMED])
    return Section("assumed", "What was assumed", tuple(parts), gist)


def _relations(asked: Asked) -> list[list[Any]]:
    """Each tie as text, how many rows of the table break it, and the first of them."""
    schema, codes = asked.model.schema, asked.codes
    breaks: dict[str, np.ndarray] = {}
    for tie in schema.ties:  # two of one text have one line
        broken = tie.breaks(codes.values, codes.observed)
        breaks[tie.text] = breaks.get(tie.text, False) | broken
    return [
        [tie.removeprefix("tie: "), int(each.sum()), ", ".join(map(str, at[:MOST_NAMED]))]
        for tie, each in zip(schema.ties_as_text, breaks.values(), strict=True)
        for at in [np.flatnonzero(each).tolist()]
    ]


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
    gist = "each in the table and by the model"
    return Section("columns", "Columns", (Text(said), Pictures(pictures)), gist)


def depend(asked: Asked) -> Section | None:
    """Which columns depend on each other."""
    shown = _shown(asked)
    if not asked.any_evidence or not 2 <= len(shown) <= MOST_WIDE:
        return None
    with _unseen():
        found = information(asked.model, seed=asked.seed)
    axes = dependence.drawn(found, None)
    both = found.bits, found.errors
    rows = [
        [found.names[i], found.names[j], *(round(float(each[i, j]), 3) for each in both)]
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
        ", ".join(f"{a} and {b} ({bits:.2f} bits)" for a, b, bits, _ in rows[:MOST_NAMED]),
    )


def calibrated(asked: Asked) -> Section | None:
    """Whether conditionals are calibrated."""
    if not asked.any_evidence:
        return None
    table = asked.some
    with _unseen():
        if not encode(table, asked.model.schema, warn=False).observed.any():
            return None
        ranks = calibration.ranks_of(asked.model, table, asked.seed)
    axes = calibration.drawn(ranks, None)
    said = """If the conditional distributions are right, each share of the cells lies below the
        quantile of that share: the blue line stays in the gray band. Thin lines are single
        columns. Rows that were fitted look a little better than new ones."""
    alt = "Share of cells below each quantile of their conditional, minus the quantile"
    return Section(
        "calibration",
        "Calibration",
        (Text(" ".join(said.split())), Pictures((picture(axes, alt),), "large")),
        _calibration_in_words(asked.model, ranks),
    )


def _calibration_in_words(model: Model, ranks: np.ndarray) -> str:
    """How far shares of ranks (N, D) lie from their quantiles, of all cells and of one column."""
    off, chance = calibration.farthest(ranks)
    said = f"shares differ from their quantiles by {off:.1%} at most; by chance up to {chance:.1%}"
    each = {
        k: calibration.farthest(column)
        for k, column in enumerate(ranks.T)
        if not np.isnan(column).all()
    }
    worst = max(each, key=lambda k: each[k][0] / each[k][1])
    if each[worst][0] <= each[worst][1]:
        return said
    return f"{said}; {model.schema.columns[worst].name}: {each[worst][0]:.1%}"


def wrong(asked: Asked) -> Section | None:
    """Cells that are probably wrong."""
    if not asked.any_evidence:
        return None
    with _unseen():
        answered = tasks.proofread(asked.model, asked.table, fdr=FDR)
    names = ["row", "column", "found", "suggested", "kind", "bits", "q"]
    if not len(answered):
        said = "No cell is surely wrong: any list of wrong cells would have more than "
        said += f"{FDR:.0%} false findings."
        return Section("wrong", "Cells that are probably wrong", (Text(said),), "none is sure")
    found = _polars(answered)
    gist = f"{len(found):,} of {asked.cells:,} cells"
    said = f"{len(found):,} cells, of which at most {FDR:.0%} are right by expectation."
    if len(found) > MOST_FINDINGS:
        said += f" The surest {MOST_FINDINGS} are shown."
    said += " A model that was fitted to these rows misses some: cr.proofread(table) finds more."
    rows = [list(row) for row in found.select(names).rows()[:MOST_FINDINGS]]
    return Section(
        "wrong",
        "Cells that are probably wrong",
        (Text(said), Cells.of("findings", names, rows)),
        gist,
    )


def odd(asked: Asked) -> Section | None:
    """The oddest rows, with a picture of the first of them; if no row is odd, the oddest cells."""
    if not asked.any_evidence:
        return None
    spec = asked.training.get("calibration")
    null = None if spec is None else tasks.Calibration.from_json(spec)
    with _unseen():
        rows = tasks.odd_rows(asked.model, asked.table, null, fdr=FDR)
        if len(rows):
            found = _polars(rows).head(MOST_ODD)
            names = ["row", "p_value", "q_value", "column", "found", "bits", "expected", "others"]
            title, gist = "Odd rows", f"{len(rows):,} of {len(asked.table):,} rows"
            said = f"{len(rows):,} rows are odd, of which at most {FDR:.0%} are ordinary by "
            said += "expectation. Beside each is its oddest cell."
        else:
            found = _polars(tasks.oddest(asked.model, asked.table, top=MOST_ODD))
            names, title, gist = found.columns, "Oddest cells", "no row is odd for sure"
            said = "No row is odd for sure. These cells are the least likely, given their rows."
        at = list(dict.fromkeys(found["row"].to_list()))[:ODD_PICTURES]
        plots = Plots(asked.model)
        pictures = tuple(
            picture(plots.row(asked.table, row), f"Bits of the cells of row {row}") for row in at
        )
    said += " 10 bits are one cell in a thousand."
    cells = Cells.of(title, names, [list(row) for row in found.select(names).rows()])
    return Section("odd", title, (Text(said), cells, Pictures(pictures, "large")), gist)


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
        (
            Text(f"{found.rows:,} new rows: {found.sentence}"),
            Cells.of("changes", names, changes, wraps=True),
        ),
        found.sentence,
    )


def filled(asked: Asked) -> Section | None:
    """What belongs in missing cells."""
    model, table, codes = asked.model, asked.table, asked.codes
    missing = ~codes.observed_or_outside & ~is_flag(model.schema)
    if not asked.any_evidence or not missing.any():
        return None
    counts = missing.sum(0)
    most = [k for k in np.argsort(-counts, kind="stable").tolist() if counts[k]]
    shares = [f"{counts[k] / len(table):.1%}" for k in most]
    names = [model.schema.columns[k].name for k in most]
    listed = [
        [name, int(counts[k]), share] for name, k, share in zip(names, most, shares, strict=True)
    ]
    said = f"{int(counts.sum()):,} of {asked.cells:,} cells are missing."
    parts: list[Part] = [
        Text(said),
        Cells.of("missing cells", ["column", "missing", "share of rows"], listed),
    ]
    if rows := _filled_rows(asked, missing):
        of = "Some of each column, filled with the most probable label or the median. Numbers have "
        parts.append(Text(f"{of}their {INTERVAL:.0%} interval."))
        titles = ["row", "column", "filled", "probability", "from", "to"]
        kept = [k for k in range(len(titles)) if any(row[k] is not None for row in rows)]
        cells = [[row[k] for k in kept] for row in rows]
        parts.append(Cells.of("filled cells", [titles[k] for k in kept], cells))
    columns = zip(names[:MOST_NAMED], shares, strict=False)
    gist = f"{int(counts.sum()):,}: " + ", ".join(f"{share} of {name}" for name, share in columns)
    return Section("filled", "Missing cells", tuple(parts), gist)


def _filled_rows(asked: Asked, missing: np.ndarray) -> list[list[Any]]:
    """Some missing cells: row, column, filling, its probability or the ends of an interval."""
    model, shown = asked.model, _first_of_each(missing)
    some = np.flatnonzero(shown.any(1))
    with _unseen():
        part = polars_frame(asked.table)[some.tolist()]
        answer = tasks.impute(model, part, how="best", interval=INTERVAL)
        whole, low, high = (_polars(each) for each in answer)
        likely = {
            k: _polars(tasks.conditional(model, part, model.schema.columns[k].name))
            for k in np.flatnonzero(shown.any(0)).tolist()
            if model.schema.columns[k].has_levels
        }
    at, rows = column_positions(asked.table, model.schema), []
    for place, row in enumerate(some.tolist()):
        for k in np.flatnonzero(shown[row]).tolist():
            name = model.schema.columns[k].name
            if (position := at.get(name)) is None:
                continue
            filled, *ends = (each[place, position] for each in (whole, low, high))
            p = _most(likely[k].row(place, named=True)) if k in likely else None
            ends = [None, None] if k in likely else ends
            rows.append([row, name, filled, p, *ends])
    return rows


def _first_of_each(missing: np.ndarray) -> np.ndarray:
    """Of missing cells (N, D), those that are shown: the first one of each column, then the second.

    >>> _first_of_each(np.array([[True, False]] * 20 + [[False, True]] * 5)).sum(0)
    array([7, 5])
    """
    rank = np.where(missing, missing.cumsum(0), len(missing) + 1)
    order = np.lexsort((np.arange(missing.size), rank.ravel()))
    shown = np.zeros(missing.size, dtype=bool)
    shown[order[:MOST_FILLED]] = True
    return shown.reshape(missing.shape) & missing


def _most(levels: Mapping[str, float]) -> float:
    """The probability of the most probable level that has a name."""
    return round(max(p for name, p in levels.items() if not name.startswith("(other)")), 2)


def drawn(asked: Asked) -> Section:
    """Drawn rows, and how real they are."""
    with _unseen():
        rows = tasks.sample(asked.model, max(len(asked.some), DRAWN), seed=asked.seed)
        axes = beside.compared(asked.model, asked.some, rows, None)
        found = quality(asked.some, rows, kinds=asked.model.schema, seed=asked.seed, verbose=False)
    frame = _polars(rows)
    figures = found.sections()[0]
    said = "Rows that the model draws. No row is copied from the table on purpose."
    apart = found.told_apart
    gist = "drawn rows beside real ones"
    if apart is not None:
        gist = f"trees tell drawn from real rows with an AUC of {apart.auc:.2f}; chance has 0.5"
    return Section(
        "drawn",
        "Drawn rows",
        (
            Text(said),
            Cells.of("drawn rows", frame.columns, [list(row) for row in frame.head(DRAWN).rows()]),
            Pictures((picture(axes, "Accuracy of drawn columns beside real ones"),), "large"),
            Cells.of(figures.title, figures.columns, [list(row) for row in figures.rows]),
        ),
        gist,
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
