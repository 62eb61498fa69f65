"""Atoms: single values with a probability of their own, and a distribution for the others."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.distribution import Distribution
from chainrule.conditionals.encodings import AbstractEncoding, AtomFlags
from chainrule.conditionals.search import Search
from chainrule.conditionals.within import Within, chosen
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class Atoms(AbstractConditional):
    """A Categorical over {each atom, other}, times a base conditional for the other values.

    Over a continuous base, an atom has the probability p_a (a mass); any other value has the
    density p_other · base. Over a discrete base, an atom has the probability p_a + p_other ·
    base(a).

    Args:
        values: the atoms, in the units of codes; a value is an atom if it equals one.
        base: the conditional of all other values.

    Examples:
        >>> from chainrule.conditionals import GaussianMixture
        >>> zero_or_more = Atoms((0.0,), GaussianMixture(1))
        >>> params = torch.zeros(1, zero_or_more.param_width)
        >>> zero_or_more.log_prob(params, torch.tensor([0.0])).exp()
        tensor([0.5000])
    """

    values: tuple[float, ...]
    base: AbstractConditional

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", AtomFlags(self.values).values)  # checked and sorted
        if not isinstance(self.base, AbstractConditional) or self.base.is_listed or self.base.atoms:
            raise ShapeError(
                f"base = {self.base!r}: pass a conditional of numbers, such as "
                "chainrule.GaussianMixture(10)"
            )

    @property
    @override
    def atoms(self) -> tuple[float, ...]:
        return self.values

    @property
    @override
    def component_count(self) -> int:
        return self.base.component_count

    @property
    @override
    def param_width(self) -> int:
        """A logit for each atom, one logit for all other values, and the base's parameters."""
        return len(self.values) + 1 + self.base.param_width

    @property
    @override
    def evidence_slots(self) -> tuple[int, ...]:
        """Those of the base."""
        return tuple(len(self.values) + 1 + slot for slot in self.base.evidence_slots)

    @override
    def encoding(self) -> AbstractEncoding:
        """Flags of the atoms, then the base's encoding of the value."""
        return AtomFlags(self.values) + self.base.encoding()

    @override
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log p_a of an atom; log p_other plus the base's log-likelihood of another value."""
        logs, rest = self._split(params)
        base = self.base.log_prob(rest, x)
        is_exact = x.dtype == torch.float64  # in which atoms differ from each other
        if not is_exact or torch.is_grad_enabled() or torch.compiler.is_compiling():
            return self._log_prob(logs, base, self._is_atom(x))
        return self._log_prob_where_found(logs, base, x)

    def _log_prob_where_found(
        self, logs: torch.Tensor, base: torch.Tensor, x: torch.Tensor
    ) -> torch.Tensor:
        """The formula of ``log_prob``, which asks only few of many values whether they are atoms.

        No result is as large as the values times the atoms. It has no gradients.
        """
        atoms, other = self._atoms(x), logs[..., -1] + base
        x = x.expand(other.shape).contiguous()
        place = torch.searchsorted(atoms, x).clamp(max=len(atoms) - 1)
        at = (atoms[place] == x).nonzero(as_tuple=True)
        each = logs.expand(*other.shape, -1)[(*at, place[at])]
        other[at] = torch.logaddexp(each, other[at]) if self.is_discrete else each
        return other

    @property
    @override
    def batch_key(self) -> Hashable:
        return type(self), len(self.values), self.base.batch_key

    @override
    def log_prob_columns(
        self, conditionals: Sequence[Any], params: Sequence[torch.Tensor], x: torch.Tensor
    ) -> torch.Tensor:
        size = len(self.values) + 1
        logits, rest = zip(*((each[..., :size], each[..., size:]) for each in params), strict=True)
        logs = F.log_softmax(torch.stack(logits, dim=1), dim=-1)
        base = self.base.log_prob_columns([each.base for each in conditionals], rest, x)
        return self._log_prob(
            logs, base, x[..., None] == x.new_tensor([each.values for each in conditionals])
        )

    def _log_prob(
        self, logs: torch.Tensor, base: torch.Tensor, is_atom: torch.Tensor
    ) -> torch.Tensor:
        """The formula of ``log_prob``.

        Args:
            logs: log-probabilities of the atoms and of all other values, (..., A + 1).
            base: the base's log-likelihoods of the values, (...).
            is_atom: which atom each value is, (..., A).
        """
        any_atom = is_atom.any(-1)
        # Two atoms may be equal in float32.
        atom = torch.where(is_atom, logs[..., :-1], -torch.inf).amax(-1)
        other = logs[..., -1] + base
        if self.is_discrete:
            return torch.where(any_atom, torch.logaddexp(atom, other), other)
        return torch.where(any_atom, atom, other)

    @override
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """The uniform selects an atom or the base; the rest of it draws the base's value."""
        size = len(self.values) + 1
        logits, rest = params[..., :size].double() / temperature, params[..., size:]
        p = F.softmax(logits, dim=-1)
        ends = p.cumsum(-1)
        choice = (uniforms[..., None] >= ends[..., :-1]).sum(-1)
        left = ((uniforms - ends[..., -2]) / p[..., -1]).clamp(0, 1 - 2**-53)
        other = self.base.sample(rest, left, temperature)
        atoms = torch.tensor([*self.values, 0.0], dtype=params.dtype, device=params.device)
        return torch.where(choice < len(self.values), atoms[choice], other)

    @override
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Σ p_a a + p_other · the base's mean."""
        logs, rest = self._split(params)
        return (logs[..., :-1].exp() * self._atoms(params)).sum(-1) + logs[
            ..., -1
        ].exp() * self.base.mean(rest)

    @override
    def quadrature(
        self, params: torch.Tensor, thinned: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The atoms with their probabilities, then the base's values with weights times p_other."""
        logs, rest = self._split(params)
        values, weights = self.base.quadrature(rest, thinned)
        atoms = self._atoms(params).expand(*logs.shape[:-1], -1)
        p = logs.exp()
        return torch.cat([atoms, values], -1), torch.cat([p[..., :-1], p[..., -1:] * weights], -1)

    @override
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The most probable atom or the base's mode.

        Over a discrete base it is the more probable of the two. Over a continuous base it is the
        atom if its probability is at least p_other.
        """
        logs, rest = self._split(params)
        base = self.base.mode(rest)
        atom = self._atoms(params)[logs[..., :-1].argmax(-1)]
        if self.is_discrete:
            return torch.where(
                self.log_prob(params, atom) >= self.log_prob(params, base), atom, base
            )
        return torch.where(logs[..., :-1].amax(-1) >= logs[..., -1], atom, base)

    @override
    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        logs, rest = self._split(params)
        atoms = torch.where(self._atoms(params) <= x[..., None], logs[..., :-1].exp(), 0).sum(-1)
        return atoms + logs[..., -1].exp() * self.base.cdf(rest, x)

    @property
    @override
    def limits(self) -> tuple[float, float]:
        least, most = self.base.limits
        return min(least, self.values[0]), max(most, self.values[-1])

    @override
    def log_between(
        self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """The log of the atoms in the range and of the base's mass in it."""
        logs, rest = self._split(params)
        atoms = self._atoms(params)
        inside = (low[..., None] <= atoms) & (atoms <= high[..., None])
        first, last, is_empty = self._of_base(low, high)
        base = logs[..., -1] + self.base.log_between(rest, first, last)
        each = torch.cat([logs[..., :-1], base[..., None]], -1)
        used = torch.cat([inside, ~is_empty[..., None]], -1)
        return torch.where(used, each, torch.finfo(each.dtype).min / 2).logsumexp(-1)

    @override
    def within(self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> Within:
        """A uniform selects an atom of the range or the base; the rest of it draws there."""
        logs, rest = self._split(params)
        atoms = self._atoms(params)
        inside = (low[..., None] <= atoms) & (atoms <= high[..., None])
        first, last, is_empty = self._of_base(low, high)
        base = self.base.within(rest, first, last)
        of_base = torch.where(is_empty, -torch.inf, logs[..., -1] + base.log_mass)
        each = torch.where(inside, logs[..., :-1], -torch.inf)
        each = torch.cat([each, of_base[..., None]], -1)
        values = torch.cat([atoms, atoms.new_zeros(1)])

        def draw(uniforms: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
            at, left = chosen(each, uniforms, rows)
            is_atom = at[..., 0] < len(self.values)
            return torch.where(is_atom, values[at[..., 0]], base.draw(left, rows))

        return Within(each.logsumexp(-1), draw)

    @override
    def points_between(
        self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor, count: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The atoms of the range, then the base's points in it."""
        logs, rest = self._split(params)
        whole = self.log_between(params, low, high)[..., None]
        atoms = self._atoms(params).expand(logs[..., :-1].shape)
        inside = (low[..., None] <= atoms) & (atoms <= high[..., None])
        of_atoms = torch.where(inside, (logs[..., :-1] - whole).exp(), 0.0)
        first, last, is_empty = self._of_base(low, high)
        values, weights = self.base.points_between(rest, first, last, count)
        share = torch.where(is_empty[..., None], 0.0, 1 - of_atoms.sum(-1, keepdim=True))
        values = torch.minimum(torch.maximum(values, low[..., None]), high[..., None])
        atoms = torch.where(inside, atoms, low[..., None].clamp(min=torch.finfo(low.dtype).min))
        return torch.cat([atoms, values], -1), torch.cat([of_atoms, share * weights], -1)

    def _of_base(
        self, low: torch.Tensor, high: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The range as the base's; all of its support, and True, if it has nothing of it."""
        least, most = self.base.limits
        is_empty = (high < least) | (low > most)
        return torch.where(is_empty, least, low), torch.where(is_empty, most, high), is_empty

    @override
    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """p_other times the base's bound."""
        logs, rest = self._split(params)
        return logs[..., -1].exp() * self.base.tail_bound(rest, x)

    @override
    def search(self, params: torch.Tensor, log_weight: torch.Tensor, q: torch.Tensor) -> Search:
        """A search among the base's values, at the level that the atoms below leave to them."""
        q, (logs, rest) = q.double(), self._split(params.double())
        joint, atoms = log_weight.double()[..., None] + logs, self._atoms(q)  # (N, M, A + 1), (A,)
        p, others = joint.exp().sum(1), joint[..., -1]  # (N, A + 1), (N, M)
        of_base = self.base.cdf(rest[:, :, None], atoms.expand(*others.shape, -1))
        at_atoms = p[:, :-1].cumsum(1) + (others.exp()[..., None] * of_base).sum(1)  # (N, A)
        below = torch.where(at_atoms < q[:, None], p[:, :-1], 0).sum(1)  # mass of lower atoms
        share = (q - below) / p[:, -1]  # of the base; if at least 1, q lies in an atom's jump
        inside = share.clamp(torch.finfo(q.dtype).tiny, 1 - torch.finfo(q.dtype).eps)
        reached = at_atoms >= q[:, None]
        first = torch.where(reached.any(1), atoms[reached.int().argmax(1)], torch.inf)
        weights = others.log_softmax(1)
        search = self.base.search(rest, weights, inside)
        if search is None:
            search = Search.known(Distribution(self.base, rest, weights).quantile(inside))

        def value_of(z: torch.Tensor) -> torch.Tensor:
            other = torch.where((share < 1) | first.isinf(), search.value_of(z), torch.inf)
            # A base value below the first atom that reaches q may reach q; otherwise the atom does.
            return torch.where(other < first, other, first)

        return replace(search, value_of=value_of)

    @override
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Logarithms of smoothed counts, and the base's start for the values that are no atoms."""
        is_atom = self._is_atom(x)  # (N, D, A)
        counts = (
            torch.cat([is_atom.sum(0), (~is_atom.any(-1)).sum(0)[:, None]], dim=1).double() + 0.5
        )
        logits = (counts / counts.sum(1, keepdim=True)).log().to(x.dtype)
        rest = []
        for column in range(x.shape[1]):
            others = x[~is_atom[:, column].any(-1), column : column + 1]
            rest.append(
                self.base.initial_params(others if len(others) else x[:1, column : column + 1])
            )
        return torch.cat([logits, torch.cat(rest)], dim=1)

    @override
    def support(self) -> tuple[float, ...] | None:
        base = self.base.support()
        return None if base is None else tuple(sorted({*base, *self.values}))

    @property
    @override
    def placeholder(self) -> float:
        return self.values[0]

    @property
    @override
    def is_discrete(self) -> bool:
        return self.base.is_discrete

    def _atoms(self, like: torch.Tensor) -> torch.Tensor:
        return torch.tensor(self.values, dtype=like.dtype, device=like.device)

    def _is_atom(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., None] == self._atoms(x)

    def _split(self, params: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        size = len(self.values) + 1
        return F.log_softmax(params[..., :size], dim=-1), params[..., size:]
