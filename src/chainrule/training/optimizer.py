"""PyTorch's AdamW without PyTorch's compiler.

The first optimizer of a process imports the compiler, which takes as long as a small fit. It is
imported by decorators of the optimizer's methods; here the methods below them are called.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from typing_extensions import override


class AdamW(torch.optim.AdamW):
    """``torch.optim.AdamW``, with the same results; nothing of it can be compiled."""

    @override
    def add_param_group(self, param_group: dict[str, Any]) -> None:
        inspect.unwrap(torch.optim.Optimizer.add_param_group)(self, param_group)

    @override
    def state_dict(self) -> dict[str, Any]:
        return inspect.unwrap(torch.optim.Optimizer.state_dict)(self)

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        inspect.unwrap(torch.optim.Optimizer.load_state_dict)(self, state_dict)

    @torch.no_grad()
    @override
    def step(self, closure: Any = None) -> Any:
        return inspect.unwrap(torch.optim.AdamW.step)(self, closure)
