"""``chainrule datasets``: the data sets known by name."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule import datasets
from chainrule.cli.tables import print_json

NAME = "datasets"
EXAMPLES = """\b
Examples:
  chainrule datasets
"""


def run(as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False) -> None:
    """List the data sets that can be named instead of a file, with rows, columns, source and licence."""
    from rich.console import Console
    from rich.table import Table

    if as_json:
        keys = ("name", "title", "columns", "rows", "source", "licence")
        print_json([{key: getattr(info, key) for key in keys} for info in datasets.list()])
        return
    table = Table(show_lines=True)
    table.add_column("name", no_wrap=True)
    table.add_column("columns", justify="right")
    table.add_column("train / valid / test", justify="right", no_wrap=True)
    table.add_column("title, source, licence", overflow="fold")
    for info in datasets.list():
        about = f"{info.title}\nsource: {info.source}\nlicence: {info.licence}"
        table.add_row(info.name, str(info.columns), " / ".join(f"{n:,}" for n in info.rows), about)
    Console().print(table)
