"""``chainrule datasets``: lists the data sets that have a name."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule import datasets
from chainrule.cli.shown import print_table
from chainrule.cli.tables import print_json

NAME = "datasets"
EXAMPLES = """\b
Examples:
  chainrule datasets
"""


def run(
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the data sets that can be named instead of a file, with rows, columns, source and
    licence.
    """
    if as_json:
        keys = ("name", "title", "columns", "rows", "source", "licence")
        print_json([{key: getattr(info, key) for key in keys} for info in datasets.list()])
        return
    rows = [
        (
            info.name,
            info.columns,
            " / ".join(f"{n:,}" for n in info.rows),
            (info.title, f"source: {info.source}", f"licence: {info.licence}"),
        )
        for info in datasets.list()
    ]
    columns = ("name", "columns", "train / valid / test", "title, source, licence")
    print_table(columns, rows, numbers=columns[1:3], lines=True)
