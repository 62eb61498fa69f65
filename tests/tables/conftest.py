"""One small density over a table of every kind."""

import pytest
from some_tables import mixed

import chainrule as cr


@pytest.fixture(scope="session")
def density():
    config = cr.FitConfig(hidden_sizes=(24,), components=3, epochs=15, batch_size=32)
    return cr.fit(mixed(holes=0.15), seed=0, config=config, verbose=False)
