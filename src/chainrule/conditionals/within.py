"""A distribution truncated to a range: its mass there, and draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch


class Draw(Protocol):
    """Turns uniforms on [0, 1) into values of truncated distributions."""

    def __call__(self, uniforms: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
        """Returns the values (...) of uniforms (...).

        Where a range has no mass, the value is one in the range, or one that is not finite.

        Args:
            uniforms: one for each distribution; with ``rows``, one for each of those.
            rows: numbers (n,) along the first axis of the distributions, which may repeat.
        """
        ...


@dataclass(frozen=True)
class Within:
    """What a distribution is within ranges [low, high] of its values.

    Attributes:
        log_mass: log P(low <= value <= high), (...).
        draw: turns uniforms into values of the truncated distributions, or of some of them.
    """

    log_mass: torch.Tensor
    draw: Draw


def of_rows(numbers: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
    """Numbers (N, ...) of some rows (n,), by their numbers; all of them if there are none."""
    return numbers if rows is None else numbers[rows]


def chosen(
    logs: torch.Tensor, uniforms: torch.Tensor, rows: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The part (..., 1) that each uniform (...) selects, and the rest of the uniform, (0, 1).

    The parts have the log-weights (..., P), which need not be normalised. With ``rows``, there is
    one uniform for each of these rows of the log-weights.
    """
    possible = (logs > -torch.inf).any(-1, keepdim=True)
    p = torch.where(possible, logs, 0.0).softmax(-1)
    p, ends = of_rows(p, rows), of_rows(p.cumsum(-1), rows)
    at = (uniforms[..., None].to(p.dtype) >= ends[..., :-1]).sum(-1, keepdim=True)
    mass = p.gather(-1, at)
    left = (uniforms[..., None].to(p.dtype) - (ends.gather(-1, at) - mass)) / mass
    info = torch.finfo(p.dtype)
    return at, left.nan_to_num(0.5)[..., 0].clamp(info.tiny, 1 - info.eps)
