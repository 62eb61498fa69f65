"""``chainrule score``: how likely each row of a table is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from chainrule.cli.tables import (
    HEADER_HELP,
    OUTPUT_TYPES,
    TABLE_HELP,
    print_json,
    require_writable,
    table_of,
    write_columns,
)

NAME = "score"
EXAMPLES = """\b
Examples:
  chainrule score m.chainrule test.csv -o nats.csv
  chainrule score m.chainrule digits --split test --json
"""


def run(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    table: Annotated[str, typer.Argument(help=TABLE_HELP)],
    split: Annotated[
        str | None, typer.Option(help="Split of a data set, or array of an .npz file (default: test).")
    ] = None,
    header: Annotated[bool | None, typer.Option("--header/--no-header", help=HEADER_HELP)] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; default: stdout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print mean, standard error and rows as JSON.")] = False,
) -> None:
    """Print log p of each row, in nats. Empty cells are unknown: a row's score is the marginal of its known cells."""
    from chainrule.density import load

    if output is not None:
        require_writable(output, OUTPUT_TYPES, inputs=(model, table))
    nats = load(model).log_prob(table_of(table, split, usual="test", header=header))
    mean = float(nats.mean()) if len(nats) else None
    error = float(nats.std(ddof=1) / len(nats) ** 0.5) if len(nats) > 1 else None
    if as_json:
        print_json({"rows": len(nats), "mean": mean, "standard_error": error, "log_prob": nats.tolist()})
    if output is not None or not as_json:
        write_columns({"row": np.arange(len(nats)), "log_prob": nats}, output)
    if mean is not None:
        spread = "" if error is None else f" ± {error:.4f}"
        print(f"{len(nats)} rows, mean log-likelihood {mean:.4f}{spread} nats", file=sys.stderr)
