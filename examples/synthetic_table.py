"""How well a table from another tool, here a Gaussian copula, imitates a table of orders.

Run: python examples/synthetic_table.py
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import norm

import chainrule as cr

CITIES = {"DE": ["Berlin", "Bonn"], "FR": ["Lyon", "Paris"], "IT": ["Roma", "Turin"]}
TAX = {"DE": 0.19, "FR": 0.20, "IT": 0.22}


def main() -> None:
    """Makes 4,000 orders, imitates half of them, and measures the imitation."""
    rng = np.random.default_rng(0)
    table = orders(4000, rng)
    real, holdout = table[:2000], table[2000:]
    print(cr.quality(real, copula(real, 2000, rng), holdout, verbose=False))


def orders(count: int, rng: np.random.Generator) -> pl.DataFrame:
    """Orders whose gross is net plus tax, and whose city decides the country."""
    country = rng.choice(list(CITIES), count, p=[0.5, 0.3, 0.2])
    city = [CITIES[name][k] for name, k in zip(country, rng.integers(0, 2, count), strict=True)]
    net = rng.gamma(2, 40, count).round(2)
    tax = (net * [TAX[name] for name in country]).round(2)
    day = np.datetime64("2024-01-01") + rng.integers(0, 366, count)
    return pl.DataFrame(
        {
            "day": day,
            "country": country,
            "city": city,
            "net": net,
            "tax": tax,
            "gross": (net + tax).round(2),
            "paid": rng.random(count) < np.where((country == "FR") | (net > 100), 0.6, 0.95),
        }
    )


def copula(table: pl.DataFrame, count: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draws with the columns' own distributions, and the correlations of their normal scores."""
    shuffled = table.sample(fraction=1, seed=0, shuffle=True)  # ties are broken by chance
    ranks = np.stack([column.rank("ordinal").to_numpy() for column in shuffled], axis=1)
    scores = norm.ppf(ranks / (len(table) + 1))
    drawn = rng.multivariate_normal(np.zeros(table.width), np.corrcoef(scores.T), count)
    places = (norm.cdf(drawn) * len(table)).astype(int)
    return pl.DataFrame(
        {column.name: column.sort()[places[:, k]] for k, column in enumerate(table)}
    )


if __name__ == "__main__":
    main()
