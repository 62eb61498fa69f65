"""Rows drawn from the joint of a network's own order, with some cells drawn within regions.

The order is the joint's: flags of missing cells first if the network takes any evidence, then the
network's own. A cell that its flag marks as missing is not drawn, and no other cell depends on it.

Rows whose cells are equal so far share a state of the network, which computes each state once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.events import MISSING, PRESENT, Box, Levels, Region
from chainrule.missing import missing_codes, present_codes
from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.networks.walk import Walk
from chainrule.table import Schema
from chainrule.tasks.asking.states import States, distinct

# Grids with more steps than float32 counts, and densities, are drawn in float64.
MOST_STEPS = 2.0**22


@dataclass(frozen=True)
class Component:
    """A network with one order, and the joint density of rows that it gives.

    Attributes:
        schema: the columns.
        network: the network.
        flags_first: whether flags of missing cells are drawn before all other cells.
    """

    schema: Schema
    network: AbstractNetwork
    flags_first: bool

    @property
    def order(self) -> list[int]:
        """The columns in the order in which they are drawn."""
        order = self.network.order.tolist()
        if not self.flags_first:
            return order
        is_flag = [column.is_flag for column in self.schema.columns]
        return sorted(order, key=lambda column: not is_flag[column])

    def last(self, columns: Sequence[int]) -> int:
        """How many steps of the order it takes to draw these columns."""
        order = self.order
        return 1 + max((order.index(column) for column in columns), default=-1)


# By a model's network. A copy of it is kept, never the network itself.
_KEPT: WeakKeyDictionary[AbstractNetwork, dict[bool, tuple[list[Component], np.ndarray]]]
_KEPT = WeakKeyDictionary()


def kept_components(model: Model, *, exact: bool) -> tuple[list[Component], np.ndarray]:
    """Returns the components of a model's joint and their weights, made once.

    They compute in float64 if they are exact, else in the precision in which rows are drawn.
    """
    kept = _KEPT.setdefault(model.network, {})
    if exact not in kept or kept[exact][0][0].schema is not model.schema:
        kept[exact] = components_of(model, model.in_float64() if exact else network_of(model))
    return kept[exact]


def components_of(model: Model, network: AbstractNetwork) -> tuple[list[Component], np.ndarray]:
    """Returns the components of p(x), each with one order, and their weights (M,)."""
    networks, log_weight = network.row_mixture()
    flags_first = bool(model.schema.flags) and network.any_evidence
    weight = log_weight.double().exp().cpu().numpy()
    found = [Component(model.schema, each, flags_first) for each in networks]
    return found, weight / weight.sum()


def network_of(model: Model) -> AbstractNetwork:
    """Returns the network in the precision in which rows are drawn."""
    numbers = (column for column in model.schema.columns if not column.has_levels)
    fine = any(
        column.is_continuous or max(map(abs, column.typical_codes)) > MOST_STEPS
        for column in numbers
    )
    if fine or next(model.network.parameters()).dtype != torch.float32:
        return model.in_float64()
    network = model.bare()
    return network.eval() if network.training else network


def cells_of(schema: Schema, box: Box) -> dict[int, Region]:
    """Returns the regions of a box, with those of flags that say which cells are missing."""
    found: dict[int, Region] = {}
    there, gone = present_codes(schema), missing_codes(schema)
    for column, part in box.items():
        if column in there:
            flag, code = gone[column] if part is MISSING else there[column]
            names = schema.columns[flag].code_names
            found[flag] = Levels(tuple(k == code for k in range(len(names))))
        if part not in (MISSING, PRESENT):
            found[column] = part  # type: ignore[assignment]
    return found


class Cells(Protocol):
    """What a walk does with each column's distribution."""

    def cell(
        self, column: int, distribution: Distribution, state: np.ndarray, asked: np.ndarray
    ) -> np.ndarray:
        """Returns the codes (n,) of the next column.

        Args:
            column: its number.
            distribution: p(column | cells before it) of each state.
            state: int (n,), the state of each row.
            asked: bool (n,), the rows in which the cell is not missing.
        """
        ...


@torch.no_grad()
def walk(
    component: Component,
    rows: int,
    steps: int | np.ndarray,
    cells: Cells,
    given: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Visits the first columns of the order in so many rows, and returns the codes (n, D).

    Args:
        component: the network.
        rows: n.
        steps: how many columns are visited, in all rows or in each of them, (n,).
        cells: chooses the codes.
        given: codes and mask (n, D) of cells that are known from the beginning.
    """
    network, schema = component.network, component.schema
    like = next(network.parameters())
    codes = np.zeros((rows, len(schema.columns)))
    is_given = np.zeros(codes.shape, dtype=bool)
    if given is not None:
        codes[:], is_given[:] = given
    flags = np.array([column.is_flag for column in schema.columns])
    order = component.order[: int(np.max(steps, initial=0))]
    states, end = States.of(codes, is_given), np.broadcast_to(steps, rows)
    phases = [flags, ~flags] if component.flags_first else [np.ones_like(flags)]
    for phase in phases:
        visited = [column for column in order if phase[column]]
        if not visited:
            continue
        x = torch.from_numpy(codes[states.first]).to(device=like.device, dtype=like.dtype)
        known = torch.from_numpy(is_given[states.first]).to(like.device)
        visits = network.walk(network.columns.filled(x, known), known)
        gone = missing_in(schema, codes) if component.flags_first else {}
        for column in network.order.tolist():
            asked = ~is_given[:, column]
            if phase[column] and column in gone:
                asked &= ~gone[column]
            if phase[column]:
                if asked.any():
                    found = cells.cell(column, visits.distribution(column), states.of_row, asked)
                    codes[asked, column] = found[asked]
                visited.remove(column)
                is_given_now = asked
                parents = states.part(codes[:, column], end > order.index(column) + 1)
                if visited and parents is not None:
                    visits = visits.take(torch.from_numpy(parents).to(like.device))
            else:
                is_given_now = np.zeros_like(asked)
            if not visited:
                break
            _learn(visits, column, codes[states.first, column], is_given_now[states.first], like)
        is_given = is_given | phase & _drawn_in(codes, gone, order)
    return codes


def _learn(
    visits: Walk, column: int, codes: np.ndarray, asked: np.ndarray, like: torch.Tensor
) -> None:
    values = torch.from_numpy(codes.copy()).to(device=like.device, dtype=like.dtype)
    visits.learn(column, values, torch.from_numpy(asked.copy()).to(like.device))


def _drawn_in(
    codes: np.ndarray, gone: Mapping[int, np.ndarray], order: Sequence[int]
) -> np.ndarray:
    """The mask (n, D) of cells that are drawn, if all columns of the order are visited."""
    found = np.zeros(codes.shape, dtype=bool)
    found[:, list(order)] = True
    for column, missing in gone.items():
        found[missing, column] = False
    return found


def missing_in(schema: Schema, codes: np.ndarray) -> dict[int, np.ndarray]:
    """Returns, for each column with a flag, which rows (n,) of codes (n, D) lack its cell."""
    return {
        column: codes[:, flag] == code for column, (flag, code) in missing_codes(schema).items()
    }


class Draws:
    """Draws cells by uniforms, within regions in some rows, and sums the regions' log-masses.

    Args:
        schema: the columns.
        uniform: (n, D), one number on [0, 1) for each cell.
        regions: for some columns, the regions of several groups of rows, None for no restriction.
        group: int (n,), the group of each row.
        last: int (n,), the last column that each row needs, whose value need not be drawn, and the
            order of the columns; by default, all columns are drawn.
    """

    def __init__(
        self,
        schema: Schema,
        uniform: np.ndarray,
        regions: Mapping[int, Sequence[Region | None]] | None = None,
        group: np.ndarray | None = None,
        last: tuple[np.ndarray, Sequence[int]] | None = None,
    ) -> None:
        self._schema, self._uniform = schema, uniform
        self._regions = regions or {}
        self._group = np.zeros(len(uniform), np.int64) if group is None else group
        self._steps_left = None
        if last is not None:
            step = np.argsort(last[1])  # of each column
            self._step, self._steps_left = step, step[last[0]]
        self.log_weight = np.zeros(len(uniform))

    def cell(
        self, column: int, distribution: Distribution, state: np.ndarray, asked: np.ndarray
    ) -> np.ndarray:
        """See ``Cells``."""
        if self._steps_left is None:
            return self._drawn(column, distribution, state, np.arange(len(asked)), asked)
        found, step = np.zeros(len(asked)), self._step[column]
        rows = np.flatnonzero(self._steps_left > step)
        if len(rows):
            found[rows] = self._drawn(column, distribution, state[rows], rows, asked[rows])
        ending = np.flatnonzero(self._steps_left == step)
        if len(ending):
            log_mass = self._log_mass(column, distribution, state[ending], ending)
            self.log_weight[ending] += np.where(asked[ending], log_mass, 0.0)
        return found

    def _drawn(
        self,
        column: int,
        distribution: Distribution,
        state: np.ndarray,
        rows: np.ndarray,
        asked: np.ndarray,
    ) -> np.ndarray:
        """Codes (n,) of some rows; their regions' log-masses are added where they are asked."""
        uniform, regions = self._uniform[rows, column], self._regions.get(column)
        if regions is None:
            if self._schema.columns[column].has_levels:
                return draw_level(distribution, uniform, None, state)[0]
            return draw_number(distribution.take(state), uniform)
        # A region's mass is computed once for all rows of a state and a group.
        state, group, pair = self._pairs(state, rows)
        some = distribution.take(state)
        if self._schema.columns[column].has_levels:
            drawn, log_mass = draw_level(some, uniform, _table(regions)[group], pair)
        else:
            low, high = (ends[group] for ends in _ends(regions))
            drawn, log_mass = draw_within(some, uniform, low, high, pair)
        self.log_weight[rows] += np.where(asked, log_mass[pair], 0.0)
        return drawn

    def _log_mass(
        self, column: int, distribution: Distribution, state: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        """The log-masses (n,) of the regions of some rows."""
        regions = self._regions[column]
        state, group, pair = self._pairs(state, rows)
        some = distribution.take(state)
        with np.errstate(divide="ignore"):
            if self._schema.columns[column].has_levels:
                inside = torch.from_numpy(_table(regions)[group])
                p = _log_masses_of_levels(some).exp()
                return np.log((p * inside.to(p.device)).sum(1).double().cpu().numpy())[pair]
            low, high = (ends[group] for ends in _ends(regions))
            return np.log(np.exp(log_masses(some, low, high)).sum(1))[pair]

    def _pairs(
        self, state: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The states and the groups of rows, each pair (P,) once, and each row's pair (n,)."""
        groups, group = int(self._group.max(initial=0)) + 1, self._group[rows]
        first, pair = distinct(state * groups + group, (int(state.max()) + 1) * groups)
        return state[first], group[first], pair


def _table(regions: Sequence[Region | None]) -> np.ndarray:
    """Whether each code is in each group's region, bool (G, V)."""
    width = next(len(each.inside) for each in regions if isinstance(each, Levels))
    whole = Levels((True,) * width)
    return np.array([(each or whole).inside for each in regions])  # type: ignore[union-attr]


def _ends(regions: Sequence[Region | None]) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper ends (G, I) of the intervals of each group; empty ones at the end."""
    each = [
        ((-np.inf, np.inf),) if region is None else region.ends  # type: ignore[union-attr]
        for region in regions
    ]
    width = max(1, *(len(ends) for ends in each))
    low, high = np.full((len(each), width), np.inf), np.full((len(each), width), -np.inf)
    for place, ends in enumerate(each):
        for number, (first, last) in enumerate(ends):
            low[place, number], high[place, number] = first, last
    return low, high


def level_masses(distribution: Distribution) -> np.ndarray:
    """The probability of each code of a column of levels, (n, V), unlisted labels among them."""
    return _log_masses_of_levels(distribution).double().softmax(1).cpu().numpy()


def _log_masses_of_levels(distribution: Distribution) -> torch.Tensor:
    """Their logarithms (n, V), whose likelihoods add up to 1 within the rounding of their dtype."""
    logs, times = distribution.log_support(), distribution.conditional.multiplicities() or ()
    return logs + logs.new_tensor(times).log() if any(count > 1 for count in times) else logs


def draw_level(
    distribution: Distribution, uniform: np.ndarray, inside: np.ndarray | None, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draws codes (n,) of some rows of N distributions, among those inside (N, V).

    It returns the log-mass (N,) of the codes inside, too.
    """
    p = _log_masses_of_levels(distribution).exp()
    if inside is not None:
        p = p * torch.from_numpy(inside).to(p.device)
    ends, at = p.cumsum(1), torch.from_numpy(rows).to(p.device)
    within = _like(distribution, uniform)[:, None] * ends[at, -1:]
    drawn = torch.searchsorted(ends[at], within, right=True)
    drawn = drawn.clamp(max=p.shape[1] - 1)[:, 0]
    # Rounding may reach beyond the last code that is possible.
    is_off = (p[at, drawn] == 0).nonzero()[:, 0]
    if len(is_off):
        possible = p[at[is_off]] > 0
        drawn[is_off] = p.shape[1] - 1 - possible.flip(1).to(torch.uint8).argmax(1)
    with np.errstate(divide="ignore"):
        return drawn.double().cpu().numpy(), np.log(p.sum(1).double().cpu().numpy())


def draw_number(distribution: Distribution, uniform: np.ndarray) -> np.ndarray:
    """Draws codes (n,) of numbers."""
    drawn = distribution.draw(_like(distribution, uniform, torch.float64))
    return drawn.double().cpu().numpy()


def log_masses(distribution: Distribution, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The log-mass of each of several intervals of numbers, (n, I); −∞ of an empty one."""
    found = []
    for first, last in zip(low.T, high.T, strict=True):
        is_empty = first > last
        ends = np.where(is_empty, -np.inf, first), np.where(is_empty, np.inf, last)
        logs = distribution.log_between(*(_like(distribution, end) for end in ends))
        found.append(np.where(is_empty, -np.inf, logs.double().cpu().numpy()))
    return np.minimum(np.stack(found, axis=1), 0.0)


def draw_within(
    distribution: Distribution,
    uniform: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    rows: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws codes (n,) of some rows of N distributions, within a union of intervals (N, I).

    It returns the log-mass (N,) of the union, too.
    """
    if low.shape[1] == 1 and (low <= high).all():
        return _drawn(distribution, uniform, low[:, 0], high[:, 0], rows)
    p = np.exp(log_masses(distribution, low, high))
    ends = p.cumsum(1)
    mass, each, below = ends[:, -1], np.arange(len(uniform)), (ends - p)[rows]
    at = np.minimum((uniform * mass[rows] >= ends[rows, :-1].T).sum(0), p.shape[1] - 1)
    at = np.where(p[rows, at] > 0, at, p.argmax(1)[rows])
    with np.errstate(divide="ignore", invalid="ignore"):
        left = (uniform * mass[rows] - below[each, at]) / p[rows, at]
        left = np.clip(np.nan_to_num(left, nan=0.5), 1e-16, 1 - 2**-53)
        some = distribution.take(rows)
        drawn, _ = _drawn(some, left, low[rows, at], high[rows, at], each)
        return drawn, np.log(mass)


def _drawn(
    distribution: Distribution,
    uniform: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    rows: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws codes (n,) of some rows within intervals (N,), and returns these' log-masses (N,)."""
    within = distribution.within(_like(distribution, low), _like(distribution, high))
    at = torch.from_numpy(rows).to(within.log_mass.device)
    drawn = within.draw(_like(distribution, uniform), at).double().cpu().numpy()
    drawn = np.where(np.isfinite(drawn), drawn, distribution.conditional.placeholder)
    return drawn, np.minimum(within.log_mass.double().cpu().numpy(), 0.0)


def _like(
    distribution: Distribution, array: np.ndarray, dtype: torch.dtype | None = None
) -> torch.Tensor:
    params = distribution.params
    return torch.from_numpy(np.ascontiguousarray(array)).to(
        device=params.device, dtype=dtype or params.dtype
    )
