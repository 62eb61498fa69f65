"""The contract of a recipe: what a fit must know about a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch

from chainrule.missing import flags_first
from chainrule.networks import AbstractNetwork, Columns
from chainrule.networks.order_of_ties import determined_last
from chainrule.networks.order_search import search_order
from chainrule.networks.orders import Order, make_order
from chainrule.training.arguments import require_options
from chainrule.training.batches import Rows
from chainrule.training.config import LEARNED_ORDERS, FitConfig
from chainrule.training.data import TrainingData
from chainrule.training.plan import Plan
from chainrule.training.rare_levels import input_factors
from chainrule.training.run import Run
from chainrule.training.search import Trial
from chainrule.training.state import State

LEARNING_RATE = 2e-3  # except for NADEs over binary columns


@dataclass(frozen=True, kw_only=True)
class Effort:
    """The size of a network and the length of its training.

    Attributes:
        hidden_sizes: units of each hidden layer.
        steps: steps of AdamW; tables with few rows reach the limit of epochs first.
        epochs: the least and the largest number of passes over the training rows.
        members: the number of networks to average.
        dropout: the share of hidden units switched off in a training step.
        searches: whether a search on the validation rows precedes the fit.
    """

    hidden_sizes: tuple[int, ...]
    steps: int
    epochs: tuple[int, int]
    members: int
    dropout: float = 0.0
    searches: bool = False


class AbstractRecipe(ABC):
    """Everything that depends on the network: options, plan for a table, construction, search.

    Attributes:
        name: the name of the network in ``fit(network=…)``.
        objective: its purpose, "any" question or "likelihood".
        options: the options that it has, of those which not every network has; see ``REFUSALS``
            in ``training.arguments``.
        learns_from_missing: whether it can train on rows with missing cells.
        prefers_last: whether ``train`` prefers the last weights.
        searches: whether ``search`` may change the plan.
        enlarges_binary: whether weights of rare values are larger if all columns are binary, too.
        origin: what the record says of the weights at the beginning.
    """

    name: str
    objective: str = "likelihood"
    options: frozenset[str] = frozenset()
    learns_from_missing: bool = False
    prefers_last: bool = False
    searches: bool = False
    enlarges_binary: bool = False
    origin: Mapping[str, Any] = MappingProxyType({})

    def check(self, config: FitConfig) -> None:
        """Raises ChainruleError for an option that this network does not have."""
        require_options(config, self.options)

    @abstractmethod
    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """The plan for a table of so many training rows; the configuration takes precedence."""

    def plan_of_ranks(
        self, plan: Plan, config: FitConfig, rows: int, effort: str, ranks: int
    ) -> Plan:
        """The plan for processes that may divide the rows of each batch; by default, it stays."""
        return plan

    @abstractmethod
    def build(
        self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator
    ) -> AbstractNetwork:
        """A network with random weights."""

    def start(self, data: TrainingData, plan: Plan, generator: torch.Generator) -> AbstractNetwork:
        """A network before training, equal to independent columns; its order may be learned.

        The weights of rare levels are larger, and so are their steps. NADEs of binary columns are
        as in their papers, without that.
        """
        order: Any = plan.order
        if order in LEARNED_ORDERS:
            order = search_order(data.filled, method=LEARNED_ORDERS[order], generator=generator)
        elif order == "natural" and data.schema.flags:
            order = flags_first(data.schema)
        if data.schema.ties and plan.order in ("natural", *LEARNED_ORDERS):
            columns = make_order(order, len(data.columns)).tolist()
            order = determined_last(columns, data.schema.ties, data.filled)
        network = self.build(data.columns, plan, order, generator)
        network.initialize_from(data.initial)
        if self.enlarges_binary or not data.columns.is_binary:
            network.enlarge_inputs(input_factors(data.columns, data.filled))
        return network

    def presented(self, data: TrainingData, plan: Plan) -> Rows:
        """The training rows as the epochs present them: by default, each once."""
        return data.train

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
        progress: bool = False,
    ) -> tuple[Plan, list[Trial]]:
        """The plan to train with, and the trials that found it; by default the given plan and none.

        Args:
            plan: the first plan.
            config: the user's options, which no search changes.
            data: rows to train on and to validate with.
            run: the run; if it continues an earlier one, the result is that run's plan.
            effort: as for ``fit``.
            seed: the seed of every trial.
            time_limit_s: the time limit of the whole fit; with a limit there are no trials.
            device: "cpu" or "cuda".
            progress: a progress bar on stderr if it is a terminal.
        """
        return plan, []

    def completed(
        self,
        network: AbstractNetwork,
        data: TrainingData,
        state: State,
        plan: Plan,
        *,
        effort: str,
        seed: int,
        time_limit_s: float | None = None,
        progress: bool = False,
    ) -> AbstractNetwork:
        """The network of the density, from the trained one; by default, it is the same.

        Args:
            network: the trained network, on the CPU and in evaluation mode.
            data: the rows.
            state: the last state of training; trials of this step are added to it.
            plan: the plan of training.
            effort: as for ``fit``.
            seed: the seed of this step.
            time_limit_s: the time limit of the whole fit; with a limit nothing is added.
            progress: a progress bar on stderr if it is a terminal.
        """
        return network
