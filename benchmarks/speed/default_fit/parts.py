"""The parts of the benchmark by name: each yields rows of results."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.speed.default_fit.answers import nade, wide
from benchmarks.speed.default_fit.commands import commands
from benchmarks.speed.default_fit.figures import Rows
from benchmarks.speed.default_fit.fits import fits, others, whole
from benchmarks.speed.default_fit.sizes import Sizes
from benchmarks.speed.default_fit.steps import growth, step

PARTS: dict[str, Callable[[Sizes], Rows]] = {
    part.__name__: part for part in (step, fits, others, nade, wide, growth, whole, commands)
}
