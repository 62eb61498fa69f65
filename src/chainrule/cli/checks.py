"""Checks of what a command reads and writes, before anything heavy is imported.

These functions open no table and import neither torch nor polars, so that a command refuses a wrong
argument or an absent file at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from chainrule import datasets, fileformat
from chainrule.arguments import first_repeated
from chainrule.errors import ChainruleError, FormatError, seed_number, unknown_choice, whole_number
from chainrule.table.files.endings import require_type
from chainrule.table.files.pipes import is_pipe
from chainrule.table.files.several import files_of
from chainrule.table.files.write import require_empty

STDIN = "-"
# What an event in words has, and NAME=VALUE has not: a comparison before any single sign of
# equality, or one that NAME=VALUE cannot begin with.
WORDS = re.compile(
    r"^[^=]*([<>]|==|!=|\bin\s*[\[({]|\bis\s+(not\s+)?(null|None)\b)", flags=re.DOTALL
)


def require_model(path: Path) -> None:
    """Raises before work starts if there is no model file of this name."""
    fileformat.require(path, kind="model")


def require_table(text: str, split: str | None = None, *, glob: bool = False) -> None:
    """Raises before work starts if a command line names no table, or a split of one without splits.

    Args:
        text: a path, the name of a data set, or "-".
        split: an array of an .npz file, or a split of a data set.
        glob: whether the path is a pattern of files.
    """
    if not text:
        raise ChainruleError(
            "'': the name of a table is empty; give a file, a data set or - for the standard "
            "input, or leave the option out"
        )
    path = Path(text)
    if text != STDIN and files_of(text, glob=glob) is not None:
        if split is not None:
            raise ChainruleError(f"{text}: several files have no splits; leave --split out")
        return
    if text != STDIN and not path.exists():
        if is_dataset(text):
            if split is not None and split not in datasets.SPLITS:
                raise ChainruleError(unknown_choice("split", split, datasets.SPLITS))
            return
        if not path.suffix:
            raise FileNotFoundError(
                f"{text}: no such file; {unknown_choice('data set', text, _dataset_names())}"
            )
    if split is not None and (text == STDIN or path.suffix.lower() != ".npz"):
        raise ChainruleError(
            f"{text}: --split names a split of a data set or an array of an .npz file; this is "
            "neither"
        )
    if text != STDIN and not is_pipe(path):
        require_type(path)
        if not os.access(path, os.R_OK):
            raise PermissionError(f"{path}: cannot be read; change its permissions")
        if path.is_file() and path.stat().st_size == 0:
            raise FormatError(f"{path}: the file is empty")


def event_in(given: Sequence[str]) -> str | None:
    """Returns the event that --given says in words; None if it names cells or a file.

    Several events hold all.

    >>> event_in(["age > 60", "sex == 'Female'"]), event_in(["income=>50K"])
    ("(age > 60) and (sex == 'Female')", None)
    """
    words = [text for text in given if WORDS.search(text) and not Path(text).exists()]
    if not words:
        return None
    if len(words) < len(given):
        other = next(text for text in given if text not in words)
        raise ChainruleError(
            f"--given {other}: not in words as --given {words[0]!r} is; write the cell in words, "
            "too, as NAME == 'LABEL'"
        )
    return words[0] if len(words) == 1 else " and ".join(f"({text})" for text in words)


def require_given(given: Sequence[str]) -> None:
    """Raises before work starts if --given names no table, or a cell twice."""
    if given and event_in(given) is None and cells_of(given) is None:
        require_table(given[0])


def require_seed(seed: int | None) -> None:
    """Raises before work starts if --seed can seed nothing."""
    if seed is not None:
        seed_number(seed)


def require_workers(workers: int) -> None:
    """Raises before work starts unless so many processes can answer."""
    whole_number(workers, "workers", least=1, what="how many processes answer")


def cells_of(given: Sequence[str]) -> list[tuple[str, str]] | None:
    """Returns the name and the value of each cell that --given names; None if it names a file."""
    cells = [text for text in given if "=" in text and not Path(text).exists()]
    if not cells:
        if len(given) > 1:
            raise ChainruleError(f"--given {given[1]}: give one file, or cells as NAME=VALUE")
        return None
    if len(cells) < len(given):
        file = next(text for text in given if text not in cells)
        raise ChainruleError(f"--given {file}: give one file, or cells as NAME=VALUE, not both")
    found = []
    for cell in cells:  # a value holds no "="; a name may
        name, _, value = cell.rpartition("=")
        found.append((name, value))
    if repeated := first_repeated([name for name, _ in found]):
        raise ChainruleError(f"--given {repeated}=…: given twice; give each cell once")
    return found


def require_writable(
    path: Path,
    types: Sequence[str] = (),
    *,
    inputs: Sequence[str | Path | None] = (),
    parts: bool = False,
) -> None:
    """Raises before work starts if a result could not, or should not, be written afterwards.

    With ``parts`` an empty folder is fine.
    """
    if parts and path.is_dir():
        require_empty(path)
        if not os.access(path, os.W_OK):
            raise PermissionError(f"{path}: the folder cannot be written to")
        return
    for source in inputs:
        if source in (None, STDIN) or not (path.exists() and Path(source).exists()):
            continue
        if path.samefile(source):
            raise ChainruleError(f"{path}: is also read by this command; write to another file")
    if types and path.suffix not in types:
        raise ChainruleError(
            f"{path}: results are written as {', '.join(types)}; end the name with one of these"
        )
    if path.is_dir():
        raise IsADirectoryError(f"{path}: a folder; name a file")
    if path.exists() and not path.is_file():
        raise ChainruleError(f"{path}: exists and is not a file; name another")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path}: the folder {path.parent} cannot be written to")


def require_folder(path: Path) -> None:
    """Raises before work starts if results could not be written into a folder of this name
    afterwards.
    """
    if path.exists() and not path.is_dir():
        raise ChainruleError(f"{path}: a file; name a folder with -o")
    above = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise PermissionError(
            f"{path}: the folder {above} cannot be written to; name another with -o"
        )


def is_dataset(text: str) -> bool:
    """Returns whether a data set has this name; dashes and underscores are equivalent."""
    return text.replace("_", "-") in _dataset_names()


def _dataset_names() -> list[str]:
    return [info.name for info in datasets.list()]
