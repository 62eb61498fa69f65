"""Files of a JSON header and named arrays, which execute no code and are complete or absent.

This module knows no model.

Layout (integers are little-endian; docs/file-format.md describes it for other readers):

    8 bytes   magic  b"CHAINRUL"
    8 bytes   length of the header, unsigned
    32 bytes  SHA-256 of the header
    header    UTF-8 JSON object: format, kind, library, arrays {bytes, sha256}, content {…}
    arrays    one safetensors block, to the end of the file

Reading raises ``FormatError`` for truncated, edited, foreign and too large files, before it
allocates.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from chainrule.atomic import write_bytes
from chainrule.errors import FormatError, printable

MAGIC = b"CHAINRUL"
FORMAT = 2
MOST_HEADER_BYTES = 64 * 2**20
MOST_ARRAY_BYTES = 64 * 2**30
_PREFIX = struct.Struct("<8sQ32s")


@dataclass(frozen=True)
class Contents:
    """The contents of a file: its kind ("model", "checkpoint"), content, arrays and version."""

    kind: str
    content: dict[str, Any]
    arrays: dict[str, np.ndarray]
    library: str = ""


def dump(contents: Contents) -> bytes:
    """The bytes of a file; equal contents always give equal bytes."""
    arrays = save_arrays(
        {name: np.ascontiguousarray(contents.arrays[name]) for name in sorted(contents.arrays)}
    )
    header = {
        "format": FORMAT,
        "kind": contents.kind,
        "library": contents.library,
        "arrays": {"bytes": len(arrays), "sha256": hashlib.sha256(arrays).hexdigest()},
        "content": contents.content,
    }
    text = json.dumps(
        header, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
    return _PREFIX.pack(MAGIC, len(text), hashlib.sha256(text).digest()) + text + arrays


def parse(data: bytes, *, name: str = "data") -> Contents:
    """Parses the bytes of a file; messages call it ``name``."""
    length = _header_length(data[: _PREFIX.size], name)
    text, block = data[_PREFIX.size : _PREFIX.size + length], data[_PREFIX.size + length :]
    header = _header(data[: _PREFIX.size], text, name)
    _require_size(len(block), header, name)
    return _contents(header, block, name)


def _header_length(prefix: bytes, name: str) -> int:
    if len(prefix) < _PREFIX.size or not prefix.startswith(MAGIC):
        raise FormatError(f"{name}: not a chainrule file; it does not begin with {MAGIC.decode()}")
    length = _PREFIX.unpack(prefix)[1]
    if length > MOST_HEADER_BYTES:
        raise FormatError(
            f"{name}: the header claims {length} bytes, more than the {MOST_HEADER_BYTES} allowed"
        )
    return length


def _header(prefix: bytes, text: bytes, name: str) -> dict[str, Any]:
    """Checks the hash and the structure of the header, and parses it."""
    _, length, digest = _PREFIX.unpack(prefix)
    if len(text) < length:
        raise FormatError(f"{name}: truncated inside the header ({len(text)} of {length} bytes)")
    if hashlib.sha256(text).digest() != digest:
        raise FormatError(f"{name}: the header was edited or damaged; its SHA-256 does not match")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name}: the header is not JSON: {error}") from error
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise FormatError(f"{name}: the header does not name a format version")
    if header["format"] != FORMAT:
        raise FormatError(
            f"{name}: written by chainrule {header.get('library')} in format {header['format']}; "
            f"this version reads format {FORMAT}. "
            f"Fit the table again (chainrule fit TABLE -o {name}), or use the version that wrote it"
        )
    arrays = header.get("arrays")
    shape_ok = (
        isinstance(header.get("kind"), str)
        and isinstance(header.get("library"), str)
        and isinstance(header.get("content"), dict)
        and isinstance(arrays, dict)
        and isinstance(arrays.get("bytes"), int)
        and isinstance(arrays.get("sha256"), str)
    )
    if not shape_ok:
        raise FormatError(f"{name}: the header lacks kind, library, content or arrays")
    return header


def _require_size(found: int, header: dict[str, Any], name: str) -> None:
    expected = header["arrays"]["bytes"]
    if found != expected:
        raise FormatError(
            f"{name}: {found} bytes of arrays where the header says {expected}; "
            "truncated or extended"
        )
    if expected > MOST_ARRAY_BYTES:
        raise FormatError(
            f"{name}: {expected} bytes of arrays, more than the {MOST_ARRAY_BYTES} allowed"
        )


def _contents(header: dict[str, Any], block: bytes, name: str) -> Contents:
    if hashlib.sha256(block).hexdigest() != header["arrays"]["sha256"]:
        raise FormatError(
            f"{name}: the arrays were edited or damaged; their SHA-256 does not match"
        )
    try:
        arrays = load_arrays(block)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{name}: the arrays are not a safetensors block: {error}") from error
    return Contents(header["kind"], header["content"], arrays, header["library"])


def write(path: str | os.PathLike[str], contents: Contents) -> None:
    """Writes a file that appears only when it is complete."""
    write_bytes(path, dump(contents))


def read(path: str | os.PathLike[str], *, kind: str) -> Contents:
    """Reads a file of this kind. Sizes are checked before anything of that size is read.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is truncated, edited, too large, of another kind, or no chainrule file.
    """
    source = Path(path)
    _require_file(source, kind)
    with source.open("rb") as file:
        header = _read_header(file, source, kind)
        block = file.read(min(header["arrays"]["bytes"], MOST_ARRAY_BYTES) + 1)
        _require_size(len(block), header, str(source))
        return _contents(header, block, str(source))


def require(path: str | os.PathLike[str], *, kind: str) -> None:
    """Raises the errors of ``read`` that the header of a file shows; reads nothing from a pipe."""
    source = Path(path)
    _require_file(source, kind)
    if source.is_file():
        with source.open("rb") as file:
            _read_header(file, source, kind)


def _require_file(source: Path, kind: str) -> None:
    if source.is_dir():
        raise FormatError(f"{source}: a folder, not a chainrule {kind} file")
    if not source.exists():
        raise FileNotFoundError(printable(f"{source}: no such file"))


def _read_header(file: BinaryIO, source: Path, kind: str) -> dict[str, Any]:
    """Reads and checks the header; raises FormatError if the file is of another kind or size."""
    prefix = file.read(_PREFIX.size)
    text = file.read(_header_length(prefix, str(source)))
    header = _header(prefix, text, str(source))
    if source.is_file():  # a pipe has no known size
        _require_size(source.stat().st_size - len(prefix) - len(text), header, str(source))
    if header["kind"] != kind:
        raise FormatError(f"{source}: a chainrule {header['kind']} file, not a {kind} file")
    return header
