"""``chainrule view``: a page to play with a model."""

from __future__ import annotations

import re
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.checks import require_model, require_table, require_writable
from chainrule.cli.shown import say
from chainrule.cli.tables import ModelArgument
from chainrule.errors import ChainruleError

if TYPE_CHECKING:
    from chainrule.density import Density

NAME = "view"
PAGE = Path("play.html")
EXAMPLES = """\b
Examples:
  chainrule fit digits -o digits.chainrule --network nade
  chainrule view digits.chainrule -o play.html
  chainrule fit table.csv -o m.chainrule
  chainrule view m.chainrule table.csv
"""


def run(
    model: ModelArgument,
    table: Annotated[
        str | None, typer.Argument(help="Rows to open: a .csv or .parquet file.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File of a NADE's page (.html; default: play.html)."),
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option(help="Height and width of a picture, such as 16x8 (default: a square)."),
    ] = None,
    port: Annotated[
        int, typer.Option(help="Port of a table's page; 0 takes a free one.", min=0, max=65535)
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the table's page in a browser.")
    ] = True,
) -> None:
    """Show a page to play with a model.

    A NADE over binary columns: a file on which it draws a picture pixel by pixel, with the numbers
    of each step. It is opened in a browser, and loads nothing from elsewhere.

    A model that takes any evidence, as of a table: a page on which a row is asked about, cell by
    cell. This machine serves it to itself alone, until ctrl-C.
    """
    require_model(model)
    sides = None if shape is None else _sides_of(shape)
    if output is not None:
        require_writable(output, (".html",), inputs=(model,))
    if table is not None:
        require_table(table)

    from chainrule.density import load

    density = load(model)
    if density.model.any_evidence:
        if output is not None or shape is not None:
            raise ChainruleError(
                f"{model}: its page is served, not written; leave out -o and --shape"
            )
        _serve(density, table, port=port, opens=browser)
        return
    if table is not None:
        raise ChainruleError(
            f"{model}: a network of one order has a page of pictures, without a table; "
            f"leave out {table}"
        )
    from chainrule.view import write_play

    page = output or PAGE
    require_writable(page, (".html",), inputs=(model,))
    write_play(density.model, page, shape=sides, training=density.training)
    say(f"{page}: open it in a browser")


def _serve(density: Density, table: str | None, *, port: int, opens: bool) -> None:
    """Answers a page until ctrl-C."""
    from chainrule.explorer import Explorer

    explorer = Explorer(density.model, table, port=port)
    try:
        say(explorer.address)
        say("open this address in a browser; ctrl-C ends it")
        if opens:
            webbrowser.open(explorer.address)
        explorer.serve()
    except KeyboardInterrupt:
        say("")
    finally:
        explorer.close()


def _sides_of(text: str) -> tuple[int, int]:
    sides = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", text)
    if sides is None:
        raise ChainruleError(f"--shape {text!r}: give height and width, such as 28x28")
    return int(sides[1]), int(sides[2])
