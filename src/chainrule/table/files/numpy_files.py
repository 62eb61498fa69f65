"""Files of numpy arrays, .npy and .npz."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from chainrule.atomic import replacing
from chainrule.errors import FormatError, unknown_choice
from chainrule.machine import free_bytes


def array_names(path: str | os.PathLike[str]) -> list[str]:
    """The names of the arrays in an .npz file."""
    with _open_npz(Path(path)) as arrays:
        return list(arrays.files)


def read_npy(path: Path) -> np.ndarray:
    """The array of an .npy file.

    Raises:
        FormatError: it is damaged, or an archive.
    """
    try:
        values = np.load(path, allow_pickle=False)
    except Exception as error:  # numpy raises several kinds
        raise FormatError(f"{path}: not a readable .npy file: {error}") from error
    if not isinstance(values, np.ndarray):
        raise FormatError(f"{path}: an archive of arrays; call it .npz")
    return values


def read_npz(path: Path, array: str | None) -> tuple[np.ndarray, str]:
    """An array of an .npz file, the only one if ``array`` is None, and its name.

    Raises:
        FormatError: there is no such array, it is damaged, or it does not fit into memory.
    """
    with _open_npz(path) as arrays:
        names = list(arrays.files)
        if array is None and len(names) != 1:
            raise FormatError(
                f"{path}: holds the arrays {', '.join(names) or '(none)'}; say which one"
            )
        name = array or names[0]
        if name not in names:
            raise FormatError(f"{path}: {unknown_choice('array', name, names)}")
        _require_room(path, name, arrays)
        try:
            values = arrays[name]
        except Exception as error:  # a damaged member of the archive
            raise FormatError(f"{path}: array {name!r} cannot be read: {error}") from error
    return values, name


def write_npy(path: str | os.PathLike[str], parts: Iterator[np.ndarray]) -> None:
    """Writes arrays (n, …), row after row, as one .npy file; one of them is in memory at a time.

    The file appears only when it is complete. The parts have the same number of columns, and the
    file a type that holds all of them.
    """
    with replacing(path) as file:
        first = np.ascontiguousarray(next(parts))
        shape, dtype, start = (
            first.shape,
            first.dtype,
            _write_header(file, first.shape, first.dtype),
        )
        file.write(first.data)
        for part in parts:
            common = np.result_type(dtype, part.dtype)
            if common != dtype:  # as where only a later part has an empty cell
                file.seek(start)
                written = np.frombuffer(file.read(), dtype).astype(common)
                dtype, start = common, _write_header(file, shape, common)
                file.write(written.data)
                file.truncate()
            file.write(np.ascontiguousarray(part, dtype).data)
            shape = shape[0] + len(part), *shape[1:]
        _write_header(file, shape, dtype)


def _write_header(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Writes the beginning of an .npy file, whose length is the same for any number of rows.

    It returns that length.
    """
    file.seek(0)
    descr = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()


def _open_npz(path: Path) -> Any:
    if path.exists() and not path.is_file():
        raise FormatError(
            f"{path}: not a file; an .npz archive is read more than once: write it to a file first"
        )
    try:
        arrays = np.load(path, allow_pickle=False)
    except Exception as error:  # zipfile and numpy raise a dozen kinds for a damaged archive
        if isinstance(error, FileNotFoundError):
            raise
        raise FormatError(f"{path}: not a readable .npz file: {error}") from error
    if not hasattr(arrays, "files"):
        raise FormatError(f"{path}: not an .npz archive; is it an .npy file?")
    return arrays


def _require_room(path: Path, name: str, arrays: Any) -> None:
    """Raises FormatError if an array of an archive does not fit into free memory."""
    free = free_bytes()
    try:
        with arrays.zip.open(name if name in arrays.zip.namelist() else f"{name}.npy") as member:
            version = np.lib.format.read_magic(member)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(member)
            needed = math.prod(shape) * dtype.itemsize
    except Exception:  # reading the array itself reports any damage
        return
    if free is not None and needed > free:
        raise FormatError(
            f"{path}: array {name!r} unpacks to {needed:,} bytes, and {free:,} bytes of memory are "
            "free; pass fewer rows"
        )
