"""Threads for compiled kernels: torch's OpenMP workers if possible, otherwise a small pool.

A kernel is machine code that takes tasks until none is left (``kernels.py``). Several threads
call it at once. They run no Python, so they do not wait for the interpreter's lock.

torch's idle OpenMP workers spin for milliseconds after each operation. A second pool would compete
with them: on two cores, a training step then took 1.5 times as long. So the runtime's
``GOMP_parallel`` gives the kernel to the same workers. torch for Linux has this runtime. The pool
serves other builds, and forked children, which have lost the workers. On two cores, a training step
by a single thread took 1.3 times as long as with the pool.

numba's compiled parallel loops cannot do this. Its OpenMP layer kills a forked child, and its own
layer aborts if two threads call at once. Here any number of threads may call. The caller works too,
and waits only for threads that have begun. A pool that serves another caller costs time, nothing
else.
"""

from __future__ import annotations

import ctypes
import os
import threading
from array import array
from collections.abc import Callable
from queue import SimpleQueue

import torch

KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Job:
    """A kernel and its words, for threads that join before the last task is finished."""

    def __init__(self, kernel: Callable[[int], None], words: array[int], arguments: object) -> None:
        self.kernel, self.words, self.arguments = kernel, words, arguments
        self.working, self.closed = 0, False
        self.changed = threading.Condition()

    def work(self) -> None:
        """Takes part, unless the job is closed; its words may then be gone."""
        with self.changed:
            if self.closed:
                return
            self.working += 1
        self.kernel(self.words.buffer_info()[0])
        with self.changed:
            self.working -= 1
            self.changed.notify()

    def finish(self) -> None:
        """Returns when no thread works any more; after an interrupt, threads keep the memory."""
        with self.changed:
            self.closed = True
            while self.working:
                self.changed.wait()
            self.arguments = None  # a job in the queue must not hold memory


def _openmp_runtime() -> Callable[..., None] | None:
    """``GOMP_parallel(function, data, threads, flags)`` of torch's runtime, or None."""
    try:
        function = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):  # another runtime, or no global name space
        return None
    function.argtypes, function.restype = (
        [KERNEL, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint],
        None,
    )
    return function


_openmp = _openmp_runtime()
_jobs: SimpleQueue[_Job] = SimpleQueue()
_threads: list[threading.Thread] = []
_growing = threading.Lock()


def wanted(tasks: int) -> int:
    """The number of threads for so many tasks, at most ``torch.get_num_threads()``."""
    return max(1, min(torch.get_num_threads(), tasks))


def run(
    kernel: Callable[[int], None], words: array[int], threads: int, arguments: object = None
) -> None:
    """Calls ``kernel(words)`` in up to ``threads`` threads, including this one, and waits for all.

    Args:
        kernel: a KERNEL, which several threads may call at once.
        words: the kernel gets the address of this array.
        threads: the result of ``wanted``.
        arguments: owns the memory that the words point to. It is held while any thread may use it,
            even after an interrupt.
    """
    address, _ = words.buffer_info()
    if threads < 2:
        kernel(address)
    elif _openmp is not None:
        _openmp(kernel, address, threads, 0)
    else:
        _grow(threads - 1)
        job = _Job(kernel, words, arguments)
        try:
            for _ in range(threads - 1):
                _jobs.put(job)
            kernel(address)
        finally:
            job.finish()


def _grow(size: int) -> None:
    with _growing:
        while len(_threads) < size:
            thread = threading.Thread(
                target=_serve, args=(_jobs,), name="chainrule kernels", daemon=True
            )
            thread.start()
            _threads.append(thread)


def _serve(jobs: SimpleQueue[_Job]) -> None:
    while True:
        jobs.get().work()


def _reset_in_child() -> None:
    """Resets the pool and its lock in a forked child, and gives torch one thread.

    The child has one thread. With more, torch would wait forever for the parent's threads.
    """
    global _openmp, _jobs, _threads, _growing
    _openmp, _jobs, _threads, _growing = None, SimpleQueue(), [], threading.Lock()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
