"""From a table to a fitted density."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import torch

from chainrule.baselines import IndependentColumns
from chainrule.density import Density
from chainrule.errors import BackendError, ChainruleError, EvidenceError, SchemaError, unknown_choice
from chainrule.model import Model, conditionals_of
from chainrule.networks import NADE
from chainrule.rng import fresh_seed, generator_from
from chainrule.table import Codes, Schema, Table, encode, infer_schema, read_table
from chainrule.training.checkpoint import fingerprint, restore_checkpoint, save_checkpoint, seed_of_checkpoint
from chainrule.training.config import FitConfig
from chainrule.training.loop import make_state, train

DEVICES = ("auto", "cpu", "cuda")


def fit(
    table: Any,
    valid: Any = None,
    *,
    objective: str = "likelihood",
    network: str = "auto",
    seed: int | None = None,
    config: FitConfig | None = None,
    device: str = "auto",
    verbose: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    keep_checkpoint: bool = False,
) -> Density:
    """The joint density of a table of binary columns.

    Trains a NADE of one order: the likelihood of complete rows, and of rows whose known cells come first in the order.

    Args:
        table: an ndarray (N, D), a pandas, polars or Arrow frame, or a path of .npy, .npz, CSV or Parquet.
        valid: rows of the same columns that decide when to stop; by default a share of the table is held out.
        objective: "likelihood", the best density of complete rows.
        network: "auto" or "nade".
        seed: an integer makes the fit reproducible, on CPU to the byte; None draws one from the system's entropy.
        config: sizes, learning rate, epochs and the rest.
        device: "auto", "cpu" or "cuda".
        verbose: a progress bar on stderr where a person watches.
        checkpoint: a file to which the state of training is written after each epoch.
        resume: continue from that file if it exists, with its seed, to the same weights as a run never interrupted.
        keep_checkpoint: leave that file when training is done, to be removed once the density is saved.

    Raises:
        SchemaError: a value that is not binary, named by row and column; other columns in ``valid``.
        EvidenceError: an unknown cell; a fixed order cannot be trained on holes.

    Examples:
        >>> import numpy as np
        >>> rows = np.random.default_rng(0).integers(0, 2, (200, 3))
        >>> density = fit(rows, seed=0, config=FitConfig(hidden_size=4, epochs=2))
        >>> density.log_prob(rows).shape
        (200,)
    """
    config = config or FitConfig()
    if objective != "likelihood":
        raise ChainruleError(unknown_choice("objective", objective, ["likelihood"]))
    if network not in ("auto", "nade"):
        raise ChainruleError(unknown_choice("network", network, ["auto", "nade"]))
    device = resolved_device(device)
    if resume and checkpoint is None:
        raise ChainruleError("resume=True needs checkpoint=PATH, the file of the run to continue")
    resume = resume and Path(str(checkpoint)).exists()
    if seed is None:
        seed = seed_of_checkpoint(str(checkpoint)) if resume else fresh_seed()
    generator = generator_from(seed)
    rows = read_table(table)
    schema = infer_schema(rows)
    train_codes = _complete(rows, schema)
    valid_codes = None if valid is None else _complete(read_table(valid, source="the validation table"), schema)
    x = torch.from_numpy(train_codes.values).float()
    if valid_codes is None:
        x, x_valid = _hold_out(x, config.valid_fraction, generator)
    else:
        x_valid = torch.from_numpy(valid_codes.values).float()
    net = NADE(
        conditionals_of(schema),
        hidden_size=config.hidden_size,
        activation=config.activation,
        order=config.order,
        generator=generator,
    )
    net.initialize_from(x)
    independent = IndependentColumns(conditionals_of(schema))
    independent.initialize_from(x)
    state = make_state(net.to(device), config, generator)
    after_epoch = None
    if checkpoint is not None:
        run = fingerprint(x, x_valid, f"{schema.to_json()} seed {seed}")
        if resume:
            restore_checkpoint(checkpoint, state, config, run=run)
        after_epoch = partial(save_checkpoint, checkpoint, config=config, seed=seed, run=run)
    train(state, x, x_valid, config, after_epoch=after_epoch, device=device, show_progress=verbose)
    record = {
        "objective": objective,
        "seed": seed,
        "config": config.to_json(),
        "train_rows": len(x),
        "valid_rows": len(x_valid),
        "valid_nats": state.best_nats,
        "independent_valid_nats": float(independent.training_loss(x_valid).detach().double().mean()),
        "skipped_steps": state.skipped,
        "history": state.history,
    }
    if checkpoint is not None and not keep_checkpoint:
        Path(checkpoint).unlink(missing_ok=True)
    return Density(Model(schema, net.cpu().eval()), record, seconds=state.seconds)


def resolved_device(device: str) -> str:
    """ "cpu" or "cuda"; BackendError for a device that this machine or PyTorch build does not have."""
    if device not in DEVICES:
        raise BackendError(unknown_choice("device", device, DEVICES))
    if device == "cuda" and not torch.cuda.is_available():
        raise BackendError("device 'cuda': PyTorch sees no CUDA device here; pass 'auto' or 'cpu'")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def _complete(table: Table, schema: Schema) -> Codes:
    codes = encode(table, schema)
    if len(codes) == 0:
        raise SchemaError(f"{table.source}: no rows")
    if not codes.complete:
        row, column = (~codes.observed).nonzero()
        name = schema.columns[column[0]].name
        raise EvidenceError(
            f"{table.source}: column {name!r} is unknown at {table.where(int(row[0]))}; a fixed-order network learns from "
            f"complete rows only: fill or drop the {len(set(row.tolist()))} row(s) with holes"
        )
    return codes


def _hold_out(x: torch.Tensor, fraction: float, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Training and validation rows; a single row serves as both."""
    if len(x) == 1:
        return x, x
    order = torch.randperm(len(x), generator=generator)
    held = min(max(1, round(fraction * len(x))), len(x) - 1)
    return x[order[held:]], x[order[:held]]
