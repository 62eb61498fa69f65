"""The program as typed: in a process of its own, or, quicker, within the one of the tests."""

import contextlib
import io
import os
import pty
import subprocess
import sys
import warnings
from unittest import mock

from chainrule.cli.main import main

PROGRAM = [sys.executable, "-m", "chainrule.cli.main"]
WIDE = {**os.environ, "COLUMNS": "160", "NO_COLOR": "1"}


def chainrule(*words, cwd, stdin=b"", warn="default"):
    """Exit code, stdout and stderr of the program called in a folder; standard input is bytes; warnings may be errors."""
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
    """As ``chainrule``, in a new process with some environment variables more."""
    done = subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True, cwd=cwd, env={**WIDE, **extra})
    return done.returncode, done.stdout, done.stderr


def on_terminal(command, *, columns, stream="stdout", **extra):
    """What a command prints to a terminal of so many columns that its stdout or stderr is; it has to end with 0."""
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"COLUMNS": str(columns), "TERM": "xterm", **extra}
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command, **{stream: theirs}, env=environment)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # as Linux says that nobody writes any more
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert child.wait() == 0
    return seen.decode()
