"""The processes that work together: how many there are, by the launcher's environment."""

from __future__ import annotations

import os

from chainrule.errors import ChainruleError


def started() -> int:
    """How many processes a launcher such as ``torchrun`` has started, this one among them."""
    return _number("WORLD_SIZE", 1)


def require_one(what: str) -> None:
    """Raises ChainruleError if a launcher has started several processes of this program."""
    if started() > 1:
        raise ChainruleError(
            f"WORLD_SIZE = {started()}: {what} works in one process; start it without torchrun, "
            "or unset WORLD_SIZE"
        )


def _number(name: str, usual: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else usual
