"""``chainrule compare``: compares several families of densities on one table, and writes a page."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.checks import require_folder, require_seed, require_table
from chainrule.cli.shown import print_line, print_table
from chainrule.cli.tables import (
    HEADER_HELP,
    KIND_HELP,
    DateFormatOption,
    DecimalOption,
    NaValuesOption,
    ThousandsOption,
    kinds_of,
    print_json,
    reading_of,
    require_named,
    split_table,
)
from chainrule.datasets import Dataset
from chainrule.errors import ChainruleError, SchemaError, unknown_choice, whole_number
from chainrule.report.comparison.names import FAMILY_NAMES, require_effort, require_family

if TYPE_CHECKING:
    from chainrule.report.comparison import FamilyReport

NAME = "compare"
EXAMPLES = """\b
Examples:
  chainrule compare digits
  chainrule compare table.csv --label species -o species
  chainrule compare binarized-mnist --families rbm,vae,nade
"""
DATA_HELP = (
    "A data set by name, or an .npz file of train, valid and test; or a file of rows, split into "
    "70 % training, 10 % validation and 20 % test."
)
FAMILIES_HELP = (
    f"Names separated by commas: {', '.join(FAMILY_NAMES)}; default: all that suit the table."
)


def run(
    data: Annotated[str, typer.Argument(help=DATA_HELP)],
    out: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder for the page, results.json and two CSV files."),
    ] = Path("chainrule-compare"),
    families: Annotated[str | None, typer.Option(help=FAMILIES_HELP)] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="Column to predict from each family's representation; not part of the rows."
        ),
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help=KIND_HELP)] = None,
    effort: Annotated[
        str,
        typer.Option(
            help="quick, standard or best: passes over the rows, the same for all families."
        ),
    ] = "standard",
    hidden_size: Annotated[
        int | None,
        typer.Option(help="Units of each hidden layer (default 200; 500 from 257 columns)."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training rows (default: by the effort).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Makes the comparison reproducible.")] = 0,
    header: Annotated[bool | None, typer.Option("--header/--no-header", help=HEADER_HELP)] = None,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results as JSON on stdout.")
    ] = False,
) -> None:
    """Train families of densities with equal effort, and compare likelihood, seconds, samples and
    representations.
    """
    require_effort(effort)
    require_folder(out)
    names, kinds = _names(families), kinds_of(kind)
    sizes = {
        name: whole_number(size, name, least=1)
        for name, size in (("hidden_size", hidden_size), ("epochs", epochs))
        if size is not None
    }
    require_seed(seed)
    require_table(data)
    source = split_table(data, header, reading_of(decimal, thousands, date_format, na_values))
    if not isinstance(source, Dataset):  # a misspelt name needs no network
        require_named(source, kinds, None)
        if label is not None and label not in source.names:
            what = unknown_choice("column", label, source.names)
            raise SchemaError(f"{source.source}: --label {label}: {what}")

    from chainrule.report import comparison as report

    rows = report.prepared(source, label=label, kinds=kinds, seed=seed)
    report.families_for(rows, names)
    equal_effort = replace(report.effort_for(effort, rows), **sizes)
    out.mkdir(parents=True, exist_ok=True)
    found = report.compare(rows, names, equal_effort, seed=seed)
    page = report.write(found, out)
    if as_json:
        print_json(found.to_json())
        return
    _print_results(found)
    typer.echo(f"the report is {page}, its numbers are beside it in {out}{os.sep}")


def _names(families: str | None) -> list[str] | None:
    """Returns the names that --families lists; None stands for all families."""
    if families is None:
        return None
    names = [name.strip() for name in families.split(",") if name.strip()]
    if not names:
        raise ChainruleError(
            f"--families {families!r}: names no family; there are {', '.join(FAMILY_NAMES)}"
        )
    for name in names:
        require_family(name)
    return names


def _print_results(found: FamilyReport) -> None:
    rows = []
    for entry in found.entries:
        best = max(entry.probes, key=lambda probe: probe.valid_accuracy, default=None)
        seconds = (entry.train_s, entry.score_s + entry.once_s, entry.draw_s)
        rows.append(
            (
                entry.family.name,
                f"{entry.likelihood.mark} {entry.likelihood.nats:.2f}",
                f"{entry.likelihood.standard_error:.2f}",
                *(f"{each:.2g} s" if each < 99.5 else f"{each:.0f} s" for each in seconds),
                "" if best is None else f"{100 * best.accuracy:.1f} %",
            )
        )
    columns = ("family", "nats per row", "±", "train", "score 1000", "draw 1000", "label correct")
    title = f"log p per test row of {found.data.name}, nats: = exact, ≈ estimated, ≥ a lower bound"
    print_table(columns, rows, title=title, numbers=columns[1:])
    if found.pixels is not None:
        print_line(
            "from the columns themselves the label is predicted correctly in "
            f"{100 * found.pixels.accuracy:.1f} % of the rows"
        )
    for name, why in found.refused.items():
        print_line(f"left out: {name} {why}")
