"""``chainrule explain``: the oddest cells or rows of a table, and what was expected there."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from chainrule.arguments import cells_to_show, require_fdr
from chainrule.cli.checks import (
    require_model,
    require_table,
    require_workers,
    require_writable,
)
from chainrule.cli.shown import print_line, print_table, say
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
    give_cells,
    give_frames,
    reading_of,
    table_of,
)
from chainrule.errors import ShapeError

FDR = 0.1
NAME = "explain"
EXAMPLES = """\b
Examples:
  chainrule explain m.chainrule table.csv --top 20
  chainrule explain m.chainrule table.csv --top 500 -o odd.csv
  chainrule explain m.chainrule table.csv --every-cell -o bits.parquet
  chainrule explain m.chainrule table.csv --rows --fdr 0.05
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
    rows: Annotated[
        bool,
        typer.Option("--rows", help="Show odd rows instead, and the cells that make them odd."),
    ] = False,
    fdr: Annotated[
        float | None,
        typer.Option(
            help="With --rows, expected share of ordinary rows; 1 shows all rows (default: 0.1)."
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the cells that are most surprising given the rest of their row, oddest first, and what
    was expected there.

    Bits are −log2 of the probability, given the rest of the row, of a value at most as likely as
    the cell's: 10 is one row in a thousand. In Python, density.oddest has the same bits, and
    density.explain has others. Rows count from 0. A terminal shows a table; otherwise the output is
    CSV.

    With --rows, the p-value of a row is the probability that an ordinary row with the same known
    cells is as odd. The score is its −log2, and q the expected share of ordinary rows among this
    row and those above it.
    """
    if output is not None:
        require_writable(output, FRAME_TYPES, inputs=(model, table), parts=True)
    cells_to_show(top)
    if fdr is not None and not rows:
        raise ShapeError(f"--fdr {fdr:g} is for --rows: add --rows, or leave --fdr out")
    fdr = require_fdr(FDR if fdr is None else fdr)
    if rows and every_cell:
        raise ShapeError("--rows and --every-cell are two questions: leave one of them out")
    require_workers(workers)
    if workers > 1 and rows:
        raise ShapeError(f"--rows ranks rows among each other: leave --workers {workers} out")
    require_model(model)
    require_table(table, split, glob=glob)
    reading = reading_of(decimal, thousands, date_format, na_values)

    from chainrule.cli.models import scorer_for
    from chainrule.cli.workers import ask
    from chainrule.table import Sink

    load = partial(scorer_for, model, table, glob=glob)
    scorer = load()
    reading = completed(reading, scorer.schema)
    if rows:
        whole = table_of(table, split, header=header, reading=reading)
        found = scorer.odd_rows(whole, fdr, strict=strict)
        held = (scorer.training.get("calibration") or {}).get("rows", 0)
        if held and len(found):
            say(
                f"p-values below 1/{held + 1} = {1 / (held + 1):.2g} follow from the tail of "
                f"{held} held-out rows"
            )
        give_cells(found, output, as_json, _show_rows)
        return
    chunks = chunks_of(table, split, header=header, reading=reading, glob=glob)
    if every_cell:
        sink = Sink(partial(give_frames, output=output, as_json=as_json), as_text=False)
        ask(scorer, "tails", chunks, sink, workers=workers, load=load, strict=strict)
        return
    if workers > 1:
        import polars as pl

        found: list[Any] = []
        how = {"workers": workers, "load": load, "top": top, "strict": strict}
        ask(scorer, "oddest_of_parts", chunks, Sink(found.extend, as_text=False), **how)
        every = pl.concat(found).sort("distance", "bits", "relative", descending=True)
        cells = every.drop("distance", "relative").head(top)
    else:
        cells = scorer.ask("oddest", chunks, top=top, strict=strict)
    give_cells(cells, output, as_json, _show)


def _show_rows(found: Any) -> None:
    if not len(found):
        print_line("no row is odd at this share of false findings")
        return
    rows = [
        (
            each["row"],
            f"{each['score']:.1f}",
            f"{each['p_value']:.2g}",
            f"{each['q_value']:.2g}",
            each["column"],
            each["found"],
            f"{each['bits']:.1f}",
            each["expected"],
            each["others"],
        )
        for each in found.iter_rows(named=True)
    ]
    print_table(found.columns, rows, numbers=("row", "score", "p_value", "q_value", "bits"))


def _show(cells: Any) -> None:
    rows = [
        (row, column, found, f"{bits:.1f}", expected)
        for row, column, found, bits, expected in cells.iter_rows()
    ]
    print_table(cells.columns, rows, numbers=("row", "bits"))
