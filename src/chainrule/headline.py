"""The main result of a fit, −log p per validation row, in the same words wherever it is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def headline(training: Mapping[str, Any], *, digits: int = 3, each: str = "per row") -> str | None:
    """The result in a training record, or None if it has none: exact numbers plain, others with ≈
    and ±. It is a cost, so lower is better.

    Both numbers refer to the same validation rows, and ± is their standard error over these rows.

    Args:
        training: a density's training record.
        digits: number of decimals.
        each: "per row", in the words of the place.

    Examples:
        >>> headline({"valid_nats": 2.0, "independent_valid_nats": 3.5, "valid_is": "exact"})
        '−log p 2.000 nats (2.885 bits) per row, 1.500 nats better than independent columns'
    """
    nats, alone = training.get("valid_nats"), training.get("independent_valid_nats")
    if not (isinstance(nats, float) and isinstance(alone, float)):
        return None
    exact = is_exact(training)
    reached = _marked(nats, exact, digits, training.get("valid_standard_error"))
    gain = _marked(alone - nats, exact, digits, training.get("gain_standard_error"))
    bits = _marked(nats / math.log(2), exact, digits)
    better = f"{gain} nats better than independent columns"
    return f"−log p {reached} nats ({bits} bits) {each}, {better}"


def is_exact(training: Mapping[str, Any]) -> bool:
    """Whether ``valid_nats`` is the mean of exact likelihoods over all validation rows."""
    return training.get("valid_is", "exact") == "exact"


def _marked(value: float, exact: bool, digits: int, standard_error: object = None) -> str:
    if exact:
        return f"{value:.{digits}f}"
    return f"≈ {value:.{digits}f}" + (
        f" ± {standard_error:.{digits}f}" if isinstance(standard_error, float) else ""
    )
