"""How often 95 % intervals hold the probability of an event.

Usage: python -m benchmarks.events.coverage

Networks with random weights stand for models of a small table, all rows of which can be enumerated.
Random events are answered by paths and by pools; the truth is the exact sum. Results are in
``benchmarks/results/events.json``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks.record import write_part
from chainrule.events import Event, event_of
from chainrule.model import Model, columns_of
from chainrule.networks import NADE, OrderlessNADE
from chainrule.rng import generator_from
from chainrule.table import Binary, Categorical, Integer, Schema
from chainrule.tasks.asking import measure
from chainrule.tasks.asking.answers import Probability
from chainrule.tasks.asking.measure import Measure

MODELS, EVENTS, POOL = 40, 100, 5_000
LEAST = 1e-4  # rarer events are not asked of pools, and hardly of anybody


def schema() -> Schema:
    """Returns six columns with 2 · 4 · 8 · 3 · 10 · 2 values, and codes for unlisted labels."""
    number = {"step": 1.0, "rows": 1_000, "dtype": "int64", "spread": 2.0}
    return Schema(
        (
            Binary(name="a", levels=(0, 1), dtype="int64", rows=1_000),
            Categorical(name="b", levels=tuple("uvwx"), dtype="str", rows=1_000),
            Integer(name="c", low=0, high=7, center=3.0, least=0, most=7, **number),
            Categorical(name="d", levels=tuple("xyz"), dtype="str", rows=1_000),
            Integer(name="e", low=0, high=9, center=4.0, least=0, most=9, **number),
            Binary(name="f", levels=(0, 1), dtype="int64", rows=1_000),
        )
    )


def model(seed: int) -> Model:
    """Returns a model with random weights; every second one is orderless."""
    columns, generator = columns_of(schema(), components=3), generator_from(seed)
    network = OrderlessNADE(columns, [16]) if seed % 2 else NADE(columns, 16)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.6, generator=generator)
    return Model(schema(), network)


def words(rng: np.random.Generator) -> str:
    """Returns a random conjunction over three columns or more."""
    low, high = (np.sort(rng.integers(0, top + 1, 2)).tolist() for top in (7, 9))
    parts = {
        "a": f"a == {rng.integers(2)}",
        "b": f"b in {rng.choice(list('uvwx'), int(rng.integers(1, 4)), replace=False).tolist()}",
        "c": f"{low[0]} <= c <= {low[1]}",
        "d": f"d == '{rng.choice(list('xyz'))}'",
        "e": f"not {high[0]} < e <= {high[1]}" if rng.random() < 0.3 else f"e >= {high[0]}",
        "f": f"f == {rng.integers(2)}",
    }
    asked = rng.choice(list(parts), int(rng.integers(3, 7)), replace=False)
    return " and ".join(parts[name] for name in asked)


def answers(of: Measure, events: list[Event], few: float, most: int) -> list[Probability]:
    """Returns answers with other limits of the methods."""
    kept = measure.FEW, measure.exact.MOST_ROWS
    measure.FEW, measure.exact.MOST_ROWS = few, most  # type: ignore[assignment]
    try:
        return of.probabilities(events)
    finally:
        measure.FEW, measure.exact.MOST_ROWS = kept


def main() -> None:
    """Asks, prints and writes the shares."""
    rng = np.random.default_rng(0)
    held: dict[str, list[bool]] = {"paths": [], "pool": []}
    ratio: dict[str, list[float]] = {"paths": [], "pool": []}
    for seed in range(MODELS):
        of = Measure(model(seed), POOL)
        events = [event_of(of.model.schema, words(rng)) for _ in range(EVENTS)]
        true = [each.value for each in answers(of, events, few=0, most=10**6)]
        for method, few in (("paths", POOL), ("pool", 0)):
            found = answers(of, events, few=few, most=0)
            for p, each in zip(true, found, strict=True):
                if LEAST < p < 1 - LEAST and each.method == method:
                    low, high = each.interval()
                    held[method].append(low <= p <= high)
                    ratio[method].append((each.value - p) / max(each.standard_error, 1e-300))
    rows: list[dict[str, Any]] = [
        {
            "what": f"95 % intervals by {method}",
            "events": len(each),
            "hold the probability": float(np.mean(each)),
            "beyond four errors": int((np.abs(ratio[method]) > 4).sum()),
        }
        for method, each in held.items()
    ]
    for row in rows:
        print(row)
    print(write_part("events", "coverage", rows, models=MODELS, pool=POOL))


if __name__ == "__main__":
    main()
