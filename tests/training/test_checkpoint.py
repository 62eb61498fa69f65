"""Training that is killed, at any moment, resumes to the same weights, bit for bit."""

import hashlib
import random
import shutil
import signal

import pytest
from helpers.command_line import chainrule, typed
from helpers.struck import struck

from chainrule import fileformat

FIT = ("fit", "digits", "--hidden-size", 40, "--members", 1, "--epochs", 12, "--seed", 7)
EPOCH = 60_000  # about as many calls and returns of functions as an epoch of these takes


def arrays_of(path):
    contents = fileformat.read(path, kind="model")
    digests = {
        name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in contents.arrays.items()
    }
    return digests, contents.content["training"]


def fitted(*words, cwd):
    """Runs the program; what it does not say where it is to be quiet."""
    code, out, errors = chainrule(*words, "--quiet", cwd=cwd)
    assert (code, out, errors) == (0, "", "")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    fitted(*FIT, "-o", "m.chainrule", cwd=folder)
    return arrays_of(folder / "m.chainrule")


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A folder with the checkpoint of a run that met Ctrl-C, its exit code, and what it said."""
    folder = tmp_path_factory.mktemp("interrupted")
    words = (*FIT, "-o", "m.chainrule")
    return folder, *struck(
        *words, cwd=folder, signal=signal.SIGINT, watched="m.chainrule.checkpoint"
    )


@pytest.fixture
def folder(interrupted, tmp_path):
    """A copy of that folder."""
    shutil.copytree(interrupted[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_killed_again_and_again_it_ends_in_the_same_bits(tmp_path, unbroken):
    """Kills with SIGKILL, at random moments of an epoch and in the middle of writing, until a run
    is allowed to end.
    """
    path, checkpoint = tmp_path / "m.chainrule", tmp_path / "m.chainrule.checkpoint"
    moments, reached = random.Random(1), []
    half_written = "*m.chainrule.checkpoint*"  # or its neighbour, to which it is written first
    for watched in (checkpoint.name, half_written, checkpoint.name):
        calls = 0 if watched is half_written else moments.randrange(2 * EPOCH)
        words = (*FIT, "-o", "m.chainrule", "--quiet", "--resume")
        code, errors = struck(
            *words, cwd=tmp_path, signal=signal.SIGKILL, watched=watched, calls=calls
        )
        assert code == -signal.SIGKILL, errors
        assert not path.exists(), "a model file must not appear before training is done"
        reached.append(fileformat.read(checkpoint, kind="checkpoint").content["epoch"])
        if watched is half_written:
            assert len(list(tmp_path.iterdir())) == 2, "it was killed while it wrote"
    assert reached == sorted(reached)
    assert reached[-1] > reached[0]
    fitted(*FIT, "-o", "m.chainrule", "--resume", cwd=tmp_path)
    assert arrays_of(path) == unbroken
    assert [p.name for p in tmp_path.iterdir()] == ["m.chainrule"]


def test_the_seed_of_a_checkpoint_serves_when_none_is_given(folder, unbroken):
    fitted(*FIT[:-2], "-o", "m.chainrule", "--resume", cwd=folder)
    assert arrays_of(folder / "m.chainrule") == unbroken


def test_ctrl_c_says_how_to_go_on_and_nothing_is_lost(interrupted, folder):
    _, code, errors = interrupted
    assert code == 130
    assert errors == (
        "64 binary columns\nchainrule: interrupted; repeat the command with --resume to continue\n"
    )
    assert [p.name for p in folder.iterdir()] == ["m.chainrule.checkpoint"]
    code, _, errors = chainrule(*FIT, "-o", "m.chainrule", cwd=folder)
    assert code == 2
    assert errors == (
        "chainrule: m.chainrule.checkpoint holds an interrupted run; pass --resume to continue "
        "it, or delete it to start over\n"
    )
    code, _, errors = chainrule(
        *FIT, "-o", "m.chainrule", "--resume", "--batch-size", 50, cwd=folder
    )
    assert code == 2
    assert errors.removeprefix("64 binary columns\n") == (
        "chainrule: m.chainrule.checkpoint: this checkpoint was trained with another batch_size; "
        "repeat that run's arguments, or delete the file\n"
    )


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    quick = (
        "fit",
        "digits",
        "--hidden-size",
        20,
        "--members",
        1,
        "--epochs",
        1,
        "--resume",
        "-o",
        "m.chainrule",
    )
    code, _, errors = chainrule(*quick, cwd=tmp_path)
    assert code == 0
    assert errors.startswith(
        "m.chainrule.checkpoint: no interrupted run here; starting from the beginning\n"
    )
    before = (tmp_path / "m.chainrule").read_bytes()
    assert chainrule(*quick, cwd=tmp_path) == (
        0,
        "",
        "m.chainrule: already finished; nothing to resume\n",
    )
    assert (tmp_path / "m.chainrule").read_bytes() == before


def test_a_damaged_checkpoint_is_refused(folder):
    checkpoint = folder / "m.chainrule.checkpoint"
    data = bytearray(checkpoint.read_bytes())
    data[-100] ^= 1
    checkpoint.write_bytes(data)
    code, _, errors = chainrule(*FIT, "-o", "m.chainrule", "--resume", cwd=folder)
    assert code == 2
    assert errors == (
        "64 binary columns\n"
        "chainrule: m.chainrule.checkpoint: the arrays were edited or damaged; their SHA-256 does "
        "not match\n"
    )


def test_same_seed_same_bytes_and_another_seed_other_bytes(tmp_path, unbroken):
    """In processes that order sets otherwise, too."""
    for name in ("m", "k"):
        code, _, errors = typed(
            *FIT, "-o", name, "--quiet", cwd=tmp_path, PYTHONHASHSEED={"m": "1", "k": "2"}[name]
        )
        assert code == 0, errors
        assert arrays_of(tmp_path / name) == unbroken
    assert (tmp_path / "m").read_bytes() == (tmp_path / "k").read_bytes()
    fitted(*FIT[:-1], 8, "-o", "n", cwd=tmp_path)
    assert arrays_of(tmp_path / "n")[0] != unbroken[0]
