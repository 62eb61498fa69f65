"""A table of numbers and labels: its schema, oddest cells, imputed missing cells and new rows.

Run: python examples/mixed_table.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_wine

import chainrule as cr


def main() -> None:
    """Fits 178 wines, finds a planted error, imputes missing cells and samples new rows."""
    bunch: Any = load_wine(as_frame=True)
    wines = bunch.data.round(2)[
        ["alcohol", "malic_acid", "magnesium", "flavanoids", "color_intensity", "proline"]
    ]
    wines["cultivar"] = bunch.target_names[bunch.target]
    density = cr.fit(wines, effort="quick", seed=0, verbose=False)
    print(density.schema)
    print(density)

    wrong = wines.sample(60, random_state=0)
    place = wrong.index[7]
    wrong.loc[place, "flavanoids"] *= 10
    print(f"\nwine {place}, tenfold flavanoids; the oddest cells:")
    print(density.oddest(wrong.loc[[place]], top=3).round({"bits": 1}).to_string(index=False))

    rng = np.random.default_rng(0)
    holes = wines.mask(rng.random(wines.shape) < 0.2)
    filled = density.impute(holes, how="best")
    hidden = holes["cultivar"].isna()
    right = (filled["cultivar"] == wines["cultivar"])[hidden].mean()
    most = (wines["cultivar"].mode()[0] == wines["cultivar"])[hidden].mean()
    print(
        f"\n{hidden.sum()} hidden cultivars: {right:.0%} filled right, {most:.0%} by the most "
        "frequent"
    )
    print(density.sample(3, given={"cultivar": "class_0"}, seed=0).to_string(index=False))


if __name__ == "__main__":
    main()
