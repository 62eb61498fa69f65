"""The columns of a network: conditionals, encodings, and positions of inputs and parameters."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals import (
    AbstractConditional,
    AbstractEncoding,
    Bernoulli,
    Identity,
    conditional_from_json,
    encoding_from_json,
)
from chainrule.errors import ShapeError, whole_number
from chainrule.networks.relation_kinds import relation_from_json
from chainrule.networks.relations import AbstractRelation, Rule, Slots, slots_of
from chainrule.ops.nade.parameters import slices_of
from chainrule.rng import generator_from

EVERY = slice(None)  # all rows of a batch
WITHHELD = 0.1  # share of the rows of a training step in which relations are hidden
ColumnSpec: TypeAlias = AbstractConditional | tuple[AbstractConditional, AbstractEncoding]
"""A column's conditional, alone (with its default encoding) or paired with an encoding."""


@dataclass(frozen=True)
class Columns:
    """D columns, each with a conditional and an encoding.

    Methods compute likelihoods and network inputs for all columns. Equal columns share one call, so
    784 Bernoulli columns cost one.

    Attributes:
        conditionals: the conditional distribution of each column.
        encodings: the encoding of each column as network inputs.
        relations: rules that compute some parameters of the conditionals from known cells.
    """

    conditionals: tuple[AbstractConditional, ...]
    encodings: tuple[AbstractEncoding, ...]
    relations: tuple[AbstractRelation, ...] = ()

    def __post_init__(self) -> None:
        for column, conditional in enumerate(self.conditionals):
            wanted, found = len(conditional.evidence_slots), 0
            for relation in self.relations:
                found += relation.width * (column in relation.columns)
            if found not in (0, wanted):
                raise ShapeError(
                    f"columns[{column}] = {conditional!r} has {wanted} parameters from evidence, "
                    f"but its relations compute {found}"
                )

    @override
    def __hash__(self) -> int:
        return self._hash  # cached: every training step needs it

    @cached_property
    def _hash(self) -> int:
        return hash((self.conditionals, self.encodings, self.relations))

    @override
    def __getstate__(self) -> dict[str, object]:
        # The cached hash is left out: another process hashes strings to other numbers.
        fields = "conditionals", "encodings", "relations"
        return {name: getattr(self, name) for name in fields}

    @classmethod
    def of(
        cls,
        spec: int | Sequence[ColumnSpec] | Columns,
        relations: Sequence[AbstractRelation] = (),
    ) -> Columns:
        """Columns from the number of binary columns, or from a conditional per column.

        A pair (conditional, encoding) replaces the conditional's default encoding. Relations
        compute parameters that the conditionals declare as ``evidence_slots``.

        >>> from chainrule.conditionals import GaussianMixture, PiecewiseLinear
        >>> number = GaussianMixture(2)
        >>> encoding = number.encoding() + PiecewiseLinear((0.0, 1.0, 3.0))
        >>> Columns.of([Bernoulli(), number, (number, encoding)]).input_widths
        (1, 1, 3)
        """
        if isinstance(spec, Columns):
            return spec
        if isinstance(spec, SupportsIndex):
            width = whole_number(spec, "columns", least=1, what="a number of binary columns")
            return cls((Bernoulli(),) * width, (Identity(),) * width)
        if not isinstance(spec, Sequence) or not spec:
            raise ShapeError(
                f"columns = {spec!r}: give a number of binary columns, or a list with one "
                "conditional per column"
            )
        pairs = [_pair(k, each) for k, each in enumerate(spec)]
        return cls(
            tuple(conditional for conditional, _ in pairs),
            tuple(encoding for _, encoding in pairs),
            tuple(relations),
        )

    def __len__(self) -> int:
        return len(self.conditionals)

    def __deepcopy__(self, memo: dict[int, Any]) -> Columns:
        return self  # it is immutable, so copies of a network share it

    @cached_property
    def is_binary(self) -> bool:
        """Whether all columns are binary, with the identity as their encoding."""
        return set(self.conditionals) == {Bernoulli()} and set(self.encodings) == {Identity()}

    @cached_property
    def input_widths(self) -> tuple[int, ...]:
        """The number of network inputs of each column."""
        return tuple(encoding.width for encoding in self.encodings)

    @cached_property
    def param_widths(self) -> tuple[int, ...]:
        """The number of parameters of each column's conditional."""
        return tuple(conditional.param_width for conditional in self.conditionals)

    @cached_property
    def _inputs(self) -> tuple[slice, ...]:
        return slices_of(self.input_widths)

    @cached_property
    def _params(self) -> tuple[slice, ...]:
        return slices_of(self.param_widths)

    def input_rows(self, column: int) -> slice:
        """The positions of a column's encoding among all inputs."""
        return self._inputs[column]

    def param_rows(self, column: int) -> slice:
        """The positions of a column's parameters among all parameters."""
        return self._params[column]

    def inputs_in(self, order: Sequence[int]) -> torch.Tensor:
        """The positions (I,) of the inputs, sorted by this order of the columns, int64."""
        return _positions([self._inputs[column] for column in order])

    def params_in(self, order: Sequence[int]) -> torch.Tensor:
        """The positions (P,) of the parameters, sorted by this order of the columns, int64."""
        return _positions([self._params[column] for column in order])

    def steps_of_inputs(self, order: torch.Tensor) -> torch.Tensor:
        """The step (I,) of an order (D,) at which each input becomes known, int64."""
        return _spread(order, self.input_widths)

    def steps_of_params(self, order: torch.Tensor) -> torch.Tensor:
        """The step (P,) of an order (D,) at which each parameter is needed, int64."""
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
        """Groups of columns scored in one call, each as (conditionals, columns)."""
        groups: dict[Hashable, list[int]] = {}
        for column, conditional in enumerate(self.conditionals):
            groups.setdefault(conditional.batch_key, []).append(column)
        return tuple(
            (tuple(self.conditionals[k] for k in columns), columns) for columns in groups.values()
        )

    @cached_property
    def _conditional(self) -> AbstractConditional | None:
        """The conditional that all columns share, or None."""
        return self.conditionals[0] if len(set(self.conditionals)) == 1 else None

    @cached_property
    def _back(self) -> np.ndarray:
        """The position of each column in the concatenated groups of ``_scored``."""
        return np.argsort([k for _, columns in self._scored for k in columns])

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Codes (N, D) as network inputs (N, I)."""
        if len(self._equal) == 1:
            return self.encodings[0].encode(x).flatten(1)
        encoded: dict[int, torch.Tensor] = {}  # (N, width) each
        for (_, encoding), columns in self._equal.items():
            inputs = encoding.encode(x[:, columns])  # (N, columns, width)
            encoded |= zip(columns, inputs.unbind(1), strict=True)
        return torch.cat([encoded[column] for column in range(len(self))], dim=1)

    def project(
        self,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        given: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """bias + encode(x) · weight over the given cells, (N, H).

        A one-hot column looks up its row of the weight, so 900 categories cost as much as two.

        Args:
            x: codes (N, D); codes of other cells may be NaN.
            weight: (I, H).
            bias: (H,) or (N, H).
            given: bool (N, D); default all.
        """
        one_hot, other = self._one_hot, self._other
        if not one_hot.columns:
            inputs = self.encode(x)
            # ``where`` instead of a product: NaN times 0 is NaN
            return torch.addmm(
                bias,
                inputs if given is None else torch.where(self.spread(given), inputs, 0),
                weight,
            )
        if other.columns:
            given_of_other = None if given is None else given[:, other.columns]
            bias = other.of.project(
                x[:, other.columns], weight[torch.from_numpy(other.inputs)], bias, given_of_other
            )
        codes, width = x[:, one_hot.columns], torch.from_numpy(one_hot.last).to(x.device)
        index = codes.long().clamp(min=0).minimum(width)
        has_row = index == codes  # NaN and unlisted categories have no row
        if given is not None:
            has_row = has_row & given[:, one_hot.columns]
        at = torch.where(has_row, index, 0) + torch.from_numpy(one_hot.first).to(x.device)
        return bias + F.embedding_bag(
            at, weight, mode="sum", per_sample_weights=has_row.to(weight.dtype)
        )

    @cached_property
    def _one_hot(self) -> _Part:
        return self._part([k for k, encoding in enumerate(self.encodings) if encoding.is_one_hot])

    @cached_property
    def _other(self) -> _Part:
        return self._part(
            [k for k, encoding in enumerate(self.encodings) if not encoding.is_one_hot]
        )

    def _part(self, columns: list[int]) -> _Part:
        first = np.array([self._inputs[k].start for k in columns], np.int64)
        last = np.array([self.input_widths[k] - 1 for k in columns], np.int64)
        inputs = self.inputs_in(columns).cpu().numpy()
        of = Columns(
            tuple(self.conditionals[k] for k in columns), tuple(self.encodings[k] for k in columns)
        )
        return _Part(columns, of, inputs, first, last)

    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, D) of codes x (N, D) under params (N, P), in nats."""
        if self._conditional is not None:
            return self._conditional.log_prob(
                params.unflatten(1, (len(self), self._conditional.param_width)), x
            )
        by_column, cells = params.split(self.param_widths, dim=1), []
        for conditionals, columns in self._scored:
            params_of_group = [by_column[k] for k in columns]
            cells.append(
                conditionals[0].log_prob_columns(conditionals, params_of_group, x[:, columns])
            )
        return torch.cat(cells, dim=1).index_select(1, torch.from_numpy(self._back).to(x.device))

    @cached_property
    def slots(self) -> dict[int, Slots]:
        """The slots of each column whose parameters relations compute in part."""
        slots = [conditional.evidence_slots for conditional in self.conditionals]
        return slots_of(self.relations, slots)

    @cached_property
    def slot_positions(self) -> list[int]:
        """The positions of all slots among all parameters, column by column."""
        starts = {column: self._params[column].start for column in self.slots}
        return [starts[k] + each for k, slots in self.slots.items() for each in slots.positions]

    def slot_values(
        self,
        x: torch.Tensor,
        known: torch.Tensor,
        withheld: torch.Tensor | None = None,
        asked: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The parameters (N, slots) at ``slot_positions`` that known cells give.

        Args:
            x: codes (N, D).
            known: bool (N, D), the cells that are evidence for every column but their own.
            withheld: bool (N,), rows in which training hides what it may.
            asked: bool (N, D), the cells whose likelihoods count. Nothing need be said of others,
                which saves the time that some ranges cost. None for all.
        """
        found: dict[tuple[int, int], torch.Tensor] = {}
        for relations, rule in self._rules:
            for relation, each in zip(relations, rule(x, known), strict=True):
                for column, params in zip(relation.columns, each, strict=True):
                    found[id(relation), column] = params
        in_slots = (
            found[id(relation), column]
            for column, slots in self.slots.items()
            for relation, _ in slots.relations
        )
        values = torch.cat(list(in_slots), dim=1).to(x.dtype)
        if asked is None and withheld is None:
            return values
        nothing, may_hide, column = (torch.from_numpy(each) for each in self._hiding)
        hidden = may_hide.to(values.device)
        if asked is not None:
            is_asked = asked.index_select(1, column.to(asked.device))
            is_said = is_asked if withheld is None else is_asked & ~withheld[:, None]
            hidden = hidden & ~is_said
        elif withheld is not None:
            hidden = hidden & withheld[:, None]
        return torch.where(hidden, nothing.to(values), values)

    @cached_property
    def _rules(self) -> tuple[tuple[list[AbstractRelation], Rule], ...]:
        """The relations of each class, with their rule."""
        groups: dict[type[AbstractRelation], list[AbstractRelation]] = {}
        for relation in self.relations:
            groups.setdefault(type(relation), []).append(relation)
        return tuple((each, kind.rule_of(each)) for kind, each in groups.items())

    @cached_property
    def _hiding(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What each slot has if nothing is said, whether training may hide it, and its column."""
        each = [
            (nothing, relation.is_withheld, column)
            for column, slots in self.slots.items()
            for relation, _ in slots.relations
            for nothing in relation.nothing
        ]
        nothing, may_hide, columns = zip(*each, strict=True)
        return np.array(nothing), np.array(may_hide), np.array(columns, np.int64)

    def slot_values_in_order(
        self, x: torch.Tensor, order: torch.Tensor, withheld: torch.Tensor | None = None
    ) -> torch.Tensor:
        """``slot_values`` where the evidence for each column are the columns before it."""
        step = order.argsort()
        each = [
            slots.values(column, x, (step < step[column]).expand(x.shape), withheld)
            for column, slots in self.slots.items()
        ]
        return torch.cat(each, dim=1).to(x.dtype)

    @property
    def is_withheld(self) -> bool:
        """Whether training hides what some relations say, in some rows."""
        return any(relation.is_withheld for relation in self.relations)

    def withheld(
        self, n: int, generator: torch.Generator | None, rows: slice = EVERY
    ) -> torch.Tensor | None:
        """Draws the rows (n,) in which training hides what relations say; None if they say nothing.

        The network would otherwise never learn how values are distributed that break a relation.
        The result is that of some of the rows.
        """
        if not self.is_withheld:
            return None
        return (torch.rand(n, generator=generator_from(generator)) < WITHHELD)[rows]

    def filled(self, x: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        """x (N, D) with a placeholder from the column's support in every cell not observed.

        The placeholder keeps the NaN of a missing cell out of all computations.
        """
        # From an array each time: a tensor belongs to the modes of PyTorch in which it was made.
        value = torch.tensor(self._placeholders, dtype=x.dtype, device=x.device)
        return torch.where(observed, x, value)

    @cached_property
    def _placeholders(self) -> np.ndarray:
        """A value from the support of each column (D,)."""
        return np.array([conditional.placeholder for conditional in self.conditionals])

    def spread(self, mask: torch.Tensor) -> torch.Tensor:
        """A mask of inputs (N, I) from a mask of cells (N, D)."""
        if all(width == 1 for width in self.input_widths):
            return mask
        return mask[:, [k for k, width in enumerate(self.input_widths) for _ in range(width)]]

    def is_evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Which cells of codes x (N, D) are inputs for other columns, bool (N, D)."""
        return torch.stack(
            [encoding.is_evidence(x[:, k]) for k, encoding in enumerate(self.encodings)], dim=1
        )

    @cached_property
    def all_evidence(self) -> bool:
        """Whether ``is_evidence`` is true for every code of every column."""
        probe = torch.tensor([[(c.support() or (0.0,))[-1] for c in self.conditionals]])
        return bool(self.is_evidence(probe).all())

    def listed_only(self) -> Columns:
        """These columns, with categories that draw only their listed values."""
        each = tuple(conditional.with_listed_draws() for conditional in self.conditionals)
        return replace(self, conditionals=each)

    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (P,) of independent columns fitted to codes x (N, D)."""
        params = x.new_zeros(sum(self.param_widths))
        for (conditional, _), columns in self._equal.items():
            params[self.params_in(columns).to(x.device)] = conditional.initial_params(
                x[:, columns]
            ).flatten()
        return params

    def to_json(self) -> list[dict[str, object]]:
        """Runs of equal columns, each with its length and conditional, as JSON.

        The encoding is included unless it is the conditional's default.
        """
        runs: list[dict[str, object]] = []
        for (conditional, encoding), equal in groupby(
            zip(self.conditionals, self.encodings, strict=True)
        ):
            run: dict[str, object] = {
                "times": len(list(equal)),
                "conditional": conditional.to_json(),
            }
            runs.append(
                run
                if encoding == conditional.encoding()
                else run | {"encoding": encoding.to_json()}
            )
        return runs

    @classmethod
    def from_json(
        cls,
        runs: Sequence[Mapping[str, object]],
        relations: Sequence[Mapping[str, object]] = (),
    ) -> Columns:
        """The columns from the results of ``to_json`` and ``relations_to_json``."""
        columns: list[ColumnSpec] = []
        for run in runs:
            spec, times, encoding = run["conditional"], run["times"], run.get("encoding")
            if not isinstance(spec, Mapping) or not isinstance(times, int):
                raise ShapeError("columns need 'conditional' (an object) and 'times' (an integer)")
            if encoding is not None and not isinstance(encoding, Mapping):
                raise ShapeError("the 'encoding' of columns is an object")
            conditional = conditional_from_json(spec)
            columns += [
                conditional if encoding is None else (conditional, encoding_from_json(encoding))
            ] * times
        return cls.of(columns, [relation_from_json(each) for each in relations])

    def relations_to_json(self) -> list[dict[str, object]]:
        """The relations as JSON."""
        return [relation.to_json() for relation in self.relations]


@dataclass(frozen=True)
class _Part:
    """Some of the columns, and the positions of their inputs among all inputs."""

    columns: list[int]
    of: Columns
    inputs: np.ndarray  # int64: rows of a weight (I, H)
    first: np.ndarray  # int64, one per column: its first row
    last: np.ndarray  # int64, one per column: its last row, counted from its first


def _spread(order: torch.Tensor, widths: Sequence[int]) -> torch.Tensor:
    step, width = torch.tensor(order.argsort().tolist()), torch.tensor(widths)
    return step.repeat_interleave(width, output_size=sum(widths))


def _positions(rows: Sequence[slice]) -> torch.Tensor:
    """The concatenated integers of these slices, int64 (sum of their lengths,)."""
    start = torch.tensor([each.start for each in rows], dtype=torch.int64)
    width = torch.tensor([each.stop - each.start for each in rows], dtype=torch.int64)
    total = sum(each.stop - each.start for each in rows)
    shift = start - (width.cumsum(0) - width)  # from a slice's position in the result to its start
    return torch.arange(total) + shift.repeat_interleave(width, output_size=total)


def _pair(k: int, spec: object) -> tuple[AbstractConditional, AbstractEncoding]:
    """The conditional and the encoding of column k, from the user's specification."""
    match spec:
        case AbstractConditional():
            return spec, spec.encoding()
        case (AbstractConditional() as conditional, AbstractEncoding() as encoding):
            return conditional, encoding
    raise ShapeError(
        f"columns[{k}] = {spec!r} is not a conditional such as chainrule.Bernoulli(), nor a pair "
        "of one and an encoding"
    )
