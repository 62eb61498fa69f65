"""From a table to a fitted density."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch

from chainrule.baselines import IndependentColumns
from chainrule.density import Density, load
from chainrule.errors import BackendError, ChainruleError, printable, unknown_choice
from chainrule.missing import flags_first, is_flag
from chainrule.model import Model, conditionals_of
from chainrule.networks import MADE, NADE, AbstractNetwork, Columns, Committee, Ensemble, OrderlessNADE
from chainrule.networks.orders import Order, make_order, search_order
from chainrule.rng import fresh_seed, generator_from
from chainrule.scratch import ScratchFolder
from chainrule.table import MIN_COUNT, Schema, describe_missing, infer_schema, read_table, read_table_lazily
from chainrule.table.once import require_no_pipe_twice
from chainrule.training.batches import Rows
from chainrule.training.calibration import HeldOut, calibration_of
from chainrule.training.checkpoint import (
    Checkpoint,
    config_of_checkpoint,
    fingerprint,
    require_sizes,
    seed_of_checkpoint,
)
from chainrule.training.config import LEARNED_ORDERS, FitConfig
from chainrule.training.finished import config_of, require_same_run
from chainrule.training.loop import make_state, train
from chainrule.training.memory import require_memory
from chainrule.training.race import Trial, in_units, race, reached_by_two
from chainrule.training.recipes import left_open, races, with_what_was_said, worth
from chainrule.training.record import nats_of, record_of, units
from chainrule.training.rows import checked_weight, encoded, split
from chainrule.training.rules import EFFORTS, require_members, resolved
from chainrule.training.untold import untold

DEVICES = ("auto", "cpu", "cuda")
MOST_SHOWN = 60  # columns that are shown a line each
INITIAL_ROWS = 100_000  # of which the network's first parameters are made
OBJECTIVES = {"any": "orderless", "likelihood": "committee"}  # and the network that "auto" means


def fit(
    table: Any,
    valid: Any = None,
    *,
    objective: str = "any",
    network: str = "auto",
    effort: str = "standard",
    seed: int | None = None,
    kinds: Mapping[str, Any] | Schema | None = None,
    missing: str = "unknown",
    strict: bool = False,
    min_count: int = MIN_COUNT,
    sample_weight: Any = None,
    config: FitConfig | None = None,
    time_limit_s: float | None = None,
    device: str = "auto",
    verbose: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    keep_checkpoint: bool = False,
    finished: str | os.PathLike[str] | None = None,
) -> Density:
    """The joint density of a table: columns of booleans, labels, integers, numbers and dates, with or without holes.

    ``objective="any"`` trains an orderless network, which answers any question and learns from rows with holes.
    ``objective="likelihood"`` trains the best density we know how to, of complete rows (see ``training.recipes``): first it tries
    on the validation rows what suits the table, a dozen small fits that take two to four times as long as the one that follows,
    unless effort is "quick", a time limit is set or there are a million training rows. Where one order was best, or
    ``FitConfig(orders=1)`` said so, it answers for rows whose known cells come first in that order, too.

    Args:
        table: a pandas, polars or Arrow frame, an ndarray (N, D), a path of CSV, Parquet, .npy or .npz, or what ``read_table``
            makes of one of these, where it has to be told how numbers, dates or missing cells are written.
        valid: rows of the same columns that decide which weights are kept, of one-order networks when to stop, and of a
            committee what suits the table; by default a share of the table is held out.
        objective: "any" or "likelihood".
        network: "auto" (an orderless network, or for "likelihood" a committee); "nade", "made", "committee" (of NADEs) or
            "orderless" override the objective.
        effort: "quick", "standard" or "best": how large an orderless network or a committee is, and how long it trains.
        seed: an integer makes the fit reproducible, on CPU to the byte; None draws one from the system's entropy.
        kinds: the kind of some columns by name, instead of the guess (see ``infer_schema``).
        missing: "unknown": a hole says nothing; "informative": that a cell is missing is modelled, too, by a binary column
            before each column with holes.
        strict: raise where columns would be left out with a warning: ids, free text, columns without a value.
        min_count: rows that a level needs to be listed by name, a value to be an atom, and each number of the model file to be
            made of them; 1 waives that.
        sample_weight: (N,), how much each row of the table counts, also of those held out of it; rows of weight zero are not
            read. Rows of ``valid`` count alike.
        config: sizes, learning rate, epochs and the rest; what it leaves None follows from effort and table.
        time_limit_s: seconds after which training ends.
        device: "auto", "cpu" or "cuda".
        verbose: the assumed kinds and a progress bar on stderr, the bar where a person watches.
        checkpoint: a file to which the state of training is written after each epoch.
        resume: continue from that file if it exists, with its seed, to the same weights as a run never interrupted.
        keep_checkpoint: leave that file when training is done, to be removed once the density is saved.
        finished: the model file of such a run, which is returned instead of being fitted again.

    Raises:
        ChainruleError: ``finished`` is of another table, or was fitted with other settings.
        SchemaError: a value that its column's kind cannot have, named by row and column; other columns in ``valid``.
        EvidenceError: an unknown cell where the network has one order, which cannot be trained on holes.

    Examples:
        >>> import numpy as np
        >>> rows = np.random.default_rng(0).integers(0, 2, (200, 3))
        >>> density = fit(rows, seed=0, verbose=False, config=FitConfig(hidden_size=4, epochs=2))
        >>> density.log_prob(rows).shape
        (200,)
    """
    config = config or FitConfig()
    for name, value, choices in (
        ("objective", objective, OBJECTIVES),
        ("network", network, ["auto", *BUILDERS]),
        ("effort", effort, EFFORTS),
    ):
        if value not in choices:
            raise ChainruleError(unknown_choice(name, value, choices))
    if network == "auto":
        network = OBJECTIVES[objective]
    objective = "any" if network == "orderless" else "likelihood"
    if time_limit_s is not None and not 0 < time_limit_s < float("inf"):
        raise ChainruleError(f"time_limit_s = {time_limit_s!r}: pass a number of seconds above zero, or None")
    device = resolved_device(device)
    if resume and checkpoint is None:
        raise ChainruleError("resume=True needs checkpoint=PATH, the file of the run to continue")
    require_no_pipe_twice(table, valid)
    done = None if finished is None else load(finished)
    kept_in = (
        None if checkpoint is None else checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
    )
    if kept_in is not None and kept_in.is_written_by_another():
        name = printable(os.fspath(kept_in))
        warnings.warn(f"{name}: another run writes there now; what is written last stays", stacklevel=2)
    resume = resume and kept_in is not None and kept_in.exists()
    if seed is None and done is not None:
        seed = done.training.get("seed")
    if seed is None:
        seed = seed_of_checkpoint(os.fspath(kept_in)) if resume and kept_in is not None else fresh_seed()
    generator = generator_from(seed)
    rows = read_table_lazily(table, reading=kinds.reading if isinstance(kinds, Schema) else None)
    folder = None if rows.rows is None else ScratchFolder()  # gone when fit returns
    weight = checked_weight(sample_weight, len(rows))
    if weight is not None:  # rows that do not count are not there
        rows, weight = rows.take(np.flatnonzero(weight)), weight[weight > 0]
    schema = infer_schema(rows, kinds=kinds, min_count=min_count, strict=strict, missing=missing)
    if verbose:
        print("\n".join([_assumptions(schema), *describe_missing(rows.missing, schema)]), file=sys.stderr)
    kept = np.arange(len(rows))
    parts = [kept] if valid is not None else split(kept, config.valid_fraction, generator)
    said, config = config, resolved(config, network, schema, len(parts[0]), effort)
    conditionals = conditionals_of(schema, conditional=config.conditional, components=config.components)
    columns = Columns.of(conditionals)
    require_memory(network, columns, config, schema.names)
    into = None if folder is None else folder.path
    aside = HeldOut(parts[-1], len(schema.columns))
    x, *held = encoded(rows, schema, network, parts, weight=weight, folder=into, also=aside.keep)
    if valid is None:
        x_valid, held_out = held[0], rows.take(parts[1])
    else:
        held_out = read_table(valid, source="the validation table", reading=schema.reading)
        every = np.arange(len(held_out))
        aside = HeldOut(every, len(schema.columns))
        x_valid = encoded(held_out, schema, network, [every], also=aside.keep)[0]
    filled, known = _filled(x)
    first = untold(filled, known, schema, min_count=min_count, weight=x.weight)
    begin = partial(_begin, columns=columns, schema=schema, filled=filled, first=first)
    trials: list[Trial] = []
    began = time.perf_counter()
    if network == "committee" and resume and kept_in is not None:
        config = with_what_was_said(config_of_checkpoint(kept_in), said)
        require_members(config)
    elif network == "committee" and done is not None:
        config = with_what_was_said(config_of(done.training, os.fspath(finished or "")), said)
    elif network == "committee" and time_limit_s is None and races(len(x), effort):
        build, flags = partial(begin, network), bool(is_flag(schema).any())
        reached = partial(
            reached_by_two, build=build, x=x, x_valid=x_valid, seed=seed, device=device, show_progress=verbose
        )
        config, trials = race(config, reached, ladders=left_open(said, config, keeps_order=flags), worth=worth)
        trials = in_units(trials, units(x_valid))
    independent = IndependentColumns(columns)
    independent.initialize_from(filled)
    asked = {"objective": objective, "network": network, "effort": effort, "seed": seed}
    if done is not None:
        require_same_run(
            done, os.fspath(finished or ""), asked=asked, config=config, schema=schema, train=x, valid=x_valid, held_out=held_out,
            independent=independent, min_count=min_count,
        )  # fmt: skip
        return done
    if network == "committee" and resume and kept_in is not None:
        kept = config_of_checkpoint(kept_in)  # what was said anew is compared with it when the state is restored
        require_sizes(kept_in, lambda: _nade(columns, kept, None, generator_from(0)), kept)
    net = begin(network, config, generator)
    state = make_state(net.to(device), config, generator)
    state.trials, state.seconds = trials, time.perf_counter() - began
    after_epoch = None
    if kept_in is not None:
        asked_for = f" {effort} {said.to_json()}" if network == "committee" else ""  # of which a race follows
        run = fingerprint(x, x_valid, f"{schema.to_json()} {network} {objective} seed {seed}{asked_for}")
        if resume:
            kept_in.restore(state, config, run=run)
        after_epoch = partial(kept_in.save, config=config, seed=seed, run=run)
    with kept_in if kept_in is not None and kept_in is not checkpoint else nullcontext():
        train(
            state, x, x_valid, config, offset=units(x_valid), independent=nats_of(independent, x_valid),
            time_limit_s=time_limit_s, after_epoch=after_epoch, device=device, prefer_last=network == "orderless",
            show_progress=verbose,
        )  # fmt: skip
        model = Model(schema, net.cpu().eval())
        record = asked | record_of(
            model.network, independent, state, config, schema, x, x_valid, held_out, min_count=min_count,
            show_progress=verbose,
        )  # fmt: skip
        seen = len(state.history) * len(x)
        record["calibration"] = calibration_of(model, aside, x_valid.weight, min_count, seen)
        if kept_in is not None and not keep_checkpoint:
            kept_in.remove()  # not before: a run that is killed while it scores goes on from there
    return Density(model, record, seconds=state.seconds)


def rows_held_out(rows: int, training: Mapping[str, Any]) -> np.ndarray:
    """Which of so many rows a fit of this record held out for validation; rows of weight zero do not count among them."""
    return split(np.arange(rows), training["config"]["valid_fraction"], generator_from(training["seed"]))[1]


def resolved_device(device: str) -> str:
    """ "cpu" or "cuda"; BackendError for a device that this machine or PyTorch build does not have."""
    if device not in DEVICES:
        raise BackendError(unknown_choice("device", device, DEVICES))
    if device == "cuda" and not torch.cuda.is_available():
        raise BackendError("device 'cuda': PyTorch sees no CUDA device here; pass 'auto' or 'cpu'")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def _assumptions(schema: Schema) -> str:
    """What is assumed of the columns: a line for each; of many how many there are of each kind, and what is left out."""
    if len(schema.columns) + len(schema.left_out) <= MOST_SHOWN:
        return str(schema)
    kinds = Counter(column.kind for column in schema.columns)
    lines = [f"{', '.join(f'{count} {kind}' for kind, count in kinds.items())} columns"]
    lines += [printable(f"left out: {out.name} ({out.reason})") for out in schema.left_out[:MOST_SHOWN]]
    if (more := len(schema.left_out) - MOST_SHOWN) > 0:
        lines.append(f"and {more} more left out")
    return "\n".join(lines)


def _begin(
    network: str,
    config: FitConfig,
    generator: torch.Generator,
    *,
    columns: Columns,
    schema: Schema,
    filled: torch.Tensor,
    first: torch.Tensor,
) -> AbstractNetwork:
    """A network as it begins: its order, of the rows ``filled`` (n, D), its first weights, and the independent columns of the
    rows ``first`` (n, D)."""
    order: Any = config.order
    if order in LEARNED_ORDERS:
        order = search_order(filled, method=LEARNED_ORDERS[order], generator=generator)
    if order == "natural" and is_flag(schema).any():
        order = flags_first(schema)
    net = BUILDERS[network](columns, config, order, generator)
    net.initialize_from(first)
    return net


def _filled(rows: Rows) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Codes (n, D), evenly spaced rows of all, heavy ones as often as they count, in which an unknown cell has one of its
    column's known values, these in turn, so that all count alike; and which cells are known, None for all."""
    rows = rows.take(_evenly_spaced(rows))
    if rows.observed is None:
        return rows.x, None
    filled = rows.x.clone()
    for column in range(rows.x.shape[1]):
        known = rows.observed[:, column]
        values, holes = rows.x[known, column], (~known).nonzero()[:, 0]
        if len(values):
            filled[holes, column] = values[torch.arange(len(holes)) % len(values)]
    return filled, rows.observed


def _evenly_spaced(rows: Rows) -> torch.Tensor:
    if rows.weight is None:
        return torch.arange(0, len(rows), -(-len(rows) // INITIAL_ROWS))
    upto = rows.weight.double().cumsum(0)
    number = min(len(rows), INITIAL_ROWS)
    middles = (torch.arange(number, dtype=torch.float64) + 0.5) / number
    return torch.searchsorted(upto, middles * upto[-1]).clamp(max=len(rows) - 1)


def _nade(columns: Columns, config: FitConfig, order: Order, generator: torch.Generator) -> NADE:
    return NADE(
        columns,
        config.hidden_size or 0,
        activation=config.activation or "sigmoid",
        input_dropout=config.input_dropout or 0.0,
        order=order,
        generator=generator,
    )


def _committee(columns: Columns, config: FitConfig, order: Order, generator: torch.Generator) -> AbstractNetwork:
    count = config.orders or 1
    orders = [make_order(order if k == 0 else "random", len(columns), generator) for k in range(count)]
    members = [_nade(columns, config, orders[k % count], generator) for k in range(config.members or 1)]
    committees = [Committee(members[k::count]) for k in range(count)]
    return committees[0] if count == 1 else Ensemble(committees, [len(each.members) for each in committees])


def _made(columns: Columns, config: FitConfig, order: Order, generator: torch.Generator) -> AbstractNetwork:
    return MADE(columns, _sizes(config), activation=config.activation or "relu", order=order, generator=generator)


def _orderless(columns: Columns, config: FitConfig, order: Order, generator: torch.Generator) -> AbstractNetwork:
    return OrderlessNADE(
        columns,
        _sizes(config),
        activation=config.activation or "relu",
        dropout=config.dropout or 0.0,
        members=config.members or 1,
        order=order,
        generator=generator,
    )


def _sizes(config: FitConfig) -> tuple[int, ...]:
    return config.hidden_sizes or (config.hidden_size or 0,) * 2


Builder = Callable[[Columns, FitConfig, Order, torch.Generator], AbstractNetwork]
BUILDERS: dict[str, Builder] = {"committee": _committee, "made": _made, "nade": _nade, "orderless": _orderless}
