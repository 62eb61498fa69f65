"""Fits a table and proofreads it: a model of the table's own errors would not find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.arguments import require_fdr
from chainrule.errors import whole_number
from chainrule.rng import fresh_seed
from chainrule.table import DEFAULT_TIES, MIN_COUNT, Schema, Table, infer_schema, read_table
from chainrule.table.blanked import blanked
from chainrule.table.values.cells import looks, numbers_if_any
from chainrule.tasks import proofread_by
from chainrule.tasks.proofreading.written import is_off_grid
from chainrule.training.config import FitConfig
from chainrule.training.fitting import fit

FOLDS = 5
MOST_ROWS = 5_000  # of a table whose rows are judged by models of the other rows
LEAST_ROWS = 50  # of such a table


def proofread(
    table: Any,
    fdr: float = 0.1,
    *,
    folds: int | None = None,
    effort: str = "quick",
    seed: int | None = None,
    kinds: Mapping[str, Any] | Schema | None = None,
    missing: str = "unknown",
    ties: str | Sequence[str | tuple[str, str]] = DEFAULT_TIES,
    min_count: int = MIN_COUNT,
    config: FitConfig | None = None,
    device: str = "auto",
    verbose: bool = True,
) -> Any:
    """Returns the cells of a table that are probably wrong, surest first.

    Their columns are those of ``tasks.proofread``.

    The table is fitted first, without the numbers that lie between the points of a grid on which
    nearly all others lie. A model that has seen an error expects it, above all in a small table. So
    the rows of a table of up to 5,000 rows are judged by models of the other rows.

    Args:
        table: a pandas, polars or Arrow frame, an ndarray (N, D), or a path of CSV or Parquet.
        fdr: the expected share of false findings; 1 returns all cells that may be wrong.
        folds: shares of the rows that are judged by a model of all others. 1 fits one model of the
            whole table. By default 5, and 1 if a table has more than 5,000 or less than 50 rows.
        effort: "quick", "standard" or "best", for each fit; see ``fit``.
        seed: makes the fits and the folds reproducible.
        kinds: the kinds of some columns; see ``fit``.
        missing: "unknown" or "informative"; see ``fit``.
        ties: which relations between columns are used; see ``fit``.
        min_count: the least number of rows that make a level, an atom or a stored number.
        config: sizes, learning rate and other settings; see ``fit``.
        device: "auto", "cpu" or "cuda".
        verbose: print the assumed kinds to stderr, and progress bars.

    Raises:
        ChainruleError: an option that no fit can have, or an ``fdr`` not in (0, 1].
        SchemaError: a table that cannot be fitted; see ``fit``.

    Examples:
        >>> import chainrule as cr
        >>> import polars as pl
        >>> years = np.arange(200) % 40 + 1960
        >>> frame = pl.DataFrame({"born": years, "age": 2020 - years})
        >>> frame[7, "age"] = 530  # born in 1967
        >>> findings = cr.proofread(frame, seed=0, folds=1, verbose=False)
        >>> findings.select("row", "column", "found", "suggested", "kind").row(0)
        (7, 'age', '530', '53', 'decimal point')
    """
    fdr = require_fdr(fdr)
    read = read_table(table)
    folds = _folds(folds, len(read))
    seed = fresh_seed() if seed is None else seed
    fitted = blanked(read, _off_grid(read))
    if folds > 1:
        kinds = infer_schema(fitted, kinds=kinds, missing=missing, ties=ties, min_count=min_count)
    fold = np.random.default_rng(seed).permutation(len(read)) % folds
    models = []
    for number in range(folds):
        rows = fitted if folds == 1 else fitted.take(np.flatnonzero(fold != number))
        density = fit(
            rows, effort=effort, seed=seed, kinds=kinds, missing=missing, ties=ties,
            min_count=min_count, config=config, device=device,
            verbose=verbose and number == 0,
        )  # fmt: skip
        models.append(density.model)
    return proofread_by(models, read, fold=fold, fdr=fdr, progress=verbose)


def _folds(folds: int | None, rows: int) -> int:
    if folds is None:
        return FOLDS if LEAST_ROWS <= rows <= MOST_ROWS else 1
    return min(whole_number(folds, "folds", least=1), max(rows, 1))


def _off_grid(table: Table) -> dict[int, np.ndarray]:
    """The numbers (N,) off their column's grid, by the position of the column."""
    found = {}
    for position, cells in enumerate(table.columns):
        if looks(cells) == "number":
            numbers = numbers_if_any(cells)
            found[position] = is_off_grid(np.where(np.isfinite(numbers), numbers, np.nan))
    return found
