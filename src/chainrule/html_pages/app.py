"""Pages that react to their reader, alone in a file or in the output of a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.html_pages.page import hash_of, rendered, text_of, within_html

HERE = "chainrule.html_pages"


@dataclass(frozen=True)
class App:
    """A page of one content, style and script, wherever it stands.

    The script finds ``root``, the document or a part of a notebook's; ``frame``, the element that
    holds the content; ``data``; and ``signal``, which tells when the page is closed. In a notebook
    it also finds ``ask``, which asks Python. A page that stands alone brings its own.

    Attributes:
        title: the title of the page.
        content: the HTML within the frame.
        style: CSS, whose colours are properties of ``:root`` and ``:host``.
        script: JavaScript.
        data: what the script finds as ``data``, as JSON.
    """

    title: str
    content: str
    style: str
    script: str
    data: Mapping[str, Any]

    def page(self, *, ask: str = "") -> str:
        """Returns the page as one HTML file.

        Args:
            ask: JavaScript that defines ``ask``, of a page whose server answers. By default no
                request is allowed.
        """
        script = text_of(HERE, "alone.js") + ask + text_of(HERE, "shared.js") + self.script
        return rendered(
            text_of(HERE, "app.html"),
            title=self.title,
            content=self.content,
            style=self.style,
            style_hash=hash_of(self.style),
            script=script,
            script_hash=hash_of(script),
            asks=bool(ask),
            json=within_html(self.data),
        )

    def module(self) -> str:
        """Returns an ES module for a notebook: its ``render`` shows the page in an element.

        Its model has a property ``page`` with the content, style and data.
        """
        script = text_of(HERE, "shared.js") + self.script
        begin = f"function begin(root, frame, data, ask, signal) {{\n{script}\n}}\n"
        return begin + text_of(HERE, "notebook.js")


def app_of(
    package: str, title: str, *, scripts: Sequence[str], data: Mapping[str, Any], **facts: Any
) -> App:
    """Returns the page of a package: its content.html with page.css and some scripts.

    Args:
        package: the package that holds the files, such as "chainrule.view".
        title: the title of the page.
        scripts: names of the files whose code makes the script, in this order.
        data: what the script finds as ``data``.
        facts: what the content shows. Text is escaped.
    """
    return App(
        title=title,
        content=rendered(text_of(package, "content.html"), data=data, **facts),
        style=text_of(package, "page.css"),
        script=text_of(package, *scripts),
        data=data,
    )
