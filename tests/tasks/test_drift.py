"""Drift: every kind of change is found and named, ordinary rows are not, files disclose nothing."""

import copy
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.some_tables import density_of_bits, people, three_bits

import chainrule as cr
from chainrule.errors import ChainruleError, FormatError, ShapeError
from chainrule.tasks.drift import HeldOutFigures
from chainrule.tasks.drifting.changes import differences, joint_p_value
from chainrule.tasks.drifting.figures import FEWEST, Cells, Figure, Sample
from chainrule.tasks.drifting.scales import LevelScale, NumberScale, Scales

ROWS = 1000


@pytest.fixture(scope="module")
def density(density_of_people):
    return density_of_people


def changed(what):
    """Ordinary rows in which one thing is changed."""
    rows, rng = people(ROWS, seed=21), np.random.default_rng(0)
    if what == "dependence":  # the same incomes, for other ages
        income = rows["income"].to_numpy()
        rows.loc[np.argsort(income), "income"] = np.sort(income)[::-1]
    elif what == "location":
        rows["height"] += 0.3 * 9
    elif what == "spread":
        rows["height"] = 170 + 1.5 * (rows["height"] - 170)
    elif what == "levels":
        rows["town"] = np.where(rng.random(ROWS) < 0.15, "west", rows["town"])
    elif what == "missing":
        rows.loc[rng.random(ROWS) < 0.1, "height"] = np.nan
    elif what == "unlisted":
        rows.loc[:11, "town"] = "Atlantis"
    elif what == "outside":
        rows["smoker"] = rows["smoker"].astype(int)
        rows.loc[:19, "smoker"] = 2
    return rows


@pytest.mark.parametrize(
    ("what", "columns", "said"),
    [
        ("dependence", "age and income", "age and income: dependence changed (correlation 0."),
        ("location", "height", "height: higher values (mean rank 0.5"),
        ("spread", "height", "height: wider spread ("),
        ("levels", "town", "town: shares of labels changed ("),
        ("missing", "height", "height: more missing cells ("),
        ("unlisted", "town", "town: labels never seen (such as 'Atlantis': 0.0 % → 1.2 %)"),
        (
            "outside",
            "smoker",
            "smoker: values that the column cannot hold (such as 2: 0.0 % → 2.0 %)",
        ),
    ],
)
def test_each_kind_of_change_is_found_and_named(density, what, columns, said):
    for reference in (None, people(ROWS, seed=22)):
        found = density.drift(changed(what), reference)
        assert found.found
        assert found.named[0].columns == columns
        assert what in {change.change for change in found.named}
        assert said in found.sentence
        assert found.named[0].p_value <= found.p_value < found.fail_under


def test_a_broken_dependence_makes_both_columns_more_surprising(density):
    surprise = {
        change.column: change
        for change in density.drift(changed("dependence")).changes
        if change.change == "surprise"
    }
    for column in ("age", "income"):
        assert surprise[column].size > 0.1
        assert surprise[column].p_value < 1e-3
    assert surprise["height"].p_value > 0.01


def test_ordinary_rows_have_no_drift(density):
    for seed in range(20, 26):
        found = density.drift(people(ROWS, seed=seed))
        assert not found.found
        assert found.named == ()
        assert re.fullmatch(r"no drift found \(joint p = [\d.]+\)", found.sentence)
    held_out = density.drift(people(700, seed=1))  # the very rows: every difference is zero
    assert held_out.p_value > 0.99
    assert {change.size for change in held_out.changes} == {0.0}


def test_the_result_as_a_table_text_and_json(density):
    found = density.drift(changed("dependence"))
    table = found.table
    assert isinstance(table, pd.DataFrame)
    assert list(table) == [
        "column", "other", "change", "before", "after", "size", "example", "p_value", "q_value",
    ]  # fmt: skip
    assert len(table) == len(found.changes)
    assert table["size"].tolist() == (table["after"] - table["before"]).tolist()
    assert table["p_value"].is_monotonic_increasing
    assert table["q_value"].is_monotonic_increasing
    assert isinstance(density.drift(pl.from_pandas(people(100, seed=3))).table, pl.DataFrame)
    lines = str(found).splitlines()
    assert max(map(len, lines[: lines.index("")])) <= 80
    assert lines[0] == "What changed"
    assert lines[-2].startswith("1,000 rows beside 700 held-out rows; ")
    assert lines[-1] == found.sentence
    assert "<caption>What changed</caption>" in found._repr_html_()
    spec = json.loads(json.dumps(found.to_json()))
    assert spec["found"] is True
    assert (spec["sentence"], spec["p_value"]) == (found.sentence, found.p_value)
    assert (spec["rows"], spec["reference_rows"], spec["reference"]) == (1000, 700, "held-out rows")
    assert [each["size"] for each in spec["changes"]] == [each.size for each in found.changes]


def test_saved_figures_give_the_same_answer(density, tmp_path):
    density.save(tmp_path / "m")
    rows = people(300, seed=5)
    again = cr.load(tmp_path / "m")
    assert again.drift(rows).to_json() == density.drift(rows).to_json()
    spec = density.training["drift"]
    assert HeldOutFigures.from_json(spec).to_json() == spec
    assert len(json.dumps(spec)) < 6000


def test_old_files_ask_for_a_reference(density):
    old = replace(density, training={**density.training, "drift": None})
    with pytest.raises(ChainruleError, match=r"pass the rows to compare with as reference \(--ref"):
        old.drift(people(100))
    found = old.drift(changed("dependence"), people(ROWS, seed=22))
    assert "age and income: dependence changed" in found.sentence
    few = cr.fit(people(100), seed=0, verbose=False, config=cr.FitConfig(epochs=1, hidden_size=4))
    assert few.training["drift"] is None  # it held out 10 rows
    assert not few.drift(people(200, seed=1), people(200, seed=2)).found


def test_wrong_arguments_are_refused(density):
    for wrong in (0, 1, -0.1, True, "0.01"):
        with pytest.raises(ShapeError, match="fail_under"):
            density.drift(people(50), fail_under=wrong)
    with pytest.raises(ChainruleError, match="a table without rows has no drift"):
        density.drift(people(50)[:0])


def test_few_rows_are_compared_by_counts_alone(density):
    rows = people(FEWEST - 1, seed=2)
    rows["smoker"] = 2
    found = density.drift(rows)
    assert {change.change for change in found.changes} <= {"missing", "outside"}
    assert found.found
    assert found.notes == ("With fewer than 20 rows only counts of cells are compared.",)


def test_a_network_of_one_order_compares_without_surprise():
    density = density_of_bits()
    rows = three_bits(600, seed=7)
    found = density.drift(rows)
    assert not found.found
    assert "surprise" not in {change.change for change in found.changes}
    assert "one order of the columns: no surprise" in found.notes[0]
    rows["b"] = np.random.default_rng(0).permutation(rows["b"])
    assert "a and b: dependence changed (correlation 0." in density.drift(rows).sentence


def normal_scales(columns):
    knots = np.random.default_rng(9).normal(size=2000)
    first, second = np.triu_indices(columns, k=1)
    return Scales((NumberScale.of(knots),) * columns, np.stack([first, second], axis=1))


def schema_of(columns):
    names = [f"x{k}" for k in range(columns)]
    return cr.infer_schema(
        pd.DataFrame(np.random.default_rng(0).normal(size=(50, columns)), columns=names)
    )


def cells_of(x, scales):
    known = ~np.isnan(x)
    return Cells(
        scales(np.nan_to_num(x), known), np.full(x.shape, np.nan), x, np.zeros(x.shape, bool)
    )


def joint(x, y, scales, schema):
    """The joint p-value of two samples of numbers, and the least of all p-values."""
    cells = cells_of(x, scales)
    new, old = (Sample.of(each, schema, scales) for each in (cells, cells_of(y, scales)))
    tests = differences(new, old, scales, schema, of_fit=False)
    return joint_p_value(tests, cells, new, old, scales), min(test.p_value for test in tests)


def test_the_joint_p_value_is_uniform_whatever_the_dependence():
    """Of 200 pairs of samples of dependent numbers, a tenth is below a tenth."""
    scales, schema, rng = normal_scales(5), schema_of(5), np.random.default_rng(1)
    mixing = rng.normal(size=(5, 5)) + np.eye(5)
    samples = (rng.normal(size=(2, 200, 5)) @ mixing for _ in range(200))
    found = np.array([joint(x[:150], y, scales, schema) for x, y in samples])
    assert 10 <= (found[:, 0] < 0.1).sum() <= 30
    assert 80 <= (found[:, 0] < 0.5).sum() <= 120
    assert (found[:, 0] >= found[:, 1]).mean() > 0.95


def test_the_joint_p_value_of_dependent_labels_is_uniform():
    """As for numbers: of 200 pairs of samples, a tenth is below a tenth."""
    schema = cr.infer_schema(pd.DataFrame({name: list("abcd") * 10 for name in "xyz"}))
    shares, rng = (0.4, 0.3, 0.2, 0.1), np.random.default_rng(1)
    scale = LevelScale((1.0, 0.0, -1.0, 0.5), shares)
    scales = Scales((scale,) * 3, np.empty((0, 2), np.int64))

    def sample():
        common = rng.choice(4, (200, 1), p=shares)
        own = rng.choice(4, (200, 3), p=shares)
        return np.where(rng.random((200, 3)) < 0.7, common, own).astype(float)

    found = np.array([joint(sample(), sample(), scales, schema)[0] for _ in range(200)])
    assert 10 <= (found < 0.1).sum() <= 30
    assert 80 <= (found < 0.5).sum() <= 120


def test_rows_in_groups_are_said_to_be_no_independent_ones():
    frame = pd.DataFrame(
        {"who": np.repeat(np.arange(60), 4), "x": np.random.default_rng(0).normal(size=240)}
    )
    config = cr.FitConfig(hidden_size=4, epochs=1)
    density = cr.fit(frame, groups="who", seed=0, config=config, verbose=False)
    found = density.drift(frame, frame)
    assert any("one row of each group" in note for note in found.notes)


def test_copies_of_a_column_do_not_count_twice():
    scales, schema, rng = normal_scales(6), schema_of(6), np.random.default_rng(2)
    x, y = rng.normal(0.15, 1, size=(300, 1)), rng.normal(size=(300, 1))
    copies = joint(x + 1e-3 * rng.normal(size=(300, 6)), np.repeat(y, 6, axis=1), scales, schema)[0]
    alone, least = joint(x, y, normal_scales(1), schema_of(1))
    assert least < alone < 3 * least  # mean and spread
    assert copies < 3 * alone


def test_a_constant_column_that_changes_is_found():
    """Both samples are constant, so that no variance can be estimated."""
    scales, schema, rng = normal_scales(2), schema_of(2), np.random.default_rng(4)
    x = rng.normal(size=(100, 2))
    x[:, 1] = 0.0
    y = rng.normal(size=(100, 2))
    y[:, 1] = 1.0
    assert joint(x, y, scales, schema)[0] < 1e-10
    y[:, 1] = 0.0
    assert joint(x, y, scales, schema)[0] > 0.01


def test_a_relation_that_breaks_makes_its_columns_surprising():
    """In the held-out rows they have no surprise at all: the rest of the row determines them."""
    rng = np.random.default_rng(0)
    rows = pl.DataFrame({"net": rng.integers(100, 900, 900), "tax": rng.integers(1, 90, 900)})
    rows = rows.with_columns(gross=pl.col("net") + pl.col("tax"))
    config = cr.FitConfig(hidden_sizes=(8,), epochs=2)
    density = cr.fit(rows[:400], rows[400:600], seed=0, verbose=False, config=config)
    assert [tie.text for tie in density.schema.ties] == ["gross = net + tax"]
    broken = rows[600:].with_columns(gross=pl.col("gross") + pl.Series(rng.integers(0, 2, 300)))
    found = density.drift(broken)
    assert found.found
    assert {change.column for change in found.named if change.change == "surprise"} == {
        "net", "tax", "gross",
    }  # fmt: skip
    assert not density.drift(rows[600:]).found


def test_figures_of_few_rows_are_in_no_file():
    """A mean, a correlation or a label that fewer than ``min_count`` rows make is left out."""
    scales, schema, rng = normal_scales(3), schema_of(3), np.random.default_rng(3)
    x = rng.normal(size=(200, 3))
    x[:, 1] = np.where(np.arange(200) < 4, 3.0, 0.0)  # four rows make all of its variance
    x[19:, 2] = np.nan  # too few known
    sample = Sample.of(cells_of(x, scales), schema, scales, min_count=5)
    location, dependence = sample.means["location"], sample.dependence
    assert np.isnan(location.value).tolist() == [False, True, True]
    assert np.isnan(location.variance).tolist() == [False, True, True]
    assert np.isnan(dependence.value).all()
    x[:9, 1] = 3.0  # four of nine make less than half
    more = Sample.of(cells_of(x, scales), schema, scales, min_count=5)
    assert np.isfinite(more.means["location"].value[1])
    assert np.isfinite(Sample.of(cells_of(x, scales), schema, scales).dependence.value[0])

    labels = pd.DataFrame({"town": ["north"] * 60 + ["south"] * 57 + ["west"] * 3})
    of_labels = cr.infer_schema(labels.assign(town=["north", "south", "west"] * 40))
    codes = np.repeat([0.0, 1.0, 2.0], [60, 57, 3])[:, None]
    level = Scales((LevelScale((1.0, 0.0, -1.0), (0.4, 0.4, 0.2)),), np.empty((0, 2), np.int64))
    cells = cells_of(codes, level)
    # Those who know two of three counts, and the sum, know the third.
    assert Sample.of(cells, of_labels, level, min_count=5).levels == ({0: 60},)
    assert Sample.of(cells, of_labels, level).levels == ({0: 60, 1: 57, 2: 3},)


def broken(spec, *path, value):
    spec = copy.deepcopy(spec)
    part = spec
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return spec


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("scales",), None),
        (("scales", "columns", 0, "values"), [2.0, 1.0]),
        (("scales", "columns", 0, "values"), [1.0, 2.0]),
        (("scales", "columns", 0, "upto"), [3.0]),
        (("scales", "columns", 0), {"scores": [1.0], "shares": []}),
        (("scales", "pairs"), [[0, 99]]),
        (("sample", "rows"), "many"),
        (("sample", "known"), [1, 2]),
        (("sample", "known"), [10**9] * 5),
        (("sample", "levels"), [[]]),
        (("sample", "location", "value"), [0.0]),
        (("sample", "dependence", "count"), [-1]),
    ],
)
def test_damaged_figures_are_refused(density, path, value, tmp_path):
    spec = broken(density.training["drift"], *path, value=value)
    with pytest.raises(FormatError):
        HeldOutFigures.from_json(spec)
    replace(density, training={**density.training, "drift": spec}).save(tmp_path / "m")
    with pytest.raises(FormatError, match="/m: "):
        cr.load(tmp_path / "m")


def test_a_figure_needs_a_number_for_each_column():
    with pytest.raises(FormatError, match="figures of 2 columns or pairs have other shapes"):
        Figure.from_json({"count": [1], "value": [None], "variance": [None]}, 2)
