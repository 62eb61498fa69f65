import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from registry import NETWORKS

torch.set_num_threads(2)


@pytest.fixture(params=NETWORKS, ids=lambda name: name.replace(" ", "-"))
def network_name(request):
    return request.param


@pytest.fixture
def network(network_name):
    return NETWORKS[network_name]()


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(20)
