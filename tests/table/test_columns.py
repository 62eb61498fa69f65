"""Kinds of column: what is inferred, codes of values and back, messages about other values."""

import datetime
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.some_tables import mixed
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import FormatError, SchemaError
from chainrule.table import Schema, decode, encode, log_scales, masses, read_table, to_container
from chainrule.table.columns.grid import atoms_of, grid

RNG = np.random.default_rng(0)


def schema_of(table, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cr.infer_schema(table, **options)


def kinds_of(table, **options):
    return {column.name: column.kind for column in schema_of(table, **options).columns}


def test_the_guess_and_its_reason():
    frame = mixed().assign(
        nothing=None,
        number=np.arange(400),
        name=[f"n{k}" for k in range(400)],
        ever=7,
        zip=RNG.integers(0, 30, 400) * 100,
    )
    schema = schema_of(frame)
    assert {c.name: c.kind for c in schema.columns} == {
        "sex": "binary",
        "town": "categorical",
        "gain": "integer",
        "height": "real",
        "price": "real",
        "hour": "datetime",
        "ever": "integer",
        "zip": "integer",
    }
    assert {out.name: out.reason for out in schema.left_out} == {
        "nothing": "no known value",
        "number": "an id: whole numbers, all different in a narrow range",
        "name": "labels of which none has 5 rows",
    }
    assert schema.table_names == tuple(frame.columns)
    lines = str(schema).splitlines()
    assert [line.split()[0] for line in lines] == list(frame.columns)
    assert ", multiples of 0.1" in lines[4]
    by_name = {c.name: c for c in schema.columns}
    assert by_name["gain"].atoms == (0.0,)
    assert by_name["zip"].step == 100.0
    assert by_name["hour"].periods == (24.0, 168.0)
    assert by_name["ever"].atoms == (7.0,)
    assert Schema.from_json(schema.to_json()) == schema


def test_left_out_columns_warn_and_may_be_refused_or_given_a_kind():
    frame = mixed(60).assign(name=[f"n{k}" for k in range(60)])
    with pytest.warns(
        UserWarning, match=r"the table: left out 'name' \(labels of which none has 5 rows\)"
    ):
        cr.infer_schema(frame)
    with pytest.raises(
        SchemaError, match=r"cannot model 'name' \(labels .*\); drop them, say kinds=\{'name': …\}"
    ):
        cr.infer_schema(frame, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "name" not in kinds_of(frame, kinds={"name": "leave out"}, strict=True)
    kinds = {"gain": "categorical", "price": "real", "sex": "integer"}
    assert kinds_of(frame, kinds=kinds, min_count=2).items() >= kinds.items()


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"age": "real"}, "kinds: column 'age' is unknown"),
        ({"sex": "boolean"}, "kinds['sex']: kind 'boolean' is unknown"),
        ({"town": "real"}, "column 'town': value 'south' at row 0 is not a finite number"),
        ({"height": "integer"}, "column 'height': value 1"),
        ({"height": "binary"}, "column 'height': value 1"),
        (
            {"town": "datetime"},
            "column 'town': value 'south' at row 0 is not a date or time; write it as 2024-12-31",
        ),
        ({"gain": {"kind": "integer", "most": 5}}, "column 'gain': value "),
        ({"gain": {"kind": "binary", "most": 5}}, "kinds['gain']: option 'most' is unknown"),
    ],
)
def test_kinds_that_do_not_fit_are_explained(kinds, message):
    frame = mixed(60).assign(town="south")
    with pytest.raises(SchemaError) as error:
        cr.infer_schema(frame, kinds=kinds)
    assert str(error.value).startswith(message)


VALUES = {
    "bool": st.booleans(),
    "bit": st.sampled_from([0, 1]),
    "label": st.sampled_from(["a", "b", "é", "NA", " x"]),
    "integer": st.integers(-(2**45), 2**45),
    "small": st.integers(-3, 3),
    "step": st.integers(-300, 300).map(lambda k: k / 10),
    "real": st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-6),
    "date": st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 1, 1)),
    "time": st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2150, 1, 1)),
}


@st.composite
def tables(draw):
    """Columns of any kinds, of the same length, with holes."""
    rows = draw(st.integers(1, 12))
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
    cell = {
        kind: st.one_of(st.none(), VALUES[kind], VALUES[kind], VALUES[kind]) for kind in set(kinds)
    }
    return {
        f"{kind} {k}": draw(st.lists(cell[kind], min_size=rows, max_size=rows))
        for k, kind in enumerate(kinds)
    }


def as_frame(columns, container):
    if container == "pandas":
        return pd.DataFrame(
            {name: pd.Series(values, dtype=object) for name, values in columns.items()}
        )
    frame = pl.DataFrame(
        {name: pl.Series(name, values, strict=False) for name, values in columns.items()}
    )
    return frame if container == "polars" else frame.to_arrow()


@settings(max_examples=150)
@given(columns=tables(), container=st.sampled_from(["pandas", "polars", "pyarrow"]))
def test_any_table_round_trips(columns, container):
    """Values, names, types and holes come back from codes; so does the schema from JSON."""
    frame = as_frame(columns, container)
    table = read_table(frame)
    try:
        schema = schema_of(table, min_count=1)
    except SchemaError as error:
        assert "no column can be modelled" in str(error)  # noqa: PT017
        return
    assert Schema.from_json(schema.to_json()) == schema
    codes = encode(table, schema)
    back = decode(codes.values, schema)
    again = encode(read_table(to_container(back, schema)), schema, warn=False)
    for k, column in enumerate(schema.columns):
        known = codes.observed[:, k]
        assert known.tolist() == [value is not None for value in columns[column.name]]
        assert np.allclose(again.values[known, k], codes.values[known, k], rtol=1e-12, atol=1e-12)
        for value, cell in zip(columns[column.name], back[column.name].tolist(), strict=True):
            if value is None:
                continue
            if column.kind == "real" and column.step is None:
                assert cell == pytest.approx(value, rel=1e-9, abs=1e-9)
            elif column.kind == "datetime":
                assert np.datetime64(value) == np.datetime64(cell)
            else:
                assert cell == value


@pytest.mark.parametrize("container", ["pandas", "polars", "pyarrow"])
def test_types_come_back(container):
    frame = mixed(60)
    frame["town"] = frame["town"].astype("category")
    frame["gain32"] = frame["gain"].astype("int32")
    frame["flag"] = frame["sex"].astype(int)
    frame["zone"] = pd.to_datetime(frame["hour"]).dt.tz_localize("Europe/Berlin")
    if container == "polars":
        frame = pl.from_pandas(frame).with_columns(pl.col("hour").cast(pl.Date).alias("day"))
    if container == "pyarrow":
        frame = pa.Table.from_pandas(frame, preserve_index=False)
    table = read_table(frame)
    schema = schema_of(table)
    made = to_container(decode(encode(table, schema).values, schema), schema)
    if container == "pandas":
        pd.testing.assert_frame_equal(made, frame, check_exact=False, rtol=1e-12)
    elif container == "polars":
        assert made.schema == frame.schema
        assert made.drop("height").equals(frame.drop("height"))
    else:
        assert [t for t in made.schema.types if not pa.types.is_dictionary(t)] == [
            t for t in frame.schema.types if not pa.types.is_dictionary(t)
        ]
        assert made.drop(["height", "town"]).equals(
            frame.drop(["height", "town"]).replace_schema_metadata(None)
        )


def test_ordered_categories_and_nullable_integers_keep_their_type():
    levels = pd.CategoricalDtype(["low", "mid", "high"], ordered=True)
    frame = pd.DataFrame(
        {
            "c": pd.Series(["mid", "low", "high", "high"] * 5, dtype=levels),
            "i": pd.array([5, None, 9, 7] * 5, dtype="Int64"),
            "o": pd.Series([5, None, 9, 7] * 5, dtype=object),
        }
    )
    schema = schema_of(frame, min_count=1)
    assert [c.kind for c in schema.columns] == ["categorical", "integer", "integer"]
    codes = encode(read_table(frame), schema)
    made = to_container(decode(codes.values, schema), schema)
    assert made.dtypes.tolist() == frame.dtypes.tolist()
    assert made["c"].tolist() == frame["c"].tolist()
    enum = pl.DataFrame({"c": pl.Series(["b", "a", "b"] * 5, dtype=pl.Enum(["a", "b"]))})
    schema = schema_of(enum)
    assert to_container(decode(encode(read_table(enum), schema).values, schema), schema).equals(
        enum
    )


def test_renaming_labels_changes_no_code():
    labels = np.array(["b", "a", "c", "a", "b", "b", "c", "a"] * 3, dtype=object)
    renamed = np.array([{"a": "zebra", "b": "yak", "c": "ant"}[v] for v in labels], dtype=object)
    for dtype in (object, "category"):
        codes = [
            encode(read_table(f), schema_of(f)).values
            for f in (pd.DataFrame({"x": pd.Series(v, dtype=dtype)}) for v in (labels, renamed))
        ]
        assert np.array_equal(*codes)


@pytest.mark.parametrize("factor", [1024.0, 2.0**20])
def test_a_power_of_two_changes_no_code_of_numbers_steps_and_integers(factor):
    frame = pd.DataFrame(
        {
            "height": RNG.normal(170, 9, 300),
            "price": RNG.integers(0, 90, 300) / 10,
            "many": RNG.integers(-400, 400, 300) * 3,
            "rain": np.where(RNG.random(300) < 0.5, 0.0, RNG.exponential(2.0, 300)),
        }
    )
    one, two = schema_of(frame), schema_of(frame * factor)
    assert [c.kind for c in one.columns] == [c.kind for c in two.columns]
    assert (
        [len(c.atoms) for c in one.columns] == [len(c.atoms) for c in two.columns] == [0, 0, 0, 1]
    )
    assert np.array_equal(
        encode(read_table(frame), one).values, encode(read_table(frame * factor), two).values
    )


def test_steps_and_atoms_are_found():
    assert grid(np.array([0.3, 0.6, 1.5])) == (0.3, 1)
    assert grid(np.array([7.25, 71.2833])) == (0.0001, 4)
    assert grid(np.array([3.0, 9.0, np.nan])) == (3.0, 0)
    assert grid(np.array([1 / 3, 2 / 3])) is None
    values = np.concatenate(
        [np.zeros(50), RNG.exponential(1, 900), np.full(30, 9.0), np.full(3, 4.0)]
    )
    assert atoms_of(values, min_count=5) == (0.0, 9.0)
    ages = RNG.integers(20, 60, 2000).astype(float)
    assert atoms_of(ages, min_count=5) == ()
    assert atoms_of(np.concatenate([ages, np.full(900, 40.0)]), min_count=5) == (40.0,)


@pytest.mark.parametrize(
    "values",
    [
        np.append(np.random.default_rng(0).normal(size=300), 1e12),
        np.exp(6 * np.random.default_rng(0).normal(size=300)),
        np.random.default_rng(0).pareto(0.3, 300),
    ],
)
def test_heavy_tails_are_fitted_step_by_step(values):
    """Knots that float32 could not tell apart would be nought by nought."""
    density = cr.fit(
        pd.DataFrame({"x": values, "y": values[::-1]}),
        seed=0,
        config=cr.FitConfig(epochs=2),
        verbose=False,
    )
    assert density.training["skipped_steps"] == 0
    knots = np.array(density.schema.columns[0].knots, dtype=np.float32)
    assert (np.diff(knots) > 0).all()


def thousandfold(column):
    """Center, spread and scale of a continuous column in units 1000 times as fine."""
    if column.warp is None:
        return {"center": column.center * 1000, "spread": column.spread * 1000}
    return {"warp": replace(column.warp, unit=column.warp.unit * 1000)}


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_masses_and_densities_have_their_units(scale):
    """In units 1000 times as fine a density shifts by −log 1000, and a mass does not change.

    Atoms, steps of a grid and integers have masses.
    """
    frame = pd.DataFrame(
        {
            "rain": np.where(RNG.random(300) < 0.5, 0.0, RNG.exponential(2.0, 300)),
            "n": RNG.poisson(9, 300),
        }
    )
    schema = schema_of(frame, kinds={"rain": {"kind": "real", "scale": scale}})
    rain = schema.columns[0]
    assert (rain.warp is None) == (scale == "linear")
    bigger = replace(
        schema,
        columns=(
            replace(rain, atoms=tuple(a * 1000 for a in rain.atoms), **thousandfold(rain)),
            schema.columns[1],
        ),
    )
    codes = encode(read_table(frame), schema).values
    moved = encode(read_table(frame.assign(rain=frame.rain * 1000)), bigger).values
    shift = log_scales(bigger, moved) - log_scales(schema, codes)
    wet = (frame.rain != 0).to_numpy()
    assert np.allclose(shift[wet, 0], -np.log(1000), rtol=0, atol=1e-9)
    assert (shift[~wet, 0] == 0).all()
    assert (shift[:, 1] == 0).all()
    assert np.array_equal(masses(schema, codes)[:, 0], ~wet)


def test_values_that_do_not_fit_are_explained():
    frame = mixed(60)
    schema = schema_of(frame)
    for name, value, message in (
        (
            "gain",
            2.5,
            "column 'gain': value 2.5 at row 3 is not an integer, as all were when the model was "
            "fitted: correct it, or leave the cell empty",
        ),
        ("gain", "many", "column 'gain': value 'many' at row 3 is not a finite number; correct it"),
        (
            "sex",
            "maybe",
            "column 'sex': value 'maybe' at row 3 is not 0 or 1 (or true/false), as all were",
        ),
        ("hour", "soon", "column 'hour': value 'soon' at row 3 is not a date or time"),
    ):
        wrong = frame.astype(object)
        wrong.loc[3, name] = value
        with pytest.raises(SchemaError) as error:
            encode(read_table(wrong), schema, strict=True)
        assert str(error.value).startswith(message)
    off = frame.copy()
    off.loc[3, "price"] = 2.34
    with pytest.warns(
        UserWarning,
        match=r"column 'price': 1 value\(s\), such as 2.34 at row 3, lie between the steps of 0.1",
    ):
        codes = encode(read_table(off), schema)
    assert decode(codes.values, schema)["price"][3] == 2.3


def test_declared_bounds_are_kept():
    frame = pd.DataFrame({"n": RNG.integers(0, 4, 200)})
    schema = schema_of(frame, kinds={"n": {"kind": "integer", "least": 0, "most": 5}})
    assert (schema.columns[0].least, schema.columns[0].most) == (0, 5)
    with pytest.raises(SchemaError, match=r"value 6 at row 0 is above the bound 5"):
        encode(read_table(pd.DataFrame({"n": [6]})), schema, strict=True)
    config = cr.FitConfig(hidden_size=4, epochs=2)
    density = cr.fit(frame, kinds=schema, seed=0, config=config, verbose=False)
    every = density.log_prob(pd.DataFrame({"n": range(6)}), strict=True)
    assert np.exp(every).sum() == pytest.approx(1, abs=1e-10)


def test_damaged_descriptions_are_format_errors():
    spec = schema_of(mixed()).to_json()
    for change in (
        lambda s: s["columns"][1].update(levels=[]),
        lambda s: s["columns"][1].update(levels=[None]),
        lambda s: s["columns"][1].update(unlisted=-1),
        lambda s: s["columns"][2].update(step=0),
        lambda s: s["columns"][2].update(atoms=[1, 1]),
        lambda s: s["columns"][3].update(spread=0),
        lambda s: s["columns"][5].update(unit="fortnight"),
        lambda s: s["columns"][5].update(periods=[-1]),
        lambda s: s["columns"][2].pop("center"),
        lambda s: s.update(left_out=[{"name": "x"}]),
    ):
        broken = {**spec, "columns": [dict(column) for column in spec["columns"]]}
        change(broken)
        with pytest.raises((FormatError, SchemaError)):
            Schema.from_json(broken)


def test_a_few_values_off_the_grid_count_as_its_nearest():
    """One odd value does not turn whole numbers into a continuous column; one in a hundred does."""
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 60, 3000).astype(float)
    whole[7] = 1029.666667
    schema = cr.infer_schema(pd.DataFrame({"x": whole}))
    (column,) = schema.columns
    assert (column.kind, column.step, column.decimals) == ("real", 1.0, 0)
    assert "multiples of 1 but for 1" in column.reason
    with pytest.warns(
        UserWarning,
        match=r"1 value\(s\), such as 1029\.666667 at row 7, lie between the steps of 1 found",
    ):
        codes = encode(read_table(pd.DataFrame({"x": whole})), schema)
    assert codes.values[7, 0] == 1030 - column.origin
    times = schema_of(pd.DataFrame({"x": whole * 1024})).columns[0]  # in other units the same codes
    assert (times.step, times.reason) == (
        1024.0,
        "numbers, 61 different, multiples of 1024 but for 1, from 0 on",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = encode(read_table(pd.DataFrame({"x": whole * 1024})), Schema((times,)))
    assert np.array_equal(again.values, codes.values)
    whole[7] = 7.5  # off by a power of two: one of 3,000 makes no finer grid in any units
    steps = [schema_of(pd.DataFrame({"x": whole * unit})).columns[0].step for unit in (1, 2**-6)]
    assert steps == [1.0, 2**-6]
    whole[::100] += 0.03125
    (finer,) = cr.infer_schema(pd.DataFrame({"x": whole[8:]})).columns
    assert finer.step == 0.03125


def test_a_rare_amount_among_zeros_is_none_of_them():
    for usual in (np.zeros(5000), np.full(5000, 500.0), np.repeat([0.0, 1000.0], 2500)):
        amounts = usual.copy()
        amounts[:4] = [0.1, 0.2, 0.3, 0.45]
        schema = schema_of(pd.DataFrame({"x": amounts}))
        codes = encode(read_table(pd.DataFrame({"x": amounts})), schema).values[:, 0]
        assert len(set(codes.tolist())) == len(set(amounts.tolist()))


def test_large_numbers_on_a_grid_are_on_it():
    numbers = np.round(1.7e9 + 0.1 * np.arange(3000) ** 1.1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (column,) = cr.infer_schema(pd.DataFrame({"x": numbers})).columns
        assert column.reason == (
            "numbers, 3000 different, multiples of 0.1, from 1699999999 to 1700000668"
        )
        codes = encode(read_table(pd.DataFrame({"x": numbers})), Schema((column,)))
    assert np.array_equal(column.decode(codes.values[:, 0]), numbers)


@pytest.mark.parametrize("far", [100.00011, 1e7, 1e9])
def test_a_column_of_atoms_is_scaled_by_all_of_it(far):
    """Networks distinguish forty values that repeat from one that does not; none is far out."""
    levels = np.sqrt(np.arange(2, 42))
    (column,) = cr.infer_schema(pd.DataFrame({"x": np.append(np.repeat(levels, 50), far)})).columns
    codes = (np.array(column.atoms) - column.center) / column.spread
    assert len(set(codes.astype(np.float32).tolist())) == len(column.atoms)
    assert np.abs(codes).max() < 10
    assert far > 1e8 or len(column.atoms) == 40


def test_continuous_numbers_that_repeat_are_atoms():
    """Values of one row in 500 have a mass, up to 128 of them; a rarer one has a density."""
    rng = np.random.default_rng(0)
    fares = np.concatenate([np.repeat(np.sqrt(np.arange(2, 152)), 10), rng.normal(size=800) * 3])
    (column,) = cr.infer_schema(pd.DataFrame({"fare": fares})).columns
    assert (column.kind, column.step) == ("real", None)
    assert len(column.atoms) == 128
    assert set(column.atoms) <= set(np.sqrt(np.arange(2, 152)))
    (rarer,) = cr.infer_schema(
        pd.DataFrame({"fare": np.append(fares, rng.normal(size=4000))})
    ).columns
    assert rarer.atoms == ()


def test_names_are_not_looked_through_for_each_column(monkeypatch):
    """Quadratic in the columns, a table of ten thousand would take minutes."""
    frame = pd.DataFrame({f"c{k}": [0, 1, 1] for k in range(200)})
    schema, table, calls = cr.infer_schema(frame), read_table(frame), []
    names = Schema.names.fget
    monkeypatch.setattr(Schema, "names", property(lambda self: calls.append(1) or names(self)))
    assert encode(table, schema).complete
    assert [schema.number(f"c{k}") for k in range(200)] == list(range(200))
    assert len(calls) <= 5
