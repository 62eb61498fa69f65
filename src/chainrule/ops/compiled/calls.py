"""Calls of kernels: memory as they read it, buffers, results, and compilation on first use."""

from __future__ import annotations

import logging
import math
import os
import struct
import sys
import threading
import time
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from chainrule.errors import ShapeError
from chainrule.ops.compiled import threads

KEPT_BYTES = 2**25  # buffers up to this size are kept for the next call
SILENT_S = 1.0  # seconds of compilation after which it is announced

log = logging.getLogger("chainrule")


def array_of(tensor: torch.Tensor) -> np.ndarray:
    """The tensor as a contiguous float32 array, without a copy if possible."""
    return ready(tensor).detach().numpy()


def ready(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as kernels read it: contiguous, aligned float32 in main memory."""
    if tensor.device.type != "cpu":  # kernels read memory by address
        raise ShapeError(
            f"a tensor is on the device {tensor.device}, the weights are on the CPU; move it there"
        )
    tensor = tensor.resolve_neg()
    if tensor.dtype is not torch.float32 or not tensor.is_contiguous():
        tensor = tensor.to(torch.float32).contiguous()
    return tensor.clone() if tensor.data_ptr() % 4 else tensor


def run(
    kernel: Callable[[], Any], tasks: int, seats: int, *arguments: torch.Tensor | np.ndarray | float
) -> None:
    """Runs a kernel's tasks in ``seats`` threads; ``kernels.py`` describes the words."""
    words: list[int] = [0, 0, tasks]
    for argument in arguments:
        if isinstance(argument, np.ndarray):  # tensors without PyTorch are arrays, too
            words += argument.ctypes.data, *argument.shape
        elif isinstance(argument, torch.Tensor):
            words += argument.data_ptr(), *argument.shape
        elif isinstance(argument, float):
            words += struct.unpack("q", struct.pack("d", argument))
        else:
            words.append(int(argument))
    threads.run(_compiled(kernel), array("q", words), seats, arguments)


REUSED_BYTES = 2**18, 2**23  # smaller arrays stay in the heap, larger ones would keep much memory
_free: deque[np.ndarray] = deque(maxlen=8)  # memory of results that are gone, the oldest first


def empty(*shape: int) -> np.ndarray:
    """An array for results, which a kernel writes in full; tests fill it with NaN first.

    The memory of a large one serves again once its last view is gone. The system would take such
    memory back after each step and clear it for the next: a tenth of the time of a step.
    """
    size = 4 * math.prod(shape)
    if not REUSED_BYTES[0] <= size <= REUSED_BYTES[1]:
        return np.empty(shape, np.float32)
    memory = _taken(size)
    array = np.frombuffer(memory.data, np.float32)  # every view of it keeps it alive
    weakref.finalize(array, _free.append, memory).atexit = False
    return array.reshape(shape)


def _taken(size: int) -> np.ndarray:
    """Memory of so many bytes: free one, or new."""
    for _ in range(len(_free)):
        try:
            memory = _free.popleft()
        except IndexError:  # another thread took the last
            break
        if memory.nbytes == size:
            return memory
        _free.append(memory)
    return np.empty(size, np.uint8)


class Scratch:
    """Named buffers, aligned to cache lines; a buffer still holds what the last call wrote."""

    def __init__(self) -> None:
        self.kept: dict[str, np.ndarray] = {}
        self.shaped: dict[str, torch.Tensor] = {}  # the same memory in the shape of the last call

    def __call__(self, name: str, *shape: int, dtype: type = np.float32) -> torch.Tensor:
        """The buffer of this name in this shape."""
        last = self.shaped.get(name)
        if last is not None and last.shape == shape:  # a name has one dtype
            return last
        size = math.prod(shape) * np.dtype(dtype).itemsize
        flat = self.kept.get(name)
        if flat is None or len(flat) < size:
            raw = np.empty(size + 64, np.uint8)
            start = -raw.ctypes.data % 64
            flat = raw[start : start + size]
        view = torch.from_numpy(flat[:size].view(dtype).reshape(shape))
        if flat.nbytes <= KEPT_BYTES:
            self.kept[name], self.shaped[name] = flat, view
        return view


_scratch: list[Scratch] = []  # buffers not in use; pop and append are atomic


@contextmanager
def borrowed() -> Iterator[Scratch]:
    """Buffers that no other call uses."""
    try:
        scratch = _scratch.pop()
    except IndexError:
        scratch = Scratch()
    yield scratch
    _scratch.append(scratch)


_compiling = threading.Lock()


def _renew_lock() -> None:
    """Replaces the lock in a forked child; a thread of the parent may hold the old one forever."""
    global _compiling
    _compiling = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@lru_cache(maxsize=16)
def _compiled(kernel: Callable[[], Any]) -> Any:
    """The kernel's machine code; the first call on a machine compiles it and announces that."""
    with _compiling:
        began = time.perf_counter()
        notice = threading.Timer(SILENT_S, _announce)
        notice.start()
        try:
            code = kernel()
        finally:
            notice.cancel()
        log.info("CPU kernel %r ready after %.1f s", kernel.__name__, time.perf_counter() - began)
    return threads.KERNEL(code.address)


def _announce() -> None:
    log.info("compiling CPU kernels, once on this machine")
    if sys.stderr.isatty():
        print("chainrule: compiling CPU kernels, once on this machine …", file=sys.stderr)
