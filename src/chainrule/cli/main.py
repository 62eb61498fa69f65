"""The ``chainrule`` program: its commands, and what happens when one fails.

Exit codes: 0 success; 1 failure (a check that did not pass, or an error of ours); 2 misuse; 3 drift
that ``drift`` finds; 130 interrupted. Results go to stdout or the file named with -o. Messages and
progress go to stderr.
"""

from __future__ import annotations

import functools
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from chainrule.cli import (
    apply,
    ask,
    check,
    compare,
    conditional,
    datasets,
    demo,
    drift,
    explain,
    fit,
    impute,
    proofread,
    quality,
    report,
    sample,
    score,
    show,
    view,
)
from chainrule.cli.panels import with_panels
from chainrule.cli.shown import say
from chainrule.errors import ChainruleError
from chainrule.ranks import is_first, require_one
from chainrule.version import version

OTHERS_SAY_S = 5.0  # within this time, another process has said an error
IN_SEVERAL_PROCESSES = {fit.NAME}  # commands that know the processes of a launcher
MISUSE = (ChainruleError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)

app = typer.Typer(
    name="chainrule",
    help="Fit the joint density of a table by the chain rule; score its rows, and draw new ones.",
    epilog="""\b
Examples:
  chainrule demo
  chainrule fit digits -o digits.chainrule
  chainrule score digits.chainrule digits
""",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _guarded(name: str, command: Callable[..., None]) -> Callable[..., None]:
    """Wraps a command to print errors in one line: misuse exits with 2, an interrupt with 130."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            if name not in IN_SEVERAL_PROCESSES:
                require_one(f"chainrule {name}")
            command(*args, **options)
            sys.stdout.flush()
        except MISUSE as error:
            _say_error(error, str(error))
            raise typer.Exit(2) from error
        except KeyboardInterrupt as interrupt:
            said = str(interrupt) or "interrupted; no output file was left, so repeat the command"
            _say_error(interrupt, said)
            raise typer.Exit(130) from interrupt
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                file = f": {error.filename}" if error.filename else ""
                _say_error(error, f"{error.strerror or error}{file}")
                raise typer.Exit(1) from error
            # The reader of the output has closed it, as with `| head`.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from error

    return run


# The commands, in the groups of the help.
COMMANDS = {
    "Learn a table": (fit, show, check),
    "Ask a model": (ask, score, explain, conditional, sample, impute),
    "Look after a table": (proofread, apply, drift, report, quality),
    "See how it works": (demo, compare, view, datasets),
}
for _panel, _commands in COMMANDS.items():
    for _command in _commands:
        app.command(name=_command.NAME, epilog=_command.EXAMPLES, rich_help_panel=_panel)(
            _guarded(_command.NAME, with_panels(_command.run))
        )


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainrule {version()}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Runs the program; called by the ``chainrule`` script."""
    # Torch reads this when it is first imported. Otherwise its threads spin while they wait. If
    # other programs use the cores, many small steps then take ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    warnings.showwarning = _show_warning
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, as with >&-
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "r+"))
    app(prog_name="chainrule")


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    if is_first():
        _say(f"warning: {message}")


def _say_error(error: BaseException, text: str) -> None:
    """Prints an error; of several processes the first one does, and one that failed alone.

    A silent one waits, or a launcher might end the others before they have said it.
    """
    notes = getattr(error, "__notes__", ())
    if is_first() or notes:
        _say(": ".join([*notes, text]))
    else:
        time.sleep(OTHERS_SAY_S)


def _say(text: str) -> None:
    say(f"chainrule: {text}")


if __name__ == "__main__":
    main()
