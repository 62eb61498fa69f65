"""How large the measurements are: for results, or only to see that they run."""

from __future__ import annotations

from dataclasses import dataclass

TABLES = ("adult", "bank_marketing", "beijing_pm25", "online_shoppers", "titanic")
MOST_ROWS = 10**9  # more than any table has


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Rows, repeats and seeds of all parts.

    Attributes:
        threads: the numbers of threads that are measured, each in processes of its own.
        turns: how often short measurements are repeated, the versions in turns.
        seeds: the seeds of default fits, 100 and on: seeds below choose no rules.
        tables, efforts: of default fits.
        fit_rows: training rows of default fits.
        step_rows: training rows of the fits whose steps are timed, in full batches of 128.
        step_epochs: epochs of the shorter of two fits whose difference is timed.
        calls: calls of a NADE within a turn.
        nade: rows, columns, hidden units and density of the headline shape.
        wide: rows, columns, and rows of the fit, of a table of many columns.
        growth_rows, growth_columns: the numbers whose epochs are compared.
        growth_least: rows that the shorter of two fits reads at least, in all epochs.
        whole_rows: rows of the whole table of adult.
    """

    threads: tuple[int, ...] = (1, 2)
    turns: int = 5
    seeds: tuple[int, ...] = (100, 101, 102)
    tables: tuple[str, ...] = TABLES
    efforts: tuple[str, ...] = ("quick", "standard")
    fit_rows: int = 7_000
    step_rows: int = 55 * 128
    step_epochs: tuple[int, int] = (8, 4)  # quick, standard
    calls: int = 5
    nade: tuple[int, int, int, float] = (100, 784, 500, 0.13)
    wide: tuple[int, int, int] = (20, 300, 500)
    growth_rows: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    growth_columns: tuple[int, ...] = (15, 50, 150)
    growth_least: int = 40_000
    whole_rows: int = MOST_ROWS


SMALL = Sizes(
    turns=1,
    seeds=(100,),
    tables=("titanic",),
    efforts=("quick",),
    fit_rows=300,
    step_rows=4 * 128,
    step_epochs=(2, 1),
    calls=1,
    nade=(20, 60, 30, 0.13),
    wide=(4, 12, 200),
    growth_rows=(500, 1_000),
    growth_columns=(5, 10),
    growth_least=2_000,
    whole_rows=500,
)
