"""Tables with columns of every kind and missing cells, for tests."""

import datetime

import numpy as np
import pandas as pd

import chainrule as cr


def mixed(n=400, seed=0, holes=0.0):
    """A table of dependent columns.

    They are a bit, a label, an integer with many zeros, a real number, a rounded one and an hour.
    """
    rng = np.random.default_rng(seed)
    sex = rng.random(n) < 0.4
    town = np.where(rng.random(n) < 0.7, np.where(sex, "north", "south"), "west").astype(object)
    gain = np.where(rng.random(n) < 0.6, 0, rng.poisson(40, n) + 20 * sex)
    height = 170 + 8 * sex + rng.normal(0, 5, n)
    price = np.round(2 + sex + rng.exponential(1.5, n), 1)
    start = datetime.datetime(2024, 1, 1)
    hour = [start + datetime.timedelta(hours=int(h)) for h in rng.integers(0, 24 * 40, n)]
    frame = pd.DataFrame(
        {"sex": sex, "town": town, "gain": gain, "height": height, "price": price, "hour": hour}
    )
    if holes:
        frame = frame.mask(rng.random(frame.shape) < holes)
    return frame


def people(n=400, seed=0):
    """A table in which older people earn more, and taller ones live in the north."""
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 70, n)
    height = rng.normal(170, 9, n)
    town = np.where(height + rng.normal(0, 9, n) > 172, "north", "south")
    return pd.DataFrame(
        {
            "age": age,
            "income": np.exp(9 + 0.02 * age + rng.normal(0, 0.25, n)).round(2),
            "height": np.where(rng.random(n) < 0.02, np.nan, height),
            "town": np.where(rng.random(n) < 0.2, "west", town),
            "smoker": rng.random(n) < 0.3,
        }
    )


def three_bits(n=300, seed=0):
    """Three columns, b copies a nine times in ten, c is mostly true."""
    rng = np.random.default_rng(seed)
    a = rng.random(n) < 0.4
    return pd.DataFrame(
        {
            "a": a,
            "b": np.where(rng.random(n) < 0.9, a, ~a).astype(np.int8),
            "c": rng.random(n) < 0.8,
        }
    )


def density_of_bits():
    """A NADE of ``three_bits``."""
    config = cr.FitConfig(hidden_size=50, epochs=60)
    return cr.fit(three_bits(1000), network="nade", seed=0, config=config, verbose=False)
