"""Named data sets: embedded, local, cached or downloaded; always verified by SHA-256.

A set is searched in this order: the folder in the environment variable CHAINRULE_DATA; the user's
cache (CHAINRULE_CACHE, else ~/.cache/chainrule); its public source. CHAINRULE_MIRROR names another
server, which has ``SET/FILE`` for each of the source's files.
"""

from __future__ import annotations

import builtins
import gzip
import hashlib
import http.client
import io
import os
import tomllib
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from chainrule.atomic import write_bytes
from chainrule.errors import ChainruleError, FormatError, unknown_choice, whole_number
from chainrule.progress import progress_bar

__all__ = ["Dataset", "DatasetInfo", "is_here", "list", "load"]

SPLITS = ("train", "valid", "test")
# Arrays of labels that a file may hold, by the form of the set.
LABELS = {
    "mnist": ("train_labels", "test_labels"),
    "rows": ("train_labels", "valid_labels", "test_labels"),
}
TIMEOUT_S = 30
IMAGE_SHAPES = {
    "digits": (8, 8),
    "mnist": (28, 28),
    "binarized-mnist": (28, 28),
    "ocr-letters": (16, 8),
}
DIGITS_SEED = 0  # seed of the split of the embedded digits
FOLDS = 10  # number of folds of sets published in folds
SPLIT_SEED = 0  # seed of the split of sets published without one


@dataclass(frozen=True)
class DatasetInfo:
    """The description of a data set before it is loaded; ``rows`` counts train, valid and test."""

    name: str
    title: str
    columns: int
    rows: tuple[int, int, int]
    source: str
    licence: str
    file: str = ""
    form: str = "rows"
    urls: tuple[str, ...] = ()
    sha256: str = ""
    labels_sha256: str = ""  # of the concatenated labels of all splits, if there are any


@dataclass(frozen=True, eq=False)
class Dataset:
    """A loaded data set, with rows (N, D) per split: binary uint8, or numbers float64.

    Labels are no columns of the density. They serve to evaluate a representation afterwards.

    Attributes:
        name: the name of the set.
        train, valid, test: the rows of each split.
        image_shape: height and width of a row that is an image, else None.
        columns: names of the columns, if known.
        labels: the class of each row, (N,) per split, if known.
    """

    name: str
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    image_shape: tuple[int, int] | None = None
    columns: tuple[str, ...] | None = None
    labels: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None


def list() -> builtins.list[DatasetInfo]:  # noqa: A001 - the name users say: datasets.list()
    """Lists every set with rows, columns, source and licence; embedded sets come first.

    >>> list()[0].name
    'digits'
    """
    return builtins.list(_registry().values())


def load(name: str, *, fold: int = 0) -> Dataset:
    """Loads a data set by name; downloads it if it is not on this machine.

    Grey images are binarized at half scale. Rows keep the published order. Choose on ``valid`` and
    read ``test`` once.

    Args:
        name: a name from ``list``; dashes and underscores are equivalent.
        fold: for a set published in folds (red-wine), the fold of test rows. The next fold is the
            validation rows, and all others are the training rows.

    Raises:
        ChainruleError: an unknown name or fold, or a set that cannot be found or downloaded; the
            message names the file, its source and its place.
        FormatError: a file whose contents are not the published ones.

    Examples:
        >>> load("digits").train.shape
        (1197, 64)
    """
    name = name.replace("_", "-")
    info = _info(name)
    folds = FOLDS if info.form == "folds" else 1
    fold = whole_number(fold, "fold", least=0, what="the number of a fold")
    if fold >= folds:
        has = f"has the folds 0 to {folds - 1}" if folds > 1 else "has one split; leave fold out"
        raise ChainruleError(f"fold = {fold!r}: data set {name!r} {has}")
    if info.form == "embedded":
        return _digits()
    splits, columns, labels = _published(info, fold)
    return Dataset(
        name, *splits, image_shape=IMAGE_SHAPES.get(name), columns=columns, labels=labels
    )


def is_here(name: str) -> bool:
    """Returns whether ``load`` needs no download of this set.

    Args:
        name: a name from ``list``; dashes and underscores are equivalent.

    Raises:
        ChainruleError: an unknown name.

    Examples:
        >>> is_here("digits")
        True
    """
    info = _info(name)
    return info.form == "embedded" or any(path.exists() for path in _places(info))


def _info(name: str) -> DatasetInfo:
    name = name.replace("_", "-")
    if name not in _registry():
        raise ChainruleError(unknown_choice("data set", name, _registry()))
    return _registry()[name]


def _places(info: DatasetInfo) -> builtins.list[Path]:
    """The places of a set's file on this machine, in the order of the search."""
    folder = os.environ.get("CHAINRULE_DATA")
    local = [Path(folder) / info.file] if folder else []
    return [*local, cache_folder() / info.file]


def cache_folder() -> Path:
    """The folder of downloads."""
    return Path(os.environ.get("CHAINRULE_CACHE") or Path.home() / ".cache" / "chainrule")


@cache
def _registry() -> dict[str, DatasetInfo]:
    embedded = DatasetInfo(
        "digits",
        "8 × 8 images of digits, binarized at half scale",
        64,
        (1197, 300, 300),
        "scikit-learn's load_digits: UCI Optical Recognition of Handwritten Digits; our split by "
        "a fixed seed",
        "CC BY 4.0",
        form="embedded",
    )
    text = resources.files("chainrule").joinpath("datasets.toml").read_text(encoding="utf-8")
    known = {embedded.name: embedded}
    for name, entry in tomllib.loads(text).items():
        known[name] = DatasetInfo(
            name=name, **{**entry, "rows": tuple(entry["rows"]), "urls": tuple(entry["urls"])}
        )
    return known


def _digits() -> Dataset:
    from sklearn.datasets import load_digits

    # (1797, 64) from 0 to 16, and (1797,)
    grey, digit = (np.asarray(part) for part in load_digits(return_X_y=True))
    order = np.random.default_rng(DIGITS_SEED).permutation(len(grey))
    rows, labels = (grey >= 8).astype(np.uint8)[order], digit.astype(np.uint8)[order]
    train, valid, test = slice(1197), slice(1197, 1497), slice(1497, None)
    each = (labels[train], labels[valid], labels[test])
    return Dataset(
        "digits",
        rows[train],
        rows[valid],
        rows[test],
        image_shape=IMAGE_SHAPES["digits"],
        labels=each,
    )


Published = tuple[
    builtins.list[np.ndarray],
    tuple[str, ...] | None,
    tuple[np.ndarray, np.ndarray, np.ndarray] | None,
]


def _published(info: DatasetInfo, fold: int) -> Published:
    """Train, valid and test rows, the names of the columns, and the labels if the file has them."""
    paths = _places(info)
    for path in paths:
        if path.exists():
            arrays = _read_npz(info, path)
            return (
                _splits(info, arrays, str(path), fold),
                _column_names(arrays),
                _labels(info, arrays, str(path)),
            )
    arrays = _download(info, paths)
    splits = _splits(info, arrays, "the download", fold)
    paths[-1].parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    write_bytes(paths[-1], packed.getvalue())
    return splits, _column_names(arrays), None


def _labels(
    info: DatasetInfo, arrays: Mapping[str, np.ndarray], origin: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The verified labels of train, valid and test rows; None if there are none."""
    found = [arrays[name] for name in LABELS.get(info.form, ()) if name in arrays]
    if not info.labels_sha256 or not found:
        return None
    if content_sha256(found) != info.labels_sha256:
        raise FormatError(
            f"{origin}: the labels are not those of data set {info.name!r}; delete or replace the "
            "file"
        )
    if info.form == "mnist":
        return found[0][:50000], found[0][50000:], found[1]
    return found[0], found[1], found[2]


def _column_names(arrays: Mapping[str, np.ndarray]) -> tuple[str, ...] | None:
    return tuple(map(str, arrays["columns"])) if "columns" in arrays else None


def _array_names(info: DatasetInfo) -> tuple[str, ...]:
    forms = {
        "mnist": ("train_images", "test_images"),
        "folds": ("data", "columns", "fold"),
        "numbers": ("data", "columns"),
    }
    return forms.get(info.form, SPLITS)


def _read_npz(info: DatasetInfo, path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            there = [name for name in LABELS.get(info.form, ()) if name in stored.files]
            return {name: stored[name] for name in (*_array_names(info), *there)}
    except Exception as error:  # zipfile and numpy raise a dozen kinds for a damaged archive
        raise FormatError(
            f"{path}: not the arrays {', '.join(_array_names(info))} of data set {info.name!r}: "
            f"{error}; delete it to download it again"
        ) from error


def _splits(
    info: DatasetInfo, arrays: Mapping[str, np.ndarray], origin: str, fold: int = 0
) -> builtins.list[np.ndarray]:
    """Train, valid and test rows, from verified arrays."""
    found = content_sha256([arrays[name] for name in _array_names(info)])
    if found != info.sha256:
        raise FormatError(
            f"{origin}: not data set {info.name!r} as published (SHA-256 of its arrays {found}, "
            f"expected {info.sha256}); delete or replace it"
        )
    if info.form == "mnist":
        train, test = (
            (arrays[name].reshape(-1, 784) >= 128).astype(np.uint8) for name in _array_names(info)
        )
        return [train[:50000], train[50000:], test]
    if info.form == "folds":
        number, data, valid = arrays["fold"], arrays["data"], (fold + 1) % FOLDS
        return [
            data[(number != fold) & (number != valid)],
            data[number == valid],
            data[number == fold],
        ]
    if info.form == "numbers":  # no published split: 80, 10 and 10 per cent by a fixed seed
        data = arrays["data"]
        rows = np.random.default_rng(SPLIT_SEED).permutation(len(data))
        first, second = info.rows[0], info.rows[0] + info.rows[1]
        return [data[rows[:first]], data[rows[first:second]], data[rows[second:]]]
    return [arrays[name] for name in SPLITS]


def content_sha256(arrays: builtins.list[np.ndarray]) -> str:
    """One hash of several arrays: shape as text (and dtype unless uint8) and bytes of each."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(str(tuple(map(int, array.shape))).encode())
        digest.update(f"{array.dtype.str if array.dtype != np.uint8 else ''}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _download(info: DatasetInfo, paths: builtins.list[Path]) -> dict[str, np.ndarray]:
    put = " or ".join(map(str, paths))
    kind = "" if info.form in ("folds", "numbers") else ", uint8"
    wanted = f"{info.file} (arrays {', '.join(_array_names(info))}{kind})"
    if not info.urls:
        raise ChainruleError(
            f"data set {info.name!r}: needs the file {wanted}; it was put together from "
            f"{info.source} and has no single download. Put it at {put}, or set CHAINRULE_DATA to "
            "the folder that holds it"
        )
    parse = _parse_idx if info.form == "mnist" else _parse_rows
    arrays = {}
    with progress_bar(f"downloading {info.name}", len(info.urls)) as advance:
        for name, source in zip(_array_names(info), info.urls, strict=True):
            url = _mirrored(info, source)
            try:
                with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
                    data = answer.read()
            except (OSError, ValueError, http.client.HTTPException) as error:
                raise ChainruleError(
                    f"data set {info.name!r}: needs the file {wanted}, which is not on this "
                    f"machine, and {url} could not be read ({error}). Go online (CHAINRULE_MIRROR "
                    f"names another server), or put the file at {put}, or set CHAINRULE_DATA to "
                    f"the folder that holds it. Its sources: {', '.join(info.urls)}"
                ) from error
            try:
                arrays[name] = parse(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
            except (OSError, EOFError, ValueError, zlib.error) as error:
                raise FormatError(
                    f"{url}: not the published file of data set {info.name!r}: {error}"
                ) from error
            advance(1)
    return arrays


def _mirrored(info: DatasetInfo, url: str) -> str:
    mirror = os.environ.get("CHAINRULE_MIRROR")
    return f"{mirror.rstrip('/')}/{info.name}/{url.rsplit('/', 1)[1]}" if mirror else url


def _parse_rows(data: bytes) -> np.ndarray:
    """Parses lines of 0 and 1, separated by commas or spaces."""
    text = np.frombuffer(data, dtype=np.uint8)
    bits = text[(text == ord("0")) | (text == ord("1"))] - ord("0")
    rows = len(data.splitlines())
    if rows == 0 or len(bits) % rows:
        raise ValueError("the lines are not rows of 0 and 1 of one length")
    return bits.reshape(rows, -1).astype(np.uint8)


def _parse_idx(data: bytes) -> np.ndarray:
    """Parses MNIST's IDX format.

    It has two zero bytes, type 8 (uint8), the number of axes, the sizes (big-endian), and the
    values.
    """
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        raise ValueError("not an IDX file of bytes")
    axes = data[3]
    shape = tuple(int(n) for n in np.frombuffer(data, dtype=">u4", count=axes, offset=4))
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * axes).reshape(shape)
