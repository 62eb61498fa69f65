"""The schema of a frame that no process holds: statistics of its parts, joined by the engine."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from typing import Any

from chainrule import table
from chainrule.distributed.engines import module_of
from chainrule.table import Schema, TableStatistics, read_table

FAN = 8  # parts whose statistics are joined at a time
ROWS = 2**18  # of Arrow batches that are counted together
APART = 2**40  # the number of a part's first row, by the number of the part
NUMBER, PART = "number", "part"  # the columns of packed statistics


def infer_schema(data: Any, **options: Any) -> Schema:
    """Returns the schema of a distributed frame; see ``chainrule.infer_schema``.

    The engine counts the values of each partition and joins the counts. Up to 262,144 rows in all,
    the schema is that of one process. Above, kinds and bounds are, and quantiles are within 0.5 %
    of rank.

    Args:
        data: a frame of Dask or Spark, or a Ray dataset. It is read once.
        options: ``kinds``, ``min_count``, ``strict``, ``missing`` and ``ties``, as there.

    Raises:
        SchemaError: as there; or a frame of an unknown library.

    Examples:
        >>> import dask.dataframe as dd, pandas as pd
        >>> people = pd.DataFrame({"age": [*range(20, 60)] * 3, "city": ["Bern", "Oslo"] * 60})
        >>> print(infer_schema(dd.from_pandas(people, npartitions=3)))
        age   integer      whole numbers, 40 different, from 0 on
        city  categorical  labels, 2 different
    """
    return table.infer_schema(module_of(data).statistics(data), **options)


def statistics_of(part: Any, number: int) -> TableStatistics:
    """Returns the statistics of a pandas frame or an Arrow table, which is this part of a whole."""
    return TableStatistics.of(read_table(part), first_row=number * APART)


def statistics_of_batches(batches: Iterable[Any], number: int) -> TableStatistics | None:
    """Returns the statistics of a part in Arrow batches; None if there are none."""
    import pyarrow as pa

    def counted() -> Iterator[TableStatistics]:
        held, first = [], number * APART
        for batch in batches:
            held.append(batch)
            if (rows := sum(each.num_rows for each in held)) >= ROWS:
                yield TableStatistics.of(read_table(pa.Table.from_batches(held)), first_row=first)
                held, first = [], first + rows
        if held:
            yield TableStatistics.of(read_table(pa.Table.from_batches(held)), first_row=first)

    return joined(counted())


def joined(parts: Iterable[TableStatistics]) -> TableStatistics | None:
    """Returns the statistics of several parts, of which few are held at a time."""
    held: list[TableStatistics] = []
    for part in parts:
        held.append(part)
        if len(held) == FAN:
            held = [TableStatistics.joined(held)]
    return TableStatistics.joined(held) if held else None


def packed(found: TableStatistics | None, number: int) -> Any:
    """Returns statistics as an Arrow batch of one row, or of none."""
    import pyarrow as pa

    rows = [] if found is None else [(number, pickle.dumps(found))]
    columns = [pa.array([n for n, _ in rows], pa.int64()), pa.array([p for _, p in rows])]
    return pa.record_batch([columns[0], columns[1].cast(pa.binary())], [NUMBER, PART])


def unpacked(batches: Iterable[Any]) -> Iterator[tuple[int, TableStatistics]]:
    """Yields the numbers and statistics of packed parts.

    They are pickles of the engine's own tasks, which it trusts with its code.
    """
    for batch in batches:
        for row in batch.to_pylist():
            yield row[NUMBER], pickle.loads(row[PART])
