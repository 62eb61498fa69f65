"""Tables that come in batches: lazy frames, Arrow streams, readers and datasets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainrule.table.frames.fork_safety import require_polars

EAGER = ("polars.", "pandas.", "pyarrow.")  # modules whose frames are held
LISTED = ("DataFrame", "Table", "Series")


def is_stream(table: Any) -> bool:
    """Whether a table is read batch by batch.

    Polars' lazy frames, pyarrow's readers, datasets and scanners are, and so is any other object
    with ``__arrow_c_stream__``, such as a DuckDB relation.
    """
    if _is_lazy(table) or _is_dataset(table):
        return True
    kind = type(table)
    is_frame = kind.__name__ in LISTED and f"{kind.__module__}.".startswith(EAGER)
    return hasattr(kind, "__arrow_c_stream__") and not is_frame


def frames_of(table: Any, rows: int) -> Iterator[Any]:
    """Yields a stream as polars or Arrow frames of about ``rows`` rows, one at a time.

    The first one has the columns even if there are no rows. A reader can be read once.
    """
    if _is_lazy(table):
        yield from _of_lazy(table, rows)
        return
    if _is_dataset(table):
        scanner = table.scanner(batch_size=rows) if hasattr(table, "scanner") else table
        table = scanner.to_reader()
    yield from _of_reader(table, rows)


def whole_frame(table: Any) -> Any:
    """All rows of a stream as one polars or Arrow frame."""
    if _is_lazy(table):
        require_polars()
        return table.collect()
    if _is_dataset(table):
        return table.to_table()
    return _reader(table).read_all() if _has_pyarrow() else _in_polars(table)


def _of_lazy(table: Any, rows: int) -> Iterator[Any]:
    require_polars()
    if not hasattr(table, "collect_batches"):
        yield from _cut(table.collect(), rows)
        return
    batches = iter(table.collect_batches(chunk_size=rows, maintain_order=True))
    first = next(batches, None)
    yield table.head(0).collect() if first is None else first
    yield from batches


def _of_reader(table: Any, rows: int) -> Iterator[Any]:
    if not _has_pyarrow():
        yield from _cut(_in_polars(table), rows)
        return
    import pyarrow as pa

    reader = _reader(table)
    held: list[Any] = []
    count, is_first = 0, True
    for batch in reader:
        held.append(batch)
        count += batch.num_rows
        while count >= rows:
            whole = pa.Table.from_batches(held, reader.schema)
            yield whole.slice(0, rows)
            held, count, is_first = whole.slice(rows).to_batches(), count - rows, False
    if count or is_first:
        yield pa.Table.from_batches(held, reader.schema)


def _cut(frame: Any, rows: int) -> Iterator[Any]:
    yield from (frame[start : start + rows] for start in range(0, max(len(frame), 1), rows))


def _reader(table: Any) -> Any:
    import pyarrow as pa

    if isinstance(table, pa.RecordBatchReader):
        return table
    return pa.RecordBatchReader.from_stream(table)


def _in_polars(table: Any) -> Any:
    import polars as pl

    require_polars()
    return pl.DataFrame(table)


def _has_pyarrow() -> bool:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True


def _is_lazy(table: Any) -> bool:
    kind = type(table)
    return kind.__name__ == "LazyFrame" and kind.__module__.startswith("polars.")


def _is_dataset(table: Any) -> bool:
    modules = {base.__module__ for base in type(table).__mro__}
    return "pyarrow._dataset" in modules and hasattr(table, "to_table")
