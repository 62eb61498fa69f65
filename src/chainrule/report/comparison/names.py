"""The choices of a comparison, by name. Imports no torch, as the command line reads it first."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.errors import ChainruleError, unknown_choice

# Number of passes relative to the standard effort.
EFFORTS = {"quick": 0.2, "standard": 1.0, "best": 4.0}
FAMILY_NAMES = (
    "independent",
    "tree",
    "mixture",
    "gaussians",
    "fvsbn",
    "rbm",
    "vae",
    "nade",
    "made",
    "orderless",
)


def require_effort(effort: str) -> None:
    """Raises ChainruleError unless there is an effort of this name."""
    if effort not in EFFORTS:
        raise ChainruleError(unknown_choice("effort", effort, EFFORTS))


def require_family(name: str, families: Sequence[str] = FAMILY_NAMES) -> None:
    """Raises ChainruleError unless there is a family of this name."""
    if name not in families:
        raise ChainruleError(unknown_choice("family", name, families))
