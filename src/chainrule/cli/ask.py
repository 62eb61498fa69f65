"""``chainrule ask``: the probability of an event in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.arguments import POOL_ROWS, rows_to_draw
from chainrule.cli.checks import require_model
from chainrule.cli.shown import print_line, say
from chainrule.cli.tables import ModelArgument, print_json

if TYPE_CHECKING:
    from chainrule.tasks import Probability

NAME = "ask"
EXAMPLES = """\b
Examples:
  chainrule ask m.chainrule "age > 60 and income == '>50K'"
  chainrule ask m.chainrule "income == '>50K'" --given "sex == 'Female' and age > 60"
  chainrule ask m.chainrule "hours >= 40" "30 <= age < 40" --json
"""
DIGITS = 2  # of an error


def run(
    model: ModelArgument,
    events: Annotated[
        list[str],
        typer.Argument(
            metavar="EVENT",
            help="Comparisons joined by and, or, not: age > 60 and sex == 'Female', 30 <= age < "
            "40, city in ['Paris', 'Rome'], income is null. Labels and dates stand in quotes, "
            "names with other characters in backquotes.",
        ),
    ],
    condition: Annotated[
        str | None,
        typer.Option("--given", metavar="EVENT", help="An event that is known to hold."),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(help="Print how many rows to expect in a table of so many."),
    ] = None,
    draws: Annotated[
        int, typer.Option(help="Draws by which events are answered that are not summed exactly.")
    ] = POOL_ROWS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
) -> None:
    """Print the probability of an event, with its standard error.

    Few values are summed exactly. Otherwise the answer comes from a pool of draws, the same for all
    questions about a model, or from draws within a rare event.
    """
    require_model(model)
    if rows is not None:
        rows_to_draw(rows)

    from chainrule.events import event_of
    from chainrule.scorer import Scorer

    schema = Scorer(model).schema
    for event in [*events, *([] if condition is None else [condition])]:
        event_of(schema, event)  # raises before torch is imported

    from chainrule.density import load

    found = load(model).probability(events, given=condition, draws=draws)
    if as_json:
        answers = [
            _as_json(event, condition, each, rows)
            for event, each in zip(events, found, strict=True)
        ]
        print_json(answers[0] if len(answers) == 1 else answers)
        return
    for event, each in zip(events, found, strict=True):
        words = _in_words(each, rows)
        print_line(words if len(events) == 1 else f"{event}: {words}")
    if any(each.method != "exact" for each in found):
        say("± is one standard error of the draws, given the model")


def _as_json(
    event: str, condition: str | None, found: Probability, rows: int | None
) -> dict[str, Any]:
    low, high = found.interval()
    answer = {
        "event": event,
        "given": condition,
        "probability": found.value,
        "standard_error": found.standard_error,
        "low": low,
        "high": high,
        "method": found.method,
        "draws": found.draws,
    }
    return answer if rows is None else answer | {"rows": rows * found.value}


def _in_words(found: Probability, rows: int | None) -> str:
    """Returns a probability, or a number of rows, with as many digits as its error allows."""
    times = 1.0 if rows is None else float(rows)
    value, error = found.value * times, found.standard_error * times
    unit = "" if rows is None else f" of {rows:,} rows"
    if found.method == "exact":
        return f"{value:.6g}{unit}, exact"
    by = f"by {found.draws:,} {'draws' if found.method == 'pool' else 'paths'}"
    if not error > 0:
        return f"{value:.6g}{unit}, {by}"
    places = DIGITS - 1 - math.floor(math.log10(error))
    if places > 6:
        return f"{value:.{max(DIGITS, _digits(value, error))}g} ± {error:.{DIGITS}g}{unit}, {by}"
    places = max(places, 0)
    return f"{value:.{places}f} ± {error:.{places}f}{unit}, {by}"


def _digits(value: float, error: float) -> int:
    """How many digits of a value its error allows."""
    return 1 if value <= 0 else math.floor(math.log10(value)) - math.floor(math.log10(error)) + 2
