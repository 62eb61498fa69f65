"""Several processes answer as one does, in order; folders and patterns are tables."""

from functools import partial

import numpy as np
import polars as pl
import pytest
from helpers.command_line import chainrule

import chainrule as cr
from chainrule.cli import workers
from chainrule.table import Sink, read_chunks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of three Parquet files with holes, and a model of their rows."""
    path = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, 900)
    x = pl.Series(np.round(rng.normal(age, 3), 3)).set(pl.Series(rng.random(900) < 0.1), None)
    whole = pl.DataFrame({"age": age, "city": rng.choice(["Bern", "Oslo"], 900), "x": x})
    (path / "t").mkdir()
    for k in range(3):
        whole[300 * k : 300 * (k + 1)].write_parquet(path / "t" / f"p{k}.parquet")
    whole.write_csv(path / "t.csv")
    config = cr.FitConfig(hidden_size=8, epochs=2, members=1)
    cr.fit(whole, config=config, seed=0, verbose=False).save(path / "m.chainrule")
    return path


def run(*words, cwd):
    code, out, errors = chainrule(*words, cwd=cwd)
    assert code == 0, errors
    return out


@pytest.mark.parametrize(
    "words",
    [
        ("score",),
        ("explain", "--every-cell"),
        ("explain", "--top", "30"),
        ("impute",),
        ("impute", "--how", "draw", "--seed", "3"),
    ],
    ids=" ".join,
)
def test_two_processes_answer_as_one(folder, tmp_path, words):
    question, *options = words
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    run(question, "m.chainrule", "t", *options, "-o", one, cwd=folder)
    run(question, "m.chainrule", "t", *options, "--workers", 2, "-o", two, cwd=folder)
    found, wanted = pl.read_parquet(two), pl.read_parquet(one)
    assert found.schema == wanted.schema
    assert len(found) == (30 if "--top" in words else 900)
    for name, dtype in wanted.schema.items():
        if dtype.is_float():
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12, equal_nan=True)
        else:
            assert found[name].equals(wanted[name])


def test_a_pattern_is_said_and_parts_go_into_a_folder(folder, tmp_path):
    (tmp_path / "bits").mkdir()
    words = ("t/p[01].parquet", "--glob", "--every-cell", "-o", tmp_path / "bits")
    run("explain", "m.chainrule", *words, cwd=folder)
    parts = sorted((tmp_path / "bits").iterdir())
    assert [len(pl.read_parquet(part)) for part in parts] == [300, 300]
    code, _, errors = chainrule("explain", "m.chainrule", *words, cwd=folder)
    assert code == 2
    assert "a folder with files" in errors
    code, _, errors = chainrule("score", "m.chainrule", "t/p[01].parquet", cwd=folder)
    assert code == 2


def test_there_is_at_least_one_worker(folder):
    code, _, errors = chainrule("score", "m.chainrule", "t.csv", "--workers", 0, cwd=folder)
    assert code == 2
    assert "workers" in errors


def test_few_parts_are_read_ahead(folder, monkeypatch):
    """A slow reader of answers does not fill memory with parts."""
    read = []

    def counted():
        for chunk in read_chunks(folder / "t", rows=50):
            read.append(len(chunk))
            yield chunk

    scorer = cr.Scorer(folder / "m.chainrule")
    frames = []

    def take(answers):
        for frame in answers:
            assert len(read) <= len(frames) + 2 * workers.AHEAD
            frames.append(frame)

    workers.ask(
        scorer, "score", counted(), Sink(take, as_text=False), workers=2,
        load=partial(cr.Scorer, folder / "m.chainrule"), strict=False,
    )  # fmt: skip
    assert sum(map(len, frames)) == 900
