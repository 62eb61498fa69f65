"""Proofreading: planted mistakes of known kinds are found, named and corrected; others stay."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.findings import COLUMNS

import chainrule as cr
from chainrule.errors import EvidenceError, ShapeError
from chainrule.table import is_read_in_parts, lazy, read_chunks, read_table
from chainrule.tasks import proofread_by
from chainrule.tasks.proofreading.findings import q_values
from chainrule.tasks.proofreading.written import USUAL, is_off_grid, manner_of, usual_decimals

CITIES = {"Birmingham": 205, "Montgomery": 334, "Tuscaloosa": 659, "Huntsville": 256}


def people(n=400, seed=0):
    """A table whose columns say much about each other: born + age = 2020, city gives a code."""
    rng = np.random.default_rng(seed)
    born = rng.integers(1940, 2000, n)
    city = rng.choice(list(CITIES), n)
    height = np.round(rng.normal(170, 8, n), 1)
    return pl.DataFrame({
        "born": born,
        "age": 2020 - born + rng.integers(0, 2, n),
        "city": city,
        "area": [CITIES[each] for each in city],
        "height": height,
        "weight": np.round(height * 0.9 - 80 + rng.normal(0, 2, n), 1),
    })  # fmt: skip


KINDS = {"area": "categorical"}
MISTAKES = {  # row, column: the wrong value, and the kind that it is found to be
    (11, "age"): (None, "decimal point"),
    (23, "city"): (None, "misspelt"),
    (35, "weight"): (0.0, "zero"),
    (47, "height"): (None, "decimal point"),
}


def dirty(clean):
    """The table with four mistakes, and the right values as text."""
    rows = clean.to_dicts()
    right = {}
    for (row, column), (wrong, _) in MISTAKES.items():
        value = rows[row][column]
        if column == "city":
            wrong = value[:4] + value[5:]
        if column in ("age", "height"):
            wrong = value * 10
        rows[row][column] = wrong
        right[row, column] = str(value).removesuffix(".0")
    return pl.DataFrame(rows, schema=clean.schema), right


@pytest.fixture(scope="module")
def density():
    return cr.fit(people(), effort="quick", seed=0, kinds=KINDS, verbose=False)


@pytest.fixture(scope="module")
def findings(density):
    return density.proofread(dirty(people())[0])


def by_cell(findings):
    return {(each["row"], each["column"]): each for each in findings.to_dicts()}


def test_the_frame_has_the_promised_columns_surest_first(findings):
    assert dict(findings.schema) == COLUMNS
    q = findings["q"].to_numpy()
    assert (np.diff(q) >= 0).all()
    assert q.max() <= 0.1
    p = findings["probability"]
    assert ((p >= 0) & (p <= 1)).all()
    numbers = findings.filter(pl.col("low").is_finite())
    assert (numbers["low"] <= numbers["high"]).all()
    assert numbers["column"].is_in(["born", "age", "height", "weight"]).all()


def test_planted_mistakes_are_found_named_and_corrected(findings):
    _, right = dirty(people())
    found = by_cell(findings)
    assert set(MISTAKES) <= set(found)
    assert len(found) <= len(MISTAKES) + 2
    for cell, (_, kind) in MISTAKES.items():
        assert found[cell]["kind"] == kind
        assert found[cell]["likelihood_ratio"] > 100
    for cell in ((11, "age"), (23, "city"), (47, "height")):
        assert found[cell]["suggested"] == right[cell]
        assert found[cell]["probability"] > 0.8
    weight = found[35, "weight"]
    assert weight["low"] <= float(right[35, "weight"]) <= weight["high"]


def test_a_clean_table_has_few_findings(density):
    assert len(density.proofread(people(seed=1))) <= 4


def with_mistakes(clean, rate, rng):
    """The table with a share of wrong numbers: times ten, or of another row; and which they are."""
    names = ["age", "height", "weight"]
    values = clean.select(names).to_numpy().astype(float)
    right, planted = values.copy(), np.zeros(values.shape, dtype=bool)
    other = values[rng.permutation(len(values))]
    far = np.abs(other - values) > 0.5 * values.std(0)
    for turn, cell in enumerate(rng.permutation(np.flatnonzero(far))[: int(rate * values.size)]):
        row, column = divmod(int(cell), len(names))
        values[row, column] = 10 * right[row, column] if turn % 2 else other[row, column]
        planted[row, column] = True
    columns = {name: values[:, k] for k, name in enumerate(names)}
    columns["age"] = values[:, 0].astype(int)
    return clean.with_columns(**columns), planted, names


@pytest.mark.parametrize("rate", [0.01, 0.03, 0.05])
def test_the_share_of_false_findings_is_near_the_fdr(density, rate):
    wrong, planted, names = with_mistakes(people(seed=3), rate, np.random.default_rng(4))
    every = density.proofread(wrong, fdr=1).filter(pl.col("column").is_in(names))
    found = density.proofread(wrong)
    hits = [planted[row, names.index(name)] for row, name in every.select("row", "column").rows()]
    first = sum(hits[: planted.sum()]) / planted.sum()
    right = {(int(row), names[column]) for row, column in np.argwhere(planted)}
    false = [cell for cell in found.select("row", "column").rows() if cell not in right]
    assert len(false) <= 1 + 0.15 * len(found)
    assert (len(found) - len(false)) / planted.sum() >= 0.5 * first > 0.3


def test_a_contradiction_blames_one_cell(density):
    """The city and its code contradict each other; either may be wrong, but not both."""
    rows = people().to_dicts()
    rows[59]["area"] = next(code for code in CITIES.values() if code != rows[59]["area"])
    found = density.proofread(pl.DataFrame(rows, schema=people().schema), fdr=1.0)
    found = found.filter((pl.col("row") == 59) & (pl.col("likelihood_ratio") > 100))
    assert found["column"].to_list() in (["area"], ["city"])


def test_a_wrong_cell_does_not_blame_the_others_of_its_row(density):
    found = density.proofread(dirty(people())[0], fdr=1.0).filter(pl.col("row") == 11)
    assert found["column"].to_list()[0] == "age"
    assert (found["q"][1:] > 0.1).all()


def test_exchanged_columns_are_found_as_a_pair(density):
    rows = people().to_dicts()
    rows[5]["height"], rows[5]["weight"] = rows[5]["weight"], rows[5]["height"]
    found = by_cell(density.proofread(pl.DataFrame(rows, schema=people().schema)))
    for column, other in (("height", "weight"), ("weight", "height")):
        finding = found[5, column]
        assert finding["kind"] == "columns exchanged"
        assert float(finding["suggested"]) == pytest.approx(rows[5][other])


def test_containers_and_files_have_the_same_findings(density, findings, tmp_path):
    table, _ = dirty(people())
    table.write_csv(tmp_path / "t.csv")
    of_file = density.proofread(tmp_path / "t.csv")
    numbers = ["row", "column", "suggested", "kind", "q"]
    assert of_file.select(numbers).rows() == findings.select(numbers).rows()
    of_pandas = density.proofread(table.to_pandas())
    assert isinstance(of_pandas, pd.DataFrame)
    assert of_pandas["suggested"].to_list() == findings["suggested"].to_list()


def test_a_large_file_is_judged_in_parts_and_its_findings_together(density, tmp_path, monkeypatch):
    table, right = dirty(people())
    want = set()
    for first, last in ((0, 199), (199, 399), (399, 400)):  # a line of the first has the names
        table[first:last].write_csv(tmp_path / "part.csv")
        for each in density.proofread(tmp_path / "part.csv", fdr=1.0).iter_rows(named=True):
            want.add((each["row"] + first, each["column"], round(each["likelihood_ratio"], 6)))
    table.write_csv(tmp_path / "t.csv")
    monkeypatch.setattr(lazy, "LARGE_BYTES", 1000)
    chunks = read_chunks(tmp_path / "t.csv", rows=200)
    joined = density.proofread(chunks, fdr=1.0)
    each = zip(joined["row"], joined["column"], joined["likelihood_ratio"], strict=True)
    assert {(row, name, round(ratio, 6)) for row, name, ratio in each} == want
    assert joined["q"].is_sorted()
    surest = density.proofread(tmp_path / "t.csv")
    assert set(right) <= set(zip(surest["row"], surest["column"], strict=True))
    assert is_read_in_parts(tmp_path / "t.csv")
    assert is_read_in_parts(table.lazy())
    assert not is_read_in_parts(table)


def test_no_row_has_no_finding(density):
    found = density.proofread(people().head(0))
    assert len(found) == 0
    assert list(found.columns) == list(COLUMNS)


def test_a_missing_cell_is_no_finding(density):
    table = people().with_columns(age=pl.lit(None, dtype=pl.Int64))
    assert "age" not in density.proofread(table, fdr=1.0)["column"].to_list()


def test_a_value_that_the_column_cannot_hold_is_found(density):
    rows = people().head(60).to_pandas().astype({"age": object})
    rows.loc[7, "age"] = "unknown age"
    first = density.proofread(rows).iloc[0]
    assert (first["row"], first["column"], first["found"]) == (7, "age", "unknown age")


def test_rows_may_have_models_of_their_own(density, findings):
    """Two copies of one model judge as the model itself does."""
    table, fold = dirty(people())[0], np.arange(400) % 2
    found = proofread_by([density.model, density.model], table, fold=fold, progress=False)
    assert found["suggested"].to_list() == findings["suggested"].to_list()
    np.testing.assert_allclose(found["q"], findings["q"], rtol=1e-6, atol=1e-12)


def test_q_values_are_running_means_of_what_is_right():
    wrong = np.array([0.99, 0.9, 0.5])
    expected = [0.01, 0.055, (0.01 + 0.1 + 0.5) / 3]
    np.testing.assert_allclose(q_values(np.log(wrong / (1 - wrong))), expected)


@pytest.mark.parametrize("fdr", [0, -0.1, 1.5, "much", True, float("nan")])
def test_a_wrong_fdr_is_refused(density, fdr):
    message = rf"^fdr = {fdr!r}: pass the share of false findings to expect, above 0 and at most 1$"
    with pytest.raises(ShapeError, match=message):
        density.proofread(people().head(3), fdr=fdr)


def test_a_network_of_one_order_says_why_it_cannot():
    config = cr.FitConfig(hidden_size=4, epochs=1)
    table = people(60).select("height", "weight")
    fitted = cr.fit(table, network="nade", seed=0, config=config, verbose=False)
    with pytest.raises(EvidenceError):
        fitted.proofread(read_table(table))


def test_halves_among_whole_numbers_are_off_no_grid():
    """Ages in half years are how some ages are written; a tenth of an age is a mistake."""
    rng = np.random.default_rng(0)
    ages = rng.integers(1, 80, 700).astype(float)
    ages[:18] += 0.5
    ages[18:24] = [0.42, 0.67, 0.75, 0.75, 0.83, 0.92]
    assert not is_off_grid(ages).any()
    ages[:18] = np.floor(ages[:18])
    assert np.flatnonzero(is_off_grid(ages)).tolist() == [18, 19, 20, 21, 22, 23]


def test_decimals_that_are_natural_are_no_mistakes():
    """Some ages are in halves, those of infants in twelfths; two neighbours are alike by chance."""
    rng = np.random.default_rng(0)
    stage = rng.choice(["child", "grown", "old"], 400)
    starts = np.array([1.0, 20.0, 60.0])[np.unique(stage, return_inverse=True)[1]]
    ages = starts + rng.integers(0, 15, 400)
    ages[::30] += 0.5
    stage[:6], ages[:6] = "child", [0.42, 0.67, 0.75, 0.83, 0.92, 0.92]
    stage[150:152], ages[150:152] = "grown", 32.5
    ages[40] *= 10
    table = pl.DataFrame({"stage": stage, "age": ages})
    found = cr.proofread(table, seed=0, folds=2, verbose=False)
    assert found.select("row", "column", "kind").rows() == [(40, "age", "decimal point")]


def test_numbers_far_out_on_a_log_scale_are_found():
    rng = np.random.default_rng(1)
    age = np.round(rng.gamma(4, 7, 600) + 1)
    age[:12] = np.round(np.arange(12) / 12 + 0.04, 2)  # of children, in months
    wrong = np.arange(20, 600, 20)
    age[wrong] *= np.where(np.arange(len(wrong)) % 4 == 2, 100, 10)
    frame = pl.DataFrame({"age": age, "other": rng.normal(0, 1, 600)})
    findings = cr.proofread(
        frame, 1.0, folds=1, seed=0, kinds={"age": {"kind": "real", "scale": "log"}}, verbose=False
    )
    found = findings.filter(pl.col("kind") == "decimal point")["row"]
    assert len(set(wrong.tolist()) & set(found)) >= 0.8 * len(wrong)


def test_zeros_do_not_say_how_other_numbers_are_written():
    rng = np.random.default_rng(0)
    seconds = np.round(rng.gamma(2, 100, 500), 4)
    seconds[rng.random(500) < 0.9] = 0  # most visitors never open the page
    manner = manner_of(seconds)
    assert (manner == USUAL).all()
    assert usual_decimals(seconds) == 4
    assert usual_decimals(np.zeros(3)) == 0


def tickets(n=600, seed=0):
    """The price nearly tells the class; one ticket in fifty is a sleeper."""
    rng = np.random.default_rng(seed)
    cls = rng.choice(["first", "second", "sleeper"], n, p=[0.4, 0.58, 0.02])
    price = np.select([cls == "first", cls == "second"], [90.0, 40.0], 150.0)
    return pl.DataFrame({"class": cls, "price": np.round(price + rng.normal(0, 20, n))})


def test_a_rare_label_in_place_of_a_frequent_one_is_another_level():
    """A mistake may write any level: not only as often as the table has it."""
    clean = tickets()
    density = cr.fit(clean, effort="quick", seed=0, kinds={"price": "integer"}, verbose=False)
    cheap = (pl.col("class") == "second") & (pl.col("price") < 60)
    wrong = clean.with_row_index().filter(cheap)["index"].to_list()[::60]
    cells = ["sleeper" if row in wrong else each for row, each in enumerate(clean["class"])]
    dirty = clean.with_columns(pl.Series("class", cells))
    first = density.proofread(dirty, fdr=1.0).head(len(wrong))
    assert set(first["row"]) == set(wrong)
    assert set(first["kind"]) == {"another level"}
    assert first["q"].max() < 0.1
