"""The relations that a file may describe."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.leaves.leaf import leaf_from_json
from chainrule.networks.relations import AbstractRelation
from chainrule.networks.ties import Ranges
from chainrule.table.ties import TIES

RELATIONS: dict[str, type[AbstractRelation]] = {"Ranges": Ranges}


def relation_from_json(spec: Mapping[str, object]) -> AbstractRelation:
    """Rebuilds a relation from the output of its ``to_json``."""
    return leaf_from_json(spec, RELATIONS, "relation", TIES)
