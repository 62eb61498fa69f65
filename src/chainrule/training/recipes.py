"""The recipe of ``network="committee"``: NADEs of one order, or each of its own, for the likelihood of complete rows.

Rows, columns and effort decide where it begins and what it may cost. What differs from table to table more than these tell (one
order or several, how strongly to regularise, how long and how large) is tried on the validation rows, by committees of two
(``training.race``), and the committee is trained with what won. ``benchmarks/likelihood/trials.py`` measures a change of it on
validation rows of the published sets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from chainrule.training.config import FitConfig


@dataclass(frozen=True)
class Effort:
    """How much a committee may cost.

    Attributes:
        members: NADEs that sit on it.
        hidden_size: hidden units of each, to begin with.
        steps: steps of AdamW for which a member trains, on tables of so many rows that epochs are not the limit.
        epochs: passes over the training rows, at least and at most.
        race: whether the validation rows decide what the table leaves open.
    """

    members: int
    hidden_size: int
    steps: int
    epochs: tuple[int, int]
    race: bool


EFFORTS = {
    "quick": Effort(1, 100, 2_000, (4, 30), race=False),
    "standard": Effort(8, 200, 6_000, (6, 40), race=True),
    "best": Effort(16, 200, 12_000, (12, 80), race=True),
}
BATCHES = (32, 50, 100, 200)
WEIGHT_DECAY = 0.03
RACE_ROWS = 1_000_000  # with so many training rows hardly anything is learned by heart

# What a race tries, field after field: what keeps rows from being learned by heart comes before how long to train, for the best
# number of epochs depends on it more than it does on them. Of each field the steps towards the end of its ladder are tried first.
LADDERS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("input_dropout", (0.0, 0.1, 0.2, 0.3, 0.4)),
    ("weight_decay", (0.003, 0.01, 0.03, 0.1, 0.2, 0.4)),
    ("epochs", (2, 1, 0.5, 0.25)),  # times what the effort gives
    ("learning_rate", (0.25, 0.5, 1, 2)),  # times what the columns call for
    ("order", ("natural", "mutual-information")),
    ("orders", (0, 1)),  # times the members: all of one order, or each of its own
    ("hidden_size", (50, 100, 200, 400)),
)
WORTH = 5e-4  # share of −log p that is to be gained by twice the time


def likelihood(rows: int, effort: str, batch_size: int | None = None) -> dict[str, int | float]:
    """Fields of a ``FitConfig`` for a table of so many training rows; as many steps whatever the rows of a batch.

    >>> likelihood(16_000, "standard")["epochs"]
    38
    """
    chosen = EFFORTS[effort]
    batch = batch_size or next((size for size in BATCHES if rows <= 250 * size), BATCHES[-1])
    epochs = min(chosen.epochs[1], max(chosen.epochs[0], round(chosen.steps * batch / rows)))
    return {
        "hidden_size": chosen.hidden_size,
        "members": chosen.members,
        "orders": 1,
        "input_dropout": 0.0,
        "batch_size": batch,
        "epochs": epochs,
        "weight_decay": WEIGHT_DECAY,
        "patience": 0,
    }


def races(rows: int, effort: str) -> bool:
    """Whether a fit of so many training rows begins with a race."""
    return EFFORTS[effort].race and rows < RACE_ROWS


def left_open(said: FitConfig, config: FitConfig, *, keeps_order: bool = False) -> list[tuple[str, tuple[Any, ...]]]:
    """The ladders that a race is to climb: of what was not said, beginning at the recipe's configuration.

    ``keeps_order``: columns that say where others are missing stay before these, in the natural order.
    """
    settled = {field for field, _ in LADDERS if getattr(said, field) is not None}
    if keeps_order:
        settled.add("order")
    if "order" in settled:
        settled.add("orders")
    multiples: dict[str, Callable[[float], Any]] = {
        "epochs": lambda times: max(1, round(times * (config.epochs or 1))),
        "learning_rate": lambda times: times * (config.learning_rate or 1.0),
        "orders": lambda share: max(1, round(share * (config.members or 1))),
    }
    return [
        (field, tuple(dict.fromkeys(map(multiples[field], ladder))) if field in multiples else ladder)
        for field, ladder in LADDERS
        if field not in settled
    ]


def worth(nats: float, config: FitConfig, candidate: FitConfig) -> float:
    """The nats by which a candidate must be better than this configuration, which reached ``nats``: some if it takes longer.

    >>> worth(50.0, FitConfig(epochs=10, hidden_size=100), FitConfig(epochs=20, hidden_size=200))
    0.05
    """
    times = _cost(candidate) / _cost(config)
    return WORTH * abs(nats) * max(0.0, math.log2(times))


def _cost(config: FitConfig) -> int:
    return (config.epochs or 1) * (config.hidden_size or 1)


def with_what_was_said(config: FitConfig, said: FitConfig) -> FitConfig:
    """The configuration of an interrupted run, with what this one sets: where they differ, the run is another."""
    plain = FitConfig()
    told = {f.name: getattr(said, f.name) for f in fields(said) if getattr(said, f.name) != getattr(plain, f.name)}
    return replace(config, **told)
