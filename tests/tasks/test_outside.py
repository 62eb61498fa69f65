"""Cells that hold what their column cannot: each can be scored, tells other cells nothing, and is
the oddest of all.
"""

import itertools
import json
import math
import warnings
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from helpers.command_line import chainrule
from helpers.registry import randomized
from helpers.tolerances import SUM_TO_ONE

import chainrule as cr
from chainrule import tasks
from chainrule.density import Density
from chainrule.errors import EvidenceError, SchemaError
from chainrule.model import Model, columns_of
from chainrule.table import infer_schema

pytestmark = pytest.mark.filterwarnings("ignore:column .* outside:UserWarning")

KINDS = {"n": {"kind": "integer", "least": 0, "most": 2}}


def listed(rows=40):
    """Bits, labels of which some are rare, and integers in 0 … 2: columns whose every value can be
    listed.
    """
    rng = np.random.default_rng(5)
    label = rng.choice(["a", "b"], rows).astype(object)
    label[:3] = ["rare", "rarer", "rare"]
    return pd.DataFrame(
        {
            "bit": rng.integers(0, 2, rows),
            "label": label,
            "n": rng.integers(0, 3, rows),
            "yes": rng.random(rows) < 0.4,
        }
    )


SCHEMA = infer_schema(listed(), kinds=KINDS)
COLUMNS = columns_of(SCHEMA, components=2)


def orderless(seed, **options):
    return randomized(cr.OrderlessNADE(COLUMNS, [7], **options), seed)


def nade(seed, order=None):
    return randomized(cr.NADE(COLUMNS, 5, order=order), seed)


def made(seed, order=None):
    return randomized(cr.MADE(COLUMNS, [11], order=order), seed)


NETWORKS = {
    "nade": lambda: nade(1, [2, 0, 3, 1]),
    "made": lambda: made(2, [1, 2, 0, 3]),
    "committee": lambda: cr.Committee([nade(3), made(4)], [2, 1]),
    "orderless": lambda: orderless(5, order=[3, 0, 2, 1]),
    "orderless members": lambda: orderless(6, members=2),
    "ensemble of one order": lambda: cr.Ensemble([nade(7), made(8)], [1, 3]),
    "ensemble of orders": lambda: cr.Ensemble([nade(9), made(10, [3, 2, 1, 0])], [1, 2]),
    "orders of one network": lambda: cr.Ensemble(
        [(net := orderless(11)), net.with_order([2, 3, 0, 1])]
    ),
    "committees and an orderless": lambda: cr.Ensemble(
        [cr.Committee([nade(12, [1, 0, 2, 3])]), orderless(13)]
    ),
}


@pytest.fixture(params=NETWORKS)
def density(request):
    return Density(Model(SCHEMA, NETWORKS[request.param]()))


def with_outside(columns):
    """Every row of a table whose columns can be listed, one value more in each that stands for all
    that it cannot hold, and how many values of the table each row stands for.
    """
    label = SCHEMA.columns[1]
    values = {
        "bit": [(0, 1), (1, 1), (2, 1)],
        "label": [*((level, 1) for level in label.levels), ("never seen", label.unlisted + 1)],
        "n": [(0, 1), (1, 1), (2, 1), ("abc", 1)],
        "yes": [(False, 1), (True, 1), ("maybe", 1)],
    }
    rows = list(itertools.product(*(values[name] for name in columns)))
    frame = pd.DataFrame(
        [[value for value, _ in row] for row in rows], columns=columns, dtype=object
    )
    return frame, np.array([math.prod(times for _, times in row) for row in rows])


@pytest.mark.filterwarnings("ignore:column 'label'")
def test_what_columns_hold_and_what_they_cannot_has_probability_one(density):
    frame, times = with_outside(SCHEMA.names)
    p = np.exp(density.log_prob(frame)) * times
    assert p.sum() == pytest.approx(1, abs=SUM_TO_ONE)
    assert (p > 0).all()
    inside = ~(frame["bit"].eq(2) | frame["n"].eq("abc") | frame["yes"].eq("maybe"))
    strict = np.exp(density.log_prob(frame[inside], strict=True)) * times[inside]
    assert strict.sum() == pytest.approx(1, abs=SUM_TO_ONE)
    assert np.allclose(p[inside], strict * (1 - 1 / 41) ** 3, rtol=1e-12, atol=0)
    assert p[frame["bit"].eq(2)].sum() == pytest.approx(1 / 41, abs=SUM_TO_ONE)
    one = density.log_prob(frame.iloc[[-1]])[0]  # by itself it scores the same
    assert one == pytest.approx(density.log_prob(frame)[-1], abs=1e-12)


@pytest.mark.filterwarnings("ignore:column 'label'")
@pytest.mark.parametrize(
    "name", ["nade", "made", "committee", "orderless", "orderless members", "ensemble of one order"]
)
def test_terms_of_cells_add_up_to_those_of_rows(name):
    density = Density(Model(SCHEMA, NETWORKS[name]()))
    frame, _ = with_outside(SCHEMA.names)
    frame = frame.sample(40, random_state=1)
    chain = density.terms(frame)
    assert np.allclose(-chain.sum(axis=1) * math.log(2), density.log_prob(frame), rtol=0, atol=1e-9)
    assert np.allclose(chain["bit"][frame["bit"].eq(2)], math.log2(41))
    parts = density.log_prob(frame, parts=True)
    assert np.allclose(parts.mass, density.log_prob(frame))
    assert (parts.density == 0).all()


@pytest.mark.parametrize("name", ["orderless", "orderless members", "orders of one network"])
def test_as_evidence_such_a_cell_is_unknown(name):
    density = Density(Model(SCHEMA, NETWORKS[name]()))
    frame = listed(12).astype(object).assign(label="a")
    wrong, empty = (frame.assign(bit=bit, n=n) for bit, n in (("x", 1.5), (None, None)))
    nats = density.log_prob(wrong)
    assert np.allclose(nats, density.log_prob(empty) + 2 * math.log(1 / 41), rtol=0, atol=1e-12)
    for column in ("label", "yes"):
        assert np.array_equal(
            density.conditional(wrong, column), density.conditional(empty, column)
        )
        for ask in (tasks.explain, partial(tasks.explain, relative=False), tasks.tails):
            one, other = (ask(density.model, table)[column] for table in (wrong, empty))
            assert np.array_equal(one, other)
    assert np.array_equal(density.features(wrong), density.features(empty))


@pytest.mark.filterwarnings("ignore:column 'label'")
@pytest.mark.parametrize(
    "name", ["nade", "made", "committee", "ensemble of one order", "ensemble of orders"]
)
def test_conditionals_of_fixed_orders_are_quotients_of_their_rows(name):
    """Of a bit given all others, of which some lie outside: what two scores say."""
    density = Density(Model(SCHEMA, NETWORKS[name]()))
    frame, _ = with_outside(["label", "n", "yes"])
    p = density.conditional(frame, "bit")
    nats = np.stack(
        [
            density.log_prob(frame.assign(bit=bit)[list(SCHEMA.names)], strict=False)
            for bit in (0, 1)
        ],
        axis=1,
    )
    zero = 1 / (1 + np.exp(nats[:, 1] - nats[:, 0]))
    assert np.allclose(p["0"], zero, rtol=0, atol=1e-12)
    assert np.allclose(p.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (np.random.default_rng(0).normal(5, 2, 300), ["inf", "-inf", "x", 1e300, math.inf]),
        (np.round(np.random.default_rng(1).normal(5, 2, 300), 1), [math.inf, "five", "1e400"]),
    ],
    ids=["continuous", "stepped"],
)
def test_a_density_and_what_is_no_number_have_probability_one(values, wrong):
    density = cr.fit(
        pd.DataFrame({"x": values}),
        seed=0,
        config=cr.FitConfig(hidden_size=4, epochs=2, components=2),
        verbose=False,
    )
    column = density.schema.columns[0]
    assert column.rows == 300
    bad = density.log_prob(pd.DataFrame({"x": np.array(wrong, dtype=object)}))
    assert np.allclose(bad, math.log(1 / 301), rtol=0, atol=1e-12)
    if column.step is None:
        grid = np.linspace(-60, 70, 200_001)
        inside = np.trapezoid(np.exp(density.log_prob(pd.DataFrame({"x": grid}))), grid)
    else:
        inside = np.exp(density.log_prob(pd.DataFrame({"x": np.arange(-600, 700) / 10}))).sum()
    assert inside + 1 / 301 == pytest.approx(1, abs=1e-6)


def people(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    smoker = rng.integers(0, 2, rows)
    return pd.DataFrame(
        {
            "smoker": smoker,
            "visits": rng.poisson(3 + 4 * smoker),
            "height": rng.normal(170, 10, rows),
            "city": rng.choice(["Berlin", "Paris"], rows),
            "born": pd.Timestamp("1960-01-01") + pd.to_timedelta(rng.integers(0, 9000, rows), "D"),
            "member": rng.random(rows) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def fitted():
    return cr.fit(people(), seed=0, effort="quick", config=cr.FitConfig(epochs=3), verbose=False)


TYPED = [
    ("smoker", 2),
    ("smoker", "yes please"),
    ("smoker", 0.5),
    ("smoker", -math.inf),
    ("visits", 1.5),
    ("visits", "three"),
    ("visits", math.inf),
    ("height", math.inf),
    ("height", "1,72 m"),
    ("height", 1e300),
    ("height", [170]),
    ("born", "soon"),
    ("born", "2024-13-45"),
    ("born", 17.5),
    ("member", 3),
    ("member", "perhaps"),
    ("member", 1j),
]


@pytest.mark.parametrize(("column", "cell"), TYPED, ids=lambda value: str(value))
def test_every_cell_that_can_be_typed_can_be_scored(fitted, column, cell):
    frame = people(30, seed=1)
    wrong = frame.astype(object)
    wrong.at[17, column] = cell
    nats = fitted.log_prob(wrong)
    empty = wrong.copy()
    empty.at[17, column] = None
    assert np.isfinite(nats).all()
    assert nats[17] == pytest.approx(fitted.log_prob(empty)[17] - math.log(401), abs=1e-9)
    others = np.arange(30) != 17
    assert np.array_equal(nats[others], fitted.log_prob(frame)[others])
    oddest = fitted.oddest(wrong, top=5)
    assert (oddest["row"][0], oddest["column"][0], oddest["bits"][0]) == (17, column, 1000)
    assert oddest["found"][0] == (f"{cell:.10g}" if isinstance(cell, float) else str(cell))
    assert oddest["expected"][0]
    assert (oddest["bits"][1:] < 1000).all()
    plain = fitted.explain(wrong, relative=False)
    assert plain.at[17, column] == pytest.approx(math.log2(401))
    share = 1 / 401
    entropy = -share * math.log2(share) - (1 - share) * math.log2(1 - share)
    relative = fitted.explain(wrong)
    assert relative.at[17, column] == pytest.approx(math.log2(401) - entropy)
    assert (
        relative.at[17, column] > 8
    )  # however fine the column's grid, where most values have many bits
    for question in (
        lambda: fitted.log_prob(wrong, strict=True),
        lambda: fitted.score(wrong, strict=True),
        lambda: fitted.explain(wrong, strict=True),
        lambda: fitted.oddest(wrong, strict=True),
        lambda: fitted.impute(wrong, strict=True),
        lambda: fitted.conditional(wrong, "city", strict=True),
        lambda: fitted.features(wrong, strict=True),
        lambda: cr.fit(pd.concat([people(30), wrong]), kinds=fitted.schema, verbose=False),
    ):
        with pytest.raises(SchemaError, match=f"column '{column}': value "):
            question()
    given = "has a density" if isinstance(cell, list) else ": value "  # a list is a set of values
    with pytest.raises(SchemaError, match=f"column '{column}' ?{given}"):
        fitted.sample(1, given={column: cell})


def test_relative_surprise_is_nought_in_the_mean_with_what_lies_outside(fitted):
    """Of one column, of which all values and the one point outside are weighed by their
    probabilities.
    """
    row = people(1, seed=2).astype(object)
    rows = pd.concat([row.assign(smoker=value) for value in (0, 1, 2)], ignore_index=True)
    bits = fitted.explain(rows)["smoker"]
    p = 2.0 ** -fitted.explain(rows, relative=False)["smoker"]
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert (p * bits).sum() == pytest.approx(0, abs=1e-12)


def test_cells_farther_outside_come_first(fitted):
    wrong = people(20, seed=3).astype(object)
    wrong.at[1, "smoker"], wrong.at[2, "smoker"], wrong.at[3, "smoker"] = 2, 700, -3
    wrong.at[4, "visits"], wrong.at[5, "height"] = 2.5, "tall"
    wrong.at[6, "height"] = 1e6  # a number that it can hold, however odd
    oddest = fitted.oddest(wrong, top=6)
    assert oddest["row"].tolist() == [5, 2, 3, 1, 4, 6]
    assert (oddest["bits"][:5] == 1000).all()
    assert fitted.oddest(wrong, top=2)["row"].tolist() == [5, 2]


def test_holes_are_filled_and_what_lies_outside_stays(fitted):
    wrong = people(40, seed=4).astype(object)
    wrong.loc[:9, "smoker"], wrong.loc[5:14, "visits"] = 7, None
    for how in ("draw", "best", "mean"):
        filled = fitted.impute(wrong, how=how, seed=0)
        assert filled["smoker"][:10].tolist() == [7] * 10
        assert not filled["visits"].isna().any()
        empty = wrong.copy()
        empty.loc[:9, "smoker"] = None
        if how != "draw":
            assert (
                filled["visits"].tolist()
                == fitted.impute(empty, how=how, seed=0)["visits"].tolist()
            )
    drawn = fitted.sample(500, seed=1)
    assert set(drawn["smoker"]) == {0, 1}


def test_a_fixed_order_fills_beside_what_lies_outside():
    rows = np.random.default_rng(0).integers(0, 2, (200, 4))
    rows[:, 3] = rows[:, 0]
    options = {
        "seed": 0,
        "verbose": False,
        "config": cr.FitConfig(
            hidden_size=8,
            epochs=60,
            order="natural",
            patience=0,
            batch_size=20,
            orders=1,
            members=1,
        ),
    }
    for network in ("nade", "committee"):
        density = cr.fit(rows, network=network, **options)
        holes = rows[:50].astype(float)
        holes[:, 3], holes[:, 1] = np.nan, 9
        filled = density.impute(holes, how="draw", seed=1)
        assert (filled[:, 1] == 9).all()
        assert (filled[:, 3] == rows[:50, 0]).mean() > 0.9
        assert np.isfinite(density.features(np.where(np.isnan(holes), 1, holes))).all()
        with pytest.raises(
            EvidenceError, match="known column 'x3' is step 3 of the order, but column 'x0'"
        ):
            density.log_prob(np.array([[np.nan, 9.0, 0, 1]]))


def test_the_headline_is_the_score_of_the_validation_rows():
    train, valid = people(60), people(40, seed=8)
    config = cr.FitConfig(hidden_size=4, epochs=2)
    density = cr.fit(train, valid, network="nade", seed=0, config=config, verbose=False)
    assert density.training["valid_nats"] == pytest.approx(-density.score(valid), rel=1e-5)
    assert density.score(valid, strict=True) > density.score(valid)
    with pytest.raises(SchemaError, match="column 'smoker': value 2 at row 3 is not 0 or 1"):
        cr.fit(
            train,
            valid.assign(smoker=[0, 1, 0] + [2] * 37),
            network="nade",
            config=config,
            verbose=False,
        )


def test_a_file_keeps_the_rows_that_count(fitted, tmp_path):
    wrong = people(5, seed=5).astype(object).assign(smoker=9)
    fitted.save(tmp_path / "m")
    assert np.array_equal(cr.load(tmp_path / "m").log_prob(wrong), fitted.log_prob(wrong))
    holes = people(60)
    holes.loc[:9, "height"] = np.nan
    config = cr.FitConfig(hidden_size=4, epochs=1)
    density = cr.fit(holes, missing="informative", seed=0, config=config, verbose=False)
    rows = {column.name: column.rows for column in density.schema.columns}
    assert rows == {"height is missing": 0, **dict.fromkeys(holes.columns, 60), "height": 50}
    cell = people(2, seed=6).astype(object)
    gone = density.terms(cell.assign(height=None))["height"]
    found = density.terms(cell.assign(height="x"))["height"]  # it is there, and lies outside
    assert np.allclose(found, math.log2(51) - np.log2(1 - 2**-gone))
    assert (
        density.log_prob(cell.assign(height="x"))
        != density.log_prob(cell.assign(height=None)) - math.log(51)
    ).all()


@pytest.mark.parametrize("container", ["polars", "pyarrow", "csv", "numpy"])
def test_such_cells_are_scored_in_every_container(fitted, container, tmp_path):
    wrong = people(12, seed=7).astype({"smoker": object, "visits": object})
    wrong.at[3, "smoker"], wrong.at[4, "visits"] = 5, 0.25
    want = fitted.log_prob(wrong)
    table = pl.from_pandas(
        wrong.assign(smoker=wrong["smoker"].astype(int), visits=wrong["visits"].astype(float))
    )
    if container == "pyarrow":
        table = table.to_arrow()
    elif container == "csv":
        table.write_csv(tmp_path / "t.csv")
        table = tmp_path / "t.csv"
    elif container == "numpy":
        bits = np.random.default_rng(0).integers(0, 2, (50, 3))
        density = cr.fit(bits, seed=0, config=cr.FitConfig(hidden_size=4, epochs=1), verbose=False)
        odd = bits[:4].astype(float)
        odd[2, 1] = 2
        assert np.isfinite(density.log_prob(odd)).all()
        assert density.oddest(odd, top=1)["row"].to_list() == [2]
        return
    assert np.allclose(fitted.log_prob(table), want, rtol=0, atol=1e-9)


def test_the_command_line_scores_them_and_refuses_where_asked(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    wrong = people(12, seed=7).astype(object)
    wrong.at[3, "smoker"] = 5
    wrong.to_csv(tmp_path / "t.csv", index=False)
    code, out, errors = chainrule("score", "m", "t.csv", "--json", cwd=tmp_path)
    assert code == 0, errors
    assert np.isfinite(json.loads(out)["log_prob"]).all()
    for words in (
        ["score", "m", "t.csv"],
        ["explain", "m", "t.csv"],
        ["impute", "m", "t.csv"],
        ["conditional", "m", "t.csv", "city"],
    ):
        code, _, errors = chainrule(*words, "--strict", cwd=tmp_path)
        assert code == 2
        assert errors.startswith(
            "chainrule: column 'smoker': value 5 at row 3 (line 5 of t.csv) is not 0 or 1"
        )


def test_one_row_and_degenerate_columns_leave_room(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        density = cr.fit(
            pd.DataFrame({"a": [1], "b": [True], "c": [2.5]}),
            seed=0,
            config=cr.FitConfig(epochs=1),
            verbose=False,
        )
    assert [column.outside_share for column in density.schema.columns] == [0.5] * 3
    wrong = pd.DataFrame({"a": [7], "b": ["x"], "c": [math.inf]})
    assert density.log_prob(wrong)[0] == pytest.approx(3 * math.log(0.5))
    assert torch.tensor(density.explain(wrong).to_numpy()).isfinite().all()


FOREIGN = {"n": "1,5", "x": "1,234.50", "y": "1,0", "day": "05.01.2024", "z": "$5"}


@pytest.mark.parametrize("container", ["csv", "pandas", "polars"])
@pytest.mark.parametrize("name", FOREIGN)
def test_one_cell_in_another_notation_lies_outside_and_many_are_refused(name, container, tmp_path):
    rng = np.random.default_rng(0)
    table = {
        "n": rng.integers(3, 30, 60),
        "x": rng.normal(size=60).round(2),
        "y": rng.integers(0, 2, 60),
    }
    days = np.datetime64("2024-03-01") + rng.integers(0, 90, 60)
    table = pd.DataFrame({**table, "z": rng.integers(0, 50, 60), "day": days})
    table.to_csv(tmp_path / "t.csv", index=False)
    config = cr.FitConfig(hidden_sizes=(8,), epochs=1, members=1)
    density = cr.fit(
        tmp_path / "t.csv" if container == "csv" else table, config=config, seed=0, verbose=False
    )

    def asked(rows):
        part = table.head(10).astype({name: object})
        part.loc[rows, name] = FOREIGN[name]
        if container == "csv":
            part.to_csv(tmp_path / "u.csv", index=False)
            return tmp_path / "u.csv"
        return (
            part
            if container == "pandas"
            else pl.DataFrame({n: pl.Series(part[n].astype(str)) for n in part})
        )

    odd = density.oddest(asked([4]), top=1)
    assert [int(odd["row"][0]), odd["column"][0]] == [4, name]
    with pytest.raises(SchemaError, match=f"column '{name}': "):
        density.log_prob(asked(list(range(10))))
