"""From a table to a fitted density."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from chainrule.baselines import IndependentColumns
from chainrule.density import Density
from chainrule.errors import BackendError, ChainruleError, EvidenceError, SchemaError, unknown_choice
from chainrule.model import Model, conditionals_of
from chainrule.networks import MADE, NADE, AbstractNetwork, Columns, OrderlessNADE
from chainrule.networks.orders import Order, names_in_order, search_order
from chainrule.rng import fresh_seed, generator_from
from chainrule.table import Schema, Table, encode, infer_schema, log_scales, read_table
from chainrule.tasks.spread import order_spread
from chainrule.training.batches import Rows
from chainrule.training.checkpoint import fingerprint, restore_checkpoint, save_checkpoint, seed_of_checkpoint
from chainrule.training.config import LEARNED_ORDERS, FitConfig
from chainrule.training.loop import make_state, train

DEVICES = ("auto", "cpu", "cuda")
FARTHEST = 1e12  # standard deviations: beyond, squares leave the range of float32 and likelihoods are no numbers
OBJECTIVES = {"any": "orderless", "likelihood": "nade"}  # and the network that "auto" means


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
    """The joint density of a table of binary and numeric columns.

    ``objective="likelihood"`` trains a network of one order: the likelihood of complete rows, and of rows whose known cells
    come first in the order. ``objective="any"`` trains an orderless network, which answers any question and learns from
    rows with holes.

    Args:
        table: an ndarray (N, D), a pandas, polars or Arrow frame, or a path of .npy, .npz, CSV or Parquet.
        valid: rows of the same columns that decide when to stop; by default a share of the table is held out.
        objective: "likelihood" or "any".
        network: "auto" (a NADE, or for "any" an orderless network), "nade", "made" or "orderless".
        seed: an integer makes the fit reproducible, on CPU to the byte; None draws one from the system's entropy.
        config: sizes, learning rate, epochs and the rest.
        device: "auto", "cpu" or "cuda".
        verbose: a progress bar on stderr where a person watches.
        checkpoint: a file to which the state of training is written after each epoch.
        resume: continue from that file if it exists, with its seed, to the same weights as a run never interrupted.
        keep_checkpoint: leave that file when training is done, to be removed once the density is saved.

    Raises:
        SchemaError: a value that is no number, named by row and column; other columns in ``valid``.
        EvidenceError: an unknown cell where the network has one order, which cannot be trained on holes.

    Examples:
        >>> import numpy as np
        >>> rows = np.random.default_rng(0).integers(0, 2, (200, 3))
        >>> density = fit(rows, seed=0, config=FitConfig(hidden_size=4, epochs=2))
        >>> density.log_prob(rows).shape
        (200,)
    """
    config = config or FitConfig()
    if objective not in OBJECTIVES:
        raise ChainruleError(unknown_choice("objective", objective, OBJECTIVES))
    if network not in ("auto", *BUILDERS):
        raise ChainruleError(unknown_choice("network", network, ["auto", *BUILDERS]))
    if network == "auto":
        network = OBJECTIVES[objective]
    if objective == "any" and network != "orderless":
        raise ChainruleError(
            f'objective="any" needs network="orderless", not {network!r}: a fixed order answers prefixes only'
        )
    device = resolved_device(device)
    if resume and checkpoint is None:
        raise ChainruleError("resume=True needs checkpoint=PATH, the file of the run to continue")
    resume = resume and Path(str(checkpoint)).exists()
    if seed is None:
        seed = seed_of_checkpoint(str(checkpoint)) if resume else fresh_seed()
    generator = generator_from(seed)
    rows = read_table(table)
    schema = infer_schema(rows)
    config = _resolved(config, network, schema)
    x = _codes(rows, schema, network)
    if valid is None:
        x, x_valid = _hold_out(x, config.valid_fraction, generator)
    else:
        x_valid = _codes(read_table(valid, source="the validation table"), schema, network)
    conditionals = conditionals_of(schema, conditional=config.conditional, components=config.components)
    filled = _filled(x)
    order = config.order
    if order in LEARNED_ORDERS:
        order = search_order(filled, method=LEARNED_ORDERS[order], generator=generator)
    net = BUILDERS[network](Columns.of(conditionals), config, order, generator)
    independent = IndependentColumns(conditionals)
    for start in (net, independent):
        start.initialize_from(filled)
    state = make_state(net.to(device), config, generator)
    after_epoch = None
    if checkpoint is not None:
        run = fingerprint(x, x_valid, f"{schema.to_json()} {network} {objective} seed {seed}")
        if resume:
            restore_checkpoint(checkpoint, state, config, run=run)
        after_epoch = partial(save_checkpoint, checkpoint, config=config, seed=seed, run=run)
    scales = log_scales(schema)
    offsets = [-_mean_of_known(rows_, scales) for rows_ in (x, x_valid)]
    train(state, x, x_valid, config, offset=offsets[1], after_epoch=after_epoch, device=device, show_progress=verbose)
    net = net.cpu().eval()
    record = {
        "objective": objective,
        "network": network,
        "seed": seed,
        "order": list(names_in_order(net.order.cpu(), schema.names)),
        "config": config.to_json(),
        "train_rows": len(x),
        "valid_rows": len(x_valid),
        "valid_nats": state.best_nats + offsets[1],
        "valid_is": "an estimate of the mean over orders" if network == "orderless" else "exact",
        "independent_valid_nats": float(_independent_nats(independent, x_valid)) + offsets[1],
        "skipped_steps": state.skipped,
        "order_spread": _spread(net, x_valid, scales),
        "history": [_in_units(record, offsets) for record in state.history],
    }
    if checkpoint is not None and not keep_checkpoint:
        Path(checkpoint).unlink(missing_ok=True)
    return Density(Model(schema, net), record, seconds=state.seconds)


def resolved_device(device: str) -> str:
    """ "cpu" or "cuda"; BackendError for a device that this machine or PyTorch build does not have."""
    if device not in DEVICES:
        raise BackendError(unknown_choice("device", device, DEVICES))
    if device == "cuda" and not torch.cuda.is_available():
        raise BackendError("device 'cuda': PyTorch sees no CUDA device here; pass 'auto' or 'cpu'")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def _resolved(config: FitConfig, network: str, schema: Schema) -> FitConfig:
    """The configuration with every None filled in for this network and these columns."""
    if network == "nade" and config.hidden_sizes is not None:
        raise ChainruleError(f"hidden_sizes = {list(config.hidden_sizes)}: NADE has one layer; pass hidden_size")
    if network != "orderless" and config.dropout:
        raise ChainruleError(f"dropout = {config.dropout}: only the orderless network has it")
    plain = network == "nade" and all(column.kind == "binary" for column in schema.columns)
    return replace(
        config,
        activation=config.activation or ("sigmoid" if network == "nade" else "relu"),
        learning_rate=config.learning_rate or (1e-2 if plain else 2e-3),
        hidden_sizes=None if network == "nade" else _sizes(config),
    )


def _spread(net: AbstractNetwork, rows: Rows, scales: np.ndarray) -> dict[str, float] | None:
    """How far the orders of an orderless network agree, in the table's units; of other networks None."""
    if not isinstance(net, OrderlessNADE):
        return None
    spread = order_spread(net, rows.x, rows.observed)
    in_units = spread.nats - _mean_of_known(rows.take(slice(0, spread.rows)), scales)
    return replace(spread, nats=in_units).to_json()


def _filled(rows: Rows) -> torch.Tensor:
    """Codes (N, D) in which an unknown cell has one of its column's known values, these in turn, so that all count alike."""
    if rows.observed is None:
        return rows.x
    filled = rows.x.clone()
    for column in range(rows.x.shape[1]):
        known = rows.observed[:, column]
        values, holes = rows.x[known, column], (~known).nonzero()[:, 0]
        if len(values):
            filled[holes, column] = values[torch.arange(len(holes)) % len(values)]
    return filled


def _independent_nats(network: IndependentColumns, rows: Rows) -> torch.Tensor:
    cells = network.log_prob_columns(rows.x).detach().double()
    if rows.observed is not None:
        cells = torch.where(rows.observed, cells, 0)
    return -cells.sum(1).mean()


def _mean_of_known(rows: Rows, scales: np.ndarray) -> float:
    """What a row's log-likelihood gains on average by being in the table's units."""
    if rows.observed is None:
        return float(scales.sum())
    return float((rows.observed.double() @ torch.from_numpy(scales)).mean())


def _in_units(record: dict[str, Any], offsets: list[float]) -> dict[str, Any]:
    nats = {key: record[key] for key in ("train_nats", "valid_nats")}
    moved = {k: None if v is None else v + offset for (k, v), offset in zip(nats.items(), offsets, strict=True)}
    return {**record, **moved}


def _codes(table: Table, schema: Schema, network: str) -> Rows:
    codes = encode(table, schema)
    if len(codes) == 0:
        raise SchemaError(f"{table.source}: no rows")
    x = torch.from_numpy(codes.values).float()
    far = (~x.isfinite() | (x.abs() > FARTHEST)).nonzero()
    if len(far):
        row, column = far[0].tolist()
        raise SchemaError(
            f"{table.source}: column {schema.columns[column].name!r} lies {codes.values[row, column]:.2g} standard deviations "
            f"from the mean at {table.where(row)}; correct that cell or leave it empty"
        )
    if codes.complete:
        return Rows(x)
    if network != "orderless":
        row, column = (~codes.observed).nonzero()
        name = schema.columns[column[0]].name
        raise EvidenceError(
            f"{table.source}: column {name!r} is unknown at {table.where(int(row[0]))}; a fixed-order network learns from "
            f"complete rows only: fill or drop the {len(set(row.tolist()))} row(s) with holes, or pass network='orderless'"
        )
    return Rows(x, torch.from_numpy(codes.observed))


def _hold_out(rows: Rows, fraction: float, generator: torch.Generator) -> tuple[Rows, Rows]:
    """Training and validation rows; a single row serves as both."""
    if len(rows) == 1:
        return rows, rows
    order = torch.randperm(len(rows), generator=generator)
    held = min(max(1, round(fraction * len(rows))), len(rows) - 1)
    return rows.take(order[held:]), rows.take(order[:held])


def _nade(columns: Columns, config: FitConfig, order: Order, generator: torch.Generator) -> AbstractNetwork:
    return NADE(
        columns, config.hidden_size, activation=config.activation or "sigmoid", order=order, generator=generator
    )


def _made(columns: Columns, config: FitConfig, order: Order, generator: torch.Generator) -> AbstractNetwork:
    return MADE(columns, _sizes(config), activation=config.activation or "relu", order=order, generator=generator)


def _orderless(columns: Columns, config: FitConfig, order: Order, generator: torch.Generator) -> AbstractNetwork:
    options = {"activation": config.activation or "relu", "dropout": config.dropout}
    return OrderlessNADE(columns, _sizes(config), order=order, generator=generator, **options)


def _sizes(config: FitConfig) -> tuple[int, ...]:
    return config.hidden_sizes or (config.hidden_size,) * 2


Builder = Callable[[Columns, FitConfig, Order, torch.Generator], AbstractNetwork]
BUILDERS: dict[str, Builder] = {"made": _made, "nade": _nade, "orderless": _orderless}
