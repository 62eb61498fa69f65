"""``chainrule sample``: draws new rows, unconditionally or given some cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from chainrule.arguments import require_rare, require_temperature, rows_to_draw
from chainrule.cli.checks import (
    event_in,
    require_given,
    require_model,
    require_seed,
    require_writable,
)
from chainrule.cli.shown import left_to_print
from chainrule.cli.tables import (
    OUTPUT_TYPES,
    DateFormatOption,
    DecimalOption,
    HeaderOption,
    ModelArgument,
    NaValuesOption,
    OutputOption,
    ThousandsOption,
    completed,
    give_frames,
    given_table,
    reading_of,
    require_given_names,
)

NAME = "sample"
EXAMPLES = """\b
Examples:
  chainrule sample m.chainrule -n 1000 --seed 0 -o rows.csv
  chainrule sample m.chainrule --given holes.csv
  chainrule sample m.chainrule -n 5 --given age=40 --given "sex=Female"
  chainrule sample m.chainrule -n 100 --given "age > 60 and sex == 'Female'"
"""


def run(
    model: ModelArgument,
    n: Annotated[
        int | None,
        typer.Option("-n", help="Rows to draw (default: 10, or one for each row given)."),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            help="A given cell, NAME=VALUE (repeatable); or a file of one row or n rows, whose "
            "empty cells are drawn; or an event in words, as for ask, that holds in every row."
        ),
    ] = None,
    temperature: Annotated[
        float, typer.Option(help="Divides every logit; below 1 draws more probable rows.")
    ] = 1.0,
    rare: Annotated[
        str,
        typer.Option(
            metavar="other|omit",
            help="Labels too rare to be listed: drawn as often as the model says, without a name; "
            "or omitted, so that frequent labels become more frequent.",
        ),
    ] = "other",
    other: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="Text for a rare label (default: an empty cell).",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Makes the draw reproducible.")] = None,
    header: HeaderOption = None,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    output: OutputOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Draw rows from a model, one column at a time. A terminal shows a few rows as a table;
    otherwise the output is CSV.
    """
    if output is not None:
        require_writable(output, OUTPUT_TYPES, inputs=(model, *(given or [])))
    if n is not None:
        rows_to_draw(n)
    require_temperature(temperature)
    require_seed(seed)
    require_rare(rare, other)
    require_model(model)
    require_given(given or [])
    require_given_names(given or [], model)
    reading = reading_of(decimal, thousands, date_format, na_values)

    from chainrule.density import load
    from chainrule.table import Sink
    from chainrule.tasks import sample

    density = load(model)
    evidence = event_in(given or [])
    if given and evidence is None:
        evidence = given_table(given, header, completed(reading, density.schema))
    if n is None:
        n = 10 if evidence is None or isinstance(evidence, str) else len(evidence)
    as_text = not as_json and (output is None or output.suffix == ".csv")

    def show(frames: Iterator[Any]) -> None:
        give_frames(
            left_to_print(frames) if output is None and not as_json else frames, output, as_json
        )

    sink = Sink(show, as_text)
    sample(
        density.model,
        n,
        given=evidence,
        temperature=temperature,
        seed=seed,
        rare=rare,
        other=other,
        to=sink,
    )
