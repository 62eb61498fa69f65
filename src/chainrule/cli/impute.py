"""``chainrule impute``: a table with its holes filled."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

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
    give_frames,
    parts_of,
    reading_of,
    require_writable,
)

NAME = "impute"
EXAMPLES = """\b
Examples:
  chainrule impute m.chainrule holes.csv -o filled.csv
  chainrule impute m.chainrule holes.csv --how draw --seed 0 -o drawn.parquet
"""


def run(
    model: ModelArgument,
    table: TableArgument,
    how: Annotated[
        str,
        typer.Option(help="best: the likeliest level, the median; mean; or draw: all holes of a row together."),
    ] = "best",
    seed: Annotated[int | None, typer.Option(help="Makes draws reproducible.")] = None,
    split: SplitOption = None,
    header: HeaderOption = None,
    strict: StrictOption = False,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    output: FrameOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the columns as JSON.")] = False,
) -> None:
    """Fill the empty cells of a table from p(holes | known cells); known cells stay as they are.

    CSV and Parquet are read, filled and written in parts, so that a table of any length fits in memory. From CSV to CSV cells
    stay as they are written, but for spaces around them, and what is filled is written alike; words for unknown are empty.
    Columns that were left out of the model pass through, holes and all.
    """
    from chainrule.density import load
    from chainrule.errors import ShapeError, unknown_choice
    from chainrule.table import Sink
    from chainrule.tasks import impute
    from chainrule.tasks.impute import HOW

    if output is not None:
        require_writable(output, FRAME_TYPES, inputs=(model, table))
    if how not in HOW:
        raise ShapeError(unknown_choice("how", how, HOW))
    density = load(model)
    parts = parts_of(
        table, split, header=header, reading=reading_of(decimal, thousands, date_format, na_values, density.schema)
    )
    as_text = not as_json and (output is None or output.suffix == ".csv")
    sink = Sink(partial(give_frames, output=output, as_json=as_json), as_text)
    impute(density.model, parts, how=how, seed=seed, strict=strict, to=sink)
