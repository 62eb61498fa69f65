"""Tables come back from their codes byte for byte, in as many bits as their masses say."""

import doctest
import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from benchmarks.coding import __main__ as command
from benchmarks.coding import cells, file, page, sizes
from benchmarks.coding.cells import Decimals
from benchmarks.coding.tables import Task, csv_of
from benchmarks.record import RESULTS
from chainrule.model import Model

pytest.importorskip("constriction", reason="constriction, the range coder, is not installed")

TINY = cr.FitConfig(epochs=3, hidden_size=16, members=1)
HEAD = file.DIGEST + 8  # bytes of the checksum and of sizes


def table(rows, seed):
    """Labels, numbers on grids and without, dates, bits and keys, as text; empty cells are null."""
    rng = np.random.default_rng(seed)
    label = rng.choice(["a", "b", "c, d"], rows, p=[0.5, 0.3, 0.2])
    size = 1 + 2 * (label == "a")
    amount = np.where(rng.random(rows) < 0.3, 0, rng.lognormal(size))
    days = [date(2024, 1, 1) + timedelta(days=int(k)) for k in rng.integers(0, 300, rows)]
    frame = pl.DataFrame(
        {
            "label": label,
            "count": rng.poisson(2 * size).astype(str),
            "amount": [f"{x:.2f}" for x in amount],
            "share": [f"{x:.4f}" for x in rng.beta(2 * size, 3)],
            "noise": [f"{x:.6g}" for x in rng.normal(size=rows) * np.exp(size)],
            "day": [str(day) for day in days],
            "bit": rng.integers(0, 2, rows).astype(str),
            "key": [f"u{k:05x}" for k in rng.permutation(rows)],
        }
    )
    return frame.with_columns(
        pl.when(pl.Series(rng.random(rows) < 0.1)).then(None).otherwise(name).alias(name)
        for name in ("label", "amount")
    )


# What the columns cannot hold, do not list, or write otherwise; a missing cell without a flag.
ODD = {
    (3, "label"): "a new label, é",
    (4, "bit"): "2",
    (5, "count"): "many",
    (6, "bit"): None,
    (7, "count"): "3.5",
    (8, "count"): "007",
    (9, "day"): None,
    (10, "share"): "NA",
    (11, "share"): "0.12345",
    (12, "count"): "-4",
    (13, "noise"): '"',
    (14, "amount"): "-1.00",
    (15, "amount"): "0.0",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("coding")


@pytest.fixture(scope="module")
def density(folder):
    path = folder / "train.csv"
    path.write_bytes(csv_of(table(500, 0)))
    with pytest.warns(UserWarning, match="left out 'key'"):
        found = cr.fit(path, missing="informative", seed=0, config=TINY, verbose=False)
    kinds = {column.name: column.is_continuous for column in found.schema.columns}
    assert kinds["noise"]
    assert kinds["amount"]
    assert not kinds["share"]
    assert len(found.schema.flags) == 2
    found.save(folder / "model.chainrule")
    return found


@pytest.fixture(scope="module")
def odd(folder):
    frame = table(120, 1)
    for (row, name), cell in ODD.items():
        frame[row, name] = cell
    path = folder / "odd.csv"
    path.write_bytes(csv_of(frame))
    return path


@pytest.fixture(scope="module")
def coded(density, odd):
    return file.compress(density, odd)


def test_every_cell_comes_back_as_it_is_written(density, odd, coded):
    assert file.decompress(density, coded.data) == odd.read_bytes()
    assert coded.rows == 120
    escaped = dict(zip(density.schema.names, coded.account.escaped.tolist(), strict=True))
    counted = {name: sum(column == name for _, column in ODD) for name in escaped}
    assert escaped == counted
    assert coded.left_out_bits == 120 * 8 * len("u00000\0")


def test_a_file_is_as_long_as_the_masses_of_its_cells_say(coded):
    assert 8 * coded.code / coded.mass_bits == pytest.approx(1, abs=2e-3)
    assert 0 < len(coded.data) - coded.code < HEAD + 100


def plain(path, density):
    """Rows that the density holds and lists, without keys."""
    frame = table(150, 2).with_columns(pl.lit("").alias("key"))
    path.write_bytes(csv_of(frame))
    return path


def test_masses_are_those_of_whole_rows(density, folder):
    """The walk through the columns has the terms that a density computes of complete rows."""
    path = plain(folder / "plain.csv", density)
    found = file.compress(density, path)
    assert found.account.escaped.sum() == 0
    terms, schema = density.terms(path), density.schema
    bits = dict(zip(schema.names, found.account.nats / np.log(2), strict=True))
    for column, flag in schema.flags.items():  # a density counts them with their cells
        bits[schema.names[column]] += bits[schema.names[flag]]
    exact = [c.name for c in schema.columns if not (c.is_flag or c.is_continuous)]
    assert len(exact) == 5
    for name in exact:
        assert bits[name] == pytest.approx(np.nansum(terms[name].to_numpy()), rel=1e-9), name


def test_decisions_have_the_masses_of_the_cells(density, folder, monkeypatch):
    """The shares of halves multiply to the mass of the value, also of numbers without a grid."""
    taken = []

    class Ideal(file.Encoder):
        def take(self, probabilities, decided):
            p = probabilities[np.arange(len(decided)), decided]
            taken.append(-np.log2(p).sum())
            return super().take(probabilities, decided)

    monkeypatch.setattr(file, "Encoder", Ideal)
    found = file.compress(density, plain(folder / "plain.csv", density))
    assert sum(taken) == pytest.approx(found.mass_bits, rel=1e-6)


def test_a_network_of_one_order_codes_bits(folder):
    rng = np.random.default_rng(3)
    bits = rng.integers(0, 2, (300, 6)) * rng.integers(0, 2, (300, 1))
    frame = pl.DataFrame(bits, schema=[f"x{k}" for k in range(6)])
    density = cr.fit(frame, network="nade", seed=0, config=TINY, verbose=False)
    path = folder / "bits.csv"
    path.write_bytes(csv_of(frame))
    found = file.compress(density, path)
    assert file.decompress(density, found.data) == path.read_bytes()
    nats = found.account.nats.sum()
    assert nats == pytest.approx(-density.log_prob(path).sum(), rel=1e-9)
    several = cr.Ensemble([cr.NADE(6, 4), cr.NADE(6, 4, order="random")])
    with pytest.raises(ValueError, match="orders=1"):
        file.compress(cr.Density(Model(density.schema, several)), path)


@pytest.mark.parametrize("place", [0, file.DIGEST + 3, -9])
def test_nothing_is_written_of_a_damaged_file(density, coded, folder, place, capsys):
    data = bytearray(coded.data)
    data[place] ^= 16
    damaged, back = folder / "damaged", folder / "back.csv"
    damaged.write_bytes(data)
    words = [str(folder / "model.chainrule"), str(damaged), str(back)]
    assert command.main(["decode", *words]) == 1
    assert not back.exists()
    assert str(damaged) in capsys.readouterr().err


def test_another_process_would_read_what_the_command_writes(density, odd, folder):
    model, whole, back = (str(folder / name) for name in ("model.chainrule", "whole", "whole.csv"))
    assert command.main(["encode", model, str(odd), whole]) == 0
    assert command.main(["decode", model, whole, back]) == 0
    assert (folder / "whole.csv").read_bytes() == odd.read_bytes()


def test_other_files_are_refused(density, folder):
    other = folder / "other.csv"
    other.write_bytes(b"label,count\na,1\n")
    with pytest.raises(ValueError, match="other columns"):
        file.compress(density, other)
    other.write_bytes(csv_of(table(5, 0)).replace(b"\n", b"\r\n"))
    with pytest.raises(ValueError, match="as_csv"):
        file.compress(density, other)


@pytest.mark.parametrize("module", [cells, file, sizes])
def test_examples_in_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_decimals_are_written_as_they_are_read():
    for style, words in {
        ".2": ["1.50", "-0.05", "12.00"],
        ".2z": ["1.5", "-0.05", "12"],
        ".2p": ["1.5", "-0.05", "12.0"],
        ".0": ["1", "-5"],
    }.items():
        decimals = Decimals.of(style)
        fields = np.array(words, dtype=object)
        assert decimals.write(decimals.read(fields)).tolist() == words
        assert style in Decimals.styles(fields)
    assert np.isnan(Decimals(1, "").read(np.array(["0.25", "", "x", "1e3"], dtype=object))).all()


def test_general_compressors_get_the_form_that_suits_them():
    rows = pl.DataFrame(np.eye(8, dtype=np.int64).repeat(40, 0), schema=[f"x{k}" for k in range(8)])
    text = rows.cast(pl.String)
    found = sizes.sizes(Task("x", rows, rows, text, is_binary=True))
    assert found["packed bits"] == 320
    assert found["csv"] == len(csv_of(text)) > 320 > found["zstd"] > 0
    assert found["xz after training rows"] < found["xz"]


def test_the_page_has_the_figures_of_the_results():
    rows = json.loads((RESULTS / "coding.json").read_text())["tables"]["rows"]
    text = page.PAGE.read_text(encoding="utf-8")
    assert "\n".join(page.section(rows)) in text
    for row in rows:
        assert row["code over masses"] == pytest.approx(1, abs=2e-3)
        assert row["file over masses"] <= 1.01
        assert f"{row['code over masses']:.5f}" in text
