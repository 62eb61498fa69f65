"""The compiled form of ``networks.linear.regressions``: a sweep of each row's known features."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

from chainrule.ops.compiled.kernels import COUNT, SEATED, TAKEN, arguments_of, claim, kernel
from chainrule.ops.compiled.strips import loops

ROWS_OF_TASK = 64

_arguments = arguments_of(
    "f8[:,::1], u1[:,::1], f8[:,::1], i8[::1], f8[:,::1], f8[:,::1], f8[:,:,::1], f8, f8"
)


@loops
def _sweep(a, j):
    """Makes a feature an input of the regressions that a symmetric matrix describes.

    Once features K are swept, a_KK is −C_KK⁻¹. The rows of the other features have their weights
    C_tK C_KK⁻¹, and what C_tt and C_tu leave as residual variances and covariances.
    """
    size, unit = len(a), 1.0 / a[j, j]
    for i in range(size):
        if i != j:
            factor = a[i, j] * unit
            for k in range(size):
                a[i, k] -= factor * a[j, k]
            a[i, j] = factor
    for k in range(size):
        a[j, k] *= unit
    a[j, j] = -unit


@loops
def _sum(a, z, known, i):
    """Σ a_ij z_j over the known features j."""
    total = 0.0
    for j in range(len(z)):
        if known[j]:
            total += a[i, j] * z[j]
    return total


@loops
def _row(z, known, a, targets, means, variances, least, usual):
    """The regressions of one row, from its swept matrix."""
    count, far = 0, 0.0  # known features, and their squared distance from the mean
    for j in range(len(z)):
        if known[j]:
            count += 1
            far -= z[j] * _sum(a, z, known, j)
    for t in range(len(targets)):
        target = targets[t]
        mean, variance = _sum(a, z, known, target), a[target, target]
        others, distance = count, far
        if known[target]:  # leave the feature itself out: −a is the precision
            variance = -1.0 / variance
            mean = z[target] + mean * variance
            others, distance = count - 1, far - (z[target] - mean) ** 2 / variance
        odd = distance / (usual * others) if others else 1.0
        means[t], variances[t] = mean, max(variance * max(odd, 1.0), least)


@loops
def _regressions(number, seat, z, known, matrix, targets, means, variances, work, least, usual):
    """ROWS_OF_TASK rows; a row with the known features of the one before keeps its matrix."""
    N, F = z.shape
    a, start = work[seat], number * ROWS_OF_TASK
    for n in range(start, min(start + ROWS_OF_TASK, N)):
        same = n > start
        for j in range(F):
            same = same and known[n, j] == known[n - 1, j]
        if not same:
            for i in range(F):
                for j in range(F):
                    a[i, j] = matrix[i, j]
            for j in range(F):
                if known[n, j]:
                    _sweep(a, j)
        _row(z[n], known[n], a, targets, means[n], variances[n], least, usual)


@kernel
def regressions(words):
    """The tasks of ``_regressions``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _regressions(number, seat, *_arguments(words))
        number = claim(words, TAKEN)
