"""The benchmark of missing numbers: its holes, its figures, and what is kept of a run."""

import json
import re

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from benchmarks.tables import imputation
from benchmarks.tables.estimators import LEVELS_FROM, ExtraTreesOfKind
from benchmarks.tables.masses.tables import small_table
from benchmarks.tables.missing_numbers import __main__ as command
from benchmarks.tables.missing_numbers import fills as methods
from benchmarks.tables.missing_numbers import summary
from benchmarks.tables.missing_numbers import task as tasks
from benchmarks.tables.missing_numbers.figures import differences, figures, mean_of_rows
from benchmarks.tables.missing_numbers.fills import LABELS, OURS, TREES, Fills, fills
from benchmarks.tables.missing_numbers.holes import MECHANISMS, holes
from benchmarks.tables.missing_numbers.task import Task, task

ROWS = 4000


def numbers():
    """Four independent columns of different sizes, the last with a tenth of unknown cells."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(ROWS, 4)) * (1, 1000, 1, 1) + (0, 5, 0, 0)
    values[rng.random(ROWS) < 0.1, 3] = np.nan
    return values


def gap(mask, values, lost, of):
    """How far the means of a column differ between rows with and without a lost cell."""
    column = (values[:, of] - np.nanmean(values[:, of])) / np.nanstd(values[:, of])
    return abs(np.nanmean(column[mask[:, lost]]) - np.nanmean(column[~mask[:, lost]]))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_share_of_the_known_cells_is_lost_and_the_seed_says_which(mechanism):
    values = numbers()
    mask = holes(values, mechanism, 7)
    assert not mask[np.isnan(values)].any()
    assert (mask == holes(values, mechanism, 7)).all()
    assert (mask != holes(values, mechanism, 8)).any()
    assert mask[:, :3].any()
    assert mask.sum() / (~np.isnan(values)).sum() == pytest.approx(
        0.3 if mechanism != "MAR" else 3 / 4 * 3 / 7, abs=0.02
    )


@pytest.mark.parametrize("seed", range(4))
def test_one_column_decides_about_the_three_others(seed):
    """Differences of means by chance are below .15; a logistic slope of one gives about .9."""
    values = numbers()
    masks = {mechanism: holes(values, mechanism, seed) for mechanism in MECHANISMS}
    for lost in range(4):
        assert max(gap(masks["MCAR"], values, lost, of) for of in range(4)) < 0.15
    (decides,) = np.flatnonzero(~masks["MAR"].any(0))
    for lost in set(range(4)) - {decides}:
        assert gap(masks["MAR"], values, lost, decides) > 0.6
    (decides,) = [
        of
        for of in range(4)
        if all(gap(masks["MNAR"], values, lost, of) > 0.6 for lost in range(4) if lost != of)
    ]
    assert masks["MNAR"][:, decides].mean() == pytest.approx(0.3, abs=0.04)


def made_task(rows=200):
    whole = small_table(seed=1, rows=rows)
    schema = cr.infer_schema(whole)
    codes = methods.imputation.coded(whole, schema).values
    return Task("titanic", 0, whole, schema, holes(codes, "MCAR", 0))


def test_errors_are_those_of_removed_cells_in_standard_deviations():
    asked = made_task()
    truth = asked.truth.values
    label, count = (asked.truth.names.index(name) for name in ("label", "count"))
    best, means = truth + 1e3 * ~asked.holes, truth + 1e3 * ~asked.holes
    spread = asked.whole["count"].std(ddof=0)
    best[asked.holes[:, count], count] += 2 / spread  # two passengers too many
    means[asked.holes[:, count], count] += 4 / spread
    best[asked.holes[:, label], label] = 0
    found = figures(asked, Fills(best, means, 0.0))
    numbers = asked.holes.sum() - asked.holes[:, label].sum()
    share = asked.holes[:, count].sum() / numbers
    assert found["absolute"] == pytest.approx(2 / spread * share)
    assert found["squared"] == pytest.approx(4 / spread * np.sqrt(share))
    right = (truth[asked.holes[:, label], label] == 0).mean()
    assert found["accuracy"] == found["columns"]["label"] == pytest.approx(right)
    assert 0 < right < 1
    assert found["columns"]["count"] == pytest.approx(2 / spread)
    assert found["columns"]["amount"] == found["columns"]["share"] == 0


def test_differences_are_those_of_the_figures_and_have_errors_of_rows():
    asked, rng = made_task(2000), np.random.default_rng(0)
    ours, theirs = (
        Fills(*(asked.truth.values + size * rng.normal(size=(2, *asked.holes.shape))), 0.0)
        for size in (1, 2)
    )
    found = differences(asked, ours, theirs)
    first, second = figures(asked, ours), figures(asked, theirs)
    for figure, gap in found.items():
        assert gap["difference"] == pytest.approx(first[figure] - second[figure])
    count = asked.holes[:, ~asked.truth.is_category].sum()
    expected = np.sqrt((1 + 2**2) * (1 - 2 / np.pi) / count)  # of independent folded normals
    assert found["absolute"]["standard error"] == pytest.approx(expected, rel=0.1)
    expected = np.sqrt((1 + 2**2) / 2 / count)  # of roots of chi-squares
    assert found["squared"]["standard error"] == pytest.approx(expected, rel=0.1)


def test_cells_of_a_row_are_no_independent_evidence():
    rows = np.random.default_rng(0).normal(size=(500, 1))
    alone, repeated = mean_of_rows(rows), mean_of_rows(np.repeat(rows, 4, axis=1))
    assert repeated == pytest.approx(alone)
    assert alone[1] == pytest.approx(rows.std() / np.sqrt(500))


def test_medians_serve_the_absolute_error_and_means_the_squared_one(monkeypatch):
    asked = made_task()

    class Density:
        def impute(self, table, how):
            value = {"best": 1.0, "mean": 3.0}[how]
            return table.with_columns(pl.col("amount").fill_null(value))

    given = {}
    monkeypatch.setattr(cr, "fit", lambda frame, **options: given.update(options) or Density())
    amount = asked.truth.names.index("amount")
    lost = asked.holes[:, amount]
    units = asked.truth.spread[amount], asked.truth.center[amount]
    ours = fills(OURS, asked, "quick")
    assert (ours.best[lost, amount] * units[0] + units[1]).tolist() == pytest.approx(
        [1.0] * lost.sum()
    )
    assert (ours.means[lost, amount] * units[0] + units[1]).tolist() == pytest.approx(
        [3.0] * lost.sum()
    )
    assert given == {
        "seed": 0,
        "effort": "quick",
        "kinds": {},
        "missing": "unknown",
        "verbose": False,
    }
    fills(methods.INFORMATIVE, asked, "quick")
    assert given["missing"] == "informative"
    simplest = fills("most frequent, median or mean", asked, "quick")
    left = asked.given["amount"].drop_nulls()
    assert simplest.best[lost, amount] * units[0] + units[1] == pytest.approx(left.median())
    assert simplest.means[lost, amount] * units[0] + units[1] == pytest.approx(left.mean())


def test_trees_classify_levels_and_regress_numbers():
    x = np.random.default_rng(0).normal(size=(200, 1))
    levels = LEVELS_FROM + 5 * (x[:, 0] > 0)
    found = ExtraTreesOfKind(random_state=0).fit(x, levels).predict(x)
    assert set(found) == set(levels)
    found = ExtraTreesOfKind(random_state=0).fit(x, 3 * x[:, 0]).predict(x)
    assert np.abs(found - 3 * x[:, 0]).mean() < 1  # of 2.4 for the mean
    assert len(np.unique(found)) > 50


@pytest.fixture
def folders(monkeypatch, tmp_path):
    monkeypatch.setattr(tasks, "some_rows", lambda name, rows, seed: small_table(seed, rows=rows))
    monkeypatch.setattr(tasks, "ROWS", 150)
    monkeypatch.setattr(tasks, "LEFT_OUT", {})
    monkeypatch.setattr(imputation, "ROUNDS", 1)
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(command, "TRIALS", tmp_path / "trials")
    return tmp_path


WORDS = ["--table", "titanic", "--mechanism", "MAR", "--rows", "150"]


def test_a_table_is_measured_once_and_kept(folders, capsys):
    words = [*WORDS, "--seed", "3", "--effort", "quick"]
    command.main(words)
    path = folders / "trials" / "quick-150-titanic-MAR-3.json"
    kept = path.read_text()
    found = json.loads(kept)
    assert list(found["methods"]) == list(LABELS)
    asked = task("titanic", "MAR", 3, 150)
    assert found["rows"] == 150
    assert found["cells"]["numbers"] + found["cells"]["labels"] == asked.holes.sum()
    trees, ours = (found["methods"][label] for label in (TREES, OURS))
    simplest = found["methods"][LABELS[0]]
    assert 0 < ours["absolute"] < 1.5 * simplest["absolute"]
    assert ours["effort"] == "quick"
    assert ours["to trees"]["absolute"]["difference"] == pytest.approx(
        ours["absolute"] - trees["absolute"]
    )
    printed = capsys.readouterr().out
    assert re.match(r"quick-150-titanic-MAR-3: \d+ numbers, \d+ labels\n", printed)
    assert re.search(r"\| MAR \| chainrule \| 0\.\d{4} .* [+-]\d+\.\d% \|", printed)
    command.main(words)
    assert path.read_text() == kept
    assert capsys.readouterr().out == printed


def test_fills_of_trees_serve_all_efforts_and_ours_are_made_anew(folders, monkeypatch, capsys):
    made = []

    def fake(label, asked, effort):
        made.append((label, effort))
        truth = asked.truth.values
        return Fills(truth + (label == TREES), truth + (label == TREES), 0.0)

    monkeypatch.setattr(command, "fills", fake)
    words = [*WORDS, "--seed", "1"]
    command.main([TREES, OURS, *words, "--effort", "quick"])
    command.main([TREES, OURS, *words, "--effort", "standard"])
    assert made == [(TREES, "quick"), (OURS, "quick"), (OURS, "standard")]
    command.main([OURS, *words, "--effort", "quick", "--again"])
    assert made[3:] == [(OURS, "quick")]
    command.main([TREES, *words, "--effort", "quick", "--again"])
    assert made[4:] == [(TREES, "quick")]
    assert "-100.0%" in capsys.readouterr().out
    assert {path.name for path in (folders / "trials").glob("*.json")} == {
        "150-titanic-MAR-1.json",
        "quick-150-titanic-MAR-1.json",
    }


def test_effort_standard_and_all_rows_are_results(folders, monkeypatch):
    monkeypatch.setattr(command, "ROWS", 150)
    monkeypatch.setattr(
        command, "fills", lambda label, asked, effort: Fills(*[asked.truth.values] * 2, 0.0)
    )
    command.main([TREES, *WORDS, "--seed", "0"])
    assert [path.name for path in (folders / "results").iterdir()] == ["titanic-MAR-0.json"]


def test_an_unknown_method_is_refused_before_work_starts(folders):
    with pytest.raises(SystemExit, match="unknown method 'forest'; known: most frequent, median"):
        command.main(["forest", *WORDS])
    assert list(folders.iterdir()) == []


def test_the_gain_is_the_ratio_of_means_over_tables_by_seed(tmp_path):
    paths = {}
    for seed, ours in enumerate(([1.0, 3.0], [2.0, 4.0])):
        for number, (mine, other) in enumerate(zip(ours, (2.0, 3.0), strict=True)):
            path = tmp_path / f"{number}-{seed}.json"
            each = {"squared": 0.5, "accuracy": 0.5}
            path.write_text(
                json.dumps(
                    {
                        "methods": {
                            TREES: {"absolute": other, **each},
                            OURS: {"absolute": mine, **each},
                        }
                    }
                )
            )
            paths.setdefault(("MNAR", seed), []).append(path)
    *_, trees, ours = summary.means(paths)
    assert trees == f"| MNAR | {TREES} | 2.5000 | 0.5000 | 0.5000 |  |"
    assert ours == f"| MNAR | {OURS} | 2.5000 | 0.5000 | 0.5000 | +0.0% ± 20.0% |"
