"""Orderless NADE: one deep network that answers for every order of the columns."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, choice, share, sizes, whole_number
from chainrule.networks import output_layer
from chainrule.networks.asked import AskedCells
from chainrule.networks.base import AbstractNetwork, check_pool
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.deep_loss import (
    ALL_OF_IT,
    DeepLoss,
    Part,
    Shape,
    Weights,
    first_inputs,
    hidden_layers,
)
from chainrule.networks.evidence import as_mask, is_everywhere
from chainrule.networks.left_out import SumsWithout
from chainrule.networks.orders import Order, make_order, order_from_json, order_to_json
from chainrule.networks.relations import settled
from chainrule.networks.share import WHOLE, Apart, Share
from chainrule.networks.trainable import Repeats
from chainrule.networks.training_masks import drawn, for_training
from chainrule.networks.walk import Walk
from chainrule.ops.activations import ACTIVATIONS, IN_PLACE
from chainrule.ops.autocast import without_autocast
from chainrule.ops.cells import choose
from chainrule.ops.cells.dropout import draw_seed, kept
from chainrule.rng import generator_from, normal

SCAN_ROWS = 512  # rows that go through the columns together: their units fit a core's cache
SCORED_ROWS = 4096  # rows whose likelihoods are computed together, from parameters
# The share of the training rows whose given cells come first in the network's own order. Scores and
# draws take that order. A larger share costs other questions more than it gains.
IN_ORDER = 0.25
# How many times as fast the weights of the last member decay as those of the first. Tables differ
# in the decay that serves them: members of several decays serve all, and differ more. Under AdamW,
# weights settle below 1 / decay, so narrow layers could say little if theirs decayed as fast.
DECAYS, WIDE = 5.0, 256  # with so many units in each layer; the ratio falls with the width
MOST_WRITTEN = 2048  # inputs; beyond them looking up the rows of categories costs less
# Rows (n,), a column, and something of these rows.
_State = tuple[torch.Tensor, int, torch.Tensor]
STATES = 512  # hidden states that go through the deeper layers together, if columns have fewer
# Where each cell is left out of its row: rows in memory together, and numbers of one array of sums.
APART_ROWS, APART_NUMBERS = 256, 2**23
UNITS_ARE_COLUMNS = "value_weight", "flag_weight"  # units of other layers are rows


class OrderlessNADE(AbstractNetwork):
    """p(x_k | any other columns), all by one network over values and flags of given cells.

    The first layer sums over the given cells j: a = b + Σ_j (x_j W_j + F_j). The deeper layers turn
    act(a) into h. The parameters of every column's conditional are c + V h.

    Every order o gives a density p(x) = Π_i p(x_{o_i} | x_{o_<i}). The densities of different
    orders differ, and training makes them agree. The network answers in ``order``, with the given
    cells first. Exact answers are exact for that density.

    With several members, each conditional is the average of theirs:
    p(x_k | given) = 1/M Σ_m p_m(x_k | given). It averages probabilities, not logits, so the product
    over any order is still a density. Members share rows and masks in training, but no parameters.
    Each has its own loss. Training decays the weights of later members faster; see
    ``decay_factors``.

    Source: Uria, Murray & Larochelle, "A Deep and Tractable Density Estimator", ICML 2014,
    arXiv:1310.1757 (DeepNADE). Members: Lakshminarayanan, Pritzel & Blundell, "Simple and Scalable
    Predictive Uncertainty Estimation using Deep Ensembles", NeurIPS 2017, arXiv:1612.01474.

    Args:
        columns: the number of binary columns; or, per column, a conditional or a pair
            (conditional, encoding).
        hidden_sizes: the number of units of each hidden layer, at least one layer.
        activation: "relu" or "sigmoid".
        order: None (natural), "random" (drawn from ``generator``) or a permutation. See
            ``with_order``.
        dropout: the fraction of hidden units dropped at random in training.
        members: the number of networks of these sizes.
        generator: the source of the initial weights and of a random order; None is a fresh one.

    Examples:
        >>> net = OrderlessNADE(4, [8], generator=generator_from(0))
        >>> x = torch.tensor([[1.0, 0.0, 0.0, 1.0]])
        >>> given = torch.tensor([False, True, False, True])
        >>> net.log_prob(x, given=given).shape, net.conditional(x, 0, given).mean().shape
        (torch.Size([1]), torch.Size([1]))
    """

    _of = ALL_OF_IT  # which part of a training step this network computes

    def __init__(
        self,
        columns: int | Sequence[ColumnSpec] | Columns,
        hidden_sizes: Sequence[int] = (500, 500),
        *,
        activation: str = "relu",
        order: Order = None,
        dropout: float = 0.0,
        members: int = 1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        generator = generator_from(generator)
        self.columns = Columns.of(columns)
        self.register_buffer(
            "order", make_order(order, len(self.columns), generator), persistent=False
        )
        self.register_buffer("input_factor", None, persistent=False)
        self.hidden_sizes = sizes(hidden_sizes, "hidden_sizes")
        self.activation = choice(activation, "activation", ACTIVATIONS)
        self.dropout = share(dropout, "dropout", of="hidden units")
        self.members = members = whole_number(
            members, "members", least=1, what="a number of networks"
        )
        inputs, params = sum(self.columns.input_widths), sum(self.columns.param_widths)
        first, last = self.hidden_sizes[0], self.hidden_sizes[-1]

        def drawn_weight(rows: int, width: int, deviation: float) -> nn.Parameter:
            return nn.Parameter(normal(rows, width, deviation=deviation, generator=generator))

        # A layer holds the units of all members one after the other: (…, M H) is (…, M, H).
        self.value_weight = drawn_weight(inputs, members * first, inputs**-0.5)
        self.flag_weight = drawn_weight(
            len(self.columns), members * first, len(self.columns) ** -0.5
        )
        self.hidden_weights = nn.ParameterList(
            drawn_weight(members * after, before, (2 / before) ** 0.5)
            for before, after in zip(self.hidden_sizes, self.hidden_sizes[1:], strict=False)
        )
        self.hidden_biases = nn.ParameterList(
            nn.Parameter(torch.zeros(members * size)) for size in self.hidden_sizes
        )
        # Small outputs: the columns of an untrained network are nearly independent.
        self.output_weight = drawn_weight(members * params, last, 0.1 * last**-0.5)
        self.output_bias = nn.Parameter(torch.zeros(members * params))

    def with_order(self, order: Order) -> OrderlessNADE:
        """A copy with another order that shares this network's parameters.

        An ``Ensemble`` of several such copies is EoNADE.
        """
        other = copy.copy(self)
        other._buffers = {
            **self._buffers,
            "order": make_order(order, len(self.columns)).to(self.order.device),
        }
        return other

    def params_given(
        self, x: torch.Tensor, given: torch.Tensor, *, seeds: Sequence[tuple[int, int]] = ()
    ) -> torch.Tensor:
        """Parameters (N, M, P) of every column's conditional given some cells (N, D).

        They take one pass, for all members. Values of other cells are never read. Hidden units
        drop out by the seed of each layer, if there are any.
        """
        return self._params(self._first(x, given), seeds)

    @override
    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """See the base class. The first layer costs one update per column, O(D H) in all.

        The deeper layers are computed once per column.
        """
        x = self.columns.filled(x, given | asked)
        cells = torch.zeros_like(x)
        if choose.serves(self.output_weight) and not torch.is_grad_enabled():
            with without_autocast("cpu"):  # kernels read float32
                scored_by_kernels = partial(self._scored, x, given, asked)
                for rows, column, logs in self._scan(x, given, asked, scored_by_kernels):
                    cells[rows, column] = logs
            return cells
        if torch.is_grad_enabled():
            return self._cells_with_slopes(x, given, asked)
        for part in torch.arange(len(x), device=x.device).split(SCORED_ROWS):
            found: dict[int, list[tuple[torch.Tensor, torch.Tensor]]] = {}
            for rows, column, h in self._scan(x[part], given[part], asked[part]):
                found.setdefault(column, []).append((part[rows], self._outputs(h, column)))
            for column, of_column in found.items():
                rows, params = (_together(list(each)) for each in zip(*of_column, strict=True))
                cells[rows, column] = self._logs(params, column, x, given, asked, rows)
        return cells

    def _cells_with_slopes(
        self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor
    ) -> torch.Tensor:
        """``cells`` of which gradients are wanted."""
        cells, scored = torch.zeros_like(x), []
        for rows, column, h in self._scan(x, given, asked):
            logs = self._logs(self._outputs(h, column), column, x, given, asked, rows)
            scored.append((rows, torch.full_like(rows, column), logs))
        if not scored:
            return cells
        rows, columns, logs = (torch.cat(tensors) for tensors in zip(*scored, strict=True))
        return cells.index_put((rows, columns), logs)

    def _logs(
        self,
        params: torch.Tensor,
        column: int,
        x: torch.Tensor,
        given: torch.Tensor,
        asked: torch.Tensor,
        rows: torch.Tensor,
    ) -> torch.Tensor:
        """Log-likelihoods (n,) of a column's codes in some rows, by parameters (n, M, width)."""
        known = self._known_at(column, given[rows], asked[rows])
        return self._mixture(params, column, x[rows], known).log_prob(x[rows, column])

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        """A walk that updates the sums of the first layer over the given cells."""
        return _Walk(self, self._first(x, given))

    @override
    def distribution(self, x: torch.Tensor, column: int, given: torch.Tensor) -> Distribution:
        params = self._outputs(self._deeper(self._first(x, given)), column)
        return self._mixture(params, column, x, given)

    @override
    def each_given_others(
        self,
        x: torch.Tensor,
        given: torch.Tensor,
        asked: torch.Tensor,
        besides: Mapping[int, tuple[int, float]] | None = None,
    ) -> Iterator[AskedCells]:
        """See the base class. A row passes the network once for each set of given cells.

        Asked cells that are not given share one pass. Each of the others has a set of its own. Its
        first layer is the sum over the columns before it plus the sum over those after it. So the
        cost is linear in the columns, and no digits cancel. Outputs are those of the asked column.
        """
        x, besides = self.columns.filled(x, given), besides or {}
        apart, alike = asked & given, asked & ~given
        for column, (other, code) in besides.items():
            changed = asked[:, column] & ~(given[:, other] & (x[:, other] == code))
            apart[:, column] |= changed
            alike[:, column] &= ~changed
        for rows, column, h in self._alike(x, given, alike):
            found = self._mixture(self._outputs(h, column), column, x[rows], given[rows])
            yield AskedCells(rows, torch.full_like(rows, column), found)
        for rows, column, h in self._apart(x, given, apart, besides):
            codes, known = _beside(x[rows], given[rows], besides.get(column))
            found = self._mixture(self._outputs(h, column), column, codes, known)
            yield AskedCells(rows, torch.full_like(rows, column), found)

    @override
    def each_in_turn(
        self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor
    ) -> Iterator[AskedCells]:
        """See the base class. The first layer costs one update per column, O(D H) in all."""
        x = self.columns.filled(x, given | asked)
        for rows, column, h in self._scan(x, given, asked):
            known = self._known_at(column, given[rows], asked[rows])
            found = self._mixture(self._outputs(h, column), column, x[rows], known)
            yield AskedCells(rows, torch.full_like(rows, column), found)

    @override
    def distributions(self, x: torch.Tensor) -> list[Distribution]:
        nothing = torch.zeros(x.shape, dtype=torch.bool, device=x.device)
        params = x.new_zeros(len(x), self.members, len(self.output_bias) // self.members)
        by_column = {k: [] for k in range(len(self.columns))}
        for rows, column, h in self._scan(x, nothing, ~nothing):
            outputs = self._outputs(h, column)
            if torch.is_grad_enabled():
                by_column[column].append(outputs)
            else:
                params[rows, :, self.columns.param_rows(column)] = outputs
        if torch.is_grad_enabled() and len(x):
            params = torch.cat([torch.cat(each) for each in by_column.values()], dim=2)
        return [
            self._mixture(
                params[:, :, self.columns.param_rows(k)], k, x, self._known_at(k, nothing, ~nothing)
            )
            for k in range(len(self.columns))
        ]

    @override
    def features(
        self, x: torch.Tensor, pool: str = "last", *, observed: torch.Tensor | None = None
    ) -> torch.Tensor:
        """A representation of each row from the last hidden layer.

        Args:
            x: codes (N, D).
            pool: "last" is the layer given all observed columns, (N, H), for H units of all members
                together. The other pools use D vectors, each of which predicts a column from those
                before it: "mean" and "sum" (N, H), or "concat" in column order (N, D·H).
            observed: bool (D,) or (N, D), for pool="last". Other cells are never
                read. Default all.

        Raises:
            ShapeError: a row has missing cells and the pool is not "last".
        """
        check_pool(pool)
        x, observed, nothing = self.check_evidence(x, observed, None)
        if pool == "last":
            return self._deeper(self._first(x, observed))
        if not bool(observed.all()):
            raise ShapeError(
                f"pool = {pool!r}: of rows with unknown cells there is pool='last' only"
            )
        found: dict[int, list[torch.Tensor]] = {}
        for _, column, h in self._scan(x, nothing, observed):
            found.setdefault(column, []).append(h)
        by_column = [torch.cat(found[k]) for k in range(len(self.columns))]
        vectors = torch.stack(by_column, dim=1)  # (N, D, H)
        if pool == "concat":
            return vectors.flatten(1)
        return vectors.sum(1) if pool == "sum" else vectors.mean(1)

    @override
    def training_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """The loss that training minimises, (N,) nats.

        A quarter of the rows train the network's own order; see ``training_masks.in_order``.

        The others have ``order_loss`` if all rows have equally many observed cells, as complete
        rows do. Otherwise ``order_loss`` would weight a conditional by 1/(m C(m−1, k)), for m
        observed and k given cells of a row. Sparse rows would dominate. If missingness depends on
        observed cells, this would bias the conditionals.

        ``training_masks.drawn`` therefore weighs the targets evenly: their weight depends on k
        alone. The mean over the batch is then not a mean likelihood, but has the scale of one.

        ``generator`` draws the masks, in evaluation mode too. In training mode it also draws the
        dropout.
        """
        return self._drawn_losses(x, observed, generator, in_training=True).sum(0)

    @override
    def losses(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
        *,
        repeats: Repeats | None = None,
        share: Share = WHOLE,
    ) -> list[torch.Tensor]:
        """See the base class. The parts are the members; masks are drawn for the whole batch."""
        found = self._drawn_losses(
            x, observed, generator, in_training=True, repeats=repeats, share=share
        )
        return list(found)

    @override
    def parameters_apart(self) -> Sequence[Apart]:
        if self.members == 1:
            return super().parameters_apart()
        return [
            Apart(tuple(self._parameters_of(k, k + 1).values()), 1 / self.members)
            for k in range(self.members)
        ]

    @override
    def repeated_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None,
        frequency: torch.Tensor,
        causes: torch.Tensor,
        due: torch.Tensor,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """See the base class. Conditionals count as often as the given levels make rows come.

        A weight that depends on given cells alone biases no conditional. Rows of a rare level then
        teach what the level says of other columns, and do not change how probable it is. So a
        level that is not given changes no weight, even if the row comes because of it.
        """
        repeats = frequency, causes, due
        return self._drawn_losses(x, observed, generator, in_training=True, repeats=repeats).sum(0)

    @property
    @override
    def loss_is_estimate(self) -> bool:
        """True: the loss draws masks, and reweights rows with missing cells."""
        return True

    @property
    @override
    def any_evidence(self) -> bool:
        return True

    @override
    def one_order_networks(self, number: int = 1, seed: int = 1) -> list[AbstractNetwork]:
        """This network with its own order, then copies with random orders."""
        generator, width = generator_from(seed), len(self.columns)
        return [
            self,
            *(self.with_order(make_order("random", width, generator)) for _ in range(number - 1)),
        ]

    @override
    def numbers_each_step(self) -> int:
        """The number of weights between hidden layers, which every column's evidence passes."""
        return sum(weight.numel() for weight in self.hidden_weights)

    @override
    def order_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """An unbiased estimate (N,) of the mean over all orders of −log p(observed cells), nats.

        For a row with m observed cells, it draws k uniformly on 0 … m − 1 and k given cells
        uniformly. Rows come in antithetic pairs. A row without observed cells has a loss of 0. See
        ``masked_loss``.
        """
        return self._drawn_losses(x, observed, generator).sum(0)

    def _drawn_losses(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None,
        generator: torch.Generator | None,
        *,
        in_training: bool = False,
        repeats: Repeats | None = None,
        share: Share = WHOLE,
    ) -> torch.Tensor:
        """``order_loss`` of each member; with ``in_training``, the loss of ``training_loss``.

        ``repeats`` are what ``repeated_loss`` knows of the rows. The result (M, n) is that of a
        share of the members and rows. In evaluation mode it is that of all members, (1, n).
        """
        x = self.check_rows(x)
        observed = as_mask(observed, *x.shape, name="observed", default=True).to(x.device)
        generator = generator_from(generator)
        cells, is_complete = observed.t().to(x.dtype), is_everywhere(observed, True)
        if not is_complete:
            x = self.columns.filled(x, observed)
        if in_training:
            evenly = not is_complete and _differ(cells.sum(0))
            given, weights = for_training(cells, self.order, IN_ORDER, generator, evenly=evenly)
        else:
            given, weights = drawn(cells, generator, evenly=False)
        if repeats is not None:
            frequency, causes, due = repeats[0], repeats[1].long(), repeats[2]
            is_known = (causes >= 0) & (given.gather(0, causes.clamp(min=0).t()).t() > 0)
            wanted = torch.where(is_known, due, 1.0).amax(1).clamp(min=1)
            weights = weights * (wanted / frequency).to(weights)
        return self._weighted_losses(x, given, weights, generator, share)

    def masked_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor,
        given: torch.Tensor,
        *,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """m / (m − k) · Σ_j −log p(x_j | given cells), (N,) nats, for m observed and k given cells.

        The sum is over the observed cells j that are not given. Consider its mean over uniform k in
        0 … m − 1 and over all choices of k given cells. It equals the mean over all m! orders of
        −log p(observed cells).

        In training mode, the loss is the mean of the members' losses, an upper bound. The loss of
        the mixture would train all members but the best one less. Hidden units drop out if a
        generator is passed.
        """
        x = self.check_rows(x)
        asked = (observed & ~given).to(x.dtype)
        weights = asked * (observed.sum(1) / asked.sum(1).clamp(min=1)).to(x.dtype)[:, None]
        x = self.columns.filled(x, observed)
        return self._weighted_losses(x, given.t().to(x.dtype), weights.t(), generator).sum(0)

    def _weighted_losses(
        self,
        x: torch.Tensor,
        given: torch.Tensor,
        weights: torch.Tensor,
        generator: torch.Generator | None,
        share: Share = WHOLE,
    ) -> torch.Tensor:
        """−Σ weight · log p(target | given cells) of a share of members and rows, (M, n) nats.

        Args:
            x: codes (N, D) without NaN.
            given: 1 for given cells and 0 for the others, (D, N).
            weights: of the targets, 0 for other cells, (D, N).
            generator: draws the dropout in training mode; None for none.
            share: of the members and rows.
        """
        seeds, withheld, n, rows = [], None, len(x), share.rows(len(x))
        if self.training and self.dropout and generator is not None:
            seeds = [draw_seed(generator) for _ in self.hidden_sizes]
        if self.columns.relations and self.training:
            withheld = self.columns.withheld(n, generator, rows)
        if share.parts is not None and not len(share.parts):
            return x.new_empty(0, len(x[rows]))
        own = self if share == WHOLE else self._part(share, n)
        # Sums over strided weights would have other last bits than those of a part.
        weights = weights[:, rows].contiguous()
        return own._losses_of_rows(x[rows], given[:, rows], weights, seeds, withheld)

    def _losses_of_rows(
        self,
        x: torch.Tensor,
        given: torch.Tensor,
        weights: torch.Tensor,
        seeds: Sequence[tuple[int, int]],
        withheld: torch.Tensor | None,
    ) -> torch.Tensor:
        """``_weighted_losses`` after all draws: of dropout's seeds, of ``withheld`` rows (N,)."""
        slots = None
        if self.columns.relations:
            slots = self.columns.slot_values(x, given.t() > 0, withheld, weights.t() > 0)
        is_served = choose.serves(self.output_weight) and not x.requires_grad
        if not is_served or (torch.is_grad_enabled() and not self.training):
            return self._plain_loss(x, given, weights, seeds, slots)
        with without_autocast("cpu"):  # kernels read float32
            shape, sums = self._shape(seeds), self._wide_sums(x, given)
            if self.training:
                plain = partial(self._loss_of, x, given, weights, seeds, slots)
                arrays = x.t(), given, weights, sums, slots
                return DeepLoss.apply(shape, plain, *arrays, *self._weights().tensors)
            inputs = first_inputs(self.columns, x.t(), given, sums)
            h = hidden_layers(shape, self._weights(), inputs, sums)[-1]
            weight = self.output_weight.unflatten(0, (self.members, -1))
            params = output_layer.params(weight, self.output_bias, h, self.columns, slots)
            logs, _ = output_layer.logs_and_grads(self.columns, params, x.t(), None)
            return output_layer.summed(self._mixed(logs, 0)[None], weights)[None]

    def _plain_loss(
        self,
        x: torch.Tensor,
        given: torch.Tensor,
        weights: torch.Tensor,
        seeds: Sequence[tuple[int, int]],
        slots: torch.Tensor | None,
        sums: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """``_weighted_losses`` in the plain form.

        ``slots`` are the parameters (N, slots) that relations compute, ``sums`` are those of the
        first layer if known.
        """
        sums = self._first(x, given.t() > 0) if sums is None else sums
        params = self._params(sums, seeds)
        if slots is not None:
            params = params.clone()
            params[:, :, self.columns.slot_positions] = slots[:, None]
        params = params.flatten(0, 1)
        logs = self.columns.log_prob(params, x.repeat_interleave(self.members, 0))
        logs = logs.unflatten(0, (-1, self.members)).permute(1, 2, 0)  # (M, D, N)
        if not self.training:
            return output_layer.summed(self._mixed(logs, 0)[None], weights)[None]
        return output_layer.summed_apart(logs, weights / (self._of.members or self.members))

    def _loss_of(
        self,
        x: torch.Tensor,
        given: torch.Tensor,
        weights: torch.Tensor,
        seeds: Sequence[tuple[int, int]],
        slots: torch.Tensor | None,
        parameters: Weights,
    ) -> torch.Tensor:
        """``_plain_loss`` in training mode as a function of the parameters."""
        other = copy.copy(self)
        vars(other).update(
            training=True,
            value_weight=parameters.value,
            flag_weight=parameters.flag,
            hidden_biases=parameters.biases,
            hidden_weights=parameters.hidden,
            output_weight=parameters.output,
            output_bias=parameters.output_bias,
        )
        # ``_first`` looks up the rows of categories; PyTorch differentiates that only once.
        inputs = first_inputs(self.columns, x.t(), given, None).t()  # (N, I + D)
        of_inputs = torch.cat([parameters.value, parameters.flag])
        sums = torch.addmm(parameters.biases[0], inputs, of_inputs)
        return other._plain_loss(x, given, weights, seeds, slots, sums)

    def _part(self, share: Share, n: int) -> OrderlessNADE:
        """A share of this network in a step with n rows; its weights are slices of this one's."""
        parts = range(self.members) if share.parts is None else share.parts
        rows = share.rows(n)
        other = copy.copy(self)
        vars(other).update(members=len(parts), _of=Part(parts.start, self.members, rows.start, n))
        if len(parts) < self.members:
            sliced = self._parameters_of(parts.start, parts.stop)
            sliced = {name: whole[index] for name, (whole, index) in sliced.items()}  # pyright: ignore[reportArgumentType, reportCallIssue]
            for name in ("hidden_biases", "hidden_weights"):
                layers = [tensor for key, tensor in sliced.items() if key.startswith(name)]
                vars(other)[name] = layers
            vars(other).update({k: v for k, v in sliced.items() if "." not in k})
        return other

    def _parameters_of(self, start: int, stop: int) -> dict[str, tuple[nn.Parameter, object]]:
        """By name, the parameters of members start … stop − 1, each with their index in it."""
        found: dict[str, tuple[nn.Parameter, object]] = {}
        for name, parameter in self.named_parameters():
            along = name in UNITS_ARE_COLUMNS
            size = parameter.shape[along] // self.members
            own = slice(start * size, stop * size)
            found[name] = parameter, ((slice(None), own) if along else own)
        return found

    def _wide_sums(self, x: torch.Tensor, given: torch.Tensor) -> torch.Tensor | None:
        """Sums of the first layer if it has many inputs; then it is not written for each row."""
        if sum(self.columns.input_widths) <= MOST_WRITTEN:
            return None
        return self._first(x, given.t() > 0)

    def _shape(self, seeds: Sequence[tuple[int, int]] = ()) -> Shape:
        seeds = tuple(seeds)
        return Shape(self.columns, self.members, self.activation, self.dropout, seeds, self._of)

    def _weights(self) -> Weights:
        return Weights(
            self.value_weight, self.flag_weight, list(self.hidden_biases),
            list(self.hidden_weights), self.output_weight, self.output_bias,
        )  # fmt: skip

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        with torch.no_grad():
            self.output_bias.copy_(
                self.columns.initial_params(self.check_rows(x)).repeat(self.members)
            )

    @property
    @override
    def enlarged(self) -> nn.Parameter:
        return self.value_weight

    @override
    def decay_factors(self) -> Sequence[tuple[torch.Tensor, torch.Tensor]]:
        """See the base class. Factors of the members are a geometric sequence from 1 to DECAYS.

        It ends earlier if a layer is narrow.
        """
        if self.members == 1:
            return ()
        found, last = [], max(1.0, DECAYS * min(1.0, min(self.hidden_sizes) / WIDE))
        of_members = torch.logspace(0, math.log10(last), self.members)
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                along = int(name in UNITS_ARE_COLUMNS)
                each = of_members.repeat_interleave(parameter.shape[along] // self.members)
                found.append((parameter, (each[None] if along else each[:, None]).to(parameter)))
        return found

    @override
    def config(self) -> dict[str, Any]:
        options = {"activation": self.activation, "dropout": self.dropout, "members": self.members}
        order = order_to_json(self.order)
        return {"hidden_sizes": list(self.hidden_sizes), "order": order, **options}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> OrderlessNADE:
        options = {key: config[key] for key in ("hidden_sizes", "activation", "dropout", "members")}
        return cls(columns, order=order_from_json(config["order"]), **options)

    @override
    def extra_repr(self) -> str:
        members = f", members={self.members}" if self.members > 1 else ""
        sizes = f"{len(self.columns)} columns, hidden_sizes={list(self.hidden_sizes)}"
        return f"{sizes}, activation={self.activation!r}{members}"

    def _first(self, x: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """Sums (N, H) of the first layer over the given cells."""
        if not self.columns.all_evidence:
            given = given & self.columns.is_evidence(x)
        a = self.columns.project(x, self.value_weight, self.hidden_biases[0], given)
        return torch.addmm(a, given.to(a.dtype), self.flag_weight)

    def _learned(
        self,
        a: torch.Tensor,
        column: int,
        values: torch.Tensor,
        rows: torch.Tensor,
        *,
        in_place: bool = False,
    ) -> torch.Tensor:
        """The sums (N, H) after a column's values (N,) are given in the rows bool (N,).

        They are in new memory, or replace ``a`` if ``in_place``.
        """
        encoding = self.columns.encodings[column]
        if not self.columns.all_evidence:
            rows = rows & encoding.is_evidence(values)
        value_weight = self.value_weight[self.columns.input_rows(column)]
        flag_weight = self.flag_weight[column : column + 1]
        if encoding.is_one_hot:
            weight = value_weight + flag_weight
            added = weight.index_select(0, values.long().clamp(0, encoding.width - 1))
            added = _where(rows, added)
        else:
            flag = torch.ones_like(values[:, None])
            inputs = torch.cat([encoding.encode(values), flag], dim=1)  # (N, width + 1)
            added = _where(rows, inputs) @ torch.cat([value_weight, flag_weight])
        return a.add_(added) if in_place else a + added

    def _deeper(self, a: torch.Tensor, seeds: Sequence[tuple[int, int]] = ()) -> torch.Tensor:
        """The last hidden layer (N, M H) from sums of the first; ``seeds`` draw the dropout."""
        h = self._drop(ACTIVATIONS[self.activation](a), seeds[:1])
        for k, weight in enumerate(self.hidden_weights, 1):
            sums = self._layer(h, weight, self.hidden_biases[k])
            act = ACTIVATIONS if torch.is_grad_enabled() else IN_PLACE
            h = self._drop(act[self.activation](sums), seeds[k : k + 1])
        return h

    def _params(self, a: torch.Tensor, seeds: Sequence[tuple[int, int]]) -> torch.Tensor:
        """Parameters (N, M, P) of every column's conditional from sums of the first layer."""
        h = self._deeper(a, seeds)
        return self._layer(h, self.output_weight, self.output_bias).unflatten(1, (self.members, -1))

    def _layer(self, h: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """One layer of all members: units (N, M A), weight (M B, A), bias (M B,) to (N, M B)."""
        if self.members == 1:
            return F.linear(h, weight, bias)
        h = h.unflatten(1, (self.members, -1)).transpose(0, 1)  # (M, N, A)
        weight = weight.unflatten(0, (self.members, -1))  # (M, B, A)
        bias = bias.unflatten(0, (self.members, -1))  # (M, B)
        outputs = torch.baddbmm(bias[:, None], h, weight.transpose(1, 2))  # (M, N, B)
        return outputs.transpose(0, 1).flatten(1)

    def _drop(self, h: torch.Tensor, seeds: Sequence[tuple[int, int]]) -> torch.Tensor:
        if not seeds:
            return h
        place = self._of.place(h.shape[1] // self.members)
        keep = kept((h.shape[1], h.shape[0]), seeds[0], self.dropout, h.device, place)
        return h * keep.t() / (1 - self.dropout)

    def _outputs(self, h: torch.Tensor, column: int) -> torch.Tensor:
        """A column's parameters (N, M, width)."""
        rows = self.columns.param_rows(column)
        weight = self.output_weight.unflatten(0, (self.members, -1))[:, rows]  # (M, width, H)
        bias = self.output_bias.unflatten(0, (self.members, -1))[:, rows]  # (M, width)
        return self._layer(h, weight.flatten(0, 1), bias.flatten()).unflatten(1, (self.members, -1))

    def _mixed(self, logs: torch.Tensor, dim: int = 1) -> torch.Tensor:
        """Logarithm of the mean likelihood over ``dim``, the members, from log-likelihoods."""
        if self.members == 1:
            return logs.select(dim, 0)
        return (logs - math.log(self.members)).logsumexp(dim)

    def _distribution(self, a: torch.Tensor, column: int) -> Distribution:
        """The column's distribution without relations, from sums (N, H) of the first layer."""
        params = self._outputs(self._deeper(a), column)
        log_weight = params.new_full(params.shape[:2], -math.log(self.members))
        return Distribution(self.columns.conditionals[column], params, log_weight)

    def _mixture(
        self, params: torch.Tensor, column: int, x: torch.Tensor, known: torch.Tensor
    ) -> Distribution:
        """The column's distribution, the members' mixture.

        Args:
            params: the network's parameters (N, M, width).
            column: the column's number.
            x: codes (N, D), for the relations of the column.
            known: bool (N, D), the cells that are evidence.
        """
        log_weight = params.new_full(params.shape[:2], -math.log(self.members))
        found = Distribution(self.columns.conditionals[column], params, log_weight)
        return settled(found, self.columns.slots.get(column), column, x, known)

    def _known_at(self, column: int, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """The cells (N, D) known when the column is reached: those given or asked before it."""
        if column not in self.columns.slots:
            return given  # no relation reads it
        step = self.order.argsort()
        return given | (asked & (step < step[column]))

    def _scan(
        self,
        x: torch.Tensor,
        given: torch.Tensor,
        asked: torch.Tensor,
        finish: Callable[[list[_State]], Iterator[_State]] | None = None,
    ) -> Iterator[_State]:
        """Yields, per chunk of rows and column, (rows (n,), column, last hidden layer (n, H)).

        The rows are those in which the column is asked. The hidden layer depends on the given cells
        and on the cells asked before the column. All rows visit the columns in one order, so
        different masks cost no more than equal ones. ``finish`` computes something else than the
        last hidden layer from the sums of the first.
        """
        finish = finish or self._deepened
        for rows in torch.arange(len(x), device=x.device).split(SCAN_ROWS):
            chunk, asked_in_chunk = x[rows], asked[rows]
            a, waiting, held = self._first(chunk, given[rows]), [], 0
            for column in self.order.tolist():
                is_asked = asked_in_chunk[:, column]
                if not bool(is_asked.any()):
                    continue
                if bool(is_asked.all()):
                    waiting.append((rows, column, a))
                else:
                    waiting.append((rows[is_asked], column, a[is_asked]))
                held += len(waiting[-1][0])
                if held >= STATES:
                    yield from finish(waiting)
                    waiting, held = [], 0
                in_place = not waiting and not torch.is_grad_enabled()
                a = self._learned(a, column, chunk[:, column], is_asked, in_place=in_place)
            yield from finish(waiting)

    def _scored(
        self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor, waiting: list[_State]
    ) -> Iterator[_State]:
        """Log-likelihoods (n,) of codes x (N, D) by the kernels, from sums of the first layer."""
        if not waiting:
            return
        sums, shape = _together([a for _, _, a in waiting]), self._shape()
        h = hidden_layers(shape, self._weights(), sums.new_empty(0), sums)[-1]  # (M, H, n)
        weight = self.output_weight.unflatten(0, (self.members, -1))
        bias = self.output_bias.unflatten(0, (self.members, -1))
        start = 0
        for rows, column, _ in waiting:
            some, start = h[:, :, start : start + len(rows)], start + len(rows)
            of_column = self.columns.param_rows(column)
            params = output_layer.params(weight[:, of_column], bias[:, of_column], some)
            slots = self.columns.slots.get(column)
            if slots is not None:
                known = self._known_at(column, given[rows], asked[rows])
                values = slots.values(column, x[rows], known).to(params.dtype)
                params[:, slots.positions] = values.t()
            logs = output_layer.column_cells(self.columns, column, params, x[rows, column])
            yield rows, column, self._mixed(logs, 0)

    def _alike(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> Iterator[_State]:
        """Yields what ``_scan`` does, of asked cells that depend on the given cells alone."""
        for rows in asked.any(1).nonzero()[:, 0].split(SCAN_ROWS):
            h = self._deeper(self._first(x[rows], given[rows]))
            for column in asked[rows].any(0).nonzero()[:, 0].tolist():
                at = asked[rows, column]
                yield rows[at], column, h[at]

    def _apart(
        self,
        x: torch.Tensor,
        given: torch.Tensor,
        asked: torch.Tensor,
        besides: Mapping[int, tuple[int, float]],
    ) -> Iterator[_State]:
        """Yields what ``_scan`` does, of asked cells given the other given cells of their rows."""
        numbers = len(self.columns) * len(self.hidden_biases[0])
        most = max(1, min(APART_ROWS, APART_NUMBERS // numbers))
        for rows in asked.any(1).nonzero()[:, 0].split(most):
            waiting, held, sums = [], 0, self._sums_without(x[rows], given[rows])
            for column in asked[rows].any(0).nonzero()[:, 0].tolist():
                at = asked[rows, column].nonzero()[:, 0]
                if column in besides:
                    of_column = sums.with_code(at, column, *besides[column])
                else:
                    of_column = sums.without[column, at]
                waiting.append((rows[at], column, of_column))
                held += len(at)
                if held >= STATES:
                    yield from self._deepened(waiting)
                    waiting, held = [], 0
            yield from self._deepened(waiting)

    def _sums_without(self, x: torch.Tensor, given: torch.Tensor) -> SumsWithout:
        """The sums of the first layer over the given cells, each column left out once."""
        bias = self.hidden_biases[0]
        return SumsWithout.of(x, given, bias, first=self._first, learned=self._learned)

    def _deepened(self, waiting: list[_State]) -> Iterator[_State]:
        if waiting:
            h = self._deeper(_together([a for _, _, a in waiting]))
            chunks = h.split([len(rows) for rows, _, _ in waiting])
            for (rows, column, _), h_of_rows in zip(waiting, chunks, strict=True):
                yield rows, column, h_of_rows


def _where(rows: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Numbers (N, any), 0 in other rows than these, bool (N,); without a copy if all are."""
    return numbers if bool(rows.all()) else torch.where(rows[:, None], numbers, 0)


def _together(parts: list[torch.Tensor]) -> torch.Tensor:
    """The rows of all parts; a single part itself, without a copy."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _beside(
    x: torch.Tensor, known: torch.Tensor, besides: tuple[int, float] | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes and known cells (n, D) as if another column were given with a code."""
    if besides is None:
        return x, known
    other, code = besides
    x, known = x.clone(), known.clone()
    x[:, other], known[:, other] = code, True
    return x, known


def _differ(numbers: torch.Tensor) -> bool:
    """Whether some of the numbers (N,) differ."""
    return len(numbers) > 0 and bool((numbers != numbers[0]).any())


class _Walk:
    """The sums of the first layer, (n, H), over given and learned cells."""

    def __init__(self, network: OrderlessNADE, sums: torch.Tensor) -> None:
        self._network, self._sums = network, sums

    def distribution(self, column: int) -> Distribution:
        """p(x_column | given and learned cells), n distributions."""
        return self._network._distribution(self._sums, column)

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Adds the column's values in the given rows, those where it was not in ``begin``."""
        if bool(rows.any()):
            self._sums = self._network._learned(self._sums, column, values, rows)

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        found = copy.copy(self)
        found._sums = self._sums[rows]
        return found
