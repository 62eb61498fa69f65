"""What ``drift`` finds: every difference with its p- and q-value, and one verdict."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from chainrule.errors import printable, short_name
from chainrule.table import objects_of
from chainrule.table.frames.build import build

if TYPE_CHECKING:
    from chainrule.synthetic.layout import Section

MOST_SHOWN = 20  # differences in a printed table; the frame and JSON have all
MOST_NAMED = 5  # in a sentence
# What each change is called in a table; and in a sentence, if the figure falls and if it rises.
WORDS: Mapping[str, tuple[str, str, str]] = {
    "surprise": (
        "surprise given the rest of the row",
        "less surprising given the rest of its row",
        "more surprising given the rest of its row",
    ),
    "location": ("mean rank", "lower values", "higher values"),
    "spread": ("spread", "narrower spread", "wider spread"),
    "levels": ("shares of labels", "shares of labels changed", "shares of labels changed"),
    "dependence": ("dependence", "dependence changed", "dependence changed"),
    "missing": ("missing cells", "fewer missing cells", "more missing cells"),
    "unlisted": ("labels never seen", "labels never seen", "labels never seen"),
    "outside": (
        "values that the column cannot hold",
        "values that the column cannot hold",
        "values that the column cannot hold",
    ),
}
SHARES = ("levels", "missing", "unlisted", "outside")


@dataclass(frozen=True)
class Change:
    """One difference between the new rows and the reference.

    Attributes:
        column: the column's name.
        other: the second column's name, for "dependence"; else None.
        change: what differs. "surprise" is the mean, in bits, of −log2 of a probability given the
            rest of the row: of a label at most as likely, or of a number as extreme. "location" is
            the mean rank among rows that the model draws, from 0 to 1. "spread" is the ranks'
            standard deviation from the middle, over that of drawn rows. "levels" is the share of
            the label that differs most. "dependence" is the correlation of both columns' scores:
            ranks of numbers, and numbers for labels. "missing", "unlisted" (labels that the model
            does not list) and "outside" (values that the column cannot hold) are shares of cells.
        before: the figure in the reference.
        after: the figure in the new rows.
        example: a label or a value that shows the change, if there is one.
        p_value: the probability of a difference as large without drift.
        q_value: the expected share of chance among this and all differences with a smaller p-value.
    """

    column: str
    other: str | None
    change: str
    before: float
    after: float
    example: str | None
    p_value: float
    q_value: float

    @property
    def size(self) -> float:
        """The difference, ``after`` − ``before``."""
        return self.after - self.before

    @property
    def columns(self) -> str:
        """The name of the column, or both names with "and" between."""
        names = [self.column] if self.other is None else [self.column, self.other]
        return " and ".join(map(short_name, names))

    @property
    def sentence(self) -> str:
        """The change in words: "age and income: dependence changed (correlation .48 → −.49)"."""
        _, falls, rises = WORDS[self.change]
        figures = f"{_figure(self.change, self.before)} → {_figure(self.change, self.after)}"
        of = " bits" if self.change == "surprise" else ""
        before = {"location": "mean rank ", "dependence": "correlation "}.get(self.change, "")
        if self.example is not None:
            before = f"{'' if self.change == 'levels' else 'such as '}{printable(self.example)}: "
        return f"{self.columns}: {rises if self.size > 0 else falls} ({before}{figures}{of})"


@dataclass(frozen=True, repr=False)
class Drift:
    """What differs between new rows and a reference; ``print`` shows it, and so does a notebook.

    Attributes:
        changes: all differences that were tested, the least probable first.
        p_value: the joint p-value of all of them: the probability, without drift, that any is as
            improbable as the first.
        fail_under: there is drift if the joint p-value is below this number. So tables without
            drift are called drift with at most this probability.
        rows: number of new rows.
        reference_rows: number of rows of the reference.
        reference: "held-out rows" of the fit, or "table".
        notes: what could not be compared.

    Examples:
        >>> import chainrule as cr
        >>> rows = np.random.default_rng(0).normal(size=(400, 1))
        >>> config = cr.FitConfig(hidden_size=4, epochs=2)
        >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
        >>> found = density.drift(rows + 1)
        >>> found.found, found.named[0].column, found.named[0].after > found.named[0].before
        (True, 'x0', True)
    """

    changes: tuple[Change, ...]
    p_value: float
    fail_under: float
    rows: int
    reference_rows: int
    reference: str
    notes: tuple[str, ...] = ()
    container: str = "polars"

    @property
    def found(self) -> bool:
        """Whether there is drift: the joint p-value is below ``fail_under``."""
        return self.p_value < self.fail_under

    @property
    def named(self) -> tuple[Change, ...]:
        """If there is drift, the first change and all with a q-value below ``fail_under``."""
        if not self.found:
            return ()
        sure = tuple(each for each in self.changes if each.q_value < self.fail_under)
        return sure or self.changes[:1]

    @property
    def sentence(self) -> str:
        """The verdict in a sentence, with the columns that changed."""
        if not self.found:
            return f"no drift found (joint p = {_p(self.p_value)})"
        shown = "; ".join(each.sentence for each in self.named[:MOST_NAMED])
        more = len(self.named) - MOST_NAMED
        rest = f"; and {more} more" if more > 0 else ""
        return f"drift (joint p = {_p(self.p_value)}): {shown}{rest}"

    @property
    def table(self) -> Any:
        """All changes as a frame: pandas if the new rows are a pandas frame, otherwise polars."""
        columns = list(zip(*map(_cells, self.changes), strict=True)) or [()] * len(_COLUMNS)
        arrays = {
            name: objects_of(list(cells)) if name in _TEXTS else np.array(cells, dtype=np.float64)
            for name, cells in zip(_COLUMNS, columns, strict=True)
        }
        return build(arrays, {}, "pandas" if self.container == "pandas" else "polars")

    def to_json(self) -> dict[str, Any]:
        """The result as a JSON object."""
        found = asdict(self)
        found.pop("container")
        for spec, change in zip(found["changes"], self.changes, strict=True):
            spec["size"] = change.size
        return {"found": self.found, "sentence": self.sentence, **found}

    def sections(self) -> list[Section]:
        """The changes as a table of text: those that are named, or else the least probable."""
        from chainrule.synthetic.layout import Section

        shown = (self.named or self.changes)[:MOST_SHOWN]
        rows = tuple(
            (
                change.columns,
                WORDS[change.change][0] + ("" if change.example is None else f": {change.example}"),
                _figure(change.change, change.before),
                _figure(change.change, change.after),
                _p(change.p_value),
                _p(change.q_value),
            )
            for change in shown
        )
        what = "What changed" if self.found else "The least probable differences"
        header = ("column", "what", "before", "after", "p", "q")
        return [Section(what, header, rows, words=2)] if rows else []

    @property
    def compared(self) -> str:
        """A sentence: how many rows were compared, and how many differences are not shown."""
        rest = len(self.changes) - min(MOST_SHOWN, len(self.named or self.changes))
        whose = "rows of the reference" if self.reference == "table" else self.reference
        more = f", {rest} of them not shown" if rest > 0 else ""
        return (
            f"{self.rows:,} rows beside {self.reference_rows:,} {whose}; {len(self.changes)} "
            f"differences tested{more}"
        )

    def lines(self) -> list[str]:
        """Sentences below the table: how many rows were compared, the verdict, notes."""
        return [self.compared, self.sentence, *self.notes]

    @override
    def __str__(self) -> str:
        from chainrule.synthetic.layout import as_text

        return "\n\n".join([*map(as_text, self.sections()), "\n".join(self.lines())])

    @override
    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from chainrule.synthetic.layout import as_html

        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self.lines())
        return "".join(map(as_html, self.sections())) + lines


_COLUMNS = (
    "column", "other", "change", "before", "after", "size", "example", "p_value", "q_value",
)  # fmt: skip
_TEXTS = ("column", "other", "change", "example")


def _cells(change: Change) -> tuple[Any, ...]:
    return tuple(getattr(change, name) for name in _COLUMNS)


def _figure(change: str, figure: float) -> str:
    """A figure as tables and sentences show it.

    >>> _figure("missing", 0.0123), _figure("dependence", -0.512), _figure("dependence", -0.001)
    ('1.2 %', '−0.51', '0.00')
    """
    if change in SHARES:
        return f"{100 * figure:.1f} %"
    return f"{round(figure, 2) + 0.0:.2f}".replace("-", "−")


def _p(p: float) -> str:
    """A p-value with two digits.

    >>> _p(0.032), _p(1.0), _p(1e-30)
    ('0.032', '1', '1e-30')
    """
    return f"{p:.2g}"
