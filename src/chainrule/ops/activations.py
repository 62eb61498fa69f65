"""The activations of hidden units, by their names in networks, configurations and files."""

from __future__ import annotations

from collections.abc import Callable

import torch

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
}
IN_PLACE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "sigmoid": torch.Tensor.sigmoid_,
    "relu": torch.Tensor.relu_,
}
