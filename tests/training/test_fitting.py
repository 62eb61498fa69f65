"""Fitting tables: options, rules, weights, limits, files read in parts, and what a model file does
not hold.
"""

import importlib
import json
import re
import time
import warnings
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.command_line import chainrule as command
from helpers.some_tables import mixed

import chainrule as cr
import chainrule.tasks
from chainrule.errors import ChainruleError, FormatError, SchemaError, ShapeError
from chainrule.networks import spread
from chainrule.table import lazy, read, read_chunks
from chainrule.tasks import calibrate
from chainrule.training import fitting, loop, memory, record, rows
from chainrule.training.recipes import RECIPES
from chainrule.training.recipes.orderless import EFFORTS, batch_size

fills, sample = map(  # functions hide them
    importlib.import_module, ("chainrule.table.fills", "chainrule.tasks.sample")
)
ALL = ["sex", "town", "gain", "height", "price", "hour"]
QUICK = cr.FitConfig(hidden_sizes=(12,), components=2, epochs=3, members=2)


def bytes_of(density, path):
    density.save(path)
    return path.read_bytes()


def test_seeds_reproduce_bytes(tmp_path):
    frame = mixed(200, holes=0.1)
    one, two = (
        bytes_of(cr.fit(frame, seed=3, config=QUICK, verbose=False), tmp_path / f"m{k}")
        for k in range(2)
    )
    assert one == two
    assert one != bytes_of(cr.fit(frame, seed=4, config=QUICK, verbose=False), tmp_path / "m")


def test_rules_follow_the_table(density):
    columns, recipe = density.model.network.columns, RECIPES["orderless"]
    config = recipe.plan(cr.FitConfig(), columns, 50_000, "standard")
    assert (config.batch_size, config.hidden_sizes) == (512, EFFORTS["standard"].hidden_sizes)
    assert config.epochs == round(EFFORTS["standard"].steps * 512 / 50_000)
    small = recipe.plan(cr.FitConfig(), columns, 60, "standard")
    assert (small.batch_size, small.hidden_sizes, small.epochs) == (32, (32, 32), 240)
    sizes = [recipe.plan(cr.FitConfig(), columns, 10**6, e).hidden_sizes[0] for e in EFFORTS]
    assert sizes == sorted(sizes)
    assert [batch_size(n) for n in (1, 10**9)] == [32, 512]
    assert config.patience == small.patience == 0
    members = [
        recipe.plan(cr.FitConfig(), columns, n, "standard").members
        for n in (199, 200, 10_000, 10_001)
    ]
    assert members == [1, 2, 2, 1]
    assert recipe.plan(cr.FitConfig(), columns, 600, "quick").members == 1
    with pytest.raises(ChainruleError, match=r"members = 2: .* pass network='committee'"):
        RECIPES["made"].check(cr.FitConfig(members=2))
    told = recipe.plan(cr.FitConfig(hidden_size=7, epochs=2), columns, 1000, "best")
    assert (told.hidden_sizes, told.epochs) == ((7, 7), 2)


def test_weights_count_rows(tmp_path):
    """Rows of weight zero are as if they were not there; heavy rows are learned."""
    frame = pd.DataFrame({"a": [0] * 100 + [1] * 100, "b": [0] * 100 + [1] * 100})
    weight = np.repeat([9.0, 1.0], 100)
    config = cr.FitConfig(hidden_size=8, epochs=120, learning_rate=0.01, patience=0)
    density = cr.fit(frame, sample_weight=weight, seed=0, config=config, verbose=False)
    both = pd.DataFrame({"a": [0, 1], "b": [0, 1]})
    assert np.exp(density.log_prob(both)) == pytest.approx([0.9, 0.1], abs=0.06)
    weight = np.repeat([1.0, 0.0], 100)
    density = cr.fit(frame, sample_weight=weight, seed=0, config=config, verbose=False)
    assert density.training["train_rows"] + density.training["valid_rows"] == 100
    for wrong in ([1.0], [-1.0] * 200, [0.0] * 200, [np.nan] * 200):
        with pytest.raises(ShapeError, match="sample_weight"):
            cr.fit(frame, sample_weight=wrong, config=QUICK, verbose=False)


@pytest.mark.parametrize("batch_size", [4, 64])
def test_a_time_limit_ends_training(batch_size, monkeypatch):
    """By a clock that is a tenth of a second on whenever it is read: within an epoch of 90 steps,
    after some of 6.
    """
    clock = count(0, 0.1)
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    config = cr.FitConfig(hidden_sizes=(8, 8), epochs=100_000, patience=0, batch_size=batch_size)
    density = cr.fit(mixed(400), time_limit_s=3.0, seed=0, config=config, verbose=False)
    assert next(clock) < 4
    history = density.training["history"]
    assert len(history) == 1 if batch_size == 4 else 2 <= len(history) < 30
    assert [record["rate"] for record in history] == sorted(
        (record["rate"] for record in history), reverse=True
    )
    assert history[-1]["rate"] < 1e-4


class Clock:
    """A clock that only the work of a fit turns on, each part at a price in seconds."""

    def __init__(self, monkeypatch, *, reading, step=1.0, order=0.6, row=0.006):
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        self._price(monkeypatch, fitting, "training_data", lambda found: reading)
        self._price(monkeypatch, loop, "_step", lambda found: step)
        self._price(monkeypatch, spread, "_nats", lambda found: order)
        self._price(monkeypatch, record, "nats", lambda found: row * len(found))
        self._price(monkeypatch, calibrate.Draws, "measured", lambda found: row * len(found))

    def _price(self, monkeypatch, place, name, seconds):
        work = getattr(place, name)

        def priced(*args, **options):
            found = work(*args, **options)
            self.now += seconds(found)
            return found

        monkeypatch.setattr(place, name, priced)


@pytest.mark.parametrize(("limit", "is_cut"), [(30.0, True), (3000.0, False)])
def test_a_time_limit_covers_reading_training_and_the_record(limit, is_cut, monkeypatch, tmp_path):
    clock = Clock(monkeypatch, reading=limit / 4, step=limit / 600)
    config = cr.FitConfig(hidden_sizes=(8, 8), epochs=100_000, patience=0, batch_size=64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        density = cr.fit(
            mixed(400), mixed(1000), time_limit_s=limit, seed=0, config=config, verbose=False
        )
    assert 0.8 * limit < clock.now <= 1.05 * limit
    found = density.training
    assert len(found["history"]) > 10
    assert found["order_spread"]["orders"] == (2 if is_cut else 16)
    assert found.get("scored_rows") == (100 if is_cut else None)
    assert (found["valid_is"] == "estimated by the first 100 of 1000 rows") == is_cut
    assert (found["calibration"] is None) == is_cut
    density.save(tmp_path / "m")  # the same rows are scored again
    again = cr.fit(mixed(400), mixed(1000), finished=tmp_path / "m", config=config, verbose=False)
    assert again.training["valid_nats"] == found["valid_nats"]


def test_a_table_that_takes_all_the_time_is_said_to():
    """Only reading takes time here."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        Clock(monkeypatch, reading=9.5)
        with pytest.warns(
            UserWarning,
            match=r"time_limit_s = 10: reading the table took 9.5 s, so nothing was trained",
        ):
            density = cr.fit(mixed(400), time_limit_s=10, seed=0, config=QUICK, verbose=False)
    assert density.training["history"] == []
    # The network's first weights are random and small.
    assert density.training["valid_nats"] == pytest.approx(
        density.training["independent_valid_nats"], abs=0.02
    )


def test_a_time_limit_is_a_number_of_seconds():
    with pytest.raises(
        ChainruleError, match="time_limit_s = 0: pass a number of seconds above zero"
    ):
        cr.fit(mixed(50), time_limit_s=0, verbose=False)


def test_memory_is_refused_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 10_000_000)
    with pytest.raises(
        ChainruleError,
        match=r"training needs about 7.\d GB, and 0.0 GB are free: pass smaller hidden layers",
    ):
        cr.fit(
            mixed(50), config=cr.FitConfig(hidden_sizes=(10_000, 10_000), members=3), verbose=False
        )
    assert memory.free_bytes() == 10_000_000


def test_fit_says_what_it_assumed(capsys):
    with pytest.warns(UserWarning, match="left out 'row'"):
        density = cr.fit(mixed(60).assign(row=range(60)), seed=0, config=QUICK)
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in said] == [
        ["sex", "binary"], ["town", "categorical"], ["gain", "integer"], ["height", "real"],
        ["price", "real"],
        ["hour", "datetime"], ["row", "left"],
    ]  # fmt: skip
    shown = repr(density).splitlines()
    assert shown[0] == (
        "Density of 1 binary, 1 categorical, 1 integer, 2 real, 1 datetime columns by OrderlessNADE"
    )
    assert "nats better than independent columns" in shown[1]
    assert shown[3] == "left out: row"
    assert density.training["effort"] == "standard"


def test_wrong_options_are_explained():
    frame, nothing = mixed(30), pd.DataFrame({"a": [None, None]})
    for options, message in (
        ({"effort": "most"}, "effort 'most' is unknown; choose one of 'best', 'quick', 'standard'"),
        ({"missing": "bad"}, "missing 'bad' is unknown; choose one of 'informative', 'unknown'"),
        ({"min_count": 0}, "min_count = 0"),
        ({"objective": "all"}, "objective 'all' is unknown"),
    ):
        with pytest.raises(ChainruleError, match=message):
            cr.fit(frame, config=QUICK, verbose=False, **options)
    warnings.simplefilter("ignore")  # pytest takes it back
    with pytest.raises(SchemaError, match="no column can be modelled: 'a' is no known value"):
        cr.fit(nothing, verbose=False)


def test_a_model_file_holds_no_row_and_no_rare_label(tmp_path):
    """No label rarer than min_count, and no two neighbouring cells of a row, are in the file's
    bytes.
    """
    rng = np.random.default_rng(0)
    frame = mixed(300).assign(
        city=rng.choice(["Aachen", "Bonn", "Celle"], 300).astype(object),
        salary=rng.normal(50_000, 9_000, 300),
    )
    frame.loc[:3, "city"] = "Secretville"
    frame.loc[4, "city"] = "Hiddenham"
    frame["kind"] = frame["city"].astype("category")
    path = tmp_path / "m"
    for data in (
        frame,
        pl.from_pandas(frame).with_columns(pl.col("city").cast(pl.Enum(sorted(set(frame.city))))),
    ):
        content = bytes_of(cr.fit(data, seed=1, config=QUICK, verbose=False), path)
        assert b"Aachen" in content
        for word in (b"Secretville", b"Hiddenham"):
            assert word not in content
        for value in frame["salary"]:
            assert repr(float(value)).encode() not in content
            assert np.float64(value).tobytes() not in content
            assert np.float32(value).tobytes() not in content


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    frame = mixed(500, holes=0.1)
    frame["note"] = [None if k % 3 else 'a "b",\nc' for k in range(500)]
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_csv(folder / "t.csv.gz", index=False)
    pl.read_csv(folder / "t.csv", try_parse_dates=True).write_parquet(
        folder / "t.parquet", row_group_size=64
    )
    return folder


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_files_are_read_in_parts_as_they_are_whole(files, name, monkeypatch):
    whole = read.read_table(files / name)
    parts = list(read_chunks(files / name, rows=70))
    assert len(parts) > 4
    assert sum(map(len, parts)) == len(whole) == 500
    assert [part.first_row for part in parts] == np.cumsum([0, *map(len, parts[:-1])]).tolist()
    monkeypatch.setattr(
        read.read_chunks, "__kwdefaults__", {**read.read_chunks.__kwdefaults__, "rows": 70}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        density = cr.fit(files / name, seed=0, config=QUICK, verbose=False)
    scored = density.log_prob(files / name)
    assert np.allclose(scored, density.log_prob(whole), rtol=1e-12)
    parts = density.log_prob(files / name, parts=True)
    assert np.allclose(parts.mass + parts.density, scored)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_large_files_train_to_the_same_bytes(files, name, monkeypatch, tmp_path):
    """Read a column at a time and trained from memory-mapped files, as in memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = bytes_of(cr.fit(files / name, seed=0, config=QUICK, verbose=False), tmp_path / "one")
        monkeypatch.setattr(lazy, "LARGE_BYTES", 1)
        monkeypatch.setattr(lazy, "CHUNK_ROWS", 60)
        table = lazy.read_table_lazily(files / name)
        assert table.rows == 500
        assert isinstance(table.columns, lazy.LazyColumns)
        made = []
        array = rows._array
        monkeypatch.setattr(rows, "_array", lambda *of: made.append(array(*of)) or made[-1])
        two = bytes_of(cr.fit(files / name, seed=0, config=QUICK, verbose=False), tmp_path / "two")
    assert one == two
    assert [type(part) for part in made] == [
        np.memmap
    ] * 4  # codes and masks, to train on and to validate with
    folder = Path(made[0].filename).parent
    assert not folder.exists()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_filled_and_drawn_tables_are_written_in_parts(files, ending, monkeypatch, tmp_path):
    """As in memory, and either whole or not at all."""
    monkeypatch.setattr(
        read.read_chunks, "__kwdefaults__", {**read.read_chunks.__kwdefaults__, "rows": 70}
    )
    monkeypatch.setattr(sample, "BATCH_ROWS", 60)
    warnings.simplefilter("ignore")
    density = cr.fit(files / "t.csv", seed=0, config=QUICK, verbose=False)
    source, to = files / f"t.{ending}", tmp_path / f"filled.{ending}"
    assert density.impute(source, how="best", to=to) == to
    got, want = read.read_table(to).frame, density.impute(source, how="best")
    assert (
        got.select(ALL).equals(want.select(ALL)) if ending == "parquet" else got.shape == want.shape
    )
    assert got.select(ALL).null_count().sum_horizontal().item() == 0
    assert got["note"].to_list() == want["note"].to_list()
    drawn = density.sample(200, seed=1, to=tmp_path / f"drawn.{ending}")
    assert len(read.read_table(drawn)) == 200
    assert np.allclose(density.log_prob(drawn), density.log_prob(density.sample(200, seed=1)))
    assert density.impute(source, seed=1, to=to) == to
    with pytest.raises(FormatError, match=r"tables are written as \.csv or \.parquet"):
        density.sample(3, to=tmp_path / "x.txt")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        density.sample(3, to=tmp_path / "no" / "x.csv")
    with pytest.raises(ChainruleError, match="is also read; write to another file"):
        density.impute(to, to=to)
    with pytest.raises(ShapeError, match="to= writes one table"):
        density.impute(source, n_draws=2, to=to)
    monkeypatch.setattr(fills, "_filled", None)  # fails at the first part
    with pytest.raises(TypeError):
        density.impute(source, seed=1, to=tmp_path / f"half.{ending}")
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"drawn.{ending}", f"filled.{ending}"]


def test_faults_late_in_a_file_are_named_by_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 50 + "1\n")
    with pytest.raises(FormatError, match=rf"{path}: line 52 has 1 field\(s\) where line 1 has 2"):
        list(read_chunks(path, rows=10))
    path.write_text("a,b\n" + "1,2\n" * 50 + "1,x\n")
    density = cr.fit(
        pd.DataFrame({"a": [1, 2, 3] * 9, "b": [2, 3, 4] * 9}), seed=0, config=QUICK, verbose=False
    )
    *_, last = read_chunks(path, rows=10)
    with pytest.raises(
        SchemaError,
        match=rf"column 'b': value 'x' at row 50 \(line 52 of {path}\) is not a finite number",
    ):
        density.log_prob(last, strict=True)


def test_the_command_line_fits_tables(tmp_path):
    mixed(200, holes=0.1).to_csv(tmp_path / "t.csv", index=False)
    words = (
        "t.csv",
        "-o",
        "m",
        "--epochs",
        2,
        "--kind",
        "gain=real",
        "--missing",
        "informative",
        "--seed",
        1,
    )
    code, _, errors = command("fit", *words, cwd=tmp_path)
    assert code == 0, errors
    assert re.search(r"^gain +real +as you said", errors, re.MULTILINE)
    code, shown, _ = command("show", "m", "--json", cwd=tmp_path)
    assert json.loads(shown)["training"]["order_spread"]["orders"] == 16
    assert "spread over 16 orders" in command("show", "m", cwd=tmp_path)[1]
    code, drawn, errors = command("sample", "m", "-n", 3, "--given", "town=north", cwd=tmp_path)
    assert code == 0, errors
    assert drawn.splitlines()[0] == "sex,town,gain,height,price,hour"
    assert [line.split(",")[1] for line in drawn.splitlines()[1:]] == ["north"] * 3
