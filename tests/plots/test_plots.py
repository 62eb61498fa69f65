"""Pictures show the numbers that the density answers, and refuse what it cannot."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import SchemaError, ShapeError
from chainrule.plots.calibration import farthest, ranks_of
from chainrule.plots.dependence import together

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
    off, chance = farthest(ranks)
    assert off < chance < 0.03
    off, chance = farthest(all_ranks)
    assert off > chance


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
