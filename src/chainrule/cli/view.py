"""``chainrule view``: a page to play with a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.checks import require_model, require_writable
from chainrule.cli.shown import say
from chainrule.cli.tables import ModelArgument
from chainrule.errors import ChainruleError

NAME = "view"
EXAMPLES = """\b
Examples:
  chainrule fit digits -o digits.chainrule --network nade
  chainrule view digits.chainrule -o play.html
"""


def run(
    model: ModelArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File of the page (.html).")
    ] = Path("play.html"),
    shape: Annotated[
        str | None,
        typer.Option(help="Height and width of a picture, such as 16x8 (default: a square)."),
    ] = None,
) -> None:
    """Write a page on which a NADE draws a picture pixel by pixel.

    Paint pixels, and watch the network decide the others, with the numbers of each step. The page
    is one file that a browser opens; it loads nothing from elsewhere. It shows a NADE over binary
    columns; models of other tables have no page yet.
    """
    require_model(model)
    require_writable(output, (".html",), inputs=(model,))
    sides = None if shape is None else _sides_of(shape)

    from chainrule.density import load
    from chainrule.view import write_play

    write_play(load(model), output, shape=sides)
    say(f"{output}: open it in a browser")


def _sides_of(text: str) -> tuple[int, int]:
    sides = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", text)
    if sides is None:
        raise ChainruleError(f"--shape {text!r}: give height and width, such as 28x28")
    return int(sides[1]), int(sides[2])
