"""A caller of threads waits for those that have begun, and others touch nothing."""

import threading
from array import array

import pytest

from chainrule.ops.compiled import threads


def test_a_thread_that_comes_too_late_touches_nothing():
    """Once the caller has gone on, the words of its kernel may be gone too."""
    called, words, memory = [], array("q", [0]), [1.0]
    job = threads._Job(called.append, words, memory)
    job.work()
    assert job.arguments is memory
    job.finish()
    job.work()
    assert called == [words.buffer_info()[0]]
    assert job.arguments is None  # a job that waits in the queue holds no memory


def test_an_interrupted_caller_leaves_the_memory_to_who_still_works():
    job = threads._Job(lambda address: None, array("q", [0]), "memory")
    job.working = 1
    job.changed.wait = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        job.finish()
    assert job.arguments == "memory"
    assert job.closed


def test_the_caller_waits_for_who_has_begun(monkeypatch):
    """The caller waits for a thread that is still inside the kernel."""
    monkeypatch.setattr(threads, "_openmp", None)
    inside, leave, left = threading.Event(), threading.Event(), []

    def kernel(address):
        if threading.current_thread() is caller:
            assert inside.wait(600)
        else:
            inside.set()
            leave.wait(600)
            left.append(address)

    caller = threading.Thread(target=lambda: threads.run(kernel, array("q", [0]), 2))
    caller.start()
    assert inside.wait(600)
    caller.join(0.2)
    assert caller.is_alive()
    leave.set()
    caller.join(600)
    assert len(left) == 1
