"""Modules: objects that hold named tensors and other modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self

from typing_extensions import override

from chainrule.tensors.errors import no_form
from chainrule.tensors.tensor import Tensor


class Parameter(NamedTuple):
    """Marks a tensor that a module keeps by its name."""

    tensor: Tensor
    requires_grad: bool = True


class Module:
    """An object whose parameters, buffers and modules have names, as in PyTorch."""

    training: bool = True

    def __init__(self) -> None:
        vars(self).update(_parameters={}, _buffers={}, _modules={}, _not_saved=set())

    def __getattr__(self, name: str) -> Any:
        for kind in ("_parameters", "_buffers", "_modules"):
            held = vars(self).get(kind, {})
            if name in held:
                return held[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @override
    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._parameters[name] = value.tensor
        elif isinstance(value, Module):
            self._modules[name] = value
        elif name in vars(self).get("_buffers", ()):
            self._buffers[name] = value
        else:
            super().__setattr__(name, value)

    def __call__(self, *arguments: Any) -> Any:  # noqa: D102
        return self.forward(*arguments)

    def forward(self, *arguments: Any) -> Any:
        """The module's own function."""
        raise no_form(f"nn.{type(self).__name__}.forward", "forward")

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Keeps a tensor that is no parameter; files have it if it is persistent."""
        self._buffers[name] = tensor
        if not persistent:
            self._not_saved.add(name)

    def get_buffer(self, name: str) -> Any:
        """The buffer of this name."""
        return self._buffers[name]

    def modules(self) -> Iterator[Module]:
        """The module and all modules within, each once."""
        return (module for _, module in self._named_modules("", set()))

    def _named_modules(self, prefix: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) not in seen:
            seen.add(id(self))
            yield prefix, self
            for name, module in self._modules.items():
                yield from module._named_modules(f"{prefix}{name}.", seen)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """All parameters with their names, each once."""
        seen: set[int] = set()
        for prefix, module in self._named_modules("", set()):
            for name, tensor in module._parameters.items():
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield prefix + name, tensor

    def parameters(self) -> Iterator[Tensor]:
        """All parameters, each once."""
        return (tensor for _, tensor in self.named_parameters())

    def state_dict(self) -> dict[str, Tensor]:
        """All parameters and persistent buffers by name."""
        return {name: held[key] for name, held, key in self._places("")}

    def load_state_dict(self, tensors: Mapping[str, Tensor]) -> None:
        """Replaces all parameters and persistent buffers by tensors of these names."""
        for name, held, key in self._places(""):
            held[key] = tensors[name]

    def _places(self, prefix: str) -> Iterator[tuple[str, dict[str, Any], str]]:
        """Every saved tensor's name, and the dict and key where it is."""
        for held in (self._parameters, self._buffers):
            for name, tensor in held.items():
                if tensor is not None and name not in self._not_saved:
                    yield prefix + name, held, name
        for name, module in self._modules.items():
            yield from module._places(f"{prefix}{name}.")

    def to(self, wanted: Any) -> Self:
        """The module itself: there is one device."""
        return self

    def double(self) -> Self:
        """Changes all floats to float64."""
        converted: dict[int, tuple[Tensor, Tensor]] = {}  # old and new, by the old one's id
        for module in self.modules():
            for held in (module._parameters, module._buffers):
                for name, tensor in held.items():
                    if tensor is not None and tensor.is_floating_point():
                        if id(tensor) not in converted:
                            converted[id(tensor)] = tensor, tensor.double()
                        held[name] = converted[id(tensor)][1]
        return self

    def eval(self) -> Self:
        """Ends training mode."""
        for module in self.modules():
            module.training = False
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """The module itself: gradients are never recorded."""
        return self


class ParameterList(Module):
    """A list of parameters."""

    def __init__(self, parameters: Iterable[Parameter] = ()) -> None:
        super().__init__()
        for parameter in parameters:
            self.append(parameter)

    def append(self, parameter: Parameter) -> None:
        """Adds a parameter at the end."""
        setattr(self, str(len(self)), parameter)

    def __len__(self) -> int:
        return len(self._parameters)

    def __getitem__(self, index: Any) -> Any:
        return list(self._parameters.values())[index]

    def __iter__(self) -> Iterator[Tensor]:
        return iter(list(self._parameters.values()))


class ModuleList(Module):
    """A list of modules."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        for number, module in enumerate(modules):
            setattr(self, str(number), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, index: Any) -> Any:
        return list(self._modules.values())[index]

    def __iter__(self) -> Iterator[Module]:
        return iter(list(self._modules.values()))
