"""Files of a JSON header and named arrays, which cannot execute code and cannot be half-written. Knows no model.

Layout (all integers little-endian; described for other readers in docs/file-format.md):

    8 bytes   magic  b"CHAINRUL"
    8 bytes   length of the header, unsigned
    32 bytes  SHA-256 of the header
    header    UTF-8 JSON object: format, kind, library, arrays {bytes, sha256}, content {…}
    arrays    one safetensors block, to the end of the file

Reading refuses whatever is truncated, edited, foreign or too large with ``FormatError``, before it allocates.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from chainrule.errors import FormatError

MAGIC = b"CHAINRUL"
FORMAT = 1
MOST_HEADER_BYTES = 64 * 2**20
MOST_ARRAY_BYTES = 64 * 2**30
_PREFIX = struct.Struct("<8sQ32s")


@dataclass(frozen=True)
class Contents:
    """What a file holds: its kind ("model", "checkpoint"), JSON content, arrays, and the library version that wrote it."""

    kind: str
    content: dict[str, Any]
    arrays: dict[str, np.ndarray]
    library: str = ""


def dump(contents: Contents) -> bytes:
    """The bytes of a file; the same contents always give the same bytes."""
    arrays = save_arrays({name: np.ascontiguousarray(contents.arrays[name]) for name in sorted(contents.arrays)})
    header = {
        "format": FORMAT,
        "kind": contents.kind,
        "library": contents.library,
        "arrays": {"bytes": len(arrays), "sha256": hashlib.sha256(arrays).hexdigest()},
        "content": contents.content,
    }
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return _PREFIX.pack(MAGIC, len(text), hashlib.sha256(text).digest()) + text + arrays


def parse(data: bytes, *, name: str = "data") -> Contents:
    """The contents of a file's bytes; ``name`` stands in messages."""
    if len(data) < _PREFIX.size or not data.startswith(MAGIC):
        raise FormatError(f"{name}: not a chainrule file; it does not begin with {MAGIC.decode()}")
    _, length, digest = _PREFIX.unpack_from(data)
    if length > MOST_HEADER_BYTES:
        raise FormatError(f"{name}: the header claims {length} bytes, more than the {MOST_HEADER_BYTES} allowed")
    text, block = data[_PREFIX.size : _PREFIX.size + length], data[_PREFIX.size + length :]
    if len(text) < length:
        raise FormatError(f"{name}: truncated inside the header ({len(text)} of {length} bytes)")
    if hashlib.sha256(text).digest() != digest:
        raise FormatError(f"{name}: the header was edited or damaged; its SHA-256 does not match")
    header = _header(text, name)
    expected = header["arrays"]
    if len(block) != expected["bytes"]:
        raise FormatError(
            f"{name}: {len(block)} bytes of arrays where the header says {expected['bytes']}; truncated or extended"
        )
    if hashlib.sha256(block).hexdigest() != expected["sha256"]:
        raise FormatError(f"{name}: the arrays were edited or damaged; their SHA-256 does not match")
    try:
        arrays = load_arrays(block)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{name}: the arrays are not a safetensors block: {error}") from error
    return Contents(header["kind"], header["content"], arrays, header["library"])


def _header(text: bytes, name: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name}: the header is not JSON: {error}") from error
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise FormatError(f"{name}: the header does not name a format version")
    if header["format"] != FORMAT:
        raise FormatError(
            f"{name}: format {header['format']}; this version reads format {FORMAT}. Use the version that wrote it"
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


def write(path: str | os.PathLike[str], contents: Contents) -> None:
    """Writes a file that appears only when complete: to a temporary neighbour, then renamed over ``path``."""
    write_bytes(path, dump(contents))


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces ``path`` by ``data`` atomically; a crash leaves the old file or the new one, never half of one."""
    target = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read(path: str | os.PathLike[str], *, kind: str) -> Contents:
    """The contents of a file of this kind.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is truncated, edited, too large, of another kind, or no chainrule file at all.
    """
    source = Path(path)
    if source.is_dir():
        raise FormatError(f"{source}: a folder, not a chainrule {kind} file")
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such file")
    size = source.stat().st_size
    if size > _PREFIX.size + MOST_HEADER_BYTES + MOST_ARRAY_BYTES:
        raise FormatError(f"{source}: {size} bytes, more than any chainrule file may have")
    with source.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise FormatError(f"{source}: not a chainrule file; it does not begin with {MAGIC.decode()}")
        file.seek(0)
        contents = parse(file.read(), name=str(source))
    if contents.kind != kind:
        raise FormatError(f"{source}: a chainrule {contents.kind} file, not a {kind} file")
    return contents
