"""What users hold: scores and samples in the table's own terms."""

import math

import numpy as np
import pandas as pd
import pytest
from helpers.some_tables import density_of_bits
from helpers.some_tables import three_bits as frame
from helpers.tolerances import BATCH_RELATIVE

import chainrule as cr
from chainrule.errors import ChainruleError, EvidenceError
from chainrule.testing import assert_pure, check


@pytest.fixture(scope="module")
def density():
    return density_of_bits()


def test_scores_are_a_distribution_over_the_tables_own_values(density):
    every = pd.DataFrame(
        [(a, b, c) for a in (False, True) for b in (0, 1) for c in (False, True)],
        columns=list("abc"),
    )
    p = np.exp(density.log_prob(every, strict=True))
    assert p.dtype == np.float64
    assert p.sum() == pytest.approx(1, abs=1e-12)
    observed = frame(20000, seed=1).value_counts(normalize=True)
    for row, probability in zip(every.itertuples(index=False), p, strict=True):
        assert probability == pytest.approx(observed.get(tuple(row), 0.0), abs=0.06)


def test_unknown_cells_are_marginalised_and_other_holes_refused(density):
    known = pd.DataFrame({"a": [True, True], "b": [1, 1], "c": [True, False]})
    partial = pd.DataFrame({"a": [True], "b": [1.0], "c": [None]})
    both = np.logaddexp(*density.log_prob(known, strict=True))
    assert density.log_prob(partial, strict=True)[0] == pytest.approx(both, abs=1e-12)
    with pytest.warns(UserWarning, match="'c' are absent"):
        assert density.log_prob(partial[["a", "b"]])[0] == density.log_prob(partial)[0]
    with pytest.raises(
        EvidenceError,
        match=r"row 1: known column 'c' is step 2 of the order, but column 'b' at step 1",
    ):
        density.log_prob(pd.DataFrame({"a": [True, True], "b": [1.0, None], "c": [True, True]}))


def test_samples_are_a_frame_like_the_one_fitted(density):
    drawn = density.sample(4000, seed=1)
    assert list(drawn.columns) == ["a", "b", "c"]
    assert drawn.dtypes.equals(frame().dtypes)
    assert drawn.equals(density.sample(4000, seed=1))
    assert not drawn.equals(density.sample(4000, seed=2))
    assert float((drawn["a"] == drawn["b"]).mean()) == pytest.approx(0.9, abs=0.06)
    given = density.sample(500, pd.DataFrame({"a": [True], "b": [None], "c": [None]}), seed=3)
    assert bool(given["a"].all())
    assert float(given["b"].mean()) == pytest.approx(0.9, abs=0.08)


def test_scores_do_not_depend_on_the_batch():
    digits = cr.datasets.load("digits")
    density = cr.fit(
        digits.train,
        digits.valid,
        network="nade",
        seed=0,
        config=cr.FitConfig(hidden_size=60, epochs=2),
        verbose=False,
    )
    together = density.log_prob(digits.test)
    alone = np.concatenate([density.log_prob(digits.test[k : k + 1]) for k in range(0, 300, 29)])
    assert np.abs(alone / together[::29] - 1).max() <= BATCH_RELATIVE
    shuffled = density.log_prob(digits.test[::-1])[::-1]
    assert np.abs(shuffled / together - 1).max() <= BATCH_RELATIVE
    assert density.score(digits.test) == together.mean()


def test_asking_a_density_changes_nothing(density, tmp_path):
    rows = frame(10)
    assert_pure(
        density.model.network,
        [
            lambda: density.log_prob(rows),
            lambda: density.sample(3),
            lambda: density.save(tmp_path / "m"),
            lambda: repr(density),
            lambda: check(density),
        ],
    )


def test_repr_says_what_it_is(density):
    nats = density.training["valid_nats"]
    lines = repr(density).splitlines()
    assert lines[0] == "Density of 3 binary columns by NADE"
    assert lines[1].startswith(
        f"validation: −log p {nats:.2f} nats ({nats / math.log(2):.2f} bits) a row, "
    )
    assert lines[2] == f"trained on 900 rows, {len(density.training['history'])} epochs, seed 0"


def test_known_columns_alone_serve_as_evidence_without_a_warning(density):
    drawn = density.sample(5, pd.DataFrame({"a": [True]}), seed=0)
    assert bool(drawn["a"].all())


def test_bad_samples_are_refused(density):
    with pytest.raises(ChainruleError, match=r"n = 2\.5: pass a whole number of rows, at least 0"):
        density.sample(2.5)
    with pytest.raises(
        ChainruleError, match=r"given has 2 rows of values for 3 rows to draw; pass 1 or 3"
    ):
        density.sample(3, pd.DataFrame({"a": [True] * 2, "b": [None] * 2, "c": [None] * 2}))
