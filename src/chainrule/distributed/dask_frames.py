"""Dask frames, partition by partition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.distributed.question import Question
from chainrule.distributed.schemas import FAN, statistics_of
from chainrule.errors import SchemaError
from chainrule.table import TableStatistics


def answer(question: Question, data: Any) -> Any:
    """Returns the answer to a Dask frame as a lazy Dask frame, with its partitions and index.

    Findings have an index of their own.
    """
    data = data[question.columns_of(list(data.columns))]
    meta = empty_answer(data._meta, question)
    dtypes = dict(meta.dtypes)
    found = data.map_partitions(answer_frame, question, dtypes, meta=meta, enforce_metadata=False)
    return found.clear_divisions() if question.task == "proofread" else found


def statistics(data: Any) -> TableStatistics:
    """Returns the statistics of a Dask frame, counted by partitions and joined in a tree."""
    from dask.delayed import delayed

    count, join = delayed(statistics_of), delayed(TableStatistics.joined)
    parts = [count(part, number) for number, part in enumerate(data.to_delayed())]
    while len(parts) > 1:
        parts = [join(parts[start : start + FAN]) for start in range(0, len(parts), FAN)]
    return parts[0].compute()


def empty_answer(frame: Any, question: Question) -> Any:
    """Returns the answer to a pandas frame without rows: its columns, types and index."""
    import pandas as pd
    import pyarrow as pa

    asked = pa.Schema.from_pandas(frame, preserve_index=False)
    schema = question.scorer.answer_schema(
        question.task, asked, keep=question.keep, options=question.options
    )
    columns = {}
    for field in schema:
        kept = field.name in question.keep or question.task == "impute"
        same = kept and field.name in asked.names and not pa.types.is_dictionary(field.type)
        if same and asked.field(field.name).type in (field.type, pa.null()):
            dtype = frame.dtypes[field.name]
        else:
            dtype = _dtype_of(field.type)
        columns[field.name] = pd.Series(dtype=dtype)
    index = pd.RangeIndex(0) if question.task == "proofread" else frame.index[:0]
    return pd.DataFrame(columns).set_index(index)


def answer_frame(frame: Any, question: Question, dtypes: Mapping[str, Any]) -> Any:
    """Returns the answer to a pandas frame, with its index unless rows are findings.

    Args:
        frame: a partition.
        question: what is asked.
        dtypes: the pandas types of the answer's columns.

    Raises:
        SchemaError: a column of cells of several types.
    """
    import pyarrow as pa

    try:
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(
            f"cells of several types in a column, {error}; cast it to text"
        ) from error
    found = question.answer(table).to_pandas().astype(dict(dtypes))
    return found if question.task == "proofread" else found.set_index(frame.index)


def _dtype_of(kind: Any) -> Any:
    """Returns the pandas type of an Arrow type, which has room for missing cells."""
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind):
        return str(kind).replace("uint", "UInt").replace("int", "Int")
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "str"
    if pa.types.is_floating(kind) or pa.types.is_timestamp(kind):
        return pa.schema([("", kind)]).empty_table().to_pandas().dtypes.iloc[0]
    return pd.ArrowDtype(kind)
