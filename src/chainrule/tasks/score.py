"""How likely each row of a table is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule.model import Model
from chainrule.progress import progress_bar
from chainrule.table import encode, log_scales, read_table

BATCH_ROWS = 500


def score(model: Model, table: Any, *, show_progress: bool = True) -> np.ndarray:
    """log p of the known cells of each row, (N,) float64 nats; of real cells the density in the table's own units.

    Unknown cells are marginalised; a fixed order does this exactly where the known cells come first in it.

    Raises:
        SchemaError: columns or values that the model does not have.
        EvidenceError: holes that a fixed order cannot marginalise.
    """
    codes = encode(read_table(table), model.schema)
    model.require_evidence(codes.observed, name="known")
    network = model.in_float64()
    device = next(network.parameters()).device
    nats = np.empty(len(codes))
    with torch.inference_mode(), progress_bar("scoring", len(codes), show=show_progress) as advance:
        for start in range(0, len(codes), BATCH_ROWS):
            rows = slice(start, start + BATCH_ROWS)
            x = torch.from_numpy(codes.values[rows]).to(device)
            observed = torch.from_numpy(codes.observed[rows]).to(device)
            nats[rows] = network.log_prob(x, observed).cpu().numpy()
            advance(len(x))
    return nats + codes.observed @ log_scales(model.schema)
