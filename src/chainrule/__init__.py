"""Exact joint densities of tables by the chain rule.

Importing this package loads no other library; each name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule import datasets as datasets
    from chainrule.baselines import ChainTable as ChainTable
    from chainrule.baselines import IndependentColumns as IndependentColumns
    from chainrule.conditionals import Atoms as Atoms
    from chainrule.conditionals import Bernoulli as Bernoulli
    from chainrule.conditionals import Categorical as Categorical
    from chainrule.conditionals import DiscretizedLogisticMixture as DiscretizedLogisticMixture
    from chainrule.conditionals import GaussianMixture as GaussianMixture
    from chainrule.conditionals import LaplaceMixture as LaplaceMixture
    from chainrule.conditionals import LogisticMixture as LogisticMixture
    from chainrule.conditionals import Periodic as Periodic
    from chainrule.conditionals import PiecewiseLinear as PiecewiseLinear
    from chainrule.density import Density as Density
    from chainrule.density import load as load
    from chainrule.errors import ChainruleError as ChainruleError
    from chainrule.networks import MADE as MADE
    from chainrule.networks import NADE as NADE
    from chainrule.networks import Committee as Committee
    from chainrule.networks import Ensemble as Ensemble
    from chainrule.networks import Estimate as Estimate
    from chainrule.networks import LowerBound as LowerBound
    from chainrule.networks import OrderlessNADE as OrderlessNADE
    from chainrule.review import apply_patch as apply_patch
    from chainrule.scorer import Scorer as Scorer
    from chainrule.synthetic import quality as quality
    from chainrule.table import Schema as Schema
    from chainrule.table import infer_schema as infer_schema
    from chainrule.table import read_table as read_table
    from chainrule.training import FitConfig as FitConfig
    from chainrule.training import fit as fit
    from chainrule.training import proofread as proofread

_HOMES = {
    "Atoms": "chainrule.conditionals",
    "Bernoulli": "chainrule.conditionals",
    "Categorical": "chainrule.conditionals",
    "ChainTable": "chainrule.baselines",
    "ChainruleError": "chainrule.errors",
    "Density": "chainrule.density",
    "DiscretizedLogisticMixture": "chainrule.conditionals",
    "Committee": "chainrule.networks",
    "Ensemble": "chainrule.networks",
    "Estimate": "chainrule.networks",
    "FitConfig": "chainrule.training",
    "GaussianMixture": "chainrule.conditionals",
    "IndependentColumns": "chainrule.baselines",
    "LaplaceMixture": "chainrule.conditionals",
    "LogisticMixture": "chainrule.conditionals",
    "LowerBound": "chainrule.networks",
    "MADE": "chainrule.networks",
    "NADE": "chainrule.networks",
    "OrderlessNADE": "chainrule.networks",
    "Periodic": "chainrule.conditionals",
    "PiecewiseLinear": "chainrule.conditionals",
    "Schema": "chainrule.table",
    "Scorer": "chainrule.scorer",
    "apply_patch": "chainrule.review",
    "datasets": "chainrule.datasets",
    "fit": "chainrule.training",
    "infer_schema": "chainrule.table",
    "load": "chainrule.density",
    "proofread": "chainrule.training",
    "quality": "chainrule.synthetic",
    "read_table": "chainrule.table",
}

__all__ = [
    "MADE",
    "NADE",
    "Atoms",
    "Bernoulli",
    "Categorical",
    "ChainTable",
    "ChainruleError",
    "Committee",
    "Density",
    "DiscretizedLogisticMixture",
    "Ensemble",
    "Estimate",
    "FitConfig",
    "GaussianMixture",
    "IndependentColumns",
    "LaplaceMixture",
    "LogisticMixture",
    "LowerBound",
    "OrderlessNADE",
    "Periodic",
    "PiecewiseLinear",
    "Schema",
    "Scorer",
    "apply_patch",
    "datasets",
    "fit",
    "infer_schema",
    "load",
    "proofread",
    "quality",
    "read_table",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("chainrule.version").version()
    if name not in _HOMES:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    value = home if name == "datasets" else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
