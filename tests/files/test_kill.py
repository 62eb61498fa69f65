"""Training that is killed, at any moment, resumes to the same weights, bit for bit."""

import hashlib
import random
import signal
import subprocess
import sys
import time

import pytest

from chainrule import fileformat

FIT = [sys.executable, "-m", "chainrule.cli.main", "fit", "digits"]
FIT += ["--hidden-size", "40", "--members", "1", "--epochs", "40", "--seed", "7"]


def arrays_of(path):
    contents = fileformat.read(path, kind="model")
    digests = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in contents.arrays.items()}
    return digests, contents.content["training"]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    path = tmp_path_factory.mktemp("unbroken") / "m.chainrule"
    subprocess.run([*FIT, "-o", str(path), "--quiet"], check=True)
    return arrays_of(path)


def test_killed_again_and_again_it_ends_in_the_same_bits(tmp_path, unbroken):
    """Kills with SIGKILL at random moments, from start-up to the last epoch, until a run is allowed to end."""
    path, checkpoint = tmp_path / "m.chainrule", tmp_path / "m.chainrule.checkpoint"
    moments, reached = random.Random(1), []
    for _ in range(4):
        seen = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        process = subprocess.Popen([*FIT, "-o", str(path), "--quiet", "--resume"])
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:  # let it reach training, then strike at random
            if checkpoint.exists() and checkpoint.stat().st_mtime_ns != seen:
                time.sleep(moments.uniform(0, 0.1))
                break
            time.sleep(0.005)
        process.kill()
        process.wait()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        assert not path.exists(), "a model file must not appear before training is done"
        reached.append(fileformat.read(checkpoint, kind="checkpoint").content["epoch"])
    assert len(reached) >= 2, "the run was too short to be killed twice"
    assert reached == sorted(reached)
    assert reached[-1] > reached[0]
    subprocess.run([*FIT, "-o", str(path), "--quiet", "--resume"], check=True)
    assert arrays_of(path) == unbroken
    assert [p.name for p in tmp_path.iterdir()] == ["m.chainrule"]


def test_the_seed_of_a_checkpoint_serves_when_none_is_given(tmp_path, unbroken):
    path = tmp_path / "m.chainrule"
    interrupt_after_first_epoch([*FIT, "-o", str(path), "--quiet"], path)
    without_seed = [*FIT[:-2], "-o", str(path), "--quiet", "--resume"]
    subprocess.run(without_seed, check=True)
    assert arrays_of(path) == unbroken


def heed_interrupts():
    """Where the tests run in the background, children inherit that interrupts are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupt_after_first_epoch(command, path):
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts)
    checkpoint = path.with_name(path.name + ".checkpoint")
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_ctrl_c_says_how_to_go_on_and_nothing_is_lost(tmp_path):
    path = tmp_path / "m.chainrule"
    code, errors = interrupt_after_first_epoch([*FIT, "-o", str(path)], path)
    assert code == 130
    assert errors == "64 binary columns\nchainrule: interrupted; repeat the command with --resume to continue\n"
    assert [p.name for p in tmp_path.iterdir()] == ["m.chainrule.checkpoint"]
    again = subprocess.run([*FIT, "-o", str(path)], capture_output=True, text=True)
    assert again.returncode == 2
    assert again.stderr == (
        f"chainrule: {path}.checkpoint holds an interrupted run; pass --resume to continue it, or delete it to start anew\n"
    )
    other = subprocess.run([*FIT, "-o", str(path), "--resume", "--batch-size", "50"], capture_output=True, text=True)
    assert other.returncode == 2
    assert other.stderr.removeprefix("64 binary columns\n") == (
        f"chainrule: {path}.checkpoint: this checkpoint was trained with another batch_size; "
        "repeat that run's arguments, or delete the file\n"
    )


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    path = tmp_path / "m.chainrule"
    quick = [sys.executable, "-m", "chainrule.cli.main", "fit", "digits", "--epochs", "1", "--resume", "-o", str(path)]
    first = subprocess.run(quick, capture_output=True, text=True)
    assert first.returncode == 0
    assert first.stderr.startswith(f"{path}.checkpoint: no interrupted run here; starting anew\n")
    before = path.read_bytes()
    again = subprocess.run(quick, capture_output=True, text=True)
    assert (again.returncode, again.stderr) == (0, f"{path}: already finished; nothing to resume\n")
    assert path.read_bytes() == before


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "m.chainrule"
    checkpoint = tmp_path / "m.chainrule.checkpoint"
    interrupt_after_first_epoch([*FIT, "-o", str(path), "--quiet"], path)
    data = bytearray(checkpoint.read_bytes())
    data[-100] ^= 1
    checkpoint.write_bytes(data)
    done = subprocess.run([*FIT, "-o", str(path), "--resume"], capture_output=True, text=True)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"64 binary columns\nchainrule: {checkpoint}: the arrays were edited or damaged; their SHA-256 does not match\n"
    )


def test_same_seed_same_bytes_and_another_seed_other_bytes(tmp_path, unbroken):
    for name in ("m", "k"):
        subprocess.run([*FIT, "-o", str(tmp_path / name), "--quiet"], check=True)
        assert arrays_of(tmp_path / name) == unbroken
    assert (tmp_path / "m").read_bytes() == (tmp_path / "k").read_bytes()
    subprocess.run([*FIT[:-1], "8", "-o", str(tmp_path / "n"), "--quiet"], check=True)
    assert arrays_of(tmp_path / "n")[0] != unbroken[0]
