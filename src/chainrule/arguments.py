"""Arguments of the questions that can be checked before a model or a table is read.

Python and the command line share these checks. This module imports no torch, so that the command
line can refuse a wrong argument at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from chainrule.errors import SchemaError, ShapeError, unknown_choice, whole_number

HOW = ("draw", "best", "mean")  # to fill missing cells
MISSING = ("unknown", "informative")  # whether it is modelled which cells are missing
TIES = ("auto", "none")
DEFAULT_TIES = "auto"
MIN_COUNT = 5  # rows behind a level, an atom, or any number of a model file
RARE = ("other", "omit")  # what becomes of labels too rare to be listed, in draws
MEASURED_ROWS = 50_000  # most rows of each table of which ``quality`` measures distances
POOL_ROWS = 200_000  # draws of a model by which events are answered
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})  # of a task
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of a column of numbers, unless asked for others


def require_how(how: str) -> None:
    """Raises ShapeError unless this is a way to fill missing cells."""
    if how not in HOW:
        raise ShapeError(unknown_choice("how", how, HOW))


def require_rare(rare: str, other: str | None) -> None:
    """Raises ShapeError unless this is what becomes of rare labels in draws."""
    if rare not in RARE:
        raise ShapeError(unknown_choice("rare", rare, RARE))
    if rare == "omit" and other is not None:
        raise ShapeError(
            f"other = {other!r}: no rare label is drawn with rare='omit'; leave one of them out"
        )


def require_quantiles(quantiles: Sequence[float]) -> None:
    """Raises ShapeError unless these are probabilities above 0 and below 1."""
    if not all(0 < q < 1 for q in quantiles):
        raise ShapeError(f"quantiles = {list(quantiles)}: pass numbers above 0 and below 1")


def rows_to_draw(n: int) -> int:
    """The number of rows to draw; raises ShapeError unless it is a whole number, at least 0."""
    return whole_number(n, "n", least=0, what="a whole number of rows")


def require_temperature(temperature: float) -> None:
    """Raises ShapeError unless logits can be divided by this number."""
    if not temperature > 0:
        raise ShapeError(
            f"temperature = {temperature!r} must be above zero; 1 samples the model as it is"
        )


def cells_to_show(top: int) -> int:
    """The number of oddest cells; raises ShapeError unless it is a whole number, at least 0."""
    return whole_number(top, "top", least=0, what="how many cells to show")


def require_fdr(fdr: float) -> float:
    """The largest expected share of false findings; raises ShapeError unless it is in (0, 1]."""
    if isinstance(fdr, bool) or not isinstance(fdr, int | float) or not 0 < fdr <= 1:
        raise ShapeError(
            f"fdr = {fdr!r}: pass the share of false findings to expect, above 0 and at most 1"
        )
    return float(fdr)


def require_fail_under(fail_under: float) -> float:
    """The level of a test; raises ShapeError unless it is a number above 0 and below 1."""
    if (
        isinstance(fail_under, bool)
        or not isinstance(fail_under, int | float)
        or not 0 < fail_under < 1
    ):
        raise ShapeError(
            f"fail_under = {fail_under!r}: pass the probability of a false alarm that you accept, "
            "above 0 and below 1, such as 0.01"
        )
    return float(fail_under)


def require_inference(min_count: int, missing: str, ties: Any) -> None:
    """Raises ChainruleError for options of ``infer_schema`` that no table would allow."""
    if isinstance(ties, str):
        if ties not in TIES:
            raise SchemaError(unknown_choice("ties", ties, TIES))
    elif not isinstance(ties, Sequence):
        raise SchemaError(
            f"ties = {ties!r}: pass 'auto', 'none', or a list of the ties to leave out, each by "
            "its text or a pair of names"
        )
    whole_number(min_count, "min_count", least=1, what="the rows that a level needs to be listed")
    if missing not in MISSING:
        raise SchemaError(unknown_choice("missing", missing, MISSING))


def first_repeated(names: Sequence[str]) -> str | None:
    """The first name that occurs twice, or None."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
