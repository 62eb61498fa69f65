"""What users hold: scores and samples in the table's own terms."""

import copy
import math
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.tolerances import BATCH_RELATIVE

import chainrule as cr
from chainrule.errors import ChainruleError, EvidenceError
from chainrule.model import Model
from chainrule.table import Binary, Schema
from chainrule.testing import assert_pure, check


def frame(n=300, seed=0):
    """Three columns, b copies a nine times in ten, c is mostly true."""
    rng = np.random.default_rng(seed)
    a = rng.random(n) < 0.4
    return pd.DataFrame({"a": a, "b": np.where(rng.random(n) < 0.9, a, ~a).astype(np.int8), "c": rng.random(n) < 0.8})


@pytest.fixture(scope="module")
def density():
    return cr.fit(frame(1000), network="nade", seed=0, config=cr.FitConfig(hidden_size=50, epochs=60), verbose=False)


def test_scores_are_a_distribution_over_the_tables_own_values(density):
    every = pd.DataFrame([(a, b, c) for a in (False, True) for b in (0, 1) for c in (False, True)], columns=list("abc"))
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
        EvidenceError, match=r"row 1: known column 'c' is step 2 of the order, but column 'b' at step 1"
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
    assert lines[1].startswith(f"validation: {nats:.2f} nats ({nats / math.log(2):.2f} bits) a row, ")
    assert lines[2] == f"trained on 900 rows, {len(density.training['history'])} epochs, seed 0"


def test_check_passes_a_sound_model_and_names_what_is_broken(density):
    assert [r.passed for r in check(density)] == [True] * 7

    class Leaky(cr.NADE):
        """Output k sees x_k: the leak the lecture warns of."""

        def conditional_params(self, x, *, merge_repeats=False):
            return super().conditional_params(x) + 2 * x

    class Biased(cr.NADE):
        """A sampler that draws from another distribution than log_prob's."""

        def draw(self, values, observed, uniform, temperature):
            return super().draw(values, observed, uniform**1.5, temperature)

    for cls, broken in ((Leaky, {0, 1}), (Biased, {2, 3})):
        network = copy.deepcopy(density.model.network)
        network.__class__ = cls
        bad = cr.Density(cr.density.Model(density.model.schema, network))
        results = check(bad)
        assert broken <= {k for k, r in enumerate(results) if not r.passed}, [r.detail for r in results]


def test_check_notices_a_sampler_that_couples_columns_and_passes_rare_and_constant_ones():
    """A wrong pair late in the order behind constant columns is seen; rare values and constants raise no alarm."""
    columns = tuple(Binary(name=f"x{k}", levels=(0, 1), dtype="int64") for k in range(30))
    with torch.no_grad():
        network = cr.NADE(30, hidden_size=2)
        network.output_weight.zero_()
        network.output_bias[:20] = -40.0
        network.output_bias[20:] = torch.tensor([0.7, 0.0, 0.0, 0.0, 0.0, 0.0, -7.0, -7.0, -7.0, -7.0])
    sound = cr.Density(Model(Schema(columns), network))
    for seed in range(6):
        assert [r.passed for r in check(sound, seed=seed)] == [True] * 7

    class Coupled(cr.NADE):
        """Column 25 copies column 21, which log_prob holds to be independent of it."""

        def draw(self, values, observed, uniform, temperature):
            x = super().draw(values, observed, uniform, temperature)
            x[:, 25] = x[:, 21]
            return x

    network.__class__ = Coupled
    assert [r.passed for r in check(sound)][:4] == [True, True, False, False]


def test_check_notices_a_file_that_loses_a_bit(density, monkeypatch):
    module = sys.modules["chainrule.testing.check"]
    load = module.load

    def loses_a_bit(path):
        again = load(path)
        with torch.no_grad():
            again.model.network.output_bias[0] += 1e-3
        return again

    monkeypatch.setattr(module, "load", loses_a_bit)
    assert [r.passed for r in check(density)] == [True] * 4 + [False, True, True]


def test_check_fails_a_model_that_is_not_finite(density):
    network = copy.deepcopy(density.model.network)
    with torch.no_grad():
        network.output_weight[1, 1] = torch.nan
    results = check(cr.Density(Model(density.model.schema, network)))
    assert not any(r.passed for r in results)


def test_known_columns_alone_serve_as_evidence_without_a_warning(density):
    drawn = density.sample(5, pd.DataFrame({"a": [True]}), seed=0)
    assert bool(drawn["a"].all())


def test_bad_samples_are_refused(density):
    with pytest.raises(ChainruleError, match=r"n = 2\.5: pass a whole number of rows, at least 0"):
        density.sample(2.5)
    with pytest.raises(ChainruleError, match=r"given has 2 rows of values for 3 rows to draw; pass 1 or 3"):
        density.sample(3, pd.DataFrame({"a": [True] * 2, "b": [None] * 2, "c": [None] * 2}))
