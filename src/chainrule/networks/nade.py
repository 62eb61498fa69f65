"""NADE, the neural autoregressive density estimator, as the lecture builds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import choice, share, whole_number
from chainrule.networks.base import check_pool, sum_columns
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.evidence import as_mask, is_everywhere, require_prefix
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.orders import Order, order_from_json, order_to_json
from chainrule.networks.share import WHOLE, Share
from chainrule.networks.trainable import Repeats
from chainrule.networks.walk import Walk
from chainrule.ops.activations import ACTIVATIONS
from chainrule.ops.nade import choose, dispatch, eager
from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.rng import generator_from, normal

FEATURE_NUMBERS = 2**22  # numbers in the hidden vectors pooled at once: 16 MiB of float32


@dataclass(frozen=True)
class _StepOrder:
    """Index tensors from column order to step order; None for the natural order."""

    natural: bool
    layout: Layout
    inputs: torch.Tensor | None  # (I,): input rows in step order
    params: torch.Tensor | None  # (P,): parameter rows in step order
    params_back: torch.Tensor | None  # (P,): from step order back to column order


def _step_order(columns: Columns, steps: list[int], activation: str) -> _StepOrder:
    input_widths = tuple(columns.input_widths[k] for k in steps)
    param_widths = tuple(columns.param_widths[k] for k in steps)
    layout = Layout(input_widths, param_widths, activation)
    if steps == list(range(len(columns))):
        return _StepOrder(True, layout, None, None, None)
    params = columns.params_in(steps)
    return _StepOrder(False, layout, columns.inputs_in(steps), params, params.argsort())


def _selected(values: torch.Tensor, index: torch.Tensor | None, dim: int = 0) -> torch.Tensor:
    return values if index is None else values.index_select(dim, index)


class NADE(AbstractFixedOrder):
    """p(x) = Π_k p(x_k | x_<k) with shared input weights and one output unit per parameter.

    h_1 is a free parameter. Later hidden vectors are h_k = σ(b + Σ_{j<k} x_j W_j). The parameters
    of p(x_k | x_<k) are c_k + V_k h_k. A network of n binary columns and hidden size d has exactly
    2nd + 2d + n parameters. Weights belong to columns, not to steps: ``input_weight[k]`` is column
    k's for every order.

    Source: Larochelle & Murray, "The Neural Autoregressive Distribution Estimator", AISTATS 2011.
    The paper has h_1 = σ(b). The lecture and this class have a free h_1, which contains the
    paper's as a special case.

    Args:
        columns: the number of binary columns; or, per column, a conditional or a pair
            (conditional, encoding).
        hidden_size: H, the number of hidden units.
        activation: "sigmoid" (the lecture) or "relu".
        input_dropout: the fraction of columns whose inputs are zeroed in a training step. One mask
            serves the whole batch, and the other inputs are scaled up to compensate. Likelihoods
            and samples use all columns.
        order: None (natural), "random" (drawn from ``generator``) or a permutation. Column
            ``order[i]`` is drawn at step i.
        generator: the source of the initial weights and of a random order; None is a fresh one.
        backend: the implementation, see ``ops.nade.choose``. None chooses by device and dtype.
            Model files do not store it.

    Attributes:
        input_weight: W, (sum of input widths, H); (D, H) for binary columns.
        hidden_bias: b, (H,).
        first_hidden: h_1, (H,).
        output_weight: V, (sum of parameter widths, H); (D, H) for binary columns.
        output_bias: c, (sum of parameter widths,); (D,) for binary columns.
        order: int64 (D,).

    Examples:
        >>> generator = generator_from(0)
        >>> net = NADE(4, hidden_size=8, generator=generator)
        >>> rows = net.sample(5, generator=generator)
        >>> net.log_prob(rows).shape
        torch.Size([5])
        >>> sum(p.numel() for p in net.parameters()) == 2 * 4 * 8 + 2 * 8 + 4
        True
    """

    _step_inputs: torch.Tensor | None
    _step_params: torch.Tensor | None
    _step_params_back: torch.Tensor | None

    def __init__(
        self,
        columns: int | Sequence[ColumnSpec] | Columns,
        hidden_size: int = 500,
        *,
        activation: str = "sigmoid",
        input_dropout: float = 0.0,
        order: Order = None,
        generator: torch.Generator | None = None,
        backend: str | None = None,
    ) -> None:
        generator = generator_from(generator)
        super().__init__(Columns.of(columns), order, generator)
        hidden_size = whole_number(
            hidden_size, "hidden_size", least=1, what="a whole number of hidden units"
        )
        self.hidden_size = hidden_size
        self.activation = choice(activation, "activation", ACTIVATIONS)
        self.input_dropout = share(input_dropout, "input_dropout", of="columns")
        self.backend = choose.check_backend(backend)
        steps = _step_order(self.columns, self.order.tolist(), self.activation)
        self._layout = steps.layout
        for name, index in (
            ("inputs", steps.inputs),
            ("params", steps.params),
            ("params_back", steps.params_back),
        ):
            self.register_buffer(f"_step_{name}", index, persistent=False)
        inputs, params = sum(self.columns.input_widths), sum(self.columns.param_widths)
        self.register_buffer("input_factor", None, persistent=False)
        # Small outputs: the columns of an untrained network are nearly independent.
        self.input_weight = nn.Parameter(
            normal(inputs, hidden_size, deviation=inputs**-0.5, generator=generator)
        )
        self.hidden_bias = nn.Parameter(torch.zeros(hidden_size))
        self.first_hidden = nn.Parameter(torch.full((hidden_size,), 0.5))
        self.output_weight = nn.Parameter(
            normal(params, hidden_size, deviation=0.1 * hidden_size**-0.5, generator=generator)
        )
        self.output_bias = nn.Parameter(torch.zeros(params))

    @override
    def conditional_params(
        self,
        x: torch.Tensor,
        *,
        merge_repeats: bool = False,
        input_scale: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Parameters (N, P) of every column's conditional, in column order.

        Args:
            x: codes (N, D).
            merge_repeats: lets the eager backend skip repeated hidden states. This is faster and
                changes results by rounding only. The kernels always skip them, without any change.
            input_scale: (I, 1), the factor of each input's weights; None means 1.
        """
        steps = self._steps
        inputs, parameters = self._inputs_in_steps(steps, x), self._in_steps(steps, input_scale)
        outputs = dispatch.outputs(
            inputs, parameters, steps.layout, merge_repeats=merge_repeats, backend=self.backend
        )
        return _selected(outputs, steps.params_back, dim=1)

    @override
    def training_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """−log p(observed cells), (N,) nats, by the fastest way to compute value and gradient.

        It equals −log_prob up to rounding and draws nothing, with one exception. In training mode
        with ``input_dropout``, ``generator`` draws a mask of columns whose inputs are zeroed.
        ``observed`` must be a prefix of the order in each row, as for ``log_prob``.
        """
        return self.losses(x, observed, generator)[0]

    @property
    @override
    def draws(self) -> bool:
        return bool(self.input_dropout) or self.columns.is_withheld

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
        """See the base class. One mask of ``input_dropout`` serves the whole batch."""
        n, rows = len(x), share.rows(len(x))
        x, input_scale = self.check_rows(x)[rows], self._input_scale(generator)
        withheld = self.columns.withheld(n, generator, rows) if self.training else None
        if observed is None:  # summed in x's own precision, without conversions there and back
            loss = -self._training_logs(x, input_scale, withheld).sum(1)
        else:
            observed = as_mask(observed, n, x.shape[1], name="observed", default=True)[rows]
            observed = observed.to(x.device)
            require_prefix(observed, self.order, name="observed")
            x = self.columns.filled(x, observed)
            cells = self._training_logs(x, input_scale, withheld)
            loss = -sum_columns(torch.where(observed, cells, 0))
        return [loss if repeats is None else loss / repeats[0][rows]]

    def _training_logs(
        self,
        x: torch.Tensor,
        input_scale: torch.Tensor | None,
        withheld: torch.Tensor | None,
    ) -> torch.Tensor:
        """Log-likelihoods (N, D) of codes without unknown cells."""
        params = self.conditional_params(x, merge_repeats=True, input_scale=input_scale)
        return self.columns.log_prob(self.settled(params, x, withheld), x)

    @override
    def draw(
        self, values: torch.Tensor, given: torch.Tensor, uniform: torch.Tensor, temperature: float
    ) -> torch.Tensor:
        """See the base class. Binary columns cost O(D H) per row."""
        if not self.columns.is_binary:
            return super().draw(values, given, uniform, temperature)
        if is_everywhere(given, False):
            return self._draw_binary(None, None, uniform, temperature)
        values = values.to(self.input_weight.dtype, copy=True)
        return self._draw_binary(values, given, uniform, temperature)

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        """A walk that updates the hidden units: O(H) per step, row, input and parameter."""
        return _Walk(self, len(x))

    def _inputs_of(self, column: int, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A column's encoded values (n, width) and their weights (width, H)."""
        return self.columns.encodings[column].encode(values), self.input_weight[
            self.columns.input_rows(column)
        ]

    def _draw_binary(
        self,
        x: torch.Tensor | None,
        observed: torch.Tensor | None,
        uniform: torch.Tensor,
        temperature: float,
    ) -> torch.Tensor:
        """Rows of bits; x and ``observed`` are None if no cell is given."""
        steps = self._steps
        order = None if steps.natural else self.order
        drawn = dispatch.sample(
            _selected(uniform, order, dim=1),
            self._in_steps(steps),
            steps.layout,
            values=None if x is None else _selected(x, order, dim=1),
            observed=None if observed is None else _selected(observed, order, dim=1),
            temperature=temperature,
            backend=self.backend,
        )
        return drawn if order is None else drawn[:, order.argsort()]

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """All hidden vectors, (N, D, H): ``hidden(x)[:, k]`` is the one that predicts column k."""
        steps = self._steps
        inputs = self._inputs_in_steps(steps, self.check_rows(x))
        stepwise = eager.all_hidden(inputs, self._in_steps(steps), steps.layout)  # (N, D, H)
        return stepwise if steps.natural else stepwise[:, self.order.argsort()]

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """A representation of each row from its hidden vectors.

        NADE has no latent variables, so its usefulness is an empirical question.

        Args:
            x: codes (N, D).
            pool: "last" (the vector that predicts the last column, (N, H)), "mean" or "sum" over
                all columns (N, H), or "concat" in column order (N, D·H).
        """
        check_pool(pool)
        x = self.check_rows(x)
        if pool == "last":
            steps = self._steps
            return eager.last_hidden(
                self._inputs_in_steps(steps, x), self._in_steps(steps), steps.layout
            )
        if pool == "concat":
            return self.hidden(x).flatten(1)
        size = max(1, FEATURE_NUMBERS // (len(self.columns) * self.hidden_size))
        total = torch.cat([self.hidden(chunk).sum(1) for chunk in x.split(size)])  # (N, H)
        return total / len(self.columns) if pool == "mean" else total

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        with torch.no_grad():
            self.output_bias.copy_(self.columns.initial_params(self.check_rows(x)))

    @property
    @override
    def enlarged(self) -> nn.Parameter:
        return self.input_weight

    @override
    def config(self) -> dict[str, Any]:
        options = {"activation": self.activation, "input_dropout": self.input_dropout}
        order = order_to_json(self.order)
        return {"hidden_size": self.hidden_size, "order": order, **options}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> NADE:
        options = {key: config[key] for key in ("hidden_size", "activation", "input_dropout")}
        return cls(columns, order=order_from_json(config["order"]), **options)

    @override
    def extra_repr(self) -> str:
        natural = "natural" if self._steps.natural else "permuted"
        size = f"{len(self.columns)} columns, hidden_size={self.hidden_size}"
        return f"{size}, activation={self.activation!r}, order={natural}"

    def _input_scale(self, generator: torch.Generator | None) -> torch.Tensor | None:
        """Factors (I, 1) of the inputs' weights under ``input_dropout``; None means 1."""
        if not self.training or not self.input_dropout:
            return None
        uniform = torch.rand(len(self.columns), generator=generator_from(generator))
        scale = (uniform >= self.input_dropout) / (1 - self.input_dropout)
        widths = torch.tensor(self.columns.input_widths)
        return scale.repeat_interleave(widths)[:, None].to(self.input_weight)

    @property
    def _steps(self) -> _StepOrder:
        inputs, params, params_back = self._step_inputs, self._step_params, self._step_params_back
        return _StepOrder(inputs is None, self._layout, inputs, params, params_back)

    def _in_steps(self, steps: _StepOrder, input_scale: torch.Tensor | None = None) -> Parameters:
        """Parameters in step order; ``input_scale`` (I, 1), by column, scales input weights."""
        return Parameters(
            W=_selected(
                self.input_weight if input_scale is None else self.input_weight * input_scale,
                steps.inputs,
            ),
            b=self.hidden_bias,
            first_hidden=self.first_hidden,
            V=_selected(self.output_weight, steps.params),
            c=_selected(self.output_bias, steps.params),
        )

    def _inputs_in_steps(self, steps: _StepOrder, x: torch.Tensor) -> torch.Tensor:
        """Codes x (N, D) encoded as inputs (N, I) in step order."""
        return _selected(self.columns.encode(x), steps.inputs, dim=1)


class _Walk:
    """The sums a over the columns learned so far, and the hidden units h = σ(a), each (n, H)."""

    def __init__(self, network: NADE, n: int) -> None:
        self._network = network
        self._a, self._h = network.hidden_bias, network.first_hidden.expand(n, -1)
        self._learned = 0
        self._new: tuple[torch.Tensor, torch.Tensor] | None = (
            None  # learned last: inputs (n, width), weights (width, H)
        )

    def distribution(self, column: int) -> Distribution:
        """p(x_column | columns learned), n distributions."""
        net = self._network
        V, c = (t[net.columns.param_rows(column)] for t in (net.output_weight, net.output_bias))
        if self._new is not None and self._learned > 1:
            params = dispatch.advance(
                self._a, self._h, *self._new, V, c, activation=net.activation, backend=net.backend
            )
        else:
            if self._new is not None:
                self._a = torch.addmm(self._a, *self._new)
                self._h = ACTIVATIONS[net.activation](self._a)
            params = torch.addmm(c, self._h, V.T)  # (n, width)
        self._new = None
        return Distribution.of(net.columns.conditionals[column], params)

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Stores the column's values; the next call of ``distribution`` adds them to the sums."""
        if self._new is not None:
            self.distribution(column)  # adds the column before, with the rounding of a query for it
        self._new, self._learned = self._network._inputs_of(column, values), self._learned + 1

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        found = copy(self)
        found._a = self._a if self._a.ndim == 1 else self._a[rows]
        found._h = self._h[rows]
        if self._new is not None:
            found._new = self._new[0][rows], self._new[1]
        return found
