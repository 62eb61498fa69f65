"""The distribution of dates on a calendar: weekdays, days of the month, and times of day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.discretized import DiscretizedLogisticMixture, log_one_minus_exp
from chainrule.conditionals.encodings import Standardised
from chainrule.conditionals.mixtures import LogisticMixture
from chainrule.errors import ShapeError, whole_number

WEEKDAYS, MONTH_DAYS = 7, 31
THURSDAY = 3  # 1970-01-01; Monday is 0
NODES, LEAST_NODES = 256, 32  # quadrature points: usually, and if thinned most
MOST_DAYS = 12_000  # of the months whose days have weights
AT_ONCE = 2**16  # days of all rows that are computed together, to bound memory
# Initial weights need so many days of deviation; else location and scale explain the weekdays.
ENOUGH_DAYS = 30.0
SMOOTHING = 0.1  # rows added to each count behind an initial weight


@dataclass(frozen=True)
class _Table:
    """The M months of a range.

    Attributes:
        begins: first days of the months, and of the month after, (M + 1,).
        edges: where each day begins, in standardised units of the mixture, (M, 32).
        weekday: the weekday of each day, (M, 31).
        is_last: 1 for the last day of each month, (M, 31).
        pad: 0 for days of the month, −inf for those after it, (M, 31).
    """

    begins: torch.Tensor
    edges: torch.Tensor
    weekday: torch.Tensor
    is_last: torch.Tensor
    pad: torch.Tensor


@dataclass(frozen=True)
class Calendar(AbstractConditional):
    """Dates on a grid of a day, or of ``slots`` equal parts of a day; the parts count as codes.

    A mixture of logistics gives the mass m(day) of each day. Within a month, days are weighted:

        p(day) = M · m(day) e^w(day) / Σ_{other days of the month} m e^w,   M = Σ_{the month} m,

    where w is a sum of weights of the weekday, of the day of the month, and of the month's last
    day, all of them parameters. So each month keeps the mass M of the mixture, and one month is
    summed for each date, however long the range. Months outside the range have m alone. The time
    of day has p(bin | day) = softmax of a logit for each of ``bins`` parts of a day, all of whose
    slots are equally likely.

    Args:
        base: the mixture over days, counted from ``first``.
        first: the day of code 0, in days since 1970-01-01.
        low, high: the first and last day of the range, counted from ``first``; whole months around
            them have weights.
        slots: grid points of a day.
        bins: parts of a day with a logit of their own, a divisor of ``slots``; 1 for none.

    Examples:
        >>> march = Calendar(DiscretizedLogisticMixture(1, spread=9.0), 19783, 0, 30)
        >>> params = torch.zeros(1, march.param_width)
        >>> params[0, 3 + 6] = 2.0  # Sundays are about e² times as likely as other days
        >>> logs = march.log_prob(params.expand(2, -1), torch.tensor([1.0, 2.0]))
        >>> float(logs[1] - logs[0]).__round__(2)
        1.98
    """

    base: DiscretizedLogisticMixture
    first: int
    low: int
    high: int
    slots: int = 1
    bins: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.base, DiscretizedLogisticMixture):
            raise ShapeError(f"base = {self.base!r}: pass a DiscretizedLogisticMixture of days")
        for name in ("slots", "bins"):
            whole_number(getattr(self, name), name, least=1, what="a whole number of parts")
        if self.slots % self.bins:
            raise ShapeError(f"bins = {self.bins}: pass a divisor of slots = {self.slots}")
        if not self.low <= self.high:
            raise ShapeError(f"low = {self.low} is above high = {self.high}")
        begins = month_begins()
        if not begins[0] <= self.first + self.low <= self.first + self.high < begins[-1]:
            raise ShapeError(
                f"days {self.first + self.low} to {self.first + self.high} are not of the years "
                "1 to 9999"
            )
        if self.high - self.low > MOST_DAYS:
            raise ShapeError(
                f"low = {self.low} to high = {self.high}: pass a range of at most {MOST_DAYS} days"
            )

    @cached_property
    def _months(self) -> np.ndarray:
        """The first days of the months in the range, and of the month after, from ``first``."""
        begins = month_begins()
        low = np.searchsorted(begins, self.first + self.low, side="right") - 1
        high = np.searchsorted(begins, self.first + self.high, side="right")
        return begins[low : high + 1] - self.first

    @cached_property
    def _table(self) -> _Table:
        begins = torch.from_numpy(self._months)
        j, length = torch.arange(MONTH_DAYS + 1), begins.diff()[:, None]
        days = begins[:-1, None] + j
        return _Table(
            begins=begins,
            edges=(days.double() - 0.5 - self.base.center) / self.base.spread,
            weekday=(days[:, :-1] + (self.first + THURSDAY)).remainder(WEEKDAYS),
            is_last=(j[:-1] == length - 1).double(),
            pad=torch.where(j[:-1] < length, 0.0, -torch.inf).double(),
        )

    @property
    @override
    def is_discrete(self) -> bool:
        return True

    @property
    @override
    def component_count(self) -> int:
        return self.base.component_count

    @property
    @override
    def param_width(self) -> int:
        """The base's, a weight for each weekday, day of a month and the last, a logit per bin."""
        times = self.bins if self.bins > 1 else 0
        return self.base.param_width + WEEKDAYS + MONTH_DAYS + 1 + times

    @override
    def encoding(self) -> Standardised:
        """The standardised value, not clamped to a range."""
        return Standardised(self.base.center * self.slots, self.base.spread * self.slots)

    @override
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log p(day) + log p(time | day); −inf if x is no integer."""
        days, weights, times = self._split(params)
        day = (x / self.slots).floor()
        slot = x - day * self.slots
        month, inside = self._month_of(day)
        own = (day - self._begin(month)).clamp(0, MONTH_DAYS - 1).long()
        if params.ndim > 1 and params.shape[-2] == 1 and x.shape[-1] > len(self._months):
            # Many dates share their parameters: each month is summed once.
            every = torch.arange(len(self._months) - 1, device=x.device)
            every = every.expand(*params.shape[:-2], -1)
            logs = self._log_p(days, weights, every).flatten(-2)
            at = month * MONTH_DAYS + own
            logs = logs.expand(*at.shape[:-1], -1).gather(-1, at)
        else:
            base, logits = self._month(days, weights, month)
            logs = logits.gather(-1, own[..., None])[..., 0]
            logs = logs - logits.logsumexp(-1) + base.logsumexp(-1)
        if not inside.all():
            logs = torch.where(inside, logs, self.base.log_prob(days, day))
        if times is not None:
            which = (slot / self._per_bin).floor().clamp(0, self.bins - 1).long()[..., None]
            logs = logs + times.expand(*which.shape[:-1], -1).gather(-1, which)[..., 0]
        if self._per_bin > 1:
            logs = logs - math.log(self._per_bin)
        return torch.where(x == x.round(), logs, -torch.inf)

    @override
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """The uniform draws a month by the mixture; its rest a day of the month, and a time.

        The temperature divides all logits and multiplies the scales.
        """
        days, weights, times = self._split(params.double())
        drawn, component, u = self._drawn(days, uniforms.double(), temperature)
        month, inside = self._month_of(drawn)
        rest = self._share_of_month(component, month, u)
        logits = self._month(days, weights, month)[1] / temperature
        j, rest = _chosen(logits.softmax(-1), rest)
        day = torch.where(inside, self._begin(month) + j, drawn)
        # A day outside the range leaves no rest: it takes the digits that the day did not need.
        rest = torch.where(inside, rest, (u * 2**20).frac())
        slot = torch.zeros_like(day)
        if self.slots > 1:
            p = (
                torch.ones_like(rest)[..., None]
                if times is None
                else (times / temperature).softmax(-1)
            )
            which, rest = _chosen(p.expand(*rest.shape, -1), rest)
            slot = which * self._per_bin + (rest * self._per_bin).floor()
        return (day * self.slots + slot).to(params.dtype)

    @override
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """The mixture's mean, moved by the weights of each month, plus the mean time."""
        flat = params.reshape(-1, params.shape[-1])
        moved = torch.cat([self._moved(part) for part in flat.split(self._rows_at_once)])
        days, _, times = self._split(params)
        mean = self.base.mean(days) + moved.reshape(params.shape[:-1])
        time = torch.full_like(mean, (self.slots - 1) / 2)
        if times is not None:
            middles = torch.arange(self.bins, dtype=params.dtype, device=params.device)
            middles = middles * self._per_bin + (self._per_bin - 1) / 2
            time = (times.exp() * middles).sum(-1)
        return mean * self.slots + time

    @override
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The most probable of the best days in the months of the locations, at its best time."""
        days, weights, times = self._split(params)
        tried = self._continuous.from_standard(self._continuous.bind(days).location).round()
        month, inside = self._month_of(tried)  # (..., K)
        logits = self._month(days[..., None, :], weights[..., None, :], month)[1]
        tried = torch.where(inside, self._begin(month) + logits.argmax(-1), tried) * self.slots
        if times is not None:
            tried = tried + times.argmax(-1)[..., None] * self._per_bin
        best = self.log_prob(params[..., None, :], tried).argmax(-1, keepdim=True)
        return tried.gather(-1, best)[..., 0]

    @override
    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        days, weights, times = self._split(params)
        x = x.floor()
        day = (x / self.slots).floor()
        month, inside = self._month_of(day)
        below, p = self._up_to(days, weights, month)
        own = (day - self._begin(month)).clamp(0, MONTH_DAYS - 1).long()[..., None]
        plain = self.base.log_prob(days, day).exp()
        below = torch.where(inside, below.gather(-1, own)[..., 0], self.base.cdf(days, day - 1))
        p = torch.where(inside, p.gather(-1, own)[..., 0], plain)
        return below + p * self._time_cdf(times, x - day * self.slots)

    @override
    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """A month by the mixture's quantile, then a day and a time by what q leaves to them."""
        days, weights, times = self._split(params)
        q = q.to(params.dtype)
        plain = self.base.quantile(days, q)
        month, inside = self._month_of(plain)
        below, p = self._up_to(days, weights, month)
        own = ((below + p) < q[..., None]).sum(-1, keepdim=True)
        own = torch.minimum(own, self._length(month)[..., None].long() - 1)
        day = torch.where(inside, self._begin(month) + own[..., 0], plain)
        below = torch.where(inside, below.gather(-1, own)[..., 0], self.base.cdf(days, plain - 1))
        p = torch.where(inside, p.gather(-1, own)[..., 0], self.base.log_prob(days, plain).exp())
        return day * self.slots + self._time_quantile(times, (q - below) / p)

    @override
    def quadrature(
        self, params: torch.Tensor, thinned: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Quantiles at evenly spaced levels, of equal weights, 256 or fewer."""
        nodes = max(LEAST_NODES, NODES // thinned)
        levels = (torch.arange(nodes, dtype=torch.float64, device=params.device) + 0.5) / nodes
        flat = params.reshape(-1, params.shape[-1])
        values = [self._at_levels(part, levels) for part in flat.split(self._rows_at_once)]
        values = torch.cat(values).to(params.dtype).reshape(*params.shape[:-1], nodes)
        return values, torch.full_like(values, 1 / nodes)

    @override
    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The mixture's bound outside the range; 0 within, where unlikely days lie among others."""
        day = (x / self.slots).floor()
        inside = self._month_of(day)[1]
        return torch.where(inside, 0.0, self.base.tail_bound(self._split(params)[0], day))

    @override
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """The mixture's start, and the logs of smoothed counts relative to those of all days.

        Counts of dates within a few weeks say nothing about weekdays, and give no weights.
        """
        day = (x.double() / self.slots).floor()
        base = self.base.initial_params(day)
        month, inside = self._month_of(day)
        weekday = (day + self.first + THURSDAY).remainder(WEEKDAYS)
        lengths = torch.from_numpy(np.diff(self._months))
        has = (torch.arange(MONTH_DAYS)[:, None] < lengths).double().mean(1)
        of_month = has / has.sum()
        parts = [
            _log_ratios(weekday, WEEKDAYS, torch.full((WEEKDAYS,), 1 / WEEKDAYS), inside),
            _log_ratios(day - self._begin(month), MONTH_DAYS, of_month, inside),
        ]
        is_enough = (day.std(0, unbiased=False) >= ENOUGH_DAYS).double()[:, None]
        parts = [part * is_enough for part in parts]
        parts.append(torch.zeros(x.shape[1], 1, dtype=torch.float64))
        if self.bins > 1:
            which = ((x.double() - day * self.slots) / self._per_bin).floor()
            even = torch.full((self.bins,), 1 / self.bins)
            parts.append(_log_ratios(which, self.bins, even, torch.ones_like(inside)))
        return torch.cat([base.to(x.dtype), *(part.to(x.dtype) for part in parts)], dim=1)

    @override
    def support(self) -> None:
        return

    @property
    @override
    def placeholder(self) -> float:
        return self.base.placeholder * self.slots

    # Days

    @cached_property
    def _continuous(self) -> LogisticMixture:
        base = self.base
        return LogisticMixture(base.components, base.center, base.spread, base.least_scale)

    @property
    def _per_bin(self) -> int:
        return self.slots // self.bins

    @property
    def _rows_at_once(self) -> int:
        days = MONTH_DAYS * len(self._months) * self.component_count
        return max(1, AT_ONCE // days)

    def _split(
        self, params: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """The parameters of the mixture, the weights, and log p of the bins if any."""
        width, weights = self.base.param_width, WEEKDAYS + MONTH_DAYS + 1
        times = params[..., width + weights :]
        return (
            params[..., :width],
            params[..., width : width + weights],
            F.log_softmax(times, dim=-1) if self.bins > 1 else None,
        )

    def _month_of(self, day: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The number (...) of the month of each day (...), and whether it is in the range."""
        begins = self._table.begins.to(day)
        found = torch.searchsorted(begins, day.detach().contiguous(), right=True) - 1
        return found.clamp(0, len(begins) - 2), (day >= begins[0]) & (day < begins[-1])

    def _begin(self, month: torch.Tensor) -> torch.Tensor:
        """The first day (...) of each month."""
        return self._table.begins.to(month.device)[month]

    def _length(self, month: torch.Tensor) -> torch.Tensor:
        return self._begin(month + 1) - self._begin(month)

    def _month(
        self, days: torch.Tensor, weights: torch.Tensor, month: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """log m and log m + w of the days of months (...), (..., 31); −inf after the last."""
        table, bound = self._table, self._continuous.bind(days)
        edges = table.edges.to(days)[month][..., None]  # (..., 32, 1)
        z = (edges - bound.location[..., None, :]) / bound.scale[..., None, :]  # (..., 32, K)
        below = F.logsigmoid(z)
        each = bound.log_weight + log_one_minus_exp(-1 / (self.base.spread * bound.scale))
        # As in DiscretizedLogisticMixture, by log σ(−z) = log σ(z) − z.
        logs = each[..., None, :] + below[..., 1:, :] + (below - z)[..., :-1, :]
        base = logs.logsumexp(-1) + table.pad.to(days)[month]
        return base, base + self._weights(weights, month)

    def _weights(self, weights: torch.Tensor, month: torch.Tensor) -> torch.Tensor:
        """The weights w of the days of months (...), (..., 31)."""
        table = self._table
        weekday = table.weekday.to(month.device)[month]
        weekdays, month_days, last = weights.split([WEEKDAYS, MONTH_DAYS, 1], dim=-1)
        weight = weekdays.expand(*weekday.shape[:-1], -1).gather(-1, weekday)
        return weight + month_days + last * table.is_last.to(weights)[month]

    def _log_p(
        self, days: torch.Tensor, weights: torch.Tensor, month: torch.Tensor
    ) -> torch.Tensor:
        """log p of the days of months (...), (..., 31); −inf after the last."""
        base, logits = self._month(days, weights, month)
        return logits.log_softmax(-1) + base.logsumexp(-1, keepdim=True)

    def _up_to(
        self, days: torch.Tensor, weights: torch.Tensor, month: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """P(before the day) and p(day) of the days of months (...), (..., 31)."""
        base, logits = self._month(days, weights, month)
        p = logits.softmax(-1) * base.logsumexp(-1, keepdim=True).exp()
        before = self.base.cdf(days, (self._begin(month) - 1).to(days.dtype))
        return before[..., None] + p.cumsum(-1) - p, p

    def _whole(self, params: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """All days of the range (W,), with p of each row (R, W), 0 after a month's last.

        Differences of the cdf are fast, and exact to about 1e-16 e^(largest weight).
        """
        days, weights, _ = self._split(params)
        month = torch.arange(len(self._months) - 1, device=params.device)
        j = torch.arange(MONTH_DAYS + 1, device=params.device)
        ends = self._begin(month)[:, None] + torch.minimum(j, self._length(month)[:, None]) - 1
        bound = self._continuous.bind(days[:, None, None])
        z = (ends.to(days.dtype) + 0.5 - self.base.center) / self.base.spread
        m = self._continuous.standard_cdf(bound, z).diff(dim=-1)  # (R, months, 31)
        weight = self._weights(weights[:, None], month.expand(len(params), -1))
        weighted = m * (weight - weight.amax(-1, keepdim=True)).exp()
        total = weighted.sum(-1, keepdim=True).clamp(min=torch.finfo(m.dtype).tiny)
        p = weighted * (m.sum(-1, keepdim=True) / total)
        day = self._begin(month)[:, None] + j[:MONTH_DAYS]
        return day.flatten(), p.flatten(1)

    def _moved(self, params: torch.Tensor) -> torch.Tensor:
        """How much the weights move the mean day of each row, (R,)."""
        days, weights, _ = self._split(params)
        month = torch.arange(len(self._months) - 1, device=params.device)
        base, logits = self._month(days[:, None], weights[:, None], month.expand(len(params), -1))
        mass = base.logsumexp(-1, keepdim=True).exp()
        j = torch.arange(MONTH_DAYS, device=params.device)
        return ((logits.softmax(-1) * mass - base.exp()) * (self._begin(month)[:, None] + j)).sum(
            (1, 2)
        )

    def _at_levels(self, params: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        """The quantiles (R, Q) at levels (Q,), from the masses of all days of the range."""
        params = params.double()
        days, _, times = self._split(params)
        day, p = self._whole(params)
        before = self.base.cdf(days, (day[:1] - 1).double().expand(len(params)))
        upto = before[:, None] + p.cumsum(1)
        level = levels.expand(len(params), -1).contiguous()
        at = torch.searchsorted(upto, level).clamp(max=len(day) - 1)
        rest = (level - upto.gather(1, at) + p.gather(1, at)) / p.gather(1, at)
        found = day[at] * self.slots + self._time_quantile(
            None if times is None else times[:, None], rest
        )
        outside = (level <= before[:, None]) | (level > upto[:, -1:])
        if outside.any():
            row = outside.nonzero()[:, 0]
            found[outside] = self.quantile(params[row], level[outside])
        return found

    # Draws

    def _drawn(
        self, days: torch.Tensor, uniforms: torch.Tensor, temperature: float
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
        """A day of the mixture, the location and scale of its component, and its level there."""
        bound = self._continuous.bind(days, temperature)
        k, u = _chosen(bound.log_weight.exp(), uniforms)
        location = bound.location.gather(-1, k[..., None])[..., 0]
        scale = bound.scale.gather(-1, k[..., None])[..., 0]
        u = u.clamp(min=torch.finfo(torch.float64).tiny)  # 0 has no finite quantile
        day = self._continuous.from_standard(location + scale * torch.logit(u))
        return (day + 0.5).floor(), (location, scale), u

    def _share_of_month(
        self, component: tuple[torch.Tensor, torch.Tensor], month: torch.Tensor, u: torch.Tensor
    ) -> torch.Tensor:
        """The share (...) of a component's mass in a month that lies below its level u (...)."""
        location, scale = component
        ends = [self._begin(month) - 0.5, self._begin(month + 1) - 0.5]
        z = [((end - self.base.center) / self.base.spread - location) / scale for end in ends]
        # In the upper half, shares are those of the mass above, which does not cancel.
        upper, sign = u > 0.5, torch.where(u > 0.5, -1.0, 1.0)
        low, high = (torch.sigmoid(sign * each) for each in z)
        level = torch.where(upper, 1 - u, u)
        return ((level - low) / (high - low)).nan_to_num(0.5).clamp(0, 1 - 2**-53)

    # Times

    def _time_cdf(self, times: torch.Tensor | None, slot: torch.Tensor) -> torch.Tensor:
        """P(slot of the day <= slot), (...)."""
        if times is None:
            return (slot + 1) / self.slots
        p = times.exp()
        which = (slot / self._per_bin).floor()
        at = which.clamp(0, self.bins - 1).long()[..., None]
        p = p.expand(*slot.shape, -1)
        below = (p.cumsum(-1) - p).gather(-1, at)[..., 0]
        return below + p.gather(-1, at)[..., 0] * (slot - which * self._per_bin + 1) / self._per_bin

    def _time_quantile(self, times: torch.Tensor | None, level: torch.Tensor) -> torch.Tensor:
        """The smallest slot (...) of the day whose cdf is at least the level (...)."""
        if times is None:
            return ((level * self.slots).ceil() - 1).clamp(0, self.slots - 1)
        p = times.exp().expand(*level.shape, -1)
        upto = p.cumsum(-1)
        which = (upto < level[..., None]).sum(-1, keepdim=True).clamp(max=self.bins - 1)
        below, own = (upto - p).gather(-1, which)[..., 0], p.gather(-1, which)[..., 0]
        inside = (((level - below) / own * self._per_bin).ceil() - 1).clamp(0, self._per_bin - 1)
        return which[..., 0] * self._per_bin + inside


@lru_cache(maxsize=1)
def month_begins() -> np.ndarray:
    """The first day of each month from year 1 to 10000, in days since 1970-01-01."""
    months = np.arange(np.datetime64("0001-01"), np.datetime64("10000-02"))
    return months.astype("datetime64[D]").astype(np.int64)


def _chosen(p: torch.Tensor, uniform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The index (...) that a uniform (...) selects by p (..., V), and the rest of the uniform."""
    ends = p.cumsum(-1)
    index = (uniform[..., None] >= ends[..., :-1]).sum(-1, keepdim=True)
    last = (p > 0).long().cumsum(-1).argmax(-1, keepdim=True)  # rounding may pass the last one
    index = torch.minimum(index, last)
    own = p.gather(-1, index)
    rest = (uniform[..., None] - ends.gather(-1, index) + own) / own
    return index[..., 0], rest[..., 0].clamp(0, 1 - 2**-53)


def _log_ratios(
    index: torch.Tensor, size: int, share: torch.Tensor, counted: torch.Tensor
) -> torch.Tensor:
    """log of counted rows of each index (N, D) over those of its share, smoothed, (D, size)."""
    hit = (index[..., None] == torch.arange(size)) & counted[..., None]  # (N, D, size)
    rows = counted.sum(0).double()[:, None]
    return ((hit.sum(0) + SMOOTHING) / (rows * share + SMOOTHING)).log()
