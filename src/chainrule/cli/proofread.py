"""``chainrule proofread``: the cells of a table that are probably wrong, each with a suggestion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.arguments import require_fdr
from chainrule.cli.checks import require_model, require_seed, require_table, require_writable
from chainrule.cli.shown import print_line, print_table, say
from chainrule.cli.tables import (
    FRAME_TYPES,
    KIND_HELP,
    DateFormatOption,
    DecimalOption,
    FrameOption,
    GlobOption,
    GroupsOption,
    HeaderOption,
    NaValuesOption,
    SplitOption,
    StrictOption,
    TableArgument,
    ThousandsOption,
    chunks_of,
    completed,
    give_cells,
    kinds_of,
    reading_of,
    table_of,
)
from chainrule.errors import ChainruleError
from chainrule.training.arguments import require_run

NAME = "proofread"
EXAMPLES = """\b
Examples:
  chainrule proofread table.csv
  chainrule proofread table.csv --fdr 0.3 -o findings.csv
  chainrule proofread table.csv --html review.html
  chainrule proofread orders.csv --groups customer
  chainrule proofread new.csv -m m.chainrule --json
"""


def run(
    table: TableArgument,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", help="A model file of such a table (default: the table is fitted)."
        ),
    ] = None,
    fdr: Annotated[
        float, typer.Option(help="Expected share of false findings; 1 shows all that may be wrong.")
    ] = 0.1,
    effort: Annotated[
        str, typer.Option(help="quick, standard or best: how long the table is fitted.")
    ] = "quick",
    kind: Annotated[list[str] | None, typer.Option(help=KIND_HELP)] = None,
    groups: GroupsOption = None,
    time_limit_s: Annotated[
        float | None, typer.Option(help="Seconds that the fits of the table may take.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Makes the fit reproducible.")] = None,
    split: SplitOption = None,
    glob: GlobOption = False,
    header: HeaderOption = None,
    strict: StrictOption = False,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    output: FrameOption = None,
    html: Annotated[
        Path | None,
        typer.Option(help="File of a page on which findings are accepted or dismissed (.html)."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No kinds of columns, no bars.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the cells that are probably wrong, surest first: what each should be, and why.

    A cell is wrong if its value is rare given the rest of its row, and undoing a usual mistake
    makes the row likely. Without a model the table is fitted first. Rows count from 0. A terminal
    shows a table; otherwise the output is CSV. With a model, a large table is read in parts, and
    each part has its own rates of mistakes.
    """
    if output is not None:
        require_writable(output, FRAME_TYPES, inputs=(table, model))
    if html is not None:
        require_writable(html, (".html",), inputs=(table, model, output))
    if glob and (model is None or html is not None):
        raise ChainruleError(
            "--glob: files of a pattern are read in parts; pass --model, and no --html"
        )
    require_fdr(fdr)
    require_seed(seed)
    require_run(effort, time_limit_s, "auto")
    if groups is not None and model is not None:
        raise ChainruleError(f"--groups {groups}: --model is fitted already; leave one of them out")
    if time_limit_s is not None and model is not None:
        raise ChainruleError(
            f"--time-limit-s {time_limit_s:g}: --model is fitted already; leave one of them out"
        )
    kinds = kinds_of(kind)
    if model is not None:
        require_model(model)
    require_table(table, split, glob=glob)
    reading = reading_of(decimal, thousands, date_format, na_values)

    if model is None:
        from chainrule.training import proofread

        whole = table_of(table, split, usual="train", header=header, reading=reading)
        cells = proofread(
            whole, fdr, effort=effort, seed=seed, kinds=kinds, strict=strict, groups=groups,
            time_limit_s=time_limit_s, verbose=not (quiet or as_json),
        )  # fmt: skip
    else:
        from chainrule.density import load
        from chainrule.table import is_read_in_parts

        density = load(model)
        reading = completed(reading, density.schema)
        if html is None and (glob or (Path(table).exists() and is_read_in_parts(table))):
            whole = chunks_of(table, split, header=header, reading=reading, glob=glob)
        else:
            whole = table_of(table, split, header=header, reading=reading)
        cells = density.proofread(whole, fdr, strict=strict)
    if html is not None:
        from chainrule.review import write_review

        write_review(cells, table if Path(table).exists() else whole, html, header=header)
        say(f"{html}: {len(cells)} findings to review")
    give_cells(cells, output, as_json, _show)


def _show(cells: Any) -> None:
    if not len(cells):
        print_line("no cell is probably wrong")
        return
    rows = [
        (
            each["row"],
            each["column"],
            each["found"],
            each["suggested"],
            f"{each['probability']:.0%}",
            each["kind"],
            f"{each['bits']:.1f}",
            f"{each['q']:.3f}",
        )
        for each in cells.iter_rows(named=True)
    ]
    names = ("row", "column", "found", "suggested", "probability", "kind", "bits", "q")
    print_table(names, rows, numbers=("row", "probability", "bits", "q"))
