"""Families whose maximum of the likelihood is found by counting: independent columns, and trees."""

from __future__ import annotations

import torch
from typing_extensions import override

from chainrule.baselines import ChowLiuTree, IndependentColumns
from chainrule.networks import Columns
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families.base import AbstractExactFamily, Fitted

HOW = "counting"


class Independent(AbstractExactFamily[IndependentColumns]):
    """Independent columns."""

    name, title = "independent", "independent columns"

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[IndependentColumns]:
        network = IndependentColumns(data.columns)
        network.initialize_from(data.train.x)
        return Fitted(network.eval(), HOW)

    @override
    def steps_to_draw(self, columns: Columns) -> int:
        return 1


class Tree(AbstractExactFamily[ChowLiuTree]):
    """A tree in which each column depends on one other."""

    name, title = "tree", "Chow-Liu tree"

    @override
    def refuses(self, columns: Columns) -> str | None:
        if all(conditional.is_listed for conditional in columns.conditionals):
            return None
        return "is for tables whose columns are all binary or categorical"

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[ChowLiuTree]:
        network = ChowLiuTree(data.columns)
        network.initialize_from(data.train.x)
        return Fitted(network.eval(), HOW)
