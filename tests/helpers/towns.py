"""A small table of a town, a weight, a day and a bit, whose names are unkind to pages."""

import numpy as np
import pandas as pd

EVIL = "<b>'town'</b>"
LEVELS = ["Ulm", 'Bonn "Rhein"', "<i>Kiel</i>"]


def towns(rows=240, seed=0):
    rng = np.random.default_rng(seed)
    town = rng.choice(LEVELS, rows, p=[0.5, 0.3, 0.2])
    weight = np.where(town == "Ulm", 50, 80) + rng.normal(0, 3, rows).round(1)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, rows), "D")
    married = rng.integers(0, 2, rows)
    frame = pd.DataFrame({EVIL: town, "weight": weight, "day": day, "married": married})
    frame.loc[4, "weight"] = np.nan
    return frame
