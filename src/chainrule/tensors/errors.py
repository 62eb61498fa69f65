"""The error of what has no NumPy form."""

from __future__ import annotations

from chainrule.errors import ChainruleError


class NoNumpyFormError(ChainruleError, AttributeError):
    """A function of PyTorch is asked for that has no NumPy form here."""


def no_form(what: str, name: str) -> AttributeError:
    """The error for a function or method; for one of Python's own names, a plain one."""
    if name.startswith("__"):
        return AttributeError(what)
    return NoNumpyFormError(
        f"torch.{what} has no NumPy form, so this question needs PyTorch: ask "
        "chainrule.load(path) instead of chainrule.Scorer(path)"
    )
