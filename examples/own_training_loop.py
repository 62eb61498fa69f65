"""NADE as a torch module in a custom training loop.

Run: python examples/own_training_loop.py
"""

from __future__ import annotations

import torch

import chainrule as cr
from chainrule.rng import generator_from


def main() -> None:
    """Trains a NADE of random order on the digits; prints the held-out log-loss per epoch."""
    generator = generator_from(0)
    digits = cr.datasets.load("digits")
    train, valid = (torch.from_numpy(rows).float() for rows in (digits.train, digits.valid))
    net = cr.NADE(64, hidden_size=100, order="random", generator=generator)
    net.initialize_from(train)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for epoch in range(10):
        for rows in torch.randperm(len(train), generator=generator).split(100):
            optimizer.zero_grad()
            net.training_loss(train[rows]).mean().backward()
            optimizer.step()
        with torch.no_grad():
            print(f"epoch {epoch + 1}: {-net.log_prob(valid).mean():.2f} nats per held-out image")


if __name__ == "__main__":
    main()
