"""Names of a room that are imported when they are first used, so that the room imports quickly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def imported_on_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Returns a package's ``__getattr__``, which imports the module of a name that is asked for.

    Args:
        package: its ``__name__``.
        homes: for each name, the module within the package that has it.

    Examples:
        >>> found = imported_on_use("chainrule", {"FormatError": "errors"})
        >>> found("FormatError").__module__
        'chainrule.errors'
        >>> found("FromatError")
        Traceback (most recent call last):
        AttributeError: module 'chainrule' has no attribute 'FromatError'
    """

    def of(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return of
