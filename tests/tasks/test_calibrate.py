"""Odd rows: each is judged against rows with the same known cells, by a p-value that is right on
rows held out of training.
"""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.some_tables import mixed
from scipy.stats import kstest

import chainrule as cr
from chainrule import fileformat
from chainrule.errors import EvidenceError, FormatError
from chainrule.sklearn import OutlierDetector
from chainrule.table import encode, read_table
from chainrule.tasks.answer import Batch
from chainrule.tasks.calibrate import (
    Calibration,
    calibration_curve,
    cautious,
    fit_calibration,
    row_log_p,
)
from chainrule.tasks.curves import Curve
from chainrule.tasks.oddness import Usual, oddness
from chainrule.tasks.ranks import Ranking, rank_curve

TEST_ROWS = 1000
HIDDEN = {
    "none": [],
    "one wide": [0],
    "one narrow": [4],
    "the narrow ones": [3, 4, 5],
    "some of each": [1, 2, 5],
}
BRIEF = cr.FitConfig(
    hidden_sizes=(48, 48),
    components=5,
    epochs=40,
    batch_size=64,
    learning_rate=2e-3,
    members=1,
    dropout=0.0,
)
TINY = cr.FitConfig(hidden_sizes=(16,), components=3, epochs=5, batch_size=64, members=1)
OVERFITTED = cr.FitConfig(
    hidden_sizes=(128, 128),
    dropout=0.0,
    weight_decay=0.0,
    members=1,
    epochs=200,
    patience=0,
    batch_size=32,
    learning_rate=2e-3,
)


def clusters(n, seed=0):
    """Three groups in three columns, and three more columns of a hundredth of the spread that
    depend on them.
    """
    rng = np.random.default_rng(seed)
    wide = rng.normal(size=(n, 3)) + 2 * np.eye(3)[rng.integers(0, 3, n)]
    return np.hstack([wide, 0.01 * (wide + 0.5 * rng.normal(size=(n, 3)))])


def tails(n, seed=0):
    """Heavy tails, a column whose spread depends on another, and scales from 1e-3 to 1e3."""
    rng = np.random.default_rng(1000 + seed)
    x = rng.standard_t(4, size=(n, 6))
    x[:, 3] = np.exp(0.5 * x[:, 3]) * (1 + x[:, 0] ** 2)
    return x * np.array([1.0, 1e3, 1.0, 1.0, 1e-3, 1e-3])


def labels(n, seed=0):
    """Every kind of column, one with a heavy zero; all depend on the bit."""
    return mixed(n, seed)


def hide(table, columns):
    """The table with some columns' cells unknown."""
    if isinstance(table, pd.DataFrame):
        table = table.astype(
            {name: object for name in table.columns[columns] if table[name].dtype == bool}
        )
        return table.mask(np.isin(np.arange(table.shape[1]), columns)[None].repeat(len(table), 0))
    return np.where(np.isin(np.arange(table.shape[1]), columns), np.nan, table)


def hide_some(table, count, seed=0):
    """The table with ``count`` unknown cells in each row, at random."""
    rng = np.random.default_rng(seed)
    patterns = np.stack([rng.permutation(table.shape[1]) < count for _ in range(8)])
    hidden = patterns[rng.integers(0, len(patterns), len(table))]
    if isinstance(table, pd.DataFrame):
        return table.astype({n: object for n in table if table[n].dtype == bool}).mask(hidden)
    return np.where(hidden, np.nan, table)


def bound(detector):
    """The distance between distributions that chance exceeds in a hundredth of the cases."""
    return 1.63 * np.sqrt(1 / TEST_ROWS + 1 / detector.density_.training["valid_rows"])


@pytest.fixture(scope="module", params=[clusters, tails, labels], ids=lambda make: make.__name__)
def fitted(request):
    """A detector, and rows that it has not seen."""
    detector = OutlierDetector(
        config=BRIEF, random_state=0, kinds={"gain": "integer"} if request.param is labels else None
    )
    return detector.fit(request.param(800)), request.param(TEST_ROWS, 5)


@pytest.fixture(scope="module")
def detector():
    return OutlierDetector(config=BRIEF, random_state=0).fit(clusters(600))


@pytest.mark.parametrize("columns", HIDDEN.values(), ids=HIDDEN)
def test_ordinary_rows_are_no_outliers_whatever_is_missing(fitted, columns):
    detector, rows = fitted
    assert (detector.predict(hide(rows, columns)) == -1).mean() < 0.05


@pytest.mark.parametrize("count", [0, 1, 3])
def test_p_values_of_ordinary_rows_are_uniform_whatever_is_missing(fitted, count):
    detector, rows = fitted
    assert kstest(detector.p_values(hide_some(rows, count)), "uniform").statistic <= bound(detector)


@pytest.mark.parametrize("columns", HIDDEN.values(), ids=HIDDEN)
def test_p_values_are_uniform_for_each_pattern_of_missing_cells(detector, columns):
    rows = hide(clusters(TEST_ROWS, 5), columns)
    assert kstest(detector.p_values(rows), "uniform").statistic <= bound(detector)


def test_rows_held_out_mend_the_ranks_of_an_overfitted_model():
    learned_by_heart, held_out, rows = clusters(120), clusters(200, 8), clusters(TEST_ROWS, 5)
    density = cr.fit(
        learned_by_heart, valid=learned_by_heart, config=OVERFITTED, seed=0, verbose=False
    )
    calibration = fit_calibration(
        density.model, encode(read_table(held_out), density.schema), min_count=5
    )
    chance = 1.63 * np.sqrt(1 / TEST_ROWS + 1 / 200)
    for count in (0, 1, 3):
        asked = hide_some(rows, count)
        p, ranks = (np.exp(row_log_p(density.model, asked, each)) for each in (calibration, None))
        assert kstest(p, "uniform").statistic <= chance
        assert (p < 0.01).mean() < 0.04
        assert kstest(ranks, "uniform").statistic > chance


def test_ranks_of_a_models_own_rows_are_uniform():
    density = cr.fit(clusters(300), config=BRIEF, seed=0, verbose=False)
    for columns in ([], [3, 4, 5]):
        rows = hide(density.sample(TEST_ROWS, seed=1), columns)
        assert kstest(
            np.exp(row_log_p(density.model, rows)), "uniform"
        ).statistic <= 1.63 * np.sqrt(2 / TEST_ROWS)


def test_among_rows_with_the_same_known_cells_the_sequence_is_that_of_oddness(fitted):
    detector, rows = fitted
    for columns in ([], [3, 4, 5]):
        asked = hide(rows[:300], columns)
        codes = encode(read_table(asked), detector.density_.schema)
        tails, near = oddness(Batch.of(detector.density_.model, codes)).T
        scores = detector.score_samples(asked)
        # A row that exceeds another in both sums is at most as probable.
        worse = (tails[:, None] > tails) & (near[:, None] > near)
        assert worse.any()
        assert (scores[:, None] <= scores)[worse].all()


def test_models_of_earlier_versions_rank_by_likelihood(fitted):
    detector, rows = fitted
    spec = {**detector.density_.training["calibration"], "complete": None, "usual": None}
    del spec["by"], spec["usual"], spec["rows"]
    calibration = Calibration.from_json(spec)
    for columns in ([], [3, 4, 5]):
        asked = hide(rows[:300], columns)
        log_p = row_log_p(detector.density_.model, asked, calibration)
        order = np.argsort(detector.density_.log_prob(asked), kind="stable")
        assert (np.diff(log_p[order]) >= 0).all()


def test_rows_far_out_differ_however_far(detector):
    rows = clusters(1)
    rows = np.concatenate(
        [rows + np.array([k, 0, 0, 0, 0, 0]) for k in (0, 10, 20, 40, 1e3, 1e6, 1e9)]
    )
    scores = detector.score_samples(rows)
    assert (np.diff(scores) < 0).all()
    assert np.isfinite(scores).all()
    assert (detector.predict(rows)[1:] == -1).all()
    assert (np.diff(detector.score_samples(hide(rows, [2, 5]))) < 0).all()


def test_an_odd_row_is_found_whole_and_with_a_cell_missing_that_has_no_part_in_it():
    """Ten standard deviations are found with any seed after 120 epochs, not after 40."""
    config = replace(BRIEF, epochs=120)
    detector = OutlierDetector(config=config, random_state=0).fit(clusters(600))
    row = np.array([[2.3, -1.2, 0.4, 0.023, -0.012, 0.004]])
    # Ten standard deviations from what the second column says.
    odd = row + np.array([0, 0, 0, 0, 0.05, 0])
    assert detector.predict(row).tolist() == [1]
    for columns in ([], [0], [2], [5]):
        assert detector.predict(hide(odd, columns)).tolist() == [-1]
    for columns in ([4], [1, 4]):
        assert detector.predict(hide(odd, columns)).tolist() == [1]


def test_an_answer_depends_on_its_row_alone(fitted):
    detector, rows = fitted
    table = (
        pd.concat([hide_some(rows[:40], k, k) for k in (0, 1, 3)])
        if isinstance(rows, pd.DataFrame)
        else None
    )
    table = (
        np.concatenate([hide_some(rows[:40], k, k) for k in (0, 1, 3)]) if table is None else table
    )
    whole = detector.score_samples(table)
    for part in ([0], [50], [119], list(range(7)), list(range(119, -1, -3))):
        some = table.iloc[part] if isinstance(table, pd.DataFrame) else table[part]
        np.testing.assert_allclose(detector.score_samples(some), whole[part], rtol=1e-7)


def test_a_saved_density_has_the_same_p_values_to_the_bit(fitted, tmp_path):
    detector, rows = fitted
    detector.density_.save(tmp_path / "m.chainrule")
    again = cr.load(tmp_path / "m.chainrule")
    calibration = Calibration.from_json(again.training["calibration"])
    for count in (0, 3):
        asked = hide_some(rows[:200], count)
        assert np.array_equal(
            np.exp(row_log_p(again.model, asked, calibration)), detector.p_values(asked)
        )


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_contamination_is_a_share_of_the_training_rows(share):
    rows = clusters(500)
    detector = OutlierDetector(contamination=share, config=TINY, random_state=0)
    assert (detector.fit_predict(rows) == -1).sum() == share * 500
    assert np.array_equal(
        detector.decision_function(rows), detector.score_samples(rows) - detector.offset_
    )


def test_a_fit_without_the_oddest_rows_finds_more_of_many_outliers():
    """A fifth of the rows lie together, far enough to be a cluster that a single fit learns."""
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(size=(240, 2)), 6 + 0.1 * rng.normal(size=(60, 2))])
    once, twice = (
        OutlierDetector(trim=trim, config=BRIEF, random_state=0).fit(rows) for trim in (0.0, 0.25)
    )
    assert twice.score_samples(rows)[240:].mean() < once.score_samples(rows)[240:].mean() - 0.5
    # The rows that were left out count for p-values: no more rows than before are odd by them.
    assert (twice.p_values(rows[:240]) < 0.1).mean() < 0.12
    assert twice.density_.training["train_rows"] + twice.density_.training["valid_rows"] == 225


@pytest.mark.parametrize("trim", [-0.1, 0.6, "some", None])
def test_a_wrong_share_to_trim_is_refused(trim):
    with pytest.raises(ValueError, match=f"trim = {trim!r}: pass a share"):
        OutlierDetector(trim=trim, config=TINY).fit(clusters(20))


def test_contamination_counts_rows_with_holes_too():
    rows = hide_some(clusters(400), 2)
    detector = OutlierDetector(contamination=0.1, config=TINY, random_state=0).fit(rows)
    outliers = detector.predict(rows) == -1
    assert outliers.sum() == 40
    assert detector.offset_ == np.percentile(detector.score_samples(rows), 10)


def test_a_row_without_a_known_cell_is_as_ordinary_as_can_be(detector):
    assert detector.p_values(np.full((2, 6), np.nan)).tolist() == [1.0, 1.0]
    assert detector.score_samples(np.full((2, 6), np.nan)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("network", ["orderless", "nade"])
def test_a_cell_that_its_column_cannot_hold_makes_an_outlier_of_its_row(network):
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(400, 3)) * np.array(
        [1.0, 1.0, 1e-3]
    )  # so that what one cell costs is little
    table = pd.DataFrame(wide, columns=["a", "b", "c"]).assign(
        bit=rng.integers(0, 2, 400), count=rng.integers(0, 9, 400)
    )
    table["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, 400), "D")
    config = (
        replace(TINY, hidden_sizes=None, members=None, hidden_size=8) if network == "nade" else TINY
    )
    detector = OutlierDetector(config=config, network=network, random_state=0).fit(table)
    usual = int(detector.score_samples(table).argmax())
    row = table.iloc[[usual]].astype(object)
    for name, value in {"bit": 2, "a": np.inf, "b": "much", "count": 1.5, "day": "someday"}.items():
        with pytest.warns(UserWarning, match="holds no value of the column"):
            odd = detector.score_samples(row.assign(**{name: value}))
        assert odd[0] < detector.offset_, name
        assert np.isfinite(odd[0])
    with pytest.warns(UserWarning, match="holds no value of the column"):
        both = detector.score_samples(row.assign(bit=2, count=1.5))
    assert both[0] < odd[0]


@pytest.mark.filterwarnings(
    "ignore:column .* outside:UserWarning", "ignore:.*cannot hold:UserWarning"
)
@pytest.mark.parametrize("network", ["orderless", "nade"])
def test_rows_of_cells_that_their_columns_cannot_hold_are_outliers(network):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"bit": rng.integers(0, 2, 60), **{f"n{k}": rng.integers(0, 50, 60) for k in range(3)}}
    )
    config = cr.FitConfig(hidden_size=8, components=3, epochs=3)
    detector = OutlierDetector(config=config, network=network, random_state=0).fit(table)
    one, two = (
        detector.p_values(table.assign(bit=2)),
        detector.p_values(table.assign(bit=2, n0=0.5)),
    )
    assert one.max() < 0.01
    assert two.max() < 0.01**2
    assert detector.p_values(pd.DataFrame("?", index=[0], columns=table.columns)) < 0.01**4


def test_rows_of_few_values_have_the_probability_of_a_row_no_likelier():
    rows = np.repeat([[0, 0], [1, 0], [1, 1]], [600, 300, 100], axis=0)
    detector = OutlierDetector(config=BRIEF, random_state=0).fit(
        np.random.default_rng(0).permutation(rows)
    )
    p = detector.p_values([[0, 0], [1, 0], [1, 1], [0, 1]])
    assert p[0] > 0.99
    assert p[1:3] == pytest.approx([0.4, 0.1], abs=0.08)
    assert p[3] < 0.02


def test_holes_that_say_something_are_judged_among_rows_with_the_same_holes():
    """High values of the first column are missing in most rows: then the second one, which follows
    it, is high, too.
    """

    def table(n, seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 3))
        x[:, 1] = x[:, 0] + 0.3 * x[:, 1]
        x[(x[:, 0] > 1) & (rng.random(n) < 0.9), 0] = np.nan
        return x

    longer = replace(BRIEF, epochs=100, learning_rate=5e-3)
    detector = OutlierDetector(config=longer, random_state=0, missing="informative").fit(
        table(1000, 0)
    )
    rows = table(TEST_ROWS, 1)
    missing = np.isnan(rows[:, 0])
    for some in (missing, ~missing):
        p = detector.p_values(rows[some])
        assert kstest(p, "uniform").statistic <= 1.63 * np.sqrt(
            1 / some.sum() + 1 / (100 * some.mean())
        )
    low = np.array([[np.nan, -1.5, 0.0]])  # usual, but not where the first cell is missing
    assert detector.p_values(low)[0] < 0.08
    plain = OutlierDetector(config=longer, random_state=0).fit(table(1000, 0))
    assert plain.p_values(low)[0] > 0.12


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_frames_with_holes_are_fitted_and_judged(container):
    table = mixed(300, holes=0.15)
    new = mixed(100, seed=5, holes=0.3)
    if container == "polars":
        table, new = (
            pl.from_pandas(table.astype({"sex": "boolean"})),
            pl.from_pandas(new.astype({"sex": "boolean"})),
        )
    detector = OutlierDetector(config=BRIEF, random_state=0, kinds={"gain": "integer"}).fit(table)
    assert len(detector.density_.training["calibration"]["curves"]) > 1
    assert (detector.predict(new) == -1).mean() < 0.08


@pytest.mark.parametrize("orders", [1, 2])
def test_networks_of_fixed_orders_are_asked_what_they_answer(orders):
    config = cr.FitConfig(
        members=2,
        orders=orders,
        hidden_size=8,
        components=3,
        epochs=10,
        input_dropout=0.0,
        learning_rate=1e-2,
    )
    options = {"objective": "likelihood", "config": config, "effort": "quick", "random_state": 0}
    detector, rows = OutlierDetector(**options).fit(clusters(400)), clusters(300, 5)
    assert kstest(detector.p_values(rows), "uniform").statistic <= 1.63 * np.sqrt(1 / 300 + 1 / 40)
    with pytest.raises(EvidenceError):
        detector.predict(hide(rows, [0]))
    if orders == 1:
        last = [int(name[1:]) for name in detector.density_.training["order"][-3:]]
        assert (detector.predict(hide(rows, last)) == -1).mean() < 0.08
        assert len(detector.density_.training["calibration"]["hidden"]) == 3


def test_a_fit_too_short_for_a_calibration_has_none_and_a_detector_makes_its_own(tmp_path):
    rows, brief = clusters(200), cr.FitConfig(epochs=1, hidden_size=4)
    density = cr.fit(rows, config=brief, seed=0, verbose=False)
    assert density.training["calibration"] is None
    detector = OutlierDetector(config=brief, random_state=0).fit(rows)
    assert detector.density_.training["calibration"]["draws"] > 500
    for name, array in density.model.arrays().items():
        assert np.array_equal(detector.density_.model.arrays()[name], array)
    detector.density_.save(tmp_path / "m.chainrule")
    assert cr.load(tmp_path / "m.chainrule").training == detector.density_.training


def test_a_calibration_changes_no_weight_and_repeats():
    rows, options = clusters(150), {"config": BRIEF, "seed": 0, "verbose": False}
    density, again = (cr.fit(rows, **options) for _ in range(2))
    assert density.training["calibration"] == again.training["calibration"] is not None
    before = {name: array.copy() for name, array in density.model.arrays().items()}
    found = fit_calibration(
        density.model, encode(read_table(clusters(60, 9)), density.schema), min_count=5
    )
    assert found is not None
    assert len(found.curves) == 3
    assert all(
        np.array_equal(before[name], array) for name, array in density.model.arrays().items()
    )


def test_p_values_below_those_of_all_held_out_rows_are_cautious():
    log_p = np.log([1.0, 0.5, 1 / 26, 1e-4, 1e-9])
    found = cautious(log_p, 25)
    assert np.array_equal(found[:3], log_p[:3])
    assert found[3:] == pytest.approx((log_p[3:] - np.log(26)) / 2)
    assert cautious(log_p, 10**9) == pytest.approx(log_p)
    assert np.array_equal(cautious(log_p, 0), log_p)


@pytest.mark.parametrize("rows", [60, 120])
def test_a_small_table_calls_few_ordinary_rows_odd(rows):
    density = cr.fit(clusters(rows), effort="quick", seed=0, verbose=False)
    p = density.odd_rows(clusters(TEST_ROWS, 5), None)["p_value"].to_numpy()
    assert (p < 0.01).mean() < 0.03


def test_knots_are_means_over_enough_rows():
    rng = np.random.default_rng(0)
    log_odds, asked = rng.logistic(size=400), np.arange(400) % 200  # each of 200 rows twice
    for rows in (5, 12, 40):
        curve = calibration_curve(log_odds - 3, asked, np.ones(200), rows)
        assert curve is not None
        order = np.argsort(log_odds)
        for knot in range(
            len(curve.x)
        ):  # rows moved within its part of them move one knot alone, by a share of it
            moved = log_odds.copy()
            moved[order[2 * rows * knot]] -= 1e-4
            other = calibration_curve(moved - 3, asked, np.ones(200), rows)
            assert sum(a != b for a, b in zip(curve.x, other.x, strict=True)) <= 1
        assert len(curve.x) <= 400 // (2 * rows)
    assert calibration_curve(log_odds[:9], np.arange(9), np.ones(9), 5) is None


@pytest.mark.parametrize("width", [0.0, 1e-6, 1e-4, 1e-3, 1e-2])
def test_ranks_that_nearly_agree_make_one_knot(width):
    """As those of a model do to which one cell far out has taught that anything may come."""
    ranks = 5 + width * np.random.default_rng(0).random(100)
    for log_odds in (ranks, np.append(ranks, np.linspace(-3, 3, 100))):
        curve = calibration_curve(log_odds, np.arange(len(log_odds)), np.ones(len(log_odds)), 5)
        assert curve is None or (np.diff(curve.x) > 0).all()


def test_a_table_with_one_cell_far_out_is_fitted():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.normal(1000, 300, 400), rng.normal(size=400)], axis=1)
    rows[7, 0] = 83471999.12345
    config = cr.FitConfig(hidden_size=8, epochs=2)
    density = cr.fit(rows, effort="quick", config=config, seed=0, verbose=False)
    assert np.isfinite(density.log_prob(rows)).all()


def test_ranks_that_are_right_stay_and_wrong_ones_are_mended():
    rng = np.random.default_rng(0)
    p = rng.random(500)
    log_odds = np.log(p) - np.log1p(-p)
    straight = calibration_curve(log_odds, np.arange(500), np.ones(500), 5)
    at = np.log([0.01, 0.1, 0.5, 0.9]) - np.log1p([-0.01, -0.1, -0.5, -0.9])
    assert 1 / (1 + np.exp(-straight(at))) == pytest.approx([0.01, 0.1, 0.5, 0.9], abs=0.05)
    u = p**2  # half of the rows have ranks below a quarter
    bent = calibration_curve(np.log(u) - np.log1p(-u), np.arange(500), np.ones(500), 5)
    assert 1 / (1 + np.exp(-bent(at))) == pytest.approx(np.sqrt([0.01, 0.1, 0.5, 0.9]), abs=0.06)
    weight = np.where(p < 0.5, 3.0, 1.0)  # three quarters of the weight is on ranks below a half
    heavy = calibration_curve(log_odds, np.arange(500), weight, 5)
    assert 1 / (1 + np.exp(-heavy(at[2:3]))) == pytest.approx([0.75], abs=0.08)
    one = calibration_curve(
        np.r_[log_odds, -800.0], np.arange(501), np.ones(501), 5
    )  # an odd row among those held out
    assert one(np.array([-20.0])) < -10


def test_ranks_jump_where_scores_are_equal_and_fall_beyond_all_of_them():
    curve = rank_curve(np.repeat([-3.0, -1.0], [300, 700]))
    ranks = 1 / (1 + np.exp(-curve(np.array([-1.0, -1.0 - 1e-12, -1.1, -3.0, -3.0 + 1e-12, -3.1]))))
    assert ranks == pytest.approx([700.3 / 1001 + 0.3, 1.0, 0.3, 0.3, 0.3, 0.0], abs=0.002)
    rng = np.random.default_rng(0)
    scores = -rng.exponential(size=2000)  # the rank of a score s is exp(s)
    curve = rank_curve(scores)
    assert curve(np.array([-3.0, -20.0, -200.0])) == pytest.approx([-3.0, -20.0, -200.0], rel=0.15)
    assert (np.diff(curve(np.linspace(-500, 20, 5000))) > 0).all()
    assert rank_curve(np.zeros(300))(np.array([0.0])) > 5


def test_curves_and_calibrations_that_are_none_are_refused(tmp_path):
    curve = Curve((0.0, 1.0), (0.0, 3.0), below=1.0, above=2.0)
    assert Curve.from_json(json.loads(json.dumps(curve.to_json()))) == curve
    for change in (
        {"x": [0.0, 0.0]},
        {"y": [3.0, 0.0]},
        {"x": [0.0]},
        {"below": 0.0},
        {"above": None},
        {"x": "ab"},
        {"y": []},
    ):
        with pytest.raises(FormatError):
            Curve.from_json({**curve.to_json(), **change})
    with pytest.raises(FormatError, match="not a curve"):
        Curve.from_json({})
    usual = Usual((3.0, 4.0), (1.0, 2.0))
    good = Calibration(500, Ranking(curve, usual), (0.0, 0.5), (curve, curve), "oddness", 90)
    assert Calibration.from_json(json.loads(json.dumps(good.to_json()))) == good
    wrong = [
        {"draws": 10**9},
        {"draws": "x"},
        {"hidden": [0.0]},
        {"hidden": [0.5, 0.0]},
        {"curves": [1, 2]},
        {"complete": 3},
        {"by": "colour"},
        {"by": "likelihood"},
        {"usual": None},
        {"usual": 3},
        {"usual": {"center": [1.0, 2.0], "spread": [1.0]}},
        {"usual": {"center": [1.0, 2.0], "spread": [1.0, 0.0]}},
        {"usual": {"center": [1.0, "x"], "spread": [1.0, 1.0]}},
        {"rows": "x"},
    ]
    density = cr.fit(
        clusters(60), config=cr.FitConfig(epochs=1, hidden_size=4), seed=0, verbose=False
    )
    for change in wrong:
        with pytest.raises(FormatError):
            Calibration.from_json({**good.to_json(), **change})
        record = {**density.training, "calibration": {**good.to_json(), **change}}
        replace(density, training=record).save(tmp_path / "m.chainrule")
        with pytest.raises(FormatError, match=r"m\.chainrule: "):
            cr.load(tmp_path / "m.chainrule")
    written = fileformat.read(tmp_path / "m.chainrule", kind="model").content["training"]
    assert written["calibration"]["rows"] == "x"


def test_draws_without_a_probability_do_not_count():
    scores = np.random.default_rng(0).normal(size=200)
    with_others = np.concatenate([[-np.inf], scores, [-np.inf, np.nan]])
    assert rank_curve(with_others) == rank_curve(scores)
