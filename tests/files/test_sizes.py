"""Files that describe more than they hold are refused before anything of that size is made."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from command_line import chainrule

from chainrule import baselines, fileformat
from chainrule.conditionals import Bernoulli, Categorical, GaussianMixture
from chainrule.errors import FormatError
from chainrule.networks import Columns
from chainrule.training import checkpoint

MIXED = Columns.of([Bernoulli(), Categorical(4), Bernoulli()])
SMALL = {
    "BernoulliMixture": lambda: baselines.BernoulliMixture(3, 2),
    "ChainTable": lambda: baselines.ChainTable(3),
    "ChowLiuTree": lambda: baselines.ChowLiuTree(MIXED),
    "FVSBN": lambda: baselines.FVSBN(MIXED),
    "FullCovarianceMixture": lambda: baselines.FullCovarianceMixture(3, 2),
    "IndependentColumns": lambda: baselines.IndependentColumns(MIXED),
    "RBM": lambda: baselines.RBM(3, 2),
    "VAE": lambda: baselines.VAE([*MIXED.conditionals, GaussianMixture(2)], 2, hidden_sizes=[4]),
}


def set_times(config, times):
    if isinstance(config["columns"], int):
        config["columns"] = times
    else:
        config["columns"][0]["times"] = times


HUGE = {
    "10^9 columns": lambda config: set_times(config, 10**9),
    "10^17 columns": lambda config: set_times(config, 10**17),
    "hidden_size": lambda config: config.update(hidden_size=10**8),
    "latent_size": lambda config: config.update(latent_size=10**8),
    "hidden_sizes": lambda config: config.update(hidden_sizes=[10**5, 10**5]),
    "a layer": lambda config: config.update(hidden_sizes=[10**9]),
    "many layers": lambda config: config.update(hidden_sizes=[1] * 10**5),
    "parts": lambda config: config.update(parts=10**8),
    "values": lambda config: config["columns"][0].update(times=1, conditional={"kind": "Categorical", "values": 10**9}),
    "mixtures": lambda config: config["columns"][-1].update(conditional=GaussianMixture(10**8).to_json()),
}
APPLY = {
    "10^9 columns": tuple(SMALL),
    "10^17 columns": ("RBM", "VAE", "FullCovarianceMixture"),
    "hidden_size": ("RBM",),
    "latent_size": ("VAE",),
    "hidden_sizes": ("VAE",),
    "a layer": ("VAE",),
    "many layers": ("VAE",),
    "parts": ("BernoulliMixture", "FullCovarianceMixture"),
    "values": ("ChowLiuTree", "FVSBN", "IndependentColumns", "VAE"),
    "mixtures": ("VAE", "IndependentColumns"),
}
CASES = [(change, name) for change, names in APPLY.items() for name in names]

LOADED = """
import json, resource, sys
from chainrule import baselines

pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + 400_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for path in sys.argv[1:]:
    try:
        baselines.load(path)
        print(json.dumps([path, "read"]))
    except baselines.load.__globals__["FormatError"] as error:
        print(json.dumps([path, str(error)]))
"""


def edited(path, change):
    contents = fileformat.read(path, kind="baseline")
    change(contents.content["config"])
    fileformat.write(path, contents)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a process is limited by its size in /proc")
def test_a_baseline_is_not_built_larger_than_its_file(tmp_path):
    """In a process that may not grow by more than 400 MB."""
    for number, (change, name) in enumerate(CASES):
        SMALL[name]().save(tmp_path / f"{number}")
        edited(tmp_path / f"{number}", HUGE[change])
    for name, make in SMALL.items():
        make().save(tmp_path / name)
    command = [sys.executable, "-c", LOADED, *map(str, range(len(CASES))), *SMALL]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = dict(map(json.loads, done.stdout.splitlines()))
    for number, case in enumerate(CASES):
        said = told[str(number)]
        columns = f"{number}: the description has " in said
        assert columns or ("the description says (" in said and f"{number}: array '" in said), (case, said)
    for name in SMALL:
        assert told[name] == "read"


def test_the_messages_name_both_sizes(tmp_path):
    for change, name, message in (
        ("10^9 columns", "RBM", "the description has 1000000000 columns, the arrays 14 numbers in all"),
        ("hidden_size", "RBM", "array 'weight' is float32 of shape (3, 2); the description says (3, 100000000)"),
        ("many layers", "VAE", "the description has 100000 hidden layers, the file 8 arrays in all"),
        ("parts", "BernoulliMixture", "array 'part_logit' is float32 of shape (2,); the description says (100000000,)"),
    ):
        SMALL[name]().save(tmp_path / "m")
        edited(tmp_path / "m", HUGE[change])
        with pytest.raises(FormatError) as error:
            baselines.load(tmp_path / "m")
        assert str(error.value) == f"{tmp_path / 'm'}: {message}"


def test_what_was_saved_is_read_with_the_same_numbers(tmp_path):
    for name, make in SMALL.items():
        saved = make()
        saved.save(tmp_path / "m")
        read = baselines.load(tmp_path / "m")
        assert type(read).__name__ == name
        for key, tensor in saved.state_dict().items():
            assert torch.equal(read.state_dict()[key], tensor)


def test_a_tree_of_many_columns_is_read_in_no_time(tmp_path):
    """A chain of 20,000 columns, which took one look at all of them for each."""
    width = 20_000
    baselines.ChowLiuTree(width, parents=[-1, *range(width - 1)]).save(tmp_path / "m")
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
    "change", [{"hidden_size": 10**8}, {"members": 10**8}, {"members": 10**8, "orders": 10**8}, {"hidden_size": 3}]
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
