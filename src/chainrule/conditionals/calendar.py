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
from chainrule.conditionals.between import log_one_minus_exp
from chainrule.conditionals.components import BoundComponents
from chainrule.conditionals.discretized import DiscretizedLogisticMixture
from chainrule.conditionals.encodings import Standardised
from chainrule.conditionals.mixtures import choose_component
from chainrule.conditionals.ranges import clamped
from chainrule.errors import ShapeError, whole_number

WEEKDAYS, MONTH_DAYS = 7, 31
THURSDAY = 3  # 1970-01-01; Monday is 0
NODES, LEAST_NODES = 160, 32  # quadrature points: usually, and if thinned most
MOST_DAYS = 12_000  # of the months whose days have weights
AT_ONCE = 2**20  # days of all rows that are computed together, to bound memory
# Initial weights need so many days of deviation; else location and scale explain the weekdays.
ENOUGH_DAYS = 30.0
LEAST_SHARE = 1e-9  # of a month that a level takes at least, so that it lies on a day with mass
TINY = 1e-37  # a normal number of float32, in the place of sums that are 0
LEAST_WEIGHT = -60.0  # relative to the largest, where weights are exponentiated
SMOOTHING = 0.1  # rows added to each count behind an initial weight
FEW = 5  # rows; fewer count as none, so that initial weights tell of no single row


@dataclass(frozen=True)
class _Table:
    """The M months of a range.

    Attributes:
        begins: first days of the months, and of the month after, (M + 1,).
        weekday: the weekday of each day, (M, 31).
        is_last: 1 for the last day of each month, (M, 31).
        pad: 0 for days of the month within the bounds, −inf for others, (M, 31).
    """

    begins: torch.Tensor
    weekday: torch.Tensor
    is_last: torch.Tensor
    pad: torch.Tensor


@dataclass(frozen=True)
class Calendar(AbstractConditional):
    """Dates on a grid of a day, or of ``slots`` equal parts of a day; the parts count as codes.

    A mixture of logistics gives the mass m(day) of each day. Within a month, days are weighted:

        p(day) = M · m(day) e^w(day) / Σ_{days of the month} m e^w,   M = Σ_{days of the month} m,

    where w is a sum of weights of the weekday, of the day of the month, and of the month's last
    day, all of them parameters. So each month keeps the mass M of the mixture, and one month is
    summed for each date, however long the range. Months outside the range have m alone. The time
    of day has p(bin | day) = softmax of a logit for each of ``bins`` parts of a day, all of whose
    slots are equally likely.

    Args:
        base: the mixture over days, counted from ``first``. Its bounds are the first and the last
            possible day.
        first: the day of code 0, in days since 1970-01-01.
        low: the first day of the range, counted from ``first``; its whole month has weights.
        high: the last day of the range, likewise.
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
        base = self.base
        if not isinstance(base, DiscretizedLogisticMixture) or base.warp is not None:
            raise ShapeError(
                f"base = {base!r}: pass a DiscretizedLogisticMixture of days, without a warp"
            )
        if base.centred:
            raise ShapeError(f"base = {base!r} is centred, which no calendar is; leave it out")
        for name in ("slots", "bins"):
            whole_number(getattr(self, name), name, least=1, what="a whole number of parts")
        if self.slots % self.bins:
            raise ShapeError(f"bins = {self.bins}: pass a divisor of slots = {self.slots}")
        if not self.low <= self.high:
            raise ShapeError(f"low = {self.low} is above high = {self.high}")
        if clamped_to(self.low, base) > self.high or clamped_to(self.high, base) < self.low:
            raise ShapeError(
                f"low = {self.low} to high = {self.high}: no day is within the bounds of {base!r}"
            )
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
    def months(self) -> np.ndarray:
        """The first days of the months in the range, and of the month after, from ``first``.

        Months that the bounds rule out are left out.
        """
        begins, ends = month_begins(), (self.low, self.high)
        low, high = (self.first + clamped_to(end, self.base) for end in ends)
        start = np.searchsorted(begins, low, side="right") - 1
        return begins[start : np.searchsorted(begins, high, side="right") + 1] - self.first

    @property
    def weekday(self) -> int:
        """The weekday of day 0; Monday is 0."""
        return (self.first + THURSDAY) % WEEKDAYS

    @cached_property
    def _table(self) -> _Table:
        begins = torch.from_numpy(self.months)
        j, length = torch.arange(MONTH_DAYS), begins.diff()[:, None]
        days = begins[:-1, None] + j
        is_allowed = (j < length) & (days == clamped(days, self.base.least, self.base.most))
        return _Table(
            begins=begins,
            weekday=(days + self.weekday).remainder(WEEKDAYS),
            is_last=(j == length - 1).double(),
            pad=torch.where(is_allowed, 0.0, -torch.inf).double(),
        )

    @property
    @override
    def limits(self) -> tuple[float, float]:
        least, most = self.base.limits
        return least * self.slots, (most + 1) * self.slots - 1

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
        """log p(day) + log p(time | day); −inf if x is no integer within the bounds."""
        days, weights, times = self._split(params)
        day = (x / self.slots).floor()
        slot = x - day * self.slots
        month, inside = self._month_of(day)
        own = (day - self._begin(month)).clamp(0, MONTH_DAYS - 1).long()
        if params.ndim > 1 and params.shape[-2] == 1 and x.shape[-1] > len(self.months):
            # Many dates share their parameters: each month is summed once.
            every = torch.arange(len(self.months) - 1, device=x.device)
            logs = self._log_p(days, weights, every.expand(*params.shape[:-2], -1)).flatten(-2)
            at = month * MONTH_DAYS + own
            logs = logs.expand(*at.shape[:-1], -1).gather(-1, at)
        else:
            logs = self._log_p(days, weights, month).gather(-1, own[..., None])[..., 0]
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
        bound = self.base.images.bind(days, temperature)
        u, k = choose_component(self.base.images.truncated(bound), uniforms.double())
        one = BoundComponents(
            torch.zeros_like(u)[..., None], bound.location.gather(-1, k), bound.scale.gather(-1, k)
        )
        drawn = self.base.images.component_quantiles(one, u[..., None, None])[..., 0, 0]
        drawn = clamped((drawn + 0.5).floor(), self.base.least, self.base.most)
        month, inside = self._month_of(drawn)
        rest = self._share_of_month(one, drawn, u)
        logits = self._month(days, weights, month)[1] / temperature
        j, of_day = _chosen(logits.softmax(-1), rest)
        day = torch.where(inside, self._begin(month) + j, drawn)
        rest, slot = torch.where(inside, of_day, rest), torch.zeros_like(day)
        if times is not None:
            p = (times / temperature).softmax(-1)
            which, rest = _chosen(p.expand(*rest.shape, -1), rest)
            slot = which * self._per_bin
        slot = slot + (rest * self._per_bin).floor()
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
        images = self.base.images
        tried = images.from_standard(images.bind(days).location).round()
        tried = clamped(tried, self.base.least, self.base.most)
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
        before, p = self._before(days, weights, day)
        return before + p * self._time_cdf(times, x - day * self.slots)

    @override
    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """A month by the mixture's quantile, then a day and a time by what q leaves to them."""
        days, weights, times = self._split(params)
        q = q.to(params.dtype)
        day = self.base.quantile(days, q)
        month, inside = self._month_of(day)
        before, p = self._up_to(days, weights, month)
        own = ((before + p) < q[..., None]).sum(-1)
        last = (p > 0).long().cumsum(-1).argmax(-1)  # rounding may pass the last one
        day = torch.where(inside, self._begin(month) + torch.minimum(own, last), day)
        before, p = self._before(days, weights, day)
        return day * self.slots + self._time_quantile(times, _share(q, before, p))

    @override
    def quadrature(
        self, params: torch.Tensor, thinned: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Quantiles at evenly spaced levels, of equal weights, 160 or fewer."""
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

        Counts of dates within a few weeks say nothing about weekdays, and give no weights. Fewer
        than five dates count as none.
        """
        day = (x.double() / self.slots).floor()
        base = self.base.initial_params(day)
        month, inside = self._month_of(day)
        weekday = (day + self.weekday).remainder(WEEKDAYS)
        lengths = torch.from_numpy(np.diff(self.months))
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

    @property
    def _per_bin(self) -> int:
        return self.slots // self.bins

    @property
    def _rows_at_once(self) -> int:
        days = MONTH_DAYS * len(self.months) * self.component_count
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
        """The number (...) of the month of each day (...), and whether it is in the range.

        Days beyond the bounds are in no month.
        """
        begins = self._table.begins.to(day)
        found = torch.searchsorted(begins, day.detach().contiguous(), right=True) - 1
        inside = (day >= begins[0]) & (day < begins[-1])
        inside &= day == clamped(day, self.base.least, self.base.most)
        return found.clamp(0, len(begins) - 2), inside

    def _begin(self, month: torch.Tensor) -> torch.Tensor:
        """The first day (...) of each month."""
        return self._table.begins.to(month.device)[month]

    def _month(
        self, days: torch.Tensor, weights: torch.Tensor, month: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """log m and log m + w of the days of months (...), (..., 31); −inf for other days."""
        images = self.base.images
        bound = images.bind(days)
        z = self._edges(bound, month)
        below = F.logsigmoid(z)
        each = bound.log_weight + log_one_minus_exp(-1 / (self.base.spread * bound.scale))
        # As in DiscretizedLogisticMixture, by log σ(−z) = log σ(z) − z.
        logs = each[..., None, :] + below[..., 1:, :] + (below - z)[..., :-1, :]
        base = logs.logsumexp(-1) + self._table.pad.to(days)[month]
        if images.is_truncated:
            base = base - images.log_inside(bound)[..., None]
        return base, base + self._weights(weights, month)

    def _edges(self, bound: BoundComponents, month: torch.Tensor) -> torch.Tensor:
        """Where the days of months (...) begin, in scales from each location, (..., 32, K)."""
        j = torch.arange(MONTH_DAYS + 1, device=month.device)
        edges = (self._begin(month)[..., None] + j).to(bound.scale.dtype) - 0.5
        z = self.base.images.standard(edges)[..., None]
        return (z - bound.location[..., None, :]) / bound.scale[..., None, :]

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
        """log p of the days of months (...), (..., 31); −inf for other days."""
        base, logits = self._month(days, weights, month)
        return logits.log_softmax(-1) + base.logsumexp(-1, keepdim=True)

    def _up_to(
        self, days: torch.Tensor, weights: torch.Tensor, month: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """P(before the day) and p(day) of the days of months (...), (..., 31)."""
        p = self._log_p(days, weights, month).exp()
        before = self.base.cdf(days, (self._begin(month) - 1).to(days.dtype))
        return before[..., None] + p.cumsum(-1) - p, p

    def _before(
        self, days: torch.Tensor, weights: torch.Tensor, day: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """P(before the day) and p(day) of days (...)."""
        month, inside = self._month_of(day)
        before, p = self._up_to(days, weights, month)
        own = (day - self._begin(month)).clamp(0, MONTH_DAYS - 1).long()[..., None]
        return (
            torch.where(inside, before.gather(-1, own)[..., 0], self.base.cdf(days, day - 1)),
            torch.where(inside, p.gather(-1, own)[..., 0], self.base.log_prob(days, day).exp()),
        )

    def _moved(self, params: torch.Tensor) -> torch.Tensor:
        """How much the weights move the mean day of each row, (R,)."""
        days, weights, _ = self._split(params)
        month = torch.arange(len(self.months) - 1, device=params.device)
        m, weighted = self._weighted(days[:, None], weights[:, None], month.expand(len(params), -1))
        p = weighted * (m.sum(-1) / weighted.sum(-1).clamp(min=TINY))[..., None]
        return ((p - m) * torch.arange(MONTH_DAYS, device=params.device)).sum((1, 2))

    def _weighted(
        self, days: torch.Tensor, weights: torch.Tensor, month: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """m and m e^(w − largest w) of the days of months (...), (..., 31), fast; 0 of others.

        Masses beyond 80 scales from a location may be 0.
        """
        images, weight = self.base.images, self._weights(weights, month)
        weight = (weight - weight.amax(-1, keepdim=True)).clamp(min=LEAST_WEIGHT).exp()
        if images.is_truncated:
            m = self._month(days, weights, month)[0].exp()
            return m, m * weight
        bound = images.bind(days)
        middle = images.standard(self._begin(month)[..., None] + MONTH_DAYS / 2)
        # F(−z) = 1 − F(z): differences are taken in the lower tail, where they do not cancel.
        sign = torch.where(middle > bound.location, -1.0, 1.0).to(weight.dtype)
        mirrored = BoundComponents(bound.log_weight, bound.location, bound.scale * sign)
        below = (
            torch.sigmoid(self._edges(mirrored, month)) @ (bound.log_weight.exp() * sign)[..., None]
        )
        m = below[..., 0].diff(dim=-1).clamp(min=0) * self._table.pad.exp().to(days)[month]
        return m, m * weight

    def _at_levels(self, params: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        """The quantiles (R, Q) at levels (Q,), nearly.

        Each month in which a level lies is summed once.
        """
        days, weights, times = self._split(params)
        begins = self._table.begins.to(params)
        upto = self.base.cdf(days[:, None], begins.expand(len(params), -1) - 1).double()
        level = levels.expand(len(params), -1).contiguous()
        month = torch.searchsorted(upto, level, right=True) - 1
        inside = (month >= 0) & (month < len(begins) - 1)
        month = month.clamp(0, len(begins) - 2)
        is_new = torch.ones_like(inside)
        is_new[:, 1:] = month.diff(dim=1) > 0
        row, first = is_new.nonzero(as_tuple=True)
        _, weighted = self._weighted(days[row], weights[row], month[row, first])
        ends = weighted.double().cumsum(-1)
        ends = ends / ends[:, -1:].clamp(min=TINY)
        below, above = (upto.gather(1, month + side) for side in (0, 1))
        share = _share(level, below, above - below).clamp(min=LEAST_SHARE).flatten()
        # The distribution functions of all months in a row, each one unit above the one before.
        number = is_new.flatten().cumsum(0) - 1
        steps = (ends + torch.arange(len(ends), device=ends.device)[:, None]).flatten()
        at = torch.searchsorted(steps, share + number) - number * MONTH_DAYS
        at = at.clamp(0, MONTH_DAYS - 1)
        place = number * (MONTH_DAYS + 1) + at
        before, upto = (F.pad(ends, (1, 0)).flatten()[place + side] for side in (0, 1))
        rest = (share - before) / (upto - before)
        day = self._begin(month) + at.view_as(month)
        times = None if times is None else times[:, None]
        found = day * self.slots + self._time_quantile(times, rest.view_as(level))
        row, at = (~inside).nonzero(as_tuple=True)
        far = self._beyond(days[row], level[row, at]) * self.slots + self.slots // 2
        found[row, at] = far.to(found.dtype)
        return found

    def _beyond(self, days: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Days (n,) outside the range, at levels (n,) of each tail.

        A level selects a component by its mass there, and the rest of it a day. So levels give the
        days of each component in order.
        """
        images, ends = self.base.images, self._table.begins[[0, -1]].to(days)
        bound = images.truncated(images.bind(days))
        low, high = (images.shares_below(bound, end - 0.5) for end in ends)
        weight = bound.log_weight.exp()
        is_above = level[:, None] > (weight * low).sum(-1, keepdim=True)
        start, end = torch.where(is_above, high, 0.0), torch.where(is_above, 1.0, low)
        p = weight * (end - start)
        below = torch.where(is_above, (weight * high).sum(-1, keepdim=True), 0.0)[:, 0]
        total = p.sum(-1)
        k, rest = _chosen(p / total[:, None], _share(level, below, total))
        k = k[:, None]
        one = BoundComponents(
            torch.zeros_like(rest)[:, None], bound.location.gather(1, k), bound.scale.gather(1, k)
        )
        start, end = start.gather(1, k), end.gather(1, k)
        u = start + rest[:, None] * (end - start)
        u = u.clamp(torch.finfo(u.dtype).tiny, 1 - 2**-24)
        found = images.component_quantiles(one, u[..., None])[:, 0, 0]
        return clamped((found + 0.5).floor(), self.base.least, self.base.most)

    # Draws

    def _share_of_month(
        self, component: BoundComponents, day: torch.Tensor, u: torch.Tensor
    ) -> torch.Tensor:
        """The share (...) of a component's mass in the month of a day that lies below its level u.

        Days outside the range are months of their own.
        """
        month, inside = self._month_of(day)
        ends = (
            torch.where(inside, self._begin(month), day),
            torch.where(inside, self._begin(month + 1), day + 1),
        )
        low, high = (
            self.base.images.shares_below(component, end[..., None] - 0.5)[..., 0] for end in ends
        )
        return _share(u, low, high - low)

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
        p = times.exp()
        upto = p.cumsum(-1)
        which = (upto < level[..., None]).sum(-1, keepdim=True).clamp(max=self.bins - 1)
        below, own = (
            (each.expand(*level.shape, -1).gather(-1, which))[..., 0] for each in (upto - p, p)
        )
        inside = ((level - below) / own * self._per_bin).ceil() - 1
        return which[..., 0] * self._per_bin + inside.clamp(0, self._per_bin - 1)


@lru_cache(maxsize=1)
def month_begins() -> np.ndarray:
    """The first day of each month from year 1 to 10000, in days since 1970-01-01."""
    months = np.arange(np.datetime64("0001-01"), np.datetime64("10000-02"))
    return months.astype("datetime64[D]").astype(np.int64)


def clamped_to(day: int, base: DiscretizedLogisticMixture) -> int:
    """The day within the bounds of a mixture that is nearest to a day."""
    day = day if base.least is None else max(day, int(base.least))
    return day if base.most is None else min(day, int(base.most))


def _share(level: torch.Tensor, below: torch.Tensor, mass: torch.Tensor) -> torch.Tensor:
    """(level − below) / mass within [0, 1); ½ of no mass."""
    return ((level - below) / mass).nan_to_num(0.5).clamp(0, 1 - 2**-53)


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
    rows, found = counted.sum(0).double()[:, None], hit.sum(0)
    found = torch.where(found < FEW, 0, found)
    return ((found + SMOOTHING) / (rows * share + SMOOTHING)).log()
