"""The arguments of a fit that can be checked before a table is read.

This module imports no torch, so that the command line can refuse a wrong argument at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chainrule.errors import BackendError, ChainruleError, choice, positive, unknown_choice
from chainrule.training.config import FitConfig

EFFORT_NAMES = ("quick", "standard", "best")
DEVICES = ("auto", "cpu", "cuda")
# The network of each objective, which "auto" stands for.
OBJECTIVES = {"any": "orderless", "likelihood": "committee"}
# The networks, and the options of ``REFUSALS`` that each has.
OPTIONS: Mapping[str, frozenset[str]] = {
    "committee": frozenset({"input_dropout", "members", "orders"}),
    "made": frozenset({"hidden_sizes"}),
    "nade": frozenset({"input_dropout"}),
    "orderless": frozenset({"hidden_sizes", "dropout", "members"}),
}
# Why a network refuses an option that it does not have.
REFUSALS = {
    "hidden_sizes": "NADE has one layer; pass hidden_size",
    "dropout": "only the orderless network has it",
    "members": "of NADEs they make a committee; pass network='committee'",
    "orders": "only a committee has several; pass network='committee'",
    "input_dropout": "only NADE and a committee of NADEs have it",
}
NEUTRAL = (None, 0, 1)  # values with which an option has no effect


def network_of(objective: str, network: str, networks: Iterable[str] = OPTIONS) -> str:
    """The name of the network to train; "auto" is the best network for the objective.

    >>> network_of("any", "auto")
    'orderless'
    """
    choice(objective, "objective", OBJECTIVES)
    choice(network, "network", ["auto", *networks])
    return OBJECTIVES[objective] if network == "auto" else network


def require_options(config: FitConfig, options: frozenset[str]) -> None:
    """Raises ChainruleError for an option that a network with these options does not have."""
    for name, reason in REFUSALS.items():
        value = getattr(config, name)
        if name not in options and value not in NEUTRAL:
            raise ChainruleError(
                f"{name} = {list(value) if isinstance(value, tuple) else value}: {reason}"
            )


def require_run(effort: str, time_limit_s: float | None, device: str) -> None:
    """Raises ChainruleError for an effort, a time limit or a device that no fit can have."""
    choice(effort, "effort", EFFORT_NAMES)
    if time_limit_s is not None:
        positive(time_limit_s, "time_limit_s", what="a number of seconds")
    if device not in DEVICES:
        raise BackendError(unknown_choice("device", device, DEVICES))
