"""One question about an Arrow table, with an answer whose schema is known before any row.

Engines that split a table into parts ask each part by ``answer_arrow``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.arguments import NO_OPTIONS, require_how
from chainrule.errors import SchemaError, ShapeError, unknown_choice, whole_number
from chainrule.model import Model
from chainrule.progress import without_progress
from chainrule.rng import RowGenerator, Source, fresh_seed
from chainrule.table import decode, to_container
from chainrule.tasks.explain import explain
from chainrule.tasks.impute import PURPOSE as FILLS
from chainrule.tasks.impute import impute
from chainrule.tasks.proofread import proofread
from chainrule.tasks.row_keys import keys_of, require_unique
from chainrule.tasks.sample import PURPOSE as DRAWS
from chainrule.tasks.sample import sample
from chainrule.tasks.score import score

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Asked:
    """A task, its options, and the model that answers."""

    model: Model
    task: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """What ``answer_arrow`` knows of a task.

    Attributes:
        options: the names of its options.
        fields: the answer's columns, from the asked schema's.
        answer: the answer to a table, whose draws come from a source.
        by_row: whether the answer has a row for each row of the table.
        absent_is_fine: whether the table may lack columns of the model.
        purpose: what its draws are for; None for a task that draws nothing.
    """

    options: tuple[str, ...]
    fields: Callable[[Asked, pa.Schema], list[pa.Field]]
    answer: Callable[[Asked, pa.Table, Source | None], Mapping[str, Any]]
    by_row: bool = True
    absent_is_fine: bool = False
    purpose: int | None = None


def answer_schema(
    density: Any,
    task: str,
    table: pa.Schema | None = None,
    *,
    keep: Sequence[str] = (),
    options: Mapping[str, Any] = NO_OPTIONS,
) -> pa.Schema:
    """Returns the schema of ``answer_arrow``'s answer, which no row of the table changes.

    Args:
        density: a density, a scorer or a model.
        task: see ``answer_arrow``.
        table: the schema of the table that is asked about; by default the model's columns. Needed
            with ``keep``. An imputed table has its types.
        keep: see ``answer_arrow``.
        options: see ``answer_arrow``.

    Raises:
        SchemaError: a kept column that the table does not have, or that has the name of a column of
            the answer; a column of the model that the table does not have.
        ShapeError: an unknown task or option.
    """
    import pyarrow as pa

    if hasattr(density, "ask"):
        return density.ask("answer_schema", task, table, keep=keep, options=options)
    asked, kind = _asked(density, task, options)
    own = model_schema(asked.model)
    asked_of = own if table is None else table
    _require_columns(asked, kind, asked_of, keep)
    fields = kind.fields(asked, pa.schema([_typed(field, asked_of) for field in own]))
    clash = set(keep) & {field.name for field in fields}
    if clash:
        raise SchemaError(
            f"keep names {min(clash)!r}, which is a column of the answer, too; rename the one to "
            "keep"
        )
    return pa.schema([*(pa.field(name, asked_of.field(name).type) for name in keep), *fields])


def answer_arrow(
    density: Any,
    table: pa.Table | pa.RecordBatch,
    task: str,
    *,
    keep: Sequence[str] = (),
    key: str | None = None,
    seed: int | None = 0,
    first_row: int = 0,
    options: Mapping[str, Any] = NO_OPTIONS,
) -> pa.Table:
    """Returns the answer to a question about an Arrow table, as an Arrow table.

    Rows are answered by themselves: the answers to the parts of a table are those to the whole.
    Scores agree to 1e-12 relative whatever the parts, as sums of products round. Draws depend on
    the seed and on a row's key or number. Of ``proofread`` alone, the answer depends on the part:
    it estimates how frequent mistakes are in the rows that it sees.

    The answer has the columns ``keep`` and then, by task:

    - "score": ``log_prob``, nats. Options: ``strict``.
    - "explain": each column's surprise in bits. Options: ``relative``, ``strict``.
    - "impute": the model's columns, their missing cells filled. Options: ``how``, ``strict``. With
      ``how="mean"``, columns of numbers become float64.
    - "sample": the model's columns, their missing cells drawn as ``sample(given=table)`` draws
      them. The table may lack columns. Options: ``temperature``, ``rare``, ``other``.
    - "proofread": one row for each finding; ``row`` counts from ``first_row``. Options: ``fdr``,
      ``strict``.

    Args:
        density: a density, a scorer or a model.
        table: rows of the columns that were fitted; other columns are not read unless kept.
        task: one of the above.
        keep: columns of the table that the answer keeps, such as a key.
        key: a column of whole numbers or text that names the rows, and seeds their draws. By
            default, rows are numbered.
        seed: seeds the draws; None is system entropy.
        first_row: the number of the first row.
        options: the task's options by name.

    Raises:
        SchemaError: a key that is missing or repeats; columns that do not fit.
        ShapeError: an unknown task or option.

    Examples:
        >>> import chainrule as cr
        >>> import pyarrow as pa
        >>> rows = np.random.default_rng(0).normal(size=(200, 2))
        >>> table = pa.table({"id": range(200), "x": rows[:, 0], "y": rows[:, 1]})
        >>> config = cr.FitConfig(hidden_size=4, epochs=1)
        >>> density = cr.fit(table.drop("id"), seed=0, verbose=False, config=config)
        >>> answer = answer_arrow(density, table[:3], "score", keep=["id"], key="id")
        >>> answer.schema == answer_schema(density, "score", table.schema, keep=["id"])
        True
        >>> answer.column_names, answer["id"].to_pylist()
        (['id', 'log_prob'], [0, 1, 2])
    """
    import pyarrow as pa

    if hasattr(density, "ask"):
        how = {"keep": keep, "key": key, "seed": seed, "first_row": first_row, "options": options}
        return density.ask("answer_arrow", table, task, **how)
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    schema = answer_schema(density, task, table.schema, keep=keep, options=options)
    asked, kind = _asked(density, task, options)
    source = _source(kind, table, key, seed, first_row)
    if not len(table):
        return schema.empty_table()
    own = model_schema(asked.model)
    rows = pa.table(
        [_typed_column(table, field) for field in own if field.name in table.column_names],
        names=[field.name for field in own if field.name in table.column_names],
    )
    with without_progress():
        found = dict(kind.answer(asked, rows, source))
    kept = table.select(list(keep))
    if not kind.by_row:
        kept = kept.take(pa.array(found["row"]))
        found["row"] = np.asarray(found["row"]) + first_row
    columns = {name: kept[name] for name in keep} | found
    return pa.table([_cast(columns[field.name], field) for field in schema], schema=schema)


def model_schema(model: Model) -> pa.Schema:
    """Returns the names and Arrow types of the model's columns, without flags."""
    schema = replace(model.schema, container="pyarrow")
    first = to_container(decode(np.zeros((1, len(schema.columns))), schema), schema)
    return first.schema.remove_metadata()


def _asked(density: Any, task: str, options: Mapping[str, Any]) -> tuple[Asked, Task]:
    if task not in TASKS:
        raise ShapeError(unknown_choice("task", task, TASKS))
    for name in options:
        if name not in TASKS[task].options:
            raise ShapeError(unknown_choice(f"option of {task}", name, TASKS[task].options))
    if "how" in options:
        require_how(options["how"])
    model = density if isinstance(density, Model) else density.model
    return Asked(model, task, options), TASKS[task]


def _require_columns(asked: Asked, kind: Task, table: pa.Schema, keep: Sequence[str]) -> None:
    for name in keep:
        _require_column(table, name, "keep")
    names = [column.name for column in asked.model.schema.columns_without_flags]
    absent = [name for name in names if name not in table.names]
    if absent and not kind.absent_is_fine:
        raise SchemaError(
            f"the table has no column {absent[0]!r}, which the model reads; add it, empty if its "
            "cells are unknown"
        )


def _require_column(table: pa.Schema, name: str, argument: str) -> None:
    if name not in table.names:
        raise SchemaError(f"{argument} names {name!r}, which is not a column of the table")


def _source(
    kind: Task, table: pa.Table, key: str | None, seed: int | None, first_row: int
) -> Source | None:
    """Returns the source of a task's draws; checks the key also if it draws nothing."""
    first_row = whole_number(first_row, "first_row", least=0, what="the number of a row")
    if key is not None:
        _require_column(table.schema, key, "key")
        require_unique(table[key], key)
    if kind.purpose is None:
        return None
    number = fresh_seed() if seed is None else seed
    if key is None:
        stop = first_row + len(table)
        return RowGenerator.numbered(number, first_row, stop, purpose=kind.purpose)
    return RowGenerator(number, keys_of(table[key], key), purpose=kind.purpose)


def _typed(field: pa.Field, table: pa.Schema) -> pa.Field:
    """Returns a column of the model in the table's type, if the table has one."""
    import pyarrow as pa

    if field.name not in table.names or pa.types.is_null(table.field(field.name).type):
        return field
    return pa.field(field.name, table.field(field.name).type)


def _typed_column(table: pa.Table, field: pa.Field) -> Any:
    """Returns a column of the table; without a type, it gets the model's."""
    import pyarrow as pa

    column = table[field.name]
    return pa.nulls(len(column), field.type) if pa.types.is_null(column.type) else column


def _cast(column: Any, field: pa.Field) -> Any:
    import pyarrow as pa

    if isinstance(column, np.ndarray):
        column = pa.array(column, from_pandas=field.type == pa.string())
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise SchemaError(
            f"column {field.name!r}: an answer does not fit into {field.type}: {error}; cast the "
            "table's column to a wider type"
        ) from error


def _float_fields(asked: Asked, table: pa.Schema) -> list[pa.Field]:
    import pyarrow as pa

    return [pa.field(field.name, pa.float64()) for field in table]


def _explained(asked: Asked, table: pa.Table, source: Source | None) -> Mapping[str, Any]:
    found = explain(asked.model, table, **asked.options)
    return {name: found[name] for name in found.column_names}


def _score_fields(asked: Asked, table: pa.Schema) -> list[pa.Field]:
    import pyarrow as pa

    return [pa.field("log_prob", pa.float64())]


def _scored(asked: Asked, table: pa.Table, source: Source | None) -> Mapping[str, Any]:
    return {"log_prob": score(asked.model, table, **asked.options, progress=False)}


def _imputed_fields(asked: Asked, table: pa.Schema) -> list[pa.Field]:
    import pyarrow as pa

    if asked.options.get("how") != "mean":
        return list(table)
    columns = {column.name: column for column in asked.model.schema.columns_without_flags}
    return [
        pa.field(field.name, pa.float64())
        if pa.types.is_integer(field.type) and not columns[field.name].has_levels
        else field
        for field in table
    ]


def _imputed(asked: Asked, table: pa.Table, source: Source | None) -> Mapping[str, Any]:
    found = impute(asked.model, table, **asked.options, seed=source)
    return {name: found[name] for name in found.column_names}


def _sample_fields(asked: Asked, table: pa.Schema) -> list[pa.Field]:
    other = asked.options.get("other")
    schema = replace(asked.model.schema, container="pyarrow")
    first = decode(np.zeros((1, len(schema.columns))), schema, other=other)
    return list(to_container(first, schema, other=other).schema.remove_metadata())


def _sampled(asked: Asked, table: pa.Table, source: Source | None) -> Mapping[str, Any]:
    schema = replace(asked.model.schema, container="pyarrow")
    given = {"given": table} if table.num_columns else {}
    model = replace(asked.model, schema=schema)
    assert isinstance(source, RowGenerator)
    found = sample(model, len(source), **given, **asked.options, seed=source)
    return {name: found[name] for name in found.column_names}


def _findings_fields(asked: Asked, table: pa.Schema) -> list[pa.Field]:
    import pyarrow as pa

    texts = ("column", "found", "suggested", "kind")
    names = ("row", "column", "found", "suggested", "probability", "low", "high", "bits", "kind",
             "likelihood_ratio", "q")  # fmt: skip
    types = {"row": pa.int64()} | dict.fromkeys(texts, pa.string())
    return [pa.field(name, types.get(name, pa.float64())) for name in names]


def _findings(asked: Asked, table: pa.Table, source: Source | None) -> Mapping[str, Any]:
    found = proofread(asked.model, table, **asked.options)
    return {name: found[name].to_numpy() for name in found.columns}


TASKS = {
    "score": Task(("strict",), _score_fields, _scored),
    "explain": Task(("relative", "strict"), _float_fields, _explained),
    "impute": Task(("how", "strict"), _imputed_fields, _imputed, purpose=FILLS),
    "sample": Task(
        ("temperature", "rare", "other"),
        _sample_fields,
        _sampled,
        absent_is_fine=True,
        purpose=DRAWS,
    ),
    "proofread": Task(("fdr", "strict"), _findings_fields, _findings, by_row=False),
}
