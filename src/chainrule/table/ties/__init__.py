"""Ties: relations between columns that hold in nearly all rows, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.leaves.leaf import leaf_from_json
from chainrule.table.ties.base import AbstractTie
from chainrule.table.ties.functional import FunctionalTie
from chainrule.table.ties.linear import LinearTie
from chainrule.table.ties.product import ProductTie
from chainrule.table.ties.quotient import QuotientTie

__all__ = [
    "TIES",
    "AbstractTie",
    "FunctionalTie",
    "LinearTie",
    "ProductTie",
    "QuotientTie",
    "tie_from_json",
]

_TIES: tuple[type[AbstractTie], ...] = (FunctionalTie, LinearTie, ProductTie, QuotientTie)
TIES: dict[str, type[AbstractTie]] = {leaf.__name__: leaf for leaf in _TIES}


def tie_from_json(spec: Mapping[str, object]) -> AbstractTie:
    """Rebuilds a tie from the output of its ``to_json``.

    >>> tie_from_json({"kind": "LinearTie", "columns": [0, 2], "coefficients": [1, -1], "least": 0})
    LinearTie(columns=(0, 2), coefficients=(1, -1), least=0, most=inf, share=1.0, text='')
    """
    return leaf_from_json(spec, TIES, "tie")
