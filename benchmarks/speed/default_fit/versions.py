"""Two versions of chainrule, each in processes of its own, which take turns.

The first version is the commit ``FIRST`` of this repository. Its source is unpacked under build/.
Both versions run with the same Python and the same libraries; only PYTHONPATH tells them apart.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

ROOT = Path(__file__).parents[3]
FIRST = "f86334b"  # version 0.1.0
WORKER = "benchmarks.speed.default_fit.worker"
# Variables that bound the threads of a library.
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


def sources() -> dict[str, Path]:
    """The source folders of both versions by name: "first" and "ours"."""
    return {"first": unpacked(FIRST), "ours": ROOT / "src"}


def unpacked(commit: str) -> Path:
    """The source folder of a commit, which is unpacked once under build/."""
    folder = ROOT / "build" / "versions" / commit
    if not (folder / "src").is_dir():
        done = subprocess.run(
            ["git", "archive", "--format=tar", commit, "src"], capture_output=True, cwd=ROOT
        )
        if done.returncode:
            raise SystemExit(f"commit {commit} is not here: {done.stderr.decode().strip()}")
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
    return folder / "src"


def environment(source: Path, threads: int) -> dict[str, str]:
    """The variables of a process that runs the version in this source folder."""
    path = os.pathsep.join((str(source), str(ROOT)))
    bounds = dict.fromkeys(THREADS, str(threads))
    return {**os.environ, **bounds, "PYTHONPATH": path, "OMP_WAIT_POLICY": "passive"}


class Worker:
    """A process with one version that carries out the functions of ``tasks``, one at a time."""

    def __init__(self, source: Path, threads: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(source, threads),
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            _opened(stream).close()
        self._process.wait()

    def ask(self, task: str, **options: Any) -> Any:
        """The result of a function of ``tasks``; exits if the process failed, which says why."""
        asked = _opened(self._process.stdin)
        asked.write(json.dumps({"task": task, "options": options}) + "\n")
        asked.flush()
        if not (answer := _opened(self._process.stdout).readline()):
            raise SystemExit(f"{task} with {options} failed in the process of a version")
        return json.loads(answer)


def _opened(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@contextmanager
def versions(threads: int) -> Iterator[dict[str, Worker]]:
    """A process of each version, by name: "first" and "ours"."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Worker(source, threads)) for name, source in sources().items()
        }


def ours(threads: int) -> Worker:
    """A process of our version."""
    return Worker(sources()["ours"], threads)


def in_turns(workers: dict[str, Worker], turn: int) -> list[tuple[str, Worker]]:
    """The versions in the order of a turn; another one begins each time."""
    found = list(workers.items())
    return found if turn % 2 else found[::-1]


def named(threads: int) -> str:
    """A number of threads in words."""
    return "1 thread" if threads == 1 else f"{threads} threads"
