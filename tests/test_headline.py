"""One exact number of nats for a model, wherever it is shown; what is an estimate says so, with its
error.
"""

import re

import numpy as np
import pandas as pd
import pytest
from helpers.command_line import chainrule

import chainrule as cr
from chainrule.headline import headline
from chainrule.training import record
from chainrule.training.rows import rows_held_out

TINY = cr.FitConfig(hidden_size=6, components=2, epochs=3)


def holes(rows, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    table = pd.DataFrame(
        {
            "x": x,
            "n": rng.poisson(4, rows),
            "y": (x + rng.normal(size=rows)).round(1),
            "c": rng.choice(list("abc"), rows),
        }
    )
    table["over"] = x > 0
    return table.mask(rng.random(table.shape) < 0.2)


def whole(rows, seed=0):
    return holes(rows, seed).dropna()


TABLES = {
    "holes": (holes, {}),
    "missing is modelled": (holes, {"missing": "informative"}),
    "whole": (whole, {}),
    "one order": (whole, {"network": "nade"}),
    "several orders": (whole, {"network": "committee", "effort": "quick"}),
    "bits": (
        lambda rows, seed=0: (np.random.default_rng(seed).random((rows, 5)) < 0.7).astype(int),
        {"network": "made"},
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_number_of_a_fit_is_that_of_score(name):
    """−score of the validation rows to the bit, independent columns on the same rows, for every
    kind of network and table.
    """
    make, options = TABLES[name]
    config = (
        cr.FitConfig(hidden_size=6, components=2, epochs=2, members=2, orders=2)
        if "several" in name
        else TINY
    )
    table, valid = make(200), make(60, 1)
    density = cr.fit(table, valid, seed=0, config=config, verbose=False, **options)
    training = density.training
    assert training["valid_nats"] == pytest.approx(-density.score(valid), rel=1e-12)
    assert training["valid_is"] == "exact"
    nats, gain = training["valid_nats"], training["independent_valid_nats"] - training["valid_nats"]
    said = (
        f"−log p {nats:.3f} nats ({nats / np.log(2):.3f} bits) per row, "
        f"{gain:.3f} nats better than independent columns"
    )
    assert headline(training) == said
    assert (
        f"validation: −log p {nats:.2f} nats ({nats / np.log(2):.2f} bits) a row, "
        f"{gain:.2f} nats better" in repr(density)
    )


def test_independent_columns_are_scored_on_the_same_cells():
    """By hand: bits, of which some cells are unknown in the validation rows alone."""
    rng = np.random.default_rng(0)
    rows = (rng.random((300, 3)) < [0.2, 0.5, 0.9]).astype(float)
    valid = np.where(rng.random((40, 3)) < 0.3, np.nan, rows[:40])
    training = cr.fit(rows, valid, seed=0, config=TINY, verbose=False).training
    p = (rows.sum(0) + 0.5) / (len(rows) + 1)
    cells = np.where(valid == 1, np.log(p), np.where(valid == 0, np.log(1 - p), 0))
    assert training["independent_valid_nats"] == pytest.approx(-cells.sum(1).mean(), abs=0.01)


def test_rows_count_by_their_weight_and_those_held_out_are_the_ones_that_are_scored():
    table, weight = whole(200), np.exp(np.random.default_rng(2).normal(size=200))
    weight = weight[: len(table)]
    density = cr.fit(table, seed=0, sample_weight=weight, config=TINY, verbose=False)
    held = rows_held_out(len(table), density.training)
    nats = -density.log_prob(table.iloc[held])
    assert density.training["valid_nats"] == pytest.approx(
        np.average(nats, weights=weight[held]), rel=1e-6
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("headline")
    holes(300).assign(id=[f"k{n}" for n in range(300)]).to_csv(path / "t.csv", index=False)
    holes(80, 1).assign(id="").to_csv(path / "v.csv", index=False)
    return path


def test_fit_show_repr_and_the_end_of_the_curve_say_one_number(folder):
    words = [
        "fit",
        "t.csv",
        "--valid",
        "v.csv",
        "-o",
        "m.chainrule",
        "--seed",
        "0",
        "--hidden-size",
        "6",
        "--epochs",
        "3",
    ]
    code, _, said = chainrule(*words, cwd=folder)
    assert code == 0, said
    density = cr.load(folder / "m.chainrule")
    nats = f"{-density.score(pd.read_csv(folder / 'v.csv')):.3f}"
    (reached,) = re.findall(r"validation (.*); seed 0\n", said)
    assert reached.startswith(f"−log p {nats} nats (")
    assert headline(density.training) == reached
    assert said.count("left out") == 1  # and not in a warning, too
    _, shown, _ = chainrule("show", "m.chainrule", cwd=folder)
    assert re.search(rf"│ validation +│ {re.escape(reached)}; exact, on 80 rows +│", shown)
    curve = shown.split("training curve")[1].splitlines()
    assert re.fullmatch(
        r", nats per row; ≈: estimated in orders drawn at random, ± \d\.\d{3}", curve[0]
    )
    lines = [re.sub("[│ ]+", " ", line).strip() for line in curve if line.startswith("│")]
    assert all(re.fullmatch(r"\d ≈ \d+\.\d{3} ≈ \d+\.\d{3}", line) for line in lines[:-1])
    assert lines[-1] == f"kept {nats}"
    spread = re.search(r"│ spread over 16 orders +│ (.*?) +│", shown)[1]
    assert re.fullmatch(
        r"[\d.]+ nats between their means, [\d.]+ within a row, each exact; 80 validation rows",
        spread,
    )


def test_quiet_fits_still_warn_of_what_is_left_out_and_show_nothing_else(folder):
    words = [
        "fit",
        "t.csv",
        "-o",
        "q.chainrule",
        "--seed",
        "0",
        "--hidden-size",
        "4",
        "--epochs",
        "1",
        "--quiet",
    ]
    code, out, said = chainrule(*words, cwd=folder)
    assert (code, out) == (0, "")
    assert re.fullmatch(r"chainrule: warning: t\.csv: left out 'id' \(.*\)\n", said)


def test_what_is_left_out_of_a_wide_table_is_said_once(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(0, 2, (40, 70)), columns=[f"b{k}" for k in range(70)])
    table.assign(name=[f"n{k}" for k in range(40)], note=[f"o{k}" for k in range(40)]).to_csv(
        tmp_path / "t.csv", index=False
    )
    words = [
        "fit",
        "t.csv",
        "-o",
        "m.chainrule",
        "--seed",
        "0",
        "--hidden-size",
        "2",
        "--epochs",
        "1",
    ]
    _, _, said = chainrule(*words, cwd=tmp_path)
    assert said.splitlines()[:-1] == [
        "70 binary columns",
        "left out: name (labels of which none has 5 rows)",
        "left out: note (labels of which none has 5 rows)",
    ]


def test_where_rows_are_many_the_number_is_marked_with_its_error(monkeypatch, folder):
    """A part of the validation rows is scored, and nothing that is shown claims more."""
    monkeypatch.setattr(record, "MOST_STEPS", 150)
    monkeypatch.setattr(record, "LEAST_ROWS", 20)
    density = cr.fit(holes(200), holes(90, 1), seed=0, config=TINY, verbose=False)
    training, nats = density.training, -density.log_prob(holes(90, 1).iloc[:60])
    error = nats.std() / len(nats) ** 0.5
    assert training["valid_is"] == "estimated by the first 60 of 90 rows"
    assert training["valid_nats"] == pytest.approx(nats.mean(), rel=1e-12)
    assert training["valid_standard_error"] == pytest.approx(error)
    reached = headline(training)
    found = re.fullmatch(
        r"−log p ≈ ([\d.]+) ± ([\d.]+) nats \(≈ ([\d.]+) bits\) per row, "
        r"≈ (-?[\d.]+) ± ([\d.]+) nats better than independent columns",
        reached,
    )
    assert found[1] == f"{nats.mean():.3f}"
    assert found[2] == f"{error:.3f}"
    assert f"validation: −log p ≈ {nats.mean():.2f} ± {error:.2f} nats (≈ " in repr(density)
    density.save(folder / "many.chainrule")
    _, shown, _ = chainrule("show", "many.chainrule", cwd=folder)
    assert f"{reached}; estimated by the first 60 of 90 rows" in shown
    assert re.search(rf"│ +kept │ +│ +≈ {nats.mean():.3f} │", shown)


def test_models_of_version_0_1_0_are_marked_as_they_were():
    old = {
        "valid_nats": 14.331,
        "independent_valid_nats": 17.488,
        "valid_is": "an estimate of the mean over orders",
    }
    assert headline(old).startswith(
        "−log p ≈ 14.331 nats (≈ 20.675 bits) per row, ≈ 3.157 nats better"
    )
    assert headline({**old, "valid_is": "exact"}).startswith(
        "−log p 14.331 nats (20.675 bits) per row, 3.157 nats better"
    )
    assert headline({}) is None
    assert headline({**old, "valid_nats": None}) is None
