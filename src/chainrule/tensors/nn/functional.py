"""The functions of layers and likelihoods."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.tensors.tensor import UFUNCS, Tensor, wrapped


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x · weightᵀ + bias."""
    found: Any = x @ weight.t()
    return found if bias is None else found.add_(bias)


def embedding_bag(
    index: Tensor, weight: Tensor, *, mode: str, per_sample_weights: Tensor
) -> Tensor:
    """The weighted sum of rows of ``weight``, (N, H), for rows ``index`` (N, K)."""
    assert mode == "sum"
    found = np.zeros((len(index), weight.shape[1]), weight.dtype)
    table, at, times = weight.numpy(), index.numpy(), per_sample_weights.numpy()
    for k in range(at.shape[1]):
        found += table[at[:, k]] * times[:, k, None]
    return wrapped(found)


def pad(x: Tensor, widths: tuple[int, int], value: Any = 0) -> Tensor:
    """The tensor with further values at both ends of its last dimension."""
    edges = [(0, 0)] * (x.ndim - 1) + [widths]
    return wrapped(np.pad(x.numpy(), edges, constant_values=value))


def logsigmoid(x: Tensor) -> Tensor:
    """−log(1 + exp(−x)), without overflow."""
    found = UFUNCS.negative(UFUNCS.abs(x))
    UFUNCS.log1p(UFUNCS.exp(found, out=found), out=found)
    return UFUNCS.subtract(UFUNCS.minimum(x, 0), found, out=found)


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)); x itself above 20."""
    return wrapped(np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20)))))


def softmax(x: Tensor, dim: int) -> Tensor:
    """exp(x) / Σ exp(x) along a dimension."""
    return x.softmax(dim)


def log_softmax(x: Tensor, dim: int) -> Tensor:
    """x − log Σ exp(x) along a dimension."""
    return x.log_softmax(dim)
