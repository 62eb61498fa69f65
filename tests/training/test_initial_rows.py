"""Rows beside atoms: how many there are, and the mixtures that so few can train."""

import numpy as np
import pandas as pd
import torch

import chainrule as cr
from chainrule.conditionals import Atoms
from chainrule.model import LARGEST_FLOOR, columns_of
from chainrule.table import infer_schema
from chainrule.training.initial_rows import other_rows


def counts(rows=2000):
    """Small counts, nearly all of them one of a few, and a second column that says nothing."""
    rng = np.random.default_rng(0)
    visits = np.where(rng.random(rows) < 0.99, rng.integers(0, 4, rows) ** 2, 10)
    tail = rng.choice(rows, 24, replace=False)
    visits[tail] = np.tile([17, 19, 22, 27, 31, 38], 4)
    return pd.DataFrame({"visits": visits, "noise": rng.normal(size=rows)})


def test_rows_beside_atoms_are_counted_among_observed_cells():
    schema = infer_schema(counts())
    atoms = torch.tensor(schema.columns[0].atom_codes())
    codes = torch.tensor(counts().to_numpy())
    is_other = ~torch.isin(codes[:, 0], atoms)
    assert 0 < int(is_other.sum()) < 40
    assert other_rows(codes, None, schema, 2000) == {0: int(is_other.sum())}
    assert other_rows(codes, None, schema, 6000) == {0: 3 * int(is_other.sum())}
    observed = torch.ones(codes.shape, dtype=torch.bool)
    observed[is_other, 0] = False
    assert other_rows(codes, observed, schema, 2000) == {0: 0}


def test_few_rows_beside_atoms_have_few_and_wide_components():
    schema = infer_schema(counts())
    for rows, components, floor in ((0, 1, 0.5), (30, 1, 0.5), (90, 4, 0.25), (10**6, 10, 1e-3)):
        conditional = columns_of(schema, others={0: rows}).conditionals[0]
        assert isinstance(conditional, Atoms)
        assert (conditional.base.components, conditional.base.least_scale) == (components, floor)
        assert floor <= LARGEST_FLOOR


def test_a_count_that_no_row_had_is_rare_and_not_impossible(tmp_path):
    """It is no value outside, and draws stay near the counts of the table."""
    density = cr.fit(counts(), effort="quick", seed=0, verbose=False)
    base = density.model.network.columns.conditionals[0].base
    assert (base.components, base.least_scale) == (1, LARGEST_FLOOR)
    new = pd.DataFrame({"visits": [24, 29, 35], "noise": [0.0, 0.0, 0.0]})
    assert bool((density.log_prob(new) > -20).all())
    assert int(density.sample(4000, seed=0)["visits"].max()) < 200
    density.save(tmp_path / "m.chainrule")
    assert np.array_equal(cr.load(tmp_path / "m.chainrule").log_prob(new), density.log_prob(new))
