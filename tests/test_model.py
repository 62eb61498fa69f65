"""Model files: the same numbers in a new process, and no crash on a file that is not one."""

import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule import fileformat
from chainrule.errors import FormatError

ROWS = np.random.default_rng(0).integers(0, 2, (60, 7)).astype(bool)


@pytest.fixture(scope="module")
def density():
    config = cr.FitConfig(hidden_size=5, epochs=3, order="random")
    return cr.fit(ROWS, network="nade", seed=3, config=config, verbose=False)


def test_a_new_process_reads_the_same_numbers(density, tmp_path):
    density.save(tmp_path / "m.chainrule")
    np.save(tmp_path / "rows.npy", ROWS)
    code = (
        "import chainrule as cr, numpy as np, sys, torch\n"
        "d = cr.load(sys.argv[1]); rows = np.load(sys.argv[2])\n"
        "x = torch.from_numpy(rows.astype('float32'))\n"
        "nats32 = d.model.network.log_prob(x).detach().numpy()\n"
        "drawn = d.sample(9, seed=4)\n"
        "np.savez(sys.argv[3], nats=d.log_prob(rows), drawn=drawn, nats32=nats32)\n"
    )
    arguments = [str(tmp_path / name) for name in ("m.chainrule", "rows.npy", "out.npz")]
    subprocess.run([sys.executable, "-W", "error", "-c", code, *arguments], check=True)
    import torch

    with np.load(tmp_path / "out.npz") as out:
        assert np.array_equal(out["nats"], density.log_prob(ROWS))
        assert np.array_equal(out["drawn"], density.sample(9, seed=4))
        assert out["drawn"].dtype == bool
        here = (
            density.model.network.log_prob(torch.from_numpy(ROWS.astype("float32")))
            .detach()
            .numpy()
        )
        assert np.array_equal(out["nats32"], here)


def test_saving_twice_gives_the_same_bytes_and_changes_nothing(density, tmp_path):
    before = density.log_prob(ROWS)
    density.save(tmp_path / "a")
    density.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert np.array_equal(before, density.log_prob(ROWS))
    again = cr.load(tmp_path / "a")
    assert again.model.network.training is density.model.network.training is False
    again.save(tmp_path / "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()


def test_a_model_file_holds_no_row(tmp_path):
    """No run of cells of a training row stands in the file, as bytes, text or float codes."""
    rows = np.random.default_rng(1).integers(0, 2, (50, 64))
    cr.fit(
        rows, network="nade", seed=0, config=cr.FitConfig(hidden_size=4, epochs=1), verbose=False
    ).save(tmp_path / "m")
    data = (tmp_path / "m").read_bytes()
    for row in rows:
        for form in (
            row.astype(np.uint8),
            row.astype(np.float32),
            row.astype(np.float64),
            row.astype(np.int64),
        ):
            assert form.tobytes() not in data
        assert np.packbits(row).tobytes() not in data
        assert ",".join(map(str, row)).encode() not in data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.content.pop("model"), "the model's description lacks 'schema'"),
        (lambda c: c.content["model"].pop("network"), "the model's description lacks 'network'"),
        (
            lambda c: c.content["model"]["network"].update({"class": "Nade"}),
            "network 'Nade' is unknown",
        ),
        (
            lambda c: c.content["model"]["network"]["config"].update(hidden_size=6),
            "array 'input_weight' is float32 of shape (7, 5); the description says (7, 6)",
        ),
        (
            lambda c: c.content["model"]["network"]["config"].update(hidden_size="6"),
            "the network cannot be rebuilt from its description: hidden_size = '6': pass a whole "
            "number of hidden units",
        ),
        (
            lambda c: c.content["model"]["network"].pop("columns"),
            "the network cannot be rebuilt from its description: 'columns'",
        ),
        (
            lambda c: c.content["model"]["network"].update(columns=[{}]),
            "the network cannot be rebuilt from its description: 'times'",
        ),
        (
            lambda c: c.content["model"]["network"]["columns"].append(
                {"times": -1, "conditional": {}}
            ),
            "the description has columns whose 'times' is no whole number above zero",
        ),
        (lambda c: c.content["model"]["network"].update({"class": []}), "network [] is unknown"),
        (
            lambda c: c.content["model"]["network"]["columns"][0].update(times=10**9),
            "the description has 1000000000 columns, the arrays 87 numbers in all",
        ),
        (
            lambda c: c.content["model"]["network"]["config"].update(hidden_size=10**9),
            "array 'input_weight' is float32 of shape (7, 5); the description says (7, 1000000000)",
        ),
        (
            lambda c: c.content["model"]["schema"]["columns"][0].update(levels=[]),
            "column 'x0': a binary column has",
        ),
        (
            lambda c: c.content["model"]["schema"]["columns"][0].update(levels=[5, 7]),
            "column 'x0': a binary column has",
        ),
        (lambda c: c.content.update(training=[1]), "the training record is not an object"),
        (
            lambda c: c.arrays.update(first_hidden=np.full(5, np.nan, np.float32)),
            "array 'first_hidden' holds values that are not finite; the model is no density",
        ),
        (
            lambda c: c.arrays.pop("hidden_bias"),
            "array 'hidden_bias' is absent; the description says (5,)",
        ),
        (
            lambda c: c.arrays.update(hidden_bias=np.zeros(5)),
            "array 'hidden_bias' is float64 of shape (5,); the description says float32",
        ),
        (
            lambda c: c.arrays.update(order=np.arange(7)),
            "array 'order' is int64 of shape (7,); the description has none of this name",
        ),
        (
            lambda c: c.content["model"]["network"]["config"].pop("order"),
            "the network cannot be rebuilt from its description: 'order'",
        ),
        (
            lambda c: c.arrays.update(extra=np.zeros(1)),
            "array 'extra' is float64 of shape (1,); the description has none of this name",
        ),
        (
            lambda c: c.content["model"]["network"]["config"].update(order=[0] * 7),
            "the network cannot be rebuilt from its description: order [0, 0, 0, 0, 0, 0, 0] is "
            "not a permutation",
        ),
        (
            lambda c: c.content["model"]["network"]["config"].update(order=[0, 1, 2, 3, 4, 5]),
            "the network cannot be rebuilt from its description: order [0, 1, 2, 3, 4, 5] is not "
            "a permutation",
        ),
        (
            lambda c: c.content["model"]["network"]["config"].update(order=[10**30] * 7),
            "the network cannot be rebuilt from its description: ",
        ),
        (
            lambda c: c.content["model"]["network"]["config"].update(order="random"),
            "the network cannot be rebuilt from its description: order 'random' is neither null "
            "nor a list of columns",
        ),
        (
            lambda c: c.content["model"]["network"]["config"].update(
                order=[True, False, 2, 3, 4, 5, 6]
            ),
            "the network cannot be rebuilt from its description: order '[True, False, 2, 3, 4, "
            "5, 6]' is neither null",
        ),
        (
            lambda c: c.content["model"]["schema"]["columns"].pop(),
            "the model cannot be rebuilt from its description: a network over 7 columns cannot "
            "model a schema of 6",
        ),
        (
            lambda c: c.content["model"]["schema"].update(columns=3),
            "the schema is not one this version wrote",
        ),
        (
            lambda c: c.content["model"]["schema"].update(container="excel"),
            "the schema names the container 'excel'",
        ),
        (
            lambda c: c.content["model"]["schema"]["columns"][0].update(kind="words"),
            "column 'x0': kind 'words' is unknown; choose one of 'binary', 'categorical', "
            "'datetime', 'integer', 'real'",
        ),
    ],
)
def test_a_consistent_file_of_the_wrong_content_is_a_format_error(
    density, tmp_path, change, message
):
    density.save(tmp_path / "m")
    contents = fileformat.read(tmp_path / "m", kind="model")
    change(contents)
    fileformat.write(tmp_path / "m", contents)
    with pytest.raises(FormatError) as error:
        cr.load(tmp_path / "m")
    assert str(error.value).startswith(f"{tmp_path / 'm'}: {message}")
