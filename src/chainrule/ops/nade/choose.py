"""Chooses the implementation of NADE's arithmetic by backend, device and dtype.

``backend`` or the environment variable CHAINRULE_BACKEND names one of BACKENDS. Without either, the
kernels of the device serve float32 weights, and ``eager`` serves all others. If an implementation
cannot serve the weights, ``eager`` does, and the reason is logged once, under "chainrule".
"""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from importlib import import_module
from types import ModuleType

import torch

from chainrule.errors import BackendError, unknown_choice

MODULES = {"reference": "reference", "eager": "eager", "cpu": "cpu", "triton": "triton_gpu"}
BACKENDS = tuple(MODULES)
VARIABLE = "CHAINRULE_BACKEND"

log = logging.getLogger("chainrule")


def check_backend(backend: str | None) -> str | None:
    """Returns the name, or raises BackendError if it is none of BACKENDS."""
    if backend is not None and backend not in BACKENDS:
        raise BackendError(unknown_choice("backend", backend, BACKENDS))
    return backend


def chosen(W: torch.Tensor, backend: str | None = None) -> str:
    """The name of the implementation that serves these weights (I, H)."""
    asked = check_backend(backend)
    if asked is None and (variable := os.environ.get(VARIABLE)):
        if variable not in BACKENDS:
            raise BackendError(
                f"environment variable {VARIABLE}: {unknown_choice('backend', variable, BACKENDS)}"
            )
        asked = variable
    name = asked or (
        "triton" if W.device.type == "cuda" else "cpu" if W.device.type == "cpu" else "eager"
    )
    if name in ("reference", "eager"):
        return name
    reason = _unfit(name, W.device.type, W.dtype, W.shape[1])
    if reason is None:
        return name
    _log_once(f"NADE runs on backend 'eager', not {name!r}: {reason}", asked is not None)
    return "eager"


@lru_cache(maxsize=4)
def implementation(name: str) -> ModuleType:
    """The module of this name, imported on first use, since kernels import their compiler."""
    return import_module(f"{__package__}.{MODULES[name]}")


@lru_cache(maxsize=256)
def _unfit(name: str, device: str, dtype: torch.dtype, hidden: int) -> str | None:
    """The reason why an implementation cannot serve such weights, or None."""
    if name == "cpu":
        if device != "cpu":
            return f"the weights are on a {device} device"
        if dtype != torch.float32:
            return (
                f"its kernels are for float32, the weights are {str(dtype).removeprefix('torch.')}"
            )
    elif device != "cuda":
        return f"the weights are on a {device} device"
    try:
        module = implementation(name)
    except (ImportError, OSError) as error:  # absent, disabled, or without its library
        return f"its compiler cannot be used: {error}"
    return None if name == "cpu" else module.available() or module.unsupported(hidden, dtype)


@lru_cache(maxsize=256)
def _log_once(message: str, asked: bool) -> None:
    # An explicit choice that is not followed deserves a warning; a default that depends on the
    # dtype does not.
    log.log(logging.WARNING if asked else logging.INFO, message)
