"""Sizes of the same rows under general compressors, in the form that suits each best."""

from __future__ import annotations

import lzma

import numpy as np
import polars as pl
import pyarrow as pa

from benchmarks.coding.tables import Task, csv_of

LEVEL = 19  # of zstd: the highest without more memory
PRESET = 9 | lzma.PRESET_EXTREME


def zstd(data: bytes) -> int:
    """Returns the bytes of data under zstd.

    >>> zstd(b"0" * 1000) < 50
    True
    """
    packed = pa.Codec("zstd", compression_level=LEVEL).compress(data, asbytes=True)
    return len(packed)


def xz(data: bytes) -> int:
    """Returns the bytes of data under xz.

    >>> xz(b"0" * 1000) < 100
    True
    """
    return len(lzma.compress(data, preset=PRESET))


def sizes(task: Task) -> dict[str, int]:
    """Returns the bytes of the held-out rows as CSV, and those of the smallest form compressed.

    The forms are CSV, its columns one after another, and of a binary table also its bits, packed
    row by row. "xz after training rows" is what the held-out rows add to a file that has the rows
    of the fit before them, in the form in which they add least.
    """
    rows = task.held_out
    before = pl.concat([each.cast(pl.String) for each in (task.train, task.valid)])
    whole = pl.concat([before, rows])
    text = [csv_of, by_columns]
    written = [form(rows) for form in ([*text, packed] if task.is_binary else text)]
    forms = [packed] if task.is_binary else text  # the text of many bits would take minutes
    return {
        "csv": len(written[0]),
        **({"packed bits": len(written[2])} if task.is_binary else {}),
        "zstd": min(map(zstd, written)),
        "xz": min(map(xz, written)),
        "xz after training rows": min(xz(form(whole)) - xz(form(before)) for form in forms),
    }


def by_columns(frame: pl.DataFrame) -> bytes:
    """Returns the fields of a frame of text, column by column, a line each.

    >>> by_columns(pl.DataFrame({"a": ["1", None], "b": ["x", "y"]}))
    b'1\\n\\nx\\ny'
    """
    return "\n".join("\n".join(column.fill_null("").to_list()) for column in frame).encode()


def packed(frame: pl.DataFrame) -> bytes:
    """Returns a frame of the text 0 and 1 as bits, 8 in a byte, each row from a new byte on.

    >>> packed(pl.DataFrame({"a": ["1", "0"], "b": ["1", "1"]}))
    b'\\xc0@'
    """
    return np.packbits(frame.cast(pl.UInt8).to_numpy(), axis=1).tobytes()
