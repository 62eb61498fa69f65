"""What a shell completes: choices, kinds of columns, data sets, and the columns of a model.

A completion never fails: where there is nothing to read, it offers nothing. It imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from chainrule import datasets, fileformat

KINDS = ("binary", "categorical", "integer", "real", "datetime", "leave out")

Completion = Callable[[typer.Context, str], list[str]]


def values(choices: Iterable[str]) -> Completion:
    """Completes one of some words."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        return [each for each in choices if each.startswith(incomplete)]

    return complete


def kinds(ctx: typer.Context, incomplete: str) -> list[str]:
    """Completes the kind in NAME=KIND."""
    name, sign, begun = incomplete.rpartition("=")
    return [f"{name}={kind}" for kind in KINDS if sign and kind.startswith(begun)]


def tables(ctx: typer.Context, incomplete: str) -> list[str]:
    """Completes the name of a data set; a shell itself completes files."""
    return [
        each.name for each in datasets.list() if incomplete and each.name.startswith(incomplete)
    ]


def columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Completes a column of the model that the command line names."""
    return [name for name in _columns(ctx) if name.startswith(incomplete)]


def cells(ctx: typer.Context, incomplete: str) -> list[str]:
    """Completes NAME=, and VALUE if the column has labels."""
    known = _columns(ctx)
    name, sign, begun = incomplete.rpartition("=")
    if not sign:
        return [f"{each}=" for each in known if each.startswith(incomplete)]
    return [f"{name}={each}" for each in known.get(name, ()) if each.startswith(begun)]


def _columns(ctx: typer.Context) -> dict[str, list[str]]:
    """Returns the labels of each column of the model; none for numbers and dates."""
    # The model is among the words that nobody parsed if the last word is an option's name.
    path = ctx.params.get("model") or next(iter(ctx.args), "")
    try:
        content = fileformat.read(Path(path), kind="model").content
        described = content["model"]["schema"]["columns"]
        return {
            each["name"]: [level for level in each.get("levels") or () if isinstance(level, str)]
            for each in described
        }
    except (OSError, ValueError, KeyError, TypeError):  # no model, or a broken one
        return {}


# By the names of parameters.
COMPLETIONS: dict[str, Completion] = {
    "column": columns,
    "given": cells,
    "kind": kinds,
    "table": tables,
}
