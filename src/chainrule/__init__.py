"""Exact joint densities of tables by the chain rule.

Importing this package loads no other library; each name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule.first_use import imported_on_use

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
    "Atoms": "conditionals",
    "Bernoulli": "conditionals",
    "Categorical": "conditionals",
    "ChainTable": "baselines",
    "ChainruleError": "errors",
    "Density": "density",
    "DiscretizedLogisticMixture": "conditionals",
    "Committee": "networks",
    "Ensemble": "networks",
    "Estimate": "networks",
    "FitConfig": "training",
    "GaussianMixture": "conditionals",
    "IndependentColumns": "baselines",
    "LaplaceMixture": "conditionals",
    "LogisticMixture": "conditionals",
    "LowerBound": "networks",
    "MADE": "networks",
    "NADE": "networks",
    "OrderlessNADE": "networks",
    "Periodic": "conditionals",
    "PiecewiseLinear": "conditionals",
    "Schema": "table",
    "Scorer": "scorer",
    "apply_patch": "review",
    "datasets": "datasets",
    "fit": "training",
    "infer_schema": "table",
    "load": "density",
    "proofread": "training",
    "quality": "synthetic",
    "read_table": "table",
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


_imported = imported_on_use(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("chainrule.version").version()
    return import_module("chainrule.datasets") if name == "datasets" else _imported(name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
