"""The right half of digits, sampled given the left half.

The known pixels are not the first columns; an orderless network takes any evidence.

Run: python examples/right_halves.py; it writes right-halves.png.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule.report import pictures


def main() -> None:
    """Trains an orderless network and completes six validation digits, six times each."""
    digits = cr.datasets.load("digits")
    density = cr.fit(
        digits.train,
        digits.valid,
        objective="any",
        seed=0,
        config=cr.FitConfig(epochs=60, members=1),
        verbose=False,
    )
    originals = digits.valid[:6]
    left = np.tile(np.arange(8) < 4, 8)  # (64,): which pixels are known
    known = np.where(left, originals, np.nan)
    completed = np.stack(
        [density.sample(6, given=row[None], seed=k) for k, row in enumerate(known)]
    )
    pictures.save(
        pictures.completions(originals, left, completed, (8, 8)), Path("right-halves.png")
    )
    half, whole = density.log_prob(known).mean(), density.log_prob(originals).mean()
    print(
        f"left halves {-half:.2f}, right halves given them {half - whole:.2f}, whole digits "
        f"{-whole:.2f} nats"
    )


if __name__ == "__main__":
    main()
