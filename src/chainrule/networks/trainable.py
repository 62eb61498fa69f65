"""The interface between training and a module over columns of codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import nn

from chainrule.arguments import require_temperature, rows_to_draw
from chainrule.errors import ShapeError
from chainrule.networks.columns import Columns
from chainrule.networks.evidence import as_mask
from chainrule.networks.share import WHOLE, Apart, Share

# How often each row comes, (N,), and the levels that make it, see ``repeated_loss``.
Repeats = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class AbstractTrainable(nn.Module, ABC):
    """A module over D columns of codes, (N, D) float tensors, that can be trained and rebuilt."""

    columns: Columns
    input_factor: torch.Tensor | None  # (I, 1), a buffer of networks with ``enlarged`` weights
    look: Callable[[Any, torch.Tensor, object], None] | None = (
        None  # a check of the rows before any other, see chainrule.rows_or_codes
    )

    @abstractmethod
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """A representation of each row, (N, F)."""

    @abstractmethod
    def training_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """The training loss, (N,) nats: −log_prob, unless the class documents another."""

    def order_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """−log p(observed cells), (N,) nats, or an unbiased estimate; rows have equal weights."""
        return self.training_loss(x, observed, generator)

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The constructor's arguments besides the columns, as JSON."""

    @classmethod
    @abstractmethod
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> Self:
        """A network over these columns with the arguments of ``config`` and fresh parameters."""

    @abstractmethod
    def initialize_from(self, x: torch.Tensor) -> None:
        """Sets the output biases to those of independent columns fitted to codes x (N, D)."""

    def check(self) -> None:
        """Raises ShapeError if the tensors do not define a density; called when a file is read."""

    @property
    def loss_is_estimate(self) -> bool:
        """Whether ``training_loss`` is an estimate or a random bound, even in evaluation mode."""
        return False

    @property
    def draws(self) -> bool:
        """Whether ``losses`` may draw from its generator in training mode."""
        return True

    def repeated_loss(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None,
        frequency: torch.Tensor,
        causes: torch.Tensor,
        due: torch.Tensor,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """``training_loss`` of rows that come ``frequency`` (N,) times as often as others.

        By default, it is divided by the frequency.

        Args:
            x: codes (N, D).
            observed: as for ``training_loss``.
            frequency: how often each row comes, (N,).
            causes: the columns whose levels make it come so often, integers (N, R); −1 for none.
            due: how often each of these levels alone would make it come, (N, R).
            generator: as for ``training_loss``.
        """
        return self.training_loss(x, observed, generator) / frequency

    def losses(
        self,
        x: torch.Tensor,
        observed: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
        *,
        repeats: Repeats | None = None,
        share: Share = WHOLE,
    ) -> list[torch.Tensor]:
        """A share of a training step: the loss of each part that is trained apart, in nats.

        The sum over the parts is ``training_loss``, or ``repeated_loss`` with ``repeats``. The
        generator draws as much as for a whole step, so that shares fit together. By default, there
        is one part, and the loss of a row draws nothing.

        Args:
            x: codes (N, D) of the whole batch.
            observed: as for ``training_loss``.
            generator: as for ``training_loss``.
            repeats: ``frequency``, ``causes`` and ``due`` of ``repeated_loss``.
            share: which parts, and which rows of the batch.

        Returns:
            (n,) for each part of the share and its n rows.
        """
        if share.of > 1:
            rows = share.rows(len(x))
            if observed is not None:
                observed = as_mask(observed, *x.shape, name="observed", default=True)[rows]
            if repeats is not None:
                repeats = repeats[0][rows], repeats[1][rows], repeats[2][rows]
            x = x[rows]
        if repeats is None:
            return [self.training_loss(x, observed, generator)]
        frequency, causes, due = repeats
        return [self.repeated_loss(x, observed, frequency, causes, due, generator)]

    def parameters_apart(self) -> Sequence[Apart]:
        """The parameters of each part that is trained apart, with its weight in the loss."""
        return [
            Apart(tuple((parameter, ...) for parameter in module.parameters()), share)
            for module, share in self.trained_apart()
        ]

    def trained_apart(self) -> Sequence[tuple[nn.Module, float]]:
        """The modules that are trained separately, each with its weight in the training loss."""
        return [(self, 1.0)]

    @property
    def enlarged(self) -> nn.Parameter | None:
        """The weights (I, …) of the inputs, which ``enlarge_inputs`` multiplies; None for none."""
        return None

    def enlarge_inputs(self, factor: torch.Tensor) -> None:
        """Multiplies the weights of each input, and all of their training steps, by factors (I,).

        The network then trains as one whose inputs are multiplied by these factors. Its inputs
        stay as they are. Factors have no effect if it has no ``enlarged`` weights.
        """
        weight = self.enlarged
        if weight is None or bool((factor == 1).all()):
            return
        self.input_factor = factor.to(weight)[:, None]
        with torch.no_grad():
            weight.mul_(self.input_factor)

    def step_factors(self) -> Sequence[tuple[torch.Tensor, torch.Tensor]]:
        """Parameters whose training steps are multiplied by a factor, each with that factor.

        A factor broadcasts to its parameter. By default, these are ``enlarged`` weights.
        """
        weight = self.enlarged
        return () if weight is None or self.input_factor is None else ((weight, self.input_factor),)

    def decay_factors(self) -> Sequence[tuple[torch.Tensor, torch.Tensor]]:
        """All matrices, each with factors of its weight decay; none if all decay equally.

        A factor broadcasts to its parameter.
        """
        return ()

    def count_parameters(self) -> int:
        """The number of trained parameters; masked weights do not count."""
        return sum(parameter.numel() for parameter in self.parameters())

    def check_rows(self, x: torch.Tensor, observed: object = None) -> torch.Tensor:
        """The codes (N, D) in the network's dtype.

        Raises:
            ShapeError: x is not a tensor with one code per column.
        """
        width = len(self.columns)
        if not isinstance(x, torch.Tensor):
            raise ShapeError(
                f"x is a {type(x).__name__}; pass a float tensor (N, {width}) of codes"
            )
        if x.ndim != 2 or x.shape[1] != width:
            raise ShapeError(
                f"x has shape {tuple(x.shape)}; this network has {width} columns: pass (N, {width})"
            )
        if self.look is not None:
            self.look(self, x, observed)
        return x.to(self._like().dtype)

    def check_number(self, n: int, temperature: float) -> int:
        """The number of rows to draw; a ShapeError if it or the temperature is out of range."""
        require_temperature(temperature)
        return rows_to_draw(n)

    def _like(self) -> torch.Tensor:
        # Parameters of the module itself are found sooner than those of all its modules.
        first = next(iter(self._parameters.values()), None)
        return next(self.parameters()) if first is None else first

    def _check_given(
        self, given: tuple[torch.Tensor, torch.Tensor], n: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not isinstance(given, tuple) or len(given) != 2:
            raise ShapeError("given is a pair (values, observed), each (1, D) or (n, D)")
        values = self.check_rows(torch.as_tensor(given[0]), given[1]).to(self._like().device)
        if len(values) not in (1, n):
            raise ShapeError(
                f"given has {len(values)} rows of values for {n} rows to draw; pass 1 or {n}"
            )
        is_given = as_mask(
            given[1], n, len(self.columns), name="given's observed", default=True
        ).to(values.device)
        values = values.expand(n, -1)
        return self.columns.filled(values, is_given), is_given  # replaces the NaN of unknown cells
