"""Distributions of one column given its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.conditionals.atoms import Atoms
from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.bernoulli import Bernoulli
from chainrule.conditionals.categorical import Categorical
from chainrule.conditionals.discretized import DiscretizedLogisticMixture
from chainrule.conditionals.distribution import Distribution
from chainrule.conditionals.mixtures import AbstractMixture, GaussianMixture, LaplaceMixture, LogisticMixture
from chainrule.conditionals.periodic import Periodic
from chainrule.conditionals.piecewise import PiecewiseLinear
from chainrule.conditionals.seen import AbstractSeen
from chainrule.errors import ChainruleError, FormatError, unknown_choice

__all__ = [
    "KINDS",
    "AbstractConditional",
    "AbstractMixture",
    "AbstractSeen",
    "Atoms",
    "Bernoulli",
    "Categorical",
    "DiscretizedLogisticMixture",
    "Distribution",
    "GaussianMixture",
    "LaplaceMixture",
    "LogisticMixture",
    "Periodic",
    "PiecewiseLinear",
    "conditional_from_json",
]

_LEAVES = (
    Atoms,
    Bernoulli,
    Categorical,
    DiscretizedLogisticMixture,
    GaussianMixture,
    LaplaceMixture,
    LogisticMixture,
    Periodic,
    PiecewiseLinear,
)
KINDS: dict[str, type[AbstractConditional]] = {leaf.__name__: leaf for leaf in _LEAVES}


def conditional_from_json(spec: Mapping[str, object]) -> AbstractConditional:
    """The conditional that ``to_json`` described.

    >>> conditional_from_json({"kind": "Categorical", "values": 3})
    Categorical(values=3, unlisted=None, rows=None)
    """
    options = dict(spec)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise FormatError(unknown_choice("conditional", kind, KINDS))
    if isinstance(base := options.get("base"), Mapping):
        options["base"] = conditional_from_json(base)
    try:
        return KINDS[str(kind)](**options)  # type: ignore[arg-type]
    except FormatError:
        raise
    except ChainruleError as error:
        raise FormatError(f"conditional {kind!r}: {error}") from error
    except TypeError as error:
        raise FormatError(f"conditional {kind!r} does not take the options {sorted(options)}") from error
