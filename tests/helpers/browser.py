"""Opens pages in a real browser; continuous integration installs one if it is missing."""

import functools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
# The page runs this once it has loaded. It reports defects that a reader would see.
LOOK = """
<script>
window.addEventListener("load", () => {
  const images = [...document.images];
  const anchors = [...document.querySelectorAll('a[href^="#"]')];
  const links = anchors.map(a => a.getAttribute("href").slice(1));
  const loaded = performance.getEntriesByType("resource").map(e => e.name);
  const found = {
    images: images.length,
    broken: images.filter(i => !i.complete || i.naturalWidth === 0).map(i => i.alt),
    links: links.length,
    astray: links.filter(id => document.getElementById(id) === null),
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    headings: [...document.querySelectorAll("h2")].map(h => h.textContent),
    tallest: Math.max(...images.map(i => i.getBoundingClientRect().height)),
    requests: loaded.filter(n => !n.startsWith("data:")),
  };
  const out = document.createElement("pre");
  out.id = "looked-at";
  out.textContent = JSON.stringify(found);
  document.body.appendChild(out);
});
</script>
"""


@functools.cache
def browser():
    """The path of a browser; without one, skips the test or, in continuous integration, fails."""
    named = os.environ.get("CHAINRULE_BROWSER")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI") and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        subprocess.run(install, check=False, stdout=subprocess.DEVNULL)
        found = shutil.which("chromium")
    if found is None:
        message = "no browser on this machine: install Chromium, or name one with CHAINRULE_BROWSER"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return found


def look_at(page: Path, folder: Path, width: int) -> dict:
    """Opens a page in a window ``width`` pixels wide and returns the report of LOOK."""
    copy = folder / f"{page.stem}-{width}.html"
    copy.write_text(
        page.read_text(encoding="utf-8").replace("</head>", LOOK + "</head>"), encoding="utf-8"
    )
    words = [
        browser(),
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={width},2000",
        "--dump-dom",
        copy.as_uri(),
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    found = re.search(r'<pre id="looked-at">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    assert found is not None, done.stderr[-2000:]
    return json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
