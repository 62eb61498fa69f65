"""Proofreading with a fit: models do not see the rows that they judge, nor numbers off a grid."""

import inspect
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, SchemaError
from chainrule.training import proofreading, time_limit

CONFIG = cr.FitConfig(hidden_size=16, epochs=20)


def dirty():
    """Ages that follow from years of birth: one times ten, one off the grid of whole numbers."""
    born = np.random.default_rng(0).integers(1940, 2000, 150)
    age = (2020 - born).astype(float)
    right = age[[7, 9]].copy()
    age[7] *= 10
    age[9] += 30.3141
    return pl.DataFrame({"born": born, "age": age}), right


@pytest.mark.parametrize("folds", [1, 3])
def test_mistakes_are_found_by_any_number_of_models(folds):
    table, right = dirty()
    found = cr.proofread(table, 0.5, seed=0, folds=folds, config=CONFIG, verbose=False)
    cells = {(each["row"], each["column"]): each for each in found.to_dicts()}
    assert cells[7, "age"]["kind"] == "decimal point"
    assert float(cells[7, "age"]["suggested"]) == right[0]
    assert cells[9, "age"]["low"] <= right[1] <= cells[9, "age"]["high"]


def test_no_model_reads_the_rows_that_it_judges(monkeypatch):
    seen, judged = [], []

    def fitted(table, **options):
        seen.append(table.columns[0].tolist())
        return cr.fit(table, **options)

    def noted(models, table, *, fold, **options):
        judged.append(fold)
        return pl.DataFrame()

    monkeypatch.setattr(proofreading, "fit", fitted)
    monkeypatch.setattr(proofreading, "proofread_by", noted)
    rows = pl.DataFrame({"n": np.arange(60) % 30, "row": np.arange(60.0) / 7})
    cr.proofread(rows.select(pl.col("row"), "n"), seed=0, config=CONFIG, verbose=False)
    assert len(seen) == 5
    for number, values in enumerate(seen):
        of_others = np.flatnonzero(judged[0] != number) / 7
        np.testing.assert_allclose(values, of_others)


def test_numbers_off_the_grid_are_not_fitted(monkeypatch):
    seen = []
    monkeypatch.setattr(
        proofreading, "fit", lambda table, **options: seen.append(table) or cr.fit(table, **options)
    )
    cr.proofread(dirty()[0], seed=0, folds=1, config=CONFIG, verbose=False)
    (table,) = seen
    assert np.flatnonzero(np.isnan(table.columns[1])).tolist() == [9]


def test_the_same_seed_has_the_same_findings():
    table, _ = dirty()
    first, second = (
        cr.proofread(table, 0.5, seed=4, folds=2, config=CONFIG, verbose=False) for _ in range(2)
    )
    assert first.equals(second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fdr": 2}, "fdr = 2: pass the share of false findings to expect, above 0 and at most 1"),
        ({"folds": 0}, "folds = 0: pass a whole number, at least 1"),
        ({"time_limit_s": -1}, "time_limit_s = -1: pass a number of seconds above zero"),
        (
            {"sample_weight": [1, 2]},
            "sample_weight has shape (2,); the table has 150 rows: pass (150,)",
        ),
        (
            {"groups": "bron"},
            "the table: groups: column 'bron' is unknown; choose one of 'age', 'born' (nearest: "
            "'born')",
        ),
    ],
)
def test_wrong_options_are_refused_before_a_fit(options, message):
    with pytest.raises(ChainruleError) as caught:
        cr.proofread(dirty()[0], **options)
    assert str(caught.value) == message


def customers():
    return pl.DataFrame(
        {
            "row": np.arange(72.0) / 7,
            "n": np.arange(72) % 30,
            "customer": [f"c{k}" for k in np.arange(72) // 6],
        }
    )


class Noted:
    """Fits and judges that note what they are given."""

    def __init__(self, monkeypatch, clock=None, takes_s=0.0):
        self.fits, self.fold, self.clock = [], None, clock
        self.takes_s = takes_s
        monkeypatch.setattr(proofreading, "fit", self.fit)
        monkeypatch.setattr(proofreading, "proofread_by", self.judge)

    def fit(self, table, **options):
        self.fits.append((table, options))
        if self.clock is not None:
            self.clock[0] += self.takes_s
        return SimpleNamespace(model=None)

    def judge(self, models, table, *, fold, **options):
        self.fold = fold
        return pl.DataFrame()


@pytest.mark.parametrize("groups", ["customer", np.arange(72) // 6])
def test_rows_of_a_group_are_judged_by_models_of_other_groups(groups, monkeypatch):
    noted = Noted(monkeypatch)
    cr.proofread(customers(), seed=0, groups=groups, verbose=False)
    assert len(noted.fits) == 5
    group = np.arange(72) // 6
    for number, (table, options) in enumerate(noted.fits):
        others = np.flatnonzero(noted.fold != number)
        assert table.numbers.tolist() == others.tolist()
        assert not set(group[others]) & set(group[noted.fold == number])
        np.testing.assert_array_equal(
            np.unique(options["groups"].of_rows, return_inverse=True)[1],
            np.unique(group[others], return_inverse=True)[1],
        )
        out = [each.name for each in options["kinds"].left_out]
        assert ("customer" in out) == isinstance(groups, str)


@pytest.mark.parametrize(("folds", "number"), [(None, 3), (1, 1), (3, 3)])
def test_there_are_no_more_folds_than_groups(folds, number, monkeypatch):
    noted = Noted(monkeypatch)
    cr.proofread(customers(), seed=0, folds=folds, groups=np.arange(72) % 3, verbose=False)
    assert len(noted.fits) == number


@pytest.mark.parametrize(("folds", "count"), [(4, 3), (2, 3), (2, 2)])
def test_folds_that_leave_a_fit_one_group_are_refused(folds, count):
    with pytest.raises(SchemaError) as caught:
        cr.proofread(customers(), folds=folds, groups=np.arange(72) % count)
    assert str(caught.value) == (
        f"folds = {folds}: the rows have {count} group(s), each of which is in one fold, and each "
        f"fit needs 2 groups of other folds; pass folds={3 if count == 3 else 1}"
    )


def test_two_groups_have_one_model(monkeypatch):
    noted = Noted(monkeypatch)
    cr.proofread(customers(), groups=np.arange(72) % 2, verbose=False)
    assert len(noted.fits) == 1


def test_the_column_of_the_groups_has_no_findings():
    table, _ = dirty()
    table = table.with_columns(who=pl.Series([f"w{k % 20}" for k in range(149)] + ["q19"]))
    found = cr.proofread(
        table, 0.5, seed=0, folds=2, groups="who", config=CONFIG, verbose=False, min_count=1
    )
    assert (7, "age") in found.select("row", "column").rows()
    assert "who" not in found["column"].to_list()


def test_each_fit_has_the_weights_of_its_rows(monkeypatch):
    noted = Noted(monkeypatch)
    weight = np.where(np.arange(72) % 9 == 0, 0, 1 + np.arange(72) % 4)
    table = customers().with_columns(
        n=pl.when(pl.Series(weight) == 0).then(10**6 + pl.col("n")).otherwise(pl.col("n"))
    )
    cr.proofread(table.select("row", "n"), seed=0, sample_weight=weight, verbose=False)
    for number, (_, options) in enumerate(noted.fits):
        expected = weight[noted.fold != number]
        given = options["sample_weight"]
        np.testing.assert_allclose(given / given.sum(), expected / expected.sum())
        assert options["kinds"].columns[1].spread < 100  # rows of weight zero are not read
    assert len(noted.fold) == 72  # but judged


def test_fits_share_the_seconds_that_are_left(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time_limit.time, "perf_counter", lambda: clock[0])
    noted = Noted(monkeypatch, clock, takes_s=4.0)
    cr.proofread(customers(), seed=0, folds=3, time_limit_s=12, verbose=False)
    assert [options["time_limit_s"] for _, options in noted.fits] == [4.0, 4.0, 4.0]
    noted.takes_s = 7.0
    cr.proofread(customers(), seed=0, folds=3, time_limit_s=12, verbose=False)
    limits = [options["time_limit_s"] for _, options in noted.fits[3:]]
    assert limits == [4.0, 2.5, time_limit.LEAST_S]
    cr.proofread(customers(), seed=0, folds=2, verbose=False)
    assert [options["time_limit_s"] for _, options in noted.fits[6:]] == [None, None]


def test_proofread_has_the_keywords_of_fit_with_their_defaults(monkeypatch):
    """The others choose a network of one order, or concern the file of one model.

    A start may have seen the rows, and would expect their errors.
    """
    of_fit, own = (inspect.signature(each).parameters for each in (cr.fit, cr.proofread))
    missing = {"valid", "objective", "network", "start"}
    missing |= {"checkpoint", "resume", "keep_checkpoint", "finished"}
    assert set(of_fit) - set(own) == missing
    assert set(own) - set(of_fit) == {"fdr", "folds"}
    assert all(parameter.kind is not parameter.VAR_KEYWORD for parameter in own.values())
    differing = [
        name for name in set(own) & set(of_fit) if own[name].default != of_fit[name].default
    ]
    assert differing == ["effort"]
    noted = Noted(monkeypatch)
    asked = {
        "effort": "standard", "seed": 5, "kinds": {"n": "real"}, "missing": "informative",
        "ties": "none", "strict": True, "min_count": 3, "sample_weight": np.ones(72),
        "groups": np.arange(72), "config": CONFIG, "time_limit_s": 9.0, "device": "cpu",
        "verbose": False,
    }  # fmt: skip
    assert set(asked) == set(own) & set(of_fit) - {"table"}
    cr.proofread(customers().select("row", "n"), folds=1, **asked)
    ((_, given),) = noted.fits
    assert set(given) == set(asked)
    plain = set(asked) - {"sample_weight", "groups", "time_limit_s"}
    assert {name: given[name] for name in plain} == {name: asked[name] for name in plain}


def test_strict_refuses_a_table_whose_columns_would_be_left_out():
    table = customers().with_columns(id=pl.Series([f"id-{k:03}" for k in range(72)]))
    with pytest.raises(SchemaError, match="cannot model 'id'"):
        cr.proofread(table, strict=True, verbose=False)


def test_text_among_numbers_is_found_and_frequent_words_are_missing():
    table, _ = dirty()
    ages = [f"{age:g}" for age in table["age"].to_list()]
    ages[20], ages[30:36] = "4x", ["n.n."] * 6
    wrong = table.with_columns(pl.Series("age", ages))
    found = cr.proofread(wrong, seed=0, folds=1, config=CONFIG, verbose=False)
    assert (20, "age", "4x") in found.select("row", "column", "found").rows()
    assert not set(found["row"].to_list()) & set(range(30, 36))


def test_misspelt_codes_are_repaired_and_a_sorted_table_repeats_its_rows():
    rng = np.random.default_rng(1)
    town = np.sort(rng.integers(0, 4, 160))
    codes = np.array([35233, 36301, 35640, 36049])[town].astype(str)
    codes[17] = codes[17].replace("3", "x")
    right = str(np.array([35233, 36301, 35640, 36049])[town[17]])
    names = np.array(["birmingham", "dothan", "sheffield", "luverne"])[town]
    table = pl.DataFrame({"code": codes, "town": names, "noise": rng.integers(0, 3, 160)})
    found = cr.proofread(table, seed=0, folds=1, config=CONFIG, verbose=False)
    assert found.select("row", "column", "suggested", "kind").rows() == [
        (17, "code", right, "misspelt")
    ]
