"""Files that describe more than they hold are refused before anything of that size is made."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers.command_line import chainrule

from chainrule import baselines, fileformat
from chainrule.baselines.files import BASELINES
from chainrule.conditionals import Bernoulli, Categorical, GaussianMixture
from chainrule.errors import FormatError
from chainrule.networks import MADE, NADE, Columns, Committee, Ensemble, OrderlessNADE
from chainrule.networks.ensemble import NETWORKS
from chainrule.networks.rebuild import network_from_json, network_to_json
from chainrule.training import checkpoint

MIXED = Columns.of([Bernoulli(), Categorical(4), Bernoulli()])
NUMBERS = Columns.of([*MIXED.conditionals, GaussianMixture(2)])
SMALL = {
    "NADE": lambda: NADE(NUMBERS, 3, order=[2, 0, 3, 1]),
    "MADE": lambda: MADE(NUMBERS, [4, 3], order=[2, 0, 3, 1]),
    "OrderlessNADE": lambda: OrderlessNADE(NUMBERS, [4, 3], members=2),
    "Committee": lambda: Committee([NADE(NUMBERS, 3), MADE(NUMBERS, [4, 3])]),
    "Ensemble": lambda: Ensemble(
        [
            Committee([MADE(NUMBERS, [4])]),
            (net := OrderlessNADE(NUMBERS, [4])),
            net.with_order("reverse"),
        ]
    ),
    "BernoulliMixture": lambda: baselines.BernoulliMixture(3, 2),
    "ChainTable": lambda: baselines.ChainTable(3),
    "ChowLiuTree": lambda: baselines.ChowLiuTree(MIXED),
    "FVSBN": lambda: baselines.FVSBN(MIXED),
    "FullCovarianceMixture": lambda: baselines.FullCovarianceMixture(3, 2),
    "IndependentColumns": lambda: baselines.IndependentColumns(MIXED),
    "RBM": lambda: baselines.RBM(3, 2),
    "VAE": lambda: baselines.VAE(NUMBERS, 2, hidden_sizes=[4]),
}


HUGE = {
    "10^9 columns": lambda spec: spec["columns"][0].update(times=10**9),
    "10^17 columns": lambda spec: spec["columns"][0].update(times=10**17),
    "hidden_size": lambda spec: spec["config"].update(hidden_size=10**8),
    "latent_size": lambda spec: spec["config"].update(latent_size=10**8),
    "hidden_sizes": lambda spec: spec["config"].update(hidden_sizes=[10**5, 10**5]),
    "a layer": lambda spec: spec["config"].update(hidden_sizes=[10**9]),
    "many layers": lambda spec: spec["config"].update(hidden_sizes=[1] * 10**5),
    "components": lambda spec: spec["config"].update(components=10**8),
    "values": lambda spec: spec["columns"][0].update(
        times=1, conditional={"kind": "Categorical", "values": 10**9}
    ),
    "mixtures": lambda spec: spec["columns"][-1].update(
        conditional=GaussianMixture(10**8).to_json()
    ),
    "a member's layer": lambda spec: members_of(spec)[-1]["config"].update(hidden_sizes=[10**9]),
    "a member's layers": lambda spec: members_of(spec)[-1]["config"].update(
        hidden_sizes=[1] * 10**5
    ),
    "many members": lambda spec: members_of(spec).extend(members_of(spec)[:1] * 10**4),
    "members": lambda spec: spec["config"].update(members=10**9),
}
APPLY = {
    "10^9 columns": tuple(SMALL),
    "10^17 columns": ("RBM", "VAE", "FullCovarianceMixture"),
    "hidden_size": ("RBM", "NADE"),
    "latent_size": ("VAE",),
    "hidden_sizes": ("VAE", "MADE", "OrderlessNADE"),
    "a layer": ("VAE", "MADE", "OrderlessNADE"),
    "many layers": ("VAE", "MADE", "OrderlessNADE"),
    "components": ("BernoulliMixture", "FullCovarianceMixture"),
    "values": (
        "ChowLiuTree",
        "FVSBN",
        "IndependentColumns",
        "VAE",
        "NADE",
        "MADE",
        "OrderlessNADE",
        "Committee",
        "Ensemble",
    ),
    "mixtures": (
        "VAE",
        "IndependentColumns",
        "NADE",
        "MADE",
        "OrderlessNADE",
        "Committee",
        "Ensemble",
    ),
    "a member's layer": ("Committee", "Ensemble"),
    "a member's layers": ("Committee", "Ensemble"),
    "many members": ("Committee", "Ensemble"),
    "members": ("OrderlessNADE",),
}
CASES = [(change, name) for change, names in APPLY.items() for name in names]

LOADED = """
import json, resource, sys
from chainrule import baselines, fileformat
from chainrule.errors import FormatError
from chainrule.networks.ensemble import NETWORKS
from chainrule.networks.rebuild import network_from_json

pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + 400_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for path in sys.argv[1:]:
    try:
        contents = fileformat.read(path, kind="baseline")
        if contents.content["class"] in NETWORKS:
            network_from_json(contents.content, contents.arrays, NETWORKS)
        else:
            baselines.load(path)
        print(json.dumps([path, "read"]))
    except FormatError as error:
        print(json.dumps([path, str(error).removeprefix(f"{path}: ")]))
"""


def save(network, path):
    """Any network as a baseline's file holds it."""
    arrays = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    fileformat.write(path, fileformat.Contents("baseline", network_to_json(network), arrays))


def members_of(spec):
    """The innermost members of a network made of others."""
    members = spec["config"]["members"]
    return members_of(members[0]) if "members" in members[0]["config"] else members


def edited(path, change):
    contents = fileformat.read(path, kind="baseline")
    change(contents.content)
    fileformat.write(path, contents)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a process is limited by its size in /proc"
)
def test_a_network_is_not_built_larger_than_its_file(tmp_path):
    """In a process that may not grow by more than 400 MB."""
    for number, (change, name) in enumerate(CASES):
        save(SMALL[name](), tmp_path / f"{number}")
        edited(tmp_path / f"{number}", HUGE[change])
    for name, make in SMALL.items():
        save(make(), tmp_path / name)
    command = [sys.executable, "-c", LOADED, *map(str, range(len(CASES))), *SMALL]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = dict(map(json.loads, done.stdout.splitlines()))
    for number, case in enumerate(CASES):
        said = told[str(number)]
        array = said.startswith("array '") and "the description says (" in said
        assert array or said.startswith("the description has "), (case, said)
    for name in SMALL:
        assert told[name] == "read"


def test_the_messages_name_both_sizes(tmp_path):
    for change, name, message in (
        (
            "10^9 columns",
            "RBM",
            "the description has 1000000000 columns, the arrays 14 numbers in all",
        ),
        (
            "hidden_size",
            "RBM",
            "array 'weight' is float32 of shape (3, 2); the description says (3, 100000000)",
        ),
        (
            "many layers",
            "VAE",
            "the description has 100000 hidden layers, the file 8 arrays in all",
        ),
        (
            "components",
            "BernoulliMixture",
            "array 'component_logit' is float32 of shape (2,); the description says (100000000,)",
        ),
    ):
        save(SMALL[name](), tmp_path / "m")
        edited(tmp_path / "m", HUGE[change])
        with pytest.raises(FormatError) as error:
            baselines.load(tmp_path / "m")
        assert str(error.value) == f"{tmp_path / 'm'}: {message}"


def test_what_was_saved_is_read_with_the_same_numbers(tmp_path):
    for name, make in SMALL.items():
        for saved in (make(), make().double()):
            save(saved, tmp_path / "m")
            contents = fileformat.read(tmp_path / "m", kind="baseline")
            read = network_from_json(contents.content, contents.arrays, {**NETWORKS, **BASELINES})
            assert type(read).__name__ == name
            for key, tensor in (*saved.state_dict().items(), *saved.named_buffers()):
                found = dict([*read.state_dict().items(), *read.named_buffers()])[key]
                assert torch.equal(found, tensor), (name, key)
                assert found.dtype == tensor.dtype
            assert len(list(read.parameters())) == len(
                list(saved.parameters())
            )  # what was shared is shared
            assert network_to_json(read) == network_to_json(saved)


def test_a_tree_of_many_columns_is_read_in_no_time(tmp_path):
    """A chain of 20,000 columns, which took one look at all of them for each."""
    width = 20_000
    baselines.save(baselines.ChowLiuTree(width, parents=[-1, *range(width - 1)]), tmp_path / "m")
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        read = baselines.load(tmp_path / "m")
    finally:
        sys.setprofile(None)
    assert read.order.tolist() == list(range(width))
    assert calls < 100 * width


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 10**8},
        {"members": 10**8},
        {"members": 10**8, "orders": 10**8},
        {"hidden_size": 3},
    ],
)
def test_a_checkpoint_is_not_continued_by_a_larger_network(tmp_path, change, monkeypatch):
    np.savetxt(tmp_path / "rows.csv", np.random.default_rng(0).integers(0, 2, (60, 4)), "%d", ",")
    words = (
        "fit",
        "rows.csv",
        "-o",
        "m",
        "--network",
        "committee",
        "--effort",
        "quick",
        "--epochs",
        1,
        "--seed",
        1,
        "--quiet",
    )
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "remove", lambda self: self.close())
        assert chainrule(*words, cwd=tmp_path)[0] == 0
    contents = fileformat.read(tmp_path / "m.checkpoint", kind="checkpoint")
    contents.content["config"].update(change)
    fileformat.write(tmp_path / "m.checkpoint", contents)
    code, _, errors = chainrule(*words, "--resume", cwd=tmp_path)
    assert code == 2
    assert errors.startswith("chainrule: m.checkpoint: ")
    assert "the configuration says " in errors
