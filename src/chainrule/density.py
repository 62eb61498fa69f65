"""What users hold: a fitted table that answers questions, saves and loads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from chainrule import fileformat
from chainrule.errors import ChainruleError, FormatError
from chainrule.model import Model
from chainrule.tasks.sample import sample as sample_task
from chainrule.tasks.score import score as score_task
from chainrule.version import version


@dataclass(frozen=True)
class Density:
    """The joint density of a table.

    Attributes:
        model: schema and network.
        training: how it was trained, as JSON: configuration, seed, rows, history per epoch.
        seconds: how long that took; not saved, so that the same seed gives the same file to the byte.
    """

    model: Model
    training: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None

    def log_prob(self, table: Any) -> np.ndarray:
        """log p of the known cells of each row, (N,) float64, nats.

        Args:
            table: array, frame or path with the columns that were fitted; NaN and None are unknown cells.
        """
        return score_task(self.model, table)

    def score(self, table: Any) -> float:
        """The mean of ``log_prob``: nats per row, higher is better."""
        return float(self.log_prob(table).mean())

    def sample(self, n: int, given: Any = None, *, temperature: float = 1.0, seed: int | None = None) -> Any:
        """n rows like those fitted, in the same kind of table; ``given`` holds cells to keep (see ``tasks.sample``)."""
        return sample_task(self.model, n, given=given, temperature=temperature, seed=seed)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a model file; it appears only when complete, and holds no row of the table."""
        content = {"model": self.model.to_json(), "training": dict(self.training)}
        fileformat.write(path, fileformat.Contents("model", content, self.model.arrays(), version()))

    def __repr__(self) -> str:
        nats = self.training.get("valid_nats")
        reached = f", {nats:.2f} nats on validation rows" if isinstance(nats, float) else ""
        return f"Density({len(self.model.schema.columns)} columns, {type(self.model.network).__name__}{reached})"


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
    model.network.to(device)
    return Density(model, training)
