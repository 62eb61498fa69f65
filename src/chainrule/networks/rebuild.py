"""Networks to JSON and arrays, and back.

A file may describe a network of any size. PyTorch's meta device computes the shapes without memory.
They are compared with the file's arrays before anything is allocated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import torch

from chainrule.errors import FormatError, unknown_choice
from chainrule.networks.columns import Columns
from chainrule.networks.trainable import AbstractTrainable

T = TypeVar("T", bound=AbstractTrainable)


def network_to_json(network: AbstractTrainable) -> dict[str, Any]:
    """A network without its tensors: its columns, class and other constructor arguments."""
    spec = {"columns": network.columns.to_json(), **member_to_json(network)}
    relations = network.columns.relations_to_json()
    return spec | {"relations": relations} if relations else spec


def network_from_json(
    spec: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    classes: Mapping[str, type[T]],
    *,
    what: str = "network",
) -> T:
    """A network, in evaluation mode, from the result of ``network_to_json`` and its tensors.

    Args:
        spec: the description.
        arrays: the tensors by name; float64 parameters make a float64 network.
        classes: the permitted classes by name.
        what: the name of the network in messages.

    Raises:
        FormatError: the parts do not match, or do not define a density.
    """
    try:
        _require_counts(spec, arrays)
        columns = Columns.from_json(spec["columns"], spec.get("relations", ()))
        with torch.device("meta"):
            described = member_from_json(spec, columns, classes, what=what)
        is_double = _has_float64(described, arrays)
        require_arrays(described.double() if is_double else described, arrays)
        _require_finite(arrays)
        if described.columns != columns:
            raise FormatError(
                "the description's columns are none that a "
                f"{type(described).__name__} of its arguments has"
            )
        network = member_from_json(spec, columns, classes, what=what)
        network = network.double() if is_double else network
        network.load_state_dict(
            {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
        )
        network.check()
        return network.eval()
    except FormatError:
        raise
    except (
        LookupError,
        TypeError,
        AttributeError,
        ValueError,
        RuntimeError,
        OverflowError,
    ) as error:
        raise FormatError(f"the {what} cannot be rebuilt from its description: {error}") from error


def member_to_json(network: AbstractTrainable) -> dict[str, Any]:
    """A network's class and its constructor arguments besides the columns."""
    return {"class": type(network).__name__, "config": network.config()}


def member_from_json(
    spec: Mapping[str, Any],
    columns: Columns,
    classes: Mapping[str, type[T]],
    *,
    what: str = "network",
) -> T:
    """The network over these columns that ``member_to_json`` described, with fresh parameters.

    Raises:
        FormatError: the class is not one of ``classes``.
    """
    name = spec["class"]
    if not isinstance(name, str) or name not in classes:
        raise FormatError(unknown_choice(what, name, classes))
    return classes[name].from_config(columns, spec["config"])


def _require_counts(spec: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Raises FormatError if the arrays are too few or too small for the description.

    Constructors loop over columns, networks and layers, on the meta device too. Huge counts would
    take forever.
    """
    times = [run["times"] for run in spec["columns"]]
    if not all(type(each) is int and each > 0 for each in times):
        raise FormatError("the description has columns whose 'times' is no whole number above zero")
    columns, held = sum(times), sum(array.size for array in arrays.values())
    networks, layers = _networks_and_layers(spec)
    if columns * networks > held:
        each = f" in each of {networks} networks" if networks > 1 else ""
        raise FormatError(
            f"the description has {columns} columns{each}, the arrays {held} numbers in all"
        )
    if layers > len(arrays):
        raise FormatError(
            f"the description has {layers} hidden layers, the file {len(arrays)} arrays in all"
        )


def _networks_and_layers(spec: Mapping[str, Any]) -> tuple[int, int]:
    config = spec.get("config", {})
    members = config.get("members")
    if isinstance(members, list):
        counts = [_networks_and_layers(member) for member in members]
        return sum(networks for networks, _ in counts), sum(layers for _, layers in counts)
    return 1, len(config.get("hidden_sizes", ()))


def _has_float64(described: AbstractTrainable, arrays: Mapping[str, np.ndarray]) -> bool:
    first = next(name for name, _ in described.named_parameters())
    return first in arrays and arrays[first].dtype == np.float64


def require_arrays(
    described: AbstractTrainable, arrays: Mapping[str, np.ndarray], *, by: str = "description"
) -> None:
    """Raises FormatError unless arrays have the names, shapes and dtypes of a network's tensors.

    Args:
        described: the network, which may be on the meta device.
        arrays: the tensors in the file.
        by: what describes the network, in messages.
    """
    expected = described.state_dict()
    for name, tensor in expected.items():
        found, shape = arrays.get(name), tuple(tensor.shape)
        dtype = str(tensor.dtype).removeprefix("torch.")
        if found is None or found.shape != shape:
            raise FormatError(f"array {name!r} is {_described(found)}; the {by} says {shape}")
        if found.dtype.name != dtype:
            raise FormatError(f"array {name!r} is {_described(found)}; the {by} says {dtype}")
    for name, array in arrays.items():
        if name not in expected:
            raise FormatError(
                f"array {name!r} is {_described(array)}; the {by} has none of this name"
            )


def _require_finite(arrays: Mapping[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise FormatError(
                f"array {name!r} holds values that are not finite; the model is no density"
            )


def _described(array: np.ndarray | None) -> str:
    return "absent" if array is None else f"{array.dtype} of shape {array.shape}"
