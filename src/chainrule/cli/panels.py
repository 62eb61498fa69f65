"""What the help of every command shares: groups of options, and the values of those with a choice.

Options are known by the names of their parameters, so a command says nothing about its help.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import fields
from typing import Annotated, Any, get_args

from typer.models import ArgumentInfo, OptionInfo

from chainrule.arguments import HOW, MISSING, RARE, TIES
from chainrule.cli.completion import COMPLETIONS, values
from chainrule.training.arguments import DEVICES, EFFORT_NAMES, OBJECTIVES, OPTIONS
from chainrule.training.config import FitConfig

# The groups of options, in the order of their first options; others are in "Options".
PANELS = {
    "What is modelled": (
        *("valid", "valid_fraction", "kind", "missing", "ties", "strict", "min_count", "groups"),
        *("start", "objective", "effort", "time_limit_s", "seed"),
    ),
    "Network": (
        *("network", "hidden_size", "hidden_sizes", "activation", "order", "conditional"),
        *("components", "members", "orders", "trees", "dropout", "input_dropout"),
    ),
    "Training": (
        *("epochs", "batch_size", "learning_rate", "decay", "weight_decay", "clip_norm"),
        *("patience", "device", "resume"),
    ),
    "How the table is read": (
        *("split", "header", "decimal", "thousands", "date_format", "na_values"),
    ),
    "Where the result goes": ("output", "out", "html", "as_json", "quiet"),
}
LAST = ("How the table is read", "Where the result goes")
# Options with few choices: the help shows them, and a shell completes them.
CHOICES: dict[str, tuple[str, ...]] = {
    "effort": EFFORT_NAMES,
    "objective": tuple(OBJECTIVES),
    "network": ("auto", *OPTIONS),
    "device": DEVICES,
    "missing": MISSING,
    "ties": TIES,
    "how": HOW,
    "rare": RARE,
    **{
        each.name: tuple(each.metadata["check"].keywords["choices"])
        for each in fields(FitConfig)
        if "choices" in getattr(each.metadata["check"], "keywords", {})
    },
}
WIDEST = 20  # characters; the help text alone has longer lists
# What stands for the value of an option, instead of its type in Python.
METAVARS = {
    "kind": "NAME=KIND",
    "given": "NAME=VALUE",
    "quantile": "NUMBER",
    "decimal": "MARK",
    "thousands": "MARK",
    "date_format": "FORMAT",
    "na_values": "WORDS",
}
_PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}


def with_panels(command: Callable[..., None]) -> Callable[..., None]:
    """Wraps a command whose options get their group, their choices and their completion."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        command(*args, **options)

    signature = inspect.signature(command, eval_str=True)
    trains = "network" in signature.parameters
    parameters = [_described(each, trains) for each in signature.parameters.values()]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    run.__doc__ = "\n\n".join(" ".join(each.split()) for each in paragraphs)  # lines fit any width
    return run


def _described(parameter: inspect.Parameter, trains: bool) -> inspect.Parameter:
    """A parameter with its group. A command that trains no network has the last two groups."""
    kind, *notes = get_args(parameter.annotation)
    info, name = copy(notes[0]), parameter.name
    assert isinstance(info, OptionInfo | ArgumentInfo)
    if isinstance(info, OptionInfo):
        panel = _PANEL_OF.get(name)
        if trains or panel in LAST:
            info.rich_help_panel = panel
        choices = CHOICES.get(name, ())
        if len(shown := "|".join(choices)) <= WIDEST:
            info.metavar = shown or METAVARS.get(name, info.metavar)
        if choices:
            info.autocompletion = values(choices)
    info.autocompletion = COMPLETIONS.get(name, info.autocompletion)
    return parameter.replace(annotation=Annotated[kind, info])
