"""``chainrule report``: one page about a table, by its density."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.checks import require_model, require_seed, require_table, require_writable
from chainrule.cli.shown import say
from chainrule.cli.tables import (
    DateFormatOption,
    DecimalOption,
    HeaderOption,
    ModelArgument,
    NaValuesOption,
    SplitOption,
    TableArgument,
    ThousandsOption,
    completed,
    reading_of,
    table_of,
)

NAME = "report"
EXAMPLES = """\b
Examples:
  chainrule report m.chainrule table.csv
  chainrule report m.chainrule old.csv --new today.csv -o today.html
"""
PAGE = Path("report.html")


def run(
    model: ModelArgument,
    table: TableArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page to write (.html).")
    ] = PAGE,
    new: Annotated[
        str | None, typer.Option(help="Rows that are compared with the table, to find drift.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the rows that are drawn.")] = 0,
    split: SplitOption = None,
    header: HeaderOption = None,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Write a page about a table: wrong and missing cells; odd rows; which columns depend on each
    other; each column, real and by the model; drawn rows beside real ones.

    The page is one file that loads nothing from elsewhere.
    """
    require_writable(output, (".html",), inputs=(model, table))
    require_seed(seed)
    require_model(model)
    require_table(table, split)
    if new is not None:
        require_table(new)
    reading = reading_of(decimal, thousands, date_format, na_values)

    from chainrule.density import load

    density = load(model)
    reading = completed(reading, density.schema)
    whole = table_of(table, split, header=header, reading=reading)
    others = None if new is None else table_of(new, None, header=header, reading=reading)
    density.report(whole, output, new=others, seed=seed, verbose=not quiet)
    say(f"{output}: a page about {len(whole):,} rows")
