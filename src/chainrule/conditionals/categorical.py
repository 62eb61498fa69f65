"""The categorical conditional: one logit per value, and one more for unlisted values."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.encodings import OneHot
from chainrule.errors import whole_number


@dataclass(frozen=True)
class Categorical(AbstractConditional):
    """p(x = v) = softmax(l)_v over the codes 0 … values − 1, and optionally one more, *unlisted*
    code.

    ``unlisted=r`` adds the code V = ``values`` for r rare levels and for all unseen ones. Its logit
    in the softmax is min(u, min_v l_v + log(r + 1) − log 2). If r > 0, u is learned; otherwise u =
    logsumexp(l) − log(rows + 1). A single unlisted value has 1/(r + 1) of the code's probability,
    which is less than that of any listed value. An unlisted value is no evidence for other columns.
    If r > 0 the code is drawn with its probability; if r = 0 it is never drawn.

    Args:
        values: V, the number of listed codes.
        unlisted: r, the number of rare levels that share the extra code; None for no such code.
        rows: number of training rows, needed if ``unlisted`` is 0.
        listed_only: draw listed values only, with renormalised probabilities; likelihoods do not
            change.

    Examples:
        >>> Categorical(3).log_prob(torch.zeros(1, 3), torch.tensor([2.0])).exp()
        tensor([0.3333])
        >>> never_seen = Categorical(2, unlisted=0, rows=9)
        >>> never_seen.log_prob(torch.zeros(1, 2), torch.tensor([2.0])).exp()
        tensor([0.0909])
    """

    values: int
    unlisted: int | None = None
    rows: int | None = None
    listed_only: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        whole_number(
            self.values, "values", least=1, what="the number of values of a categorical column"
        )
        if self.unlisted is not None:
            whole_number(self.unlisted, "unlisted", least=0, what="the number of rare levels")
        if self.unlisted == 0:
            whole_number(
                self.rows,
                "rows",
                least=1,
                what="the number of training rows, which unlisted=0 needs",
            )

    @property
    @override
    def is_discrete(self) -> bool:
        return True

    @property
    @override
    def is_listed(self) -> bool:
        return True

    @property
    @override
    def is_saturated(self) -> bool:
        """Without an unlisted code only: its logit is bounded by the listed ones."""
        return self.unlisted is None

    @property
    @override
    def is_ordered(self) -> bool:
        return False

    @property
    @override
    def param_width(self) -> int:
        """A logit for each listed value, and one for the unlisted code if r > 0."""
        return self.values + bool(self.unlisted)

    @override
    def encoding(self) -> OneHot:
        """One-hot; all zeros, which is no evidence, for the unlisted code."""
        return OneHot(self.values)

    @override
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """l_x − logsumexp(l); −inf if x is no code."""
        logits = self._logits(params)  # (..., codes)
        index = x.long().clamp(0, logits.shape[-1] - 1)
        logs = torch.take_along_dim(F.log_softmax(logits, dim=-1), index[..., None], dim=-1)[..., 0]
        if self.unlisted:
            logs = logs - math.log(self.unlisted + 1) * (index == self.values).to(logs.dtype)
        return torch.where(index == x, logs, -torch.inf)

    @override
    def log_support(self, params: torch.Tensor) -> torch.Tensor:
        """The log-softmax of all logits at once; log_prob picks a code for every value."""
        logs = F.log_softmax(self._logits(params), dim=-1)
        if self.unlisted:
            logs = torch.cat([logs[..., :-1], logs[..., -1:] - math.log(self.unlisted + 1)], -1)
        return logs

    @property
    @override
    def batch_key(self) -> Hashable:
        """The kind of unlisted code (none, fixed or learned), and the first of 8, 32, 128 … ≥ V.

        Logits of a batch are padded to its largest V, so columns of very different V are scored
        apart.
        """
        size = max(0, math.ceil(math.log(self.values / 8, 4) - 1e-9))
        return type(self), self.unlisted if self.unlisted is None else bool(self.unlisted), size

    @override
    def log_prob_columns(
        self, conditionals: Sequence[Any], params: Sequence[torch.Tensor], x: torch.Tensor
    ) -> torch.Tensor:
        """Pads the logits to the largest V."""
        most = max(each.values for each in conditionals)

        def number(of: Callable[[Categorical], float]) -> torch.Tensor:
            return x.new_tensor([of(each) for each in conditionals])  # (C,)

        padded = [
            F.pad(p[..., : c.values], (0, most - c.values), value=-torch.inf)
            for c, p in zip(conditionals, params, strict=True)
        ]
        listed = torch.stack(padded, dim=1)  # (N, C, most)
        values = number(lambda each: each.values)
        index = x.long().clamp(min=0).minimum(values.long())
        known = index == x
        if self.unlisted is None:
            known, logits = known & (x < values), listed
        else:
            is_code = torch.arange(most, device=x.device) < values[:, None]
            least = torch.where(is_code, listed, torch.inf).amin(-1)
            cap = least + number(lambda each: math.log((each.unlisted or 0) + 1) - math.log(2))
            if self.unlisted:
                free = torch.stack(
                    [p[..., c.values] for c, p in zip(conditionals, params, strict=True)], dim=1
                )
            else:
                free = listed.logsumexp(-1) - number(lambda each: math.log((each.rows or 1) + 1))
            logits = torch.cat([listed, torch.minimum(free, cap)[..., None]], dim=-1)
        is_unlisted = index == values
        at = torch.where(is_unlisted, logits.shape[-1] - 1, index)
        logs = torch.take_along_dim(F.log_softmax(logits, dim=-1), at[..., None], dim=-1)[..., 0]
        if self.unlisted:
            logs = logs - number(lambda each: math.log((each.unlisted or 0) + 1)) * is_unlisted.to(
                logs.dtype
            )
        return torch.where(known, logs, -torch.inf)

    @override
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """The code whose interval of the cumulative probabilities contains the uniform.

        As the temperature goes to 0 this is the most probable listed value, if V > 1 and it is
        unique.
        """
        logits = params.double() / temperature
        rare = bool(self.unlisted) and not self.listed_only
        p = F.softmax(self._logits(logits) if rare else logits[..., : self.values], dim=-1)
        ends = p.cumsum(-1)[..., :-1]  # the last interval has no upper end: rounding leaves no gap
        drawn = (uniforms[..., None] >= ends).sum(-1)
        return drawn.to(params.dtype)

    @override
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """The most probable value: categories have no mean."""
        return self.mode(params)

    @override
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The most probable listed value; the first of equally probable ones."""
        return params[..., : self.values].argmax(-1).to(params.dtype)

    @override
    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """−Σ p log p over all values; the unlisted code counts as r + 1 values."""
        logs = F.log_softmax(self._logits(params), dim=-1)
        scores = torch.cat(
            [
                logs[..., : self.values],
                logs[..., self.values :] - math.log((self.unlisted or 0) + 1),
            ],
            -1,
        )
        return -(logs.exp() * scores).sum(-1)

    @override
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Logarithms of each column's counts, with half a count added to each code."""
        codes = torch.arange(self.param_width, device=x.device, dtype=x.dtype)
        counts = [(x == code).sum(0, dtype=torch.float64) for code in codes]
        counts = torch.stack(counts, dim=1)  # (D, width)
        logs = (counts + 0.5).log()
        return (logs - logs.logsumexp(1, keepdim=True)).to(x.dtype)

    @override
    def support(self) -> tuple[float, ...]:
        return tuple(float(v) for v in range(self.values + (self.unlisted is not None)))

    @override
    def multiplicities(self) -> tuple[int, ...]:
        """One for each listed code, r + 1 for the unlisted one."""
        return (1,) * self.values + (() if self.unlisted is None else (self.unlisted + 1,))

    @override
    def candidates(self) -> tuple[float, ...]:
        """The listed values; the unlisted code does not name a value."""
        return tuple(float(v) for v in range(self.values))

    @override
    def params_of(self, logs: torch.Tensor) -> torch.Tensor:
        """The log-probabilities themselves; there are none with an unlisted code."""
        return logs if self.is_saturated else super().params_of(logs)

    @property
    @override
    def limits(self) -> tuple[float, float]:
        """The first and the last listed code."""
        return 0.0, float(self.values - 1)

    @override
    def with_listed_draws(self) -> Categorical:
        return replace(self, listed_only=True)

    def _logits(self, params: torch.Tensor) -> torch.Tensor:
        if self.unlisted is None:
            return params
        listed = params[..., : self.values]
        cap = listed.amin(-1) + (math.log(self.unlisted + 1) - math.log(2))
        if self.unlisted:
            free = params[..., self.values]
        else:
            free = listed.logsumexp(-1) - math.log((self.rows or 1) + 1)
        return torch.cat([listed, torch.minimum(free, cap)[..., None]], dim=-1)
