"""Networks as JSON and arrays, and back.

A file may describe a network of any size. Its shapes are computed on PyTorch's meta device, which has no
memory, and compared with the arrays of the file before anything is allocated.
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
    """Everything about a network but its tensors: columns, class and the constructor's other arguments."""
    return {"columns": network.columns.to_json(), **member_to_json(network)}


def network_from_json(
    spec: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    classes: Mapping[str, type[T]],
    *,
    what: str = "network",
) -> T:
    """The network that ``network_to_json`` described, with these arrays as its tensors, in evaluation mode.

    Args:
        spec: its description.
        arrays: its tensors by name; float64 parameters make a float64 network.
        classes: the classes that it may have, by name.
        what: what messages call it.

    Raises:
        FormatError: parts that do not belong together, or that make no density.
    """
    try:
        _require_counts(spec, arrays)
        columns = Columns.from_json(spec["columns"])
        with torch.device("meta"):
            described = member_from_json(spec, columns, classes, what=what)
        is_double = _has_float64(described, arrays)
        _require_same(described.double() if is_double else described, columns, arrays)
        network = member_from_json(spec, columns, classes, what=what)
        network = network.double() if is_double else network
        network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
        network.check()
        return network.eval()
    except FormatError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, RuntimeError, OverflowError) as error:
        raise FormatError(f"the {what} cannot be rebuilt from its description: {error}") from error


def member_to_json(network: AbstractTrainable) -> dict[str, Any]:
    """The class of a network and its constructor's arguments besides the columns."""
    return {"class": type(network).__name__, "config": network.config()}


def member_from_json(
    spec: Mapping[str, Any], columns: Columns, classes: Mapping[str, type[T]], *, what: str = "network"
) -> T:
    """The network over these columns that ``member_to_json`` described, with fresh parameters.

    Raises:
        FormatError: a class that is none of ``classes``.
    """
    name = spec["class"]
    if not isinstance(name, str) or name not in classes:
        raise FormatError(unknown_choice(what, name, classes))
    return classes[name].from_config(columns, spec["config"])


def _require_counts(spec: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Raises FormatError where the arrays cannot hold so many columns, networks and layers.

    A network is built by loops over these, on the meta device too.
    """
    times = [run["times"] for run in spec["columns"]]
    if not all(type(each) is int and each > 0 for each in times):
        raise FormatError("the description has columns whose 'times' is no whole number above zero")
    columns, held = sum(times), sum(array.size for array in arrays.values())
    networks, layers = _networks_and_layers(spec)
    if columns * networks > held:
        each = f" in each of {networks} networks" if networks > 1 else ""
        raise FormatError(f"the description has {columns} columns{each}, the arrays {held} numbers in all")
    if layers > len(arrays):
        raise FormatError(f"the description has {layers} hidden layers, the file {len(arrays)} arrays in all")


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


def _require_same(described: AbstractTrainable, columns: Columns, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises FormatError where arrays differ from a network's tensors in name, shape or dtype, or are not finite."""
    expected = described.state_dict()
    for name, tensor in expected.items():
        found, shape, dtype = arrays.get(name), tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
        if found is None or found.shape != shape:
            raise FormatError(f"array {name!r} is {_told(found)}; the description says {shape}")
        if found.dtype.name != dtype:
            raise FormatError(f"array {name!r} is {_told(found)}; the description says {dtype}")
    for name, array in arrays.items():
        if name not in expected:
            raise FormatError(f"array {name!r} is {_told(array)}; the description has none of this name")
        if not np.isfinite(array).all():
            raise FormatError(f"array {name!r} holds values that are not finite; the model is no density")
    if described.columns != columns:
        raise FormatError(f"the description's columns are none that a {type(described).__name__} of its arguments has")


def _told(array: np.ndarray | None) -> str:
    return "absent" if array is None else f"{array.dtype} of shape {array.shape}"
