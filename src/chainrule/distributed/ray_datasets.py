"""Ray datasets: actors that hold the question answer Arrow blocks."""

from __future__ import annotations

from typing import Any

from chainrule.distributed.question import Question
from chainrule.distributed.schemas import FAN, joined, statistics_of
from chainrule.errors import SchemaError
from chainrule.table import TableStatistics


def answer(question: Question, data: Any) -> Any:
    """Returns the answer to a Ray dataset as a lazy dataset, block by block.

    Each block is one call: a finding's ``row`` counts the rows of its block, and rates of mistakes
    are those of the block.
    """
    import pyarrow as pa
    from ray.data import ActorPoolStrategy  # pyright: ignore[reportMissingImports]

    names = question.columns_of(data.columns())
    known = data.select_columns(names).schema().base_schema
    if isinstance(known, pa.Schema):  # blocks of pandas have other types
        question.schema(known)
    return data.select_columns(names).map_batches(
        Answers,
        fn_constructor_args=(question,),
        batch_format="pyarrow",
        batch_size=None,
        compute=ActorPoolStrategy(min_size=1, max_size=None),
        num_cpus=1,
    )


def statistics(data: Any) -> TableStatistics:
    """Returns the statistics of a Ray dataset, counted by blocks and joined in a tree."""
    import ray  # pyright: ignore[reportMissingImports]

    count, join = ray.remote(_count), ray.remote(_join)
    parts = [count.remote(block, number) for number, block in enumerate(data.to_arrow_refs())]
    while len(parts) > 1:
        parts = [join.remote(*parts[start : start + FAN]) for start in range(0, len(parts), FAN)]
    found = ray.get(parts[0]) if parts else None
    if found is None:
        raise SchemaError("the dataset has no rows; a model needs at least one")
    return found


def _count(block: Any, number: int) -> TableStatistics | None:
    """Returns the statistics of a block; None if it has no rows."""
    if not block.num_rows:
        return None
    return statistics_of(block.replace_schema_metadata(), number)


def _join(*parts: TableStatistics | None) -> TableStatistics | None:
    """Returns the statistics of several blocks."""
    return joined(part for part in parts if part is not None)


class Answers:
    """An actor that holds a question and answers blocks.

    Args:
        question: what it asks of each block.
    """

    def __init__(self, question: Question) -> None:
        self._question = question

    def __call__(self, block: Any) -> Any:
        """Returns the answer to an Arrow table."""
        return self._question.answer(block.replace_schema_metadata())
