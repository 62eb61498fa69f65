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
from chainrule.networks import NADE, AbstractNetwork
from chainrule.table import Schema

NETWORKS: dict[str, type[AbstractNetwork]] = {"NADE": NADE}


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

    def in_float64(self) -> AbstractNetwork:
        """A copy of the network for scoring: the likelihood of a cell is computed in float64."""
        return copy.deepcopy(self.network).double().eval().requires_grad_(False)

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
        if name not in NETWORKS:
            raise FormatError(unknown_choice("network", name, NETWORKS))
        try:
            built = NETWORKS[name].from_config(config)
            expected = {key: tuple(tensor.shape) for key, tensor in built.state_dict().items()}
            found = {key: tuple(array.shape) for key, array in arrays.items()}
            if expected != found:
                wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
                raise FormatError(
                    f"array {wrong[0]!r} has shape {found.get(wrong[0])}; expected {expected.get(wrong[0])}"
                )
            built.load_state_dict({key: torch.from_numpy(np.array(array)) for key, array in arrays.items()})
            return cls(schema, built)
        except FormatError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise FormatError(f"the model cannot be rebuilt from its description: {error}") from error


def conditionals_of(schema: Schema) -> tuple[AbstractConditional, ...]:
    """The conditional of each column's kind."""
    return tuple(_CONDITIONAL_OF_KIND[column.kind] for column in schema.columns)


_CONDITIONAL_OF_KIND: dict[str, AbstractConditional] = {"binary": Bernoulli()}
