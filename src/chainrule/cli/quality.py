"""``chainrule quality``: how well a synthetic table, from any tool, imitates a real one."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule.arguments import MEASURED_ROWS
from chainrule.cli.checks import require_seed, require_table
from chainrule.cli.shown import print_line, print_table
from chainrule.cli.tables import (
    KIND_HELP,
    TABLE_HELP,
    DateFormatOption,
    DecimalOption,
    HeaderOption,
    NaValuesOption,
    ThousandsOption,
    kinds_of,
    print_json,
    reading_of,
    table_of,
)
from chainrule.errors import whole_number

NAME = "quality"
EXAMPLES = """\b
Examples:
  chainrule quality train.csv drawn.csv --holdout test.csv
  chainrule quality train.csv drawn.csv --target income --json > quality.json
"""


def run(
    real: Annotated[str, typer.Argument(help=f"The rows that are imitated. {TABLE_HELP}")],
    synthetic: Annotated[str, typer.Argument(help="Rows with the same columns, from any tool.")],
    holdout: Annotated[
        str | None,
        typer.Option(help="Real rows that the tool never saw: what they score is shown beside."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Column that models predict (default: the last with 2 to 20 labels)."),
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help=KIND_HELP)] = None,
    rows: Annotated[
        int, typer.Option(help="Most rows of each table that are measured; others are drawn.")
    ] = MEASURED_ROWS,
    seed: Annotated[int, typer.Option(help="Of samples, folds and trees.")] = 0,
    header: HeaderOption = None,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Measure how well a synthetic table, from any tool, imitates a real one. No model is needed.

    Distances of columns and pairs are those of SDMetrics, accuracy in bins is that of mostlyai-qa.
    Trees try to tell the rows apart, and name the columns that give them away.
    """
    require_seed(seed)
    whole_number(rows, "rows", least=1)
    kinds = kinds_of(kind)
    for text in (real, synthetic, *(() if holdout is None else (holdout,))):
        require_table(text)
    reading = reading_of(decimal, thousands, date_format, na_values)

    from chainrule.synthetic import quality

    tables = [
        None if text is None else table_of(text, None, usual=usual, header=header, reading=reading)
        for text, usual in ((real, "train"), (synthetic, "train"), (holdout, "test"))
    ]
    found = quality(*tables, kinds=kinds, target=target, rows=rows, seed=seed)
    if as_json:
        print_json(found.to_json())
        return
    for section in found.sections():
        numbers = section.columns[section.words :]
        print_table(section.columns, section.rows, title=section.title, numbers=numbers)
    for note in found.notes():
        print_line(note)
