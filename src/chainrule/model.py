"""A model: the schema of a table and a network over its codes.

This module maps kinds to conditionals.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from chainrule import table
from chainrule.conditionals import (
    AbstractConditional,
    AbstractEncoding,
    AbstractMixture,
    AtomFlags,
    Atoms,
    Bernoulli,
    Calendar,
    Categorical,
    DiscretizedLogisticMixture,
    GaussianMixture,
    LaplaceMixture,
    LogisticMixture,
    Periodic,
    PiecewiseLinear,
    Standardised,
    Tied,
)
from chainrule.errors import ChainruleError, FormatError, SchemaError, unknown_choice
from chainrule.networks import AbstractNetwork
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.ensemble import NETWORKS
from chainrule.networks.rebuild import network_from_json, network_to_json
from chainrule.networks.ties import Ranges, ends_of
from chainrule.table import AbstractColumn, AbstractNumbers, Schema
from chainrule.table.ties import AbstractTie

MIXTURES: dict[str, type[AbstractMixture]] = {
    "gaussian": GaussianMixture,
    "laplace": LaplaceMixture,
    "logistic": LogisticMixture,
}
# Rows that a component needs, and the largest floor of its scale, in spreads.
ROWS_OF_COMPONENT, LARGEST_FLOOR = 20, 0.5


@dataclass(frozen=True)
class Model:
    """The columns of a table and the density over their codes.

    Files hold models, and tasks take them.
    """

    schema: Schema
    network: AbstractNetwork

    def __post_init__(self) -> None:
        if len(self.network.columns) != len(self.schema.columns):
            raise SchemaError(
                f"a network over {len(self.network.columns)} columns cannot model a schema of "
                f"{len(self.schema.columns)}"
            )
        _require_kinds(self.schema, self.network.columns)

    def in_float64(self) -> AbstractNetwork:
        """Returns a copy of the network in float64, for scoring."""
        network = copy.deepcopy(self.network)
        network.look = None
        return network.double().eval().requires_grad_(False)

    def bare(self) -> AbstractNetwork:
        """Returns the network, with shared parameters, which does not test whether its inputs are
        codes.
        """
        network = copy.copy(self.network)
        network.look = None
        return network

    @property
    def any_evidence(self) -> bool:
        """Whether any cells may be unknown, with exact answers."""
        return self.network.any_evidence

    def require_evidence(self, given: np.ndarray, *, name: str) -> None:
        """Raises EvidenceError if the network cannot take given cells (N, D) exactly.

        The message has the table's column names.
        """
        device = next(self.network.parameters()).device
        self.network.require_evidence(
            torch.from_numpy(given).to(device), name=name, names=self.schema.names
        )

    def to_json(self) -> dict[str, Any]:
        """Returns everything but the tensors, as a JSON object."""
        return {
            "schema": self.schema.to_json(),
            "network": network_to_json(self.network),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the network's tensors by name, as arrays on the CPU."""
        return {
            name: tensor.detach().cpu().numpy()
            for name, tensor in self.network.state_dict().items()
        }

    @classmethod
    def from_parts(cls, spec: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Model:
        """Returns the model that ``to_json`` and ``arrays`` described.

        Raises:
            FormatError: the description and the arrays do not fit each other.
        """
        try:
            schema, network = Schema.from_json(spec["schema"]), spec["network"]
        except (KeyError, TypeError) as error:
            raise FormatError(f"the model's description lacks {error}") from error
        built = network_from_json(network, arrays, NETWORKS)
        try:
            return cls(schema, built)
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(
                f"the model cannot be rebuilt from its description: {error}"
            ) from error


def columns_of(
    schema: Schema,
    *,
    conditional: str = "gaussian",
    components: int = 10,
    tied: bool = True,
    others: Mapping[int, int] = MappingProxyType({}),
) -> Columns:
    """Returns a network's columns, by the kinds of the schema's columns.

    Binary columns get Bernoulli conditionals, categorical ones Categorical, numbers mixtures, and
    numbers on a grid discretised mixtures. As inputs of other columns, numbers are clipped to the
    range of the training rows.

    Args:
        schema: the columns.
        conditional: the mixture of continuous columns: "gaussian", "logistic" or "laplace".
        components: number of components of each mixture.
        tied: whether columns follow the ties of the schema; without them they can be independent.
        others: by the numbers of columns with atoms, how many rows have other values. Mixtures that
            few rows train have few and wide components.
    """
    if conditional not in MIXTURES:
        raise ChainruleError(unknown_choice("conditional", conditional, MIXTURES))
    each = [column_of(column, MIXTURES[conditional], components) for column in schema.columns]
    for k, rows in others.items():
        each[k] = _of_few(each[k], rows)
    if not tied or not schema.ties:
        return Columns.of(each)
    relations = _ranges(schema.ties, each)
    for relation in relations:
        each[relation.column] = _tied(each[relation.column], relation, schema)
    return Columns.of(each, relations)


def _ranges(ties: Sequence[AbstractTie], columns: Sequence[ColumnSpec]) -> list[Ranges]:
    """Returns, for each column that ties say something of, the ranges that they leave to it."""
    found: dict[int, list[AbstractTie]] = {}
    for tie in ties:
        for column in tie.targets:
            found.setdefault(column, []).append(tie)
    limits = [(spec[0] if isinstance(spec, tuple) else spec).limits for spec in columns]
    return [
        Ranges(column, tuple(of_column), ends_of(column, of_column, limits))
        for column, of_column in sorted(found.items())
    ]


def _tied(spec: ColumnSpec, relation: Ranges, schema: Schema) -> ColumnSpec:
    base, encoding = spec if isinstance(spec, tuple) else (spec, spec.encoding())
    # A flag does not know its rows: the whole table's are those of its fullest column.
    rows = schema.columns[relation.column].rows or max(each.rows for each in schema.columns)
    least = 1 / (max(rows, 1) + 1)  # what a tie of all rows leaves to other values
    shares = tuple(min(tie.share, 1 - least) for tie in relation.ties)
    return Tied(base, shares, least), encoding


@singledispatch
def column_of(
    column: AbstractColumn, mixture: type[AbstractMixture], components: int
) -> ColumnSpec:
    """Returns the conditional of one column, by its kind, or a pair of conditional and encoding.

    A new kind registers a function: ``@column_of.register(Kind)``.

    Args:
        column: the column.
        mixture: the mixture of continuous numbers.
        components: number of components of each mixture.
    """
    raise TypeError(
        f"column {column.name!r}: no conditional is registered for columns of kind {column.kind!r}"
    )


@column_of.register(table.Binary)
def _of_binary(column: table.Binary, mixture: type[AbstractMixture], components: int) -> ColumnSpec:
    return Bernoulli()


@column_of.register(table.Categorical)
def _of_categorical(
    column: table.Categorical, mixture: type[AbstractMixture], components: int
) -> ColumnSpec:
    return Categorical(len(column.levels), unlisted=column.unlisted, rows=column.rows)


@column_of.register(table.Integer)
def _of_integer(
    column: table.Integer, mixture: type[AbstractMixture], components: int
) -> ColumnSpec:
    return _with_atoms(
        column, _on_grid(column, components, *column.bound_codes), _encoding_of(column)
    )


@column_of.register(table.Real)
def _of_real(column: table.Real, mixture: type[AbstractMixture], components: int) -> ColumnSpec:
    least, most = column.bound_codes
    if column.is_continuous:
        conditional = mixture(components, least=least, most=most)
    else:
        conditional = _on_grid(column, components, least, most)
    return _with_atoms(column, conditional, _encoding_of(column))


@column_of.register(table.Datetime)
def _of_datetime(
    column: table.Datetime, mixture: type[AbstractMixture], components: int
) -> ColumnSpec:
    base = _by_calendar(column, components) or _on_grid(column, components, *column.bound_codes)
    return _with_atoms(column, base, _encoding_of(column, column.periods))


def _on_grid(
    column: AbstractNumbers, components: int, least: float | None = None, most: float | None = None
) -> AbstractConditional:
    return DiscretizedLogisticMixture(
        components, least, most, column.center, column.spread, warp=column.warp
    )


def _by_calendar(column: table.Datetime, components: int) -> AbstractConditional | None:
    """Returns the calendar of dates that have one."""
    slots = column.grid.slots
    if not column.day_parts or not slots:
        return None
    least, most = (None if end is None else math.floor(end / slots) for end in column.bound_codes)
    return Calendar(
        DiscretizedLogisticMixture(
            components, least, most, column.center / slots, column.spread / slots
        ),
        column.grid.first_day,
        math.floor(column.low / slots),
        math.floor(column.high / slots),
        slots,
        column.day_parts,
    )


def _encoding_of(column: AbstractNumbers, periods: Sequence[float] = ()) -> AbstractEncoding:
    """Returns the encoding of a number as an input, which is clipped to the range of the training
    rows.
    """
    center, spread, warp = 0.0, 1.0, None
    if not column.is_continuous:
        center, spread, warp = float(column.center), column.spread, column.warp
    encoding: AbstractEncoding = Standardised(center, spread, column.low, column.high, warp)
    if periods:
        encoding = encoding + Periodic(tuple(periods))
    return encoding + PiecewiseLinear(column.knots) if column.knots else encoding


def _with_atoms(
    column: AbstractNumbers, base: AbstractConditional, encoding: AbstractEncoding
) -> ColumnSpec:
    atoms = column.atom_codes()
    return (Atoms(atoms, base), AtomFlags(atoms) + encoding) if atoms else (base, encoding)


def _of_few(spec: ColumnSpec, rows: int) -> ColumnSpec:
    """Returns the conditional with a mixture that so many rows can train.

    Components that follow single rows would have no mass elsewhere, and their locations run off.
    Scales have a floor of 20 spreads divided by the rows, a power of two: no fit can show more.
    """
    conditional, encoding = spec if isinstance(spec, tuple) else (spec, spec.encoding())
    if not isinstance(conditional, Atoms):
        return spec
    base = conditional.base
    if not isinstance(base, AbstractMixture | DiscretizedLogisticMixture):
        return spec
    components = max(1, min(base.components, rows // ROWS_OF_COMPONENT))
    floor = 2.0 ** round(math.log2(ROWS_OF_COMPONENT / max(rows, 1)))
    floor = min(max(floor, base.least_scale), LARGEST_FLOOR)
    base = replace(base, components=components, least_scale=floor)
    return replace(conditional, base=base), encoding


def centred(conditional: AbstractConditional, least_scale: float) -> AbstractConditional | None:
    """Returns a conditional of numbers with a shift and a stretch that known cells give.

    It is None if the conditional has no such form.

    Args:
        conditional: the conditional of a column.
        least_scale: the floor of its scales, in units of its spread.
    """
    if isinstance(conditional, AbstractMixture | DiscretizedLogisticMixture):
        return replace(conditional, centred=True, least_scale=least_scale)
    if not isinstance(conditional, Atoms | Tied):
        return None
    base = centred(conditional.base, least_scale)
    return None if base is None else replace(conditional, base=base)


def _of_kind(conditional: AbstractConditional, largest_floor: float) -> AbstractConditional:
    """Returns the conditional of the kind from which ``centred`` and ``_of_few`` make this one."""
    if isinstance(conditional, AbstractMixture | DiscretizedLogisticMixture):
        usual = type(conditional).least_scale
        most = max(largest_floor, usual if conditional.centred else 0.0)
        if conditional.least_scale <= most:
            return replace(conditional, centred=False, least_scale=usual)
    elif isinstance(conditional, Atoms):
        return replace(conditional, base=_of_kind(conditional.base, LARGEST_FLOOR))
    elif isinstance(conditional, Tied):
        return replace(conditional, base=_of_kind(conditional.base, largest_floor))
    return conditional


def _require_kinds(schema: Schema, columns: Columns) -> None:
    """Raises SchemaError at the first column whose conditional or encoding is not of its kind."""
    ranges = {relation.column: relation for relation in _ranges(schema.ties, columns.conditionals)}
    if [each for each in columns.relations if isinstance(each, Ranges)] != list(ranges.values()):
        raise SchemaError("the network's ties are not those of the schema")
    for number, (column, conditional, encoding) in enumerate(
        zip(schema.columns, columns.conditionals, columns.encodings, strict=True)
    ):
        conditional = _of_kind(conditional, largest_floor=0.0)
        relation = ranges.get(number)
        spec = column_of(column, _mixture_of(conditional), conditional.component_count or 1)
        expected = Columns.of([spec if relation is None else _tied(spec, relation, schema)])
        if (conditional, encoding) != (expected.conditionals[0], expected.encodings[0]):
            raise SchemaError(
                f"column {column.name!r} is of kind {column.kind!r}, but the network gives it "
                f"{conditional}, encoded by {encoding}"
            )


def _mixture_of(conditional: AbstractConditional) -> type[AbstractMixture]:
    """Returns the class of a column's mixture; a Gaussian one if it has none of real numbers."""
    while isinstance(conditional, Atoms | Tied):
        conditional = conditional.base
    return type(conditional) if isinstance(conditional, AbstractMixture) else GaussianMixture
