"""The calibration of row probabilities that a fit keeps: by rows held out of training, within a share of its time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule.model import Model
from chainrule.networks import OrderlessNADE
from chainrule.rng import generator_from
from chainrule.table import Codes
from chainrule.tasks.calibrate import fit_calibration

SEED = 2  # of the choice among many rows
MOST_ROWS = 8_000  # that a calibration is made of
MOST_SCORES = 60_000  # enough
SHARE = 0.04  # of training's time, about, by what follows, which is measured
ROW, FIXED_ORDER_ROW = (
    400_000,
    100_000,
)  # parameters that are read in the time that a row takes in training beside its own
STEP = 7_500  # and in that of a step of a score
FIXED_ORDER_STEPS = 16  # of a network of one order, where an orderless one takes one a column, at most


class HeldOut:
    """Some of the rows held out, with codes in float64: training rounds them, and an atom is found by equality.

    Args:
        rows: numbers of the rows held out, in their table.
        columns: how many the schema has.
    """

    def __init__(self, rows: np.ndarray, columns: int) -> None:
        self.chosen = np.arange(len(rows))
        if len(rows) > MOST_ROWS:
            self.chosen = torch.randperm(len(rows), generator=generator_from(SEED)).numpy()[:MOST_ROWS]
        self._rows, self._values = rows[self.chosen], np.full((len(self.chosen), columns), np.nan)

    def keep(self, column: int, codes: np.ndarray) -> None:
        """Takes the rows' codes from those of a column of the whole table (N,), NaN where unknown."""
        self._values[:, column] = codes[self._rows]

    @property
    def codes(self) -> Codes:
        """What was kept."""
        known = ~np.isnan(self._values)
        return Codes(np.where(known, self._values, 0.0), known)


def calibration_of(
    model: Model, held_out: HeldOut, weight: torch.Tensor | None, min_count: int, seen: int
) -> dict[str, Any] | None:
    """The calibration as JSON; None where training was too short for one that takes a twentieth of its time.

    Args:
        model: what was trained, on the CPU.
        held_out: rows that it was not trained on.
        weight: how much each row held out counts, in the sequence of their numbers.
        min_count: over how many rows a number in the file is a mean, at least.
        seen: rows that training saw, in all epochs together.
    """
    network, width = model.network, len(model.schema.columns)
    steps = width if model.takes_any_evidence else min(width, FIXED_ORDER_STEPS)
    every = sum(parameter.numel() for parameter in network.parameters())
    inner = sum(weight.numel() for weight in network.hidden_weights) if isinstance(network, OrderlessNADE) else 0
    row = every + (ROW if model.takes_any_evidence else FIXED_ORDER_ROW)
    scores = SHARE * seen * row / (steps * (STEP + inner + (every - inner) / width))
    weights = None if weight is None else weight.double().numpy()[held_out.chosen]
    scores = int(min(scores, MOST_SCORES))
    found = fit_calibration(model, held_out.codes, min_count=min_count, weight=weights, scores=scores)
    return None if found is None else found.to_json()
