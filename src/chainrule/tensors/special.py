"""Special functions, by SciPy, which is imported when one is first called."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.tensors.tensor import Tensor, wrapped


def ndtr(x: Tensor) -> Tensor:
    """The standard normal's distribution function."""
    return _apply("ndtr", x)


def log_ndtr(x: Tensor) -> Tensor:
    """Its logarithm."""
    return _apply("log_ndtr", x)


def ndtri(p: Tensor) -> Tensor:
    """Its inverse."""
    return _apply("ndtri", p)


def erfcx(x: Tensor) -> Tensor:
    """exp(x²) (1 − erf(x))."""
    return _apply("erfcx", x)


def erf(x: Tensor) -> Tensor:
    """The error function."""
    return _apply("erf", x)


def _apply(name: str, x: Tensor) -> Tensor:
    from scipy import special

    function: Any = getattr(special, name)
    return wrapped(np.asarray(function(x.numpy())))
