"""``chainrule conditional``: the distribution of one column given the rest of each row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from chainrule.arguments import QUANTILES, require_quantiles
from chainrule.cli.checks import require_model, require_table, require_writable
from chainrule.cli.shown import left_to_print
from chainrule.cli.tables import (
    OUTPUT_TYPES,
    DateFormatOption,
    DecimalOption,
    HeaderOption,
    ModelArgument,
    NaValuesOption,
    OutputOption,
    SplitOption,
    StrictOption,
    TableArgument,
    ThousandsOption,
    chunks_of,
    completed,
    give_frames,
    reading_of,
)

NAME = "conditional"
EXAMPLES = """\b
Examples:
  chainrule conditional m.chainrule table.csv income
  chainrule conditional m.chainrule table.csv age --quantile 0.1 --quantile 0.9 -o ages.csv
"""


def run(
    model: ModelArgument,
    table: TableArgument,
    column: Annotated[
        str,
        typer.Argument(
            help="The column whose distribution to print; its own cells are never read."
        ),
    ],
    quantile: Annotated[
        list[float] | None,
        typer.Option(
            help="A quantile, for numbers and dates (repeatable; default: 0.05, 0.25, 0.5, 0.75, "
            "0.95)."
        ),
    ] = None,
    split: SplitOption = None,
    header: HeaderOption = None,
    strict: StrictOption = False,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    output: OutputOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the columns as JSON.")] = False,
) -> None:
    """Print p(column | the other known cells) for each row: probabilities of levels, or quantiles
    of numbers.

    A terminal shows a few rows as a table; otherwise the output is CSV.
    """
    if output is not None:
        require_writable(output, OUTPUT_TYPES, inputs=(model, table))
    quantiles = tuple(quantile or QUANTILES)
    require_quantiles(quantiles)
    require_model(model)
    require_table(table, split)
    reading = reading_of(decimal, thousands, date_format, na_values)

    from chainrule.cli.models import scorer_for
    from chainrule.table import Sink

    scorer = scorer_for(model, table)
    # Raises before the table is read.
    asked = scorer.schema.columns[scorer.schema.number(column)]
    chunks = chunks_of(
        table,
        split,
        header=header,
        reading=completed(reading, scorer.schema),
    )

    def show(frames: Iterator[Any]) -> None:
        if output is None and not as_json:
            title = f"p({column} | the other known cells of the row)"
            frames = left_to_print(frames, title, percent=asked.has_levels)
        give_frames(frames, output, as_json)

    scorer.ask(
        "conditional",
        chunks,
        column,
        quantiles=quantiles,
        strict=strict,
        to=Sink(show, as_text=False),
    )
