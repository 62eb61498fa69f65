"""The page of a table: it loads nothing from elsewhere, and needs no script."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.atomic import write_bytes
from chainrule.errors import SchemaError
from chainrule.html_pages import page_of
from chainrule.model import Model
from chainrule.progress import progress_bar
from chainrule.table import column_positions, read_table
from chainrule.table_report import sections
from chainrule.table_report.asked import Asked, facts
from chainrule.table_report.parts import LONG


def write_report(
    model: Model,
    table: Any,
    path: str | os.PathLike[str],
    *,
    training: Mapping[str, Any],
    new: Any = None,
    seed: int = 0,
    verbose: bool = True,
) -> Path:
    """Writes the page of ``report_page`` to a file, and returns its path."""
    target = Path(path)
    page = report_page(model, table, training=training, new=new, seed=seed, verbose=verbose)
    write_bytes(target, page.encode())
    return target


def report_page(
    model: Model,
    table: Any,
    *,
    training: Mapping[str, Any],
    new: Any = None,
    seed: int = 0,
    verbose: bool = True,
) -> str:
    """Returns an HTML page about a table, by its density.

    It begins with what was found: whether new rows are like the table, which cells are probably
    wrong, which rows are odd, which cells are missing and what belongs there, and which columns
    depend on each other. How far to trust this follows: each column in the table and by the model,
    whether probabilities are right, how real drawn rows are, and what was assumed.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted: a frame, an array or a path.
        training: the density's training record.
        new: rows that are compared with the table, to find drift.
        seed: decides which rows are drawn.
        verbose: show a progress bar on stderr.

    Raises:
        SchemaError: a table without rows, or without the model's columns.
    """
    read = read_table(table, reading=model.schema.reading)
    if not len(read):
        raise SchemaError(f"{read.source}: has no rows to write a report of")
    at, schema = column_positions(read, model.schema), model.schema
    if lacking := [str(c.name) for c in schema.columns_without_flags if c.name not in at]:
        raise SchemaError(
            f"{read.source}: lacks the column(s) {', '.join(map(repr, lacking))} of the model; "
            "a report compares all of them, so add them, with empty cells if they are unknown"
        )
    asked = Asked(model, read, training, seed, new)
    made = []
    with progress_bar("writing the report", len(sections.ALL), progress=verbose) as advance:
        for of in sections.ALL:
            made.append(of(asked))
            advance(1)
    return page_of(
        "chainrule.table_report",
        name=os.path.basename(read.source.removeprefix("the table").strip(" :")) or "A table",
        facts=facts(asked),
        long=LONG,
        sections=[section for section in made if section is not None],
    )
