"""Tables of numbers in published folds, measured as for RNADE.

Columns are standardised by the training rows. Likelihoods are densities of standardised numbers,
without atoms or steps. Numbers of such tables are rounded and repeat, so a density grows without
limit as its scale shrinks. ``SCALE_FLOOR`` is the least scale, and belongs to every figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch

import chainrule as cr
from benchmarks.likelihood.experiments import COMPONENTS, SCALE_FLOOR, Experiment
from benchmarks.likelihood.second_path import cells_by_reference
from chainrule.networks import Columns
from chainrule.rng import generator_from
from chainrule.training import Plan, make_state, train
from chainrule.training.batches import Rows
from chainrule.training.recipes import RECIPES
from chainrule.training.recipes.committee import expected_nats, needed_gain, open_ladders
from chainrule.training.search import search
from chainrule.training.state import State

# Learning rates to try. The search starts from the third.
RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)


@dataclass(frozen=True)
class Fold:
    """Standardised rows in float32: the fold's are test rows, the next fold's validation rows."""

    train: torch.Tensor
    valid: torch.Tensor
    test: torch.Tensor


def fold_of(data: str, fold: int) -> Fold:
    """A fold, standardised by its training rows, without columns that are constant in them."""
    rows = cr.datasets.load(data, fold=fold)
    center, spread = rows.train.mean(0), rows.train.std(0)
    varies = spread > 0
    center, spread = center[varies], spread[varies]
    train, valid, test = (
        torch.from_numpy((part[:, varies] - center) / spread).float()
        for part in (rows.train, rows.valid, rows.test)
    )
    return Fold(train, valid, test)


def fitted(
    experiment: Experiment, rows: Fold, seed: int, floor: float = SCALE_FLOOR
) -> tuple[cr.Committee, State]:
    """A committee of RNADEs; the validation rows choose options and weights, as in ``fit``."""
    columns = Columns.of([cr.GaussianMixture(COMPONENTS, least_scale=floor)] * rows.train.shape[1])
    x, x_valid, recipe = Rows(rows.train), Rows(rows.valid), RECIPES["committee"]

    def start(plan: Plan, generator: torch.Generator) -> cr.Committee:
        network = cast(cr.Committee, recipe.build(columns, plan, None, generator))
        network.initialize_from(rows.train)
        return network

    plan = recipe.plan(experiment.config, columns, len(x), "standard")
    ladders = dict(open_ladders(experiment.config, plan, keeps_order=True))
    if "learning_rate" in ladders:
        ladders["learning_rate"] = RATES
    nats_of_plan = partial(expected_nats, start=start, train_rows=x, valid_rows=x_valid, seed=seed)
    plan, trials = search(
        plan, nats_of_plan, ladders=list(ladders.items()), needed_gain=needed_gain
    )
    generator = generator_from(seed)
    network = start(plan, generator)
    state = make_state(network, plan, generator)
    train(state, x, x_valid, plan, progress=False)
    state.trials = trials
    return network.double().eval(), state


@torch.no_grad()
def run(experiment: Experiment, seed: int) -> dict[str, Any]:
    """The likelihoods of a row of the results, over all folds; test rows are read once."""
    (info,) = (each for each in cr.datasets.list() if each.name == experiment.data)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("train", "valid", "test", "alone")}
    apart, epochs, parameters, trials = 0.0, 0, 0, []
    for fold in range(cr.datasets.FOLDS if info.form == "folds" else 1):
        rows = fold_of(experiment.data, fold)
        with torch.enable_grad():
            network, state = fitted(experiment, rows, seed + fold)
        epochs, parameters = (
            epochs + len(state.history),
            sum(p.numel() for p in network.parameters()),
        )
        trials.append(state.trials)
        alone = cr.IndependentColumns(network.columns)
        alone.initialize_from(rows.train)
        parts["alone"].append(alone.double().log_prob(rows.test.double()).numpy())
        for name in ("train", "valid", "test"):
            parts[name].append(network.log_prob(getattr(rows, name).double()).numpy())
        again = cells_by_reference(network, rows.test.double()).sum(1).numpy()
        apart = float(np.max([apart, *np.abs(again - parts["test"][-1])]))  # NaN if one is NaN
    if not np.isfinite(apart):
        raise FloatingPointError(f"{experiment.name}: the likelihood of some test row is no number")
    nats = {name: np.concatenate(each) for name, each in parts.items()}
    return {
        "network": experiment.network,
        "epochs": epochs,
        "parameters": parameters,
        **{f"{name}_nats": float(nats[name].mean()) for name in ("train", "valid", "test")},
        "test_standard_error": float(nats["test"].std(ddof=1) / len(nats["test"]) ** 0.5),
        "independent_test_nats": float(nats["alone"].mean()),
        "second_path": apart,
        "trials": trials,  # for each fold
        "config": {**experiment.config.to_json(), "scale_floor": SCALE_FLOOR, "parts": COMPONENTS},
    }
