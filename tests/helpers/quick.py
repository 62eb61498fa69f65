"""Fits that take a second, for tests that do not need a good fit."""

import numpy as np

import chainrule as cr

N = 120
QUICK = cr.FitConfig(hidden_size=8, epochs=2)


def fit(table, **options):
    return cr.fit(table, **{"seed": 0, "verbose": False, "config": QUICK, **options})


def normal():
    return np.random.default_rng(0).normal(size=N)
