"""Questions about frames that no process holds whole: Dask's, partition by partition.

Each function takes a density and a frame, and returns a frame of the same library, which is
computed when the library says so. The workers need chainrule, and no PyTorch: a scorer travels to
them. Each partition is answered in one thread and without progress bars, so that as many partitions
as there are cores may be answered at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.arguments import NO_OPTIONS
from chainrule.errors import SchemaError, ShapeError
from chainrule.scorer import Scorer


def score(density: Any, data: Any, *, keep: Sequence[str] = (), strict: bool = False) -> Any:
    """Returns log p of the known cells of each row in a column ``log_prob``, nats.

    See ``Density.log_prob``. Scores are those of one process to 1e-12 relative.

    Args:
        density: a density or a scorer.
        data: a Dask frame with the columns that were fitted; other columns are not read.
        keep: columns of the frame that the answer keeps, such as a key.
        strict: refuse cells whose values their columns cannot hold.

    Returns:
        A lazy frame of the same library, partitions and index.

    Raises:
        SchemaError: a frame of an unknown library, or without a column of the model.
    """
    return _answer(density, data, "score", keep, options={"strict": strict})


def explain(
    density: Any,
    data: Any,
    *,
    keep: Sequence[str] = (),
    relative: bool = True,
    strict: bool = False,
) -> Any:
    """Returns the surprise of each cell in bits, as a lazy frame; see ``Density.explain``.

    Args:
        density: a density or a scorer.
        data: a Dask frame with the columns that were fitted; other columns are not read.
        keep: columns of the frame that the answer keeps, such as a key.
        relative: subtract the expected surprise.
        strict: refuse cells whose values their columns cannot hold.

    Raises:
        SchemaError: as ``score``; or a kept column that the model has, too.
    """
    return _answer(density, data, "explain", keep, options={"relative": relative, "strict": strict})


def impute(
    density: Any,
    data: Any,
    *,
    key: str | None = None,
    how: str = "draw",
    seed: int = 0,
    keep: Sequence[str] = (),
    strict: bool = False,
) -> Any:
    """Returns the model's columns with their missing cells filled; see ``Density.impute``.

    Args:
        density: a density or a scorer.
        data: a Dask frame with the columns that were fitted; other columns are not read.
        key: a column of whole numbers or text whose values name the rows: with the seed, it decides
            a row's draws, whatever the partitions. Needed for draws. A key that repeats within a
            partition is an error.
        how: "draw", "best" or "mean".
        seed: seeds the draws.
        keep: columns of the frame that the answer keeps, such as the key.
        strict: refuse cells whose values their columns cannot hold.

    Raises:
        SchemaError: as ``score``.
        ShapeError: draws without a key.
    """
    if how == "draw":
        _require_key(key, "impute")
    options = {"how": how, "strict": strict}
    return _answer(density, data, "impute", keep, key=key, seed=seed, options=options)


def sample(
    density: Any,
    data: Any,
    *,
    key: str,
    seed: int = 0,
    temperature: float = 1.0,
    rare: str = "other",
    other: str | None = None,
    keep: Sequence[str] = (),
) -> Any:
    """Returns a drawn row for each row, given its known cells; see ``Density.sample``.

    Args:
        density: a density or a scorer.
        data: a Dask frame with a key and, if wanted, columns of the model: their known cells are
            given, and all other cells are drawn.
        key: a column of whole numbers or text whose values name the rows: with the seed, it decides
            a row's draws, whatever the partitions. A key that repeats within a partition is an
            error.
        seed: seeds the draws.
        temperature, rare, other: see ``Density.sample``.
        keep: columns of the frame that the answer keeps, such as the key.

    Raises:
        SchemaError: as ``score``; a label that its column never had.
        ShapeError: no key.
    """
    _require_key(key, "sample")
    options = {"temperature": temperature, "rare": rare, "other": other}
    return _answer(density, data, "sample", keep, key=key, seed=seed, options=options)


def proofread(
    density: Any, data: Any, *, keep: Sequence[str], fdr: float = 0.1, strict: bool = False
) -> Any:
    """Returns the cells that are probably wrong, as a lazy frame; see ``Density.proofread``.

    Each partition is proofread by itself: the rates of mistakes and ``q`` are those of the
    partition, and ``row`` counts its rows. Partitions of some thousand rows tell these rates well.

    Args:
        density: a density or a scorer.
        data: a Dask frame with the columns that were fitted; other columns are not read.
        keep: columns that say which row a finding is in, such as a key.
        fdr: the largest expected share of false findings.
        strict: refuse cells whose values their columns cannot hold.

    Raises:
        SchemaError: as ``score``.
    """
    return _answer(density, data, "proofread", keep, options={"fdr": fdr, "strict": strict})


def _require_key(key: str | None, task: str) -> None:
    if key is None:
        raise ShapeError(
            f"{task} draws, and no row of a distributed frame has a number: pass key=, a column "
            "whose values name the rows"
        )


def _answer(
    density: Any,
    data: Any,
    task: str,
    keep: Sequence[str],
    *,
    key: str | None = None,
    seed: int = 0,
    options: Mapping[str, Any] = NO_OPTIONS,
) -> Any:
    library = type(data).__module__.partition(".")[0]
    if library not in ("dask", "dask_expr") or not hasattr(data, "map_partitions"):
        raise SchemaError(
            f"a {type(data).__module__}.{type(data).__name__} is not distributed: pass a "
            "dask.dataframe.DataFrame; a Density answers frames and files of one machine itself"
        )
    scorer = density if isinstance(density, Scorer) else density.scorer()
    how = {"keep": list(keep), "key": key, "seed": seed, "options": dict(options)}
    if key is not None and key not in data.columns:
        raise SchemaError(f"key names {key!r}, which is not a column of the frame")
    meta = empty_answer(data._meta, scorer=scorer, task=task, how=how)
    asked = {"scorer": scorer, "task": task, "how": how, "dtypes": dict(meta.dtypes)}
    answer = data.map_partitions(answer_frame, **asked, meta=meta, enforce_metadata=False)
    return answer.clear_divisions() if task == "proofread" else answer


def empty_answer(frame: Any, *, scorer: Scorer, task: str, how: Mapping[str, Any]) -> Any:
    """Returns the answer to a pandas frame without rows: its columns, types and index.

    The arguments are those of ``answer_frame``.
    """
    import pandas as pd
    import pyarrow as pa

    asked = pa.Schema.from_pandas(frame, preserve_index=False)
    schema = scorer.answer_schema(task, asked, keep=how["keep"], options=how["options"])
    columns = {}
    for field in schema:
        kept = field.name in how["keep"] or task == "impute"
        same = kept and field.name in asked.names and not pa.types.is_dictionary(field.type)
        if same and asked.field(field.name).type in (field.type, pa.null()):
            dtype = frame.dtypes[field.name]
        else:
            dtype = _dtype_of(field.type)
        columns[field.name] = pd.Series(dtype=dtype)
    index = pd.RangeIndex(0) if task == "proofread" else frame.index[:0]
    return pd.DataFrame(columns).set_index(index)


def answer_frame(
    frame: Any, *, scorer: Scorer, task: str, how: Mapping[str, Any], dtypes: Mapping[str, Any]
) -> Any:
    """Returns ``answer_arrow``'s answer to a pandas frame, with its index unless rows are findings.

    Args:
        frame: a pandas frame.
        scorer: answers.
        task: see ``tasks.answer_arrow``.
        how: its other arguments.
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
    answer = scorer.answer_arrow(table, task, **how).to_pandas().astype(dict(dtypes))
    return answer if task == "proofread" else answer.set_index(frame.index)


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
