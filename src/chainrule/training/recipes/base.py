"""What a fit must know of a kind of network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch

from chainrule.errors import ChainruleError
from chainrule.missing import flags_first
from chainrule.networks import AbstractNetwork, Columns
from chainrule.networks.orders import Order, search_order
from chainrule.training.config import LEARNED_ORDERS, FitConfig
from chainrule.training.data import TrainingData
from chainrule.training.plan import Plan
from chainrule.training.run import Run
from chainrule.training.search import Trial

EFFORT_NAMES = ("quick", "standard", "best")
LEARNING_RATE = 2e-3  # unless all columns are binary and the network is made of NADEs
NEUTRAL = (None, 0, 1)  # values by which an option asks for nothing
REFUSALS = {  # why a network refuses an option that it does not have
    "hidden_sizes": "NADE has one layer; pass hidden_size",
    "dropout": "only the orderless network has it",
    "members": "of NADEs they make a committee; pass network='committee'",
    "orders": "only a committee has several; pass network='committee'",
    "input_dropout": "only NADE and a committee of NADEs have it",
}


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How large a network is and how long it trains.

    Attributes:
        hidden_sizes: units of each hidden layer.
        steps: steps of AdamW, on tables of enough rows that epochs are not the limit.
        epochs: passes over the training rows, at least and at most.
        members: networks that are averaged.
        dropout: share of hidden units switched off while training.
        searches: whether a search on the validation rows precedes the fit.
    """

    hidden_sizes: tuple[int, ...]
    steps: int
    epochs: tuple[int, int]
    members: int
    dropout: float = 0.0
    searches: bool = False


class AbstractRecipe(ABC):
    """What depends on the kind of network: its options, its plan for a table, its construction, its search.

    Attributes:
        name: the network, as ``fit`` is asked for it.
        objective: what it is for, "any" question or "likelihood".
        options: the options of ``REFUSALS`` that it has.
        learns_from_missing: whether it is trained on rows with missing cells, too.
        prefers_last: whether its last weights are taken, unless earlier ones are better for sure.
        searches: whether ``search`` may change the plan.
    """

    name: str
    objective: str = "likelihood"
    options: frozenset[str] = frozenset()
    learns_from_missing: bool = False
    prefers_last: bool = False
    searches: bool = False

    def check(self, config: FitConfig) -> None:
        """Raises ChainruleError for an option that this network does not have."""
        for name, reason in REFUSALS.items():
            value = getattr(config, name)
            if name not in self.options and value not in NEUTRAL:
                raise ChainruleError(f"{name} = {list(value) if isinstance(value, tuple) else value}: {reason}")

    @abstractmethod
    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """The configuration with all that it leaves open decided, for a table of so many training rows."""

    @abstractmethod
    def build(self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator) -> AbstractNetwork:
        """A network with random weights."""

    def start(self, data: TrainingData, plan: Plan, generator: torch.Generator) -> AbstractNetwork:
        """A network as it begins: in the plan's order, which may be learned, its outputs at independent columns."""
        order: Any = plan.order
        if order in LEARNED_ORDERS:
            order = search_order(data.filled, method=LEARNED_ORDERS[order], generator=generator)
        elif order == "natural" and data.schema.flags:
            order = flags_first(data.schema)
        network = self.build(data.columns, plan, order, generator)
        network.initialize_from(data.initial)
        return network

    def search(
        self,
        plan: Plan,
        config: FitConfig,
        data: TrainingData,
        run: Run,
        *,
        effort: str,
        seed: int,
        time_limit_s: float | None = None,
        device: str = "cpu",
        show_progress: bool = False,
    ) -> tuple[Plan, list[Trial]]:
        """The plan to train with, and what was tried to find it; here the plan as it is, and nothing.

        Args:
            plan: where to begin.
            config: what the user has set, which no search changes.
            data: rows to train on and to judge by.
            run: whose earlier plan, if there is one, is the result.
            effort: as ``fit`` has it.
            seed: of every trial.
            time_limit_s: of the whole fit; with one nothing is tried.
            device: "cpu" or "cuda".
            show_progress: a bar on stderr where a person watches.
        """
        return plan, []
