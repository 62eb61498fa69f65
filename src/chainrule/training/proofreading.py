"""Fits a table and proofreads it: a model of the table's own errors would not find them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.arguments import DEFAULT_TIES, MIN_COUNT, require_fdr
from chainrule.errors import SchemaError, whole_number
from chainrule.rng import fresh_seed
from chainrule.table import Schema, Table, read_table
from chainrule.table.blanked import blanked, read_as_numbers
from chainrule.table.inference.strays import find_strays
from chainrule.table.values.cells import looks, numbers_if_any
from chainrule.tasks import proofread_by
from chainrule.tasks.proofreading.written import is_off_grid
from chainrule.training.arguments import require_run
from chainrule.training.config import FitConfig
from chainrule.training.fitting import fit
from chainrule.training.groups import LEAST_GROUPS, Groups, schema_beside
from chainrule.training.rows import checked_weight
from chainrule.training.time_limit import TimeLimit

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
    strict: bool = False,
    min_count: int = MIN_COUNT,
    sample_weight: Any = None,
    groups: Any = None,
    config: FitConfig | None = None,
    time_limit_s: float | None = None,
    device: str = "auto",
    verbose: bool = True,
) -> Any:
    """Returns the cells of a table that are probably wrong, surest first.

    Their columns are those of ``tasks.proofread``.

    The table is fitted first, without the numbers that lie between the points of a grid on which
    nearly all others lie, and without text among numbers or dates. A word of ``min_count`` rows
    among numbers stands for a missing cell. A model that has seen an error expects it, above all in
    a small table. So the rows of a table of up to 5,000 rows are judged by models of the others.

    Keywords that ``fit`` has too mean the same in each fit. Those of ``fit`` that are missing here
    choose a network of one order, or concern the file of one model. ``fit`` takes them, and
    ``Density.proofread`` asks its result.

    Args:
        table: a pandas, polars or Arrow frame, an ndarray (N, D), or a path of CSV or Parquet.
        fdr: the expected share of false findings; 1 returns all cells that may be wrong.
        folds: shares of the rows that are judged by a model of all others. 1 fits one model of the
            whole table. By default 5, and 1 if a table has more than 5,000 or less than 50 rows,
            or fewer than 3 ``groups``.
        effort: "quick", "standard" or "best", for each fit; see ``fit``.
        seed: makes the fits and the folds reproducible.
        kinds: the kinds of some columns; see ``fit``.
        missing: "unknown" or "informative"; see ``fit``.
        ties: which relations between columns are used; see ``fit``.
        strict: raise if columns would be left out with a warning; their cells are not judged.
        min_count: the least number of rows that make a level, an atom or a stored number.
        sample_weight: (N,), how much each row counts in a fit. Rows of weight zero are judged, too.
        groups: the name of a column, or a key for each row (N,): rows of one group, such as those
            of one customer, are judged by a model of other groups. See ``fit``. The column is not
            judged, unless ``kinds`` has its kind.
        config: sizes, learning rate and other settings; see ``fit``.
        time_limit_s: seconds after which the last fit returns, about. The fits share them. To judge
            the cells takes further time.
        device: "auto", "cpu" or "cuda".
        verbose: print the assumed kinds to stderr, and progress bars.

    Raises:
        ChainruleError: an option that no fit can have, or an ``fdr`` not in (0, 1].
        SchemaError: a table that cannot be fitted; see ``fit``. More ``folds`` than ``groups``, or
            so few groups that a fit would have one.

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
    fdr, limit = require_fdr(fdr), TimeLimit(time_limit_s)
    require_run(effort, time_limit_s, device)
    read = read_table(table)
    together, weight = Groups.of(groups, read), checked_weight(sample_weight, len(read))
    counted = together
    if together is not None and weight is not None:
        counted = together.take(np.flatnonzero(weight))
    folds = _folds(folds, len(read), counted)
    seed = fresh_seed() if seed is None else seed
    read, fitted, kinds = _without_strays(read, kinds, min_count)
    if folds > 1:
        kinds = schema_beside(
            together,
            fitted if weight is None else fitted.take(np.flatnonzero(weight)),
            kinds=kinds, strict=strict, missing=missing, ties=ties, min_count=min_count,
        )  # fmt: skip
    rng = np.random.default_rng(seed)
    fold = rng.permutation(len(read)) % folds
    if together is not None:
        fold = together.folds(folds, rng, weight)
    models = []
    for number in range(folds):
        others = np.flatnonzero(fold != number) if folds > 1 else np.arange(len(read))
        density = fit(
            fitted if folds == 1 else fitted.take(others),
            effort=effort, seed=seed, kinds=kinds, missing=missing, ties=ties, strict=strict,
            min_count=min_count, config=config, device=device,
            sample_weight=None if weight is None else weight[others],
            groups=None if together is None else together.take(others),
            time_limit_s=limit.of_next(folds - number), verbose=verbose and number == 0,
        )  # fmt: skip
        models.append(density.model)
    return proofread_by(models, read, fold=fold, fdr=fdr, progress=verbose)


def _without_strays(
    table: Table, kinds: Mapping[str, Any] | Schema | None, min_count: int
) -> tuple[Table, Table, Mapping[str, Any] | Schema | None]:
    """The table without words for missing cells; the same without cells that look wrong; kinds."""
    strays = find_strays(table, known=_names(kinds), min_count=min_count)
    table = blanked(table, strays.words)
    fitted = read_as_numbers(blanked(table, strays.wrong), strays.wrong)
    if not isinstance(kinds, Schema) and strays.codes:
        kinds = {**(kinds or {}), **dict.fromkeys(strays.codes, "categorical")}
    return table, blanked(fitted, _off_grid(fitted)), kinds


def _names(kinds: Mapping[str, Any] | Schema | None) -> Collection[str]:
    """The names of the columns whose kinds are given."""
    return kinds.names if isinstance(kinds, Schema) else kinds or ()


def _folds(folds: int | None, rows: int, groups: Groups | None) -> int:
    """The number of folds; raises SchemaError if a fold of so many leaves no two groups to fit."""
    usual = FOLDS if LEAST_ROWS <= rows <= MOST_ROWS else 1
    if groups is not None and len(groups) < usual:
        usual = len(groups) if len(groups) > LEAST_GROUPS else 1
    if folds is None:
        return usual
    found = min(whole_number(folds, "folds", least=1), max(rows, 1))
    if groups is not None and found > 1:
        in_a_fold = -(-len(groups) // found)
        if found > len(groups) or len(groups) - in_a_fold < LEAST_GROUPS:
            raise SchemaError(
                f"folds = {folds}: the rows have {len(groups)} group(s), each of which is in one "
                f"fold, and each fit needs {LEAST_GROUPS} groups of other folds; pass folds={usual}"
            )
    return found


def _off_grid(table: Table) -> dict[int, np.ndarray]:
    """The numbers (N,) off their column's grid, by the position of the column."""
    found = {}
    for position, cells in enumerate(table.columns):
        if looks(cells) == "number":
            numbers = numbers_if_any(cells)
            found[position] = is_off_grid(np.where(np.isfinite(numbers), numbers, np.nan))
    return found
