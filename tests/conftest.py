"""Settings of all tests: one thread, fixed seeds, and no limits of time for examples or logs."""

import os
import random
from types import SimpleNamespace

# The models here are small: one thread is as fast as two, and a busy machine does not stall it.
# Libraries read these variables once, when they are loaded. Each library has its own threads. A
# waiting thread must not spin.
os.environ |= {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
}

import numpy as np
import pytest
import torch
from helpers.registry import NETWORKS
from helpers.some_tables import mixed, people
from hypothesis import HealthCheck, settings

import chainrule as cr
from chainrule import progress, rng

torch.set_num_threads(1)

# What a person has set in their shell changes no result.
for name in (
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "CHAINRULE_BACKEND",
    "NUMBA_DISABLE_JIT",
):
    os.environ.pop(name, None)
os.environ["no_proxy"] = "127.0.0.1"  # servers of tests are on this machine

# The same examples in every run, and no law about how long one takes.
unhurried = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile(
    "chainrule", derandomize=True, deadline=None, database=None, suppress_health_check=unhurried
)
settings.load_profile("chainrule")


# The log reports progress every half minute. Tests take that long only on a slow machine.
progress.LOG_EVERY_S = float("inf")

entropy = random.Random()
# Like the system's entropy, another number at each call.
rng.secrets = SimpleNamespace(randbits=entropy.getrandbits)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Seeds global generators and entropy, so that no test depends on those before it."""
    entropy.seed(0)
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(params=NETWORKS, ids=lambda name: name.replace(" ", "-"))
def network_name(request):
    return request.param


@pytest.fixture
def network(network_name):
    return NETWORKS[network_name]()


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(20)


@pytest.fixture(scope="session")
def density():
    """One small density over a table of every kind."""
    config = cr.FitConfig(hidden_sizes=(24,), components=3, epochs=15, batch_size=32)
    return cr.fit(mixed(holes=0.15), seed=0, config=config, verbose=False)


@pytest.fixture(scope="session")
def density_of_people():
    """A small density that held out 700 rows."""
    config = cr.FitConfig(hidden_sizes=(32,), components=3, epochs=25, batch_size=64)
    return cr.fit(people(2000), people(700, seed=1), seed=0, config=config, verbose=False)
