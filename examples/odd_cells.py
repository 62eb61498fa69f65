"""The most surprising pixels of an image: its chain-rule terms −log₂ p(x_k | x_<k), in bits.

Run: python examples/odd_cells.py
"""

from __future__ import annotations

import math

import torch

import chainrule as cr


def main() -> None:
    """Flips one pixel of a test digit and finds it among the most surprising ones."""
    digits = cr.datasets.load("digits")
    density = cr.fit(
        digits.train,
        digits.valid,
        network="nade",
        seed=0,
        config=cr.FitConfig(epochs=30),
        verbose=False,
    )
    damaged = digits.test[3].copy()
    damaged[23] ^= 1  # the last pixel of the third line, almost always empty
    # The network reads codes, which need not equal the pixels: a lit pixel may have code 0.
    codes = torch.from_numpy(density.codes(damaged[None]))
    with torch.no_grad():
        bits = -density.model.network.log_prob_columns(codes)[0] / math.log(2)
    worst = bits.argsort(descending=True)[:3].tolist()
    print(
        "most surprising pixels:",
        ", ".join(f"{density.schema.names[k]} ({bits[k]:.1f} bits)" for k in worst),
    )


if __name__ == "__main__":
    main()
