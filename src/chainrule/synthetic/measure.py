"""``quality``: how well a synthetic table, from any tool, imitates a real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arguments import MEASURED_ROWS
from chainrule.errors import seed_number, whole_number
from chainrule.progress import progress_bar
from chainrule.synthetic.apart import FOLDS, told_apart
from chainrule.synthetic.faults import faults_of
from chainrule.synthetic.fidelity import doubtful_pairs, fidelity
from chainrule.synthetic.privacy import nearest, repeated
from chainrule.synthetic.result import Quality
from chainrule.synthetic.tables import Rows, Tables, tables_of
from chainrule.synthetic.utility import target_of, utility_of
from chainrule.table import Schema

SUSPECTS = 6  # pairs with the worst accuracy, on which a classifier is tried
STEPS = 3 + FOLDS + 2 + 1 + 1 + 2  # of the progress bar, without those of held-out rows
STEPS_OF_HOLDOUT = 3 + FOLDS + 2


def quality(
    real: Any,
    synthetic: Any,
    holdout: Any = None,
    *,
    kinds: Mapping[str, Any] | Schema | None = None,
    target: str | None = None,
    rows: int = MEASURED_ROWS,
    seed: int = 0,
    verbose: bool = True,
) -> Quality:
    """Measures how well a synthetic table, from any tool, imitates a real one.

    ``print`` shows the figures; they are attributes of the result, and ``to_json`` has them all.

    - Column shapes and pair trends, as the QualityReport of SDMetrics defines them
      (``chainrule.synthetic.distances``).
    - Accuracy in bins of one, two and three columns, as mostlyai-qa defines it
      (``chainrule.synthetic.bins``).
    - Whether trees can tell synthetic from real rows (a classifier two-sample test), and by which
      columns (``chainrule.synthetic.apart``).
    - What a model that was trained on synthetic rows predicts of real ones, compared with one that
      was trained on real rows (``chainrule.synthetic.utility``).
    - Whether synthetic rows are nearer to real than to held-out rows, and how many repeat a real
      row (``chainrule.synthetic.privacy``).
    - Cells that the real columns could not have: beyond their bounds, off their grids, new labels,
      wrong shares of missing cells (``chainrule.synthetic.faults``).

    Args:
        real: the rows that are imitated, such as the training rows of the model that made the
            others: a frame, an array, a path or a ``Table``.
        synthetic: rows with the same columns. Further columns are ignored.
        holdout: real rows that the model never saw. They show what real rows score. A model is
            tested on them, and nearest rows are looked for among them. As in mostlyai-qa, the
            accuracy of synthetic rows then counts them as real.
        kinds: the kind of some columns by name, as in ``fit``.
        target: the column that models predict. By default it is the last one with 2 to 20 labels,
            or else the last one of numbers or dates. Of more labels, all but the 20 most frequent
            ones count as one.
        rows: largest number of rows of each table that is measured; of larger tables a sample is
            drawn. Faults and repeated rows are counted in all rows.
        seed: of samples, folds and trees; the same seed gives the same figures.
        verbose: show progress on stderr.

    Raises:
        SchemaError: a table without rows, a column that a table lacks, or one that is written
            differently than in the real table.

    Examples:
        >>> import numpy as np
        >>> table = np.random.default_rng(0).normal(size=(60, 2)).round(1)
        >>> found = quality(table[:40], table[40:], verbose=False)
        >>> found.rows, found.faults
        ({'real': 40, 'synthetic': 20}, ())
    """
    rows, seed = whole_number(rows, "rows", least=1), seed_number(seed)
    tables = tables_of(real, synthetic, holdout, kinds=kinds)
    some = tables.some(rows, seed)
    chosen = target_of(tables.columns, some.real.values, _name(tables, target))
    steps = STEPS + (STEPS_OF_HOLDOUT if holdout is not None else 0)
    with progress_bar("measuring", steps, progress=verbose) as advance:
        faults, repeats = faults_of(tables), repeated(tables)
        advance()
        columns, made = tables.columns, some.synthetic.values
        like = [part.values for part in (some.real, some.holdout) if part is not None]
        near = fidelity(columns, some.real.values, made, np.concatenate(like), seed, advance)
        suspects = doubtful_pairs(near, SUSPECTS)
        apart = told_apart(columns, some.real.values, made, seed, advance, suspects=suspects)
        used = utility_of(some, chosen, seed)
        advance()
        nearer = nearest(some, seed, advance)
        own = own_apart = None
        if some.holdout is not None:
            parts = some.real.values, some.holdout.values
            own = fidelity(columns, *parts, parts[0], seed, advance)
            own_apart = told_apart(columns, *parts, seed, advance, by_column=False)
        advance()
    return Quality(
        fidelity=near,
        told_apart=apart,
        utility=used,
        nearest=nearer,
        repeated=repeats,
        faults=faults,
        holdout=own,
        holdout_apart=own_apart,
        rows=_counts(tables),
        measured=rows,
        seed=seed,
        left_out={out.name: out.reason for out in tables.schema.left_out},
        ignored=tables.ignored,
    )


def _name(tables: Tables, target: Any) -> str | None:
    """The name of the column to predict, which may be given as the table's own label."""
    return None if target is None else tables.schema.name_of(target)


def _counts(tables: Tables) -> dict[str, int]:
    parts: dict[str, Rows | None] = {
        "real": tables.real,
        "synthetic": tables.synthetic,
        "holdout": tables.holdout,
    }
    return {name: len(part) for name, part in parts.items() if part is not None}
