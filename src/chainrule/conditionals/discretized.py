"""The discretised logistic mixture: masses on the integers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.components import BoundComponents
from chainrule.conditionals.encodings import Standardised
from chainrule.conditionals.mixture_sums import log_masses_of_cells
from chainrule.conditionals.mixtures import LogisticMixture
from chainrule.conditionals.quadrature import gauss_legendre
from chainrule.conditionals.ranges import check_range, check_warp, clamped
from chainrule.conditionals.search import Search
from chainrule.conditionals.within import Within, of_rows
from chainrule.errors import ShapeError
from chainrule.leaves.warps import AbstractWarp

SMOOTH = 4.0  # scale from which a sum over integers is an integral with corrections
WINDOW = 160  # terms on either side, below that scale
# Quadrature takes so many integers on either side of a narrow component. Up to this scale they
# have all but e^−20 of its mass.
AROUND, NARROW = 16, 0.8
# The same scale per integer if thinned: they then have all but e^−5 of the mass.
NARROW_IF_THINNED = 0.2
LEAST_LEVELS = 4  # quantiles of a component within a range
LEAST_AROUND = 3  # integers on either side, however thinned
FIRST_STEP = 30  # halvings of the largest step to a mode
MOST_LISTED = 4096  # values of a bounded column that ``support`` lists


@dataclass(frozen=True)
class DiscretizedLogisticMixture(AbstractConditional):
    """P(v) = F(v + ½) − F(v − ½) for every integer v; F is the cdf of a mixture of K logistics.

    With b = (v + ½ − μ)/s and a = (v − ½ − μ)/s, the logarithm of a component is computed as
    log σ(b) + log σ(−a) + log(1 − e^(a − b)). It neither cancels nor underflows far from μ.
    A warp g replaces v ± ½ by g(v ± ½); an edge at or beyond an end of the warp is infinite. Bounds
    truncate the distribution: masses are divided by that of [least − ½, most + ½]. No mass piles up
    on a bound, and values beyond have none.

    Source: Salimans et al., "PixelCNN++", 2017, arXiv:1701.05517; here over all integers instead of
    0 … 255.

    Args:
        components: K, the number of components.
        least: the smallest possible integer, or None.
        most: the largest possible integer, or None.
        center: subtracted from an integer, or from its image under the warp.
        spread: divides the difference.
        least_scale: the floor of the scales, in units of ``spread``.
        warp: the map g, such as ``Log()``, or None.
        centred: whether known cells give a shift and a stretch; see ``AbstractMixture``.

    Examples:
        >>> three = DiscretizedLogisticMixture(1, least=0, most=2)
        >>> params = torch.tensor([[0.0, 0.0, 0.5413]])
        >>> p = three.log_prob(params.expand(3, -1), torch.tensor([0.0, 1.0, 2.0])).exp()
        >>> [round(each, 4) for each in p.tolist()]
        [0.4479, 0.357, 0.1952]
    """

    components: int
    least: float | None = None
    most: float | None = None
    center: float = 0.0
    spread: float = 1.0
    least_scale: float = 1e-3
    warp: AbstractWarp | None = None
    centred: bool = False

    def __post_init__(self) -> None:
        check_range(self.least, self.most, ("least", "most"))
        check_warp(self.warp)
        for name in ("least", "most"):
            if (value := getattr(self, name)) is not None and value != int(value):
                raise ShapeError(f"{name} = {value!r}: pass an integer, or None for no bound")
        first, last = self.ends
        if first is not None and last is not None and first > last:
            raise ShapeError(f"{self!r}: no integer from least to most lies within the warp's ends")
        assert self.images is not None  # its constructor checks the other fields

    @cached_property
    def ends(self) -> tuple[float | None, float | None]:
        """The smallest and the largest integer with any mass; None where there is none."""
        least, most = self.least, self.most
        if self.warp is not None and self.warp.low > -math.inf:
            first = math.floor(self.warp.low + 0.5)
            least = first if least is None else max(first, least)
        if self.warp is not None and self.warp.high < math.inf:
            last = math.ceil(self.warp.high - 0.5)
            most = last if most is None else min(last, most)
        return least, most

    @cached_property
    def bounds(self) -> tuple[float | None, float | None]:
        """The images of the outer edges of the bounds; None where there is no finite one."""
        edges = [
            None if end is None else self._image_of(end + side)
            for end, side in ((self.least, -0.5), (self.most, 0.5))
        ]
        low, high = (None if edge is None or math.isinf(edge) else edge for edge in edges)
        return low, high

    def _image_of(self, x: float) -> float:
        return x if self.warp is None else float(self.warp.forward(np.array(x, np.float64)))

    @cached_property
    def images(self) -> LogisticMixture:
        """The mixture of the images."""
        return LogisticMixture(
            self.components, self.center, self.spread, self.least_scale, *self.bounds, self.centred
        )

    @property
    def is_plain(self) -> bool:
        """Whether there are neither bounds nor a warp."""
        return self.warp is None and self.least is None and self.most is None

    @property
    @override
    def is_discrete(self) -> bool:
        return True

    @property
    @override
    def component_count(self) -> int:
        return self.components

    @property
    @override
    def param_width(self) -> int:
        """That of ``images``."""
        return self.images.param_width

    @property
    @override
    def evidence_slots(self) -> tuple[int, ...]:
        """Those of ``images``."""
        return self.images.evidence_slots

    @override
    def encoding(self) -> Standardised:
        return Standardised(self.center, self.spread, warp=self.warp)

    @override
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log Σ_k w_k (F_k(x + ½) − F_k(x − ½)); −inf if x is no integer within the bounds."""
        if self.is_plain:
            return self._log_prob(params, x, self.center, self.spread)
        bound, inner = self.images.bind(params), self._to_support(x)
        low, high = (self.images.standard(self._image(inner + side)) for side in (-0.5, 0.5))
        if self.warp is None:  # no edge is infinite, and all cells have one width
            width = x.new_tensor(1.0)
        else:
            width = self.warp.difference(inner, 1.0, torch)
        logs = log_masses_of_cells(bound, low, high, width / self.spread)
        inside = (x == x.round()) & (x == inner)
        return torch.where(inside, logs - self.images.log_inside(bound), -torch.inf)

    @property
    @override
    def batch_key(self) -> Hashable:
        """K, the floor of the scales, and whether they are centred.

        Center and spread may differ. A column with bounds or a warp is scored alone.
        """
        alike = type(self), self.components, self.least_scale, self.centred
        return alike if self.is_plain else self

    @override
    def log_prob_columns(
        self, conditionals: Sequence[Any], params: Sequence[torch.Tensor], x: torch.Tensor
    ) -> torch.Tensor:
        if not self.is_plain:
            return super().log_prob_columns(conditionals, params, x)
        center = x.new_tensor([each.center for each in conditionals])
        spread = x.new_tensor([each.spread for each in conditionals])
        return self._log_prob(torch.stack(list(params), dim=1), x, center, spread)

    def _log_prob(
        self,
        params: torch.Tensor,
        x: torch.Tensor,
        center: float | torch.Tensor,
        spread: float | torch.Tensor,
    ) -> torch.Tensor:
        bound = self.images.bind(params)
        low, high = ((x - center + side) / spread for side in (-0.5, 0.5))
        spread = spread if isinstance(spread, torch.Tensor) else x.new_tensor(spread)
        logs = log_masses_of_cells(bound, low, high, spread.reciprocal())
        return torch.where(x == x.round(), logs, -torch.inf)

    @override
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """A draw from the continuous mixture, rounded to the nearest integer."""
        drawn = self._unwarped(self.images.sample(params.double(), uniforms, temperature))
        return self._to_support((drawn + 0.5).floor()).to(params.dtype)

    @override
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Σ v P(v), from sums of the cdf over the integers on either side of each location.

        Under a warp it is that of ``quadrature``, which leaves out the outermost tails: under a
        logarithm they can have no finite mean.
        """
        if self.warp is not None:
            values, weights = self.quadrature(params.double())
            return (values * weights).sum(-1).to(params.dtype)
        bound = self.images.bind(params.double())
        if self.is_plain:
            mu, s = self.images.from_standard(bound.location), bound.scale * self.spread
            nearest = mu.round()
            mean = nearest + _tail_sum(mu - nearest - 0.5, s) - _tail_sum(nearest - 0.5 - mu, s)
        else:
            mean = self._to_support(self._means_within(bound))
        weight = self.images.truncated(bound).log_weight.exp()
        return (weight * mean).sum(-1).to(params.dtype)

    def _means_within(self, bound: BoundComponents) -> torch.Tensor:
        """The means (..., K) of components truncated to the bounds.

        Narrow ones are sums over the integers around the location. Of a wide one, the mean is that
        of its density, with the corrections of Euler and Maclaurin.
        """
        mu, s = self.images.from_standard(bound.location), bound.scale * self.spread
        log_mass = self.images.log_masses(bound)
        start = self._to_support(mu.round())
        j = torch.arange(WINDOW, dtype=mu.dtype, device=mu.device)
        narrow = BoundComponents(
            bound.log_weight[..., None],
            bound.location[..., None],
            bound.scale.clamp(max=SMOOTH / self.spread)[..., None],
        )
        own = self.images.log_masses(narrow)
        above, below = (
            self.images.standard(self._edge(start[..., None] + side * (j + 0.5)))
            for side in (1, -1)
        )
        more = (self.images.log_masses(narrow, least=above) - own).exp().sum(-1)
        less = (self.images.log_masses(narrow, most=below) - own).exp().sum(-1)
        means, corrections = self.images.component_means(bound), torch.zeros_like(mu)
        for end, sign in zip(self.bounds, (1, -1), strict=True):
            if end is not None:
                t = (self.images.standard(end) - bound.location) / bound.scale
                p = torch.sigmoid(t) * torch.sigmoid(-t)
                density = (F.logsigmoid(t) + F.logsigmoid(-t) - log_mass).exp() / s
                terms = 1 / 12 - (1 - 6 * p) / (720 * s**2)
                terms = terms + (1 - 30 * p + 120 * p * p) / (30240 * s**4)
                corrections = corrections + sign * density * terms
        return torch.where(s < SMOOTH, start + more - less, means + corrections)

    def _edge(self, x: torch.Tensor) -> torch.Tensor:
        """Edges of cells moved to the outer edges of the bounds."""
        return clamped(x, *self.bounds)

    @override
    def quadrature(
        self, params: torch.Tensor, thinned: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """K · 33 integers and their weights, (..., Q); fewer if thinned.

        A narrow component gives the integers around its location, weighted by their masses. A wide
        component gives the rounded quadrature values of the continuous mixture.
        """
        bound = self.images.bind(params)
        around = max(LEAST_AROUND, AROUND // thinned)
        u, w = (params.new_tensor(each) for each in gauss_legendre(2 * around + 1))
        offsets = torch.arange(-around, around + 1, dtype=params.dtype, device=params.device)
        middle, is_narrow = self._middles(bound, around, thinned)
        values = middle[..., None] + offsets  # (..., K, 33)
        weights = w.expand(values.shape).clone()
        weights[is_narrow] = self._masses_around(bound.take(is_narrow), values[is_narrow])
        far = self.images.component_quantiles(bound.take(~is_narrow), u)
        values[~is_narrow] = (self._unwarped(far) + 0.5).floor()
        weights = weights * self.images.truncated(bound).log_weight.exp()[..., None]
        return self._to_support(values.flatten(-2)), weights.flatten(-2)

    def _middles(
        self, bound: BoundComponents, around: int, thinned: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """An integer in the middle of each component, (..., K), and which components are narrow.

        The integers ``around`` the middle have nearly all mass of a narrow one.
        """
        if self.is_plain:
            s = bound.scale * self.spread
            narrow = s < (NARROW if thinned == 1 else NARROW_IF_THINNED * around)
            return self.images.from_standard(bound.location).round(), narrow
        left_out = math.exp(-around / (NARROW if thinned == 1 else NARROW_IF_THINNED * around))
        ends = bound.location.new_tensor([left_out, 1 - left_out]).clamp(max=1 - 2**-24)
        low, high = self._unwarped(self.images.component_quantiles(bound, ends)).unbind(-1)
        low, high = self._to_support(low.round()), self._to_support(high.round())
        return ((low + high) / 2).floor(), high - low <= 2 * around

    def _masses_around(self, bound: BoundComponents, near: torch.Tensor) -> torch.Tensor:
        """The masses of consecutive integers, (n, any); the end ones absorb the tails."""
        wide = BoundComponents(bound.log_weight, bound.location[..., None], bound.scale[..., None])
        inner = near[..., 1:] - 0.5
        if self.is_plain:
            below = torch.sigmoid((self.images.standard(inner) - wide.location) / wide.scale)
        else:
            below = self.images.shares_below(wide, self._image(inner))
        one = torch.ones_like(below[..., :1])
        return torch.cat([below, one], -1) - torch.cat([torch.zeros_like(one), below], -1)

    @override
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The most probable integer among those nearest to the locations and the bounds.

        Under a warp, the best value of ``quadrature`` is moved uphill.
        """
        if self.warp is not None:
            return self._climbed(params, self.quadrature(params)[0])
        bound = self.images.bind(params)
        tried = self._to_support(self.images.from_standard(bound.location).round())  # (..., K)
        ends = [
            tried.new_full((*tried.shape[:-1], 1), end)
            for end in (self.least, self.most)
            if end is not None
        ]
        return self._best(params, torch.cat([tried, *ends], dim=-1))

    def _best(self, params: torch.Tensor, tried: torch.Tensor) -> torch.Tensor:
        """The most probable (...) of some values (..., any)."""
        logs = self.log_prob(params[..., None, :], tried)
        return tried.gather(-1, logs.argmax(-1, keepdim=True))[..., 0]

    def _climbed(self, params: torch.Tensor, tried: torch.Tensor) -> torch.Tensor:
        """The best of some values (..., any), moved by ever smaller steps while that helps."""
        best = self._best(params, tried)
        steps = torch.tensor([-1.0, 0.0, 1.0], dtype=best.dtype, device=best.device)
        for power in range(FIRST_STEP, -1, -1):
            step = (best.abs() * 2.0 ** (power - FIRST_STEP)).ceil().clamp(min=1)
            best = self._best(params, self._to_support(best[..., None] + step[..., None] * steps))
        return best

    @override
    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        least, most = self.ends
        # Codes below the bounds are moved onto them, so that gradients stay finite.
        below = self.images.cdf(params, self._image(self._to_support(x.floor()) + 0.5))
        if least is not None:
            below = torch.where(x < least, 0.0, below)
        return below if most is None else torch.where(x >= most, 1.0, below)

    @property
    @override
    def limits(self) -> tuple[float, float]:
        least, most = self.ends
        return -math.inf if least is None else least, math.inf if most is None else most

    @override
    def log_between(
        self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """Sums of the components' log-masses, which neither cancel nor underflow."""
        bound = self.images.bind(params)
        a, b = self._image((low - 0.5)[..., None]), self._image((high + 0.5)[..., None])
        a, b = (self.images.standard(clamped(edge, *self.bounds)) for edge in (a, b))
        logs = self.images.log_masses_between(bound, a, b)
        whole = (bound.log_weight + logs).logsumexp(-1)
        return whole - self.images.log_inside(bound) if self.images.is_truncated else whole

    @override
    def within(self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> Within:
        """Draws of the continuous mixture between the outer edges, rounded to integers."""
        edges = self._image(low - 0.5), self._image(high + 0.5)
        a, b = (self.images.standard(clamped(edge, *self.bounds)) for edge in edges)
        log_mass, draw = self.images.standard_within(params, a, b)

        def values(uniforms: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
            drawn = (self._unwarped(self.images.from_standard(draw(uniforms, rows))) + 0.5).floor()
            first, last = of_rows(low, rows), of_rows(high, rows)
            return torch.minimum(torch.maximum(self._to_support(drawn), first), last)

        return Within(log_mass, values)

    @override
    def points_between(
        self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor, count: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Quantiles of each component within the range, by the components' masses in it."""
        bound = self.images.bind(params)
        ends = self._image((low - 0.5)[..., None]), self._image((high + 0.5)[..., None])
        a, b = (self.images.standard(clamped(edge, *self.bounds)) for edge in ends)
        logs = self.images.log_masses_between(bound, a, b)
        levels, of_levels = (
            params.new_tensor(each)
            for each in gauss_legendre(max(LEAST_LEVELS, count // self.components))
        )
        location, scale = bound.location[..., None], bound.scale[..., None]
        inner = (a[..., None] - location) / scale, (b[..., None] - location) / scale
        z = location + scale * self.images._inner_quantile(levels, *inner)
        values = (self._unwarped(self.images.from_standard(z)) + 0.5).floor().flatten(-2)
        weights = (bound.log_weight + logs).softmax(-1)[..., None] * of_levels
        low, high = low[..., None], high[..., None]
        return torch.minimum(torch.maximum(values, low), high), weights.flatten(-2)

    @override
    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The bound of ``AbstractMixture``; x itself belongs to the tail.

        Under a warp, masses need not fall away from a location. Where its slope does not fall
        either, the bound is 0.
        """
        edges = self._image(x - 0.5), self._image(x + 0.5)
        found = self.images.tail_between(params, *edges)
        if self.warp is None:
            return found
        steepest = self.warp.steepest
        if steepest is None:
            return torch.zeros_like(found)
        location = self.images.bind(params).location
        peak = self._image(torch.full_like(x, steepest))
        peak = self.images.standard(peak)[..., None]
        z = self.images.standard(self._image(x))[..., None]
        beyond = torch.where(z > 0, (z > location) & (z > peak), (z < location) & (z < peak))
        return torch.where(beyond.all(-1), found, 0.0)

    @override
    def search(self, params: torch.Tensor, log_weight: torch.Tensor, q: torch.Tensor) -> Search:
        """The search of the continuous mixture; its value, less ½, is rounded up."""
        search = self.images.search(params, log_weight, q)

        def value_of(z: torch.Tensor) -> torch.Tensor:
            return self._to_support((self._unwarped(search.value_of(z)) - 0.5).ceil())

        return replace(search, value_of=value_of)

    @override
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """The start of ``AbstractMixture``, less the variance that rounding adds."""
        if self.warp is None:
            z = (x.double() - self.center) / self.spread
            rounded = 1 / 12 / self.spread**2
        else:
            z, rounded = self.encoding().encode(x.double())[..., 0], 0.0
        variance = (z.var(0, unbiased=False) - rounded).clamp(min=0)
        return self.images.initial_of_moments(z.mean(0), variance.sqrt()).to(x.dtype)

    @override
    def support(self) -> tuple[float, ...] | None:
        """The integers within the bounds, if both exist and there are few."""
        least, most = self.ends
        if least is None or most is None or most - least >= MOST_LISTED:
            return None
        return tuple(float(v) for v in range(int(least), int(most) + 1))

    @property
    @override
    def placeholder(self) -> float:
        """The integer within the bounds that is nearest to the center."""
        center = self._unwarped(torch.tensor(float(self.center), dtype=torch.float64))
        return float(self._to_support(center.round()))

    def _image(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.warp is None else self.warp.forward(x, torch)

    def _unwarped(self, z: torch.Tensor) -> torch.Tensor:
        return z if self.warp is None else self.warp.inverse(z, torch)

    def _to_support(self, v: torch.Tensor) -> torch.Tensor:
        return clamped(v, *self.ends)


def _tail_sum(t: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """Σ_{j >= 0} σ((t − j)/s), to 1e-10.

    The sum is computed term by term at small scales and by the Euler–Maclaurin formula otherwise.
    """
    middle = t.floor().clamp(min=0)
    j = middle[..., None] + torch.arange(-WINDOW, WINDOW + 1, dtype=t.dtype, device=t.device)
    small = torch.where(
        j >= 0, torch.sigmoid((t[..., None] - j) / s.clamp(max=SMOOTH)[..., None]), 0
    ).sum(-1)
    small = small + (middle - WINDOW).clamp(min=0)  # every earlier term is 1
    r = (t + 0.5) / s
    p = torch.sigmoid(r) * torch.sigmoid(-r)  # σ' and, from it, the third and fifth derivatives
    third, fifth = p * (1 - 6 * p), p * (1 - 30 * p + 120 * p * p)
    smooth = (
        -s * F.logsigmoid(-r) - p / (24 * s) + 7 / 5760 * third / s**3 - 31 / 967680 * fifth / s**5
    )
    return torch.where(s < SMOOTH, small, smooth)
