"""A finished run is finished only for its own table and settings."""

import numpy as np
import polars as pl
import pytest
from helpers.command_line import chainrule

FIT = ("--hidden-size", 4, "--epochs", 1, "--members", 1, "--resume", "--quiet")


def table(seed, rows=80):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "bit": rng.integers(0, 2, rows),
            "lab": rng.choice(["u", "v"], rows),
            "x": rng.normal(size=rows),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished")
    table(0).write_csv(path / "t.csv")
    table(0).select(pl.all().reverse()).write_csv(path / "turned.csv")
    table(1).write_csv(path / "other.csv")
    table(0, 81).write_csv(path / "longer.csv")
    table(0).rename({"x": "y"}).write_csv(path / "named.csv")
    bits = np.random.default_rng(2).integers(0, 2, (80, 5))
    pl.DataFrame(bits).write_csv(path / "bits.csv")
    bits[17, 3] ^= 1
    pl.DataFrame(bits).write_csv(path / "bit.csv")
    for source, model in (("t.csv", "m"), ("bits.csv", "b")):
        code, _, errors = chainrule("fit", source, "-o", model, *FIT, "--seed", 3, cwd=path)
        assert (code, errors) == (
            0,
            f"{model}.checkpoint: no interrupted run here; starting from the beginning\n",
        )
    return path


@pytest.mark.parametrize("more", [(), ("--seed", 3), ("--device", "cpu"), ("--effort", "standard")])
def test_the_same_command_again_has_nothing_to_do(folder, more):
    before = (folder / "m").read_bytes()
    assert chainrule("fit", "t.csv", "-o", "m", *FIT, *more, cwd=folder) == (
        0,
        "",
        "m: already finished; nothing to resume\n",
    )
    assert (folder / "m").read_bytes() == before


@pytest.mark.parametrize(
    ("source", "model", "more", "differs"),
    [
        ("other.csv", "m", (), None),
        ("longer.csv", "m", (), None),
        ("named.csv", "m", (), "other columns 'x', 'y'"),
        ("turned.csv", "m", (), "other values in the table"),
        ("bit.csv", "b", (), "other values in the table"),
        ("t.csv", "m", ("--seed", 4), "another seed"),
        ("t.csv", "m", ("--hidden-size", 5), "another hidden_size, hidden_sizes"),
        ("t.csv", "m", ("--effort", "quick", "--epochs", 2), None),
        ("t.csv", "m", ("--kind", "bit=categorical"), "another column 'bit'"),
        ("t.csv", "m", ("--valid", "other.csv"), None),
    ],
)
def test_another_run_is_told_apart_and_nothing_is_overwritten(folder, source, model, more, differs):
    before = (folder / model).read_bytes()
    code, out, errors = chainrule("fit", source, "-o", model, *FIT, *more, cwd=folder)
    assert (code, out) == (2, "")
    end = ": name another file, or remove it to start over\n"
    if differs is None:
        assert errors.startswith(f"chainrule: {model}: is finished, but of another run, with ")
        assert errors.endswith(end)
    else:
        assert errors == f"chainrule: {model}: is finished, but of another run, with {differs}{end}"
    assert (folder / model).read_bytes() == before


def test_a_committee_that_chose_its_settings_itself_is_known_again(folder):
    words = (
        "fit",
        "bits.csv",
        "-o",
        "c",
        "--network",
        "committee",
        "--effort",
        "quick",
        "--seed",
        1,
    )
    words += ("--epochs", 1, "--hidden-size", 4, "--members", 2, "--resume", "--quiet")
    assert chainrule(*words, cwd=folder)[0] == 0
    assert chainrule(*words, cwd=folder) == (0, "", "c: already finished; nothing to resume\n")
    code, _, errors = chainrule(*words, "--members", 3, cwd=folder)
    assert (code, "another members" in errors) == (2, True)
