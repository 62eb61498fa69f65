"""``chainrule sample``: new rows, free or completing what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.tables import HEADER_HELP, OUTPUT_TYPES, given_table, print_json, require_writable, write_columns

NAME = "sample"
EXAMPLES = """\b
Examples:
  chainrule sample m.chainrule -n 1000 --seed 0 -o rows.csv
  chainrule sample m.chainrule --given holes.csv
  chainrule sample m.chainrule -n 5 --given x0=1 --given x3=0
"""


def run(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    n: Annotated[int | None, typer.Option("-n", help="Rows to draw (default: 10, or one for each row given).")] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            help="A known cell, NAME=VALUE (repeatable); or a file of one row or n rows with empty cells to fill."
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(help="Divides every logit; below 1 draws likelier rows.")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Makes the draw reproducible.")] = None,
    header: Annotated[bool | None, typer.Option("--header/--no-header", help=HEADER_HELP)] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; default: stdout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Draw rows from a model, one column at a time."""
    from chainrule.density import load
    from chainrule.tasks.sample import sample_columns

    if output is not None:
        require_writable(output, OUTPUT_TYPES, inputs=(model, *(given or [])))
    density = load(model)
    evidence = given_table(given, header) if given else None
    if n is None:
        n = 10 if evidence is None else len(evidence)
    columns = sample_columns(density.model, n, given=evidence, temperature=temperature, seed=seed)
    if as_json:
        print_json({name: values.tolist() for name, values in columns.items()})
    if output is not None or not as_json:
        write_columns(columns, output)
