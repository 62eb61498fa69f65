"""A forked child can ask and fit; what cannot work there raises an error at once.

Nothing waits for threads that are gone.
"""

import json
import os
import subprocess
import sys

import pytest

CHILDREN = """
import json, os, signal, sys, warnings
import numpy as np, pandas as pd, polars as pl, torch
import chainrule as cr
from chainrule.networks import MADE, NADE

torch.set_num_threads(2)
rng = np.random.default_rng(0)
frame = pd.DataFrame({
    "a": rng.integers(0, 2, 400),
    "b": rng.normal(size=400),
    "c": rng.choice(["u", "v"], 400),
})
frame.to_csv("t.csv", index=False)
bits = torch.from_numpy(rng.integers(0, 2, (800, 64))).float()
config = cr.FitConfig(hidden_size=32, epochs=1, members=1)
density = cr.fit("t.csv", seed=0, verbose=False, config=config)
nets = [NADE(64, hidden_size=200), MADE(64, hidden_sizes=[200])]
wanted = density.log_prob(frame)
density.log_prob("t.csv")
holes = frame.mask(rng.random(frame.shape) < 0.1)
times = pd.date_range("2024-01-01", periods=90, tz="UTC")
zoned = pl.DataFrame({"when": times, "a": frame["a"][:90]})
loss = nets[0].training_loss(bits).mean()
loss.backward()
for net in nets:
    net.log_prob(bits)
many = torch.randn(500, 500)
(many @ many).exp().sum()

def train():
    nets[0].training_loss(bits).mean().backward()
    return bool(torch.isfinite(nets[0].input_weight.grad).all())

QUESTIONS = {
    "log_prob": lambda: bool(np.array_equal(density.log_prob(frame), wanted)),
    "log_prob of polars": lambda: bool(
        np.array_equal(density.log_prob(pl.DataFrame(dict(frame))), wanted)
    ),
    "sample": lambda: len(density.sample(500, seed=0)),
    "impute": lambda: int(density.impute(holes, seed=0).isna().sum().sum()),
    "explain": lambda: density.explain(frame[:5]).shape[1],
    "fit": lambda: len(cr.fit(frame, seed=0, verbose=False, config=config).log_prob(frame)),
    "likelihood": lambda: len(
        cr.fit(bits.numpy(), seed=0, verbose=False, config=config, network="nade")
        .training["history"]
    ),
    "networks": lambda: [
        float(net.log_prob(bits).sum()) == float(net.log_prob(bits).sum()) for net in nets
    ],
    "draws": lambda: [len(net.sample(100)) for net in nets],
    "gradients": train,
    "torch": lambda: bool(torch.isfinite((many @ many).sum())),
    "a fork in a fork": lambda: child("log_prob"),
    "csv": lambda: len(density.log_prob("t.csv")),
    "write": lambda: str(density.sample(5, to="out.parquet")),
    "zones": lambda: len(
        cr.fit(zoned, kinds={"when": "datetime"}, config=config, verbose=False).schema.columns
    ),
}

def child(name):
    out, into = os.pipe()
    number = os.fork()
    if number == 0:
        signal.alarm(40)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = QUESTIONS[name]()
        except cr.errors.ChainruleError as error:
            answer = str(error)
        os.write(into, json.dumps(answer).encode())
        os._exit(0)
    os.close(into)
    with open(out, "rb") as pipe:
        data = pipe.read()
    status = os.waitpid(number, 0)[1]
    return json.loads(data) if status == 0 and data else f"ended by {status}"

for name in QUESTIONS:
    if name == "zones" and "log_prob" in sys.argv:
        continue
    print(json.dumps([name, child(name)]), flush=True)
"""
GONE = (
    "polars, which reads and writes CSV and Parquet and knows time zones, had worked before this "
    "process was forked, and cannot work here: start processes by multiprocessing's 'spawn' or "
    "'forkserver', or pass and ask for frames or arrays"
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system that does not fork")
def test_a_child_works_or_says_what_cannot(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-W", "ignore", "-c", CHILDREN]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    answers = dict(map(json.loads, done.stdout.splitlines()))
    assert answers == {
        "log_prob": True,
        "log_prob of polars": True,
        "sample": 500,
        "impute": 0,
        "explain": 3,
        "fit": 400,
        "likelihood": 1,
        "networks": [True, True],
        "draws": [100, 100],
        "gradients": True,
        "torch": True,
        "a fork in a fork": True,
        "csv": GONE,
        "write": GONE,
        "zones": GONE,
    }


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="threads are distinguished by /proc"
)
def test_a_child_reads_files_where_polars_had_not_worked_before(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,0\n0,1\n" * 20)
    code = (
        "import os, signal, sys\n"
        "from chainrule.table import read_table\n"
        "import polars\n"
        "if (number := os.fork()) == 0:\n"
        "    signal.alarm(40)\n"
        "    os._exit(len(read_table('t.csv')))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "40\n"), done.stderr
