"""Seeds into generators: the only place that seeds anything.

Nothing in chainrule reads or advances a global generator. Functions take
``generator: torch.Generator | None``. Interfaces take a seed and turn it into a generator here.
Generators live on the CPU, so the same seed gives the same numbers on any device.
"""

from __future__ import annotations

import secrets

import torch

from chainrule.errors import seed_number


def generator_from(seed: int | torch.Generator | None) -> torch.Generator:
    """The generator given, a CPU generator seeded by an integer, or for None by system entropy.

    >>> torch.rand((), generator=generator_from(0)) == torch.rand((), generator=generator_from(0))
    tensor(True)
    """
    if isinstance(seed, torch.Generator):
        return seed
    if seed is None:
        seed = secrets.randbits(63)
    generator = torch.Generator(device="cpu")
    generator.manual_seed(seed_number(seed))
    return generator


def fresh_seed() -> int:
    """A seed from the system's entropy, short enough to be read aloud."""
    return secrets.randbits(31)


def uniforms(rows: int, columns: int, generator: torch.Generator | None) -> torch.Tensor:
    """Float64 uniforms on [0, 1), shape (rows, columns); ``None`` draws from a fresh generator."""
    return torch.rand(rows, columns, generator=generator_from(generator), dtype=torch.float64)


def normal(*shape: int, deviation: float, generator: torch.Generator) -> torch.Tensor:
    """Initial weights: normal draws of mean 0, in the default dtype and on the default device.

    On the meta device only the shape counts. There ``normal_`` would import PyTorch's compiler, for
    more than a second.

    >>> normal(2, 3, deviation=0.1, generator=generator_from(0)).shape
    torch.Size([2, 3])
    """
    weights = torch.empty(shape)
    return weights if weights.is_meta else weights.normal_(0, deviation, generator=generator)
