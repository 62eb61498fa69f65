"""Whether a network and its training fit into memory, before anything is allocated."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from chainrule.errors import ChainruleError
from chainrule.machine import free_bytes
from chainrule.networks import Columns
from chainrule.training.plan import Plan

COPIES = 6  # of each parameter: itself, its gradient, two moments, the best so far, and one on the way to a file
BYTES = 4


def require_memory(network: str, columns: Columns, config: Plan, names: Sequence[str]) -> None:
    """Raises ChainruleError if training would need more memory than the machine has free."""
    needed, free = training_bytes(network, columns, config), free_bytes()
    if free is not None and needed > free:
        widest = max(range(len(columns)), key=lambda k: columns.input_widths[k] + columns.param_widths[k])
        raise ChainruleError(
            f"training needs about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: pass smaller hidden "
            f"layers, fewer members or fewer components, or leave out column {names[widest]!r}, which has the most parameters "
            f"({columns.param_widths[widest]})"
        )


def training_bytes(network: str, columns: Columns, config: Plan) -> int:
    """About how much training takes: copies of the parameters, and a batch on its way through the network."""
    inputs, params = sum(columns.input_widths), sum(columns.param_widths)
    sizes = config.hidden_sizes or (config.hidden_size or 0,)
    weights = inputs * sizes[0] + sum(a * b for a, b in pairwise(sizes)) + sizes[-1] * params + params
    if network == "made":
        weights += 2 * inputs * params
    if network == "orderless":
        weights += len(columns) * sizes[0]
    members = config.members or 1
    batch = (config.batch_size or 0) * (2 * inputs + members * (3 * sum(sizes) + 4 * params))
    return BYTES * (COPIES * members * weights + batch)
