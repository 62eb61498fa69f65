"""A NumPy array with the methods of a PyTorch tensor that networks, conditionals and tasks call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from typing_extensions import override

from chainrule.tensors.errors import no_form

UFUNCS: Any = np  # whose results are tensors if an argument is, which type checkers do not know


class Device(NamedTuple):
    """Where a tensor is: "cpu", or "meta" for a shape without memory."""

    type: str


class Values(NamedTuple):
    """Sorted values, or extremes, with their positions."""

    values: Tensor
    indices: Tensor


class Tensor(np.ndarray):
    """An array that answers as a tensor on the CPU does, without gradients.

    Arithmetic, comparisons and slices are the array's own. Methods have PyTorch's names, arguments
    and results. A method that is missing raises an error that names it. NumPy's rules decide the
    dtype of a result, except that a quotient of whole numbers is float32.
    """

    device: ClassVar[Device] = Device("cpu")  # type: ignore[override]
    is_meta: ClassVar[bool] = False
    requires_grad: ClassVar[bool] = False

    def __getattr__(self, name: str) -> Any:
        raise no_form(f"Tensor.{name}", name)

    @override
    def __getitem__(self, index: Any) -> Tensor:
        found = super().__getitem__(index)
        return found if isinstance(found, Tensor) else wrapped(found)

    @override
    def __deepcopy__(self, memo: dict[int, Any] | None) -> Tensor:
        return self.clone()

    @override
    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    @override
    def __int__(self) -> Any:
        return int(self.item())

    @override
    def __float__(self) -> Any:
        return float(self.item())

    @override
    def __truediv__(self, other: Any) -> Any:
        found = UFUNCS.true_divide(self, other)
        return found.float() if _are_whole(self, other) else found

    @override
    def __rtruediv__(self, other: Any) -> Any:
        found = UFUNCS.true_divide(other, self)
        return found.float() if _are_whole(self, other) else found

    @property
    @override
    def T(self) -> Tensor:  # type: ignore[override]
        return self.t()

    # Copies, dtypes and memory.

    def numpy(self) -> np.ndarray:
        """The same memory as a plain array."""
        return self.view(np.ndarray)

    def cpu(self) -> Tensor:
        """The tensor itself, as ``detach`` and ``resolve_neg``."""
        return self

    detach = resolve_neg = cpu

    def contiguous(self) -> Tensor:
        """The tensor with its elements in the order of its shape, a copy if they are not."""
        return self if self.flags.c_contiguous else wrapped(np.ascontiguousarray(self.numpy()))

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """The tensor itself: it never records gradients."""
        return self

    def clone(self) -> Tensor:
        """A copy."""
        return wrapped(np.array(self.numpy()))

    def to(self, *wanted: Any, copy: bool = False, dtype: Any = None, device: Any = None) -> Tensor:
        """The tensor in another dtype, or that of another tensor; devices are ignored."""
        for each in wanted:
            if isinstance(each, Tensor):
                dtype = each.dtype
            elif not isinstance(each, str | Device):
                dtype = each
        return wrapped(self.astype(self.dtype if dtype is None else dtype, copy=copy))

    def double(self) -> Tensor:
        """The tensor in float64."""
        return self.to(np.float64)

    def float(self) -> Tensor:
        """The tensor in float32."""
        return self.to(np.float32)

    def long(self) -> Tensor:
        """The tensor in int64, rounded towards zero."""
        return self.to(np.int64)

    def int(self) -> Tensor:
        """The tensor in int32, rounded towards zero."""
        return self.to(np.int32)

    def bool(self) -> Tensor:
        """Whether each number is not zero."""
        return self.to(np.bool_)

    def is_floating_point(self) -> bool:
        """Whether the numbers are floats."""
        return self.dtype.kind == "f"

    def data_ptr(self) -> int:
        """The address of the first number."""
        return self.__array_interface__["data"][0]

    def numel(self) -> int:
        """The number of numbers."""
        return self.size

    # New tensors of the same dtype.

    def new_empty(self, *shape: Any, dtype: Any = None) -> Tensor:
        """A tensor of zeros."""
        return wrapped(np.zeros(_flat(shape), self.dtype if dtype is None else dtype))

    new_zeros = new_empty

    def new_ones(self, *shape: Any, dtype: Any = None) -> Tensor:
        """A tensor of ones."""
        return wrapped(np.ones(_flat(shape), self.dtype if dtype is None else dtype))

    def new_full(self, shape: Any, value: Any, dtype: Any = None) -> Tensor:
        """A tensor of one value."""
        return wrapped(np.full(tuple(shape), value, self.dtype if dtype is None else dtype))

    def new_tensor(self, data: Any, dtype: Any = None) -> Tensor:
        """A tensor of these numbers."""
        return wrapped(np.array(data, self.dtype if dtype is None else dtype))

    # Shapes.

    def t(self) -> Tensor:
        """The transposed matrix, or the vector itself."""
        return wrapped(self.numpy().T)

    @override
    def transpose(self, first: Any, second: Any) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().swapaxes(first, second))

    def permute(self, *dims: Any) -> Tensor:
        """The tensor with its dimensions in another order."""
        return wrapped(self.numpy().transpose(_flat(dims)))

    @override
    def reshape(self, *shape: Any) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().reshape(_flat(shape)))

    def view_as(self, other: Tensor) -> Tensor:
        """The numbers in another tensor's shape."""
        return self.reshape(other.shape)

    @override
    def flatten(self, start: Any = 0, end: Any = -1) -> Tensor:  # type: ignore[override]
        start, end = start % max(self.ndim, 1), end % max(self.ndim, 1)
        # A size of −1 would be undefined without rows.
        joined = math.prod(self.shape[start : end + 1])
        return self.reshape(*self.shape[:start], joined, *self.shape[end + 1 :])

    def unflatten(self, dim: Any, sizes: Sequence[Any]) -> Tensor:
        """The tensor with one dimension as several."""
        dim %= self.ndim
        known = math.prod(size for size in sizes if size >= 0)
        sizes = [size if size >= 0 else self.shape[dim] // known for size in sizes]
        return self.reshape(*self.shape[:dim], *sizes, *self.shape[dim + 1 :])

    @override
    def squeeze(self, dim: Any) -> Tensor:  # type: ignore[override]
        is_one = self.shape[dim] == 1
        return wrapped(self.numpy().squeeze(dim)) if is_one else self

    def unsqueeze(self, dim: Any) -> Tensor:
        """The tensor with a further dimension of size 1."""
        return wrapped(np.expand_dims(self.numpy(), dim))

    def expand(self, *shape: Any) -> Tensor:
        """The tensor with dimensions of size 1 repeated, in the same memory, read only."""
        shape = _flat(shape)
        own = (1,) * (len(shape) - self.ndim) + self.shape
        sizes = [had if size == -1 else size for size, had in zip(shape, own, strict=True)]
        return wrapped(np.broadcast_to(self.numpy(), sizes))

    def expand_as(self, other: Tensor) -> Tensor:
        """``expand`` to another tensor's shape."""
        return self.expand(*other.shape)

    @override
    def repeat(self, *times: Any) -> Tensor:  # type: ignore[override]
        return wrapped(np.tile(self.numpy(), _flat(times)))

    def repeat_interleave(self, times: Any, dim: Any = None, output_size: Any = None) -> Tensor:
        """Each entry along a dimension several times in a row."""
        times = times.numpy() if isinstance(times, Tensor) else times
        return wrapped(np.repeat(self.numpy(), times, dim))

    def unbind(self, dim: Any = 0) -> tuple[Tensor, ...]:
        """The slices along a dimension."""
        moved = np.moveaxis(self.numpy(), dim, 0)
        return tuple(wrapped(each) for each in moved)

    def split(self, size: Any, dim: Any = 0) -> tuple[Tensor, ...]:
        """Slices along a dimension, of one size or of these sizes."""
        length = self.shape[dim]
        if not isinstance(size, Sequence):
            size = [min(size, length - at) for at in range(0, max(length, 1), size)]
        ends = np.cumsum([0, *size]).tolist()
        moved = np.moveaxis(self.numpy(), dim, 0)
        return tuple(wrapped(np.moveaxis(moved[a:b], 0, dim)) for a, b in pairwise(ends))

    def select(self, dim: Any, index: Any) -> Tensor:
        """One slice along a dimension."""
        return wrapped(np.moveaxis(self.numpy(), dim, 0)[index])

    def flip(self, *dims: Any) -> Tensor:
        """The tensor in reversed order along some dimensions."""
        return wrapped(np.flip(self.numpy(), _flat(dims)))

    def rot90(self) -> Tensor:
        """The matrix turned by a quarter, anticlockwise."""
        return wrapped(np.rot90(self.numpy()))

    # Reductions.

    @override
    def sum(self, dim: Any = None, keepdim: Any = False, dtype: Any = None) -> Tensor:  # type: ignore[override]
        if dtype is None and _is_short(self, dim):
            return wrapped(_sum_short(self.numpy(), keepdim))
        return wrapped(self.numpy().sum(dim, dtype, keepdims=keepdim))

    @override
    def mean(self, dim: Any = None, keepdim: Any = False) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().mean(dim, keepdims=keepdim))

    @override
    def var(self, dim: Any = None, unbiased: Any = True) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().var(dim, ddof=int(unbiased)))

    @override
    def std(self, dim: Any = None, unbiased: Any = True) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().std(dim, ddof=int(unbiased)))

    def norm(self, dim: Any = None) -> Tensor:
        """The root of the sum of squares."""
        return (self * self).sum(dim).sqrt()

    @override
    def any(self, dim: Any = None, keepdim: Any = False) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().any(dim, keepdims=keepdim))

    @override
    def all(self, dim: Any = None, keepdim: Any = False) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().all(dim, keepdims=keepdim))

    def amax(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """The largest numbers along dimensions."""
        if _is_short(self, dim):
            return wrapped(_max_short(self.numpy(), keepdim))
        return wrapped(self.numpy().max(dim, keepdims=keepdim))

    def amin(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """The smallest numbers along dimensions."""
        return wrapped(self.numpy().min(dim, keepdims=keepdim))

    @override
    def max(self, dim: Any = None, keepdim: Any = False) -> Any:  # type: ignore[override]
        if dim is None:
            return self.amax()
        return Values(self.amax(dim, keepdim), self.argmax(dim, keepdim))

    @override
    def min(self, dim: Any = None, keepdim: Any = False) -> Any:  # type: ignore[override]
        if dim is None:
            return self.amin()
        return Values(self.amin(dim, keepdim), self.argmin(dim, keepdim))

    @override
    def argmax(self, dim: Any = None, keepdim: Any = False) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().argmax(dim, keepdims=keepdim))

    @override
    def argmin(self, dim: Any = None, keepdim: Any = False) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().argmin(dim, keepdims=keepdim))

    def count_nonzero(self) -> Tensor:
        """How many numbers are not zero."""
        return wrapped(np.count_nonzero(self.numpy()))

    def logsumexp(self, dim: Any, keepdim: Any = False) -> Tensor:
        """log Σ exp along a dimension, without overflow."""
        most = self.amax(dim, keepdim=True).numpy()
        most = np.where(np.isfinite(most), most, 0)
        shifted = wrapped(self.numpy() - most)
        found = UFUNCS.exp(shifted, out=shifted).sum(dim, keepdim=True).log().numpy() + most
        return wrapped(found if keepdim else found.squeeze(dim))

    def log_softmax(self, dim: Any) -> Tensor:
        """x − log Σ exp(x) along a dimension."""
        found = self - self.amax(dim, keepdim=True)
        found -= UFUNCS.exp(found).sum(dim, keepdim=True).log()
        return found

    def softmax(self, dim: Any) -> Tensor:
        """exp(x) / Σ exp(x) along a dimension."""
        found = UFUNCS.exp(self - self.amax(dim, keepdim=True))
        found /= found.sum(dim, keepdim=True)
        return found

    @override
    def cumsum(self, dim: Any) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().cumsum(dim))

    def diff(self, dim: Any = -1) -> Tensor:
        """Differences of neighbours along a dimension."""
        return wrapped(np.diff(self.numpy(), axis=dim))

    @override
    def sort(self, dim: Any = -1) -> Values:  # type: ignore[override]
        at = self.numpy().argsort(dim, kind="stable")
        return Values(wrapped(np.take_along_axis(self.numpy(), at, dim)), wrapped(at))

    @override
    def argsort(self, dim: Any = -1) -> Tensor:  # type: ignore[override]
        return wrapped(self.numpy().argsort(dim, kind="stable"))

    @override
    def nonzero(self, as_tuple: Any = False) -> Any:  # type: ignore[override]
        found = self.numpy().nonzero()
        if as_tuple:
            return tuple(wrapped(each) for each in found)
        return wrapped(np.stack(found, axis=1))

    # Cells by their positions.

    def gather(self, dim: Any, index: Tensor) -> Tensor:
        """The numbers at positions along a dimension; other dimensions are those of ``index``."""
        dim %= self.ndim
        cut = tuple(slice(None) if k == dim else slice(size) for k, size in enumerate(index.shape))
        return wrapped(np.take_along_axis(self.numpy()[cut], index.numpy(), dim))

    def index_select(self, dim: Any, index: Tensor) -> Tensor:
        """The slices at positions along a dimension."""
        return wrapped(np.take(self.numpy(), index.numpy(), dim))

    def index_put(self, indices: Sequence[Tensor], values: Tensor) -> Tensor:
        """A copy with some cells replaced."""
        found = self.clone()
        found[tuple(indices)] = values
        return found

    def masked_scatter(self, mask: Tensor, source: Tensor) -> Tensor:
        """A copy with the cells of a mask replaced, in their order."""
        found = np.array(np.broadcast_to(self.numpy(), np.broadcast_shapes(self.shape, mask.shape)))
        where = np.broadcast_to(mask.numpy(), found.shape)
        found[where] = source.numpy().ravel()[: int(where.sum())]
        return wrapped(found)

    def index_add_(self, dim: Any, index: Tensor, source: Tensor) -> Tensor:
        """Adds slices at positions along a dimension, in place."""
        target = np.moveaxis(self.numpy(), dim, 0)
        np.add.at(target, index.numpy(), np.moveaxis(source.numpy(), dim, 0))
        return self

    def scatter_add_(self, dim: Any, index: Tensor, source: Tensor) -> Tensor:
        """Adds numbers at positions along a dimension, in place."""
        at = list(np.indices(index.shape, sparse=True))
        at[dim] = index.numpy()
        np.add.at(self.numpy(), tuple(at), source.numpy())
        return self

    # Each number.

    def exp(self) -> Tensor:
        """exp(x)."""
        return UFUNCS.exp(self)

    def expm1(self) -> Tensor:
        """exp(x) − 1."""
        return UFUNCS.expm1(self)

    def log(self) -> Tensor:
        """The natural logarithm."""
        return UFUNCS.log(self)

    def log1p(self) -> Tensor:
        """log(1 + x)."""
        return UFUNCS.log1p(self)

    def log2(self) -> Tensor:
        """The logarithm of base 2."""
        return UFUNCS.log2(self)

    def sqrt(self) -> Tensor:
        """The root."""
        return UFUNCS.sqrt(self)

    def reciprocal(self) -> Tensor:
        """1 / x."""
        return UFUNCS.reciprocal(self)

    def abs(self) -> Tensor:
        """The absolute value."""
        return UFUNCS.abs(self)

    def sin(self) -> Tensor:
        """The sine."""
        return UFUNCS.sin(self)

    def cos(self) -> Tensor:
        """The cosine."""
        return UFUNCS.cos(self)

    def floor(self) -> Tensor:
        """The largest whole number that is not above."""
        return UFUNCS.floor(self)

    def ceil(self) -> Tensor:
        """The smallest whole number that is not below."""
        return UFUNCS.ceil(self)

    @override
    def round(self, decimals: Any = 0) -> Tensor:  # type: ignore[override]
        return wrapped(np.round(self.numpy(), decimals))

    def frac(self) -> Tensor:
        """x without its whole part, of the sign of x."""
        return self - UFUNCS.trunc(self)

    def remainder(self, other: Any) -> Tensor:
        """x modulo another number, of that number's sign."""
        return UFUNCS.remainder(self, other)

    def isnan(self) -> Tensor:
        """Whether each number is NaN."""
        return UFUNCS.isnan(self)

    def isinf(self) -> Tensor:
        """Whether each number is infinite."""
        return UFUNCS.isinf(self)

    def isfinite(self) -> Tensor:
        """Whether each number is finite."""
        return UFUNCS.isfinite(self)

    def nan_to_num(self, nan: Any) -> Tensor:
        """The tensor with NaN replaced."""
        return wrapped(np.where(np.isnan(self.numpy()), self.dtype.type(nan), self.numpy()))

    def erf(self) -> Tensor:
        """The error function."""
        from chainrule.tensors import special

        return special.erf(self)

    def minimum(self, other: Any) -> Tensor:
        """The smaller of two numbers."""
        return UFUNCS.minimum(self, other)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:  # noqa: A002
        """The nearest numbers that are not below ``min`` and not above ``max``."""
        found = self
        if min is not None:
            found = UFUNCS.maximum(found, min)
        return found if max is None else UFUNCS.minimum(found, max)

    # In place.

    def copy_(self, other: Any) -> Tensor:
        """Overwrites the numbers."""
        self[...] = other
        return self

    def add_(self, other: Any) -> Tensor:
        """Adds in place."""
        self += other
        return self

    def mul_(self, other: Any) -> Tensor:
        """Multiplies in place."""
        self *= other
        return self

    def addmm_(self, left: Tensor, right: Tensor) -> Tensor:
        """Adds a matrix product in place."""
        self += left @ right
        return self

    def sigmoid_(self) -> Tensor:
        """1 / (1 + exp(−x)) in place."""
        from chainrule.tensors.functions import sigmoid

        return self.copy_(sigmoid(self))

    def relu_(self) -> Tensor:
        """max(x, 0) in place."""
        UFUNCS.maximum(self, 0, out=self)
        return self

    def normal_(self, mean: Any, deviation: Any, *, generator: Any) -> Tensor:
        """Draws initial weights in place, other ones than PyTorch does; a file replaces them."""
        self[...] = generator.normal(self.shape) * deviation + mean
        return self


class MetaTensor(Tensor):
    """A shape and a dtype without memory: zeros that all share one place."""

    device: ClassVar[Device] = Device("meta")
    is_meta: ClassVar[bool] = True

    @classmethod
    def of(cls, shape: Sequence[Any], dtype: Any) -> Self:
        """The tensor of a shape."""
        return np.broadcast_to(np.zeros((), dtype), tuple(shape)).view(cls)

    @override
    def to(self, *wanted: Any, copy: bool = False, dtype: Any = None, device: Any = None) -> Tensor:
        one = np.zeros((), self.dtype).view(Tensor).to(*wanted, dtype=dtype)
        return MetaTensor.of(self.shape, one.dtype)


def wrapped(array: Any) -> Tensor:
    """An array or a number as a tensor, in the same memory."""
    return np.asarray(array).view(Tensor)


def _flat(sizes: Sequence[Any]) -> tuple[Any, ...]:
    """Sizes that are arguments or one sequence, as a tuple."""
    if len(sizes) == 1 and isinstance(sizes[0], Sequence):
        return tuple(sizes[0])
    return tuple(sizes)


def _are_whole(tensor: Tensor, other: Any) -> Any:
    """Whether a tensor, and another one or a number, give a quotient of the default dtype."""
    is_other = not isinstance(other, np.ndarray) or other.dtype.kind != "f"
    return is_other and not tensor.is_floating_point()


# NumPy reduces a short last dimension, such as the components of a mixture, row by row; this is
# several times as fast.
SHORT = 32


def _is_short(tensor: Tensor, dim: Any) -> Any:
    """Whether a reduction is over a short last dimension of floats."""
    is_last = dim == -1 or (tensor.ndim > 1 and dim == tensor.ndim - 1)
    return is_last and 0 < tensor.shape[-1] <= SHORT < tensor.size and tensor.is_floating_point()


def _sum_short(array: np.ndarray, keepdim: bool) -> np.ndarray:
    found = np.einsum("...k->...", array)
    return found[..., None] if keepdim else found


def _max_short(array: np.ndarray, keepdim: bool) -> np.ndarray:
    found = array[..., 0].copy()
    for k in range(1, array.shape[-1]):
        np.maximum(found, array[..., k], out=found)
    return found[..., None] if keepdim else found
