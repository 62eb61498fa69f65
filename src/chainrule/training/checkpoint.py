"""Checkpoints: the state of training as arrays and JSON, written atomically and never pickled."""

from __future__ import annotations

import hashlib
import math
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from chainrule import fileformat
from chainrule.atomic import HAS_LOCKS, is_at, place_of, replacing
from chainrule.claims import Claim
from chainrule.errors import FormatError, ShapeError, printable
from chainrule.networks import AbstractTrainable
from chainrule.networks.rebuild import member_to_json, require_arrays
from chainrule.training.batches import Rows
from chainrule.training.plan import Plan
from chainrule.training.state import State
from chainrule.version import version

CHUNK_ROWS = 100_000


def fingerprint(train_rows: Rows, valid_rows: Rows, description: str) -> str:
    """A hash of rows and description; a checkpoint resumes only a run with the same hash."""
    digest = hashlib.sha256(description.encode())
    for rows in (train_rows, valid_rows):
        for tensor in (rows.x, rows.observed, rows.weight):
            if tensor is not None:
                digest.update(f"{tuple(tensor.shape)}{tensor.dtype}".encode())
                for chunk in tensor.split(CHUNK_ROWS):
                    digest.update(chunk.contiguous().numpy().tobytes())
    return digest.hexdigest()


class Checkpoint:
    """The file to which a run writes its state; it can be passed as a path.

    Where the system has no locks, several runs may write there. Each writes whole files, and the
    last file stays. No run removes what another program wrote.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        place_of(path)  # raises before work starts
        self.path = Path(path)
        self._claim: Claim | None = None
        self._held: int | None = None  # descriptor of the file that this run wrote
        self._warned: set[str] = set()

    def __fspath__(self) -> str:
        return str(self.path)

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def claim(self) -> None:
        """Keeps other runs from writing there, until this is closed.

        Raises:
            ChainruleError: another run writes there now.
        """
        if self._claim is None:
            self._claim = Claim(self.path)

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.path.exists()

    def save(self, state: State, plan: Plan, *, seed: int, run: str) -> None:
        """Writes the state. If that fails, it warns once for each reason, and training goes on."""
        try:
            contents = contents_of(state, plan, seed=seed, run=run)
            with replacing(self.path) as file:
                file.write(fileformat.dump(contents))
                if HAS_LOCKS:
                    self._hold(os.dup(file.fileno()))
        except (OSError, MemoryError) as error:
            reason = str(error) or "no memory is free"
            if isinstance(error, OSError) and error.strerror:
                reason = error.strerror
            if reason not in self._warned:
                self._warned.add(reason)
                warnings.warn(
                    f"{printable(str(self.path))}: the state of training could not be written: "
                    f"{printable(reason)}; training goes on without",
                    stacklevel=2,
                )

    def restore(self, state: State, plan: Plan, *, run: str) -> None:
        """Sets the state to that of the file; the file then belongs to this run.

        Raises:
            FormatError: the file is damaged, or belongs to other data or another configuration.
        """
        restore_checkpoint(self.path, state, plan, run=run)
        if HAS_LOCKS:
            with suppress(OSError):
                self._hold(os.open(self.path, os.O_RDONLY))

    def remove(self) -> None:
        """Removes the file, unless another run has written it since, if the system can tell."""
        if self._is_own() or not HAS_LOCKS:
            with suppress(OSError):
                self.path.unlink()
        self.close()

    def close(self) -> None:
        """Lets other runs write there; the file stays."""
        self._hold(None)
        if self._claim is not None:
            self._claim.release()
        self._claim = None

    def _hold(self, number: int | None) -> None:
        if self._held is not None:
            os.close(self._held)
        self._held = number

    def _is_own(self) -> bool:
        return self._held is not None and is_at(self._held, self.path)


def contents_of(state: State, plan: Plan, *, seed: int, run: str) -> fileformat.Contents:
    """The state as the contents of a file."""
    arrays: dict[str, torch.Tensor] = {"generator": state.generator.get_state()}
    arrays |= {f"network/{name}": tensor for name, tensor in state.network.state_dict().items()}
    arrays |= {f"best/{name}": tensor for name, tensor in state.best.items()}
    for number, slots in state.optimizer.state_dict()["state"].items():
        arrays |= {
            f"optimizer/{number}/{slot}": torch.as_tensor(value) for slot, value in slots.items()
        }
    content = {
        "run": run,
        "seed": seed,
        "config": plan.to_json(),
        "network": member_to_json(state.network),
        "best_nats": state.best_nats if math.isfinite(state.best_nats) else None,
        "epoch": state.epoch,
        "since_best": state.since_best,
        "rate_scale": state.rate_scale,
        "skipped": state.skipped,
        "bad_in_a_row": state.bad_in_a_row,
        "history": state.history,
        "trials": state.trials,
        "seconds": state.seconds,
    }
    as_numpy = {name: tensor.detach().cpu().numpy() for name, tensor in arrays.items()}
    return fileformat.Contents("checkpoint", content, as_numpy, version())


def seed_of_checkpoint(path: str | os.PathLike[str]) -> int:
    """The seed of the run that wrote the checkpoint."""
    seed = fileformat.read(path, kind="checkpoint").content.get("seed")
    if not isinstance(seed, int):
        raise FormatError(f"{Path(path)}: this checkpoint names no seed")
    return seed


def plan_of_checkpoint(path: str | os.PathLike[str]) -> Plan:
    """The plan of the run that wrote the checkpoint, with the results of its search."""
    try:
        return Plan.from_json(fileformat.read(path, kind="checkpoint").content["config"])
    except (KeyError, TypeError, ShapeError) as error:
        raise FormatError(f"{Path(path)}: this checkpoint has no configuration: {error}") from error


def require_sizes(
    path: str | os.PathLike[str], build: Callable[[], AbstractTrainable], plan: Plan
) -> None:
    """Raises FormatError if the arrays of the file are not those of the network of its plan.

    The check precedes the building of the network, which a wrong plan could make huge.

    Args:
        path: the checkpoint of a committee.
        build: builds the network; called on the meta device, which has no memory.
        plan: the plan of the run, with the results of a search, which stand in the file.
    """
    arrays = _under("network/", fileformat.read(path, kind="checkpoint").arrays)
    try:
        if plan.members > len(arrays):  # many members take time, on the meta device too
            raise FormatError(
                f"it has {len(arrays)} arrays, the configuration says {plan.members} members"
            )
        with torch.device("meta"):
            described = build()
        require_arrays(described, arrays, by="configuration")
    except FormatError as error:
        raise FormatError(
            f"{Path(path)}: {error}; repeat that run's arguments, or delete the file"
        ) from error


def restore_checkpoint(path: str | os.PathLike[str], state: State, plan: Plan, *, run: str) -> None:
    """Sets the state to that of the file.

    Raises:
        FormatError: the file is damaged, or belongs to other data or another configuration.
    """
    stored = fileformat.read(path, kind="checkpoint")
    content = stored.content
    if content.get("run") != run or content.get("config") != plan.to_json():
        found = content.get("config")
        changed = [
            k for k, v in plan.to_json().items() if not isinstance(found, dict) or found.get(k) != v
        ]
        what = "on other data, another network, with another seed or effort"
        if changed:
            what = f"with another {', '.join(changed)}"
        raise FormatError(
            f"{Path(path)}: this checkpoint was trained {what}; repeat that run's arguments, or "
            "delete the file"
        )
    if content.get("network") != member_to_json(state.network):
        raise FormatError(
            f"{Path(path)}: this checkpoint's network differs from this run's, in the order of its "
            "columns or in its sizes; delete the file to start over"
        )
    try:
        set_state(state, stored)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise FormatError(f"{Path(path)}: not a checkpoint of this run: {error}") from error


def set_state(state: State, stored: fileformat.Contents) -> None:
    """Sets the state to that of the contents of a file; any error means that they do not fit."""
    content = stored.content
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in stored.arrays.items()}
    state.network.load_state_dict(_under("network/", tensors))
    state.best = _under("best/", tensors)
    slots: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in _under("optimizer/", tensors).items():
        number, slot = name.split("/", 1)
        slots.setdefault(int(number), {})[slot] = tensor
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": slots})
    state.generator.set_state(tensors["generator"])
    state.best_nats = math.inf if content["best_nats"] is None else content["best_nats"]
    state.epoch, state.since_best = content["epoch"], content["since_best"]
    state.rate_scale, state.skipped = content["rate_scale"], content["skipped"]
    state.bad_in_a_row = content["bad_in_a_row"]
    state.history, state.seconds = list(content["history"]), float(content["seconds"])
    state.trials = list(content["trials"])


def _under(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
