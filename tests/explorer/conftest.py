"""The density that the tests of the page share."""

import pytest
from helpers.towns import towns

import chainrule as cr


@pytest.fixture(scope="package")
def fitted():
    config = cr.FitConfig(hidden_size=16, epochs=60)
    return cr.fit(towns(), seed=0, config=config, missing="informative", verbose=False)
