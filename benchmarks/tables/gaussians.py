"""scikit-learn's Gaussian mixture on the library's base measure.

Levels, atoms and grid values have probabilities, other numbers have densities. Within a component
the columns are independent (covariance_type="diag"). The probability of a grid value is therefore a
difference of two normal distribution functions. The codes of levels are such a grid, normalised
over all levels. An atom has its share of the column, and the mixture models the other values.
Missing cells are marginalised. The mixture is fitted to codes spread evenly over their grid cells.
Missing cells and atoms are replaced by draws from the other cells of their column.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, logsumexp
from sklearn.mixture import GaussianMixture

from benchmarks.tables.bins import Columns
from chainrule.table import Codes

PARTS = (1, 5, 10, 20, 40, 80, 160, 320)  # validation rows choose
FLOORS = (1e-4, 1e-2)  # least variance of a component, in standardised units


class Gaussians:
    """A mixture over codes."""

    def __init__(
        self, schema: Columns, codes: Codes, *, parts: int, floor: float, seed: int
    ) -> None:
        generator = np.random.default_rng(seed)
        self.columns = schema.columns
        self.atoms = [np.array(c.atom_codes(), dtype=np.float64) for c in self.columns]
        self.is_level = [c.has_levels for c in self.columns]
        self.is_on_grid = [not c.is_continuous for c in self.columns]
        values = np.where(codes.observed, codes.values, np.nan)
        self.shares, spread = [], np.empty(values.shape)
        for k, atoms in enumerate(self.atoms):
            column = values[:, k]
            known = column[~np.isnan(column)]
            is_other = ~np.isin(known, atoms)
            counts = np.array([(known == atom).sum() for atom in atoms] + [is_other.sum()]) + 0.5
            self.shares.append(np.log(counts / counts.sum()))
            rest = known[is_other]
            rest = rest if len(rest) else np.zeros(1)
            there = ~np.isnan(column) & ~np.isin(column, atoms)
            filled = np.where(there, column, generator.choice(rest, len(column)))
            spread[:, k] = filled + (generator.random(len(column)) - 0.5) * self.is_on_grid[k]
        self.center, self.scale = spread.mean(0), spread.std(0) + 1e-9
        mixture = GaussianMixture(
            parts, covariance_type="diag", reg_covar=floor, random_state=seed, max_iter=200
        )
        mixture.fit((spread - self.center) / self.scale)
        weights, means, variances = (
            np.asarray(p) for p in (mixture.weights_, mixture.means_, mixture.covariances_)
        )
        self.weights = np.log(weights)
        self.means = means * self.scale + self.center  # (parts, D)
        self.deviations = np.sqrt(variances) * self.scale

    def log_prob(self, codes: Codes) -> np.ndarray:
        """log p of the known cells of each row, (N,), in nats of codes."""
        nats, parts = np.zeros(len(codes)), np.tile(self.weights, (len(codes), 1))
        for k, atoms in enumerate(self.atoms):
            column, known = codes.values[:, k], codes.observed[:, k]
            rest = known & ~np.isin(column, atoms)
            nats[rest] += self.shares[k][-1]
            for number, atom in enumerate(atoms):
                nats[known & (column == atom)] += self.shares[k][number]
            parts[rest] += self._logs(column[rest], k)
        return nats + logsumexp(parts, axis=1)

    def _logs(self, x: np.ndarray, k: int) -> np.ndarray:
        """log p (n, components) of codes in each component."""
        mean, deviation = self.means[:, k], self.deviations[:, k]
        if not self.is_on_grid[k]:
            z = (x[:, None] - mean) / deviation
            return -0.5 * z**2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)
        logs = _log_grid_cell(x[:, None], mean, deviation)
        if not self.is_level[k]:  # atoms have no mass of the components
            at_atoms = np.exp(_log_grid_cell(self.atoms[k][:, None], mean, deviation)).sum(0)
            return logs - np.log1p(-np.minimum(at_atoms, 1 - 1e-9))
        column = self.columns[k]
        levels, shared = column.points(0), column.log_multiplicity(x)[:, None]
        return logs - logsumexp(_log_grid_cell(levels[:, None], mean, deviation), axis=0) - shared


def best_gaussians(
    schema: Columns, train: Codes, valid: Codes, *, seed: int
) -> tuple[Gaussians, dict[str, float]]:
    """The mixture with the best number of components and floor, and its choices."""
    found = []
    for parts in PARTS:
        for floor in FLOORS:
            if parts < len(train):
                mixture = Gaussians(schema, train, parts=parts, floor=floor, seed=seed)
                found.append(
                    (
                        float(mixture.log_prob(valid).mean()),
                        mixture,
                        {"parts": parts, "floor": floor},
                    )
                )
    best = max(found, key=lambda each: each[0])
    return best[1], best[2]


def _log_grid_cell(x: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """log of a normal distribution's mass between x − 1/2 and x + 1/2."""
    low, high = (x - 0.5 - mean) / deviation, (x + 0.5 - mean) / deviation
    flipped = low > 0  # the upper tail is computed as the lower one
    low, high = np.where(flipped, -high, low), np.where(flipped, -low, high)
    above, below = log_ndtr(high), log_ndtr(low)
    return above + np.log1p(-np.exp(np.minimum(below - above, -1e-300)))
