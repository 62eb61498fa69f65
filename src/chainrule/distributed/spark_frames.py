"""Spark frames: each task of Spark answers the Arrow batches of its partition."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from chainrule.distributed.question import Question
from chainrule.distributed.schemas import (
    NUMBER,
    PART,
    joined,
    packed,
    statistics_of_batches,
    unpacked,
)
from chainrule.errors import SchemaError
from chainrule.table import TableStatistics

GROUPS = 8  # tasks that join the statistics of partitions
first = itemgetter(0)


def answer(question: Question, data: Any) -> Any:
    """Returns the answer to a Spark frame as a lazy Spark frame, partition by partition.

    Rows are answered batch by batch, of ``spark.sql.execution.arrow.maxRecordsPerBatch`` rows.
    Findings need all rows of a partition.
    """
    from pyspark.sql.pandas.types import (  # pyright: ignore[reportMissingImports]
        from_arrow_schema,
        to_arrow_schema,
    )

    names = question.columns_of(data.columns)
    data = data.select([f"`{name.replace('`', '``')}`" for name in names])
    schema = question.schema(to_arrow_schema(data.schema))
    travelling = Travelling(question, data.sparkSession)
    return data.mapInArrow(travelling, from_arrow_schema(_storable(schema)))


def statistics(data: Any) -> TableStatistics:
    """Returns the statistics of a Spark frame: its tasks count, ``GROUPS`` others join."""
    kind = f"{NUMBER} bigint, {PART} binary"
    counted = data.mapInArrow(_count, kind).repartitionByRange(GROUPS, NUMBER)
    parts = sorted(unpacked(counted.mapInArrow(_join, kind).toArrow().to_batches()), key=first)
    if not parts:
        raise SchemaError("the frame has no rows; a model needs at least one")
    return TableStatistics.joined([found for _, found in parts])


def _count(batches: Iterator[Any]) -> Iterator[Any]:
    """Yields the packed statistics of a partition."""
    from pyspark import TaskContext  # pyright: ignore[reportMissingImports]

    number = TaskContext.get().partitionId()
    yield packed(statistics_of_batches(batches, number), number)


def _join(batches: Iterator[Any]) -> Iterator[Any]:
    """Yields the packed statistics of several partitions."""
    parts = sorted(unpacked(batches), key=first)
    number = parts[0][0] if parts else 0
    yield packed(joined(found for _, found in parts), number)


class Travelling:
    """A question that Spark sends to its workers, once for each where Spark can broadcast.

    Args:
        question: what the workers ask.
        session: broadcasts it. A session of Spark Connect cannot: it sends it with each task.
    """

    def __init__(self, question: Question, session: Any) -> None:
        context = getattr(session, "_sc", None)
        self._question = question if context is None else context.broadcast(question)

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yields the answers to the batches of a partition, in Arrow batches."""
        import pyarrow as pa

        question = getattr(self._question, "value", self._question)
        if question.task == "proofread":
            held = list(batches)
            parts = [pa.Table.from_batches(held)] if held else []
        else:
            parts = (pa.Table.from_batches([batch]) for batch in batches)
        for part in parts:
            found = question.answer(part)
            yield from found.cast(_storable(found.schema)).to_batches()


def _storable(schema: Any) -> Any:
    """Returns the schema in types that Spark has: it knows no unsigned integers."""
    import pyarrow as pa

    wider = {
        pa.uint8(): pa.int16(),
        pa.uint16(): pa.int32(),
        pa.uint32(): pa.int64(),
        pa.uint64(): pa.decimal128(20, 0),
        pa.float16(): pa.float32(),
    }
    return pa.schema([pa.field(each.name, wider.get(each.type, each.type)) for each in schema])
