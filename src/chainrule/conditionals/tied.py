"""A conditional of a column that other columns determine or bound in most rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.encodings import AbstractEncoding
from chainrule.conditionals.search import bisect
from chainrule.conditionals.within import Within, chosen, of_rows
from chainrule.errors import ShapeError

IMPOSSIBLE = -1e30  # stands for the logarithm of zero, so that gradients stay finite
# A range that the base gives less than this log-mass has none: ratios of such masses are rounding.
LEAST_RANGE = -20.0
POINTS = 33  # values of a range in expectations


class _Parts(NamedTuple):
    """The parameters of ``Tied``, bound: T ties and, last, the base.

    ``logs`` (..., T + 1) are the log-weights. ``low`` and ``high`` (..., T) are the ranges,
    ``is_point`` (..., T) says which of them have one value, and ``between`` (..., T) is the base's
    log-mass of the others. ``rest`` (..., width) are the base's parameters.
    """

    logs: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    is_point: torch.Tensor
    between: torch.Tensor
    rest: torch.Tensor


@dataclass(frozen=True)
class Tied(AbstractConditional):
    """Σ_t w_t base(x | low_t <= x <= high_t) + w_0 base(x): ties, and a base for all other values.

    A tie says which values the known cells of a row allow. The known cells give its range, so
    ``low`` and ``high`` are parameters that no network learns: see ``evidence_slots``. A range of
    one value is an atom, whatever the base. A range of several values truncates the base. The
    network learns the weights w and the base. A tie whose range is empty has no weight in that row:
    an input is unknown, the value is off the grid, or it lies outside the base's support.

    Ties may overlap each other and the atoms of the base; their probabilities add up.

    Args:
        base: the conditional of all other values, which is discrete.
        shares: for each tie, the share of training rows in which it holds: the first weights.
        least: the least weight w_0 of the base. Ties that n rows keep may still break once in
            n + 1 rows.

    Examples:
        >>> from chainrule.conditionals import DiscretizedLogisticMixture
        >>> copied = Tied(DiscretizedLogisticMixture(1), (0.75,))
        >>> params = copied.initial_params(torch.zeros(2, 1)).repeat(2, 1)
        >>> params[:, copied.evidence_slots] = torch.tensor([[5.0, 5.0], [1.0, 0.0]])
        >>> copied.log_prob(params, torch.tensor([5.0, 5.0])).exp() > 0.5
        tensor([ True, False])
    """

    base: AbstractConditional
    shares: tuple[float, ...]
    least: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.base, Tied) or not self.base.is_discrete:
            raise ShapeError(
                f"base = {self.base!r}: pass a conditional with masses, such as "
                "chainrule.DiscretizedLogisticMixture(10)"
            )
        if not self.shares or not all(0 < share < 1 for share in self.shares):
            raise ShapeError(f"shares = {self.shares!r}: pass a share between 0 and 1 for each tie")
        if not 0 <= self.least < 1:
            raise ShapeError(f"least = {self.least!r}: pass a weight from 0 to less than 1")

    @property
    def ties(self) -> int:
        """T, the number of ties."""
        return len(self.shares)

    @property
    @override
    def is_discrete(self) -> bool:
        return True

    @property
    @override
    def is_listed(self) -> bool:
        return self.base.is_listed

    @property
    @override
    def is_ordered(self) -> bool:
        return self.base.is_ordered

    @property
    @override
    def atoms(self) -> tuple[float, ...]:
        return self.base.atoms

    @property
    @override
    def component_count(self) -> int:
        return self.base.component_count

    @property
    @override
    def limits(self) -> tuple[float, float]:
        return self.base.limits

    @property
    @override
    def param_width(self) -> int:
        """A logit for each tie and one for the base, T lower and T upper ends, and the base's."""
        return 3 * self.ties + 1 + self.base.param_width

    @property
    @override
    def evidence_slots(self) -> tuple[int, ...]:
        """The ends of the ranges, low_1, high_1, low_2, …; then those of the base."""
        first, start = self.ties + 1, 3 * self.ties + 1
        ends = (first + t + side * self.ties for t in range(self.ties) for side in (0, 1))
        return (*ends, *(start + slot for slot in self.base.evidence_slots))

    @override
    def encoding(self) -> AbstractEncoding:
        """The base's encoding."""
        return self.base.encoding()

    @override
    def support(self) -> tuple[float, ...] | None:
        return self.base.support()

    @override
    def multiplicities(self) -> tuple[int, ...] | None:
        return self.base.multiplicities()

    @override
    def candidates(self) -> tuple[float, ...] | None:
        return self.base.candidates() if self.base.is_listed else None

    @property
    @override
    def placeholder(self) -> float:
        return self.base.placeholder

    @override
    def with_listed_draws(self) -> Tied:
        return replace(self, base=self.base.with_listed_draws())

    @override
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log of the sum; a point has the mass 1 at its value, a range base(x) / base(range)."""
        parts = self._parts(params)
        base = self.base.log_prob(parts.rest, x).clamp(min=IMPOSSIBLE)
        inside = (parts.low <= x[..., None]) & (x[..., None] <= parts.high)
        of_range = (base[..., None] - parts.between).clamp(min=IMPOSSIBLE)
        each = torch.where(parts.is_point, 0.0, of_range)
        logs = parts.logs[..., :-1] + torch.where(inside, each, IMPOSSIBLE)
        whole = torch.cat([logs, parts.logs[..., -1:] + base[..., None]], -1).logsumexp(-1)
        return torch.where(whole < IMPOSSIBLE / 2, -torch.inf, whole)

    @override
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """The uniform selects a tie or the base; the rest of it draws the value.

        The temperature divides the logits. Draws from a range approach its median as the
        temperature goes to 0.
        """
        parts = self._parts(params.double())
        p = (parts.logs / temperature).softmax(-1)
        ends = p.cumsum(-1)
        # The last interval has no upper end; no interval without width is selected.
        chosen = (uniforms[..., None] >= ends[..., :-1]).sum(-1, keepdim=True)
        left = (uniforms[..., None] - (ends - p).gather(-1, chosen)) / p.gather(-1, chosen)
        left = left[..., 0].clamp(0, 1 - 2**-53)
        drawn = self.base.sample(parts.rest, left.to(uniforms.dtype), temperature)
        at = chosen.clamp(max=self.ties - 1)
        low, high = parts.low.gather(-1, at)[..., 0], parts.high.gather(-1, at)[..., 0]
        is_tie, is_point = chosen[..., 0] < self.ties, parts.is_point.gather(-1, at)[..., 0]
        drawn = torch.where(is_tie & is_point, low, drawn)
        is_range = is_tie & ~is_point
        if bool(is_range.any()):
            levels = _towards_half(left[is_range], temperature)
            ends_of_range = low[is_range], high[is_range]
            found = self._range_quantile(parts.rest[is_range], levels, *ends_of_range)
            drawn = drawn.masked_scatter(is_range, found)
        return drawn.to(params.dtype)

    @override
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Σ_t w_t · the mean of its range + w_0 · the base's; of labels, the mode."""
        if not self.is_ordered:
            return self.mode(params)
        parts = self._parts(params.double())
        values, weights = self._range_points(parts, POINTS)
        means = torch.where(parts.is_point, parts.low, (values * weights).sum(-1))
        p = parts.logs.exp()
        whole = torch.where(p[..., :-1] > 0, p[..., :-1] * means, 0.0).sum(-1)
        return (whole + p[..., -1] * self.base.mean(parts.rest)).to(params.dtype)

    @override
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The most probable of the points, the base's mode, and that mode moved into each range."""
        parts = self._parts(params)
        base = self.base.mode(parts.rest)[..., None]
        is_used = parts.low <= parts.high
        moved = torch.minimum(torch.maximum(base, parts.low), parts.high)
        tried = torch.cat([torch.where(is_used, moved, base), base], -1)
        logs = self.log_prob(params[..., None, :], tried)
        return tried.gather(-1, logs.argmax(-1, keepdim=True))[..., 0]

    @override
    def quadrature(
        self, params: torch.Tensor, thinned: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Values of each tie, then the base's."""
        if self.is_listed:
            return super().quadrature(params, thinned)
        parts = self._parts(params)
        of_base, weights = self.base.quadrature(parts.rest, thinned)
        values, of_ties = self._range_points(parts, max(1, POINTS // thinned))
        p = parts.logs.exp()
        of_ties = torch.where(p[..., :-1, None] > 0, p[..., :-1, None] * of_ties, 0.0)
        return (
            torch.cat([values.flatten(-2), of_base], -1),
            torch.cat([of_ties.flatten(-2), p[..., -1:] * weights], -1),
        )

    @override
    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return self._cdf(self._parts(params), x)

    def _cdf(self, parts: _Parts, x: torch.Tensor) -> torch.Tensor:
        """P(value <= x), from bound parameters."""
        x = x.floor()
        high = torch.minimum(parts.high, x[..., None])
        is_reached = parts.low <= high
        between = self._log_between(parts.rest, parts.low, high, is_reached) - parts.between
        of_range = torch.where(is_reached, between.clamp(max=0).exp(), 0.0)
        of_range = torch.where(parts.high <= x[..., None], 1.0, of_range)
        each = torch.where(parts.is_point, (parts.low <= x[..., None]).to(x.dtype), of_range)
        p = parts.logs.exp()
        whole = torch.where(p[..., :-1] > 0, p[..., :-1] * each, 0.0).sum(-1)
        return (whole + p[..., -1] * self.base.cdf(parts.rest, x)).clamp(0, 1)

    @override
    def within(self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> Within:
        """A uniform selects a tie or the base by its mass in the range, and draws there."""
        if not self.is_ordered:
            return super().within(params, low, high)
        parts = self._parts(params)
        first = torch.maximum(parts.low, low[..., None])
        last = torch.minimum(parts.high, high[..., None])
        is_met = first <= last
        least, most = self.limits
        some = torch.where(is_met, first, least), torch.where(is_met, last, most)
        rest = parts.rest[..., None, :].expand(*first.shape, -1)
        of_ties, base = self.base.within(rest, *some), self.base.within(parts.rest, low, high)
        inside = torch.where(parts.is_point, 0.0, of_ties.log_mass - parts.between)
        each = parts.logs[..., :-1] + torch.where(is_met, inside, -torch.inf)
        each = torch.cat([each, parts.logs[..., -1:] + base.log_mass[..., None]], -1)

        def draw(uniforms: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
            at, left = chosen(each, uniforms, rows)
            tie = at.clamp(max=self.ties - 1)
            point, is_point = of_rows(first, rows), of_rows(parts.is_point, rows)
            drawn = of_ties.draw(left[..., None].expand(point.shape), rows)
            drawn = torch.where(is_point, point, drawn).gather(-1, tie)[..., 0]
            return torch.where(at[..., 0] < self.ties, drawn, base.draw(left, rows))

        return Within(each.logsumexp(-1), draw)

    @override
    def log_between(
        self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """Sums of the masses of the ties and of the base, which do not cancel."""
        if not self.is_ordered:
            return super().log_between(params, low, high)
        return self.within(params, low, high).log_mass

    @override
    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """A point that jumps over q, or else the result of a bisection."""
        if not self.is_ordered:
            return super().quantile(params, q)
        parts = self._parts(params.double())
        q = q.double().expand(params.shape[:-1])
        found = torch.full_like(q, torch.nan)
        for low, is_point in zip(parts.low.unbind(-1), parts.is_point.unbind(-1), strict=True):
            at = torch.where(is_point, low, self.placeholder)
            jumps = is_point & (self._cdf(parts, at - 1) < q) & (self._cdf(parts, at) >= q)
            found = torch.where(jumps, at, found)
        left = found.isnan()
        if bool(left.any()):
            searched = self._searched(_Parts(*(part[left] for part in parts)), q[left])
            found = found.masked_scatter(left, searched)
        return found.to(params.dtype)

    def _searched(self, parts: _Parts, q: torch.Tensor) -> torch.Tensor:
        """The quantiles (n,) at levels q (n,), between those of the base and of the ties."""
        ends = [self.base.quantile(parts.rest, q)]
        for low, high in zip(parts.low.unbind(-1), parts.high.unbind(-1), strict=True):
            found = self._range_quantile(parts.rest, q, low, high)
            ends.append(torch.where(low <= high, found, ends[0]))
        tried = torch.stack(ends, -1)
        first, last = tried.amin(-1) - 1, tried.amax(-1)
        return bisect(lambda x: self._cdf(parts, x), q, first, last, whole=True)

    @override
    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """w_0 times the base's bound."""
        parts = self._parts(params)
        return parts.logs[..., -1].exp() * self.base.tail_bound(parts.rest, x)

    @override
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """The logarithms of the shares' odds, empty ranges, and the base's start."""
        base = self.base.initial_params(x)
        logits = base.new_tensor([math.log(share / (1 - share)) for share in self.shares])
        fixed = torch.cat([logits, base.new_zeros(1)])
        empty = torch.cat([base.new_ones(self.ties), base.new_zeros(self.ties)])
        each = torch.cat([fixed, empty]).expand(len(base), -1)
        return torch.cat([each, base], dim=1)

    def _parts(self, params: torch.Tensor) -> _Parts:
        count, start = self.ties, 3 * self.ties + 1
        ends = params[..., count + 1 : start].detach()  # evidence: no gradient
        least, most = self.limits
        low = ends[..., :count].ceil().clamp(min=least)
        high = ends[..., count:].floor().clamp(max=most)
        rest, is_point = params[..., start:], low == high
        is_range = (low < high) & self.is_ordered
        between = self._log_between(rest, low, high, is_range)
        is_used = is_point | (is_range & (between > LEAST_RANGE))
        between = torch.where(is_used, between, 0.0)
        logits = torch.where(is_used, params[..., :count], IMPOSSIBLE)
        logs = F.log_softmax(torch.cat([logits, params[..., count : count + 1]], -1), dim=-1)
        if self.least:
            of_base = logs[..., -1:] + math.log1p(-self.least)
            of_base = torch.logaddexp(of_base, of_base.new_tensor(math.log(self.least)))
            logs = torch.cat([logs[..., :-1] + math.log1p(-self.least), of_base], -1)
        low, high = torch.where(is_used, low, 1.0), torch.where(is_used, high, 0.0)
        return _Parts(logs, low, high, is_point, between, rest)

    def _log_between(
        self, rest: torch.Tensor, low: torch.Tensor, high: torch.Tensor, used: torch.Tensor
    ) -> torch.Tensor:
        """The base's log-mass (..., T) of the ranges in use; 0 for all others."""
        if not bool(used.any()):
            return torch.zeros_like(low)
        # Ranges that are not in use become the whole support: their gradients stay finite.
        least, most = self.limits
        low, high = torch.where(used, low, least), torch.where(used, high, most)
        found = self.base.log_between(rest[..., None, :].expand(*low.shape, -1), low, high)
        return torch.where(used, found, 0.0)

    def _range_points(self, parts: _Parts, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and weights (..., T, any) of the base within each tie's range.

        They are all of its values if there are at most ``count``, else those of
        ``points_between``.
        """
        low, high = (
            torch.where(parts.low <= parts.high, end, self.placeholder)
            for end in (parts.low, parts.high)
        )
        rest = parts.rest[..., None, :].expand(*low.shape, -1)
        many = high - low >= count
        points = None
        if bool(many.any()):
            points = self.base.points_between(rest[many], low[many], high[many], count)
            count = points[0].shape[-1]
        values = low[..., None] + torch.arange(count, dtype=low.dtype, device=low.device)
        inside = values <= high[..., None]
        values = torch.where(inside, values, low[..., None])
        weights = (inside & (values == low[..., None])).to(values.dtype)  # of points
        few = (low < high) & ~many
        if bool(few.any()):
            logs = self.base.log_prob(rest[few][:, None], values[few])
            weights[few] = (logs - parts.between[few][:, None]).exp() * inside[few]
        if points is not None:
            values[many], weights[many] = points
        return values, weights

    def _range_quantile(
        self, rest: torch.Tensor, q: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """The quantiles (...) at levels q (...) of the base within ranges; the ends if empty."""
        if not self.is_ordered:
            return low
        least, most = self.limits
        first, last = torch.where(low <= high, low, least), torch.where(low <= high, high, most)
        return self.base.quantile_between(rest, q, first, last)


def _towards_half(u: torch.Tensor, temperature: float) -> torch.Tensor:
    """Levels u (...) moved towards ½ as a Gaussian's deviation shrinks; the same at 1."""
    if temperature == 1:
        return u
    return torch.special.ndtr(temperature * torch.special.ndtri(u))
