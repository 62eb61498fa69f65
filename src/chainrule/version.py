"""The version of the installed library, from its one source, pyproject.toml."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def version() -> str:
    """The version, such as "0.1.0"."""
    return metadata.version("chainrule")
