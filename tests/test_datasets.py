"""Named data sets: embedded, local, cached, downloaded from a local server, and refused."""

import dataclasses
import gzip
import http.server
import socket
import threading

import numpy as np
import pytest

from chainrule import datasets
from chainrule.datasets import content_sha256
from chainrule.errors import ChainruleError, FormatError

RNG = np.random.default_rng(0)
SPLITS = {
    s: RNG.integers(0, 2, (n, 5)).astype(np.uint8)
    for s, n in (("train", 40), ("valid", 7), ("test", 9))
}


def as_text(rows):
    return "".join(",".join(map(str, row)) + "\n" for row in rows.tolist()).encode()


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """A data set of our own in the registry, with a cache and no data folder."""
    urls = (
        "https://example.invalid/a/toy.ts.data.gz",
        "https://example.invalid/toy.valid.data",
        "https://example.invalid/t.data",
    )
    info = datasets.DatasetInfo(
        "toy",
        "Toy",
        5,
        (40, 7, 9),
        "made here",
        "none",
        "binary/toy.npz",
        "rows",
        urls,
        content_sha256([*SPLITS.values()]),
    )
    registry = datasets._registry()
    monkeypatch.setattr(datasets, "_registry", lambda: registry | {"toy": info})
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    monkeypatch.delenv("CHAINRULE_MIRROR", raising=False)
    monkeypatch.setattr(datasets, "TIMEOUT_S", 600)
    return info


@pytest.fixture
def server(tmp_path):
    """A local HTTP server; yields (folder, address)."""
    folder = tmp_path / "served"
    (folder / "toy").mkdir(parents=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **options):
            super().__init__(*args, directory=str(folder), **options)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield folder / "toy", f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def serve(folder):
    (folder / "toy.ts.data.gz").write_bytes(gzip.compress(as_text(SPLITS["train"])))
    (folder / "toy.valid.data").write_bytes(as_text(SPLITS["valid"]).replace(b",", b" "))
    (folder / "t.data").write_bytes(as_text(SPLITS["test"]).rstrip(b"\n"))


def test_digits_are_embedded_binary_and_fixed():
    digits = datasets.load("digits")
    assert [len(s) for s in (digits.train, digits.valid, digits.test)] == [1197, 300, 300]
    assert digits.image_shape == (8, 8)
    assert set(np.unique(digits.train)) == {0, 1}
    assert content_sha256([digits.train, digits.valid, digits.test]).startswith("ed6388f6da51bb41")


def test_list_names_every_set_with_rows_columns_source_and_licence():
    listed = datasets.list()
    assert [info.name for info in listed][:3] == ["digits", "binarized-mnist", "mnist"]
    for info in listed:
        assert info.title
        assert info.source
        assert info.licence
        assert info.columns > 0
        assert len(info.rows) == 3
        assert info.form == "embedded" or (len(info.sha256) == 64 and info.file.endswith(".npz"))


def test_download_is_checked_parsed_and_cached(toy, server, monkeypatch):
    folder, address = server
    serve(folder)
    monkeypatch.setenv("CHAINRULE_MIRROR", address)
    first = datasets.load("toy")
    for name, rows in SPLITS.items():
        assert np.array_equal(getattr(first, name), rows)
    monkeypatch.setenv(
        "CHAINRULE_MIRROR", "http://127.0.0.1:9"
    )  # nobody listens: the cache must serve
    again = datasets.load("toy")
    assert np.array_equal(again.test, SPLITS["test"])
    assert [p.name for p in (datasets.cache_folder() / "binary").iterdir()] == ["toy.npz"]


def test_a_download_with_another_content_is_refused_and_not_kept(toy, server, monkeypatch):
    folder, address = server
    serve(folder)
    (folder / "t.data").write_bytes(as_text(1 - SPLITS["test"]))
    monkeypatch.setenv("CHAINRULE_MIRROR", address)
    with pytest.raises(
        FormatError,
        match=r"the download: not data set 'toy' as published \(SHA-256 of its arrays [0-9a-f]{64}",
    ):
        datasets.load("toy")
    (folder / "t.data").write_bytes(b"<html>gone</html>\n0,1,1\n")
    with pytest.raises(FormatError, match="not the published file of data set 'toy'"):
        datasets.load("toy")
    assert not (datasets.cache_folder() / "binary" / "toy.npz").exists()


def test_offline_the_error_says_which_file_and_where_to_put_it(toy, monkeypatch, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv("CHAINRULE_MIRROR", address)
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path / "data"))
    with pytest.raises(ChainruleError) as error:
        datasets.load("toy")
    message = str(error.value)
    assert message.startswith(
        "data set 'toy': needs the file binary/toy.npz (arrays train, valid, test, uint8), "
        f"which is not on this machine, and {address}/toy/toy.ts.data.gz could not be read ("
    )
    assert message.endswith(
        f"Go online (CHAINRULE_MIRROR names another server), "
        f"or put the file at {tmp_path}/data/binary/toy.npz or {tmp_path}/cache/binary/toy.npz, "
        f"or set CHAINRULE_DATA to the folder that holds it. Its sources: {', '.join(toy.urls)}"
    )


def test_a_local_file_is_found_and_checked(toy, monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    (tmp_path / "binary").mkdir()
    assert not datasets.is_here("toy")
    np.savez(tmp_path / "binary" / "toy.npz", **SPLITS, extra=np.zeros(3))
    assert datasets.is_here("toy")
    assert np.array_equal(datasets.load("toy").valid, SPLITS["valid"])
    np.savez(tmp_path / "binary" / "toy.npz", **{**SPLITS, "valid": 1 - SPLITS["valid"]})
    with pytest.raises(FormatError, match=r"toy\.npz: not data set 'toy' as published"):
        datasets.load("toy")
    (tmp_path / "binary" / "toy.npz").write_bytes(b"junk")
    with pytest.raises(
        FormatError, match=r"toy\.npz: not the arrays train, valid, test of data set 'toy'"
    ):
        datasets.load("toy")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(
        ChainruleError,
        match=r"data set 'binarised-mnist' is unknown; .* \(nearest: 'binarized-mnist'\)",
    ):
        datasets.load("binarised_mnist")


def test_a_set_without_one_source_says_so(monkeypatch, tmp_path):
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    with pytest.raises(
        ChainruleError, match=r"data set 'adult': .* has no single download\. Put it at "
    ):
        datasets.load("adult")


def test_idx_files_of_grey_images():
    images = RNG.integers(0, 256, (3, 4, 5)).astype(np.uint8)
    data = b"\x00\x00\x08\x03" + np.array(images.shape, dtype=">u4").tobytes() + images.tobytes()
    assert np.array_equal(datasets._parse_idx(data), images)
    with pytest.raises(ValueError, match="not an IDX file"):
        datasets._parse_idx(b"\x00\x00\x0d\x03")


def test_folds_take_turns(monkeypatch, tmp_path):
    number = RNG.integers(0, 10, 200)
    arrays = {
        "data": np.stack([number, RNG.random(200)], 1),
        "columns": np.array(["fold", "x"]),
        "fold": number,
    }
    info = datasets.DatasetInfo(
        "toy",
        "Toy",
        2,
        (1, 1, 1),
        "made here",
        "none",
        "toy.npz",
        "folds",
        (),
        content_sha256(list(arrays.values())),
    )
    monkeypatch.setattr(
        datasets,
        "_registry",
        lambda: {"toy": info, "whole": dataclasses.replace(info, form="rows")},
    )
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    np.savez(tmp_path / "toy.npz", **arrays)
    for fold in range(10):
        rows = datasets.load("toy", fold=fold)
        assert (set(rows.test[:, 0]), set(rows.valid[:, 0])) == ({fold}, {(fold + 1) % 10})
        assert len(np.unique(np.concatenate([rows.train, rows.valid, rows.test])[:, 1])) == 200
    assert np.array_equal(datasets.load("toy").test, datasets.load("toy", fold=0).test)
    for wrong in (-1, 1.5, True):
        with pytest.raises(ChainruleError, match=r"fold = .*: pass the number of a fold"):
            datasets.load("toy", fold=wrong)
    with pytest.raises(ChainruleError, match=r"fold = 10: data set 'toy' has the folds 0 to 9"):
        datasets.load("toy", fold=np.int64(10))
    with pytest.raises(ChainruleError, match="'whole' has one split; leave fold out"):
        datasets.load("whole", fold=1)


@pytest.mark.parametrize("name", ["nltcs", "mnist", "binarized-mnist", "web-resplit"])
def test_published_sets_where_the_data_is_present(name, monkeypatch):
    import os
    from pathlib import Path

    folder = os.environ.get("CHAINRULE_DATA") or str(Path(__file__).parents[2] / "shared" / "data")
    if not Path(folder, datasets._registry()[name].file).exists():
        pytest.skip(f"{name} is not in CHAINRULE_DATA")
    monkeypatch.setenv("CHAINRULE_DATA", folder)
    loaded, info = datasets.load(name), datasets._registry()[name]
    assert tuple(map(len, (loaded.train, loaded.valid, loaded.test))) == info.rows
    assert loaded.train.shape[1] == info.columns
    assert set(np.unique(loaded.test)) == {0, 1}


def test_labels_are_those_of_the_rows(toy, tmp_path, monkeypatch):
    """Labels belong to their rows; unknown labels are not returned, and wrong ones are refused."""
    digits = datasets.load("digits")
    assert [len(part) for part in digits.labels] == [1197, 300, 300]
    zeros, ones = (
        digits.train[digits.labels[0] == digit].mean(0).reshape(8, 8) for digit in (0, 1)
    )
    assert zeros[3:5, 3:5].mean() < 0.2 < 0.8 < ones[3:5, 3:5].mean()  # a zero is hollow
    labels = {
        f"{split}_labels": np.arange(len(rows), dtype=np.uint8) % 3
        for split, rows in SPLITS.items()
    }
    path = tmp_path / "cache" / toy.file
    path.parent.mkdir(parents=True)
    np.savez(path, **SPLITS, **labels)
    assert datasets.load("toy").labels is None  # not known to be right
    known = dataclasses.replace(toy, labels_sha256=content_sha256([*labels.values()]))
    registry = datasets._registry()
    monkeypatch.setattr(datasets, "_registry", lambda: registry | {"toy": known})
    for found, want in zip(datasets.load("toy").labels, labels.values(), strict=True):
        assert np.array_equal(found, want)
    labels["test_labels"][0] += 1
    np.savez(path, **SPLITS, **labels)
    with pytest.raises(FormatError, match="the labels are not those of data set 'toy'"):
        datasets.load("toy")
