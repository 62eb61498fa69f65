"""A model: the schema of a table with a network over its codes. The one place where kinds meet conditionals."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from chainrule.conditionals import (
    AbstractConditional,
    AbstractEncoding,
    AbstractMixture,
    AtomFlags,
    Atoms,
    Bernoulli,
    Categorical,
    DiscretizedLogisticMixture,
    GaussianMixture,
    Identity,
    LaplaceMixture,
    LogisticMixture,
    OneHot,
    Periodic,
    PiecewiseLinear,
    Standardised,
)
from chainrule.errors import ChainruleError, FormatError, SchemaError, unknown_choice
from chainrule.networks import AbstractNetwork, Ensemble, OrderlessNADE
from chainrule.networks.columns import Columns
from chainrule.networks.ensemble import NETWORKS
from chainrule.networks.rebuild import network_from_json, network_to_json
from chainrule.table import Column, Schema
from chainrule.table.kinds import KINDS, integer

MIXTURES: dict[str, type[AbstractMixture]] = {
    "gaussian": GaussianMixture,
    "laplace": LaplaceMixture,
    "logistic": LogisticMixture,
}


@dataclass(frozen=True)
class Model:
    """What files hold and tasks work on: which columns, and the density over their codes."""

    schema: Schema
    network: AbstractNetwork

    def __post_init__(self) -> None:
        if len(self.network.columns) != len(self.schema.columns):
            raise SchemaError(
                f"a network over {len(self.network.columns)} columns cannot model a schema of {len(self.schema.columns)}"
            )
        _require_kinds(self.schema, self.network.columns)

    def in_float64(self) -> AbstractNetwork:
        """A copy of the network for scoring: the likelihood of a cell is computed in float64."""
        return copy.deepcopy(self.bare()).double().eval().requires_grad_(False)

    def bare(self) -> AbstractNetwork:
        """The network with its own parameters, for callers that hand it codes: it does not look whether they are."""
        network = copy.copy(self.network)
        network.look = None
        return network

    def flag_of(self, column: int) -> int | None:
        """The number of the binary column that says where this column's cells are missing, if there is one."""
        name = self.schema.columns[column].name
        return next((k for k, flag in enumerate(self.schema.columns) if flag.flag_of == name), None)

    @property
    def takes_any_evidence(self) -> bool:
        """Whether any cells may be unknown, exactly: of an orderless network, and of ensembles of them."""
        return takes_any_evidence(self.network)

    def require_evidence(self, known: np.ndarray, *, name: str) -> None:
        """Raises EvidenceError, with the table's own names, for known cells (N, D) that the network cannot take exactly."""
        device = next(self.network.parameters()).device
        self.network.require_exact(torch.from_numpy(known).to(device), name=name, names=self.schema.names)

    def to_json(self) -> dict[str, Any]:
        """Everything but the tensors, as a JSON object."""
        return {
            "schema": self.schema.to_json(),
            "network": network_to_json(self.network),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The network's tensors by name, as arrays of the CPU."""
        return {name: tensor.detach().cpu().numpy() for name, tensor in self.network.state_dict().items()}

    @classmethod
    def from_parts(cls, spec: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Model:
        """The model that ``to_json`` and ``arrays`` described.

        Raises:
            FormatError: parts that do not belong together.
        """
        try:
            schema, network = Schema.from_json(spec["schema"]), spec["network"]
        except (KeyError, TypeError) as error:
            raise FormatError(f"the model's description lacks {error}") from error
        built = network_from_json(network, arrays, NETWORKS)
        try:
            return cls(schema, built)
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"the model cannot be rebuilt from its description: {error}") from error


def columns_of(schema: Schema, *, conditional: str = "gaussian", components: int = 10) -> Columns:
    """A network's columns by the kinds of a schema's: Bernoulli, Categorical, for numbers mixtures, of a grid discretised ones.

    Other columns see a number within the range of the training rows.

    Args:
        schema: the columns.
        conditional: the mixture of continuous columns, one of "gaussian", "logistic" and "laplace".
        components: how many parts each mixture has.
    """
    if conditional not in MIXTURES:
        raise ChainruleError(unknown_choice("conditional", conditional, MIXTURES))
    return Columns.of([_column_of(column, MIXTURES[conditional], components) for column in schema.columns])


def _column_of(
    column: Column, mixture: type[AbstractMixture], components: int
) -> tuple[AbstractConditional, AbstractEncoding]:
    """How a column's values are distributed, and how other columns see them."""
    if column.kind == "binary":
        return Bernoulli(), Identity()
    if column.kind == "categorical":
        return Categorical(len(column.levels), unlisted=column.unlisted, rows=column.rows), OneHot(len(column.levels))
    conditional: AbstractConditional
    if column.step is None:
        conditional, center, spread = mixture(components), 0.0, 1.0
    else:
        least, most = integer.bound_codes(column) if column.kind == "integer" else (None, None)
        center, spread = column.center, column.spread
        conditional = DiscretizedLogisticMixture(components, least, most, center, spread)
    encoding: AbstractEncoding = Standardised(center, spread, low=column.low, high=column.high)
    if column.periods:
        encoding = encoding + Periodic(column.periods)
    if column.knots:
        encoding = encoding + PiecewiseLinear(column.knots)
    if atoms := KINDS[column.kind].atom_codes(column):
        return Atoms(atoms, conditional), AtomFlags(atoms) + encoding
    return conditional, encoding


def takes_any_evidence(network: AbstractNetwork) -> bool:
    """Whether any cells may be unknown, exactly: of an orderless network, and of ensembles of them."""
    if isinstance(network, Ensemble):
        return all(takes_any_evidence(cast(AbstractNetwork, member)) for member in network.members)
    return isinstance(network, OrderlessNADE)


def _require_kinds(schema: Schema, columns: Columns) -> None:
    """Raises SchemaError at the first column whose conditional or encoding is none that its kind can have."""
    for column, found, seen in zip(schema.columns, columns.conditionals, columns.encodings, strict=True):
        base = found.base if isinstance(found, Atoms) else found
        mixture = type(base) if isinstance(base, AbstractMixture) else GaussianMixture
        if (found, seen) != _column_of(column, mixture, found.components or 1):
            raise SchemaError(
                f"column {column.name!r} is of kind {column.kind!r}, but the network gives it {found}, encoded by {seen}"
            )
