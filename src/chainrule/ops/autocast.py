"""Mixed precision is PyTorch's choice of dtypes; compiled kernels read the dtype they are given."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def without_autocast(device: str) -> AbstractContextManager[Any]:
    """Switches autocast off if it is on; switching costs as much as a short kernel."""
    return (
        torch.autocast(device, enabled=False)
        if torch.is_autocast_enabled(device)
        else nullcontext()
    )
