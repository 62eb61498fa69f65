"""Runs the command line, in a new process or, which is faster, in the process of the tests."""

import contextlib
import io
import os
import pty
import subprocess
import sys
import warnings
from unittest import mock

from chainrule.cli.main import main

PROGRAM = [sys.executable, "-m", "chainrule"]
WIDE = {**os.environ, "COLUMNS": "160", "NO_COLOR": "1"}


def chainrule(*words, cwd, stdin=b"", warn="default"):
    """Runs the program in folder ``cwd``; returns exit code, stdout and stderr.

    ``stdin`` is bytes. ``warn="error"`` turns warnings into errors.
    """
    out, errors, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        mock.patch.object(sys, "argv", ["chainrule", *map(str, words)]),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
        mock.patch.dict(os.environ, WIDE),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter(warn)
        try:
            main()
        except SystemExit as done:
            code = done.code
    return code, out.getvalue(), errors.getvalue()


def typed(*words, cwd, **extra):
    """Like ``chainrule``, in a new process; ``extra`` are additional environment variables."""
    done = subprocess.run(
        [*PROGRAM, *map(str, words)], capture_output=True, text=True, cwd=cwd, env={**WIDE, **extra}
    )
    return done.returncode, done.stdout, done.stderr


def on_terminal(command, *, columns, stream="stdout", **extra):
    """Runs a command with ``stream`` on a terminal of that width; returns what it prints there.

    Fails unless the exit code is 0.
    """
    environment = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")
    }
    environment |= {"COLUMNS": str(columns), "TERM": "xterm", **extra}
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command, **{stream: theirs}, env=environment)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux reports that the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert child.wait() == 0
    return seen.decode()
