"""Ray datasets: actors that hold the question answer Arrow blocks."""

from __future__ import annotations

from typing import Any

from chainrule.distributed.question import Question


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
