"""scikit-learn: its own checks, and the estimators where they are used: pipelines, searches,
frames, pickles.
"""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from helpers.some_tables import mixed
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted
from torch.utils._python_dispatch import TorchDispatchMode

import chainrule as cr
from benchmarks.speed.fits import bare_step
from chainrule.errors import ChainruleError
from chainrule.sklearn import DensityEstimator, Imputer, OutlierDetector
from chainrule.tasks.calibrate import fit_calibration

ESTIMATORS = [DensityEstimator, OutlierDetector, Imputer]
BRIEF = cr.FitConfig(epochs=2, hidden_size=16)
NO_SUCH_WEIGHTS = "rows are drawn in batches, so a row of weight 2 is not a row that occurs twice"
EXPECTED = {
    f"check_sample_weight_equivalence_on_{kind}_data": NO_SUCH_WEIGHTS
    for kind in ("dense", "sparse")
}


def lines(n=100, seed=0):
    """Two columns of numbers, one the other's double with noise, and two more of their own."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return np.stack(
        [x, 2 * x + 0.1 * rng.normal(size=n), rng.normal(size=n), rng.exponential(size=n)], axis=1
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_checks_of_scikit_learn(estimator):
    found = check_estimator(
        estimator(config=BRIEF), on_fail=None, on_skip=None, expected_failed_checks=EXPECTED
    )
    failed = [
        f"{check['check_name']}: {check['exception']}"
        for check in found
        if check["status"] == "failed"
    ]
    assert not failed, "\n".join(failed)
    assert {check["check_name"] for check in found if check["status"] == "xfail"} <= set(EXPECTED)
    assert sum(check["status"] == "passed" for check in found) > 45


class Calls(TorchDispatchMode):
    """Counts what torch is asked to do, backwards too: the same number on any machine, however
    busy.
    """

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 1
        return func(*args, **(kwargs or {}))


def calls_of(work):
    with Calls() as calls:
        work()
    return calls.count


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_hundred_rows_are_fitted_with_little_more_than_the_bare_steps(estimator):
    """What that is in seconds, benchmarks.speed.fits measures."""
    rows, step = lines(), bare_step()
    step()  # the first one makes the optimizer's moments
    assert calls_of(
        lambda: estimator(effort="quick", random_state=0).fit(rows)
    ) < 4 * 600 * calls_of(step)


@pytest.mark.parametrize("objective", ["any", "likelihood"])
def test_scores_do_not_depend_on_the_batch(objective):
    rows = lines(300)
    estimator = DensityEstimator(effort="quick", objective=objective, random_state=1).fit(rows)
    whole = estimator.score_samples(rows)
    for part in ([0], range(7), range(299, -1, -3)):
        np.testing.assert_allclose(estimator.score_samples(rows[part]), whole[part], rtol=1e-7)
        np.testing.assert_allclose(
            estimator.transform(rows[part]), estimator.transform(rows)[part], rtol=1e-7, atol=1e-9
        )


def test_the_density_is_the_one_of_fit():
    rows = lines()
    estimator = DensityEstimator(effort="quick", random_state=3).fit(rows)
    density = cr.fit(rows, effort="quick", seed=3, verbose=False)
    assert np.array_equal(estimator.score_samples(rows), density.log_prob(rows))
    assert estimator.score(rows) == density.log_prob(rows).mean()
    weight = np.arange(100.0)
    assert estimator.score(rows, sample_weight=weight) == pytest.approx(
        np.average(density.log_prob(rows), weights=weight)
    )
    drawn = estimator.sample(5, random_state=0)
    assert isinstance(drawn, np.ndarray)
    assert drawn.shape == (5, 4)
    given = estimator.sample(5, random_state=0, given={"x0": 1.0})
    assert (given[:, 0] == 1).all()
    assert abs(given[:, 1].mean() - 2) < 1


def test_frames_keep_their_labels_dates_and_holes():
    table = mixed(120, holes=0.1)
    estimator = DensityEstimator(config=BRIEF, random_state=0, kinds={"gain": "integer"}).fit(table)
    assert estimator.feature_names_in_.tolist() == list(table.columns)
    assert [column.kind for column in estimator.density_.schema.columns][1] == "categorical"
    assert np.isfinite(estimator.score_samples(table)).all()
    drawn = estimator.sample(3)
    assert drawn.dtypes.to_dict() == table.dtypes.to_dict()
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.score_samples(table[table.columns[::-1]])
    few = pl.DataFrame({"a": ["u", "v"] * 20, "b": [k % 7 for k in range(40)]})
    assert DensityEstimator(config=BRIEF).fit(few).score_samples(few).shape == (40,)
    filled = (
        Imputer(config=BRIEF)
        .fit(few)
        .transform(few.with_columns(pl.when(pl.col("b") > 3).then(pl.col("a")).alias("a")))
    )
    assert isinstance(filled, pl.DataFrame)
    assert filled["a"].null_count() == 0
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        estimator.score_samples(table[:0])


def test_features_have_names_and_may_be_frames():
    table = mixed(100)
    estimator = (
        DensityEstimator(config=BRIEF, random_state=0).set_output(transform="pandas").fit(table)
    )
    names = estimator.get_feature_names_out()
    assert names[0] == "densityestimator0"
    features = estimator.transform(table)
    assert list(features.columns) == list(names)
    assert features.shape == (100, len(names))
    holes = table.mask(np.random.default_rng(0).random(table.shape) < 0.3)
    assert np.isfinite(estimator.transform(holes)).all().all()
    imputer = Imputer(config=BRIEF).set_output(transform="pandas").fit(holes)
    assert list(imputer.get_feature_names_out()) == list(table.columns)
    assert imputer.transform(holes).notna().all().all()


def test_odd_rows_are_found_by_their_p_values():
    rows = lines(400)
    detector = OutlierDetector(effort="quick", random_state=1).fit(rows)
    odd = np.array([[1.0, -2.0, 0.0, 1.0], [0.0, 0.0, 9.0, 1.0]])
    assert detector.predict(odd).tolist() == [-1, -1]
    assert (detector.predict(rows) == -1).mean() < 0.1
    assert np.array_equal(
        detector.decision_function(rows), detector.score_samples(rows) - detector.offset_
    )
    share = OutlierDetector(effort="quick", random_state=1, contamination=0.2).fit(rows)
    assert (share.predict(rows) == -1).mean() == pytest.approx(0.2, abs=0.003)
    assert detector.offset_ == np.log(0.01)
    assert np.array_equal(detector.predict(rows) == -1, detector.p_values(rows) < 0.01)
    far = np.concatenate([rows[:60], rows[60:120] + 50])
    weight = np.repeat([1.0, 0.0], 60)  # rows that do not count are none to find outliers among
    half = OutlierDetector(effort="quick", random_state=0, contamination=np.float32(0.2)).fit(
        far, sample_weight=weight
    )
    assert (half.predict(far[:60]) == -1).mean() == pytest.approx(0.2, abs=0.02)
    with pytest.raises(ValueError, match=r"contamination = 0\.7: pass 'auto', or a share"):
        OutlierDetector(contamination=0.7).fit(rows)


def test_holes_of_new_rows_are_filled_without_a_fit():
    rows = lines(400)
    imputer = Imputer(effort="quick", random_state=0).fit(rows)
    before = pickle.dumps(imputer.density_)
    new = np.array([[1.0, np.nan, 0.0, 1.0], [np.nan, -2.0, np.nan, np.nan]])
    filled = imputer.transform(new)
    assert np.isfinite(filled).all()
    assert np.array_equal(filled[~np.isnan(new)], new[~np.isnan(new)])
    assert filled[0, 1] == pytest.approx(2, abs=0.5)
    assert filled[1, 0] == pytest.approx(-1, abs=0.5)
    assert pickle.dumps(imputer.density_) == before
    draws = imputer.draws(new, n_draws=4, random_state=0)
    assert len(draws) == 4
    assert len({draw[1, 2] for draw in draws}) == 4
    assert np.array_equal(
        imputer.draws(new, n_draws=1, random_state=5)[0],
        imputer.draws(new, n_draws=1, random_state=5)[0],
    )
    again = Imputer(config=BRIEF, how="draw", random_state=np.random.RandomState(0)).fit(rows)
    assert not np.array_equal(again.transform(new), again.transform(new))


def test_pipelines_searches_clones_and_pickles():
    rows = lines(120)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), DensityEstimator(random_state=0, config=BRIEF)),
        {"densityestimator__config": [BRIEF, cr.FitConfig(epochs=40, hidden_size=16)]},
        cv=2,
    ).fit(rows)
    assert search.best_params_["densityestimator__config"].epochs == 40
    labelled = rows[:, 0] > 0
    from sklearn.linear_model import LogisticRegression

    holed = np.where(np.random.default_rng(0).random(rows.shape) < 0.2, np.nan, rows)
    model = make_pipeline(Imputer(config=cr.FitConfig(epochs=40)), LogisticRegression())
    assert cross_val_score(model, holed, labelled, cv=2).mean() > 0.7
    estimator = OutlierDetector(config=BRIEF, random_state=0, contamination=0.1)
    assert clone(estimator).get_params() == estimator.get_params()
    with pytest.raises(NotFittedError):
        check_is_fitted(clone(estimator.fit(rows)))
    same = pickle.loads(pickle.dumps(estimator))
    assert np.array_equal(same.decision_function(rows), estimator.decision_function(rows))
    frame = mixed(60)
    by_kind = make_column_transformer(
        (Imputer(config=BRIEF), make_column_selector(pattern="town|gain")),
        remainder="drop",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    assert list(by_kind.fit_transform(frame).columns) == ["town", "gain"]


def test_weights_are_routed_and_count():
    rows = np.array([[0.0], [1.0]] * 100)
    weight = np.where(rows[:, 0] == 0, 9.0, 1.0)
    config = cr.FitConfig(epochs=60, hidden_size=8)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(
            DensityEstimator(config=config, random_state=0).set_fit_request(sample_weight=True)
        )
        model.fit(rows, sample_weight=weight)
    assert np.exp(model.named_steps["densityestimator"].score_samples([[0.0]]))[0] == pytest.approx(
        0.9, abs=0.03
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rows_of_a_group_are_held_out_together(estimator):
    group = np.arange(100) // 5
    rows = pd.DataFrame(lines(), columns=list("abcd")).assign(who=[f"w{k}" for k in group])
    by_name = estimator(config=BRIEF, random_state=0).fit(rows, groups="who")
    record = by_name.density_.training
    assert record["groups"] == {"column": "who", "number": 20}
    assert record["valid_rows"] == 10
    assert by_name.n_features_in_ == 5
    assert by_name.density_.schema.names == ("a", "b", "c", "d")
    by_key = estimator(config=BRIEF, random_state=0).fit(rows[list("abcd")], groups=group)
    assert by_key.density_.training["valid_nats"] == pytest.approx(record["valid_nats"])
    with pytest.raises(ChainruleError, match="groups has shape"):
        estimator(config=BRIEF).fit(rows, groups=group[1:])


def test_groups_are_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        asked = DensityEstimator(config=BRIEF, random_state=0).set_fit_request(groups=True)
        search = GridSearchCV(asked, {"effort": ["quick"]}, cv=GroupKFold(4))
        search.fit(lines(), groups=np.arange(100) // 5)
    assert search.best_estimator_.density_.training["groups"] == {"column": None, "number": 20}


def test_a_detector_is_calibrated_by_rows_of_other_groups_than_those_trained_on(monkeypatch):
    """Also where training is so short that the fit itself has no calibration."""
    seen, group = [], np.arange(100) // 5

    def noted(model, codes, **options):
        seen.append(codes.values[:, 0])
        return fit_calibration(model, codes, **options)

    monkeypatch.setattr("chainrule.sklearn.fit_calibration", noted)
    rows = np.hstack([np.arange(100.0)[:, None] / 7, lines()])  # codes are multiples of 1/7
    detector = OutlierDetector(config=cr.FitConfig(epochs=1, hidden_size=2), random_state=0)
    weight = (group > 0).astype(float)
    detector.fit(rows, sample_weight=weight, groups=group)
    ((held),) = seen
    held = np.rint(held).astype(int)
    assert len(held) == detector.density_.training["valid_rows"]
    assert len(held) == 5 * len(set(group[held]))
    assert 0 not in group[held]


def test_arrays_of_objects_may_hold_dates_and_holes():
    table = mixed(60, holes=0.1)
    table["gain"] = table["gain"].astype("Int64")
    rows = table.astype(object).to_numpy()
    rows[0, 4] = pd.NA
    assert np.isfinite(
        DensityEstimator(config=BRIEF, random_state=0).fit(rows).score_samples(rows)
    ).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_ties_are_those_of_fit_and_cloned(estimator):
    rng = np.random.default_rng(0)
    net, tax = rng.integers(100, 9000, 300), rng.integers(1, 900, 300)
    rows = pd.DataFrame({"net": net, "tax": tax, "gross": net + tax, "paid": 100 * net})
    texts = {"gross = net + tax", "paid = 100 × net"}
    for ties, kept in (
        ("auto", texts),
        ("none", set()),
        (["gross = net + tax"], {"paid = 100 × net"}),
        ([("net", "paid")], {"gross = net + tax"}),
    ):
        asked = clone(estimator(config=BRIEF, random_state=0, ties=ties))
        assert asked.get_params()["ties"] == ties
        schema = asked.fit(rows).density_.schema
        assert {tie.text for tie in schema.ties if "≤" not in tie.text} == kept
    with pytest.raises(ChainruleError, match="ties 'some' is unknown"):
        estimator(config=BRIEF, ties="some").fit(rows)
    with pytest.raises(ChainruleError, match="tie 'a = b' is unknown"):
        estimator(config=BRIEF, ties=["a = b"]).fit(rows)


def test_wrong_input_is_explained():
    rows = lines(40)
    estimator = DensityEstimator(config=BRIEF).fit(rows)
    with pytest.raises(ValueError, match="X has 3 features, but DensityEstimator is expecting 4"):
        estimator.score_samples(rows[:, :3])
    with pytest.raises(NotFittedError):
        DensityEstimator().sample()
    with pytest.raises(ChainruleError, match="effort 'long'"):
        DensityEstimator(effort="long").fit(rows)
    with pytest.raises(ChainruleError, match="pool"):
        DensityEstimator(config=BRIEF, pool="best").fit(rows)
