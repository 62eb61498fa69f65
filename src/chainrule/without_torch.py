"""The rooms of a model, executed a second time with ``chainrule.tensors`` as ``torch``.

``chainrule.without_torch.networks.nade`` is the source of ``chainrule.networks.nade``. There,
``import torch`` gives ``chainrule.tensors``, and imports from the rooms in ``ROOMS`` give their
second form. So each formula is written once. Other rooms, such as ``chainrule.table``, are the same
modules in both forms.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from typing_extensions import override

ROOMS = frozenset(
    {"conditionals", "density", "missing", "model", "networks", "ops", "rng", "rows_or_codes",
     "tasks"}
)  # fmt: skip
# Kernels read the memory of PyTorch's tensors.
KERNELS = frozenset({"ops.cells.cpu", "ops.cells.ties", "ops.nade.cpu", "ops.nade.triton_gpu"})

__path__ = [str(Path(__file__).parent)]  # the sources are those of ``chainrule``


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return import_module(f"{__name__ if name in ROOMS else 'chainrule'}.{name}")


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,  # noqa: A002
    locals: Mapping[str, object] | None = None,  # noqa: A002
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """``__import__`` inside the second form of a module."""
    first, _, rest = name.partition(".")
    if first == "torch":
        name = f"chainrule.tensors.{rest}".rstrip(".")
        if not fromlist:
            return import_module("chainrule.tensors")
    elif first == "chainrule" and (not rest or rest.split(".")[0] in ROOMS):
        name = f"{__name__}.{rest}".rstrip(".")
        if not fromlist:
            import_module(name)
            return sys.modules[__name__]
    return builtins.__import__(name, globals, locals, fromlist or (), level)


class _SecondForm(Loader):
    """Executes a module's source with another ``import``.

    Args:
        source: the loader of the source.
    """

    def __init__(self, source: Any) -> None:
        self._source = source

    @override
    def create_module(self, spec: ModuleSpec) -> None:
        return None

    @override
    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import}
        exec(self._source.get_code(module.__name__), vars(module))


class _Finder(MetaPathFinder):
    """Finds the modules of ``chainrule.without_torch`` among those of ``chainrule``."""

    @override
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        room = name.removeprefix(f"{__name__}.")
        if room == name:
            return None
        if room in KERNELS:
            raise ImportError(f"chainrule.{room} computes with PyTorch's tensors", name=name)
        spec = PathFinder.find_spec(name, path)
        if spec is not None:
            spec.loader = _SecondForm(spec.loader)
        return spec


sys.meta_path.insert(0, _Finder())
