"""Whether the kernels serve some tensors; without them, networks use the plain form."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from types import ModuleType

import torch

HAS_PYTORCH = torch.__name__ == "torch"
# About 10,000 rows of a table. To import the compiler takes as long as their formulas.
ROWS_BEFORE = 50_000
_rows_before = 0  # of calls without PyTorch

log = logging.getLogger("chainrule")


def serves(tensor: torch.Tensor) -> bool:
    """Whether the kernels serve tensors of this device and dtype; no code that PyTorch compiles."""
    is_float32 = tensor.device.type == "cpu" and tensor.dtype == torch.float32
    return is_float32 and not torch.compiler.is_compiling() and is_compiled()


def serves_float64(tensor: torch.Tensor) -> bool:
    """Whether the kernels of float64 serve such a tensor. None of them has gradients.

    Without PyTorch they join after many calls' rows: a small table is answered before their
    compiler has been imported.
    """
    is_float64 = tensor.device.type == "cpu" and tensor.dtype == torch.float64
    needs_slopes = torch.is_grad_enabled() and tensor.requires_grad
    if not is_float64 or needs_slopes or torch.compiler.is_compiling():
        return False
    return (HAS_PYTORCH or _joined_by(len(tensor))) and is_float64_compiled()


def _joined_by(rows: int) -> bool:
    """Counts rows of calls without the kernels, and returns whether there were enough."""
    global _rows_before
    _rows_before += rows
    return _rows_before > ROWS_BEFORE


@lru_cache(maxsize=1)
def is_compiled() -> bool:
    """Whether the kernels can be imported; their compiler may be absent or disabled."""
    return _is_there(implementation)


@lru_cache(maxsize=1)
def is_float64_compiled() -> bool:
    """Whether the kernels of float64 can be imported."""
    return _is_there(of_float64)


def _is_there(module: Callable[[], ModuleType]) -> bool:
    try:
        module()
    except (ImportError, OSError) as error:
        log.info("likelihoods of columns are computed one kind at a time: %s", error)
        return False
    return True


@lru_cache(maxsize=1)
def implementation() -> ModuleType:
    """The module of the kernels, imported on first use, since they import their compiler."""
    return import_module(f"{__package__}.cpu")


@lru_cache(maxsize=1)
def of_float64() -> ModuleType:
    """The module of the kernels in float64."""
    return import_module(f"{__package__}.float64")


@lru_cache(maxsize=1)
def of_ties() -> ModuleType:
    """The module of the kernels for tied columns, which tables without ties never need."""
    return import_module(f"{__package__}.ties")
