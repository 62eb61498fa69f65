"""Gradients that cannot be differentiated again, and say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from chainrule.errors import BackendError


def once(gradients: Callable[..., Any], *tensors: torch.Tensor) -> Any:
    """``gradients(*tensors)``, a tuple of tensors; differentiating any of them by these tensors raises BackendError.

    >>> w = torch.ones(2, requires_grad=True)
    >>> (doubled,) = once(lambda t: (2 * t,), w)
    >>> doubled.sum().backward()
    Traceback (most recent call last):
        ...
    chainrule.errors.BackendError: NADE's kernels have first derivatives only; for second ones pass backend="reference" ...
    """
    return _Once.apply(gradients, *tensors)


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradients: Callable[..., Any], *tensors: torch.Tensor) -> Any:
        return gradients(*tensors)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        raise BackendError(
            'NADE\'s kernels have first derivatives only; for second ones pass backend="reference" to the network, or set '
            "CHAINRULE_BACKEND=reference: plain autograd over a loop, slow and with N·D·H numbers of memory"
        )
