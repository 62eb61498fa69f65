"""A model: the schema of a table with a network over its codes. The one place where kinds meet conditionals."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import AbstractConditional, Bernoulli
from chainrule.errors import FormatError, SchemaError, unknown_choice
from chainrule.networks import NADE, AbstractFixedOrder, AbstractNetwork
from chainrule.networks.evidence import require_prefix
from chainrule.networks.orders import make_order
from chainrule.table import Schema

NETWORKS: dict[str, type[AbstractNetwork]] = {"NADE": NADE}
CONDITIONAL_OF_KIND: dict[str, AbstractConditional] = {"binary": Bernoulli()}


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
        for column, wanted, found in zip(
            self.schema.columns, conditionals_of(self.schema), self.network.columns.conditionals, strict=True
        ):
            if wanted != found:
                raise SchemaError(
                    f"column {column.name!r} is of kind {column.kind!r}, but the network gives it {found}"
                )

    def in_float64(self) -> AbstractNetwork:
        """A copy of the network for scoring: the likelihood of a cell is computed in float64."""
        return copy.deepcopy(self.network).double().eval().requires_grad_(False)

    def require_evidence(self, known: np.ndarray, *, name: str) -> None:
        """Raises EvidenceError, with the table's own names, for known cells (N, D) that the network cannot take exactly."""
        if isinstance(self.network, AbstractFixedOrder):
            order = self.network.order.cpu()
            require_prefix(torch.from_numpy(known), order, name=name, names=self.schema.names)

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
            _require_sizes(config, len(schema.columns), arrays)
            built = NETWORKS[name].from_config(config)
            expected = {key: _described(tensor.cpu().numpy()) for key, tensor in built.state_dict().items()}
            found = {key: _described(array) for key, array in arrays.items()}
            if wrong := sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)):
                key = wrong[0]
                raise FormatError(f"array {key!r} is {found.get(key, 'absent')}; expected {expected.get(key, 'none')}")
            if broken := [key for key, array in arrays.items() if not np.isfinite(array).all()]:
                raise FormatError(f"array {broken[0]!r} holds values that are not finite; the model is no density")
            if "order" in arrays:
                make_order(arrays["order"].tolist(), len(built.columns))
            built.load_state_dict({key: torch.from_numpy(np.array(array)) for key, array in arrays.items()})
            return cls(schema, built)
        except FormatError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError, OverflowError) as error:
            raise FormatError(f"the model cannot be rebuilt from its description: {error}") from error


def conditionals_of(schema: Schema) -> tuple[AbstractConditional, ...]:
    """The conditional of each column's kind."""
    for column in schema.columns:
        if column.kind not in CONDITIONAL_OF_KIND:
            raise SchemaError(f"column {column.name!r}: {unknown_choice('kind', column.kind, CONDITIONAL_OF_KIND)}")
    return tuple(CONDITIONAL_OF_KIND[column.kind] for column in schema.columns)


def _require_sizes(config: Mapping[str, Any], columns: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises before a network is built that is larger than the file it is said to come from."""
    described = sum(int(run["times"]) for run in config["columns"])
    if described != columns or any(int(run["times"]) < 1 for run in config["columns"]):
        raise FormatError(f"the network has {described} columns where the schema has {columns}")
    hidden = config.get("hidden_size")
    if hidden is not None and arrays["hidden_bias"].shape != (hidden,):
        raise FormatError(f"array 'hidden_bias' is {_described(arrays['hidden_bias'])}; hidden_size is {hidden!r}")


def _described(array: np.ndarray) -> str:
    return f"{array.dtype} of shape {tuple(array.shape)}"
