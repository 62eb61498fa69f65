"""A distribution truncated to a range: its mass there, and draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Within:
    """What a distribution is within ranges [low, high] of its values.

    Attributes:
        log_mass: log P(low <= value <= high), (...).
        draw: turns uniforms (...) on [0, 1) into values (...) of the truncated distributions. Where
            a range has no mass, it gives a value in the range, or one that is not finite.
    """

    log_mass: torch.Tensor
    draw: Callable[[torch.Tensor], torch.Tensor]


def chosen(logs: torch.Tensor, uniforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The part (..., 1) that each uniform (...) selects, and the rest of the uniform, (0, 1).

    The parts have the log-weights (..., P), which need not be normalised.
    """
    possible = (logs > -torch.inf).any(-1, keepdim=True)
    p = torch.where(possible, logs, 0.0).softmax(-1)
    ends = p.cumsum(-1)
    at = (uniforms[..., None].to(p.dtype) >= ends[..., :-1]).sum(-1, keepdim=True)
    mass = p.gather(-1, at)
    left = (uniforms[..., None].to(p.dtype) - (ends.gather(-1, at) - mass)) / mass
    info = torch.finfo(p.dtype)
    return at, left.nan_to_num(0.5)[..., 0].clamp(info.tiny, 1 - info.eps)
