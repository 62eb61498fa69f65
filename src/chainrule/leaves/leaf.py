"""Frozen values that a file describes by their class and fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from chainrule.errors import ChainruleError, FormatError, unknown_choice


class AbstractLeaf:
    """A frozen dataclass whose fields are numbers, text, other leaves, or tuples of these."""

    def to_json(self) -> dict[str, object]:
        """A JSON object that rebuilds this value: ``kind``, its class, and the non-default
        fields."""
        spec: dict[str, object] = {"kind": type(self).__name__}
        for field in fields(self):  # type: ignore[arg-type]  # every leaf is a dataclass
            value = getattr(self, field.name)
            if field.default is MISSING or value != field.default:
                spec[field.name] = _described(value)
        return spec


AnyLeaf = TypeVar("AnyLeaf", bound=AbstractLeaf)


def leaf_from_json(
    spec: Mapping[str, object],
    kinds: Mapping[str, type[AnyLeaf]],
    what: str,
    parts: Mapping[str, type[AbstractLeaf]] | None = None,
) -> AnyLeaf:
    """Rebuilds the leaf that ``to_json`` described, and the leaves in its fields.

    Its fields may hold leaves of the same kinds, and of ``parts``.

    Raises:
        FormatError: an unknown kind, or fields that it does not take; the message calls it
            ``what``.
    """
    inner = {**kinds, **(parts or {})}
    options = {key: _read(value, inner, what) for key, value in spec.items()}
    kind = options.pop("kind", None)
    if kind not in kinds:
        raise FormatError(unknown_choice(what, kind, kinds))
    try:
        return kinds[str(kind)](**options)
    except FormatError:
        raise
    except ChainruleError as error:
        raise FormatError(f"{what} {kind!r}: {error}") from error
    except TypeError as error:
        raise FormatError(f"{what} {kind!r} does not take the options {sorted(options)}") from error


def _described(value: object) -> object:
    if isinstance(value, AbstractLeaf):
        return value.to_json()
    return [_described(each) for each in value] if isinstance(value, tuple) else value


def _read(value: object, kinds: Mapping[str, type[Any]], what: str) -> Any:
    if isinstance(value, Mapping):
        return leaf_from_json(value, kinds, what)
    return tuple(_read(each, kinds, what) for each in value) if isinstance(value, list) else value
