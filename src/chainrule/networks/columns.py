"""The columns of a network: how each is distributed and how others see it, and where inputs and parameters lie."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import torch
from torch.nn import functional as F

from chainrule.conditionals import (
    AbstractConditional,
    AbstractEncoding,
    Bernoulli,
    Categorical,
    Identity,
    conditional_from_json,
    encoding_from_json,
)
from chainrule.errors import ShapeError, whole_number
from chainrule.ops.nade.parameters import slices_of

ColumnSpec: TypeAlias = AbstractConditional | tuple[AbstractConditional, AbstractEncoding]
"""What a user says of a column: its conditional, alone or with an encoding in place of the default one."""


@dataclass(frozen=True)
class Columns:
    """D columns: a conditional and an encoding of each, with likelihoods and network inputs for all of them at once.

    Equal columns are computed together, so that 784 Bernoulli columns cost one call.

    Attributes:
        conditionals: how each column is distributed.
        encodings: how other columns see each.
    """

    conditionals: tuple[AbstractConditional, ...]
    encodings: tuple[AbstractEncoding, ...]

    @classmethod
    def of(cls, spec: int | Sequence[ColumnSpec] | Columns) -> Columns:
        """Columns from what a user says: a number of binary columns, or a conditional per column.

        A pair (conditional, encoding) says how other columns see the value.

        >>> from chainrule.conditionals import GaussianMixture, PiecewiseLinear
        >>> number = GaussianMixture(2)
        >>> Columns.of([Bernoulli(), number, (number, number.encoding() + PiecewiseLinear((0.0, 1.0, 3.0)))]).input_widths
        (1, 1, 3)
        """
        if isinstance(spec, Columns):
            return spec
        if isinstance(spec, SupportsIndex):
            width = whole_number(spec, "columns", least=1, what="a number of binary columns")
            return cls((Bernoulli(),) * width, (Identity(),) * width)
        if not isinstance(spec, Sequence) or not spec:
            raise ShapeError(
                f"columns = {spec!r}: give a number of binary columns, or a list with one conditional per column"
            )
        pairs = [_pair(k, each) for k, each in enumerate(spec)]
        return cls(tuple(conditional for conditional, _ in pairs), tuple(encoding for _, encoding in pairs))

    def __len__(self) -> int:
        return len(self.conditionals)

    def __deepcopy__(self, memo: dict[int, Any]) -> Columns:
        return self  # it never changes, and copies of a network share it

    @cached_property
    def is_binary(self) -> bool:
        """Whether all columns are plain bits."""
        return set(self.conditionals) == {Bernoulli()} and set(self.encodings) == {Identity()}

    @cached_property
    def input_widths(self) -> tuple[int, ...]:
        """Numbers that encode each column as evidence."""
        return tuple(encoding.width for encoding in self.encodings)

    @cached_property
    def param_widths(self) -> tuple[int, ...]:
        """Parameters of each column's conditional."""
        return tuple(conditional.param_width for conditional in self.conditionals)

    @cached_property
    def _inputs(self) -> tuple[slice, ...]:
        return slices_of(self.input_widths)

    @cached_property
    def _params(self) -> tuple[slice, ...]:
        return slices_of(self.param_widths)

    def input_rows(self, column: int) -> slice:
        """Where a column's encoding lies in the encoded inputs."""
        return self._inputs[column]

    def param_rows(self, column: int) -> slice:
        """Where a column's parameters lie among all parameters."""
        return self._params[column]

    def inputs_in(self, order: Sequence[int]) -> torch.Tensor:
        """Positions (I,) of the encoded inputs when the columns come in this order, int64."""
        return _positions([self._inputs[column] for column in order])

    def params_in(self, order: Sequence[int]) -> torch.Tensor:
        """Positions (P,) of the parameters when the columns come in this order, int64."""
        return _positions([self._params[column] for column in order])

    def steps_of_inputs(self, order: torch.Tensor) -> torch.Tensor:
        """The step (I,) of an order (D,) at which each encoded input becomes known, int64."""
        return _spread(order, self.input_widths)

    def steps_of_params(self, order: torch.Tensor) -> torch.Tensor:
        """The step (P,) of an order (D,) at which each parameter is asked for, int64."""
        return _spread(order, self.param_widths)

    @cached_property
    def _equal(self) -> dict[tuple[AbstractConditional, AbstractEncoding], list[int]]:
        """Groups of equal columns."""
        groups: dict[tuple[AbstractConditional, AbstractEncoding], list[int]] = {}
        for column, pair in enumerate(zip(self.conditionals, self.encodings, strict=True)):
            groups.setdefault(pair, []).append(column)
        return groups

    @cached_property
    def _scored(self) -> tuple[tuple[tuple[AbstractConditional, ...], list[int]], ...]:
        """Groups of columns whose likelihoods are computed in one call, and their conditionals."""
        groups: dict[Hashable, list[int]] = {}
        for column, conditional in enumerate(self.conditionals):
            groups.setdefault(conditional.batch_key, []).append(column)
        return tuple((tuple(self.conditionals[k] for k in columns), columns) for columns in groups.values())

    @cached_property
    def _conditional(self) -> AbstractConditional | None:
        """The conditional of all columns, if they have the same."""
        return self.conditionals[0] if len(set(self.conditionals)) == 1 else None

    @cached_property
    def _back(self) -> np.ndarray:
        """Where each column lies among those of the groups of ``_scored``, one after the other."""
        return np.argsort([k for _, columns in self._scored for k in columns])

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Codes (N, D) as network inputs (N, I)."""
        if len(self._equal) == 1:
            return self.encodings[0].encode(x).flatten(1)
        encoded = {
            column: part  # (N, width)
            for (_, encoding), columns in self._equal.items()
            for column, part in zip(columns, encoding.encode(x[:, columns]).unbind(1), strict=True)
        }
        return torch.cat([encoded[column] for column in range(len(self))], dim=1)

    def project(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, known: torch.Tensor | None = None
    ) -> torch.Tensor:
        """bias + encode(x) · weight over the known cells, (N, H), for codes (N, D), weight (I, H) and known (N, D).

        Of a category the one row that counts is looked up, so that 900 levels cost what two do. Unknown codes may be
        NaN. bias is (H,) or (N, H).
        """
        one_hot, other = self._one_hot, self._other
        if not one_hot.columns:
            inputs = self.encode(x)
            # where: an unknown NaN must not get through
            return torch.addmm(bias, inputs if known is None else torch.where(self.spread(known), inputs, 0), weight)
        if other.columns:
            part = None if known is None else known[:, other.columns]
            bias = other.of.project(x[:, other.columns], weight[torch.from_numpy(other.inputs)], bias, part)
        codes, width = x[:, one_hot.columns], torch.from_numpy(one_hot.last).to(x.device)
        index = codes.long().clamp(min=0).minimum(width)
        counts = index == codes  # neither NaN nor the unlisted have a row
        if known is not None:
            counts = counts & known[:, one_hot.columns]
        at = torch.where(counts, index, 0) + torch.from_numpy(one_hot.first).to(x.device)
        return bias + F.embedding_bag(at, weight, mode="sum", per_sample_weights=counts.to(weight.dtype))

    @cached_property
    def _one_hot(self) -> _Part:
        return self._part([k for k, encoding in enumerate(self.encodings) if encoding.is_one_hot])

    @cached_property
    def _other(self) -> _Part:
        return self._part([k for k, encoding in enumerate(self.encodings) if not encoding.is_one_hot])

    def _part(self, columns: list[int]) -> _Part:
        first = np.array([self._inputs[k].start for k in columns], np.int64)
        last = np.array([self.input_widths[k] - 1 for k in columns], np.int64)
        inputs = self.inputs_in(columns).cpu().numpy()
        of = Columns(tuple(self.conditionals[k] for k in columns), tuple(self.encodings[k] for k in columns))
        return _Part(columns, of, inputs, first, last)

    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, D) of codes x (N, D) under params (N, P), in nats."""
        if self._conditional is not None:
            return self._conditional.log_prob(params.unflatten(1, (len(self), self._conditional.param_width)), x)
        own, parts = params.split(self.param_widths, dim=1), []
        for conditionals, columns in self._scored:
            parts.append(conditionals[0].log_prob_columns(conditionals, [own[k] for k in columns], x[:, columns]))
        return torch.cat(parts, dim=1).index_select(1, torch.from_numpy(self._back).to(x.device))

    def filled(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """x (N, D) with a code of the column's support wherever a cell is not known, so that an unknown NaN reaches nothing."""
        if not any(self._placeholders):
            return torch.where(known, x, 0)
        return torch.where(known, x, torch.tensor(self._placeholders, dtype=x.dtype, device=x.device))

    @cached_property
    def _placeholders(self) -> tuple[float, ...]:
        return tuple(conditional.placeholder for conditional in self.conditionals)

    def spread(self, mask: torch.Tensor) -> torch.Tensor:
        """A mask of cells (N, D) as one of the encoded inputs (N, I)."""
        if all(width == 1 for width in self.input_widths):
            return mask
        return mask[:, [k for k, width in enumerate(self.input_widths) for _ in range(width)]]

    def is_evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Which cells of codes x (N, D) say anything about other columns, bool (N, D)."""
        return torch.stack([encoding.is_evidence(x[:, k]) for k, encoding in enumerate(self.encodings)], dim=1)

    @cached_property
    def all_evidence(self) -> bool:
        """Whether every code of every column is evidence, so that ``is_evidence`` need not be asked."""
        probe = torch.tensor([[(c.support() or (0.0,))[-1] for c in self.conditionals]])
        return bool(self.is_evidence(probe).all())

    def listed_only(self) -> Columns:
        """These columns, but that of categories the listed values alone are drawn."""
        each = (replace(c, listed_only=True) if isinstance(c, Categorical) else c for c in self.conditionals)
        return Columns(tuple(each), self.encodings)

    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (P,) of the independent columns that fit codes x (N, D)."""
        params = x.new_zeros(sum(self.param_widths))
        for (conditional, _), columns in self._equal.items():
            params[self.params_in(columns).to(x.device)] = conditional.initial_params(x[:, columns]).flatten()
        return params

    def to_json(self) -> list[dict[str, object]]:
        """Runs of equal columns, each with its length, its conditional, and its encoding where that is not the default."""
        runs: list[dict[str, object]] = []
        for (conditional, encoding), equal in groupby(zip(self.conditionals, self.encodings, strict=True)):
            run: dict[str, object] = {"times": len(list(equal)), "conditional": conditional.to_json()}
            runs.append(run if encoding == conditional.encoding() else run | {"encoding": encoding.to_json()})
        return runs

    @classmethod
    def from_json(cls, runs: Sequence[Mapping[str, object]]) -> Columns:
        """The columns that ``to_json`` described."""
        columns: list[ColumnSpec] = []
        for run in runs:
            spec, times, seen = run["conditional"], run["times"], run.get("encoding")
            if not isinstance(spec, Mapping) or not isinstance(times, int):
                raise ShapeError("columns need 'conditional' (an object) and 'times' (an integer)")
            if seen is not None and not isinstance(seen, Mapping):
                raise ShapeError("the 'encoding' of columns is an object")
            conditional = conditional_from_json(spec)
            columns += [conditional if seen is None else (conditional, encoding_from_json(seen))] * times
        return cls.of(columns)


@dataclass(frozen=True)
class _Part:
    """Some of the columns, and where their inputs lie among all."""

    columns: list[int]
    of: Columns
    inputs: np.ndarray  # int64: rows of a weight (I, H)
    first: np.ndarray  # int64, one per column: the first of its rows
    last: np.ndarray  # int64: how far its last row lies behind the first


def _spread(order: torch.Tensor, widths: Sequence[int]) -> torch.Tensor:
    step, width = torch.tensor(order.argsort().tolist()), torch.tensor(widths)
    return step.repeat_interleave(width, output_size=sum(widths))


def _positions(rows: Sequence[slice]) -> torch.Tensor:
    """The numbers in these slices, one slice after the other, int64 (sum of their lengths,)."""
    start = torch.tensor([each.start for each in rows], dtype=torch.int64)
    width = torch.tensor([each.stop - each.start for each in rows], dtype=torch.int64)
    total = sum(each.stop - each.start for each in rows)
    shift = start - (width.cumsum(0) - width)  # of each slice against its place among the results
    return torch.arange(total) + shift.repeat_interleave(width, output_size=total)


def _pair(k: int, spec: object) -> tuple[AbstractConditional, AbstractEncoding]:
    """The conditional and the encoding of column k as a user says them."""
    match spec:
        case AbstractConditional():
            return spec, spec.encoding()
        case (AbstractConditional() as conditional, AbstractEncoding() as encoding):
            return conditional, encoding
    raise ShapeError(
        f"columns[{k}] = {spec!r} is not a conditional such as chainrule.Bernoulli(), nor a pair of one and an encoding"
    )
