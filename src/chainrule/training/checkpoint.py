"""A training state as a file and back: arrays and JSON, written atomically, never pickled."""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path

import numpy as np
import torch

from chainrule import fileformat
from chainrule.errors import FormatError, ShapeError
from chainrule.training.batches import Rows
from chainrule.training.config import FitConfig
from chainrule.training.loop import State
from chainrule.version import version

CHUNK_ROWS = 100_000


def fingerprint(train_rows: Rows, valid_rows: Rows, description: str) -> str:
    """One hash of the data and of what is trained on it: a checkpoint resumes only the run it belongs to."""
    digest = hashlib.sha256(description.encode())
    for rows in (train_rows, valid_rows):
        for part in (rows.x, rows.observed, rows.weight):
            if part is not None:
                digest.update(f"{tuple(part.shape)}{part.dtype}".encode())
                for chunk in part.split(CHUNK_ROWS):
                    digest.update(chunk.contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(path: str | os.PathLike[str], state: State, config: FitConfig, *, seed: int, run: str) -> None:
    """Writes the state; the file is complete or absent, whenever the process dies."""
    arrays: dict[str, torch.Tensor] = {"generator": state.generator.get_state()}
    arrays |= {f"network/{name}": tensor for name, tensor in state.network.state_dict().items()}
    arrays |= {f"best/{name}": tensor for name, tensor in state.best.items()}
    for number, slots in state.optimizer.state_dict()["state"].items():
        arrays |= {f"optimizer/{number}/{slot}": torch.as_tensor(value) for slot, value in slots.items()}
    content = {
        "run": run,
        "seed": seed,
        "config": config.to_json(),
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
    fileformat.write(path, fileformat.Contents("checkpoint", content, as_numpy, version()))


def seed_of_checkpoint(path: str | os.PathLike[str]) -> int:
    """The seed of the run that wrote the file."""
    seed = fileformat.read(path, kind="checkpoint").content.get("seed")
    if not isinstance(seed, int):
        raise FormatError(f"{Path(path)}: this checkpoint names no seed")
    return seed


def config_of_checkpoint(path: str | os.PathLike[str]) -> FitConfig:
    """The configuration of the run that wrote the file, with what a race found."""
    try:
        return FitConfig.from_json(fileformat.read(path, kind="checkpoint").content["config"])
    except (KeyError, TypeError, ShapeError) as error:
        raise FormatError(f"{Path(path)}: this checkpoint has no configuration: {error}") from error


def restore_checkpoint(path: str | os.PathLike[str], state: State, config: FitConfig, *, run: str) -> None:
    """Sets the state to that of the file.

    Raises:
        FormatError: the file is damaged, or belongs to other data or another configuration.
    """
    stored = fileformat.read(path, kind="checkpoint")
    content, arrays = stored.content, stored.arrays
    if content.get("run") != run or content.get("config") != config.to_json():
        found = content.get("config")
        changed = [k for k, v in config.to_json().items() if not isinstance(found, dict) or found.get(k) != v]
        what = (
            f"with another {', '.join(changed)}"
            if changed
            else "on other data, another network, with another seed or effort"
        )
        raise FormatError(
            f"{Path(path)}: this checkpoint was trained {what}; repeat that run's arguments, or delete the file"
        )
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    try:
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
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise FormatError(f"{Path(path)}: not a checkpoint of this run: {error}") from error


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
