"""Runs the Python code of docs/lecture, chapter by chapter, and writes its output below it.

Usage: python scripts/run_chapters.py         writes the output and the pictures into docs
       python scripts/run_chapters.py check   changes nothing; exits with 1 if an output has changed

Numbers may change a little, as they do between machines.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS, PICTURES = ROOT / "docs" / "lecture", ROOT / "docs" / "pictures" / "lecture"
CODE = re.compile(
    r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", flags=re.DOTALL | re.MULTILINE
)
UNSURE = 3.0
NUMBER = re.compile(r"[+-]?\d[\d,]*\.?\d*")


def chapters() -> list[Path]:
    """The chapters, in order."""
    return sorted(CHAPTERS.glob("*.md"))


def run(path: Path) -> str:
    """A page with the current output of its code; the code runs in the current folder."""
    namespace: dict[str, object] = {"__name__": "__main__"}

    def printed(block: re.Match[str]) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block[1], path.name, "exec"), namespace)
        text = "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())
        return f"```python\n{block[1]}```\n" + (f"```text\n{text}```\n" if text else "")

    return CODE.sub(printed, path.read_text(encoding="utf-8"))


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
    numbers = zip(*(map(_value, NUMBER.findall(text)) for text in (a, b)), strict=True)
    # Percentages over a few hundred images, printed with their error.
    free = UNSURE if "(±" in a else 0.0
    return all(abs(x - y) <= max(relative * abs(x), free) for x, y in numbers)


def _value(text: str) -> float:
    return float(text.replace(",", "").rstrip("."))


def main(words: list[str]) -> int:
    """Runs all chapters; returns 1 if a check found a change, 2 for wrong usage."""
    if words not in ([], ["check"]):
        print(__doc__, file=sys.stderr)
        return 2
    failed, here = 0, Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for path in chapters():
                old, new = path.read_text(encoding="utf-8"), run(path)
                if words and (differences := changed(old, new)):
                    failed = 1
                    print(f"{path.name}: " + "; ".join(differences), file=sys.stderr)
                elif not words:
                    path.write_text(new, encoding="utf-8")
            if not words:
                PICTURES.mkdir(parents=True, exist_ok=True)
                for picture in sorted(Path(folder).glob("*.png")):
                    shutil.copy(picture, PICTURES / picture.name)
        finally:
            os.chdir(here)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
