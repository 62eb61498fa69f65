"""Opens pages in a real browser; continuous integration installs one if it is missing."""

import base64
import functools
import json
import os
import re
import select
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
PATIENCE_S = 300  # a page that hangs fails its test, instead of holding up all others
# What the browser itself does with a key depends on its code.
KEY_CODES = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    " ": 32,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}
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


class Page:
    """A page in a browser that a test drives: it types, clicks and downloads as a reader would.

    The browser is told what to do through a pipe, in the messages of its own protocol.
    """

    def __init__(
        self, page: Path | str, folder: Path, *, width: int, height: int = 900, dark=False
    ):
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        read_there, self._to = os.pipe()
        self._from, write_there = os.pipe()
        # The browser reads from descriptor 3 and writes to descriptor 4.
        moved = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
        words = [
            *("bash", "-c", moved, "moved", str(read_there), str(write_there), browser(), *FLAGS),
            f"--user-data-dir={folder / 'driven'}",
            "--remote-debugging-pipe",
        ]
        self._browser = subprocess.Popen(
            words, pass_fds=(read_there, write_there), stderr=subprocess.DEVNULL
        )
        os.close(read_there)
        os.close(write_there)
        self._number, self._seen, self._session = 0, b"", None
        self._saving, self._saved = {}, set()
        # Events tell when a download is complete: a file may be there, and empty, before.
        folder_of = {"downloadPath": str(self.downloads), "eventsEnabled": True}
        self.tell("Browser.setDownloadBehavior", behavior="allow", **folder_of)
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        attached = self.tell("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.resize(width, height, dark=dark)
        self.open(page)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._to)
        self._browser.terminate()
        self._browser.wait()
        os.close(self._from)

    def tell(self, method, **parameters):
        """Sends a command, and returns what the browser answers."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self):
        while b"\0" not in self._seen:
            is_there, _, _ = select.select([self._from], [], [], PATIENCE_S)
            assert is_there, f"the page did nothing that was waited for in {PATIENCE_S} s"
            more = os.read(self._from, 2**16)
            assert more, "the browser has ended"
            self._seen += more
        first, _, self._seen = self._seen.partition(b"\0")
        message = json.loads(first)
        told = message.get("params", {})
        if message.get("method") == "Browser.downloadWillBegin":
            self._saving[told["guid"]] = told["suggestedFilename"]
        elif message.get("method") == "Browser.downloadProgress":
            assert told["state"] != "canceled", self._saving[told["guid"]]
            if told["state"] == "completed":
                self._saved.add(self._saving[told["guid"]])
        return message

    def resize(self, width, height=900, *, dark=False):
        """Gives the window a size and a scheme of colours."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.tell("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, page: Path | str):
        """Opens a page, by path or address, and waits until it has loaded."""
        address = page if isinstance(page, str) else page.as_uri()
        self.tell("Page.navigate", url=address)
        self.run(
            f"new Promise(done => {{ const look = () => location.href === {address!r} && "
            "document.readyState === 'complete' ? done(1) : setTimeout(look, 20); look(); })"
        )

    def run(self, code):
        """The value of an expression in the page; a promise is awaited."""
        found = self.tell(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, *keys):
        """Presses keys one after the other, such as "a" or "ArrowDown"."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = KEY_CODES.get(key, 0)
            common = {"key": key, "windowsVirtualKeyCode": code}
            self.tell("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
            self.tell("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        """Puts a text where the cursor is, in place of what is selected."""
        self.tell("Input.insertText", text=text)

    def click(self, selector):
        """Clicks with the mouse into the middle of an element."""
        place = self.run(
            f"(() => {{ const found = document.querySelector({selector!r}); "
            "found.scrollIntoView({block: 'center'}); const box = found.getBoundingClientRect(); "
            "return {x: box.x + box.width / 2, y: box.y + box.height / 2}; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            button = {"button": "left", "clickCount": 1}
            self.tell("Input.dispatchMouseEvent", type=kind, **place, **button)

    def wait(self, code):
        """Waits until an expression in the page is true."""
        self.run(
            f"new Promise(done => {{ const look = () => ({code}) ? done(1) : setTimeout(look, 20); "
            "look(); })"
        )

    def downloaded(self, name):
        """The bytes of a file that the page saved, once it is complete."""
        while name not in self._saved:
            self._next()
        return (self.downloads / name).read_bytes()

    def picture(self, path: Path):
        """Writes a picture of what the window shows."""
        path.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot")["data"]))
