"""A small NADE of handwritten digits, for a page to play with."""

from __future__ import annotations

from chainrule import datasets
from chainrule.density import Density
from chainrule.table import Binary, Schema
from chainrule.training import FitConfig, fit

SIZES = {"digits": (48, 1197, 40), "mnist": (64, 20_000, 12)}  # hidden units, rows, epochs


def digits_density(name: str = "digits") -> Density:
    """Returns a NADE of images of digits in which code 1 is a lit pixel, in every column.

    Args:
        name: "digits" (8 × 8 pixels, seconds of training) or "mnist" (28 × 28, half a minute).
    """
    digits, (hidden_size, rows, epochs) = datasets.load(name), SIZES[name]
    columns = tuple(
        Binary(name=f"x{k}", levels=(0, 1), dtype="uint8", rows=rows)
        for k in range(digits.train.shape[1])
    )
    return fit(
        digits.train[:rows],
        digits.valid[:1000],
        network="nade",
        kinds=Schema(columns),
        seed=0,
        config=FitConfig(hidden_size=hidden_size, epochs=epochs, patience=0),
        verbose=False,
    )
