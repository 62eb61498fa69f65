"""Takes pictures of the review page of examples/wrong_cells.py in a real browser.

They are docs/pictures/review.png, and review-phone.png, which narrow screens show instead.

Usage: python scripts/review_picture.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "microsoft-edge")
# Width and height of the window, and pixels for each of its own.
SIZES = {"review.png": ("1040,892", 1), "review-phone.png": ("390,844", 2)}


def main() -> None:
    """Runs the example in a folder of its own, and takes pictures of its page."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise SystemExit("install Chromium: no browser is on this machine")
    with tempfile.TemporaryDirectory() as folder:
        example = ROOT / "examples" / "wrong_cells.py"
        subprocess.run([sys.executable, example], cwd=folder, check=True)
        for name, (size, scale) in SIZES.items():
            words = [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={folder}/profile",
                f"--window-size={size}",
                f"--force-device-scale-factor={scale}",
                f"--screenshot={PICTURES / name}",
                (Path(folder) / "review.html").as_uri(),
            ]
            subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
            print((PICTURES / name).relative_to(ROOT))


if __name__ == "__main__":
    main()
