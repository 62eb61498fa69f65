"""Makes docs/pictures/review.png: the review page of examples/wrong_cells.py in a real browser.

Usage: python scripts/review_picture.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "pictures" / "review.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "microsoft-edge")
SIZE = "1040,860"


def main() -> None:
    """Runs the example in a folder of its own, and takes a picture of its page."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise SystemExit("install Chromium: no browser is on this machine")
    with tempfile.TemporaryDirectory() as folder:
        example = ROOT / "examples" / "wrong_cells.py"
        subprocess.run([sys.executable, example], cwd=folder, check=True)
        words = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
            f"--window-size={SIZE}",
            f"--screenshot={PICTURE}",
            (Path(folder) / "review.html").as_uri(),
        ]
        subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()
