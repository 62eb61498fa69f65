"""The processes that train together, the ranks: what one tells, adds up and learns of the others.

This module alone knows ``torch.distributed``. One process has the same interface, and tells itself.
"""

from __future__ import annotations

import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from chainrule.errors import ChainruleError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
S = TypeVar("S")

# A rank waits so long for the others, as while the first one reads the table. A rank that has died
# is noticed at once.
WAIT = timedelta(hours=12)
FAILED = "chainrule/failed"  # the key under which a failing rank leaves its message
TOLD_WITHIN_S = 5.0  # a message arrives within this time after a connection breaks
_GROUPS = count()  # of the processes of a launcher, numbered alike in all of them


class OtherRankError(ChainruleError):
    """Another process of the group has failed; that process has printed the message, too."""


class AbstractRanks(ABC):
    """Processes that call the same functions in the same order.

    Attributes:
        rank: the number of this process, from 0.
        size: the number of processes.
    """

    rank: int
    size: int

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which decides, prints and saves."""
        return self.rank == 0

    @property
    def machine(self) -> str:
        """The name of this machine; ranks of one machine share its files."""
        return socket.gethostname()

    @abstractmethod
    def gathered(self, value: T) -> list[T]:
        """The values of all ranks, by rank, at every rank."""

    @abstractmethod
    def told(self, value: T, source: int = 0) -> T:
        """The value of rank ``source``, at every rank."""

    @abstractmethod
    def add(self, tensor: torch.Tensor) -> None:
        """Adds up the tensors of all ranks, in place; every rank gets the same bits."""

    @abstractmethod
    def spread(self, tensor: torch.Tensor, source: int = 0) -> None:
        """Overwrites the tensors of all ranks with that of rank ``source``."""

    @abstractmethod
    def teams(self, count: int) -> tuple[AbstractRanks, int]:
        """Divides the ranks into teams of equal size; returns this rank's, and its number.

        Ranks that are left over join the last team.
        """

    def of_first(self, work: Callable[[], T]) -> T:
        """The result of ``work`` at rank 0, at every rank.

        Raises:
            OtherRankError: the work has failed; rank 0 raises the error itself.
        """
        if self.size == 1:
            return work()
        result, failure, reason = None, None, ""
        if self.is_first:
            try:
                result = work()
            except Exception as error:
                failure, reason = error, str(error) or type(error).__name__
        told, reason = self.told((result, reason))
        if failure is not None:
            raise failure
        if reason:
            raise OtherRankError(f"process 0 of {self.size}: {reason}")
        return told  # pyright: ignore[reportReturnType]

    def each(self, items: Sequence[S], work: Callable[[S], T]) -> list[T]:
        """The results of ``work`` for all items; each rank does its share of them."""
        own = [work(item) for item in items[self.rank :: self.size]]
        found = self.gathered(own)
        return [found[k % self.size][k // self.size] for k in range(len(items))]


class Alone(AbstractRanks):
    """One process.

    >>> Alone().gathered(3), Alone().told(4), Alone().each([1, 2], lambda k: 2 * k)
    ([3], 4, [2, 4])
    """

    rank, size = 0, 1

    @override
    def gathered(self, value: T) -> list[T]:
        return [value]

    @override
    def told(self, value: T, source: int = 0) -> T:
        return value

    @override
    def add(self, tensor: torch.Tensor) -> None:
        pass

    @override
    def spread(self, tensor: torch.Tensor, source: int = 0) -> None:
        pass

    @override
    def teams(self, count: int) -> tuple[AbstractRanks, int]:
        return self, 0


ALONE = Alone()


class Together(AbstractRanks):
    """Some processes of ``torch.distributed``.

    Args:
        members: their numbers among all processes; this process is one of them.
        group: their group for objects and for tensors on the CPU, by gloo.
    """

    def __init__(self, members: Sequence[int], group: Any) -> None:
        import torch.distributed

        self._torch, self._members, self._group = torch.distributed, list(members), group
        self.rank, self.size = self._members.index(self._torch.get_rank()), len(members)

    @override
    def gathered(self, value: T) -> list[T]:
        found: list[Any] = [None] * self.size
        with self._of_others():
            self._torch.all_gather_object(found, value, group=self._group)
        return found

    @override
    def told(self, value: T, source: int = 0) -> T:
        found: list[Any] = [value]
        with self._of_others():
            self._torch.broadcast_object_list(found, self._members[source], group=self._group)
        return found[0]

    @override
    def add(self, tensor: torch.Tensor) -> None:
        with self._of_others(), self._served(tensor) as (served, group):
            self._torch.all_reduce(served, group=group)

    @override
    def spread(self, tensor: torch.Tensor, source: int = 0) -> None:
        with self._of_others(), self._served(tensor) as (served, group):
            self._torch.broadcast(served, self._members[source], group=group)

    @override
    def teams(self, count: int) -> tuple[AbstractRanks, int]:
        if count == 1:
            return self, 0
        each, own = self.size // count, min(self.rank // (self.size // count), count - 1)
        found: AbstractRanks = ALONE
        for number in range(count):
            end = self.size if number == count - 1 else (number + 1) * each
            members = self._members[number * each : end]
            with self._of_others():
                group = self._torch.new_group(members, timeout=WAIT, backend="gloo")
            if number == own:
                found = Together(members, group)
        return found, own

    def fail(self, error: BaseException) -> None:
        """Leaves a message for the other ranks, before this one leaves the group."""
        if isinstance(error, OtherRankError):
            return
        number, said = self._torch.get_rank(), str(error) or type(error).__name__
        if not hasattr(error, "__notes__"):
            error.add_note(f"process {number} of {self.size}")
        with suppress(Exception):
            _store().set(FAILED, f"process {number} of {self.size}: {said}")

    @contextmanager
    def _served(self, tensor: torch.Tensor) -> Iterator[tuple[torch.Tensor, Any]]:
        """The tensor and the group that serve it; gloo gets a copy of what is on a GPU."""
        if not tensor.is_cuda:
            yield tensor, self._group
            return
        every = len(self._members) == self._torch.get_world_size()
        if every and "nccl" in str(self._torch.get_backend()):
            yield tensor, None
            return
        copy = tensor.cpu()
        yield copy, self._group
        tensor.copy_(copy)

    @contextmanager
    def _of_others(self) -> Iterator[None]:
        """Turns the error of a broken connection into the message of the rank that failed."""
        try:
            yield
        except RuntimeError as error:
            raise OtherRankError(_message(self.size)) from error


def started() -> int:
    """How many processes a launcher such as ``torchrun`` has started, this one among them."""
    return _number("WORLD_SIZE", 1)


def is_first() -> bool:
    """Whether this is the first of the processes that a launcher has started."""
    return started() == 1 or _number("RANK", 0) == 0


def require_one(what: str) -> None:
    """Raises ChainruleError if a launcher has started several processes of this program."""
    if started() > 1:
        raise ChainruleError(
            f"WORLD_SIZE = {started()}: {what} works in one process; start it without torchrun, "
            "or unset WORLD_SIZE"
        )


@contextmanager
def joined() -> Iterator[AbstractRanks]:
    """The ranks that the process group, or else the launcher's environment, gives this process.

    A group that exists is used and left as it is. Otherwise the processes that a launcher started
    make one, and leave it at the end. If one of them raises, the others raise its message.

    Raises:
        ChainruleError: the environment names other processes, and not where they meet.
    """
    import torch.distributed as distributed

    exists = distributed.is_available() and distributed.is_initialized()
    if (distributed.get_world_size() if exists else started()) == 1:
        yield ALONE
        return
    if not exists:
        _make_group()
    everyone = range(distributed.get_world_size())
    group = distributed.new_group(everyone, timeout=WAIT, backend="gloo")
    ranks = Together(everyone, group)
    try:
        yield ranks
    except BaseException as error:
        ranks.fail(error)
        raise
    finally:
        if not exists:
            distributed.destroy_process_group()


def _make_group() -> None:
    import torch
    import torch.distributed as distributed
    from torch.distributed.distributed_c10d import PrefixStore

    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing or not distributed.is_available():
        lacks = f"{' and '.join(missing)} not" if missing else "this PyTorch has no distributed"
        raise ChainruleError(
            f"WORLD_SIZE = {started()}, but {lacks} set: start the processes by torchrun, or unset "
            "WORLD_SIZE"
        )
    backend = "gloo"
    if torch.cuda.is_available() and distributed.is_nccl_available():
        torch.cuda.set_device(_number("LOCAL_RANK", 0) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    # Each group has keys of its own, so that a program can fit again.
    store = PrefixStore(f"chainrule {next(_GROUPS)}", _meeting())
    distributed.init_process_group(
        backend, store=store, rank=_number("RANK", 0), world_size=started()
    )


@cache
def _meeting() -> Any:
    """The table of keys and values that the launcher's environment names; made once."""
    from torch.distributed.rendezvous import rendezvous

    store, _, _ = next(rendezvous("env://"))
    return store


def _message(size: int) -> str:
    """What the rank that failed has left as its message, if it could."""
    end = time.monotonic() + TOLD_WITHIN_S
    while time.monotonic() < end:
        with suppress(Exception):
            if _store().check([FAILED]):
                return _store().get(FAILED).decode()
        time.sleep(0.05)
    return f"another of the {size} processes has ended without a message"


def _store() -> Any:
    """The table of keys and values in which the processes met."""
    from torch.distributed import distributed_c10d

    return distributed_c10d._get_default_store()


def _number(name: str, usual: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else usual
