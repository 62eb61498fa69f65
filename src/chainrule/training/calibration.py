"""What held-out rows say beside nats, within a share of the time of training.

They calibrate the probabilities of rows, and give the figures with which other rows are compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule.model import Model
from chainrule.rng import generator_from
from chainrule.table import Codes
from chainrule.tasks.calibrate import fit_calibration
from chainrule.tasks.drift import figures_of_held_out
from chainrule.tasks.intervals import CELLS, fit_intervals

# A choice of MOST_ROWS among more held-out rows has this seed. More than MOST_SCORES scores do not
# make a calibration better.
SEED, MOST_ROWS, MOST_SCORES = 2, 8_000, 60_000

# How many times as long as its score a row's oddness takes.
ODDNESS = 3
# Calibration takes about this share of the time of training, by the measured costs below. Costs are
# counted in parameters that could be read in the same time.
SHARE = 0.04
# The cost of a training row, besides its parameters: of an orderless network, and of a fixed order.
ROW, FIXED_ORDER_ROW = 400_000, 100_000
# The cost of one step of a score. An orderless network takes a step for each column, a fixed order
# at most FIXED_ORDER_STEPS.
STEP, FIXED_ORDER_STEPS = 7_500, 16


# The surprise of cells given the rest of their rows takes about this share, or that of so many
# cells.
SURPRISE_SHARE, LEAST_SURPRISED = 0.006, 3_000
# Levels of intervals take about this share. A score is worth so many cells for each share of hidden
# ones.
INTERVAL_SHARE, INTERVAL_CELLS = 0.006, 2


class HeldOut:
    """Some of the held-out rows, with codes in float64.

    Training rounds codes to float32, but atoms are found by equality.

    Args:
        rows: the numbers of the held-out rows in their table.
        columns: the number of columns of the schema.
    """

    def __init__(self, rows: np.ndarray, columns: int) -> None:
        self.chosen = np.arange(len(rows))
        if len(rows) > MOST_ROWS:
            self.chosen = torch.randperm(len(rows), generator=generator_from(SEED)).numpy()[
                :MOST_ROWS
            ]
        self._rows, self._values = rows[self.chosen], np.full((len(self.chosen), columns), np.nan)

    def keep(self, column: int, codes: np.ndarray) -> None:
        """Keeps the rows' codes of a column, given all of its codes (N,), NaN where unknown."""
        self._values[:, column] = codes[self._rows]

    @property
    def codes(self) -> Codes:
        """The codes kept so far."""
        observed = ~np.isnan(self._values)
        return Codes(np.where(observed, self._values, 0.0), observed)


def calibration_of(
    model: Model,
    held_out: HeldOut,
    weight: torch.Tensor | None,
    min_count: int,
    trained_rows: int,
    *,
    most_scores: int | None = None,
) -> dict[str, Any] | None:
    """The calibration as JSON, or None if training was so short that its share of time allows none.

    Args:
        model: the trained model, on the CPU.
        held_out: rows that it was not trained on.
        weight: how much each held-out row counts, in the order of the row numbers.
        min_count: each number in the file is a mean over at least so many rows.
        trained_rows: how many rows training has read, in all epochs together.
        most_scores: at most so many scores, because of a time limit.
    """
    most = scores_within(model, trained_rows, SHARE, most_scores)
    weights = None if weight is None else weight.double().numpy()[held_out.chosen]
    scores = int(min(most / (ODDNESS if model.any_evidence else 1), MOST_SCORES))
    found = fit_calibration(
        model, held_out.codes, min_count=min_count, weight=weights, scores=scores
    )
    return None if found is None else found.to_json()


def figures_of(
    model: Model,
    held_out: HeldOut,
    min_count: int,
    trained_rows: int,
    *,
    most_scores: int | None = None,
) -> dict[str, Any] | None:
    """The figures of held-out rows with which ``drift`` compares others, as JSON.

    They are None if there are too few rows. The surprise of cells takes most of the time. It is
    that of fewer rows if training was short.

    Args:
        model: the trained model, on the CPU.
        held_out: rows that it was not trained on.
        min_count: each number in the file is one of at least so many rows.
        trained_rows: how many rows training has read, in all epochs together.
        most_scores: of at most so many rows, because of a time limit.
    """
    rows = scores_within(model, trained_rows, SURPRISE_SHARE, most_scores)
    rows = int(max(LEAST_SURPRISED // len(model.schema.columns), rows))
    found = figures_of_held_out(model, held_out.codes, min_count=min_count, surprised=rows)
    return None if found is None else found.to_json()


def intervals_of(
    model: Model,
    held_out: HeldOut,
    min_count: int,
    trained_rows: int,
    *,
    most_scores: int | None = None,
) -> dict[str, Any] | None:
    """The levels at which intervals hold the shares of numbers that they name, as JSON.

    They are None without numbers, or if training was short.

    Args:
        model: the trained model, on the CPU.
        held_out: rows that it was not trained on.
        min_count: each level is a mean over the ranks of at least so many rows.
        trained_rows: how many rows training has read, in all epochs together.
        most_scores: at most as much work as so many scores, because of a time limit.
    """
    scores = scores_within(model, trained_rows, INTERVAL_SHARE, most_scores)
    cells = int(min(CELLS, INTERVAL_CELLS * scores))
    found = fit_intervals(model, held_out.codes, min_count=min_count, cells=cells)
    return None if found is None else found.to_json()


def scores_within(model: Model, trained_rows: int, share: float, most: int | None) -> float:
    """How many rows the model scores in a share of the time of training, at most ``most``.

    Args:
        model: the trained model.
        trained_rows: how many rows training has read, in all epochs together.
        share: of the time of training.
        most: as many as a time limit allows; None if there is none.
    """
    network, width = model.network, len(model.schema.columns)
    steps = width if model.any_evidence else min(width, FIXED_ORDER_STEPS)
    every = sum(parameter.numel() for parameter in network.parameters())
    inner = network.numbers_each_step()
    row = every + (ROW if model.any_evidence else FIXED_ORDER_ROW)
    found = share * trained_rows * row / (steps * (STEP + inner + (every - inner) / width))
    return found if most is None else min(found, most)
