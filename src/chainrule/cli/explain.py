"""``chainrule explain``: the oddest cells of a table, and what was expected there."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from chainrule.arguments import cells_to_show
from chainrule.cli.checks import require_model, require_table, require_writable
from chainrule.cli.shown import print_table
from chainrule.cli.tables import (
    FRAME_TYPES,
    DateFormatOption,
    DecimalOption,
    FrameOption,
    HeaderOption,
    ModelArgument,
    NaValuesOption,
    SplitOption,
    StrictOption,
    TableArgument,
    ThousandsOption,
    chunks_of,
    completed,
    give_cells,
    give_frames,
    reading_of,
)

NAME = "explain"
EXAMPLES = """\b
Examples:
  chainrule explain m.chainrule table.csv --top 20
  chainrule explain m.chainrule table.csv --top 500 -o odd.csv
  chainrule explain m.chainrule table.csv --every-cell -o bits.parquet
"""


def run(
    model: ModelArgument,
    table: TableArgument,
    top: Annotated[int, typer.Option(help="How many of the oddest cells to show.")] = 20,
    every_cell: Annotated[
        bool,
        typer.Option(
            "--every-cell",
            help="Write the bits of every cell instead, as a table of the same columns.",
        ),
    ] = False,
    split: SplitOption = None,
    header: HeaderOption = None,
    strict: StrictOption = False,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    output: FrameOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the cells that are most surprising given the rest of their row, oddest first, and what
    was expected there.

    Bits are −log2 of the probability, given the rest of the row, of a value at most as likely as
    the cell's: 10 is one row in a thousand. Rows count from 0. A terminal shows a table; otherwise
    the output is CSV.
    """
    if output is not None:
        require_writable(output, FRAME_TYPES, inputs=(model, table))
    cells_to_show(top)
    require_model(model)
    require_table(table, split)
    reading = reading_of(decimal, thousands, date_format, na_values)

    from chainrule.density import load
    from chainrule.table import Sink
    from chainrule.tasks import oddest, tails

    density = load(model)
    chunks = chunks_of(
        table,
        split,
        header=header,
        reading=completed(reading, density.schema),
    )
    if every_cell:
        sink = Sink(partial(give_frames, output=output, as_json=as_json), as_text=False)
        tails(density.model, chunks, strict=strict, to=sink)
        return
    cells = oddest(density.model, chunks, top=top, strict=strict)
    give_cells(cells, output, as_json, _show)


def _show(cells: Any) -> None:
    rows = [
        (row, column, found, f"{bits:.1f}", expected)
        for row, column, found, bits, expected in cells.iter_rows()
    ]
    print_table(cells.columns, rows, numbers=("row", "bits"))
