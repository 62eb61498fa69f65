"""Between tables and codes: the round trip, and what a network says that is handed rows of the
table instead.
"""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

import chainrule as cr
from chainrule.errors import SchemaError, ShapeError
from chainrule.table import log_scales
from chainrule.testing import check

TINY = cr.FitConfig(hidden_size=8, components=2, epochs=15)
SAID = (
    "these seem to be rows of the table (as such they are over a million times more probable), but "
    "a network reads codes"
)


def mixed(rows, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "often": rng.random(rows) < 0.9,
        "seldom": (rng.random(rows) < 0.1).astype(int),
        "most": (rng.random(rows) < 0.8).astype(np.int8),
        "town": pd.Categorical(
            rng.choice(["Rome", "Oslo", "Bern"], rows), ["Bern", "Oslo", "Rome"]
        ),
        "age": pd.array(rng.integers(18, 90, rows), "Int64"),
        "price": rng.gamma(2, 9, rows).round(1),
        "height": rng.normal(170, 9, rows),
        "rain": np.where(rng.random(rows) < 0.5, 0.0, rng.gamma(1.0, 3.0, rows)),
        "when": pd.Timestamp("2024-01-01", tz="Europe/Berlin")
        + pd.to_timedelta(rng.integers(0, 300, rows), "D"),
    })  # fmt: skip
    table["town"] = table["town"].where(rng.random(rows) < 0.9)
    return table


def with_holes(table, seed=0):
    return table.mask(np.random.default_rng(seed).random(table.shape) < 0.2)


@pytest.fixture(scope="module")
def density():
    return cr.fit(mixed(300), seed=0, config=TINY, verbose=False)


TABLES = {
    "pandas": (mixed(200), {}),
    "holes": (mixed(200).assign(age=lambda t: t["age"].where(t["often"])), {}),
    "missing is modelled": (mixed(200), {"missing": "informative"}),
    "polars": (pl.from_pandas(mixed(200)), {}),
    "bits": ((np.random.default_rng(0).random((100, 6)) < 0.7).astype(np.uint8), {}),
    "numbers": (np.random.default_rng(0).normal(5, 3, (100, 3)), {}),
    "one row": (pd.DataFrame({"b": [True], "n": [7]}), {}),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_comes_back_from_its_codes(name):
    """In its container, types and names; reals up to rounding, all else as it was, and again from
    the same codes to the bit.
    """
    table, options = TABLES[name]
    density = cr.fit(table, seed=0, config=TINY, verbose=False, **options)
    codes = density.codes(table)
    assert codes.dtype == np.float64
    assert codes.shape == (len(table), len(density.schema.columns))
    back = density.table(codes)
    if isinstance(table, np.ndarray):
        assert back.dtype == table.dtype
        assert np.allclose(back, table, rtol=1e-12)
    elif isinstance(table, pl.DataFrame):
        assert_frame_equal(back, table)
    else:
        pd.testing.assert_frame_equal(back, table, rtol=1e-12)
    assert np.array_equal(density.codes(back), codes, equal_nan=True) or np.allclose(
        density.codes(back), codes, equal_nan=True
    )


def test_codes_are_what_the_network_reads(density):
    """Its log_prob of them, in float64 and with holes by the mask, is that of the table but for the
    units.
    """
    for table in (mixed(50, 1), with_holes(mixed(50, 2))):
        codes = density.codes(table)
        assert np.array_equal(np.isnan(codes), table.isna().to_numpy())
        x, observed = torch.from_numpy(codes), torch.from_numpy(~np.isnan(codes))
        nats = copy.deepcopy(density.model.network).double().log_prob(x, observed).detach().numpy()
        units = np.where(observed, log_scales(density.schema, np.where(observed, codes, 0)), 0).sum(
            1
        )
        assert np.allclose(nats + units, density.log_prob(table), rtol=1e-12)


def test_codes_of_bits_are_zero_where_the_value_is_the_frequent_one(density):
    codes, table = density.codes(mixed(300)), mixed(300)
    assert np.array_equal(codes[:, 0], ~table["often"])
    assert np.array_equal(codes[:, 1], table["seldom"])
    assert np.array_equal(codes[:, 2], 1 - table["most"])


def test_what_has_no_listed_label_or_is_unknown_comes_back_as_missing():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"town": rng.choice(["Rome", "Oslo"], 60), "x": rng.normal(size=60).round(1)}
    )
    table.loc[[3, 4], "town"] = "Ystad"
    density = cr.fit(table, seed=0, config=TINY, verbose=False)
    asked = pd.DataFrame(
        {"town": ["Rome", "Ystad", "Atlantis", None], "x": [0.5, np.nan, 0.1, -0.2]}
    )
    codes = density.codes(asked)
    assert codes[1:3, 0].tolist() == [2.0, 2.0]
    assert np.isnan(codes[3, 0])
    assert density.table(codes).equals(asked.assign(town=["Rome", None, None, None]))


def test_flags_are_among_the_codes_and_hide_their_cells():
    table = with_holes(mixed(200))
    density = cr.fit(table, seed=0, config=TINY, verbose=False, missing="informative")
    codes = density.codes(table)
    names = list(density.schema.names)
    assert codes.shape[1] == 18
    flag, own = names.index("height is missing"), names.index("height")
    assert np.array_equal(codes[:, flag], table["height"].isna())
    filled = np.where(np.isnan(codes), 0.0, codes)
    assert density.table(filled)["height"].isna().equals(table["height"].isna())
    filled[:, flag] = np.nan  # whether it is missing is unknown; the value is known
    assert not density.table(filled)["height"].isna().any()
    assert np.allclose(
        density.table(filled)["height"],
        filled[:, own] * density.schema.columns[own].spread + density.schema.columns[own].center,
    )


def test_drawn_codes_make_rows_atoms_among_them(density):
    """Of the network's float32, of tensors, of the device's type: zeros of rain are zeros."""
    codes = density.model.network.sample(200, generator=torch.Generator().manual_seed(0))
    assert codes.dtype == torch.float32
    drawn = density.table(codes)
    assert drawn.dtypes.equals(mixed(10).dtypes)
    assert (drawn["rain"] == 0).mean() > 0.2
    assert (drawn["price"] == drawn["price"].round(1)).all()


def test_codes_that_a_column_does_not_have_are_refused(density):
    codes = density.codes(mixed(4))
    for column, wrong, rule in (
        ("often", 2.0, "code 2 at row 3 is none of 0 … 1"),
        ("town", 3.5, "code 3.5 at row 3 is none of 0 … 3"),
        ("age", 40.5, "code 40.5 at row 3 is not a whole number"),
        ("height", np.inf, "code inf at row 3 is not finite"),
    ):
        broken = codes.copy()
        broken[3, density.schema.names.index(column)] = wrong
        with pytest.raises(SchemaError) as caught:
            density.table(broken)
        assert (
            str(caught.value) == f"column {column!r}: {rule}; density.codes makes codes of a table"
        )
    for wrong in (codes[:, :3], codes[0], codes.astype(str)):
        with pytest.raises(ShapeError, match=r"codes are .* of shape .*; pass numbers \(N, 9\)"):
            density.table(wrong)
    with pytest.raises(SchemaError):
        density.codes(mixed(4).assign(other=1))


def bits(rows, seed=0):
    rng = np.random.default_rng(seed)
    common = rng.random((rows, 1)) < 0.5
    return np.where(rng.random((rows, 12)) < 0.85, common, rng.random((rows, 12)) < 0.9).astype(
        int
    ) | (rng.random((rows, 12)) < 0.5)


def lots(rows, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack(
        [rng.normal(200, 30, rows), rng.integers(1000, 2000, rows), rng.random(rows) < 0.9], axis=1
    )


NETWORKS = ["nade", "made", "orderless", "committee", "several orders"]
ASKED = {
    "log_prob": lambda net, x: net.log_prob(x),
    "its columns": lambda net, x: net.log_prob_columns(x),
    "conditionals": lambda net, x: net.conditionals(x),
    "features": lambda net, x: net.features(x),
    "loss": lambda net, x: net.training_loss(x),
    "call": lambda net, x: net(x),
    "draws": lambda net, x: net.sample(
        len(x), given=(x, torch.arange(x.shape[1]) < x.shape[1] - 1)
    ),
    "first cells": lambda net, x: net.log_prob(
        x, observed=torch.arange(x.shape[1]) < x.shape[1] - 1
    ),
}


def fitted(make, network):
    several = {
        "committee": {"members": 2, "orders": 1},
        "several orders": {"members": 2, "orders": 2},
    }.get(network, {})
    config = cr.FitConfig(hidden_size=8, components=2, epochs=10, **several)
    network = "committee" if several else network
    return cr.fit(make(300), network=network, effort="quick", seed=0, config=config, verbose=False)


@pytest.mark.parametrize("make", [bits, lots])
@pytest.mark.parametrize("network", NETWORKS)
def test_rows_of_the_table_are_noticed_by_whatever_is_asked_of_a_network_and_codes_are_not(
    make, network
):
    density = fitted(make, network)
    for asked, ask in ASKED.items():
        if network == "several orders" and asked in (
            "its columns",
            "conditionals",
            "draws",
            "first cells",
        ):
            continue  # which it refuses
        again = cr.density.Density(density.model, density.training)  # which has not warned yet
        rows = make(100, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ask(again.model.network, torch.from_numpy(again.codes(rows)).float())
        with pytest.warns(UserWarning, match="rows of the table") as caught:
            ask(again.model.network, torch.from_numpy(rows).float())
        assert str(caught[0].message).startswith(SAID), asked
        assert caught[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ask(again.model.network, torch.from_numpy(rows).float())  # said once


def test_the_warning_says_what_to_pass():
    density = fitted(bits, "nade")
    flipped = [column.name for column in density.schema.columns if column.levels == (1, 0)]
    assert len(flipped) > 3
    with pytest.warns(UserWarning, match="rows of the table") as caught:
        density.model.network.log_prob(torch.from_numpy(bits(50)).float())
    assert str(caught[0].message) == (
        f"{SAID}: in {len(flipped)} of its binary columns, such as {flipped[0]!r}, code 1 is the "
        "value 0. Pass torch.from_numpy(density.codes(rows)), and show drawn codes by "
        "density.table(codes); or ask the density itself"
    )


@pytest.mark.parametrize("network", ["nade", "orderless"])
def test_nothing_is_said_of_codes_whatever_they_are(network):
    """Draws, one by one, odd ones, all there are, unknown cells; nor by the library itself, nor by
    networks of one's own.
    """
    density = fitted(bits, network)
    net, generator = density.model.network, torch.Generator().manual_seed(0)
    drawn = net.sample(200, generator=generator)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for row in drawn:
            net.log_prob(row[None])
        net.log_prob(torch.zeros(1, 12))
        net.log_prob(drawn[:0])
        net.log_prob(torch.cartesian_prod(*[torch.arange(2.0)] * 12))
        net.conditionals(torch.zeros(3, 12))
        known = torch.arange(12) < 4
        net.log_prob(torch.where(known, drawn, float("nan")), observed=known)
        density.log_prob(bits(50))
        density.sample(5, given=bits(5).astype(float) * np.where(np.arange(12) < 3, 1, np.nan))
        density.terms(bits(20))
        density.features(bits(20))
        check(density)
        own = cr.NADE(12, hidden_size=4)
        own.log_prob(torch.from_numpy(bits(50)).float())


def test_what_looks_at_rows_is_no_part_of_the_network(tmp_path):
    density = fitted(bits, "nade")
    before = {name: tensor.clone() for name, tensor in density.model.network.state_dict().items()}
    net = pickle.loads(pickle.dumps(copy.deepcopy(density.model.network)))
    with pytest.warns(UserWarning, match="these seem to be rows of the table"):
        net.log_prob(torch.from_numpy(bits(50)).float())
    assert net.state_dict().keys() == before.keys()
    density.save(tmp_path / "m.chainrule")
    again = cr.load(tmp_path / "m.chainrule")
    with pytest.warns(UserWarning, match="these seem to be rows of the table"):
        again.model.network.log_prob(torch.from_numpy(bits(50)).float())
    assert density.model.in_float64().look is None
    x = torch.from_numpy(density.codes(bits(20))).float().requires_grad_()
    density.model.network.log_prob(x).sum().backward()
    assert torch.isfinite(x.grad).all()
