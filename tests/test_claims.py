"""One process at a time has the claim of a file, and it ends with that process."""

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule as cr
from chainrule.claims import Claim
from chainrule.errors import ChainruleError

HOLDER = """
import sys
from chainrule.claims import Claim
claim = Claim(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""
RACER = """
import os
import sys
from chainrule.claims import Claim
from chainrule.errors import ChainruleError
print("ready", flush=True)
sys.stdin.readline()
had = 0
while had < 20:
    try:
        claim = Claim(sys.argv[1])
    except ChainruleError:
        continue
    with open(sys.argv[1], "x") as file:
        file.write("mine")
    os.unlink(sys.argv[1])
    claim.release()
    had += 1
"""
ROWS = np.random.default_rng(0).integers(0, 2, (60, 3))
SMALL = cr.FitConfig(hidden_size=4, epochs=2, members=1)


def child(code, path):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], **pipes, text=True)
    assert process.stdout.readline() in ("held\n", "ready\n")
    return process


def test_a_claim_ends_with_its_process_however_that_dies(tmp_path):
    path = tmp_path / "m"
    holder = child(HOLDER, path)
    told = rf"{re.escape(str(path))}: process {holder.pid} on \S+, since [-0-9: ]+, writes this"
    with pytest.raises(ChainruleError, match=told):
        Claim(path)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    claim = Claim(path)
    with pytest.raises(ChainruleError, match=f"process {os.getpid()} on"):
        Claim(path)
    claim.release()
    claim.release()
    assert not list(tmp_path.iterdir())


def test_of_processes_that_claim_at_once_one_has_it(tmp_path):
    """Each makes the file with a mode that fails if it is there already."""
    racers = [child(RACER, tmp_path / "m") for _ in range(3)]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda racer: racer.communicate(), racers))
    assert found == [("", "")] * 3
    assert not list(tmp_path.iterdir())


def test_a_fit_refuses_a_checkpoint_that_another_writes_and_gives_up_its_own(tmp_path):
    path = tmp_path / "c"
    claim = Claim(path)
    with pytest.raises(ChainruleError, match=r"/c: process \d+ on"):
        cr.fit(ROWS, config=SMALL, seed=0, verbose=False, checkpoint=path)
    claim.release()
    with pytest.raises(cr.ChainruleError, match="no rows"):
        cr.fit(ROWS[:0], config=SMALL, seed=0, verbose=False, checkpoint=path)
    cr.fit(ROWS, config=SMALL, seed=0, verbose=False, checkpoint=path)
    assert not list(tmp_path.iterdir())
