"""How odd rows are: sums over their cells that depend on no unit and on no column's atoms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.errors import FormatError
from chainrule.missing import is_flag
from chainrule.networks.asked import AskedCells, joined
from chainrule.table import masses
from chainrule.tasks.answer import Batch
from chainrule.tasks.explain import LN2, SAME

ORDERS, SEED = 2, 1  # orders of the columns, and the seed of all but the network's own
ROWS = 2048  # rows that are asked together
NEAR = 0.2  # half the width of a neighbourhood, in standard deviations of the column
LEAST = 1e-9  # a probability below which a difference of distribution functions has no digits
LEAST_TAIL = 1e-300


def oddness(rows: Batch) -> np.ndarray:
    """Returns two sums over the known cells of each row, (n, 2) bits.

    The first sums tails: −log2 of the probability of a value as far out as the cell's, on the
    nearer side and doubled, or for labels of one at most as likely. A value of half its mass is
    farther out, so that a bit has its own probability. Each cell has the tail given the cells
    before it, and the tail of its column alone. Two outliers of a row explain each other in the
    former, and not in the latter. A column's ε, which stands for values that it cannot hold, is
    added to every tail.

    The second sums neighbourhoods: −log2 of the probability, given the cells before it, of a value
    within 0.2 standard deviations of the cell's, or of the label. It sees what no tail shows: rare
    values between frequent ones.

    Tails and neighbourhoods are probabilities. So neither sum depends on units, nor on whether
    values repeat. Sums are means over the network's own order and a random one.

    Args:
        rows: rows for a network that takes any evidence.
    """
    return rows.each(_sums, "judging", rows=ROWS)


@dataclass(frozen=True)
class Usual:
    """What ``oddness`` usually is among rows with the same known cells, and the score from both.

    Attributes:
        center: the medians of the two sums.
        spread: their quartiles' distances, above zero.
    """

    center: tuple[float, float]
    spread: tuple[float, float]

    def __post_init__(self) -> None:
        if not np.isfinite([*self.center, *self.spread]).all() or min(self.spread) <= 0:
            raise FormatError("usual rows have two finite centers and two spreads above zero")

    @classmethod
    def of(cls, sums: np.ndarray) -> Usual:
        """Returns what is usual among rows with these sums (n, 2)."""
        low, center, high = np.quantile(sums, (0.25, 0.5, 0.75), axis=0)
        # Rows of few values may agree in most of them.
        spread = np.where(high > low, high - low, sums.std(0))
        (first, second), (one, other) = center.tolist(), np.where(spread > 0, spread, 1.0).tolist()
        return cls((first, second), (one, other))

    def score(self, sums: np.ndarray) -> np.ndarray:
        """Returns the score (n,) of rows by their sums (n, 2); lower is odder.

        It is minus the larger deviation from the center, in spreads: a row is odd if one of the two
        sums is.
        """
        return -((sums - np.array(self.center)) / np.array(self.spread)).max(1)

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {"center": list(self.center), "spread": list(self.spread)}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Usual:
        """Returns what ``to_json`` described.

        Raises:
            FormatError: the description is not one of usual rows.
        """
        try:
            (first, second), (low, high) = spec["center"], spec["spread"]
            return cls((float(first), float(second)), (float(low), float(high)))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"not a description of usual rows: {error}") from error


def _sums(rows: Batch) -> np.ndarray:
    """Returns what ``oddness`` returns, for rows that are asked together."""
    flags = torch.from_numpy(is_flag(rows.model.schema)).to(rows.x.device)
    given, asked = rows.observed & flags, rows.observed & ~flags
    cells = _Cells(rows)
    found = torch.zeros(len(rows), 2, dtype=torch.float64, device=rows.x.device)
    networks = rows.network.one_order_networks(ORDERS, SEED)
    for network in networks:
        for each in joined(network.each_in_turn(rows.x, given, asked)):
            cells.add(found, each, 1 / len(networks), near=True)
    for each in _alone(rows, given, asked):
        cells.add(found, each, 1.0, near=False)
    return found.cpu().numpy()


def _alone(rows: Batch, given: torch.Tensor, asked: torch.Tensor) -> Iterable[AskedCells]:
    """Yields p(cell | the row's flags) of every asked cell."""
    x = rows.network.columns.filled(rows.x, given)
    for column in asked.any(0).nonzero()[:, 0].tolist():
        at = asked[:, column].nonzero()[:, 0]
        # Without flags, all rows have one distribution.
        some = at if bool(given.any()) else at[:1]
        found = rows.network.distribution(x[some], column, given[some])
        if len(some) < len(at):
            found = found.repeated(len(at))
        yield AskedCells(at, torch.full_like(at, column), found)


class _Cells:
    """The cells of some rows, whose bits are added to the rows' sums."""

    def __init__(self, rows: Batch) -> None:
        schema, device = rows.model.schema, rows.x.device
        self._x = rows.network.columns.filled(rows.x, rows.observed)
        self._has_mass = torch.from_numpy(masses(schema, rows.codes.values)).to(device)
        self._near = NEAR * torch.tensor(
            [column.code_scale[1] for column in schema.columns], dtype=torch.float64, device=device
        )
        self._least = torch.tensor(
            [max(column.outside_share, LEAST_TAIL) for column in schema.columns],
            dtype=torch.float64,
            device=device,
        )

    def add(self, to: torch.Tensor, cells: AskedCells, weight: float, *, near: bool) -> None:
        """Adds the bits of cells, times a weight, to the sums (n, 2) of their rows."""
        at = cells.rows, cells.columns
        x, distribution = self._x[at], cells.distribution
        logs, width = distribution.log_prob(x), self._near[cells.columns]
        p = _tail(distribution, x, logs, self._has_mass[at]) + self._least[cells.columns]
        to[:, 0].index_add_(0, cells.rows, -weight * p.clamp(max=1).log2())
        if near:
            log_p = _log_near(distribution, x, logs, self._has_mass[at], width)
            to[:, 1].index_add_(0, cells.rows, -weight / LN2 * log_p)


def _tail(
    distribution: Distribution, x: torch.Tensor, logs: torch.Tensor, has_mass: torch.Tensor
) -> torch.Tensor:
    """Returns the probability (m,) of values as far out as x, half of x's own mass excluded."""
    own = torch.where(has_mass, logs.exp(), 0)
    if not distribution.conditional.is_ordered:
        values, weights = distribution.quadrature()
        likelier = distribution.log_prob_grid(values) > logs[:, None] + SAME
        return torch.maximum(torch.where(likelier, 0, weights).sum(1), own)
    upto = distribution.cdf(x) - own / 2
    return 2 * torch.minimum(upto, 1 - upto).clamp(min=0)


def _log_near(
    distribution: Distribution,
    x: torch.Tensor,
    logs: torch.Tensor,
    has_mass: torch.Tensor,
    width: torch.Tensor,
) -> torch.Tensor:
    """Returns the log-probability (m,) of values within a width of x; of x itself for labels."""
    if not distribution.conditional.is_ordered:
        return logs
    p = distribution.cdf(x + width) - distribution.cdf(x - width)
    # Far out, a difference of distribution functions is rounded, and the density is not.
    own = torch.where(has_mass, logs, logs + (2 * width).log()).clamp(max=math.log(LEAST))
    return torch.where(p > LEAST, p.clamp(min=LEAST).log(), own)
