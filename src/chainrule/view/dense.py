"""A fully connected network that copies its input: what a NADE's masks prevent."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from chainrule.rng import generator_from

BATCH = 100


class DenseAutoencoder(nn.Module):
    """A fully connected network of n inputs and n sigmoid outputs, every one of which depends on
    every input.

    Its summed cross-entropy is not a likelihood: output k depends on x_k itself.
    """

    def __init__(self, columns: int, hidden_size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.encoder = nn.Parameter(
            torch.randn(columns, hidden_size, generator=generator) * columns**-0.5
        )
        self.decoder = nn.Parameter(
            torch.randn(hidden_size, columns, generator=generator) * hidden_size**-0.5
        )
        self.hidden_bias = nn.Parameter(torch.zeros(hidden_size))
        self.output_bias = nn.Parameter(torch.zeros(columns))

    @override
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns logits (N, D), each a function of all of x (N, D)."""
        return torch.sigmoid(self.hidden_bias + x @ self.encoder) @ self.decoder + self.output_bias


def train_dense(
    rows: torch.Tensor,
    hidden_size: int,
    *,
    steps: int = 600,
    learning_rate: float = 1e-2,
    seed: int = 0,
) -> DenseAutoencoder:
    """Trains a dense autoencoder on rows (N, D); 600 steps suffice for it to copy its input."""
    generator = generator_from(seed)
    network = DenseAutoencoder(rows.shape[1], hidden_size, generator)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.0)
    done = 0
    while done < steps:
        for chosen in torch.randperm(len(rows), generator=generator).split(BATCH):
            batch = rows[chosen.to(rows.device)]
            optimizer.zero_grad()
            logits = network(batch)
            cost = F.binary_cross_entropy_with_logits(logits, batch, reduction="sum") / len(batch)
            cost.backward()
            optimizer.step()
            done += 1
    return network
