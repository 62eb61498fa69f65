"""Which pixels of an image surprise the model: the chain-rule terms of one row, in bits.

Run: python examples/odd_cells.py
"""

from __future__ import annotations

import math

import torch

import chainrule as cr


def main() -> None:
    """Flips one pixel of a test digit and finds it again among the surprises."""
    digits = cr.datasets.load("digits")
    density = cr.fit(digits.train, digits.valid, network="nade", seed=0, config=cr.FitConfig(epochs=30), verbose=False)
    damaged = digits.test[3].copy()
    damaged[23] ^= 1  # the last pixel of the third line, almost always empty
    codes = torch.from_numpy(density.codes(damaged[None]))  # what the network reads; a lit pixel may be code 0
    with torch.no_grad():
        bits = -density.model.network.log_prob_columns(codes)[0] / math.log(2)
    worst = bits.argsort(descending=True)[:3].tolist()
    print("most surprising pixels:", ", ".join(f"{density.schema.names[k]} ({bits[k]:.1f} bits)" for k in worst))


if __name__ == "__main__":
    main()
