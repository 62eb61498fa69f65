"""How well a synthetic table imitates a real one: all figures, by name."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from typing_extensions import override

from chainrule.synthetic import layout
from chainrule.synthetic.apart import ToldApart
from chainrule.synthetic.faults import Fault
from chainrule.synthetic.privacy import Nearest, Repeated
from chainrule.synthetic.utility import Utility


@dataclass(frozen=True)
class ColumnQuality:
    """One column.

    Attributes:
        name, kind: of the column; kinds are "number", "date" and "label".
        shape: KSComplement of numbers and dates, TVComplement of labels; 0 if all cells are
            missing where real ones are known.
        accuracy: 1 − the total variation distance in about ten bins.
        expected: the accuracy of as many rows of the real distribution.
    """

    name: str
    kind: str
    shape: float
    accuracy: float
    expected: float


@dataclass(frozen=True)
class PairQuality:
    """Two columns.

    Attributes:
        first, second: their names.
        trend: CorrelationSimilarity of two columns of numbers, else ContingencySimilarity.
        accuracy: 1 − the total variation distance in about a hundred bins.
        expected: the accuracy of as many rows of the real distribution.
        associated: whether the real columns are, by the thresholds of SDMetrics.
    """

    first: str
    second: str
    trend: float
    associated: bool
    accuracy: float
    expected: float


@dataclass(frozen=True)
class Accuracy:
    """Means of accuracies in bins, of one, two and three columns, and the mean of these three.

    ``expected`` is the mean that as many rows of the real distribution would have.
    """

    univariate: float
    bivariate: float | None
    trivariate: float | None
    overall: float
    expected: float


@dataclass(frozen=True)
class Fidelity:
    """How near one table is to the real one.

    Attributes:
        shapes: mean of all ``ColumnQuality.shape``.
        trends: mean of all ``PairQuality.trend``; None for one column.
        associated_trends: mean of those of associated columns, which newer versions of SDMetrics
            report; None if there are none.
        accuracy: accuracies in bins.
        columns: each column.
        pairs: each pair of columns.
    """

    shapes: float
    trends: float | None
    associated_trends: float | None
    accuracy: Accuracy
    columns: tuple[ColumnQuality, ...]
    pairs: tuple[PairQuality, ...]


@dataclass(frozen=True, repr=False)
class Quality:
    """How well a synthetic table imitates a real one; ``print`` shows it, and so does a notebook.

    Attributes:
        fidelity: distances of columns and pairs of columns.
        told_apart: what a classifier tells; None for fewer than ten rows.
        utility: what a model learns; None if no column can be predicted.
        nearest: the share of rows nearer to real than to held-out rows; None without holdout.
        repeated: shares of rows that equal others.
        faults: cells that the real columns could not have.
        holdout: ``fidelity`` of the held-out rows themselves, to compare with; None without.
        holdout_apart: ``told_apart`` of the held-out rows, without its columns; None without.
        rows: number of rows of each table.
        measured: largest number of rows of each table that the measures of distance take; shares
            of repeated rows and faults are those of all rows.
        seed: of all that is drawn.
        left_out: the reason why a column of the real table is not compared, by column.
        ignored: columns that only the synthetic table has.

    Examples:
        >>> import chainrule as cr, numpy as np
        >>> first, second = np.random.default_rng(0).normal(size=(2, 200, 2))
        >>> found = cr.quality(first, second)
        >>> found.rows["synthetic"], 0.8 < found.fidelity.shapes <= 1
        (200, True)
    """

    fidelity: Fidelity
    told_apart: ToldApart | None
    utility: Utility | None
    nearest: Nearest | None
    repeated: Repeated
    faults: tuple[Fault, ...]
    holdout: Fidelity | None
    holdout_apart: ToldApart | None
    rows: Mapping[str, int]
    measured: int
    seed: int
    left_out: Mapping[str, str]
    ignored: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All figures as a JSON object; those that are not defined are NaN, as for one row."""
        found = asdict(self)
        for name in ("told_apart", "holdout_apart"):
            apart = getattr(self, name)
            if apart is not None:
                found[name]["score"] = apart.score
        if self.utility is not None:
            found["utility"]["lost"] = self.utility.lost
        return found

    def sections(self) -> list[layout.Section]:
        """The result as tables of text."""
        return layout.sections(self)

    def notes(self) -> list[str]:
        """What the tables do not say: rows that were drawn, columns that were not compared."""
        return layout.notes(self)

    @override
    def __str__(self) -> str:
        return "\n\n".join([*map(layout.as_text, self.sections()), "\n".join(self.notes())]).strip()

    @override
    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes())
        return "".join(map(layout.as_html, self.sections())) + notes
