"""Pages in one HTML file, with their style and scripts; they load nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from chainrule.errors import printable_lines
from chainrule.version import version


def page_of(package: str, *, scripts: Sequence[str] = (), **facts: Any) -> str:
    """Returns the page of a package: its page.html with page.css and some scripts.

    The template finds ``style``, ``script`` and ``version``. A Content-Security-Policy names the
    only style and script that run by ``style_hash`` and ``script_hash``.

    Args:
        package: the package that holds the files, such as "chainrule.review".
        scripts: names of the files whose code makes the script, in this order.
        facts: what else the template shows. Text is escaped.
    """
    style, script = text_of(package, "page.css"), text_of(package, *scripts)
    return rendered(
        text_of(package, "page.html"),
        style=style,
        style_hash=hash_of(style),
        script=script,
        script_hash=hash_of(script),
        **facts,
    )


def text_of(package: str, *names: str) -> str:
    """The text of files of a package, one after the other."""
    own = resources.files(package)
    return "".join(own.joinpath(name).read_text(encoding="utf-8") for name in names)


def rendered(template: str, **facts: Any) -> str:
    """A template with its facts, and with ``version``; control characters become escapes."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Text marked as safe, such as a script, stays as it is.
        finalize=lambda value: printable_lines(value) if type(value) is str else value,
    )
    environment.filters |= {"whole": lambda number: f"{number:,}"}
    return environment.from_string(template).render(version=version(), **facts)


def within_html(data: Mapping[str, Any]) -> str:
    """JSON that ends no element of HTML and begins none.

    >>> within_html({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def hash_of(text: str) -> str:
    """The hash by which a Content-Security-Policy names a style or a script."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
