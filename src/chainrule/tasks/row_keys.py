"""Keys of rows: a column whose values name them, which seed each row's draws."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from chainrule.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = np.uint64(2**63)  # set in the second word of a text's key, which is 0 for an integer


def keys_of(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """Returns the keys of rows, uint64 (n, 2), as ``rng.RowGenerator`` takes them.

    An integer, in any type, is the key of the row with this number. Text and bytes are hashed.

    Args:
        column: the values that name the rows.
        name: the column's name, for messages.

    Raises:
        SchemaError: a value that is missing, or that two rows have; or a column of another type.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    require_unique(column, name)
    if pa.types.is_integer(column.type):
        wide = pa.uint64() if pa.types.is_unsigned_integer(column.type) else pa.int64()
        words = column.cast(wide).to_numpy().astype(np.uint64)
        return np.stack([words, np.zeros_like(words)], axis=1)
    texts = column.to_pylist()
    if texts and not isinstance(texts[0], str | bytes):
        raise SchemaError(
            f"key column {name!r} is of type {column.type}: keys are whole numbers or text; cast it"
        )
    hashes = b"".join(_hash(text) for text in texts)
    words = np.frombuffer(hashes, np.dtype("<u8")).astype(np.uint64).reshape(-1, 2)
    words[:, 1] |= TEXT
    return words


def require_unique(column: pa.ChunkedArray, name: str) -> None:
    """Raises SchemaError if a row has no key, or if two rows have the same."""
    import pyarrow.compute as pc

    if column.null_count:
        row = pc.index(column.is_null(), True).as_py()
        raise SchemaError(f"key column {name!r} is empty at row {row}: each row needs a key")
    counts = column.value_counts()
    times = counts.field("counts").to_numpy()
    if len(counts) < len(column):
        most = int(times.argmax())
        value = counts.field("values")[most].as_py()
        raise SchemaError(
            f"key column {name!r}: the key {value!r} has {times[most]} rows, whose draws would "
            "be equal; pass a column in which each value stands once"
        )


def _hash(text: str | bytes) -> bytes:
    content = text.encode() if isinstance(text, str) else text
    return hashlib.blake2b(content, digest_size=16).digest()
