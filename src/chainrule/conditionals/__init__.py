"""Conditionals, the distributions of a column, and encodings of its values as network inputs."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.conditionals.atoms import Atoms
from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.bernoulli import Bernoulli
from chainrule.conditionals.calendar import Calendar
from chainrule.conditionals.categorical import Categorical
from chainrule.conditionals.discretized import DiscretizedLogisticMixture
from chainrule.conditionals.distribution import Distribution
from chainrule.conditionals.encodings import (
    AbstractEncoding,
    AtomFlags,
    Identity,
    Joined,
    OneHot,
    Periodic,
    PiecewiseLinear,
    Standardised,
)
from chainrule.conditionals.mixtures import (
    AbstractMixture,
    GaussianMixture,
    LaplaceMixture,
    LogisticMixture,
)
from chainrule.conditionals.tied import Tied
from chainrule.leaves.leaf import leaf_from_json
from chainrule.leaves.warps import WARPS

__all__ = [
    "CONDITIONALS",
    "ENCODINGS",
    "AbstractConditional",
    "AbstractEncoding",
    "AbstractMixture",
    "AtomFlags",
    "Atoms",
    "Bernoulli",
    "Calendar",
    "Categorical",
    "DiscretizedLogisticMixture",
    "Distribution",
    "GaussianMixture",
    "Identity",
    "Joined",
    "LaplaceMixture",
    "LogisticMixture",
    "OneHot",
    "Periodic",
    "PiecewiseLinear",
    "Standardised",
    "Tied",
    "conditional_from_json",
    "encoding_from_json",
]

_CONDITIONALS: tuple[type[AbstractConditional], ...] = (
    Atoms,
    Bernoulli,
    Calendar,
    Categorical,
    DiscretizedLogisticMixture,
    GaussianMixture,
    LaplaceMixture,
    LogisticMixture,
    Tied,
)
_ENCODINGS: tuple[type[AbstractEncoding], ...] = (
    AtomFlags,
    Identity,
    Joined,
    OneHot,
    Periodic,
    PiecewiseLinear,
    Standardised,
)
CONDITIONALS: dict[str, type[AbstractConditional]] = {leaf.__name__: leaf for leaf in _CONDITIONALS}
ENCODINGS: dict[str, type[AbstractEncoding]] = {leaf.__name__: leaf for leaf in _ENCODINGS}


def conditional_from_json(spec: Mapping[str, object]) -> AbstractConditional:
    """Rebuilds a conditional from the output of its ``to_json``.

    >>> conditional_from_json({"kind": "Categorical", "values": 3})
    Categorical(values=3, unlisted=None, rows=None)
    """
    return leaf_from_json(spec, CONDITIONALS, "conditional", WARPS)


def encoding_from_json(spec: Mapping[str, object]) -> AbstractEncoding:
    """Rebuilds an encoding from the output of its ``to_json``.

    >>> encoding_from_json({"kind": "Periodic", "periods": [7.0]})
    Periodic(periods=(7.0,))
    """
    return leaf_from_json(spec, ENCODINGS, "encoding", WARPS)
