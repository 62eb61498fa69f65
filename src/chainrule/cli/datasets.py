"""``chainrule datasets``: the data sets known by name."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule import datasets
from chainrule.cli.tables import print_json

NAME = "datasets"
EXAMPLES = "Example:  chainrule datasets"


def run(as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False) -> None:
    """List the data sets that can be named instead of a file, with rows, columns, source and licence."""
    from rich.console import Console
    from rich.table import Table

    if as_json:
        keys = ("name", "title", "columns", "rows", "source", "licence")
        print_json([{key: getattr(info, key) for key in keys} for info in datasets.list()])
        return
    table = Table()
    table.add_column("name", no_wrap=True)
    table.add_column("title")
    table.add_column("columns", justify="right")
    table.add_column("train / valid / test", justify="right", no_wrap=True)
    table.add_column("source")
    table.add_column("licence")
    for info in datasets.list():
        rows = " / ".join(f"{n:,}" for n in info.rows)
        table.add_row(info.name, info.title, str(info.columns), rows, info.source, info.licence)
    Console().print(table)
