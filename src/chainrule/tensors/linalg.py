"""Decompositions of matrices."""

from __future__ import annotations

import numpy as np

from chainrule.tensors.tensor import Tensor, wrapped


def cholesky(matrix: Tensor) -> Tensor:
    """The lower triangular L of L Lᵀ = matrix, or of each matrix."""
    return wrapped(np.linalg.cholesky(matrix.numpy()))
