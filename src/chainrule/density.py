"""What users hold: a fitted table that answers questions, saves and loads."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, overload

import numpy as np
import torch

from chainrule import fileformat, tasks
from chainrule.errors import ChainruleError, FormatError
from chainrule.model import Model
from chainrule.table import Schema
from chainrule.version import version


@dataclass(frozen=True, repr=False)
class Density:
    """The joint density of a table. Tables are whatever was fitted: frames, arrays, paths; answers are in the table's terms.

    Attributes:
        model: schema and network.
        training: how it was trained, as JSON: configuration, seed, rows, history per epoch, and how the probabilities of rows
            are calibrated.
        seconds: how long that took; not saved, so that the same seed gives the same file to the byte.
    """

    model: Model
    training: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None

    @property
    def schema(self) -> Schema:
        """The columns and what is assumed of them; ``print`` shows a line for each."""
        return self.model.schema

    @overload
    def log_prob(self, table: Any, parts: Literal[False] = False) -> np.ndarray: ...

    @overload
    def log_prob(self, table: Any, parts: Literal[True]) -> tasks.Parts: ...

    def log_prob(self, table: Any, parts: bool = False) -> np.ndarray | tasks.Parts:
        """log p of the known cells of each row, (N,) float64, nats.

        Args:
            table: frame, array or path with the columns that were fitted; NaN, None, pd.NA and NaT are unknown cells. A column
                that is absent is unknown, with a warning.
            parts: two arrays instead, ``mass`` and ``density``, whose sum it is: the terms of cells that have a
                probability, and of those that have a density in the table's units.
        """
        return tasks.score_parts(self.model, table) if parts else tasks.score(self.model, table)

    def score(self, table: Any) -> float:
        """The mean of ``log_prob``: nats per row, higher is better."""
        return float(self.log_prob(table).mean())

    def explain(self, table: Any, relative: bool = True, *, chain: bool = False, tail: bool = False) -> Any:
        """The surprise of each cell in bits, as a frame of the table's shape; see ``tasks.explain``."""
        return tasks.explain(self.model, table, relative=relative, chain=chain, tail=tail)

    def oddest(self, table: Any, top: int = 20) -> Any:
        """The oddest cells, oddest first, each with what was likely instead; see ``tasks.oddest``."""
        return tasks.oddest(self.model, table, top=top)

    def conditional(self, table: Any, column: str, *, quantiles: Sequence[float] = tasks.QUANTILES) -> Any:
        """Probabilities of a column's levels, or quantiles of its numbers, given the rest of each row."""
        return tasks.conditional(self.model, table, column, quantiles=quantiles)

    def marginal(self, *columns: str) -> Any:
        """p(column), or p(first, second), as a frame with a row for each value or pair; see ``tasks.marginal``."""
        return tasks.marginal(self.model, *columns)

    def sample(
        self,
        n: int,
        given: Any = None,
        *,
        temperature: float = 1.0,
        seed: int | None = None,
        to: str | os.PathLike[str] | None = None,
    ) -> Any:
        """n rows like those fitted, in the same kind of table, or written to a file, part by part.

        Args:
            n: number of rows.
            given: cells to keep: a dict of one value a column, or a table of one row or n rows with holes.
            temperature: 1 samples the model; towards 0 the likeliest value of each step.
            seed: makes the draw reproducible.
            to: a path of CSV or Parquet to write to; it is returned.
        """
        return tasks.sample(self.model, n, given=given, temperature=temperature, seed=seed, to=to)

    def impute(
        self,
        table: Any,
        how: str = "draw",
        n_draws: int = 1,
        seed: int | None = None,
        *,
        interval: float | None = None,
        to: str | os.PathLike[str] | None = None,
    ) -> Any:
        """The table with its holes filled; what is known stays to the bit (see ``tasks.impute``).

        Args:
            table: rows with holes.
            how: "draw" (all holes of a row together), "best" (most probable level, median) or "mean".
            n_draws: how many tables to draw; more than one come as a list.
            seed: makes draws reproducible.
            interval: with a probability such as 0.9, returns (table, low, high), the ends of each filled number's interval.
            to: a path of CSV or Parquet to write to; a file is then read, filled and written in parts.
        """
        return tasks.impute(self.model, table, how=how, n_draws=n_draws, interval=interval, seed=seed, to=to)

    def features(self, table: Any, pool: str = "last") -> np.ndarray:
        """A representation of each row, (N, F) float64: hidden units of the network; see ``tasks.features``."""
        return tasks.features(self.model, table, pool=pool)

    def compare(self, other: Density, table: Any) -> tasks.Comparison:
        """How many nats per row this density is better than another on a table, with the standard error of that mean."""
        return tasks.compare(self.model, other.model, table)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a model file; it appears only when complete, and holds no row of the table."""
        content = {"model": self.model.to_json(), "training": dict(self.training)}
        fileformat.write(path, fileformat.Contents("model", content, self.model.arrays(), version()))

    def __repr__(self) -> str:
        kinds = Counter(column.kind for column in self.schema.columns)
        columns = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        lines = [f"Density of {columns} columns by {type(self.model.network).__name__}"]
        nats, alone = self.training.get("valid_nats"), self.training.get("independent_valid_nats")
        if isinstance(nats, float) and isinstance(alone, float):
            about = "" if self.training.get("valid_is", "exact") == "exact" else "about "
            lines.append(
                f"validation: {about}{nats:.2f} nats ({nats / math.log(2):.2f} bits) a row, {alone - nats:.2f} nats better than "
                f"independent columns"
            )
            lines.append(
                f"trained on {self.training.get('train_rows', 0):,} rows, {len(self.training.get('history', ()))} epochs, "
                f"seed {self.training.get('seed')}"
            )
        if self.schema.left_out:
            names = [out.name for out in self.schema.left_out]
            lines.append(f"left out: {', '.join(names[:6])}{', …' if len(names) > 6 else ''}")
        return "\n".join(lines)


def load(path: str | os.PathLike[str], device: str | torch.device = "cpu") -> Density:
    """The density in a model file.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is truncated, edited, or not a model file of this format.
    """
    contents = fileformat.read(path, kind="model")
    try:
        model = Model.from_parts(contents.content.get("model", {}), contents.arrays)
    except ChainruleError as error:
        raise FormatError(f"{os.fspath(path)}: {error}") from error
    training = contents.content.get("training", {})
    if not isinstance(training, dict):
        raise FormatError(f"{os.fspath(path)}: the training record is not an object")
    if training.get("calibration") is not None:
        try:
            tasks.Calibration.from_json(training["calibration"])
        except FormatError as error:
            raise FormatError(f"{os.fspath(path)}: {error}") from error
    model.network.to(device)
    return Density(model, training)
