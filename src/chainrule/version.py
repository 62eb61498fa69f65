"""The version of the installed library, from its one source, pyproject.toml."""

from __future__ import annotations

from functools import cache


@cache
def version() -> str:
    """The version, such as "0.1.0"."""
    from importlib import metadata  # it parses e-mail headers, which few commands need

    return metadata.version("chainrule")
