"""Arrow types as a schema stores them, and Arrow columns of these types."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from chainrule.table.values.cells import label_of, objects_of
from chainrule.table.values.types import (
    Type,
    as_decimals,
    as_integers,
    as_times,
    encoded_labels,
    known_values,
    own_value,
    unmasked,
    with_new,
    within,
)

ALIASES = {"date32[day]": "date32", "date64[ms]": "date64", "double": "float64", "float": "float32"}
ALIASES |= {"halffloat": "float16"}
BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


def type_of(column: Any) -> Type:
    """The type of a chunked array."""
    return Type(str(column.type), categories=categories_of(column))


def categories_of(column: Any) -> tuple[Any, ...]:
    """The values of a dictionary, encoded, in its order; empty for other columns."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return ()
    whole = column.unify_dictionaries()
    return (
        encoded_labels(whole.chunk(0).dictionary.drop_null().to_pylist())
        if whole.num_chunks
        else ()
    )


def dtype_of(text: str) -> Any:
    """The Arrow type that is written so.

    None for unknown types and for nested ones, which are not modelled.
    """
    import pyarrow as pa

    if found := re.fullmatch(r"dictionary<values=(.+), indices=(\w+), ordered=(\d)>", text):
        values, indices = dtype_of(found[1]), dtype_of(found[2])
        return (
            None
            if values is None or indices is None
            else pa.dictionary(indices, values, found[3] == "1")
        )
    if found := re.fullmatch(r"timestamp\[(\w+)(?:, tz=(.+))?\]", text):
        return pa.timestamp(found[1], found[2])
    if found := re.fullmatch(r"decimal(32|64|128|256)\((\d+), (-?\d+)\)", text):
        return getattr(pa, f"decimal{found[1]}")(int(found[2]), int(found[3]))
    if found := re.fullmatch(r"run_end_encoded<run_ends: (\w+), values: (.+)>", text):
        values = dtype_of(found[2])
        return None if values is None else pa.run_end_encoded(dtype_of(found[1]), values)
    if found := re.fullmatch(r"fixed_size_binary\[(\d+)\]", text):
        return pa.binary(int(found[1]))
    try:
        return pa.type_for_alias(ALIASES.get(text, text))
    except ValueError:
        return None


def made(values: np.ndarray, dtype: Any, kind: Type | None = None) -> Any:
    """An array of values (N,) in a type, with masked values missing.

    If the type cannot hold them, Arrow chooses one. ``kind`` has the values of a dictionary; new
    ones are appended to them.
    """
    import pyarrow as pa

    if dtype is None:
        return _as_it_is(values)
    try:
        return _made(values, dtype, () if kind is None else kind.categories)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return _as_it_is(values)


def _made(values: np.ndarray, dtype: Any, categories: tuple[Any, ...]) -> Any:
    import pyarrow as pa

    plain, missing = unmasked(values)
    if pa.types.is_dictionary(dtype):
        return _dictionary(
            known_values(values), dtype, [own_value(category) for category in categories]
        )
    if pa.types.is_integer(dtype):
        least, most = 0, 2**dtype.bit_width - 1
        if pa.types.is_signed_integer(dtype):
            least, most = -(2 ** (dtype.bit_width - 1)), 2 ** (dtype.bit_width - 1) - 1
        return pa.array(as_integers(values, least, most), dtype)
    if pa.types.is_decimal(dtype):
        return pa.array(as_decimals(values, dtype.scale, dtype.precision), dtype)
    if pa.types.is_floating(dtype) and plain.dtype.kind in "iuf":
        float_type = np.dtype(dtype.to_pandas_dtype())
        return pa.array(within(plain, float_type).astype(float_type), dtype, mask=missing)
    if pa.types.is_timestamp(dtype) and plain.dtype.kind == "M":
        times = as_times(plain.astype("datetime64[us]"), dtype.unit, dtype.tz is not None)
        array = pa.array(times, mask=missing).cast(pa.timestamp(dtype.unit))
        return (
            array if dtype.tz is None else array.cast(pa.timestamp(dtype.unit, "UTC")).cast(dtype)
        )
    if is_text(dtype):
        return pa.array(
            [None if value is None else label_of(value) for value in known_values(values)],
            pa.string(),
        ).cast(dtype)
    if is_run_end_encoded(dtype):
        return from_cells(_made(values, dtype.value_type, ()).to_pylist(), dtype)
    array = _as_it_is(values)
    return array if array.type == dtype else array.cast(dtype)


def is_text(dtype: Any) -> bool:
    """Whether a type is one of text."""
    import pyarrow as pa

    return str(dtype) in ("string", "large_string", "string_view") and not pa.types.is_dictionary(
        dtype
    )


def is_run_end_encoded(dtype: Any) -> bool:
    """Whether a type encodes runs of values."""
    return str(dtype).startswith("run_end_encoded")


def as_polars_takes_it(column: Any) -> Any:
    """Converts a chunked array to a type that polars has.

    Polars has no runs, and decimals of at most 38 digits.
    """
    import pyarrow as pa
    import pyarrow.compute

    if is_run_end_encoded(column.type):
        return getattr(pyarrow.compute, "run_end_decode")(column)  # noqa: B009  # made at import, unknown to type checkers
    if pa.types.is_decimal256(column.type):
        try:
            return column.cast(pa.decimal128(38, column.type.scale))
        except pa.ArrowInvalid:  # more digits
            return column.cast(pa.string())
    return column


def from_cells(cells: list[Any], dtype: Any) -> Any:
    """An array of Python cells (N,) in that type."""
    import pyarrow as pa
    import pyarrow.compute

    if not is_run_end_encoded(dtype):
        return pa.array(cells, dtype)
    encode = getattr(pyarrow.compute, "run_end_encode")  # noqa: B009  # made at import, unknown to type checkers
    return encode(pa.array(cells, dtype.value_type), run_end_type=dtype.run_end_type)


def _dictionary(known: list[Any], dtype: Any, categories: list[Any]) -> Any:
    """Values in a dictionary of the categories, followed by values that are new."""
    import pyarrow as pa

    categories, found = with_new(categories, known)
    index_of = {label_of(category): k for k, category in enumerate(categories)}
    indices = pa.array(
        [None if value is None else index_of[label_of(value)] for value in found], dtype.index_type
    )
    values = made(objects_of(categories), dtype.value_type)
    return pa.DictionaryArray.from_arrays(indices, values, ordered=dtype.ordered)


def _as_it_is(values: np.ndarray) -> Any:
    import pyarrow as pa

    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    plain = np.ma.getdata(values)
    if plain.dtype.kind == "M" and np.datetime_data(plain.dtype)[0] not in (
        "D",
        "s",
        "ms",
        "us",
        "ns",
    ):
        plain = plain.astype("datetime64[s]")
    if plain.dtype.kind == "O" and any(
        isinstance(cell, int) and abs(cell) >= 2**63 for cell in plain.tolist()
    ):
        known = [
            cell for cell in (plain if mask is None else plain[~mask]).tolist() if cell is not None
        ]
        unsigned = all(isinstance(cell, int) and 0 <= cell < 2**64 for cell in known)
        return pa.array(plain, mask=mask, type=pa.uint64() if unsigned else pa.decimal256(76))
    return pa.array(plain, mask=mask)
