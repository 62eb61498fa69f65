"""Rows that the ranks of a machine share: encoded once, in memory-mapped files with a digest each.

The first rank of each machine reads and encodes the table. The others map what it has written, so
that a machine holds one copy of the rows, and the system writes back what does not fit into memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

from chainrule.errors import ChainruleError
from chainrule.ranks import AbstractRanks, OtherRankError
from chainrule.scratch import ScratchFolder
from chainrule.table import Table
from chainrule.training.batches import Rows
from chainrule.training.calibration import HeldOut
from chainrule.training.data import TrainingData

CHUNK = 2**22  # numbers that are written at once
SETS = ("train", "valid")
NOTHING = np.arange(0)


@dataclass(frozen=True)
class Shard:
    """A file of numbers of one type.

    Attributes:
        name: the file's name.
        dtype: the type of the numbers.
        shape: the shape of the array.
        sha256: the hash of the file's bytes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str


def shared_by(
    ranks: AbstractRanks, read: Callable[[], TrainingData], generator: torch.Generator
) -> TrainingData:
    """The data that ``read`` makes, at every rank; only the first rank of a machine calls it.

    All ranks have all rows. What serves the record of the fit, such as the table of validation
    rows, only rank 0 has. The generator, from which ``read`` draws, is then that of rank 0.

    Raises:
        ChainruleError: machines have different rows; or ``read`` raised at another rank.
    """
    if ranks.size == 1:
        return read()
    machines = ranks.gathered(ranks.machine)
    leader = machines.index(machines[ranks.rank])
    data, folder, shards, failure = None, None, [], None
    if ranks.rank == leader:
        try:
            data, folder = read(), ScratchFolder()
            shards = written(data, folder.path)
        except Exception as error:
            failure = error
    reason = None if failure is None else str(failure) or type(failure).__name__
    told = ranks.gathered((reason, None if folder is None else str(folder.path), shards))
    if failure is not None:
        raise failure
    for number, (reason, place, shards) in enumerate(told):
        if reason is not None:
            raise OtherRankError(f"process {number} of {ranks.size}: {reason}")
        if place is not None and shards != told[0][2]:
            raise ChainruleError(
                f"the rows on {machines[number]} differ from those on {machines[0]}; give every "
                "machine the same table"
            )
    rows = mapped(Path(told[leader][1] or ""), told[0][2])
    common = ranks.told(None if data is None or not ranks.is_first else _without_rows(data))
    generator.set_state(ranks.told(generator.get_state()))
    ranks.gathered(None)  # all ranks have mapped the files, so their names can go
    if data is None or not ranks.is_first:
        assert common is not None
        data = common
    return replace(data, train=rows["train"], valid=rows["valid"], folder=None)


def written(data: TrainingData, folder: Path) -> list[Shard]:
    """Writes the rows into a folder, each tensor as a shard."""
    found = []
    for name in SETS:
        rows: Rows = getattr(data, name)
        for field in fields(rows):
            tensor = getattr(rows, field.name)
            if tensor is not None:
                found.append(_written(tensor, folder / f"{name}.{field.name}"))
    return found


def _written(tensor: torch.Tensor, path: Path) -> Shard:
    array, digest = tensor.numpy(), hashlib.sha256()
    with path.open("wb") as file:
        for chunk in _chunks(array):
            digest.update(chunk)
            file.write(chunk)
    return Shard(path.name, array.dtype.str, array.shape, digest.hexdigest())


def _chunks(array: np.ndarray) -> Iterator[memoryview]:
    """Yields the memory of an array, about ``CHUNK`` numbers at a time."""
    step = max(1, CHUNK // max(1, int(np.prod(array.shape[1:]))))
    for start in range(0, len(array), step):
        yield np.ascontiguousarray(array[start : start + step]).data


def mapped(folder: Path, shards: list[Shard]) -> dict[str, Rows]:
    """The rows of a folder by the name of their set, memory-mapped.

    Raises:
        ChainruleError: a file is not what was written.
    """
    found: dict[str, dict[str, torch.Tensor]] = {name: {} for name in SETS}
    for shard in shards:
        array = _mapped(folder / shard.name, shard)
        digest = hashlib.sha256()
        for chunk in _chunks(array):
            digest.update(chunk)
        if digest.hexdigest() != shard.sha256:
            raise ChainruleError(
                f"{folder / shard.name}: these rows are not those that were written; the disk for "
                "temporary files is full or broken"
            )
        name, field = shard.name.split(".")
        found[name][field] = torch.from_numpy(array)
    return {name: Rows(**tensors) for name, tensors in found.items()}


def _mapped(path: Path, shard: Shard) -> np.ndarray:
    if 0 in shard.shape:
        return np.zeros(shard.shape, shard.dtype)
    # Copied on write, since PyTorch warns of arrays that cannot be written.
    return np.memmap(path, dtype=shard.dtype, mode="c", shape=shard.shape)


def _without_rows(data: TrainingData) -> TrainingData:
    """The data without rows, and without what serves the record of a fit."""
    nothing = Rows(data.filled[:0])
    return replace(
        data,
        train=nothing,
        valid=nothing,
        valid_table=Table((), (), source=data.valid_table.source),
        calibration_rows=HeldOut(NOTHING, len(data.schema.columns)),
        groups=None,
        folder=None,
    )
