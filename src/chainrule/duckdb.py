"""A model's answers as functions of DuckDB: log-likelihoods of rows, and probabilities of events.

``pip install "chainrule[duckdb]"`` brings DuckDB and pyarrow. The module that this file is named
for is imported by its absolute name.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arguments import POOL_ROWS
from chainrule.errors import SchemaError, printable
from chainrule.scorer import Scorer

NAMES = ("cr_log_prob", "cr_bits", "cr_probability")
INSTALL = "DuckDB's functions need duckdb and pyarrow: pip install 'chainrule[duckdb]'"


def register(connection: Any, model: Any, *, draws: int = POOL_ROWS) -> None:
    """Gives a DuckDB connection functions that ask a model.

    - ``cr_log_prob(t)`` is log p of the row t, in nats; t is the name of the table, or a struct.
      The row may have further columns, which are not read.
    - ``cr_log_prob(a, b, …)`` takes the model's columns in its order instead.
    - ``cr_bits(…)`` is −log2 p of the row: the more bits, the odder it is.
    - ``cr_probability('age > 60')`` is the probability of an event; with a second text, given that
      event.

    A NULL is an unknown cell. Functions of an earlier model are replaced.

    Args:
        connection: a DuckDB connection.
        model: a density, a scorer, or the path of a model file.
        draws: how many rows are drawn once, for events that are not summed exactly.

    Raises:
        ImportError: duckdb or pyarrow is not installed.

    Examples:
        >>> import duckdb
        >>> import chainrule as cr
        >>> rows = np.array([[0, 0], [0, 0], [1, 1], [1, 1], [1, 0]] * 40)
        >>> config = cr.FitConfig(hidden_size=4, epochs=20)
        >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
        >>> connection = duckdb.connect()
        >>> register(connection, density)
        >>> table = "(SELECT 0 AS x0, 1 AS x1 UNION ALL SELECT 1, 1) AS t"
        >>> odd = connection.execute(f"SELECT x0, x1 FROM {table} ORDER BY cr_bits(t) DESC")
        >>> odd.fetchall()[0]
        (0, 1)
    """
    try:
        duckdb = importlib.import_module("duckdb")
        importlib.import_module("pyarrow")
    except ImportError as error:
        raise ImportError(INSTALL) from error
    scorer = Scorer(model) if isinstance(model, str | os.PathLike) else model
    of_rows, of_events = _Rows(scorer), _Events(scorer, draws)
    functions: dict[str, Callable[..., Any]] = {
        "cr_log_prob": of_rows.log_prob,
        "cr_bits": of_rows.bits,
        "cr_probability": of_events.probability,
    }
    double = duckdb.sqltype("DOUBLE")
    for name, function in functions.items():
        try:
            connection.remove_function(name)
        except Exception as error:  # there was none
            if not isinstance(error, duckdb.InvalidInputException | duckdb.CatalogException):
                raise
        connection.create_function(
            name, function, None, double, type="arrow", null_handling="special",
        )  # fmt: skip


class _Rows:
    """Scores rows that DuckDB hands over, as a struct or column by column."""

    def __init__(self, scorer: Any) -> None:
        self._scorer = scorer
        self._names = [column.name for column in scorer.schema.columns_without_flags]

    def log_prob(self, *columns: Any) -> Any:
        """Returns log p of each row, nats."""
        import pyarrow as pa

        return pa.array(self._nats(*columns))

    def bits(self, *columns: Any) -> Any:
        """Returns −log2 p of each row."""
        import pyarrow as pa

        return pa.array(-self._nats(*columns) / math.log(2))

    def _nats(self, *columns: Any) -> np.ndarray:
        answer = self._scorer.answer_arrow(self._table(*columns), "score")
        return answer["log_prob"].to_numpy()

    def _table(self, *columns: Any) -> Any:
        import pyarrow as pa

        if len(columns) == 1 and pa.types.is_struct(columns[0].type):
            whole = pa.Table.from_struct_array(columns[0])
            absent = [name for name in self._names if name not in whole.column_names]
            if absent:
                raise SchemaError(
                    f"the row has no column {absent[0]!r}, which the model reads; pass the table "
                    "that has it, or its columns one by one"
                )
            return whole.select(self._names)
        if len(columns) != len(self._names):
            names = printable(", ".join(f'"{name}"' for name in self._names))
            raise SchemaError(
                f"{len(columns)} column(s) where the model has {len(self._names)}: pass the name "
                f"of the table, as in cr_bits(t), or {names}"
            )
        return pa.table(list(columns), names=self._names)


class _Events:
    """Answers events, each once."""

    def __init__(self, scorer: Any, draws: int) -> None:
        self._scorer, self._draws = scorer, draws
        self._known: dict[tuple[str, str | None], float] = {}

    def probability(self, *words: Any) -> Any:
        """Returns the probability of each event, given the second one if there are two."""
        import pyarrow as pa

        if len(words) not in (1, 2):
            raise SchemaError("cr_probability takes an event, and one that is given")
        asked = [column.to_pylist() for column in words]
        pairs = list(zip(*asked, strict=True)) if len(words) == 2 else [(e, None) for e in asked[0]]
        return pa.array([self._of(event, given) for event, given in pairs], pa.float64())

    def _of(self, event: str | None, given: str | None) -> float | None:
        if event is None:
            return None
        if (event, given) not in self._known:
            found = self._scorer.probability(event, given, draws=self._draws)
            self._known[event, given] = found.value
        return self._known[event, given]
