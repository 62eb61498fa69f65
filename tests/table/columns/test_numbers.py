"""Columns of numbers: codes, units, every network and mixture, missing cells, evidence by name."""

import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from helpers.command_line import chainrule
from helpers.quick import fit

import chainrule as cr
from chainrule.errors import ChainruleError, FormatError, SchemaError
from chainrule.model import Model, columns_of
from chainrule.table import Schema, decode, encode, infer_schema, log_scales, read_table
from chainrule.testing import check
from chainrule.training.checkpoint import Checkpoint

QUICK = cr.FitConfig(hidden_size=12, components=3, epochs=4, patience=0)


def rows_of(n=300, seed=0):
    """Two dependent numbers, a bit that one of them decides, and a number on its own."""
    rng = np.random.default_rng(seed)
    a = rng.normal(50, 7, n)
    return pd.DataFrame(
        {"a": a, "b": 2 * a + rng.normal(0, 1, n), "over": a > 50, "c": rng.exponential(1e-3, n)}
    )


def test_columns_of_numbers_are_standardised_and_come_back():
    table = read_table(rows_of())
    schema = infer_schema(table)
    assert [column.kind for column in schema.columns] == ["real", "real", "binary", "real"]
    assert Schema.from_json(schema.to_json()) == schema
    codes = encode(table, schema)
    assert np.allclose(codes.values[:, [0, 1, 3]].mean(0), 0, atol=1e-12)
    assert np.allclose(codes.values[:, [0, 1, 3]].std(0), 1, rtol=1e-12)
    low, high = codes.values[:, 0].min(), codes.values[:, 0].max()
    assert (schema.columns[0].low, schema.columns[0].high) == (
        np.floor(2 * low) / 2,
        np.ceil(2 * high) / 2,
    )
    back = decode(codes.values, schema)
    for name in ("a", "b", "c"):
        assert np.allclose(back[name], rows_of()[name], rtol=1e-12)
    assert back["over"].tolist() == rows_of()["over"].tolist()


def test_a_power_of_two_as_a_factor_changes_no_code():
    for factor in (1024.0, 2.0**-30):
        table, scaled = (read_table(rows_of()[["a", "b", "c"]] * f) for f in (1.0, factor))
        codes = [encode(t, infer_schema(t)).values for t in (table, scaled)]
        assert np.array_equal(*codes)


@pytest.mark.parametrize(
    "values", [[3.0], [3.0, 3.0, 3.0], [0.1] * 7, [-2.5, np.nan, -2.5], [1e300, 1e300]]
)
def test_constant_columns_have_a_scale(values):
    table = read_table(np.array(values)[:, None])
    schema = infer_schema(table, min_count=1)
    codes = encode(table, schema)
    assert schema.columns[0].spread > 0
    center = 0.0 if schema.columns[0].step is None else schema.columns[0].center
    assert np.abs(codes.values - center)[codes.observed].max() < 1e-12
    (column,) = infer_schema(
        table
    ).columns  # of fewer than five rows a scale that shows their size alone
    center, spread = (0.0, 1.0) if column.step is None else (column.center, column.spread)
    assert (
        np.abs((encode(table, Schema((column,))).values - center) / spread)[codes.observed].max()
        <= 1
    )


def test_units_shift_densities_and_leave_masses_alone():
    density = cr.fit(rows_of(), network="nade", seed=0, config=QUICK, verbose=False)
    table, schema, network = rows_of(40, seed=1), density.model.schema, density.model.network
    before = density.log_prob(table)
    scaled = [
        replace(column, center=column.center * 1000, spread=column.spread * 1000)
        if column.kind == "real"
        else column
        for column in schema.columns
    ]
    bigger = table.assign(a=table.a * 1000, b=table.b * 1000, c=table.c * 1000)
    after = cr.Density(Model(replace(schema, columns=tuple(scaled)), network)).log_prob(bigger)
    assert np.allclose(after, before - 3 * math.log(1000), rtol=0, atol=1e-9)
    assert (
        log_scales(schema, encode(read_table(table), schema).values, strict=True)[:, 2] == 0
    ).all()


@pytest.mark.parametrize("network", ["nade", "made", "orderless"])
@pytest.mark.parametrize("conditional", ["gaussian", "logistic", "laplace"])
def test_every_network_with_every_mixture(network, conditional, tmp_path):
    config = replace(QUICK, conditional=conditional, epochs=25)
    table = rows_of(600)
    density = cr.fit(table, network=network, seed=0, config=config, verbose=False)
    assert (
        density.training["independent_valid_nats"] - density.training["valid_nats"] > 0.3
    )  # a, b and the bit belong together
    assert [result for result in check(density) if not result.passed] == []
    density.save(tmp_path / "m")
    again = cr.load(tmp_path / "m")
    assert np.array_equal(again.log_prob(table), density.log_prob(table))
    drawn = density.sample(500, seed=1)
    assert list(drawn.columns) == list(table.columns)
    assert drawn.dtypes.tolist() == table.dtypes.tolist()
    assert abs(drawn.a.mean() - table.a.mean()) < 5
    assert set(drawn.over.unique()) <= {True, False}


@pytest.mark.parametrize("order", ["greedy", "mutual-information", "reverse"])
def test_orders_are_learned_and_kept_by_name(order):
    density = cr.fit(
        rows_of()[["c", "a", "over", "b"]],
        network="nade",
        seed=0,
        config=replace(QUICK, order=order),
        verbose=False,
    )
    kept = density.training["order"]
    assert kept == [density.model.schema.names[k] for k in density.model.network.order.tolist()]
    if order == "reverse":
        assert kept == ["b", "over", "a", "c"]
    else:
        assert kept[-1] == "c"  # which goes with no other


def test_the_recorded_nats_are_those_of_the_table():
    table, valid = rows_of(200), rows_of(80, seed=3)
    density = cr.fit(table, valid, network="nade", seed=0, config=QUICK, verbose=False)
    assert density.training["valid_nats"] == pytest.approx(
        -density.log_prob(valid).mean(), abs=2e-4
    )
    assert density.training["history"][-1]["valid_nats"] >= density.training["valid_nats"] - 1e-6
    assert density.training["valid_is"] == "exact"


def test_rows_with_holes_train_an_orderless_network_and_are_scored():
    """Missing at random: what was seen of the pairs teaches how they belong together."""
    table = rows_of(800)
    rng = np.random.default_rng(5)
    holes = table.mask(rng.random(table.shape) < 0.3)
    config = replace(QUICK, hidden_size=40, epochs=60)
    density = cr.fit(holes, objective="any", seed=0, config=config, verbose=False)
    assert density.training["network"] == "orderless"
    assert density.training["independent_valid_nats"] - density.training["valid_nats"] > 0.3
    given = pd.DataFrame(
        {"a": [np.nan, np.nan], "b": [80.0, 120.0], "over": [np.nan] * 2, "c": [np.nan] * 2},
        dtype=object,
    )
    drawn = density.sample(200, given=given.iloc[:1], seed=0)
    assert abs(drawn.a.astype(float).mean() - 40) < 4
    assert drawn.b.nunique() == 1
    assert float(drawn.b.iloc[0]) == pytest.approx(80, rel=1e-12)
    scores = density.log_prob(holes)
    assert np.isfinite(scores).all()
    nothing = density.log_prob(
        pd.DataFrame({"a": [None], "b": [None], "over": [None], "c": [None]})
    )
    assert nothing.tolist() == [0.0]


def test_an_orderless_fit_resumes_to_the_same_bits(tmp_path, monkeypatch):
    config = replace(QUICK, dropout=0.2, epochs=5)
    whole = cr.fit(rows_of(), network="orderless", seed=4, config=config, verbose=False)

    saved = Checkpoint.save

    def save_twice(self, state, *args, **options):
        saved(self, state, *args, **options)
        if state.epoch == 2:
            raise KeyboardInterrupt

    path = tmp_path / "c"
    monkeypatch.setattr(Checkpoint, "save", save_twice)
    with pytest.raises(KeyboardInterrupt):
        cr.fit(
            rows_of(), network="orderless", seed=4, config=config, verbose=False, checkpoint=path
        )
    monkeypatch.setattr(Checkpoint, "save", saved)
    again = cr.fit(
        rows_of(), network="orderless", config=config, verbose=False, checkpoint=path, resume=True
    )
    for a, b in zip(
        whole.model.network.parameters(), again.model.network.parameters(), strict=True
    ):
        assert torch.equal(a, b)


def test_numbers_are_evidence_within_the_training_range_only():
    density = cr.fit(rows_of(), network="orderless", seed=0, config=QUICK, verbose=False)
    column = density.schema.columns[1]
    # One range beyond the training rows: a and b are nearly linear in each other, so their relation
    # goes on that far. The network itself stops at the range.
    high = (2 * column.high - column.low) * column.spread + column.center
    given = pd.DataFrame({"a": [np.nan], "b": [high], "over": [np.nan], "c": [np.nan]})
    far = given.assign(b=1e9)
    with pytest.warns(UserWarning, match="lies outside the range of the training"):
        near = density.sample(50, given=given, seed=2).a
    with pytest.warns(
        UserWarning,
        match="the table: column 'b': value 1000000000.0 lies outside the range of the training",
    ):
        beyond = density.sample(50, given=far, seed=2).a
    assert np.allclose(near, beyond, rtol=1e-5)
    assert density.log_prob(far)[0] < density.log_prob(given)[0] - 1000


def test_the_sets_of_numbers_are_known(monkeypatch):
    folder = os.environ.get("CHAINRULE_DATA") or str(Path(__file__).parents[4] / "shared" / "data")
    monkeypatch.setenv("CHAINRULE_DATA", folder)
    for name in ("red-wine", "parkinsons", "ionosphere", "boston-housing"):
        info = next(info for info in cr.datasets.list() if info.name == name)
        try:
            loaded = cr.datasets.load(name)
        except ChainruleError:
            pytest.skip(
                f"{name} is not in {folder}; set CHAINRULE_DATA to the folder that holds it"
            )
        assert tuple(map(len, (loaded.train, loaded.valid, loaded.test))) == info.rows
        assert len(loaded.columns) == info.columns == loaded.train.shape[1]
        assert loaded.train.dtype == np.float64
        assert np.isfinite(loaded.train).all()


def test_wrong_numbers_and_schemas_are_explained():
    with pytest.raises(
        SchemaError,
        match=r"column 'b': value 'x' at row 4 is not a number, as 4 of 5 are: correct it",
    ):
        infer_schema(read_table(pd.DataFrame({"b": [1.5, 2.5, 3, 4, "x"]})))
    density = cr.fit(rows_of(), network="nade", seed=0, config=QUICK, verbose=False)
    with pytest.raises(SchemaError, match=r"column 'over': value 0.5 at row 0 is not 0 or 1"):
        density.log_prob(rows_of(1).assign(over=0.5), strict=True)
    with pytest.raises(ChainruleError, match="conditional 'normal' is unknown"):
        columns_of(density.model.schema, conditional="normal")
    with pytest.raises(
        SchemaError,
        match=r"column 'a': center .*, spread 0.0 and range .* are not those of a real column",
    ):
        replace(density.model.schema.columns[0], spread=0.0)
    other = replace(
        density.model.schema,
        columns=(
            replace(density.model.schema.columns[0], high=9.0),
            *density.model.schema.columns[1:],
        ),
    )
    with pytest.raises(
        SchemaError,
        match=(
            r"column 'a' is of kind 'real', but the network gives it GaussianMixture.*encoded by "
            r"Joined\(of=\(Standardised"
        ),
    ):
        Model(other, density.model.network)


def test_cells_out_of_reach_are_named_before_training():
    far = rows_of(50)
    far.loc[7, "b"] = 1e30
    with pytest.raises(
        SchemaError,
        match=(
            r"the validation table: column 'b' lies 7.*e\+28 standard deviations from the mean at "
            r"row 7"
        ),
    ):
        cr.fit(rows_of(), far, network="nade", config=QUICK, verbose=False)


def test_a_small_file_cannot_ask_for_much_memory():
    """A file that describes columns its schema lacks is refused before a network is built."""
    density = cr.fit(
        rows_of(60)[["over"]],
        network="made",
        seed=0,
        config=replace(QUICK, epochs=1),
        verbose=False,
    )
    spec, wide = density.model.to_json(), 10**6
    spec["network"]["columns"] = [
        {"times": 1, "conditional": {"kind": "Categorical", "values": wide}}
    ]
    spec["network"]["config"] |= {"hidden_sizes": [1], "direct": False}
    arrays = {
        "hidden_biases.0": np.zeros(1, np.float32),
        "hidden_weights.0": np.zeros((1, wide), np.float32),
        "output_weight": np.zeros((wide, 1), np.float32),
        "output_bias": np.zeros(wide, np.float32),
    }
    with pytest.raises(
        FormatError, match="column 'over' is of kind 'binary', but the network gives it Categorical"
    ):
        Model.from_parts(spec, arrays)


def test_names_with_markup_and_signs_are_shown_as_they_are(tmp_path):
    table = pd.DataFrame({"[/a]": [0, 1, 1, 0] * 5, "x=y": [1, 0, 1, 0] * 5})
    cr.fit(table, network="nade", seed=0, config=QUICK, verbose=False).save(tmp_path / "m")
    shown = chainrule("show", "m", cwd=tmp_path)[1]
    assert "[/a], x=y" in shown
    drawn = chainrule("sample", "m", "-n", 2, "--given", "[/a]=1", cwd=tmp_path)[1]
    assert drawn.splitlines()[0] == "[/a],x=y"
    whole = chainrule(
        "sample", "m", "-n", 1, "--given", "[/a]=1", "--given", "x=y=1", cwd=tmp_path
    )[1]
    assert whole.splitlines()[1] == "1,1"


def test_frames_of_polars_come_back_as_polars():
    table = pl.from_pandas(rows_of())
    drawn = cr.fit(table, network="nade", seed=0, config=QUICK, verbose=False).sample(3, seed=0)
    assert isinstance(drawn, pl.DataFrame)
    assert drawn.columns == table.columns


NOISY = {
    "thousandths times a million": (lambda rng: rng.normal(size=400).round(3) * 1e6, 0),
    "prices in mills": (lambda rng: rng.gamma(2.0, 20.0, 400).round(2) * 1000, 0),
    "multiples of a tenth": (lambda rng: rng.integers(-60, 60, 400) * 0.1, 1),
    "inches in metres": (lambda rng: rng.integers(-50, 50, 400) * (1e-3 * 2.54), 5),
    "a negative power": (lambda rng: rng.integers(1, 90, 400) * 1e-12, 12),
    "cents and a tenth of it": (lambda rng: rng.integers(0, 1000, 400) / 100 * 1.1, 3),
    "of more steps than a grid has": (lambda rng: rng.normal(size=400).round(5) * 1000, 2),
    "with a phase": (lambda rng: rng.integers(0, 300, 400) * 0.3 + 0.1, 1),
}


@pytest.mark.parametrize("name", NOISY)
def test_numbers_that_arithmetic_moved_are_drawn_and_filled_without_its_noise(name):
    make, decimals = NOISY[name]
    rng = np.random.default_rng(0)
    numbers = make(rng)
    assert (np.round(numbers, decimals) != numbers).any()  # they have noise
    frame = pd.DataFrame({"a": numbers, "x": rng.normal(size=len(numbers))})
    density = fit(frame)
    column = density.schema.columns[0]
    assert column.decimals == decimals
    holes = frame.assign(a=frame["a"].where(frame.index % 3 > 0))
    filled = density.impute(holes, how="draw", seed=0)["a"]
    known = frame.index % 3 > 0
    assert np.array_equal(filled[known], numbers[known])  # noise and all
    for found in (density.sample(200, seed=0)["a"].to_numpy(), filled[~known].to_numpy()):
        assert np.array_equal(found, np.round(found, decimals))
        assert max(len(repr(number)) for number in found.tolist()) < 13


def test_a_step_of_many_digits_keeps_them():
    thirds = np.random.default_rng(0).integers(0, 30, 400) / 3
    column = infer_schema(pd.DataFrame({"a": thirds})).columns[0]
    assert (column.step, column.decimals) == (pytest.approx(1 / 3, rel=1e-15), None)


def test_continuous_numbers_in_full_precision_have_no_decimals():
    for scale in (1e-9, 1.0, 1e9):
        numbers = np.random.default_rng(0).normal(size=400) * scale
        assert infer_schema(pd.DataFrame({"a": numbers})).columns[0].decimals is None
