import os
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from registry import NETWORKS

# The models here are small: one thread is as fast as two, and a busy machine does not stall it.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(params=NETWORKS, ids=lambda name: name.replace(" ", "-"))
def network_name(request):
    return request.param


@pytest.fixture
def network(network_name):
    return NETWORKS[network_name]()


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(20)
