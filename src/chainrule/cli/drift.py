"""``chainrule drift``: whether a table is like the rows that a model was fitted to."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule.arguments import require_fail_under
from chainrule.cli.checks import STDIN, require_model, require_table
from chainrule.cli.shown import print_line, print_table, say
from chainrule.cli.tables import (
    TABLE_HELP,
    DateFormatOption,
    DecimalOption,
    HeaderOption,
    ModelArgument,
    NaValuesOption,
    SplitOption,
    TableArgument,
    ThousandsOption,
    chunks_of,
    completed,
    print_json,
    reading_of,
)
from chainrule.errors import ChainruleError

NAME = "drift"
EXAMPLES = """\b
Examples:
  chainrule drift m.chainrule today.csv
  chainrule drift m.chainrule today.csv --reference yesterday.csv
  chainrule drift m.chainrule today.csv --fail-under 0.001 --json > drift.json
"""
FOUND = 3  # the exit code


def run(
    model: ModelArgument,
    table: TableArgument,
    reference: Annotated[
        str | None,
        typer.Option(
            help="Rows to compare with (default: those that the fit held out, whose figures the "
            f"model file keeps). {TABLE_HELP}"
        ),
    ] = None,
    fail_under: Annotated[
        float,
        typer.Option(
            help="There is drift if the joint p-value of all differences is below this number, so "
            "that it is the largest probability of a false alarm. Changes with a q-value below it "
            "are named."
        ),
    ] = 0.01,
    split: SplitOption = None,
    header: HeaderOption = None,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all differences as JSON.")] = False,
) -> None:
    """Tell whether a table is like the rows that the model was fitted to, and what changed.

    Columns are compared by themselves and by their surprise given the rest of the row, and each
    pair of columns by its correlation. The exit code is 3 if there is drift. The columns that
    changed are then named on stderr.
    """
    require_fail_under(fail_under)
    require_model(model)
    require_table(table, split)
    if reference is not None:
        require_table(reference, split)
    if table == reference == STDIN:
        raise ChainruleError("--reference -: standard input is read once; name a file")
    reading = reading_of(decimal, thousands, date_format, na_values)

    from chainrule.density import load

    density = load(model)
    reading = completed(reading, density.schema)
    new, old = (
        None if text is None else chunks_of(text, split, header=header, reading=reading)
        for text in (table, reference)
    )
    found = density.drift(new, old, fail_under=fail_under)
    if as_json:
        print_json(found.to_json())
    else:
        for section in found.sections():
            numbers = section.columns[section.words :]
            print_table(section.columns, section.rows, title=section.title, numbers=numbers)
        for line in (found.compared, *found.notes):
            print_line(line)
    if found.found:
        say(f"chainrule: {found.sentence}")
        raise typer.Exit(FOUND)
    if not as_json:
        print_line(found.sentence)
