"""A density, and a frame with holes, a key and a column that the model does not know."""

import numpy as np
import pytest
from helpers import some_tables
from helpers.untrained import untrained

ROWS = 120


@pytest.fixture(scope="session")
def density():
    return untrained(some_tables.people(ROWS))


@pytest.fixture(scope="session")
def frame():
    people = some_tables.people(ROWS, seed=1)
    rng = np.random.default_rng(0)
    for name in ("income", "height", "town"):
        people.loc[rng.random(ROWS) < 0.3, name] = None
    people.loc[:40, "town"] = None  # a partition without a known town
    people.insert(0, "id", [f"person {k}" for k in range(ROWS)])
    return people.assign(note="?").set_index(np.arange(ROWS) * 10)
