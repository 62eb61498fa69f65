"""Pictures show the numbers that the density answers, and refuse what it cannot."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import SchemaError, ShapeError
from chainrule.plots import dependence, rows
from chainrule.plots.calibration import LEVELS, curve_of, ranks_of
from chainrule.plots.dependence import together
from chainrule.plots.pairs import codes_drawn
from chainrule.plots.shares import which
from chainrule.tasks.dependence import information

mpl.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")


def people(rows=400, seed=0):
    """A label that decides a number, a skewed amount with zeros, dates, and holes."""
    rng = np.random.default_rng(seed)
    town = rng.choice(["Ulm", "Bonn", "Kiel"], rows, p=[0.5, 0.3, 0.2])
    age = rng.integers(18, 80, rows).astype(float)
    age[rng.random(rows) < 0.1] = np.nan
    amount = np.where(rng.random(rows) < 0.2, 0, np.exp(rng.normal(4, 1.5, rows)))
    weight = np.where(town == "Ulm", 50, 80) + rng.normal(0, 3, rows)
    day = np.datetime64("2024-01-01", "s") + rng.integers(0, 300, rows) * np.timedelta64(86400, "s")
    return pd.DataFrame(
        {"town": town, "age": age, "amount": amount.round(2), "weight": weight, "day": day}
    )


@pytest.fixture(scope="module")
def fitted():
    config = cr.FitConfig(hidden_size=24, epochs=60)
    return cr.fit(people(), seed=0, config=config, missing="informative", verbose=False)


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


@pytest.mark.filterwarnings("ignore:.* are absent and count as unknown")
def test_bars_are_the_probabilities_of_levels(fitted):
    axes = fitted.plot.column("town", given={"weight": 50.0}, table=people())
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    model = next(bar for bar in axes.containers if bar.get_label() == "model")
    said = fitted.conditional(pd.DataFrame({"weight": [50.0]}), "town").iloc[0]
    for name, bar in zip(names, model, strict=True):
        assert bar.get_height() == pytest.approx(said[name], abs=1e-12)
    rows = next(bar for bar in axes.containers if bar.get_label() == "all rows")
    shares = people()["town"].value_counts(normalize=True)
    assert {n: bar.get_height() for n, bar in zip(names[:3], rows, strict=False)} == pytest.approx(
        shares.to_dict()
    )
    assert axes.get_title(loc="left") == "town, given weight = 50.0"


@pytest.mark.parametrize("name", ["age", "amount", "weight", "day"])
def test_bins_have_the_masses_of_the_distribution_and_the_shares_of_the_rows(fitted, name):
    """Both sum to one but for the tails, and bins of draws have the same shares."""
    axes = fitted.plot.column(name, table=people())
    model, rows = (
        next(p for p in axes.patches if p.get_label() == label)
        for label in ("model", "rows of the table")
    )
    shares, edges, _ = model.get_data()
    assert 0.99 < shares.sum() <= 1 + 1e-9
    assert 0.99 < rows.get_data()[0].sum() <= 1 + 1e-9
    drawn = fitted.sample(4000, seed=1)[name].dropna().to_numpy()
    if name == "day":
        drawn, edges = (each.astype("datetime64[s]").astype(float) for each in (drawn, edges))
    edges = np.concatenate([[-np.inf], edges[1:]])  # the first bin has both of its ends
    below = np.searchsorted(np.sort(drawn), edges, side="right")
    assert np.abs(np.diff(below) / len(drawn) - shares).max() < 0.04


def test_rows_that_have_the_given_cells_are_shown_alone(fitted):
    axes = fitted.plot.column("weight", given={"town": "Ulm"}, table=people())
    rows = next(p for p in axes.patches if p.get_label() == "such rows")
    shares, edges, _ = rows.get_data()
    own = people().query("town == 'Ulm'")["weight"]
    assert shares[edges[1:] < 65].sum() == pytest.approx((own < 65).mean(), abs=0.02)
    assert "all rows" not in [patch.get_label() for patch in axes.patches]


def test_amounts_over_decades_have_a_logarithmic_axis(fitted):
    assert fitted.plot.column("amount").get_xscale() in ("log", "symlog")
    assert fitted.plot.column("weight").get_xscale() == "linear"
    axes = fitted.plot.pair("weight", "amount", table=people())
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "symlog")


def test_a_pair_shows_which_go_together(fitted):
    axes = fitted.plot.pair("town", "weight", table=people())
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    shades = np.asarray(axes.collections[0].get_array()) ** 2  # (weights, towns)
    middles = np.linspace(*axes.get_ylim(), len(shades))
    of_town = {name: shades[:, names.index(name)] for name in ("Ulm", "Bonn")}
    light = {name: each[middles < 65].sum() / each.sum() for name, each in of_town.items()}
    assert light["Ulm"] > 0.9
    assert light["Bonn"] < 0.1
    assert shades.sum() == pytest.approx(1)


def test_ranks_are_even_for_draws_and_the_line_leaves_the_band_for_other_rows(fitted):
    drawn = fitted.sample(1500, seed=2)
    ranks = ranks_of(fitted.model, drawn, 0)
    known = ranks[~np.isnan(ranks)]
    assert np.abs(np.histogram(known, 10, (0, 1))[0] / len(known) - 0.1).max() < 0.02
    axes = fitted.plot.calibration(drawn)
    _, line, *_ = axes.get_legend().get_texts()
    assert line.get_text() == "all cells"
    shifted = drawn.assign(weight=drawn["weight"] + 15)
    all_ranks = ranks_of(fitted.model, shifted, 0)
    moved = all_ranks[:, fitted.schema.number("weight")]
    assert np.nanmean(moved) > 0.7


def test_the_bars_of_a_row_are_bits_of_its_cells(fitted):
    table = people().assign(weight=lambda t: t["weight"].where(t.index != 7, 500.0))
    axes = fitted.plot.row(table, 7)
    found = [tick.get_text() for tick in axes.get_yticklabels()]
    assert found[-1] == "weight = 500"  # the oddest on top
    said = [text.get_text() for text in axes.texts]
    assert "expected" in said[0]
    widths = [bar.get_width() for bar in axes.containers[0]]
    assert widths == sorted(widths)
    with pytest.raises(ShapeError, match="row 400 of a table of 400 rows"):
        fitted.plot.row(table, 400)


def test_dependence_is_drawn_with_related_columns_together(fitted):
    axes = fitted.plot.dependence(rows=300)
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert sorted(names) == sorted(["town", "age", "amount", "weight", "day"])
    assert set(names[:2]) == {"town", "weight"}
    assert together(np.full((1, 1), np.nan)) == [0]


def test_drawn_columns_stand_beside_what_real_rows_reach(fitted):
    axes = fitted.plot.drawn(people())
    real, drawn = (line.get_xdata() for line in axes.lines)
    assert list(drawn) == sorted(drawn)
    assert drawn.min() > 0.8
    assert all(0.8 < each <= 1 for each in real)


def test_axes_that_are_passed_are_drawn_on(fitted):
    _, axes = pyplot.subplots(1, 2)
    assert fitted.plot.column("age", ax=axes[1]) is axes[1]
    assert not axes[0].patches
    assert len(pyplot.get_fignums()) == 1


def test_what_cannot_be_drawn_is_refused(fitted):
    with pytest.raises(SchemaError, match="wieght"):
        fitted.plot.column("wieght")
    with pytest.raises(SchemaError, match="given has a value for 'age'"):
        fitted.plot.column("age", given={"age": 3.0})
    with pytest.raises(SchemaError, match="name two different columns"):
        fitted.plot.pair("age", "age")
    for names in (("weight",), ("weight", "age")):
        draw = fitted.plot.column if len(names) == 1 else fitted.plot.pair
        with pytest.raises(ShapeError, match=r"given = \['town'\]: pass known cells by column"):
            draw(*names, given=["town"])
    for row in ("first", 1.5):
        with pytest.raises(ShapeError, match=r"row = .*: pass the whole number of a row"):
            fitted.plot.row(people(), row)
    with pytest.raises(SchemaError, match="Paris"):
        fitted.plot.column("age", given={"town": "Paris"})


def test_many_labels_share_the_last_bar():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"code": [f"c{k}" for k in rng.integers(0, 30, 900)], "x": rng.normal(size=900)}
    )
    config = cr.FitConfig(hidden_size=4, epochs=2)
    density = cr.fit(frame, seed=0, config=config, verbose=False)
    axes = density.plot.column("code", table=frame)
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    assert len(names) == 12
    assert names[-1].endswith(" others")
    for bars in axes.containers:
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1)


def rows_of_three_columns(rows=500, seed=0):
    """A label that decides another one and a number."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["woman", "man"], rows)
    alive = (rng.random(rows) < np.where(sex == "woman", 0.8, 0.2)).astype(int)
    fare = np.exp(rng.normal(3 + alive, 0.5)).round(2)
    return pd.DataFrame({"alive": alive, "fare": fare, "sex": sex})


@pytest.fixture(scope="module")
def three():
    config = cr.FitConfig(hidden_size=16, epochs=60)
    return cr.fit(rows_of_three_columns(), seed=0, config=config, verbose=False)


def ends_of_bars(axes):
    """The right ends of the first share, by the names of the bars."""
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    return dict(zip(names, [bar.get_width() for bar in axes.containers[0]], strict=True))


def test_shares_are_those_of_drawn_rows_and_dashes_those_of_the_table(three):
    frame = rows_of_three_columns()
    axes = three.plot.shares("alive", "sex", table=frame)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0", "1"]
    ends = ends_of_bars(axes)
    drawn = three.sample(20_000, seed=1).groupby("sex")["alive"].mean()
    assert {sex: 1 - end for sex, end in ends.items()} == pytest.approx(drawn.to_dict(), abs=0.02)
    dashes = {round(line.get_ydata()[0] + 0.42): line.get_xdata()[0] for line in axes.lines}
    shares = 1 - frame.groupby("sex")["alive"].mean()
    assert {name: dashes[k] for k, name in enumerate(ends)} == pytest.approx(shares.to_dict())
    assert axes.get_title(loc="left") == "alive by sex"


def test_a_column_of_many_values_is_divided_into_fifths(three):
    frame = rows_of_three_columns()
    ends = ends_of_bars(three.plot.shares("alive", "fare", table=frame))
    assert len(ends) == 5
    (first, *_, last), (least, *_, most) = ends, ends.values()
    assert first.startswith("up to ")
    assert last.startswith("from ")
    assert least > 0.75  # the dead among those who paid least
    assert most < 0.25
    with pytest.raises(SchemaError, match="'fare': it has many values"):
        three.plot.shares("fare", "sex")
    with pytest.raises(SchemaError, match="two different columns"):
        three.plot.shares("sex", "sex")


def test_the_column_with_fewer_values_has_shares(three):
    model, codes = three.model, codes_drawn(three.model, None, 0)
    assert which(model, codes, 0, 1) == which(model, codes, 1, 0) == (0, 1)
    assert which(model, codes, 1, 2) == (2, 1)
    assert which(model, codes, 0, 2)[0] in (0, 2)


def test_bounds_hold_nineteen_of_twenty_even_lines_whole():
    rng = np.random.default_rng(1)
    within = [curve_of(rng.random(200), seed).is_within for seed in range(100)]
    assert 0.88 < np.mean(within) < 1


def test_the_verdict_says_where_and_by_how_much_a_line_leaves_its_band():
    even = (np.arange(4000) + 0.5) / 4000
    assert "stays within the band everywhere" in curve_of(even, 0).sentence
    moved = np.where((even > 0.4) & (even < 0.6), even - 0.1, even)  # a tenth too many below 0.5
    curve = curve_of(moved, 0)
    ((low, high),) = curve.outside
    assert 0.28 < low < 0.36
    assert 0.54 < high < 0.6
    assert curve.gap_of_worst == pytest.approx(0.1, abs=0.002)
    level = LEVELS[curve.worst]
    assert f"{level + 0.1:.1%} of the cells lie below their {level:.2f}-quantile" in curve.sentence
    assert "10.0 points too many" in curve.sentence
    assert curve.gist.startswith("off by up to 10.0 points, more than chance from 0.3")
    assert "too few" in curve_of(1 - moved, 0).sentence


def test_a_narrow_picture_of_a_row_has_its_oddest_cells(fitted):
    table = people().assign(weight=lambda t: t["weight"].where(t.index != 7, 500.0))
    axes = rows.draw(fitted.model, table, 7, None, most=2)
    said = [text.get_text() for text in axes.texts]
    assert len(said) == len(axes.containers[0]) == 2
    assert said[-1].startswith("weight = 500")
    assert "; expected " in said[-1]


def test_a_narrow_picture_of_many_columns_has_no_numbers(fitted):
    found = information(fitted.model, rows=200)
    wide, narrow = (dependence.drawn(found, None, is_narrow=each) for each in (False, True))
    assert len(wide.texts) == len(narrow.texts) > 0
    many = replace(
        found,
        names=tuple(f"c{k}" for k in range(10)),
        bits=np.where(np.eye(10, dtype=bool), np.nan, 0.5),
        errors=np.zeros((10, 10)),
    )
    wide, narrow = (dependence.drawn(many, None, is_narrow=each) for each in (False, True))
    assert (len(wide.texts), len(narrow.texts)) == (90, 0)
