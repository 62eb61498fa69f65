"""Processor seconds of commands that only print help or refuse their arguments."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.speed.default_fit.figures import Goal, Rows, row
from benchmarks.speed.default_fit.sizes import Sizes
from benchmarks.speed.default_fit.versions import environment, sources

LIMIT_S = 0.5
COMMANDS = (
    "--help",
    "--version",
    "fit --help",
    "score --help",
    "fit",
    "fit absent.csv -o m.chainrule",
    "fit rows.csv -o absent/m.chainrule",
    "fit rows.csv -o m.chainrule --effort most",
    "score absent.chainrule rows.csv",
    "score absent.chainrule absent.csv",
    "explain absent.chainrule rows.csv",
    "conditional absent.chainrule rows.csv a",
    "impute absent.chainrule rows.csv",
    "sample absent.chainrule --given absent.csv",
    "compare absent.csv",
    "show absent.chainrule",
    "check absent.chainrule",
    "demo --data absent",
)


def commands(sizes: Sizes) -> Rows:
    """The seconds of each command, with one thread."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rows.csv").write_text("a,b\n0,1\n1,0\n")
        for words in COMMANDS:
            taken: dict[str, list[float]] = {"first": [], "ours": []}
            for _ in range(sizes.turns):
                for version, source in sources().items():
                    taken[version].append(seconds(words, source, folder))
            yield row(f"chainrule {words}, 0.1.0", taken["first"], unit="s")
            yield row(f"chainrule {words}", taken["ours"], unit="s", goal=Goal("<=", LIMIT_S))


def seconds(words: str, source: Path, folder: Path) -> float:
    """The processor seconds of a command, with those of the interpreter's start."""
    command = [sys.executable, "-m", "chainrule.cli.main", *words.split()]
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        env=environment(source, 1),
    )  # fmt: skip
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 2):
        raise SystemExit(f"chainrule {words} exited with {child.returncode}")
    return used.ru_utime + used.ru_stime
