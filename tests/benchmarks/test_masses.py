"""The masses of rounding cells: exact against closed forms, and the same measure for all."""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import product

import numpy as np
import polars as pl
import pytest
from scipy import stats

import chainrule as cr
from benchmarks.tables import fits
from benchmarks.tables.bins import cut
from benchmarks.tables.data import KINDS
from benchmarks.tables.masses import __main__ as command
from benchmarks.tables.masses import draws, ours, page, plain, scores
from benchmarks.tables.masses.cells import cells_of, width_of
from benchmarks.tables.masses.quadrature import masses_between
from benchmarks.tables.masses.rivals import arf, argn, crosscat
from benchmarks.tables.masses.summary import path_of
from benchmarks.tables.masses.tables import BOUNDS, SMALL, small_table
from benchmarks.tables.masses.worker import answer
from chainrule.table import Real

TINY = {"epochs": 2, "hidden_sizes": (16,), "members": 1}


def fitted(frame, **options):
    return cr.fit(frame, seed=0, config=cr.FitConfig(**TINY), verbose=False, **options)


def test_the_width_is_the_unit_of_the_last_decimal_but_for_one_in_a_thousand():
    whole = np.arange(2000.0)
    assert width_of(whole) == 1
    assert width_of(np.append(whole, 0.5)) == 1
    assert width_of(np.append(whole, [0.5, 1.5, 2.5])) == 0.1
    assert width_of(np.array([1e9 + 0.25, 3.0])) == 0.01
    full = np.random.default_rng(0).normal(size=500)
    assert width_of(full) == pytest.approx(1e-6 * full.std())


@pytest.mark.parametrize("at", [0.0, 3.0, -9.0, 9.0, 30.0])
@pytest.mark.parametrize("width", [1e-6, 0.01, 1.0])
def test_masses_of_a_normal_are_exact_in_its_middle_and_in_its_tails(at, width):
    low, high = np.array([at - width / 2]), np.array([at + width / 2])
    normal = stats.norm
    found = masses_between(low, high, normal.cdf(low), normal.cdf(high), normal.pdf)
    a, b = sorted((abs(low[0]), abs(high[0]))) if at else (low[0], high[0])
    exact = normal.sf(a) - normal.sf(b)
    if width < 1e-3:  # the difference itself is rounded; the midpoint rule is exact to 1e-13
        exact = normal.pdf(at) * width
    assert found[0] == pytest.approx(exact, rel=1e-6)


def mixed(rows=600):
    """A label, an amount on tenths with an atom at 0, and a number of full precision."""
    rng = np.random.default_rng(0)
    label = rng.choice(["a", "b"], rows)
    amount = np.where(rng.random(rows) < 0.4, 0, np.round(rng.gamma(2, 2, rows), 1))
    noise = rng.normal(size=rows) + (label == "a")
    return pl.DataFrame({"label": label, "amount": amount, "noise": noise})


@pytest.mark.parametrize("options", [{}, {"kinds": {"amount": {"kind": "real", "scale": "log"}}}])
def test_masses_of_rows_sum_to_one_over_all_cells(options):
    frame = mixed()[["label", "amount"]]
    density = fitted(frame, **options)
    cells = cells_of(frame, frame, {}, ())
    assert cells.widths == (0.0, 0.1)
    amounts = np.round(np.arange(-60, 400) / 10, 1)
    every = pl.DataFrame(list(product(["a", "b"], amounts)), schema=frame.schema, orient="row")
    total = np.exp(ours.log_masses(density, every, cells)).sum()
    assert total == pytest.approx(1, abs=2e-3)


def test_a_density_has_the_integral_over_the_cell_and_an_atom_its_mass_besides():
    frame = mixed()[["amount"]].with_columns(pl.col("amount") * 1.0)
    moved = pl.Series(np.random.default_rng(0).uniform(-0.04, 0.04, len(frame)))
    fine = pl.when(pl.col("amount") > 0).then(pl.col("amount") + moved).otherwise("amount")
    density = fitted(frame.with_columns(fine), kinds={"amount": {"kind": "real", "scale": "log"}})
    cells = cells_of(frame, frame, {}, ())
    (column,) = density.schema.columns
    assert isinstance(column, Real)
    assert column.is_continuous
    for at in (0.0, 0.1, 2.5, 30.0):
        fine = np.linspace(at - 0.05, at + 0.05, 20_001)
        fine = (fine[1:] + fine[:-1]) / 2
        atoms = [a for a in column.atoms if abs(a - at) < 0.05]
        is_other = (fine > 0) & ~np.isin(fine, atoms)
        logs = density.log_prob(pl.DataFrame({"amount": fine[is_other]}), strict=True)
        exact = np.exp(logs).sum() * 0.1 / 20_000
        if atoms:
            exact += np.exp(density.log_prob(pl.DataFrame({"amount": atoms}), strict=True)).sum()
        one = pl.DataFrame({"amount": [at]})
        found = np.exp(ours.log_masses(density, one, cells))[0]
        assert found == pytest.approx(exact, rel=2e-2 if at <= 0.1 else 3e-3), at


def test_where_all_values_have_masses_nothing_changes():
    rng = np.random.default_rng(1)
    days = [date(2024, 1, 1) + timedelta(days=int(k)) for k in rng.integers(0, 60, 300)]
    frame = pl.DataFrame(
        {"day": days, "count": rng.poisson(3, 300), "label": rng.choice(["x", "y"], 300)}
    ).with_columns(pl.when(pl.col("count") == 1).then(None).otherwise("label").alias("label"))
    density = fitted(frame)
    cells = cells_of(frame, frame, {}, ())
    assert cells.widths == (86_400e6, 1.0, 0.0)
    found = ours.log_masses(density, frame, cells)
    np.testing.assert_allclose(found, density.log_prob(frame, strict=True), rtol=0, atol=1e-9)


def test_a_value_off_the_grid_has_no_mass_although_the_model_rounds_it():
    rng = np.random.default_rng(2)
    frame = pl.DataFrame({"x": 5.0 * rng.integers(0, 40, 500)})
    density = fitted(frame, kinds={"x": "real"})
    (column,) = density.schema.columns
    assert isinstance(column, Real)
    assert column.step == 5
    cells = cells_of(frame, frame, {}, ())
    assert cells.widths == (1.0,)
    found = ours.log_masses(density, pl.DataFrame({"x": [10.0, 11.0]}), cells)
    assert np.isfinite(found).tolist() == [True, False]
    floor = np.log([0.02, 0.02])
    p = np.exp(scores.floored(found, floor, 99))
    np.testing.assert_allclose(p, 0.99 * np.exp(found) + 0.01 * 0.02, rtol=1e-12)


def test_numbers_that_are_bits_have_the_masses_of_the_model():
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({"bit": (rng.random(300) < 0.3).astype(int), "x": rng.poisson(3, 300)})
    density = fitted(frame)
    cells = cells_of(frame, frame, {}, ())
    for part in (frame, frame.filter(pl.col("bit") == 1), frame.filter(pl.col("bit") == 0)):
        found = ours.log_masses(density, part, cells)
        np.testing.assert_allclose(found, density.log_prob(part, strict=True), atol=1e-9)


def test_baselines_of_sets_sum_to_one():
    frame = small_table()[["label", "count"]]
    cells = cells_of(frame, frame, {}, ())
    numbers = cells.numbers(cells.values(frame))
    column = plain.columns_of(cells, numbers, 0.01).columns[1]
    ends = cut(column, numbers[:, 1], 8).edges  # the tails end there
    counts = np.arange(ends[0] + 0.5, ends[-1])
    every = np.array(list(product(range(4), counts)))
    for label in (plain.INDEPENDENT, plain.TREE, plain.GAUSSIANS):
        values = [cells.values(frame), cells.values(frame), every]
        p = np.exp(plain.fit(label, cells, values, seed=0)["nats"])
        assert p.sum() == pytest.approx(1, abs=1e-6), label


def test_cells_of_truncated_normals_are_those_of_scipy():
    x = np.round(np.arange(-30, 60) / 10, 1)
    mean, sd, low, high = (np.array([v]) for v in (1.0, 0.7, -0.33, 2.68))
    found = np.exp(arf.truncated_cells(x[:, None], 0.1, mean, sd, low, high))[:, 0]
    of = stats.truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd)
    np.testing.assert_allclose(found, of.cdf(x + 0.05) - of.cdf(x - 0.05), rtol=0, atol=1e-12)
    assert found.sum() == pytest.approx(1)
    point = arf.truncated_cells(x[:, None], 0.1, mean, 0 * sd, low, high)[:, 0]
    assert x[np.isfinite(point)].tolist() == [1.0]
    assert np.exp(point).sum() == pytest.approx(1)
    of_lace = np.exp(crosscat.log_cells(x[:, None], 0.1, mean, sd))[:, 0]
    exact = stats.norm(1, 0.7).cdf(x + 0.05) - stats.norm(1, 0.7).cdf(x - 0.05)
    np.testing.assert_allclose(of_lace, exact, rtol=1e-9, atol=1e-13)


def test_bins_are_spread_evenly_and_sum_to_one():
    of = {
        "encoding_type": "TABULAR_NUMERIC_BINNED",
        "codes": {"<<UNK>>": 0, "<<NULL>>": 1, "<<MIN>>": 2, "<<MAX>>": 3},
        "bins": [0, 5, 20],
    }
    p = np.array([0, 0.5, 0.1, 0.05, 0.15, 0.2])
    values = np.arange(-3.0, 25.0)
    inside = np.select([values == 0, values == 20, values < 5], [2, 3, 4], 5)
    with np.errstate(divide="ignore"):
        logs = np.tile(np.log(p), (len(values), 1))
    found = np.exp(argn._column(of, {"bin": (logs, inside)}, values, False, 1.0))
    assert found[values < 0].sum() == found[values > 20].sum() == 0
    assert found[values == 1] == pytest.approx(0.15 / 4 / 0.5)  # known: the null code is left out
    assert found.sum() == pytest.approx(1)


def test_draws_outside_bounds_off_the_grid_and_at_an_end_are_counted():
    frame = small_table()
    cells = cells_of(frame, frame, {}, ())
    bad = frame.with_columns(
        pl.when(pl.int_range(pl.len()) < 3).then(-1.0).otherwise("amount").alias("amount"),
        pl.when(pl.int_range(pl.len()) == 5).then(1.5).otherwise("count").alias("count"),
    )
    found = draws.figures(bad, frame, cells, BOUNDS[SMALL])
    assert found["columns"]["amount"]["outside"] == pytest.approx(3 / 300)
    assert found["columns"]["count"]["off the grid"] == pytest.approx(1 / 300)
    assert found["impossible"] == pytest.approx(4 / 300)
    same = draws.figures(frame, frame, cells, BOUNDS[SMALL])
    assert same["impossible"] == 0
    assert same["columns"]["amount"]["least"]["errors"] == 0


def test_a_version_answers_with_the_masses_of_its_own_fit():
    found = answer(SMALL, 0, "quick", TINY)
    assert len(found["nats"]) == 60
    assert found["draws"]["rows"] == 210


def test_a_fit_is_kept_for_the_proofs_that_ask_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(fits, "FITS", tmp_path)
    path = fits.path_of(SMALL, 0)
    answer(SMALL, 0, "quick", TINY, keep=str(path))
    assert len(fits.fitted(SMALL, 0).training["history"]) == TINY["epochs"]
    assert fits.path_of(SMALL, 1) != path


def test_a_small_run_keeps_what_it_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scores, "ROWS", tmp_path)
    monkeypatch.delenv(scores.PYTHON, raising=False)
    labels = [plain.INDEPENDENT, plain.TREE, "Lace", scores.OURS]
    command.main([*labels, "--small", "--seed", "0"])
    path = tmp_path / "small" / f"{SMALL}-0.json"
    first = json.loads(path.read_text())
    kept = first["densities"]
    assert list(kept) == labels
    assert "CHAINRULE_RIVALS" in kept["Lace"]["failed"]
    assert first["cells"]["amount"] == 0.01
    assert all(np.isfinite(kept[label]["nats"]) for label in (plain.TREE, scores.OURS))
    assert kept[scores.OURS]["draws"]["rows"] == kept[scores.OURS]["rows"]["train"] == 210
    monkeypatch.setattr(scores, "_of_version", None)  # a second run measures nothing again
    command.main([scores.OURS, "--small", "--seed", "0"])
    assert json.loads(path.read_text()) == first
    assert f"{first['densities'][scores.OURS]['nats']:.3f}" in capsys.readouterr().out


def made_figures(name, seed, label):
    """Figures of a density as a run keeps them."""
    if label == "Lace":
        return {"failed": "it is not here"}
    gain = {scores.OURS: 1.0 + seed / 10, scores.earlier(): 0.5}.get(label, 0.0)
    end = {"drawn": 0.2, "table": 0.1, "errors": 3.0 * seed}
    columns = {"x": {"outside": 0.0, "off the grid": 0.0, "least": end}}
    found = {"nats": gain - 20, "rows": {"train": 7, "test": 2, "without mass": 1}}
    return found | {"draws": {"rows": 7, "impossible": 0.25, "columns": columns}}


def keep_figures(folder, seed, names):
    for name in KINDS:
        densities = {label: made_figures(name, seed, label) for label in names}
        path_of(name, seed, "standard", folder).write_text(json.dumps({"densities": densities}))


def test_the_section_has_the_seeds_that_all_densities_have(tmp_path):
    seeds = (0, 1)
    ours = [*page.PLAIN, scores.OURS]
    keep_figures(tmp_path, 0, ours)
    assert page.section(seeds, tmp_path) == []
    assert page.missing(seeds, tmp_path) == [f"{name}-1.json" for name in KINDS]
    keep_figures(tmp_path, 0, scores.labels())
    text = "\n".join(page.section(seeds, tmp_path))
    assert "All methods, for one seed" in text
    assert "means over" not in text
    assert "| titanic | -19.50 | -19.00 | +0.500 | 1 |" in text
    assert "- Not measured: Lace: it is not here" in text
    keep_figures(tmp_path, 1, ours)
    assert page.missing(seeds, tmp_path) == []
    text = "\n".join(page.section(seeds, tmp_path))
    assert "| titanic | -20.00 | -20.00 | -20.00 | -20.00 | – | -20.00 | -19.00 | +1.00 (" in text
    assert "means over 2 seeds" in text
    assert "| titanic | -20.00 | -20.00 | -20.00 | -18.95 | +1.05 ± 0.05 (" in text
    drawn = "\n".join(page.draws(seeds, tmp_path))
    assert "of 0.1.0 are of one seed" in drawn
    assert "| titanic | 25.00% | 0 of 1 | 25.00% | 1 of 2 | x, least: 3.0 |" in drawn
    keep_figures(tmp_path, 1, scores.labels())
    text = "\n".join(page.section(seeds, tmp_path))
    assert "Means over 2 seeds" in text
    assert "without another library" not in text
    assert "| titanic | -19.50 | -18.95 | +0.550 ± 0.050 | 2 |" in text


def test_a_table_with_a_density_as_likely_as_ours_is_named(tmp_path):
    keep_figures(tmp_path, 0, scores.labels())
    assert page.short_of((0, 1), tmp_path) == []
    path = path_of("titanic", 0, "standard", tmp_path)
    found = json.loads(path.read_text())
    found["densities"]["TabularARGN"]["nats"] = -18.5
    path.write_text(json.dumps(found))
    assert page.short_of((0, 1), tmp_path) == [
        "- titanic, held-out rows: -0.50 nats beside TabularARGN."
    ]
