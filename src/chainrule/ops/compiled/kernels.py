"""Kernels: compiled functions that several threads call at once, cached on disk."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false

from __future__ import annotations

import hashlib
import inspect
from functools import lru_cache
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import cfunc, types
from numba.core import sigutils
from numba.np import arrayobj

from chainrule.ops.compiled.strips import OPTIONS, intrinsic

# Tasks. A kernel is a compiled function of one address, which points to the caller's words: the
# number of tasks taken, of threads taking part and of all tasks, then the arguments. Any number of
# threads may call it at once. Each takes tasks until none is left, and no Python runs meanwhile.

TAKEN, SEATED, COUNT, ARGUMENTS = range(4)
_WORDS = types.CPointer(types.int64)


@intrinsic
def claim(typingctx: Any, words: Any, index: Any) -> Any:
    """words[index]++ as one atomic operation: no two threads get the same number."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), one, "monotonic")

    return types.int64(words, types.intp), emit


def arguments_of(kinds: str) -> Any:
    """A function that makes a kernel's arguments from its words.

    An array has its address and shape there, a float64 its bits.
    """
    wanted = sigutils.normalize_signature(f"void({kinds})")[0]

    def arguments(typingctx: Any, words: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            place, found = ARGUMENTS, []

            def word() -> Any:
                nonlocal place
                place += 1
                return builder.load(builder.gep(args[0], [ir.Constant(ir.IntType(64), place - 1)]))

            for kind in wanted:
                if kind == types.float64:
                    found.append(builder.bitcast(word(), ir.DoubleType()))
                    continue
                if not isinstance(kind, types.Array):
                    found.append(context.cast(builder, word(), types.int64, kind))
                    continue
                array = context.make_array(kind)(context, builder)
                data = builder.inttoptr(word(), context.get_data_type(kind.dtype).as_pointer())
                size = context.get_constant(
                    types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype))
                )
                shape, strides = [word() for _ in range(kind.ndim)], [size]
                for length in reversed(shape[1:]):
                    strides.insert(0, builder.mul(strides[0], length))
                arrayobj.populate_array(array, data, shape, strides, size, meminfo=None)
                found.append(array._getvalue())
            return context.make_tuple(builder, signature.return_type, found)

        return types.Tuple(wanted)(words), emit

    return intrinsic(arguments)


def kernel(function: Any) -> Any:
    """A function that compiles the kernel on its first call, and caches it on disk if possible.

    numba renews cached code if the kernel's file has another size or time. Installed files can have
    the same, and the code depends on other files, too. So the name of the cached file has a hash of
    the files of this package and of the kernel's.

    A kernel writes its loop over tasks itself: numba caches no function that closes over another.
    """

    @lru_cache(maxsize=1)
    def compiled() -> Any:
        function.__qualname__ = f"{function.__name__}-{_stamp(Path(inspect.getfile(function)))}"
        try:
            return cfunc(types.void(_WORDS), cache=True, **OPTIONS)(function)
        except (RuntimeError, OSError):  # no folder, or no space: every process compiles
            return cfunc(types.void(_WORDS), **OPTIONS)(function)

    compiled.__name__ = function.__name__
    return compiled


def _stamp(file: Path) -> str:
    """A short hash of the sources that, with numba and the machine, decide the machine code."""
    sources = sorted(Path(__file__).parent.glob("*.py")) + sorted(file.parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
