"""The calibration of row probabilities that a fit keeps: by rows held out of training, within a share of its time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule.model import Model
from chainrule.rng import generator_from
from chainrule.table import Codes
from chainrule.tasks.calibrate import learned

SEED = 2  # of the choice among many rows
MOST_ROWS = 8_000  # that a calibration is made of
FIXED_ORDER_STEPS = 4  # steps of a network of one order that a score takes, where an orderless one takes one a column
WORK_PER_ROW_SEEN = 2.5e4  # steps times parameters: about a twentieth of what a row costs in training, as measured
LEAST_PARAMETERS = 20_000  # of which a network without any would take the time
FREE_WORK, MOST_SCORES = 2e8, 60_000  # what takes some hundredths of a second; and what is enough


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
    width = len(model.schema.columns)
    steps = width if model.takes_any_evidence else min(width, FIXED_ORDER_STEPS)
    work = steps * (LEAST_PARAMETERS + sum(parameter.numel() for parameter in model.network.parameters()))
    scores = WORK_PER_ROW_SEEN * seen / work + min(FREE_WORK / work, 2 * seen)
    weights = None if weight is None else weight.double().numpy()[held_out.chosen]
    scores = int(min(scores, MOST_SCORES))
    found = learned(model, held_out.codes, min_count=min_count, weight=weights, scores=scores)
    return None if found is None else found.to_json()
