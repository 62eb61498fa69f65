"""``chainrule impute``: fills the missing cells of a table."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from chainrule.arguments import require_how
from chainrule.cli.checks import (
    require_model,
    require_seed,
    require_table,
    require_workers,
    require_writable,
)
from chainrule.cli.tables import (
    FRAME_TYPES,
    DateFormatOption,
    DecimalOption,
    FrameOption,
    GlobOption,
    HeaderOption,
    ModelArgument,
    NaValuesOption,
    SplitOption,
    StrictOption,
    TableArgument,
    ThousandsOption,
    WorkersOption,
    chunks_of,
    completed,
    give_frames,
    reading_of,
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
        typer.Option(
            help="best: the most probable level, the median; mean: the mean of numbers; draw: all "
            "missing cells of a row jointly."
        ),
    ] = "best",
    seed: Annotated[int | None, typer.Option(help="Makes draws reproducible.")] = None,
    condition: Annotated[
        str | None,
        typer.Option(
            "--given",
            metavar="EVENT",
            help="An event in words, as for ask, that holds in every filled row; with --how draw.",
        ),
    ] = None,
    split: SplitOption = None,
    glob: GlobOption = False,
    workers: WorkersOption = 1,
    header: HeaderOption = None,
    strict: StrictOption = False,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    output: FrameOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the columns as JSON.")] = False,
) -> None:
    """Fill the missing cells of a table from p(missing cells | known cells); known cells stay as
    they are.

    CSV and Parquet are read, filled and written in chunks, so that a table of any length fits in
    memory. From CSV to CSV, known cells keep their text without surrounding spaces, and filled
    cells are written in the same way. Words for missing values become empty cells. Columns that the
    model leaves out pass through unchanged.
    """
    if output is not None:
        require_writable(output, FRAME_TYPES, inputs=(model, table), parts=True)
    require_how(how)
    require_seed(seed)
    require_workers(workers)
    require_model(model)
    require_table(table, split, glob=glob)
    reading = reading_of(decimal, thousands, date_format, na_values)

    from chainrule.cli.models import scorer_for
    from chainrule.cli.workers import ask
    from chainrule.table import Sink

    load = partial(scorer_for, model, table, glob=glob)
    scorer = load()
    chunks = chunks_of(
        table,
        split,
        header=header,
        reading=completed(reading, scorer.schema),
        glob=glob,
    )
    as_text = not as_json and (output is None or output.suffix == ".csv")
    sink = Sink(partial(give_frames, output=output, as_json=as_json), as_text)
    ask(
        scorer, "impute", chunks, sink, workers=workers, load=load, how=how,
        seed=seed, strict=strict, given=condition,
    )  # fmt: skip
