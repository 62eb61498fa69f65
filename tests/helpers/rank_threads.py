"""Ranks that are threads of one process, which start in no time."""

import threading
from concurrent.futures import ThreadPoolExecutor

from chainrule.ranks import AbstractRanks


class RankThread(AbstractRanks):
    """One of the threads of ``run_ranks``; counts the tensors that it has added up."""

    machine = "here"

    def __init__(self, rank, size, meeting, slots):
        self.rank, self.size, self._meeting, self._slots = rank, size, meeting, slots
        self.added = 0

    def gathered(self, value):
        self._slots[self.rank] = value
        self._meeting.wait()
        found = list(self._slots)
        self._meeting.wait()
        return found

    def told(self, value, source=0):
        return self.gathered(value)[source]

    def add(self, tensor):
        self.added += 1
        tensor.copy_(sum(self.gathered(tensor.clone())))

    def spread(self, tensor, source=0):
        tensor.copy_(self.gathered(tensor.clone())[source])

    def teams(self, count):
        assert count == 1
        return self, 0


def run_ranks(size, work):
    """The results of ``work(ranks)`` in each of ``size`` threads, by rank.

    If threads fail, raises the error of the first one that failed by itself.
    """
    meeting, slots = threading.Barrier(size, timeout=300), [None] * size

    def ended(rank):
        try:
            return work(RankThread(rank, size, meeting, slots)), None
        except BaseException as error:
            meeting.abort()
            return None, error

    with ThreadPoolExecutor(size) as pool:
        found = list(pool.map(ended, range(size)))
    errors = [error for _, error in found if error is not None]
    errors.sort(key=lambda error: isinstance(error, threading.BrokenBarrierError))
    if errors:
        raise errors[0]
    return [result for result, _ in found]
