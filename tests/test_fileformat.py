"""The file format: golden bytes, and every way a file can be wrong."""

import hashlib
import json
import os
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import atomic, fileformat
from chainrule.errors import FormatError
from chainrule.fileformat import Contents, dump, parse

CONTENTS = Contents(
    "model",
    {"b": [1, 2.5, None], "a": "ü"},
    {"w": np.array([[1, 2], [3, 4]], np.float32), "k": np.array([7])},
    "0.1.0",
)
HEADER = (
    '{"arrays":{"bytes":168,"sha256":"SHA_OF_ARRAYS"},"content":{"a":"ü","b":[1,2.5,null]},'
    '"format":2,"kind":"model","library":"0.1.0"}'
)
ARRAYS = (
    '{"k":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},'
    '"w":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]}}'
)


def golden() -> bytes:
    """The bytes of CONTENTS, written out from the description of the format alone."""
    text = ARRAYS.encode()
    text += b" " * (-len(text) % 8)
    arrays = (
        struct.pack("<Q", len(text)) + text + struct.pack("<q", 7) + struct.pack("<4f", 1, 2, 3, 4)
    )
    header = json.loads(HEADER.replace("SHA_OF_ARRAYS", hashlib.sha256(arrays).hexdigest()))
    header["arrays"]["bytes"] = len(arrays)
    encoded = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return (
        b"CHAINRUL"
        + struct.pack("<Q", len(encoded))
        + hashlib.sha256(encoded).digest()
        + encoded
        + arrays
    )


def with_header(header: object, arrays: bytes | None = None) -> bytes:
    """A file with this header, hashes in order, before the arrays of CONTENTS."""
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    block = golden()[-len(arrays_of_golden()) :] if arrays is None else arrays
    return (
        b"CHAINRUL"
        + struct.pack("<Q", len(encoded))
        + hashlib.sha256(encoded).digest()
        + encoded
        + block
    )


def arrays_of_golden() -> bytes:
    length = struct.unpack_from("<Q", golden(), 8)[0]
    return golden()[48 + length :]


def header_of_golden() -> dict:
    length = struct.unpack_from("<Q", golden(), 8)[0]
    return json.loads(golden()[48 : 48 + length])


def test_golden_bytes():
    assert dump(CONTENTS) == golden()
    assert hashlib.sha256(golden()).hexdigest().startswith("59403e3a7b1881adfc51")


def test_round_trip(tmp_path):
    fileformat.write(tmp_path / "f", CONTENTS)
    back = fileformat.read(tmp_path / "f", kind="model")
    assert (back.kind, back.content, back.library) == (
        CONTENTS.kind,
        CONTENTS.content,
        CONTENTS.library,
    )
    for name, array in CONTENTS.arrays.items():
        assert back.arrays[name].dtype == array.dtype
        assert np.array_equal(back.arrays[name], array)
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "file: not a chainrule file; it does not begin with CHAINRUL"),
        (b"PK\x03\x04" + bytes(100), "file: not a chainrule file; it does not begin with CHAINRUL"),
        (golden()[:47], "file: not a chainrule file; it does not begin with CHAINRUL"),
        (golden()[:100], "file: truncated inside the header (52 of 182 bytes)"),
        (
            golden()[:-1],
            "file: 143 bytes of arrays where the header says 144; truncated or extended",
        ),
        (
            golden() + b"\0",
            "file: 145 bytes of arrays where the header says 144; truncated or extended",
        ),
        (
            golden()[:-1] + b"\1",
            "file: the arrays were edited or damaged; their SHA-256 does not match",
        ),
        (
            golden().replace(b'"model"', b'"madel"'),
            "file: the header was edited or damaged; its SHA-256 does not match",
        ),
        (
            b"CHAINRUL" + struct.pack("<Q", 2**40) + bytes(32),
            "file: the header claims 1099511627776 bytes, more than the 67108864 allowed",
        ),
        (with_header(b"{"), "file: the header is not JSON: "),
        (with_header(b"[" * 100_000), "file: the header is not JSON: "),
        (with_header([]), "file: the header does not name a format version"),
        (
            with_header({**header_of_golden(), "format": 1}),
            "file: written by chainrule 0.1.0 in format 1; this version reads format 2. "
            "Fit the table again (chainrule fit TABLE -o file), or use the version that wrote it",
        ),
        (with_header({"format": 2}), "file: the header lacks kind, library, content or arrays"),
        (
            with_header(
                {
                    **header_of_golden(),
                    "arrays": {"bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()},
                },
                b"abc",
            ),
            "file: the arrays are not a safetensors block: ",
        ),
    ],
)
def test_wrong_files_are_format_errors(data, message):
    with pytest.raises(FormatError) as error:
        parse(data, name="file")
    assert str(error.value).startswith(message)
    assert message.endswith(": ") or str(error.value) == message


@settings(max_examples=300)
@given(st.data())
def test_any_damage_is_a_format_error(data):
    """Every flipped byte, cut or insertion anywhere in a file is noticed."""
    good = golden()
    position = data.draw(st.integers(0, len(good) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    if how == "flip":
        byte = good[position] ^ data.draw(st.integers(1, 255))
        bad = good[:position] + bytes([byte]) + good[position + 1 :]
    elif how == "cut":
        bad = good[:position] + good[position + data.draw(st.integers(1, 40)) :]
    else:
        bad = good[:position] + data.draw(st.binary(min_size=1, max_size=40)) + good[position:]
    if bad != good:
        with pytest.raises(FormatError):
            parse(bad)


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_noise_is_a_format_error(noise):
    with pytest.raises(FormatError):
        parse(noise)
    with pytest.raises(FormatError):
        parse(b"CHAINRUL" + noise)


def test_other_kinds_folders_and_absent_files(tmp_path):
    fileformat.write(tmp_path / "f", CONTENTS)
    with pytest.raises(FormatError, match="a chainrule model file, not a checkpoint file"):
        fileformat.read(tmp_path / "f", kind="checkpoint")
    with pytest.raises(FormatError, match="a folder, not a chainrule model file"):
        fileformat.read(tmp_path, kind="model")
    with pytest.raises(FileNotFoundError):
        fileformat.read(tmp_path / "nowhere", kind="model")


def test_an_oversized_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    fileformat.write(tmp_path / "f", CONTENTS)
    monkeypatch.setattr(fileformat, "MOST_HEADER_BYTES", 10)
    monkeypatch.setattr(fileformat, "MOST_ARRAY_BYTES", 10)
    with pytest.raises(FormatError, match="the header claims 182 bytes, more than the 10 allowed"):
        fileformat.read(tmp_path / "f", kind="model")
    monkeypatch.setattr(fileformat, "MOST_HEADER_BYTES", 1000)
    with pytest.raises(FormatError, match="144 bytes of arrays, more than the 10 allowed"):
        fileformat.read(tmp_path / "f", kind="model")


def test_a_sparse_giant_that_begins_like_a_file_is_refused_unread(tmp_path):
    with (tmp_path / "f").open("wb") as file:
        file.write(golden())
        file.truncate(2**36)
    with pytest.raises(
        FormatError, match="bytes of arrays where the header says 144; truncated or extended"
    ):
        fileformat.read(tmp_path / "f", kind="model")


def test_a_file_keeps_its_mode_and_takes_over_what_a_crash_left(tmp_path):
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "f").chmod(0o600)
    (tmp_path / ".f.0123456789abcdef.part").write_bytes(
        b"left by one that was killed, and longer than what is written now" * 9
    )
    fileformat.write(tmp_path / "f", CONTENTS)
    assert (tmp_path / "f").read_bytes() == golden()
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_links_are_followed_and_what_is_no_file_is_left_alone(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    atomic.write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="exists and is not a file; name another"):
        atomic.write_bytes(tmp_path / "pipe", b"new")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        atomic.write_bytes(tmp_path / "no" / "f", b"new")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    fileformat.write(tmp_path / "f", CONTENTS)
    before = (tmp_path / "f").read_bytes()
    monkeypatch.setattr(atomic.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        atomic.write_bytes(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_read_as_a_file_is(tmp_path):
    def read(data):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(_write, pipe, data)
            try:
                return fileformat.read(pipe, kind="model")
            finally:
                pipe.unlink()
                writing.exception()

    found = read(golden())
    assert found.content == CONTENTS.content
    assert found.arrays["w"].tolist() == CONTENTS.arrays["w"].tolist()
    with pytest.raises(
        FormatError, match="143 bytes of arrays where the header says 144; truncated or extended"
    ):
        read(golden()[:-1])
    with pytest.raises(
        FormatError, match="145 bytes of arrays where the header says 144; truncated or extended"
    ):
        read(golden() + b"more")


def _write(path, data):
    with path.open("wb") as file:
        file.write(data)
