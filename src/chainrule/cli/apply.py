"""``chainrule apply``: makes the changes of a patch in a table, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.checks import require_table, require_writable
from chainrule.cli.shown import say
from chainrule.cli.tables import HeaderOption

NAME = "apply"
EXAMPLES = """\b
Examples:
  chainrule apply patch.csv table.csv -o clean.csv
  chainrule apply patch.csv table.parquet -o clean.parquet
"""


def run(
    patch: Annotated[
        Path, typer.Argument(help="A CSV file with the columns row, column, old, new.")
    ],
    table: Annotated[Path, typer.Argument(help="The CSV or Parquet file to change.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write, of the table's type.")
    ],
    header: HeaderOption = None,
) -> None:
    """Write a table with the changes of a patch, such as the page of a review saves it.

    Each row of a patch is a cell: row (from 0), column, what stands there (old) and what is to
    stand there (new). Nothing is written unless every cell holds its old. In CSV all other bytes
    stay as they are: quotes, line ends, blanks.
    """
    require_writable(output, inputs=(patch, table))
    for path in (patch, table):
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file")
        require_table(str(path))

    from chainrule.review import apply_patch
    from chainrule.review.patch import changes_of

    apply_patch(table, patch, to=output, header=header)
    count = len(changes_of(patch))
    say(f"{output}: {table} with {count} changed cell{'s' * (count != 1)}")
