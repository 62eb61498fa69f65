"""A model: the schema of a table with a network over its codes. The one place where kinds meet conditionals."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch

from chainrule.conditionals import (
    AbstractConditional,
    AbstractMixture,
    AbstractSeen,
    Atoms,
    Bernoulli,
    Categorical,
    DiscretizedLogisticMixture,
    GaussianMixture,
    LaplaceMixture,
    LogisticMixture,
    Periodic,
    PiecewiseLinear,
)
from chainrule.errors import ChainruleError, FormatError, SchemaError, unknown_choice
from chainrule.networks import MADE, NADE, AbstractNetwork, Committee, Ensemble, OrderlessNADE
from chainrule.networks.columns import Columns
from chainrule.networks.orders import make_order
from chainrule.table import Column, Schema
from chainrule.table.kinds import KINDS, integer

NETWORKS: dict[str, type[AbstractNetwork]] = {
    "Committee": Committee,
    "Ensemble": Ensemble,
    "MADE": MADE,
    "NADE": NADE,
    "OrderlessNADE": OrderlessNADE,
}
MIXTURES: dict[str, type[AbstractMixture]] = {
    "gaussian": GaussianMixture,
    "laplace": LaplaceMixture,
    "logistic": LogisticMixture,
}
WEIGHT_TOLERANCE = 1e-9  # of the logarithm of the sum of an ensemble's weights


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
        network = copy.deepcopy(self.network)
        network.look = None
        return network.double().eval().requires_grad_(False)

    def bare(self) -> AbstractNetwork:
        """The network with its own parameters, for callers that hand it codes: it does not look whether they are."""
        network = copy.copy(self.network)
        network.look = None
        return network

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
            "network": {"class": type(self.network).__name__, "config": self.network.config()},
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
            name, config = network["class"], network["config"]
        except (KeyError, TypeError) as error:
            raise FormatError(f"the model's description lacks {error}") from error
        if not isinstance(name, str) or name not in NETWORKS:
            raise FormatError(unknown_choice("network", name, NETWORKS))
        try:
            _require_sizes(name, config, len(schema.columns), arrays)
            _require_kinds(schema, Columns.from_json(config["columns"]))
            built = NETWORKS[name].from_config(config)
            expected = {key: _described(tensor.cpu().numpy()) for key, tensor in built.state_dict().items()}
            found = {key: _described(array) for key, array in arrays.items()}
            if wrong := sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)):
                key = wrong[0]
                raise FormatError(f"array {key!r} is {found.get(key, 'absent')}; expected {expected.get(key, 'none')}")
            if broken := [key for key, array in arrays.items() if not np.isfinite(array).all()]:
                raise FormatError(f"array {broken[0]!r} holds values that are not finite; the model is no density")
            for key, array in arrays.items():
                if key == "order" or key.endswith(".order"):
                    make_order(array.tolist(), len(built.columns))
                if key.split(".")[-1] == "log_weight" and abs(np.logaddexp.reduce(array)) > WEIGHT_TOLERANCE:
                    raise FormatError(f"array {key!r}: the members' weights do not sum to 1; the model is no density")
            built.load_state_dict({key: torch.from_numpy(np.array(array)) for key, array in arrays.items()})
            for part in built.modules():
                if isinstance(part, Committee):
                    part.require_one_order()
            return cls(schema, built.eval())
        except FormatError:
            raise
        except (LookupError, TypeError, AttributeError, ValueError, RuntimeError, OverflowError) as error:
            raise FormatError(f"the model cannot be rebuilt from its description: {error}") from error


def conditionals_of(
    schema: Schema, *, conditional: str = "gaussian", components: int = 10
) -> tuple[AbstractConditional, ...]:
    """The conditional of each column by its kind: Bernoulli, Categorical, for numbers a mixture, of a grid a discretised one.

    Args:
        schema: the columns.
        conditional: the mixture of continuous columns, one of "gaussian", "logistic" and "laplace".
        components: how many parts each mixture has.
    """
    if conditional not in MIXTURES:
        raise ChainruleError(unknown_choice("conditional", conditional, MIXTURES))
    return tuple(_conditional_of(column, MIXTURES[conditional], components) for column in schema.columns)


def _conditional_of(column: Column, mixture: type[AbstractMixture], components: int) -> AbstractConditional:
    """As evidence a number counts within the range of the training rows, which is the conditional's."""
    if column.kind == "binary":
        return Bernoulli()
    if column.kind == "categorical":
        return Categorical(len(column.levels), unlisted=column.unlisted, rows=column.rows)
    base: AbstractConditional
    if column.step is None:
        base = mixture(components, low=column.low, high=column.high)
    else:
        least, most = integer.bound_codes(column) if column.kind == "integer" else (None, None)
        base = DiscretizedLogisticMixture(
            components, least, most, column.center, column.spread, low=column.low, high=column.high
        )
    if column.periods:
        base = Periodic(base, column.periods)
    if column.knots:
        base = PiecewiseLinear(base, column.knots)
    atoms = KINDS[column.kind].atom_codes(column)
    return Atoms(atoms, base) if atoms else base


def takes_any_evidence(network: AbstractNetwork) -> bool:
    """Whether any cells may be unknown, exactly: of an orderless network, and of ensembles of them."""
    if isinstance(network, Ensemble):
        return all(takes_any_evidence(cast(AbstractNetwork, member)) for member in network.members)
    return isinstance(network, OrderlessNADE)


def _require_kinds(schema: Schema, columns: Columns) -> None:
    """Raises SchemaError at the first column whose conditional is none that its kind can have."""
    for column, found in zip(schema.columns, columns.conditionals, strict=True):
        if not _serves(column, found):
            raise SchemaError(f"column {column.name!r} is of kind {column.kind!r}, but the network gives it {found}")


def _serves(column: Column, conditional: AbstractConditional) -> bool:
    """Whether a conditional is one that the column's kind can have."""
    base: Any = conditional
    while isinstance(base, Atoms | AbstractSeen):
        base = base.base
    mixture = type(base) if isinstance(base, AbstractMixture) else GaussianMixture
    return conditional == _conditional_of(column, mixture, getattr(base, "parts", 1))


def _require_sizes(name: str, config: Mapping[str, Any], columns: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises before a network is built that is larger than the file it is said to come from."""
    described = sum(int(run["times"]) for run in config["columns"])
    if described != columns or any(int(run["times"]) < 1 for run in config["columns"]):
        raise FormatError(f"the network has {described} columns where the schema has {columns}")
    if name in ("Committee", "Ensemble"):
        for number, member in enumerate(config["members"]):
            own = {
                key.removeprefix(f"members.{number}."): a
                for key, a in arrays.items()
                if key.startswith(f"members.{number}.")
            }
            like = config["members"][member["like"]] if "like" in member else member
            _require_sizes(member["class"], {"columns": config["columns"], **like["config"]}, columns, own)
        return
    spec = Columns.from_json([{**run, "times": 1} for run in config["columns"]])
    times = [int(run["times"]) for run in config["columns"]]
    inputs = sum(t * w for t, w in zip(times, spec.input_widths, strict=True))
    params = sum(t * w for t, w in zip(times, spec.param_widths, strict=True))
    sizes = [int(size) for size in config.get("hidden_sizes", [config.get("hidden_size", 0)])]
    members = int(config.get("members", 1))
    last = sizes[-1]
    expected: dict[str, tuple[int, ...]] = {"output_bias": (members * params,)}
    if name in ("MADE", "OrderlessNADE"):
        expected |= {f"hidden_biases.{k}": (members * size,) for k, size in enumerate(sizes)}
    if name == "MADE":
        expected |= {
            f"hidden_weights.{k}": (b, a) for k, (a, b) in enumerate(zip([inputs, *sizes], sizes, strict=False))
        }
    if name == "MADE" and config["direct"]:
        expected |= {"direct_weight": (params, inputs)}
    if name == "OrderlessNADE":
        expected |= {"value_weight": (inputs, members * sizes[0])}
        expected |= {f"hidden_weights.{k}": (members * b, a) for k, (a, b) in enumerate(pairwise(sizes))}
    if name == "NADE":
        expected |= {"hidden_bias": (last,), "input_weight": (inputs, last)}
    expected["output_weight"] = (members * params, last)
    for key, shape in expected.items():
        found = arrays.get(key)
        if found is None or found.shape != shape:
            raise FormatError(
                f"array {key!r} is {'absent' if found is None else _described(found)}; the description says {shape}"
            )


def _described(array: np.ndarray) -> str:
    return f"{array.dtype} of shape {tuple(array.shape)}"
