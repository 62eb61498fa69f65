"""A CSV file of rows as a file of decisions, and back, byte for byte.

The file has the SHA-256 of the CSV's bytes (32 bytes), the number of rows (a varint), the words
that say how columns are written (a varint of their length, JSON), and the coder's words of 32 bits.
Names and order of the columns are those of the model.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import chainrule as cr
from benchmarks.coding.cells import AbstractCells, kind_of
from benchmarks.coding.coder import DamagedError, Decoder, Encoder, bits_of, texts
from benchmarks.coding.rows import BLOCK, Account, Rows, decide, network_of
from chainrule.atomic import write_bytes
from chainrule.table import Schema, encode, read_table

DIGEST = 32


@dataclass(frozen=True)
class Coded:
    """A coded table.

    Attributes:
        data: the whole file.
        code: how many of its bytes are decisions; the others are checksum, sizes and styles.
        account: what the cells of the model's columns cost by the density's own functions.
        left_out_bits: bits of the columns that the model leaves out, which are written as texts.
        rows: how many rows there are.
    """

    data: bytes
    code: int
    account: Account
    left_out_bits: float
    rows: int

    @property
    def mass_bits(self) -> float:
        """−log₂ of the masses of all cells, as they are written."""
        return self.account.bits + self.left_out_bits


def compress(density: cr.Density, path: str | os.PathLike[str]) -> Coded:
    """Codes a CSV file.

    The file is UTF-8, names the columns of the density in its first line, in their order, and
    quotes fields only where it must; lines end with \\n.

    Args:
        density: the fitted density; it has one order or answers any evidence.
        path: the CSV file.

    Raises:
        ValueError: the file has other columns, or is written otherwise; a density of several
            orders.
    """
    model, data = density.model, Path(path).read_bytes()
    schema, network = model.schema, network_of(model)
    names, fields = _fields(data)
    if names != schema.table_names:
        raise ValueError(f"{path}: has other columns than the density, or another order of them")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a number between grid points is written in bytes
        codes = encode(read_table(path, header=True), schema, warn=False)
    known = np.where(codes.observed, codes.values, np.nan)
    cells, rows = _cells_of(schema, fields, known)
    encoder, account = Encoder(), Account.of(len(cells))
    for block in _blocks(len(rows)):
        decide(encoder, model, network, cells, rows.take(block), account)
    left_out = 0.0
    for out in schema.left_out:
        words = fields[out.name].tolist()
        texts(encoder, words)
        left_out += float(bits_of(words).sum())
    code = encoder.words().astype("<u4").tobytes()
    styles = {str(k): each.style for k, each in enumerate(cells) if each.style}
    head = json.dumps(styles, separators=(",", ":")).encode() if styles else b""
    sizes = _varint(len(rows)) + _varint(len(head))
    whole = hashlib.sha256(data).digest() + sizes + head + code
    return Coded(whole, len(code), account, left_out, len(rows))


def decompress(density: cr.Density, data: bytes) -> bytes:
    """Returns the CSV of a coded table.

    Raises:
        DamagedError: the checksum of what was decoded is another one: the file is damaged, or was
            coded with another density, or where floats are computed otherwise.
    """
    model = density.model
    schema, network = model.schema, network_of(model)
    try:
        digest, (count, rest) = data[:DIGEST], _read_varint(data[DIGEST:])
        length, rest = _read_varint(rest)
        styles = json.loads(rest[:length]) if length else {}
        cells = [
            kind_of(column)(column, str(styles.get(str(k), "")))
            for k, column in enumerate(schema.columns)
        ]
        decoder = Decoder(np.frombuffer(rest[length:], dtype="<u4").astype(np.uint32))
    except (ValueError, AttributeError) as error:
        raise DamagedError(f"the file is not whole: {error}") from error
    parts = [
        decide(decoder, model, network, cells, Rows.unknown(block.stop - block.start, len(cells)))
        for block in _blocks(count)
    ]
    rows = Rows(
        np.concatenate([part.numbers for part in parts] or [np.zeros((0, len(cells)))]),
        np.concatenate([part.words for part in parts] or [np.zeros((0, len(cells)), object)]),
    )
    columns = {
        column.name: _written(each, rows.numbers[:, k], rows.words[:, k])
        for k, (column, each) in enumerate(zip(schema.columns, cells, strict=True))
        if not column.is_flag
    }
    columns |= {out.name: texts(decoder, [""] * count) for out in schema.left_out}
    found = as_csv(schema.table_names, [columns[name] for name in schema.table_names])
    if hashlib.sha256(found).digest() != digest:
        raise DamagedError(
            "the decoded table has another checksum than the coded one; decode with the model, the "
            "versions and the kind of machine that coded it"
        )
    return found


def decompress_to(density: cr.Density, data: bytes, path: str | os.PathLike[str]) -> None:
    """Writes the CSV of a coded table. Nothing is written unless its checksum is right.

    Raises:
        DamagedError: as ``decompress``.
    """
    write_bytes(path, decompress(density, data))


def as_csv(names: Sequence[str], columns: Sequence[Iterable[str]]) -> bytes:
    """Returns columns of text as CSV, with quotes only where they are needed.

    >>> as_csv(["a", "b"], [["1", ""], ["x,y", "z"]])
    b'a,b\\n1,"x,y"\\n,z\\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def _fields(data: bytes) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Returns the names of a CSV's columns, and their fields (n,) as objects."""
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    names = tuple(rows[0]) if rows else ()
    whole = np.empty((max(len(rows) - 1, 0), len(names)), dtype=object)
    if any(len(row) != len(names) for row in rows):
        raise ValueError("lines have different numbers of fields")
    whole[:] = rows[1:] or whole
    if as_csv(names, list(whole.T)) != data:
        raise ValueError("the CSV quotes fields or ends lines otherwise; write it with as_csv")
    return names, dict(zip(names, whole.T, strict=True))


def _cells_of(
    schema: Schema, fields: dict[str, np.ndarray], codes: np.ndarray
) -> tuple[list[AbstractCells], Rows]:
    """Returns how each column's cells are decided, and the rows as they are."""
    cells: list[AbstractCells] = []
    rows = Rows.unknown(len(codes), len(schema.columns))
    for k, column in enumerate(schema.columns):
        written = None if column.is_flag else fields[column.name]
        kind = kind_of(column)
        if written is None:
            cells.append(kind(column, ""))
            continue
        found = []
        for style in dict.fromkeys(kind.styles(column, written)):
            tried = kind(column, style)
            found.append((tried, tried.written(written, codes[:, k])))
        best, numbers = max(found, key=lambda each: int((~np.isnan(each[1])).sum()))
        cells.append(best)
        rows.numbers[:, k] = numbers
        rows.words[:, k] = np.where(np.isnan(numbers), written, "")
    for k, flag in schema.flags.items():
        is_missing = np.isnan(rows.numbers[:, k]) & (rows.words[:, k] == "")
        present, missing = (schema.flag_code(flag, missing=gone) for gone in (False, True))
        rows.numbers[:, flag] = np.where(is_missing, missing, present)
    return cells, rows


def _written(cells: AbstractCells, numbers: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Returns the fields (n,) of a column."""
    found, known = words.copy(), np.flatnonzero(~np.isnan(numbers))
    found[known] = cells.fields_of(numbers[known])
    return found


def _blocks(rows: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK)]


def _varint(number: int) -> bytes:
    """Returns a number in 7 bits a byte, the lowest first; the last byte is below 128."""
    found = bytearray()
    while number >= 128:
        found.append(number % 128 + 128)
        number //= 128
    return bytes([*found, number])


def _read_varint(data: bytes) -> tuple[int, bytes]:
    """Returns a number, and the bytes after it."""
    end = next((k for k, byte in enumerate(data) if byte < 128), None)
    if end is None:
        raise ValueError("it ends in a number")
    return sum(byte % 128 << (7 * k) for k, byte in enumerate(data[: end + 1])), data[end + 1 :]
