"""PyTorch's functions on tensors, by NumPy: new tensors, joined ones, products and choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from chainrule.tensors import modes
from chainrule.tensors.generator import Generator
from chainrule.tensors.tensor import UFUNCS, MetaTensor, Tensor, wrapped

float32, float64 = np.dtype(np.float32), np.dtype(np.float64)
int32, int64 = np.dtype(np.int32), np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
DEFAULT = float32  # of numbers whose dtype nobody gives, as in PyTorch

inf, nan = np.inf, np.nan


# New tensors.


def tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A new tensor of these numbers; Python's floats become float32."""
    found = np.array(data, dtype)
    if dtype is None and found.dtype == float64 and _are_python_floats(data):
        found = found.astype(DEFAULT)
    return wrapped(found)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The tensor or array itself if it has the dtype, otherwise a new tensor."""
    if isinstance(data, np.ndarray):
        return wrapped(data if dtype is None else data.astype(dtype, copy=False))
    return tensor(data, dtype)


def from_numpy(array: np.ndarray) -> Tensor:
    """The array as a tensor, in the same memory."""
    return wrapped(array)


def full(shape: Sequence[int], value: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of one value."""
    dtype = tensor(value).dtype if dtype is None else dtype
    if modes.is_meta(device):
        return MetaTensor.of(shape, dtype)
    return wrapped(np.full(tuple(shape), value, dtype))


def zeros(*shape: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of zeros."""
    return full(_shape(shape), 0, DEFAULT if dtype is None else dtype, device)


empty = zeros


def ones(*shape: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of ones."""
    return full(_shape(shape), 1, DEFAULT if dtype is None else dtype, device)


def full_like(like: Tensor, value: Any, dtype: Any = None) -> Tensor:
    """A tensor of one value in another tensor's shape."""
    return wrapped(np.full(like.shape, value, like.dtype if dtype is None else dtype))


def zeros_like(like: Tensor, dtype: Any = None) -> Tensor:
    """A tensor of zeros in another tensor's shape."""
    return full_like(like, 0, dtype)


empty_like = zeros_like


def ones_like(like: Tensor, dtype: Any = None) -> Tensor:
    """A tensor of ones in another tensor's shape."""
    return full_like(like, 1, dtype)


def arange(*ends: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Consecutive numbers."""
    found = np.arange(*ends, dtype=dtype)
    return wrapped(found.astype(DEFAULT) if dtype is None and found.dtype == float64 else found)


def linspace(start: float, end: float, steps: int, dtype: Any = None) -> Tensor:
    """Evenly spaced numbers, both ends included."""
    return wrapped(np.linspace(start, end, steps).astype(DEFAULT if dtype is None else dtype))


def rand(*shape: Any, generator: Generator, dtype: Any = None) -> Tensor:
    """Uniforms on [0, 1), the same as PyTorch draws from a generator of the same seed."""
    return wrapped(generator.uniforms(_shape(shape), DEFAULT if dtype is None else dtype))


def randperm(n: int, *, generator: Generator, device: Any = None) -> Tensor:
    """A permutation of n numbers, the same as PyTorch draws."""
    return wrapped(generator.permutation(n))


def clone(like: Tensor) -> Tensor:
    """A copy."""
    return like.clone()


# Joined tensors, and cells by their positions.


def cat(tensors: Iterable[Tensor], dim: int = 0) -> Tensor:
    """Tensors joined along a dimension."""
    return wrapped(np.concatenate([np.asarray(each) for each in tensors], dim))


def stack(tensors: Iterable[Tensor], dim: int = 0) -> Tensor:
    """Tensors joined along a new dimension."""
    return wrapped(np.stack([np.asarray(each) for each in tensors], dim))


def take_along_dim(source: Tensor, index: Tensor, dim: int) -> Tensor:
    """The numbers at positions along a dimension, where the other dimensions broadcast."""
    cells, at = source.numpy(), index.numpy()
    shape = np.broadcast_shapes(tuple(np.delete(cells.shape, dim)), tuple(np.delete(at.shape, dim)))
    place = dim % cells.ndim
    cells, at = (
        np.broadcast_to(each, (*shape[:place], each.shape[dim], *shape[place:]))
        for each in (cells, at)
    )
    return wrapped(np.take_along_axis(cells, at, dim))


def searchsorted(
    bounds: Tensor,
    values: Tensor,
    *,
    right: bool = False,
    side: Literal["left", "right"] = "left",
) -> Tensor:
    """Where values belong among sorted bounds: one row, or a row for each row of values."""
    right = right or side == "right"
    if bounds.ndim == 1:
        place = np.searchsorted(bounds.numpy(), values.numpy(), "right" if right else "left")
        return wrapped(np.asarray(place))
    below, at = bounds.numpy()[..., None, :], values.numpy()[..., :, None]
    return wrapped((below <= at if right else below < at).sum(-1))


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """x where the condition holds, y elsewhere."""
    return wrapped(np.where(condition, x, y))


def equal(left: Tensor, right: Tensor) -> bool:
    """Whether two tensors have the same shape and the same numbers."""
    return np.array_equal(left.numpy(), right.numpy())


# Products of matrices.


def add(left: Tensor, right: Tensor, *, out: Tensor) -> Tensor:
    """The sum, written to ``out``."""
    return UFUNCS.add(left, right, out=out)


def addmm(start: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """start + left · right."""
    found = UFUNCS.matmul(left, right)
    found += start
    return found


addmv = baddbmm = addmm


def mm(left: Tensor, right: Tensor) -> Tensor:
    """left · right."""
    return UFUNCS.matmul(left, right)


matmul = bmm = mm


def outer(left: Tensor, right: Tensor) -> Tensor:
    """The matrix of all products."""
    return UFUNCS.multiply(left[:, None], right)


def diag_embed(values: Tensor) -> Tensor:
    """Matrices with these diagonals."""
    return UFUNCS.multiply(values[..., None], np.eye(values.shape[-1], dtype=values.dtype))


def cholesky_solve(right: Tensor, factor: Tensor) -> Tensor:
    """The solution X of L Lᵀ X = right, for a lower triangular L."""
    lower = factor.numpy()
    between = np.linalg.solve(lower, right.numpy())
    return wrapped(np.linalg.solve(lower.swapaxes(-1, -2), between))


# Each number.


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(−x)), without overflow."""
    e = UFUNCS.exp(-UFUNCS.abs(x))
    return where(x >= 0, 1, e) / (1 + e)


def relu(x: Tensor) -> Tensor:
    """max(x, 0)."""
    return UFUNCS.maximum(x, 0)


def logit(p: Tensor) -> Tensor:
    """log(p / (1 − p))."""
    return UFUNCS.log(p / (1 - p))


def xlogy(x: Tensor, y: Tensor) -> Tensor:
    """x log y, and 0 where x is 0."""
    return where(x == 0, 0, x * np.log(y))


def clip(x: Tensor, min: Any = None, max: Any = None) -> Tensor:  # noqa: A002
    """The nearest numbers that are not below ``min`` and not above ``max``."""
    return x.clamp(min, max)


clamp = clip


class finfo:  # noqa: N801
    """The limits of a dtype, as Python's floats, which never change the dtype of a result."""

    def __init__(self, dtype: Any) -> None:
        found = np.finfo(dtype)
        self.eps, self.tiny = float(found.eps), float(found.tiny)
        self.min, self.max = float(found.min), float(found.max)


def _shape(sizes: Sequence[Any]) -> tuple[int, ...]:
    """Sizes that are arguments or one sequence, as a tuple."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], Sequence) else tuple(sizes)


def _are_python_floats(data: Any) -> bool:
    """Whether the first number is Python's own, whose dtype is the default."""
    while isinstance(data, Sequence) and len(data):
        data = data[0]
    return type(data) in (float, int, bool) or isinstance(data, Sequence)
