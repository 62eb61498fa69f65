"""The questions that may be asked about a frame of Dask, Spark or Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.arguments import NO_OPTIONS
from chainrule.distributed.engines import module_of
from chainrule.distributed.question import Question
from chainrule.errors import ShapeError
from chainrule.scorer import Scorer


def score(density: Any, data: Any, *, keep: Sequence[str] = (), strict: bool = False) -> Any:
    """Returns log p of the known cells of each row in a column ``log_prob``, nats.

    See ``Density.log_prob``. Scores are those of one process to 1e-12 relative.

    Args:
        density: a density or a scorer.
        data: a frame of Dask or Spark, or a Ray dataset, with the columns that were fitted. Other
            columns are not read.
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
        data: a frame of Dask or Spark, or a Ray dataset, with the columns that were fitted. Other
            columns are not read.
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
        data: a frame of Dask or Spark, or a Ray dataset, with the columns that were fitted. Other
            columns are not read.
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
        data: a frame of Dask or Spark, or a Ray dataset, with a key and, if wanted, columns of the
            model: their known cells are given, and all other cells are drawn.
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
        data: a frame of Dask or Spark, or a Ray dataset, with the columns that were fitted. Other
            columns are not read.
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
    """Returns the answer of the engine whose frame it is."""
    module = module_of(data)
    scorer = density if isinstance(density, Scorer) else density.scorer()
    question = Question(scorer, task, tuple(keep), key, seed, dict(options))
    return module.answer(question, data)
