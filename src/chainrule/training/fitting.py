"""From a table to a fitted density."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch

from chainrule.arguments import DEFAULT_TIES, MIN_COUNT
from chainrule.density import Density
from chainrule.errors import BackendError, ChainruleError
from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.ranks import AbstractRanks, joined
from chainrule.rng import generator_from
from chainrule.table import Schema
from chainrule.table.files.pipes import require_no_pipe_twice
from chainrule.training.arguments import require_run
from chainrule.training.config import FitConfig
from chainrule.training.data import TrainingData, training_data
from chainrule.training.division import Division
from chainrule.training.finished import require_same_run
from chainrule.training.loop import train
from chainrule.training.memory import require_memory
from chainrule.training.plan import Plan
from chainrule.training.recipes import RECIPES, recipe_for
from chainrule.training.recipes.base import AbstractRecipe
from chainrule.training.recipes.warm_start import continued
from chainrule.training.record import nats_of, record_of
from chainrule.training.run import Run
from chainrule.training.shared_rows import shared_by
from chainrule.training.state import State, make_state
from chainrule.training.time_limit import TimeLimit


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
    ties: str | Sequence[str | tuple[str, str]] = DEFAULT_TIES,
    strict: bool = False,
    min_count: int = MIN_COUNT,
    sample_weight: Any = None,
    groups: Any = None,
    config: FitConfig | None = None,
    start: Density | None = None,
    time_limit_s: float | None = None,
    device: str = "auto",
    verbose: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    keep_checkpoint: bool = False,
    finished: str | os.PathLike[str] | None = None,
) -> Density:
    """Fits the joint density of a table.

    Columns may hold booleans, labels, integers, numbers and dates, with missing cells.

    ``objective="any"`` trains an orderless network. It answers any question and learns from rows
    with missing cells.

    ``objective="likelihood"`` trains a committee, the best density of complete rows that we know
    (see ``training.recipes.committee``). A search on the validation rows precedes it: a dozen small
    fits, which take two to four times as long as the fit itself. There is no search with effort
    "quick", a time limit, or a million training rows. If the search or ``FitConfig(orders=1)``
    chooses one order, the density also answers for rows whose known cells come first in that order.

    If there is a search, a committee of binary columns is mixed with the latent trees that gain on
    the validation rows; ``FitConfig(trees=0)`` leaves them out.

    Args:
        table: a pandas, polars or Arrow frame, an ndarray (N, D), or a path of CSV, Parquet, .npy
            or .npz. ``read_table`` makes a table with other notations of numbers, dates or missing
            cells.
        valid: validation rows with the same columns. They decide which weights are kept, when a
            network of one order stops, and what the search of a committee chooses. By default, a
            share of the table is held out.
        objective: "any" or "likelihood".
        network: "auto" (an orderless network, or for "likelihood" a committee); "nade", "made",
            "committee" (of NADEs) or "orderless" override the objective.
        effort: "quick", "standard" or "best": how large an orderless network or a committee is, and
            how long it trains.
        seed: an integer makes the fit reproducible, on CPU to the byte; None draws one from the
            system's entropy.
        kinds: the kind of some columns by name, instead of the guess (see ``infer_schema``).
        missing: "unknown": a missing cell carries no information. "informative": a binary column
            before each column with missing cells models which cells are missing.
        ties: relations between columns, such as gross = net + tax: "auto" (the default), "none", or
            a list of those to leave out (see ``infer_schema``).
        strict: raise if columns would be left out with a warning: ids, free text, empty columns.
        min_count: the least number of rows for a level with a name, for an atom, and for each
            number of the model file (default: 5); 1 waives this.
        sample_weight: (N,), how much each row of the table counts, including rows held out of it.
            Rows of weight zero are not read. Rows of ``valid`` count equally.
        groups: the name of a column, or a key for each row (N,): rows of one group, such as those
            of one customer, are all held out or all trained on. The column is set aside, unless
            ``kinds`` has its kind. ``valid`` may have no row of a group of the table.
        config: sizes, learning rate, epochs and the rest; values of None follow from effort and
            table.
        start: a density whose columns, network and weights the fit starts from, for newer or more
            rows of the same columns (see ``training.recipes.warm_start``). There is no search.
            ``kinds``, ``missing`` and ``ties`` are its own. The record names it.
        time_limit_s: seconds after which the fit returns, about: reading the table, training and
            the record of the fit together. Training ends a tenth earlier. The record is then of
            fewer rows and orders if they would take longer, but of at least 100 rows and 2 orders.
        device: "auto", "cpu" or "cuda".
        verbose: print the assumed kinds to stderr, and a progress bar if it is a terminal.
        checkpoint: a file to which the state of training is written after each epoch.
        resume: continue from that file if it exists, with its seed; the weights are those of an
            uninterrupted run.
        keep_checkpoint: keep that file after training, until the density is saved.
        finished: the model file of a finished run; its density is returned instead of a new fit.

    Raises:
        ChainruleError: ``finished`` belongs to another table or to other settings; another process
            writes the checkpoint now; another process of the same launcher has failed.
        SchemaError: a value that the column's kind cannot have, named by row and column; other
            columns in ``valid``; ``groups`` without such a column, a key for each row, or two
            groups.
        EvidenceError: a missing cell, if the network has one order and cannot learn from it.

    Examples:
        >>> import numpy as np
        >>> rows = np.random.default_rng(0).integers(0, 2, (200, 3))
        >>> density = fit(rows, seed=0, verbose=False, config=FitConfig(hidden_size=4, epochs=2))
        >>> density.log_prob(rows).shape
        (200,)
    """
    limit = TimeLimit(time_limit_s)
    recipe, config = recipe_for(objective, network), config or FitConfig()
    if start is not None:
        of_columns = {"kinds": kinds, "missing": missing, "ties": ties}
        of_network = {"objective": objective, "network": network, "config": config}
        recipe, config = continued(start, RECIPES, of_network | of_columns)
        kinds = start.schema
    recipe.check(config)
    require_run(effort, time_limit_s, device)
    require_no_pipe_twice(table, valid)
    run_of = partial(Run.of, checkpoint, resume=resume, finished=finished)
    with joined() as ranks, quiet_unless_first(ranks), run_of(ranks=ranks) as run:
        device, verbose = resolved_device(device), verbose and ranks.is_first
        _require_same_call(ranks, recipe, config, effort, seed, time_limit_s)
        generator = generator_from(seed := run.resolved_seed(seed))
        read = partial(
            training_data, table, valid, config, kinds=kinds, missing=missing, ties=ties,
            strict=strict, min_count=min_count, progress=verbose, sample_weight=sample_weight,
            groups=groups, generator=generator, learns_from_missing=recipe.learns_from_missing,
        )  # fmt: skip
        data = shared_by(ranks, read, generator)
        plan = recipe.plan(config, data.columns, rows := len(data.train), effort)
        plan = recipe.plan_of_ranks(plan, config, rows, effort, ranks.size)
        began = time.perf_counter()
        build = partial(recipe.build, data.columns, order=None, generator=generator_from(0))
        require_memory(build, data.columns, plan, data.schema.names)
        options: dict[str, Any] = {"effort": effort, "seed": seed, "time_limit_s": time_limit_s}
        plan, trials = recipe.search(
            plan, config, data, run, device=device, progress=verbose, **options
        )
        asked = {
            "objective": recipe.objective, "network": recipe.name, "effort": effort, "seed": seed,
            "groups": None if data.groups is None else data.groups.to_json(), **recipe.origin,
        }  # fmt: skip
        if (done := run.finished) is not None:
            same = partial(require_same_run, done, run.name, asked, plan, data, min_count=min_count)
            ranks.of_first(same)
            return done
        training_s = ranks.told(limit.of_training())  # with a limit, no search took time
        net = recipe.start(data, plan, generator)
        description = _description(recipe, config, data.schema, effort, seed)
        state = make_state(net.to(device), plan, generator)
        kept = run.keeping(plan, data, description, seed=seed, trials=trials, began=began)
        kept.begin(state)
        train(
            state, recipe.presented(data, plan), data.valid, plan, after_epoch=kept.save,
            independent=ranks.of_first(lambda: nats_of(data.independent, data.valid)),
            time_limit_s=training_s, prefer_last=recipe.prefers_last, ranks=ranks,
            progress=verbose,
        )  # fmt: skip
        model = _completed(recipe, data, state, plan, ranks, progress=verbose, **options)
        record = partial(
            record_of, model, state, plan, data, min_count=min_count, seconds=limit.of_record,
            progress=verbose,
        )  # fmt: skip
        found = ranks.of_first(lambda: asked | record() | _processes(ranks, state))
        if not keep_checkpoint:
            kept.remove()  # not earlier: a run that is killed while scoring resumes from the file
        return Density(model, found, seconds=state.seconds)


def _completed(
    recipe: AbstractRecipe,
    data: TrainingData,
    state: State,
    plan: Plan,
    ranks: AbstractRanks,
    **options: Any,
) -> Model:
    """The model of the trained network and of what the recipe adds to it; rank 0 adds."""
    trained = cast(AbstractNetwork, state.network).cpu().eval()
    added = ranks.of_first(lambda: recipe.completed(trained, data, state, plan, **options))
    return Model(data.schema, added)


def _processes(ranks: AbstractRanks, state: State) -> dict[str, int]:
    """The number of ranks, for the record, if they divided rows: sums have other last digits."""
    return {"processes": ranks.size} if Division.of(state.network, ranks).share.of > 1 else {}


def _require_same_call(ranks: AbstractRanks, *asked: Any) -> None:
    """Raises ChainruleError unless all ranks ask for the same fit."""
    recipe, *others = asked
    text = " ".join([recipe.name, recipe.objective, *map(str, others), str(dict(recipe.origin))])
    calls = ranks.gathered(text)
    others = [number for number, call in enumerate(calls) if call != calls[0]]
    if others:
        raise ChainruleError(
            f"process {others[0]} of {ranks.size} asks for another fit than process 0: all "
            "processes of a launcher make the same call; unset WORLD_SIZE for fits of their own"
        )


@contextmanager
def quiet_unless_first(ranks: AbstractRanks) -> Iterator[None]:
    """Lets rank 0 alone warn."""
    if ranks.is_first:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _description(
    recipe: AbstractRecipe, config: FitConfig, schema: Schema, effort: str, seed: int
) -> str:
    """What tells this run from others with the same plan and rows."""
    # A search depends on effort and configuration.
    searched = f" {effort} {config.to_json()}" if recipe.searches else ""
    searched += f" {recipe.origin}" if recipe.origin else ""
    return f"{schema.to_json()} {recipe.name} {recipe.objective} seed {seed}{searched}"


def resolved_device(device: str) -> str:
    """ "cpu" or "cuda"; raises BackendError if this machine or PyTorch build lacks the device."""
    if device == "cuda" and not torch.cuda.is_available():
        raise BackendError("device 'cuda': PyTorch sees no CUDA device here; pass 'auto' or 'cpu'")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device
