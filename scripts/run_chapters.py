"""Runs the Python code of docs/lecture, chapter by chapter, and writes its output below it.

Usage: python scripts/run_chapters.py [CHAPTER ...]         writes output and pictures into docs
       python scripts/run_chapters.py check [CHAPTER ...]   changes nothing; exits with 1 if an
                                                            output has changed

A chapter is named by its file, such as 3-masking; without names, all chapters run. Each chapter
runs in an empty folder of its own, so that it needs nothing from the chapters before it. Pictures
have the style of docs/style.mplstyle. Numbers may change a little, as they do between machines.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS, PICTURES = ROOT / "docs" / "lecture", ROOT / "docs" / "pictures" / "lecture"
STYLE = ROOT / "docs" / "style.mplstyle"
# A block of code, and its output. The blocks of a folded note are indented.
CODE = re.compile(
    r"^( *)```python\n(.*?)^\1```\n(?:\1```text\n(.*?)^\1```\n)?", flags=re.DOTALL | re.MULTILINE
)
# Errors of a number printed as "2.1 (± 0.3)" by which it may change.
ERRORS = 3.0
PLUS_MINUS = re.compile(r"\(± (\d+\.?\d*)\)")
# Units of the last digit by which a number with a decimal point may change.
UNITS = 2.0
NUMBER = re.compile(r"[+-]?\d[\d,]*\.?\d*")


def chapters(names: Sequence[str] = ()) -> list[Path]:
    """The named chapters, or all of them, in order."""
    found = sorted(CHAPTERS.glob("*.md"), key=lambda path: (_number(path.name), path.name))
    return [path for path in found if not names or path.stem in names]


def _number(name: str) -> float:
    digits = re.match(r"\d+", name)
    return float(digits[0]) if digits else float("inf")


def run(path: Path) -> str:
    """A page with the current output of its code; the code runs in the current folder."""
    namespace: dict[str, object] = {"__name__": "__main__"}

    def printed(block: re.Match[str]) -> str:
        indent, code = block[1], textwrap.dedent(block[2])
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, path.name, "exec"), namespace)
        text = "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())
        shown = f"```text\n{text}```\n" if text else ""
        return f"{indent}```python\n{block[2]}{indent}```\n" + textwrap.indent(shown, indent)

    return CODE.sub(printed, path.read_text(encoding="utf-8"))


def run_alone(path: Path, pictures: Path | None = None) -> str:
    """Runs a page in an empty folder of its own, and copies its pictures into another if given."""
    import matplotlib.pyplot as plt

    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, plt.style.context(STYLE):
        os.chdir(folder)
        try:
            page = run(path)
            if pictures is not None:
                for picture in sorted(Path(folder).glob("*.png")):
                    shutil.copy(picture, pictures / picture.name)
        finally:
            os.chdir(here)
            plt.close("all")
    return page


def changed(old: str, new: str, *, relative: float = 0.05) -> list[str]:
    """Lines that differ in their text, or in a number by more than the tolerance."""
    pairs = list(zip(old.splitlines(), new.splitlines(), strict=False))
    different = [f"{a!r} became {b!r}" for a, b in pairs if not _same_words(a, b, relative)]
    if len(old.splitlines()) != len(new.splitlines()):
        different.append("another number of lines")
    return different


def _same_words(a: str, b: str, relative: float) -> bool:
    if NUMBER.sub("0", a) != NUMBER.sub("0", b):
        return False
    free = max((ERRORS * float(error) for error in PLUS_MINUS.findall(a)), default=0.0)
    return all(
        abs(_value(x) - _value(y)) <= max(relative * abs(_value(x)), free, _rounding(x))
        for x, y in zip(*(NUMBER.findall(text) for text in (a, b)), strict=True)
    )


def _rounding(text: str) -> float:
    decimals = text.rstrip(".").partition(".")[2]
    return UNITS * 10.0 ** -len(decimals) * (1 + 1e-9) if decimals else 0.0


def _value(text: str) -> float:
    return float(text.replace(",", "").rstrip("."))


def main(words: list[str]) -> int:
    """Runs chapters; returns 1 if a check found a change, 2 for wrong usage."""
    checks, names = words[:1] == ["check"], words[words[:1] == ["check"] :]
    unknown = set(names) - {path.stem for path in chapters()}
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}\n\n{__doc__}", file=sys.stderr)
        return 2
    failed = 0
    PICTURES.mkdir(parents=True, exist_ok=True)
    for path in chapters(names):
        old, new = path.read_text(encoding="utf-8"), run_alone(path, None if checks else PICTURES)
        if not checks:
            path.write_text(new, encoding="utf-8")
        elif differences := changed(old, new):
            failed = 1
            print(f"{path.name}: " + "; ".join(differences), file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
