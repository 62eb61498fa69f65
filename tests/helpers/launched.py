"""Runs the command line or a program in several processes of torchrun."""

import subprocess
import sys

from helpers.command_line import WIDE

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
TOLD = "chainrule: ", "said: "  # how lines of the command line begin
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}

# The command line, in which one rank does something at the start of a step.
AT_STEP = """
import os
import signal
import sys

from chainrule.cli.main import main
from chainrule.errors import ChainruleError
from chainrule.training import loop

step, steps = loop._step, []


def counted(*arguments):
    steps.append(None)
    if os.environ["RANK"] == {rank!r} and len(steps) == {number}:
        {what}
    return step(*arguments)


loop._step = counted
sys.argv[0] = "chainrule"
main()
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)"
RAISE = "raise ChainruleError('the disk of this rank is wet')"


def launched(*words, cwd, ranks=2, program=None):
    """Runs ``chainrule`` with these words, or a program; returns exit code, stdout and stderr.

    Of stderr, lines of torchrun itself are left out.
    """
    what = ["-m", "chainrule", *words]
    if program is not None:
        (cwd / "program.py").write_text(program, encoding="utf-8")
        what = ["program.py", *words]
    done = subprocess.run(
        [*LAUNCH, "--nproc-per-node", str(ranks), *map(str, what)],
        cwd=cwd,
        env={**WIDE, **ONE_THREAD},
        capture_output=True,
        text=True,
    )
    told = [line for line in done.stderr.splitlines() if line.startswith(TOLD)]
    return done.returncode, done.stdout, "\n".join(told)


def alone(*words, cwd):
    """Runs ``chainrule`` with these words in one process, which must end well."""
    environment = {**WIDE, **ONE_THREAD}
    command = [sys.executable, "-m", "chainrule", *map(str, words)]
    subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)


def at_step(number, rank, what):
    """A program that does something at the start of a step of one rank."""
    return AT_STEP.format(number=number, rank=str(rank), what=what)
