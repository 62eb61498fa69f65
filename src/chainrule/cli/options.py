"""The options of a command that are the fields of ``FitConfig``, with their help texts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, get_type_hints

import typer

from chainrule.errors import ChainruleError
from chainrule.training.config import FitConfig


def with_config(command: Callable[..., None]) -> Callable[..., None]:
    """Wraps a command whose parameter ``config`` becomes one option for each field of
    ``FitConfig``.
    """
    names = [each.name for each in fields(FitConfig)]

    @functools.wraps(command)
    def run(**options: Any) -> None:
        asked = {name: options.pop(name) for name in names}
        asked["hidden_sizes"] = _sizes(asked["hidden_sizes"])
        command(config=FitConfig(**asked), **options)

    signature = inspect.signature(command, eval_str=True)
    parameters = [
        each
        for name, parameter in signature.parameters.items()
        for each in (config_options() if name == "config" else [parameter])
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run


def config_options() -> list[inspect.Parameter]:
    """Returns the fields of ``FitConfig`` as parameters of a command, each with its type, default
    and help.
    """
    types = get_type_hints(FitConfig) | {"hidden_sizes": str | None}
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=each.default,
            annotation=Annotated[
                types[each.name], typer.Option(help=_help(each.name, each.metadata["help"]))
            ],
        )
        for each in fields(FitConfig)
    ]


def _help(name: str, text: str) -> str:
    return f"{text.removesuffix('.')}, as 500,500." if name == "hidden_sizes" else text


def _sizes(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError as error:
        raise ChainruleError(
            f"--hidden-sizes {text}: pass whole numbers with commas between, as 500,500"
        ) from error
