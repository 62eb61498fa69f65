"""Trees of hidden states, one for each binary column, summed out exactly."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, whole_number
from chainrule.networks.base import AbstractNetwork, check_pool
from chainrule.networks.columns import Columns
from chainrule.networks.evidence import is_everywhere
from chainrule.networks.orders import Order, make_order, order_from_json, order_to_json
from chainrule.networks.walk import Walk
from chainrule.rng import generator_from, normal

ROOT = -1
DEVIATION = 1.5  # of the initial logits; equal states would stay equal


class LatentTree(AbstractNetwork):
    """p(x) = Σ_z Π_k p(z_k | z_parent(k)) p(x_k | z_k): each column has a hidden state.

    The states of parent and child depend on each other; a column depends on its own state alone.
    Messages along the tree sum over all states z. So likelihoods are exact for any missing and any
    given cells, and the order changes none of them.

    With the tree of Chow & Liu it is a hidden Chow–Liu tree: Liu & Van den Broeck, "Tractable
    Regularization of Probabilistic Circuits", NeurIPS 2021, arXiv:2106.02264.
    ``training.latent_trees.fit_latent_tree`` finds the tree and fits the probabilities.

    Args:
        columns: the number of binary columns.
        states: S, the number of states of each column.
        parents: the parent of each column, −1 for the root; there is one root. Default: a chain.
        order: as for ``NADE``; the order of draws and of ``log_prob_columns``.
        generator: source of the initial logits and of a random order.

    Attributes:
        parents: tuple of D integers.
        state_logit: (D, S, S), for each column and state of its parent, the logits of its own
            states. The root has its logits in row 0, and the other rows have no effect.
        value_logit: (D, S), for each column and state, log p(1) − log p(0).

    Examples:
        >>> tree = LatentTree(3, states=2, parents=[1, -1, 1], generator=generator_from(0))
        >>> rows = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
        >>> both = tree.log_prob(rows).exp().sum()
        >>> bool(torch.isclose(tree.log_prob(rows[:1], torch.tensor([1, 0, 1]).bool()).exp(), both))
        True
    """

    def __init__(
        self,
        columns: int | Columns,
        states: int = 8,
        *,
        parents: Sequence[int] | None = None,
        order: Order = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.columns = Columns.of(columns)
        if not self.columns.is_binary:
            raise ShapeError("a latent tree is over binary columns; pass their number")
        width, generator = len(self.columns), generator_from(generator)
        self.states = whole_number(states, "states", least=1, what="a number of hidden states")
        self.register_buffer("order", make_order(order, width, generator), persistent=False)
        self.plant(range(ROOT, width - 1) if parents is None else parents)
        sizes = width, self.states
        self.state_logit = nn.Parameter(
            normal(*sizes, self.states, deviation=DEVIATION, generator=generator)
        )
        self.value_logit = nn.Parameter(normal(*sizes, deviation=DEVIATION, generator=generator))

    def plant(self, parents: Sequence[int]) -> None:
        """Sets the parents, (D,) integers; raises ShapeError unless they are a tree."""
        self.parents = tuple(parents)
        self._down = parents_first(self.parents, len(self.columns))

    has_gradients = False  # it is fitted by expectation maximisation

    @property
    @override
    def any_evidence(self) -> bool:
        """True: any cells may be missing or given."""
        return True

    @override
    def rows(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        together = self._evidence(x, given | asked)
        return together if is_everywhere(given, False) else together - self._evidence(x, given)

    @override
    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        walk, found = self.begin(x, given), [x.new_zeros(len(x))] * len(self.columns)
        for column in self.order.tolist():
            rows = asked[:, column]
            if bool(rows.any()):
                nats = walk.distribution(column).log_prob(x[:, column])
                found[column] = torch.where(rows, nats, 0)
                walk.learn(column, x[:, column], rows)
        return torch.stack(found, dim=1)

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        return _Walk(self, x, given)

    @override
    def distribution(self, x: torch.Tensor, column: int, given: torch.Tensor) -> Distribution:
        return self.begin(x, given).distribution(column)

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """p(z | x) of the root's state, (N, S); ``pool`` has no effect."""
        check_pool(pool)
        x = self.check_rows(x)
        everything = torch.ones(x.shape, dtype=torch.bool, device=x.device)
        beliefs, _ = self.upward(x, everything)
        root = self._down[0]
        return (beliefs[root] + self.log_probabilities().states[root, 0]).softmax(1)

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        """Adds the columns' own log-odds in rows x (N, D) to random values of the states."""
        with torch.no_grad():
            self.value_logit += self.columns.initial_params(self.check_rows(x))[:, None]

    @override
    def config(self) -> dict[str, Any]:
        return {
            "states": self.states,
            "parents": list(self.parents),
            "order": order_to_json(self.order),
        }

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> LatentTree:
        order = order_from_json(config["order"])
        return cls(columns, config["states"], parents=config["parents"], order=order)

    @override
    def extra_repr(self) -> str:
        return f"{len(self.columns)} columns, states={self.states}"

    def log_probabilities(self) -> Logs:
        """The logarithms of all probabilities."""
        zeros, ones = F.logsigmoid(-self.value_logit), F.logsigmoid(self.value_logit)
        return Logs(F.log_softmax(self.state_logit, 2), zeros, ones)

    def upward(
        self, x: torch.Tensor, known: torch.Tensor, logs: Logs | None = None
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Messages from the leaves to the root.

        Args:
            x: codes (N, D).
            known: bool (N, D); other cells are summed out.
            logs: the logarithms of all probabilities; by default, the tree's own.

        Returns:
            For each column, the logarithms of p(known cells of its subtree | its state), (N, S),
            and of p(these cells | the state of its parent), (N, S). The root has no parent: all S
            numbers are log p(known cells).
        """
        logs = self.log_probabilities() if logs is None else logs
        transitions, everywhere = logs.states.exp(), is_everywhere(known, True)
        beliefs: dict[int, torch.Tensor] = {}
        messages: dict[int, torch.Tensor] = {}
        for column in reversed(self._down):
            own = logs.of_values(column, x[:, column])  # (N, S)
            if not everywhere:
                own = torch.where(known[:, column, None], own, 0)
            belief = own + beliefs[column] if column in beliefs else own
            message = sum_states(belief, transitions[column].t())
            parent = self.parents[column]
            if parent != ROOT:
                beliefs[parent] = beliefs[parent] + message if parent in beliefs else message
            beliefs[column], messages[column] = belief, message
        every = range(len(self.columns))
        return [beliefs[column] for column in every], [messages[column] for column in every]

    @torch.no_grad()
    def expected_counts(self, x: torch.Tensor, weight: torch.Tensor | None = None) -> Counts:
        """The expected number of rows in each state, given complete rows: EM's first half.

        Args:
            x: codes (N, D) of complete rows.
            weight: how much each row counts, (N,); by default once.
        """
        logs = self.log_probabilities()
        transitions = logs.states.exp()
        beliefs, messages = self.upward(x, torch.ones_like(x, dtype=torch.bool), logs)
        root = self._down[0]
        nats = messages[root][:, 0]  # (N,)
        weight = torch.ones_like(nats) if weight is None else weight.to(nats.dtype)
        states, values = torch.zeros_like(logs.states), logs.zeros.new_zeros(*logs.zeros.shape, 2)
        # log p(cells outside a column's subtree, its state) − log p(row), (N, S)
        outside = {root: logs.states[root, 0] - nats[:, None]}
        for column in self._down:
            parent, belief = self.parents[column], beliefs[column]
            if parent != ROOT:
                above = outside[parent] + beliefs[parent] - messages[column]
                largest = belief.amax(1, keepdim=True)
                pairs = ((above + largest).exp() * weight[:, None]).t() @ (belief - largest).exp()
                states[column] = transitions[column] * pairs
                outside[column] = sum_states(above, transitions[column])
            share = (outside[column] + belief).exp() * weight[:, None]  # (N, S)
            if parent == ROOT:
                states[column, 0] = share.sum(0)
            ones = x[:, column] @ share
            values[column] = torch.stack([share.sum(0) - ones, ones], dim=1)
        return Counts(states, values, float((nats * weight).sum(dtype=torch.float64)))

    def path_to_root(self, column: int) -> list[int]:
        """The column, its parent, and so on to the root."""
        path = [column]
        while (parent := self.parents[path[-1]]) != ROOT:
            path.append(parent)
        return path

    @torch.no_grad()
    def maximise(self, counts: Counts, frequency: torch.Tensor, smoothing: float) -> None:
        """Sets the probabilities to the smoothed shares of expected counts: EM's second half.

        Args:
            counts: the counts of all rows.
            frequency: how frequent 1 is in each column, (D,), strictly between 0 and 1.
            smoothing: pseudo-counts of each distribution: of states in equal parts, of values by
                their frequencies.
        """
        self.state_logit.copy_((counts.states + smoothing / self.states).log())
        zeros, ones = counts.values.unbind(2)
        expected = smoothing * frequency[:, None]
        self.value_logit.copy_((ones + expected).log() - (zeros + smoothing - expected).log())

    def _evidence(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """log p(known cells), (N,)."""
        return self.upward(x, known)[1][self._down[0]][:, 0]


class Logs(NamedTuple):
    """The logarithms of a tree's probabilities."""

    states: torch.Tensor  # (D, S, S): of each state given the parent's state
    zeros: torch.Tensor  # (D, S): of the value 0 given the state
    ones: torch.Tensor  # (D, S): of the value 1 given the state

    def of_values(self, column: int, values: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (N, S) of a column's values (N,) given each of its states."""
        return torch.where(values[:, None] > 0.5, self.ones[column], self.zeros[column])


class Counts(NamedTuple):
    """Expected numbers of rows."""

    states: torch.Tensor  # (D, S, S): by the parent's and the own state
    values: torch.Tensor  # (D, S, 2): by the state and the value
    nats: float  # the total of log p


class _Walk:
    """Messages of the known cells of n rows, in logarithms; a learned cell renews those above it.

    Constants of a row are left out, so that differences between states keep their digits.
    """

    def __init__(self, network: LatentTree, x: torch.Tensor, given: torch.Tensor) -> None:
        self._network, self._logs = network, network.log_probabilities()
        self._transitions = self._logs.states.exp()
        self._beliefs, self._messages = network.upward(x, given, self._logs)

    def distribution(self, column: int) -> Distribution:
        """p(x_column | known cells): messages come down from the root."""
        network, logs = self._network, self._logs
        path = network.path_to_root(column)[::-1]
        outside = logs.states[path[0], 0].expand(len(self._beliefs[0]), -1)
        for parent, child in itertools.pairwise(path):
            above = outside + self._beliefs[parent] - self._messages[child]
            outside = scaled(sum_states(above, self._transitions[child]))
        state = outside + self._beliefs[column]  # (n, S)
        one = (state + logs.ones[column]).logsumexp(1)
        logit = one - (state + logs.zeros[column]).logsumexp(1)
        return Distribution.of(network.columns.conditionals[column], logit[:, None])

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Adds the column's values in the given rows, those where it was not in ``begin``."""
        own = self._logs.of_values(column, values)
        change = torch.where(rows[:, None], own, 0)
        for node in self._network.path_to_root(column):
            belief = scaled(self._beliefs[node] + change)
            message = scaled(sum_states(belief, self._transitions[node].t()))
            change = message - self._messages[node]
            self._beliefs[node], self._messages[node] = belief, message

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        found = copy(self)
        found._beliefs = [belief[rows] for belief in self._beliefs]
        found._messages = [message[rows] for message in self._messages]
        return found


def sum_states(logs: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    """log Σ_i exp(logs_ni) p_ij, (N, J), from logarithms (N, I) and probabilities (I, J)."""
    largest = logs.amax(1, keepdim=True)
    summed = (logs - largest).exp() @ probabilities
    return summed.clamp(min=torch.finfo(logs.dtype).tiny).log() + largest


def scaled(logs: torch.Tensor) -> torch.Tensor:
    """Logarithms (N, S) whose largest is 0 in each row."""
    return logs - logs.amax(1, keepdim=True)


def parents_first(parents: Sequence[int], columns: int) -> list[int]:
    """The columns of a tree, each after its parent.

    >>> parents_first([1, -1, 0], 3)
    [1, 0, 2]

    Raises:
        ShapeError: the parents are those of no tree with one root.
    """
    if len(parents) != columns or not all(
        type(parent) is int and ROOT <= parent < columns for parent in parents
    ):
        raise ShapeError(
            f"parents {str(list(parents))[:60]}: pass the number of a column, or −1 for the root, "
            f"for each of the {columns} columns"
        )
    children: list[list[int]] = [[] for _ in range(columns + 1)]
    for column, parent in enumerate(parents):
        children[parent].append(column)  # parent −1 is the last list: the roots
    order = list(children[ROOT])
    if len(order) != 1:
        raise ShapeError(f"parents have {len(order)} roots (−1); a latent tree has one")
    for column in order:  # the list grows during the loop
        order += children[column]
    if len(order) < columns:
        raise ShapeError("parents are no tree: some column is its own ancestor")
    return order
