"""Fits on several processes of torchrun: `make test-engines` runs them."""

import os

import polars as pl
import pytest
from helpers.launched import KILL, RAISE, alone, at_step, launched
from helpers.some_tables import people

import chainrule as cr

pytestmark = pytest.mark.skipif(
    "CHAINRULE_ENGINES" not in os.environ, reason="make test-engines trains on several processes"
)
# An epoch of 270 rows has 9 steps.
ROWS = ("fit", "people.csv", "--quiet", "--seed", 0, "--members", 1, "--batch-size", 32)
ROWS = (*ROWS, "--hidden-size", 16, "--epochs", 7)
MEMBERS = ("fit", "complete.csv", "--quiet", "--seed", 0, "--network", "committee", "--members", 3)
MEMBERS = (*MEMBERS, "--hidden-size", 16, "--epochs", 3, "--orders", 1, "--batch-size", 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fits")
    table = people(300, seed=0)
    table.to_csv(folder / "people.csv", index=False)
    table.dropna().to_csv(folder / "complete.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def by_rows(folder):
    """The bytes of an uninterrupted fit on two ranks."""
    require_fit(launched(*ROWS, "-o", "rows", cwd=folder))
    return (folder / "rows").read_bytes()


def require_fit(done):
    assert done == (0, "", "")


def test_two_ranks_repeat_to_the_byte_and_agree_with_one(folder, by_rows):
    require_fit(launched(*ROWS, "-o", "again", cwd=folder))
    assert (folder / "again").read_bytes() == by_rows
    alone(*ROWS, "-o", "alone", cwd=folder)
    two, one = (cr.load(folder / name).training for name in ("rows", "alone"))
    assert len(two["history"]) * 9 >= 60
    for there, here in zip(two["history"], one["history"], strict=True):
        assert there["valid_nats"] == pytest.approx(here["valid_nats"], abs=1e-6)
    assert two["valid_nats"] == pytest.approx(one["valid_nats"], abs=1e-6)
    assert two["processes"] == 2
    assert "processes" not in one


def test_members_and_trials_over_ranks_have_the_bytes_of_one_process(folder):
    """Two ranks train a trial together; of four, two teams try two plans at once."""
    alone(*MEMBERS, "-o", "alone", cwd=folder)
    for ranks in (2, 4):
        require_fit(launched(*MEMBERS, "-o", "members", cwd=folder, ranks=ranks))
        assert (folder / "members").read_bytes() == (folder / "alone").read_bytes()
    assert len(cr.load(folder / "members").training["trials"]) > 3


@pytest.mark.parametrize(("step", "rank"), [(11, 1), (40, 0), (62, 1)])
def test_a_killed_fit_resumes_to_the_same_bytes(folder, by_rows, step, rank):
    program = at_step(step, rank, KILL)
    code, _, _ = launched(*ROWS, "-o", "killed", cwd=folder, program=program)
    assert code != 0
    assert not (folder / "killed").exists()
    assert (folder / "killed.checkpoint").exists()
    require_fit(launched(*ROWS, "-o", "killed", "--resume", cwd=folder))
    assert (folder / "killed").read_bytes() == by_rows
    (folder / "killed").unlink()


def test_a_rank_without_rows_takes_part(folder):
    pl.read_csv(folder / "people.csv").head(40).write_csv(folder / "few.csv")
    words = ("fit", "few.csv", "--quiet", "--seed", 0, "--members", 1, "--epochs", 2)
    words = (*words, "--batch-size", 5, "--hidden-size", 8)
    require_fit(launched(*words, "-o", "few", cwd=folder, ranks=3))  # a last batch of one row
    alone(*words, "-o", "few.alone", cwd=folder)
    three, one = (cr.load(folder / name).training for name in ("few", "few.alone"))
    assert three["valid_nats"] == pytest.approx(one["valid_nats"], abs=1e-5)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_fails_takes_the_others_down_with_its_message(folder, rank):
    program = at_step(5, rank, RAISE)
    code, printed, told = launched(*ROWS, "-o", "failed", cwd=folder, program=program)
    assert code != 0
    assert printed == ""
    assert set(told.splitlines()) == {
        f"chainrule: process {rank} of 2: the disk of this rank is wet"
    }
    assert not (folder / "failed").exists()


def test_a_misuse_is_said_once_and_rank_0_alone_prints(folder):
    code, printed, told = launched("fit", "nowhere.csv", "-o", "m", cwd=folder)
    assert (code, printed) == (1, "")
    assert told == "chainrule: nowhere.csv: no such file"
    words = [word for word in ROWS if word != "--quiet"]
    code, printed, told = launched(*words, "-o", "said", "--json", cwd=folder)
    assert code == 0
    assert printed.count('"valid_nats"') > 1
    assert told.count("said: 7 epochs") == 1


def test_other_calls_are_refused_and_a_call_in_a_program_gives_all_ranks_the_density(folder):
    program = """
import os, sys
import numpy as np
import chainrule as cr
rows = np.random.default_rng(0).integers(0, 2, (100, 4))
config = cr.FitConfig(hidden_size=8, epochs=2, members=1)
rank = int(os.environ["RANK"])
density = cr.fit(rows, config=config, seed=0)
np.save(f"{rank}.npy", density.log_prob(rows))
try:
    cr.fit(rows, config=config, seed=rank)
except cr.ChainruleError as error:
    open(f"{rank}.txt", "w").write(str(error))
"""
    code, _, _ = launched(cwd=folder, program=program)
    assert code == 0
    assert (folder / "0.npy").read_bytes() == (folder / "1.npy").read_bytes()
    for rank in (0, 1):
        assert (folder / f"{rank}.txt").read_text() == (
            "process 1 of 2 asks for another fit than process 0: all processes of a launcher make "
            "the same call; unset WORLD_SIZE for fits of their own"
        )
