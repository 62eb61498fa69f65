"""Compares averages of late weights with the weights of the best epoch, on validation rows.

Usage: python -m benchmarks.likelihood.averaging DATA ...

The configurations are those that the recipe chose (benchmarks/results/likelihood.csv). The
committees of these data sets must have the natural order. The result of each averaged share of the
last epochs is appended to benchmarks/results/likelihood_trials.csv. Test rows are never read.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch

import chainrule as cr
from benchmarks.likelihood import results, trials
from benchmarks.record import circumstances
from chainrule.networks import Columns
from chainrule.rng import generator_from
from chainrule.training import Plan, make_state, train
from chainrule.training.batches import Rows
from chainrule.training.recipes import RECIPES
from chainrule.training.state import State
from chainrule.training.validation import validate

SHARES = (0.1, 0.2, 0.5)


def averaged(data: str, seed: int = 0) -> list[dict[str, Any]]:
    """Nats per validation row of the best epoch's weights, and of averages of late weights."""
    wanted = data, "standard", seed
    (row,) = (r for r in results.read() if (r["experiment"], r["effort"], r["seed"]) == wanted)
    plan = Plan.from_json(json.loads(row["config"]))
    if plan.order != "natural":
        raise SystemExit(
            f"{data}: its order is {plan.order}, learned from rows; name a set of the natural order"
        )
    loaded, generator = cr.datasets.load(data), generator_from(seed)
    x, x_valid = (Rows(torch.from_numpy(part).float()) for part in (loaded.train, loaded.valid))
    network = RECIPES["committee"].build(Columns.of(x.x.shape[1]), plan, None, generator)
    network.initialize_from(x.x)
    epochs: list[list[torch.Tensor]] = []

    def note(state: State) -> None:
        epochs.append([parameter.detach().clone() for parameter in state.network.parameters()])

    began = time.perf_counter()
    state = make_state(network, plan, generator)
    train(state, x, x_valid, plan, after_epoch=note, progress=False)
    found = {0.0: validate(network, x_valid)}
    for share in SHARES:
        late = epochs[-max(1, round(share * len(epochs))) :]
        with torch.no_grad():
            for parameter, *copies in zip(network.parameters(), *late, strict=True):
                parameter.copy_(torch.stack(copies).mean(0))
        found[share] = validate(network, x_valid)
    seconds, where = round(time.perf_counter() - began, 1), circumstances()
    return [
        {
            "data": data,
            "changed": json.dumps(
                {"share of the last epochs averaged": share} if share else {"epoch": "the best"}
            ),
            "network": "committee",
            "effort": "standard",
            "seed": seed,
            "valid_nats": -nats,
            "epochs": len(epochs),
            "seconds": seconds,
            "commit": where["commit"],
            "date": where["date"],
        }
        for share, nats in found.items()
    ]


def main() -> None:
    """Trains, prints the results and keeps them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="+")
    for data in parser.parse_args().data:
        for row in averaged(data):
            trials.add(row)
            print(f"{data} {row['changed']}: valid {row['valid_nats']:.3f}", flush=True)


if __name__ == "__main__":
    main()
