"""Runs the Python of docs/lecture, chapter after chapter, in one folder; what it prints is what stands below it.

Usage: python scripts/run_chapters.py         writes what was printed, and the pictures, into docs
       python scripts/run_chapters.py check   changes nothing; exits with 1 where a text has changed but for its numbers
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
CODE = re.compile(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", flags=re.DOTALL | re.MULTILINE)
UNSURE = 3.0
NUMBER = re.compile(r"[+-]?\d[\d,]*\.?\d*")


def chapters() -> list[Path]:
    """The pages in their order."""
    return sorted(CHAPTERS.glob("*.md"))


def run(path: Path) -> str:
    """A page with what its code prints, now, in place of what stood there; the code runs in the current folder."""
    namespace: dict[str, object] = {"__name__": "__main__"}

    def printed(block: re.Match[str]) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block[1], path.name, "exec"), namespace)
        text = "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())
        return f"```python\n{block[1]}```\n" + (f"```text\n{text}```\n" if text else "")

    return CODE.sub(printed, path.read_text(encoding="utf-8"))


def changed(old: str, new: str, *, relative: float = 0.05) -> list[str]:
    """Lines that differ in more than their numbers, or in a number by more than it may on another machine."""
    pairs = list(zip(old.splitlines(), new.splitlines(), strict=False))
    different = [f"{a!r} became {b!r}" for a, b in pairs if not _alike(a, b, relative)]
    return different if len(old.splitlines()) == len(new.splitlines()) else [*different, "another number of lines"]


def _alike(a: str, b: str, relative: float) -> bool:
    if NUMBER.sub("0", a) != NUMBER.sub("0", b):
        return False
    numbers = zip(*(map(_value, NUMBER.findall(text)) for text in (a, b)), strict=True)
    free = UNSURE if "(±" in a else 0.0  # per cent of a few hundred images, with their error
    return all(abs(x - y) <= max(relative * abs(x), free) for x, y in numbers)


def _value(text: str) -> float:
    return float(text.replace(",", "").rstrip("."))


def main(words: list[str]) -> int:
    """Runs all chapters; 1 where checking found a change, 2 for another word."""
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
