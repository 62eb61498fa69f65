"""PyTorch's AdamW without PyTorch's compiler.

The first optimizer of a process imports the compiler, which takes as long as a small fit. It is
imported by decorators of the optimizer's methods; here the methods below them are called.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from typing_extensions import override


class AdamW(torch.optim.AdamW):
    """``torch.optim.AdamW``, with the same results; nothing of it can be compiled.

    Args:
        params: as for ``torch.optim.AdamW``.
        steps: pairs of a parameter and a tensor that broadcasts to it. The parameter's steps are
            multiplied by the tensor. Powers of two round nothing.
        decays: pairs of a parameter and a tensor that broadcasts to it, the weight decay of each
            number. Its group has no weight decay then.
        options: as for ``torch.optim.AdamW``.
    """

    def __init__(
        self,
        params: Any,
        *,
        steps: Sequence[tuple[torch.Tensor, torch.Tensor]] = (),
        decays: Sequence[tuple[torch.Tensor, torch.Tensor]] = (),
        **options: Any,
    ) -> None:
        super().__init__(params, **options)
        self._steps, self._decays = tuple(steps), tuple(decays)

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
        for parameter, decay in self._decays:
            parameter.mul_(1 - self._rate_of(parameter) * decay)
        for parameter, factor in self._steps:
            parameter.div_(factor)
        found = inspect.unwrap(torch.optim.AdamW.step)(self, closure)
        for parameter, factor in self._steps:
            parameter.mul_(factor)
        return found

    def _rate_of(self, parameter: torch.Tensor) -> float:
        """The learning rate of a parameter's group."""
        return next(
            group["lr"]
            for group in self.param_groups
            if any(parameter is each for each in group["params"])
        )
