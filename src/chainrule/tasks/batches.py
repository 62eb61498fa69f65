"""A table in batches on its way through a model: what every task over rows begins with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.progress import progress_bar
from chainrule.table import Codes

BATCH_ROWS = 500


@dataclass(frozen=True)
class Batch:
    """Some rows of a table: which, the network to ask, codes (n, D) in float64, the cells (n, D) that have one, and those that
    hold what their column cannot, on its device."""

    rows: slice
    network: AbstractNetwork
    x: torch.Tensor
    observed: torch.Tensor
    outside: torch.Tensor


def batches(
    model: Model, codes: Codes, what: str, *, rows: int = BATCH_ROWS, show_progress: bool = True
) -> Iterator[Batch]:
    """The rows in batches, with a progress bar; without gradients, in float64.

    Args:
        model: whose network is asked.
        codes: the table's.
        what: the bar's word, such as "scoring".
        rows: how many go together.
        show_progress: a bar on stderr where a person watches.
    """
    network = model.in_float64()
    device = next(network.parameters()).device
    with torch.no_grad(), progress_bar(what, len(codes), show=show_progress) as advance:
        for start in range(0, len(codes), rows):
            part = slice(start, min(start + rows, len(codes)))
            arrays = (codes.values, codes.observed, codes.outside)
            x, observed, outside = (torch.from_numpy(each[part]).to(device) for each in arrays)
            yield Batch(part, network, x, observed, outside)
            advance(len(x))
