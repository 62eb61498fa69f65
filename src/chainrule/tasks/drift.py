"""Whether the rows of a table are like those that a model was fitted to, and what changed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from chainrule.arguments import require_fail_under
from chainrule.errors import ChainruleError, FormatError
from chainrule.model import Model
from chainrule.rng import generator_from
from chainrule.table import Codes, Schema, column_positions
from chainrule.table.values.cells import as_labels, shown
from chainrule.tasks.answer import Batch, Chunk, chunks
from chainrule.tasks.drifting.changes import Difference, differences, joint_p_value
from chainrule.tasks.drifting.figures import FEWEST, Cells, Sample
from chainrule.tasks.drifting.result import Change, Drift
from chainrule.tasks.drifting.scales import UNIFORM, Scales
from chainrule.tasks.multiple_tests import q_values

SEED = 5  # of the choice of rows
# Of a table with more rows, as many are compared, and the surprise of fewer.
MOST_ROWS, MOST_SURPRISED = 100_000, 20_000
LONGEST = 40  # characters of a cell that is shown


@dataclass(frozen=True)
class HeldOutFigures:
    """What a model file keeps of rows that training did not see, to compare others with.

    Attributes:
        scales: the scores of cells.
        sample: the figures of the held-out rows.
    """

    scales: Scales
    sample: Sample

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {"scales": self.scales.to_json(), "sample": self.sample.to_json()}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> HeldOutFigures:
        """Returns the figures that ``to_json`` described.

        Raises:
            FormatError: the description is not one of figures.
        """
        try:
            scales, sample = Scales.from_json(spec["scales"]), spec["sample"]
        except (KeyError, TypeError) as error:
            raise FormatError(f"not figures of held-out rows: {error}") from error
        return cls(scales, Sample.from_json(sample, len(scales.columns), len(scales.pairs)))


def figures_of_held_out(
    model: Model, codes: Codes, *, min_count: int, surprised: int
) -> HeldOutFigures | None:
    """Returns the figures of held-out rows; None if there are too few of them.

    Args:
        model: the fitted model.
        codes: held-out rows.
        min_count: each estimate is one of at least so many rows.
        surprised: of how many rows the surprise is computed.
    """
    if len(codes) < max(FEWEST, min_count):
        return None
    rows, scales = Batch.of(model, codes, progress=False), Scales.of(model)
    cells = Cells.of(rows, scales, np.arange(min(surprised, len(codes))))
    return HeldOutFigures(scales, Sample.of(cells, model.schema, scales, min_count=min_count))


def drift(
    model: Model,
    table: Any,
    reference: Any = None,
    *,
    held_out: HeldOutFigures | None = None,
    fail_under: float = 0.01,
    progress: bool = True,
) -> Drift:
    """Returns whether a table differs from a reference, and in what.

    The reference is another table, or the figures of the rows that the fit held out. Each column is
    compared by its surprise given the rest of the row, and by itself: ranks of numbers, shares of
    labels, missing cells, labels that the model does not list, values that the column cannot hold.
    Each pair of columns is compared by a correlation of ranks. Surprise needs a network that
    answers for any known cells: with one order, columns and pairs are compared without it.

    All differences have p-values that count the chance of both samples, for independent rows. They
    have q-values by Benjamini and Hochberg, and a joint p-value: the probability, without drift,
    that any of them is as improbable as the least. There is drift if it is below ``fail_under``.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted.
        reference: rows to compare with; by default the held-out rows.
        held_out: the figures of held-out rows, as ``training["drift"]`` keeps them.
        fail_under: the largest probability of finding drift where there is none.
        progress: whether a progress bar is shown on stderr.

    Raises:
        ChainruleError: no reference and no figures; a table without rows.
    """
    fail_under = require_fail_under(fail_under)
    if reference is None and held_out is None:
        raise ChainruleError(
            "the model file has no figures of held-out rows: it is older than they are, or its fit "
            f"held out fewer than {FEWEST} rows; pass the rows to compare with as reference "
            "(--reference OLD)"
        )
    new = _Rows.read(model, table, progress)
    scales = Scales.of(model) if held_out is None else held_out.scales
    if len(scales.columns) != len(model.schema.columns):
        raise FormatError("the figures of held-out rows are not those of this model's columns")
    cells, sample = new.figures(scales)
    old = None if held_out is None else held_out.sample
    if reference is not None:
        old = _Rows.read(model, reference, progress).figures(scales)[1]
    assert old is not None
    tested = differences(sample, old, scales, model.schema, of_fit=reference is None)
    q = q_values(np.array([each.p_value for each in tested]))
    changes = [
        _change(each, float(value), model.schema, new.examples)
        for each, value in zip(tested, q, strict=True)
    ]
    return Drift(
        tuple(sorted(changes, key=lambda each: each.p_value)),
        joint_p_value(tested, cells, sample, old, scales),
        fail_under,
        sample.rows,
        old.rows,
        "held-out rows" if reference is None else "table",
        _notes(model, sample, new.rows),
        new.container,
    )


@dataclass(frozen=True)
class _Rows:
    """The rows of a table that are compared.

    Attributes:
        batch: at most ``MOST_ROWS`` of them.
        rows: how many the table has.
        examples: an unlisted label and an outside value of columns, by kind of change and column.
        container: the kind of table.
    """

    batch: Batch
    rows: int
    examples: Mapping[tuple[str, int], str]
    container: str

    @classmethod
    def read(cls, model: Model, table: Any, progress: bool) -> _Rows:
        """Reads a table chunk by chunk."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "column ", UserWarning)  # of cells that are findings
            found = [
                _Read(chunk.rows, _examples(chunk), chunk.table.container)
                for chunk in chunks(model, table, ranges=False, progress=progress)
            ]
        codes = Codes(
            *(
                np.concatenate([getattr(each.rows.codes, name) for each in found])
                for name in ("values", "observed", "outside")
            )
        )
        if not len(codes):
            raise ChainruleError("a table without rows has no drift; pass one with rows")
        last, rows = found[-1], len(codes)
        examples = {key: word for each in reversed(found) for key, word in each.examples.items()}
        batch = Batch(model, last.rows.network, codes.take(_some(rows, MOST_ROWS)), progress)
        return cls(batch, rows, examples, last.container)

    def figures(self, scales: Scales) -> tuple[Cells, Sample]:
        """Returns what is known of the cells, and the figures of the rows."""
        cells = Cells.of(self.batch, scales, _some(len(self.batch), MOST_SURPRISED))
        return cells, Sample.of(cells, self.batch.model.schema, scales)


class _Read(NamedTuple):
    rows: Batch
    examples: Mapping[tuple[str, int], str]
    container: str


def _some(rows: int, most: int) -> np.ndarray:
    """Returns the numbers of at most so many rows, in their sequence."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(torch.randperm(rows, generator=generator_from(SEED)).numpy()[:most])


def _examples(chunk: Chunk) -> dict[tuple[str, int], str]:
    """Returns the first unlisted label and the first outside value of each column with one."""
    table, schema, codes = chunk.table, chunk.rows.model.schema, chunk.rows.codes
    at, found = column_positions(table, schema), {}
    for k, column in enumerate(schema.columns):
        if column.is_flag or (position := at.get(column.name)) is None:
            continue
        unlisted = np.flatnonzero(codes.observed[:, k] & column.is_unlisted(codes.values[:, k]))
        if len(unlisted):
            (label,) = as_labels(table.labels(position)[unlisted[:1]])
            found["unlisted", k] = _short(repr(label))
        outside = np.flatnonzero(codes.outside[:, k])
        if len(outside):
            found["outside", k] = _short(shown(table.columns[position], int(outside[0])))
    return found


def _short(word: str) -> str:
    return word if len(word) <= LONGEST else f"{word[: LONGEST - 1]}…"


def _change(
    tested: Difference, q: float, schema: Schema, examples: Mapping[tuple[str, int], str]
) -> Change:
    """Returns a difference in terms of the table."""
    names = [schema.names[k] for k in tested.columns]
    before, after = tested.before, tested.after
    example = examples.get((tested.change, tested.columns[0]))
    if tested.change == "location":
        before, after = (0.5 + score / UNIFORM for score in (before, after))
    elif tested.change == "spread":
        before, after = np.sqrt(before), np.sqrt(after)
    elif tested.level is not None:
        codes = schema.columns[tested.columns[0]].code_names
        example = _short(codes[tested.level]) if 0 <= tested.level < len(codes) else None
    other = names[1] if len(names) > 1 else None
    figures = float(before), float(after)
    return Change(names[0], other, tested.change, *figures, example, tested.p_value, q)


def _notes(model: Model, sample: Sample, rows: int) -> tuple[str, ...]:
    """Returns sentences on what was not compared."""
    said = []
    if rows > sample.rows:
        said.append(f"Of {rows:,} rows, {sample.rows:,} were compared, drawn at random.")
    if sample.rows < FEWEST:
        said.append(f"With fewer than {FEWEST} rows only counts of cells are compared.")
    if not model.any_evidence:
        said.append(
            "The network has one order of the columns: no surprise given the rest of the row."
        )
    return tuple(said)
