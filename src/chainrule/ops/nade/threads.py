"""Threads for kernels that release the interpreter lock: torch's own if they can be had, otherwise a small pool.

torch's idle OpenMP workers spin for milliseconds after each of its operations, so that a second pool fights them for
the cores: on two cores a step with a torch loss in it took half as long again. So the tasks are handed to the same
workers, by the runtime's ``GOMP_parallel``, where this process has one. Not in a forked child, whose workers are gone:
there, and where the runtime is another, a pool of our own does the work, made anew after a fork.

numba's compiled parallel loops were the other choice; its OpenMP layer kills a forked child, and its own layer aborts
when two threads call at once. Here any number may call: the caller works too and waits only for tasks that have begun,
so that a pool that is busy with another caller costs time and nothing else.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

import torch


class _Job:
    """Some tasks by number, done by whoever takes part."""

    def __init__(self, task: Callable[[int], None], count: int) -> None:
        self.task, self.count = task, count
        self.taken = self.done = 0
        self.error: BaseException | None = None
        self.lock, self.finished = threading.Lock(), threading.Event()

    def work(self) -> None:
        """Takes tasks until none is left."""
        while True:
            number = self.count
            try:
                with self.lock:
                    number = self.taken
                    self.taken += 1
                if number < self.count:
                    self.task(number)
            except BaseException as error:
                self.error = error
            if number >= self.count:
                return
            with self.lock:
                self.done += 1
                if self.done == self.count:
                    self.finished.set()


_CALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def _openmp_runtime() -> Callable[..., None] | None:
    """``GOMP_parallel(function, data, threads, flags)`` of the runtime that torch has loaded, or None."""
    try:
        function = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):  # another runtime, or a system without a global name space
        return None
    function.argtypes, function.restype = [_CALL, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
    return function


_openmp = _openmp_runtime()
_openmp_jobs: dict[int, _Job] = {}
_take_part = _CALL(lambda number: _openmp_jobs[number].work())
_jobs: SimpleQueue[_Job] = SimpleQueue()
_threads: list[threading.Thread] = []
_growing = threading.Lock()


def run(task: Callable[[int], None], count: int) -> None:
    """Calls ``task(0)`` … ``task(count − 1)``, each once, on as many threads as ``torch.get_num_threads()`` says.

    Returns when all are done. An exception in a task is raised here, after the others have run.

    >>> seen = []
    >>> run(seen.append, 3)
    >>> sorted(seen)
    [0, 1, 2]
    """
    helpers = min(torch.get_num_threads(), count) - 1
    if helpers < 1:
        for number in range(count):
            task(number)
        return
    job = _Job(task, count)
    if _openmp is not None:
        _openmp_jobs[id(job)] = job
        try:
            _openmp(_take_part, id(job), helpers + 1, 0)
        finally:
            del _openmp_jobs[id(job)]
    else:
        _grow(helpers)
        for _ in range(helpers):
            _jobs.put(job)
        job.work()
        job.finished.wait()
    if job.error is not None:
        raise job.error
    if job.done < job.count:
        raise KeyboardInterrupt  # which fell between two lines of a callback, where it cannot be raised


def _grow(size: int) -> None:
    with _growing:
        while len(_threads) < size:
            thread = threading.Thread(target=_serve, args=(_jobs,), name="chainrule kernels", daemon=True)
            thread.start()
            _threads.append(thread)


def _serve(jobs: SimpleQueue[_Job]) -> None:
    while True:
        jobs.get().work()


def _forget() -> None:
    """In a forked child there are no threads but the caller's: begin anew, with locks that nobody holds."""
    global _openmp, _jobs, _threads, _growing
    _openmp, _jobs, _threads, _growing = None, SimpleQueue(), [], threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
