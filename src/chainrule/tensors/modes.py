"""What PyTorch can switch on or trace, and NumPy cannot: gradients, devices, compilation."""

from __future__ import annotations

from contextlib import AbstractContextManager, ContextDecorator, nullcontext
from contextvars import ContextVar
from typing import Any

from typing_extensions import override

_meta: ContextVar[bool] = ContextVar("meta", default=False)


class no_grad(ContextDecorator):  # noqa: N801
    """Does nothing: gradients are never recorded."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def is_grad_enabled() -> bool:
    """False."""
    return False


def is_autocast_enabled(device: str) -> bool:
    """False."""
    return False


def autocast(device: str, *, enabled: bool) -> AbstractContextManager[None]:
    """Does nothing."""
    return nullcontext()


class device(AbstractContextManager[None]):  # noqa: N801
    """A place for new tensors; those on "meta" have a shape and no memory.

    Args:
        name: "meta" or "cpu".
    """

    def __init__(self, name: str) -> None:
        self.type = name

    @override
    def __enter__(self) -> None:
        self._token = _meta.set(self.type == "meta")

    @override
    def __exit__(self, *_: object) -> None:
        _meta.reset(self._token)


def is_meta(wanted: Any) -> bool:
    """Whether a new tensor has no memory; ``wanted`` is its device, if it has one of its own."""
    return _meta.get() if wanted is None else str(getattr(wanted, "type", wanted)) == "meta"


class compiler:  # noqa: N801
    """Compilation of functions, which never happens."""

    @staticmethod
    def is_compiling() -> bool:
        """False."""
        return False


class Function:
    """A function with gradients of its own, of which only the value is computed."""

    @classmethod
    def apply(cls, *arguments: Any) -> Any:
        """The value."""
        return cls.forward(_Context(), *arguments)  # type: ignore[attr-defined]


class _Context:
    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps nothing."""


class autograd:  # noqa: N801
    """Gradients, which are never computed."""

    Function = Function


class _Operator:
    def register_fake(self, function: Any) -> Any:
        return function

    def register_autograd(self, function: Any, setup_context: Any) -> None:
        pass


class library:  # noqa: N801
    """Operators for compilation, which are never called."""

    @staticmethod
    def custom_op(name: str, mutates_args: Any) -> Any:
        """Returns a decorator."""
        return lambda function: _Operator()


def get_num_threads() -> int:
    """1: the threads of matrix products are NumPy's own."""
    return 1


def set_num_threads(number: int) -> None:
    """Does nothing."""
