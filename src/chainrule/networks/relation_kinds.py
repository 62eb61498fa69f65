"""The relations that a file may describe."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.leaves.leaf import AbstractLeaf, leaf_from_json
from chainrule.leaves.warps import WARPS
from chainrule.networks.linear import (
    LinearFeature,
    LinearForm,
    LinearPrediction,
    LinearTarget,
)
from chainrule.networks.relations import AbstractRelation
from chainrule.networks.ties import Ranges
from chainrule.table.ties import TIES

RELATIONS: dict[str, type[AbstractRelation]] = {
    "LinearPrediction": LinearPrediction,
    "Ranges": Ranges,
}
LINEAR: dict[str, type[AbstractLeaf]] = {
    leaf.__name__: leaf for leaf in (LinearFeature, LinearForm, LinearTarget)
}
PARTS: dict[str, type[AbstractLeaf]] = {**LINEAR, **TIES, **WARPS}


def relation_from_json(spec: Mapping[str, object]) -> AbstractRelation:
    """Rebuilds a relation from the output of its ``to_json``."""
    return leaf_from_json(spec, RELATIONS, "relation", PARTS)
