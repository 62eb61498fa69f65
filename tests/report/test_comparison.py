"""``chainrule compare``: the report on digits as a user would make it, and on other tables."""

import csv
import json
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from helpers.browser import look_at
from helpers.command_line import chainrule, typed

from chainrule import Categorical, GaussianMixture, datasets
from chainrule.baselines import RBM, VAE, ChowLiuTree, IndependentColumns
from chainrule.errors import ChainruleError, SchemaError
from chainrule.networks import MADE, NADE, Columns, Estimate, LowerBound
from chainrule.report.comparison import (
    EFFORTS,
    FAMILIES,
    Effort,
    compare,
    effort_for,
    prepared,
    rendered,
)
from chainrule.report.comparison.abstraction import _within_row_space, probed
from chainrule.report.comparison.claims import error_of_sums, mean_correlation
from chainrule.report.comparison.likelihood import likelihood_of
from chainrule.rng import generator_from
from chainrule.table import read_table
from chainrule.training.batches import Rows

SMALL = Effort(hidden_size=12, latent_size=2, epochs=3, draws=20, distributions=50)


def fitted(name, data, effort=SMALL, seed=0):
    """The network of a family."""
    generator = generator_from(seed)
    return FAMILIES[name].fit(data, effort, generator=generator, progress=False).network


def run(*words, cwd, warn="error"):
    return chainrule("compare", *words, cwd=cwd, warn=warn)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The report on digits, at the least effort, as the command makes it."""
    folder = tmp_path_factory.mktemp("digits")
    code, printed, errors = run("digits", "--effort", "quick", cwd=folder)
    assert code == 0, errors
    return printed, folder / "chainrule-compare"


def test_the_report_on_digits_is_complete(digits):
    printed, folder = digits
    assert sorted(path.name for path in folder.iterdir()) == [
        "abstraction.csv",
        "families.csv",
        "report.html",
        "results.json",
    ]
    found = json.loads((folder / "results.json").read_text())
    marks = {each["family"]: each["log_likelihood"]["mark"] for each in found["families"]}
    exact = dict.fromkeys(
        ["independent", "tree", "mixture", "fvsbn", "nade", "made", "orderless"], "="
    )
    assert marks == {**exact, "rbm": "≈", "vae": "≥"}
    assert found["not_for_this_table"] == {
        "gaussians": "is for tables whose columns are all real, without atoms or steps"
    }
    for each in found["families"]:
        nats = each["log_likelihood"]["nats_per_row"]
        assert -30 < nats < -14
        assert re.search(
            rf"│ {each['family']} +│ +{marks[each['family']]} {nats:.2f} │", printed
        ), printed
        assert all(value >= 0 for value in each["seconds"].values())
    assert {each["family"] for each in found["families"] if not each["completes_half_a_row"]} == {
        "tree",
        "vae",
    }


def test_nothing_of_the_report_shows_an_inexact_number_without_its_mark(digits):
    _, folder = digits
    page = (folder / "report.html").read_text()
    for each in json.loads((folder / "results.json").read_text())["families"]:
        nats, mark = each["log_likelihood"]["nats_per_row"], each["log_likelihood"]["mark"]
        for shown in (f"{nats:.2f}", f"{nats:.3f}"):
            bare = [
                m.start()
                for m in re.finditer(re.escape(shown) + r"(?!\d)", page)
                if page[m.start() - 2] not in "=≈≥"
            ]
            assert not bare, (each["family"], page[bare[0] - 60 : bare[0] + 20])
        if mark != "=":
            assert f"{mark} {nats:.3f}" in page
    with (folder / "families.csv").open(encoding="utf-8") as file:
        rows = {row["family"]: row for row in csv.DictReader(file)}
    assert rows["rbm"]["log_likelihood_is"] == "estimated"
    assert rows["vae"]["log_likelihood_is"] == "a lower bound"
    assert rows["nade"]["log_likelihood_is"] == "exact"


def test_every_sentence_and_every_cell_leads_to_its_number(digits):
    _, folder = digits
    page = (folder / "report.html").read_text()
    ids = set(re.findall(r'<h2 id="(\w+)"', page))
    assert ids == {
        "pros",
        "likelihood",
        "seconds",
        "samples",
        "completions",
        "abstraction",
        "measured",
    }
    cells = re.findall(r'<td(?: class="\w+")?><a href="#(\w+)">([^<]*)</a></td>', page)
    assert len(cells) == 6 * 5
    sentences = re.findall(r'<li><b>([^<]*)</b> <a href="#(\w+)">([^<]*)</a>', page)
    assert len(sentences) == 8
    assert {section for section, _ in cells} | {section for _, section, _ in sentences} <= ids
    assert all(re.search(r"\d", text) for _, text in cells)
    assert all(re.search(r"\d", measured) for _, _, measured in sentences)
    assert "0.025 is what 1000 independent rows show by chance" in page


def test_the_report_opens_in_a_browser(digits, tmp_path):
    _, folder = digits
    for width in (1200, 420):
        seen = look_at(folder / "report.html", tmp_path, width)
        assert seen["images"] == 3 + 10 + 7  # charts, grids of rows, completions
        assert seen["broken"] == []
        assert seen["astray"] == []
        assert seen["links"] == 6 * 5 + 8
        assert seen["requests"] == []  # nothing from anywhere else
        assert seen["overflow"] <= 0  # wide tables scroll by themselves
        assert 50 < seen["tallest"] < 900
        assert seen["headings"][0] == "For and against"


def test_what_the_lecture_says_is_so_on_digits(digits):
    """Columns are nearly independent given the hidden variables, and exact sums are exact."""
    _, folder = digits
    found = json.loads((folder / "results.json").read_text())
    of = {each["family"]: each for each in found["families"]}
    chance = 0.8 / 1000**0.5
    for name in ("rbm", "vae"):
        measured = of[name]["measured"]
        assert measured["dependence_given_hidden"] < 1.2 * chance
    assert found["mean_absolute_correlation"] > 3 * chance
    for name in ("independent", "tree", "mixture", "fvsbn", "nade", "made", "orderless"):
        # The error is that of rounding a sum of a thousand probabilities.
        assert 0 < of[name]["measured"]["exactness"] < 1e-11
        assert (of[name]["second_half_given_first_nats"] is None) == (name == "tree")
    assert of["vae"]["measured"]["gap"] > 0
    assert of["nade"]["parameters"] == 2 * 64 * 200 + 2 * 200 + 64
    assert of["fvsbn"]["parameters"] == 64 * 65 // 2
    assert 0.05 < found["most_frequent_label"] < 0.2
    best = max(
        (each for each in of.values() if each["log_likelihood"]["mark"] == "="),
        key=lambda e: e["log_likelihood"]["nats_per_row"],
    )
    for each in of.values():
        less = each["less_the_best_exact"]
        assert less["than"] == best["family"]
        gap = each["log_likelihood"]["nats_per_row"] - best["log_likelihood"]["nats_per_row"]
        assert less["nats_per_row"] == pytest.approx(gap, abs=1e-6)
        paired = less["standard_error"] < each["log_likelihood"]["standard_error"]
        assert paired or each["family"] in ("independent", "rbm", "tree", "vae", "orderless")
    assert {probe["what"] for probe in of["nade"]["representations"]} == {
        f"NADE: {what}"
        for what in (
            "last hidden vector",
            "mean of the hidden vectors",
            "sum of the hidden vectors",
            "all hidden vectors",
        )
    }
    assert of["nade"]["representations"][3]["size"] == 64 * 200
    assert found["raw_columns"]["accuracy"] > 0.8
    for each in found["families"]:
        for probe in each["representations"]:
            assert 0.3 < probe["valid_accuracy"] <= 1


def table(n=300, holes=False):
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, n)
    x = rng.normal(size=n) + 3 * kind
    frame = pd.DataFrame(
        {
            "x": x,
            "y": x + rng.normal(size=n),
            "z": rng.normal(size=n),
            "kind": np.where(kind, "a<b", "c&d"),
        }
    )
    if holes:
        frame.loc[::10, "y"] = np.nan
    return frame


def test_a_table_of_numbers_with_a_label(tmp_path):
    table(holes=True).to_csv(tmp_path / "t.csv", index=False)
    brief = ("--effort", "quick", "--epochs", 3, "--hidden-size", 8)
    code, out, errors = run("t.csv", "--label", "kind", *brief, "-o", "out", "--json", cwd=tmp_path)
    assert code == 0, errors
    found = json.loads(out)
    assert found["rows_left_out"] == 30
    assert found["rows"] == {"train": 189, "valid": 27, "test": 54}
    assert found["columns"] == 3
    names = [each["family"] for each in found["families"]]
    assert names == ["independent", "gaussians", "fvsbn", "vae", "nade", "made", "orderless"]
    nats = {each["family"]: each["log_likelihood"]["nats_per_row"] for each in found["families"]}
    assert nats["gaussians"] > nats["independent"] + 0.3  # y follows x
    assert set(found["not_for_this_table"]) == {"tree", "mixture", "rbm"}
    assert found["raw_columns"]["accuracy"] > 0.85
    page = (tmp_path / "out" / "report.html").read_text()
    assert "30 rows with missing cells are left out" in page
    assert "No family" not in page


def test_labels_that_look_like_html_are_escaped(tmp_path):
    frame = table().rename(columns={"x": "<script>alert(1)</script>"})
    frame.to_csv(tmp_path / "t.csv", index=False)
    words = ("compare", "t.csv", "--families", "independent,fvsbn", "--epochs", 1)
    code, _, errors = typed(*words, cwd=tmp_path, PYTHONWARNINGS="error")
    assert code == 0, errors
    page = (tmp_path / "chainrule-compare" / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "c&amp;d" in page


def test_likelihoods_are_in_the_tables_units():
    """A column a thousand times as wide costs log 1000 more, in every family."""
    frame = table().drop(columns="kind")
    wide = frame.assign(z=1000 * frame["z"])
    found = [
        compare(
            prepared(read_table(each)),
            ["independent", "gaussians", "nade"],
            SMALL,
            progress=False,
        )
        for each in (frame, wide)
    ]
    for one, other in zip(*(each.entries for each in found), strict=True):
        assert one.likelihood.nats - other.likelihood.nats == pytest.approx(
            math.log(1000), abs=0.02
        )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["t.csv", "--families", "nade,rmb"],
         "family 'rmb' is unknown; choose one of .* (nearest: 'rbm')"),
        (["t.csv", "--families", "rbm"],
         "family 'rbm' is for tables whose columns are all binary; leave it out of --families"),
        (["t.csv", "--families", ","], "names no family"),
        (["t.csv", "--label", "knd"],
         "--label knd: column 'knd' is unknown; choose one of .*'kind'"),
        (["digits", "--label", "kind"], "is for tables; a data set has its own labels"),
        (["t.csv", "--effort", "most"], "effort 'most' is unknown"),
        (["t.csv", "-o", "t.csv"], "a file; name a folder with -o"),
        (["t.csv", "--epochs", "0"], "epochs = 0: pass a whole number, at least 1"),
        (["t.csv", "--label", "x"],
         "--label x: the training rows have 210 different values; name a column of 2 to 100 "
         "classes"),
        (["t.csv", "--kind", "x"], "--kind x: pass NAME=KIND"),
        (["few.csv"], "10 complete rows of 10; families are compared on at least 30"),
        (["nowhere.csv"], "nowhere.csv: no such file"),
    ],
)  # fmt: skip
def test_misuse_is_refused_before_any_work(words, message, tmp_path):
    table().to_csv(tmp_path / "t.csv", index=False)
    table(10).to_csv(tmp_path / "few.csv", index=False)
    code, _, errors = run(*words, cwd=tmp_path)
    assert code == 2, errors
    assert re.search(message.replace("(", r"\(").replace(")", r"\)"), errors), errors
    assert not (tmp_path / "chainrule-compare").exists()


def test_a_familys_numbers_do_not_depend_on_the_others():
    data = prepared(datasets.load("digits"))
    alone = compare(data, ["nade"], SMALL, seed=3, progress=False).entries[0]
    among = compare(data, ["independent", "rbm", "nade"], SMALL, seed=3, progress=False).entries[2]
    assert alone.likelihood == among.likelihood
    assert alone.probes == among.probes
    assert torch.equal(alone.drawn, among.drawn)
    other = compare(data, ["nade"], SMALL, seed=4, progress=False).entries[0]
    assert other.likelihood != alone.likelihood


def test_every_family_is_reproducible_from_the_seed():
    """This holds for mixtures of Gaussians, which scikit-learn starts; other seeds differ."""
    numbers = prepared(read_table(table().drop(columns="kind")))
    bits = prepared(datasets.load("digits"))
    few = replace(bits, train=bits.train.take(slice(0, 300)), labels=None)
    for data in (numbers, few):
        once, again = (compare(data, None, SMALL, seed=5, progress=False).entries for _ in range(2))
        for a, b in zip(once, again, strict=True):
            assert a.likelihood == b.likelihood, a.family.name
            assert torch.equal(a.drawn, b.drawn), a.family.name
    guesses = [fitted("gaussians", numbers, seed=k)._seed for k in (0, 0, 1)]
    assert guesses[0] == guesses[1] != guesses[2]


def test_the_likelihood_is_the_mean_and_its_errors_are_what_they_say():
    rows = Rows(torch.zeros(300, 2), scale_nats=torch.full((300,), 0.5, dtype=torch.float64))
    exact = likelihood_of(lambda x: torch.linspace(-2, 0, len(x)), rows, "x", progress=False)
    assert exact.kind == "exact"
    assert exact.nats == pytest.approx(-1.5)
    assert exact.monte_carlo_error == 0
    shifted = likelihood_of(
        lambda x: Estimate(x[:, 0] - 1, torch.full((len(x),), 0.3)), rows, "x", progress=False
    )
    assert shifted.kind == "estimate"
    # One shift of all rows does not average out.
    assert shifted.monte_carlo_error == pytest.approx(0.3)
    bound = likelihood_of(
        lambda x: LowerBound(x[:, 0] - 1, torch.full((len(x),), 0.3)),
        rows,
        "x",
        progress=False,
    )
    assert bound.kind == "bound"
    # The draws of different rows do.
    assert bound.monte_carlo_error == pytest.approx(0.3 / 300**0.5)
    assert str(bound).startswith("≥ -1.500 ± 0.000 (Monte Carlo error 0.017)")


def test_correlation_of_independent_columns_is_what_chance_leaves():
    x = torch.randn(1000, 40, generator=generator_from(0))
    columns = Columns.of([GaussianMixture(1)] * 40)
    assert mean_correlation(x, columns) == pytest.approx(0.8 / 1000**0.5, rel=0.05)
    two = Columns.of([GaussianMixture(1)] * 2)
    assert mean_correlation(torch.cat([x[:, :1], -x[:, :1]], dim=1), two) == pytest.approx(1)
    assert mean_correlation(torch.ones(10, 2), two) == 0
    # Codes of labels have no correlation.
    assert mean_correlation(torch.ones(10, 2), Columns.of([Categorical(3)] * 2)) == 0


def test_a_networks_sum_that_is_not_one_would_be_seen(monkeypatch):
    data = prepared(datasets.load("digits"))
    net = fitted("nade", data)
    assert error_of_sums(net, data) < 1e-11
    right = NADE.log_prob
    monkeypatch.setattr(
        NADE, "log_prob", lambda self, x, **options: right(self, x, **options) + 1e-3
    )
    assert error_of_sums(net, data) > 1e-3


def test_a_bounds_arrow_points_to_where_the_truth_lies():
    """Its head is to the right of the bound, at higher log p; what is exact has none."""
    from chainrule.report.comparison import charts

    data = replace(prepared(datasets.load("digits")), labels=None)
    figure = charts.likelihoods(compare(data, ["independent", "vae"], SMALL, progress=False))
    arrows = [text for text in figure.axes[0].texts if text.arrow_patch is not None]
    assert len(arrows) == 1
    assert arrows[0].xyann[0] > 0
    # The head is at the text's end, not the point's.
    assert type(arrows[0].arrow_patch.get_arrowstyle()).__name__ == "CurveA"


def test_a_wide_representation_is_judged_in_the_space_of_its_rows():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(n, 50)).astype(np.float32) for n in (20, 5, 7)]
    train, valid, test = _within_row_space(*parts)
    assert train.shape == (20, 20)
    for a, b in (
        (train, valid),
        (train, test),
        (train, train),
    ):  # the same inner products: the same classifier
        full = {id(train): parts[0], id(valid): parts[1], id(test): parts[2]}
        assert np.allclose(a @ b.T, full[id(a)] @ full[id(b)].T, atol=1e-3)


def test_a_representation_without_the_label_reads_nothing_and_the_label_itself_everything():
    data = prepared(datasets.load("digits"))
    digit = torch.from_numpy(np.concatenate(data.labels).astype(np.float32))
    rows = torch.cat([data.train.x, data.valid.x, data.test.x])
    place = {tuple(row.tolist()): k for k, row in enumerate(rows)}

    def label(x):
        return torch.nn.functional.one_hot(
            torch.stack([digit[place[tuple(row.tolist())]] for row in x]).long(), 10
        ).float()

    assert probed("label", label, data, progress=False).accuracy > 0.98
    assert probed("nothing", lambda x: torch.zeros(len(x), 3), data, progress=False).accuracy < 0.2


def test_efforts_are_the_same_for_all_and_fewer_over_more_rows():
    data = prepared(datasets.load("digits"))
    efforts = {name: effort_for(name, data) for name in EFFORTS}
    assert [efforts[name].epochs for name in ("quick", "standard", "best")] == [20, 100, 400]
    nade, made, rbm = (fitted(name, data) for name in ("nade", "made", "rbm"))
    assert (type(nade), type(made), type(rbm)) == (NADE, MADE, RBM)
    assert nade.hidden_size == rbm.hidden_size == made.hidden_sizes[0] == 12


def test_a_vae_warms_up_to_the_whole_bound(monkeypatch):
    weights = []
    whole = VAE.training_loss

    def noted(self, *args, divergence_weight=1.0, **kwargs):
        weights.extend([divergence_weight] if self.training else [])
        return whole(self, *args, divergence_weight=divergence_weight, **kwargs)

    monkeypatch.setattr(VAE, "training_loss", noted)
    data = prepared(datasets.load("digits"))
    fitted("vae", data, replace(SMALL, epochs=6))
    assert sorted(set(weights)) == [0.5, 1.0]
    assert weights[-1] == 1.0
    assert weights.count(0.5) * 6 == len(weights)


@pytest.mark.parametrize(
    ("name", "effort", "how"),
    [
        ("nade", {"epochs": 1}, "input dropout of 0.1, AdamW at 0.01"),
        ("nade", {"epochs": 2}, "input dropout of 0.1, AdamW at 0.005"),  # many steps
        ("rbm", {"epochs": 1, "gibbs_steps": 3}, "divergence of 3 steps, learning rate 0.8"),
        ("vae", {"epochs": 6}, "its divergence at full weight from epoch 2, AdamW at 0.001"),
        ("mixture", {}, "1 of 1, 2, 5, 10, 20, 50, 100 components by validation rows"),
    ],
)
def test_how_a_family_was_trained_has_the_settings_of_that_run(name, effort, how, monkeypatch):
    monkeypatch.setattr("chainrule.report.comparison.families.nade.MANY_STEPS", 1)
    data = prepared(datasets.load("digits"))
    few = replace(data, train=data.train.take(slice(0, 99 if name != "mixture" else 10)))
    generator = generator_from(0)
    effort = replace(SMALL, **effort)
    found = FAMILIES[name].fit(few, effort, generator=generator, progress=False)
    assert how in found.how


def test_counted_families_are_those_of_the_baselines():
    data = prepared(datasets.load("digits"))
    found = compare(data, ["independent", "tree"], SMALL, progress=False)
    for entry, cls in zip(found.entries, (IndependentColumns, ChowLiuTree), strict=True):
        net = cls(data.columns)
        net.initialize_from(data.train.x)
        assert entry.likelihood.nats == pytest.approx(
            float(net.log_prob(data.test.x).double().mean().detach()), abs=1e-6
        )
    assert "<h2" in rendered(found)


def test_tables_of_any_frame_and_labels_that_are_none_of_them():
    frame = pl.from_pandas(table())
    data = prepared(read_table(frame), label="kind")
    assert data.schema.names == ("x", "y", "z")
    assert set(np.concatenate(data.labels)) == {"a<b", "c&d"}
    with pytest.raises(SchemaError, match="choose one of 'kind', 'x', 'y', 'z'"):
        prepared(read_table(frame), label="nothing")
    with pytest.raises(ChainruleError, match="has its own labels"):
        prepared(datasets.load("digits"), label="kind")


def awkward(n=240):
    """An id, a label with missing cells, rare labels, bits with one 2, a constant, counts."""
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 3, n)
    town = np.where(
        rng.random(n) < 0.04, [f"rare {k}" for k in range(n)], np.array(["a", "b", "c"])[kind]
    )
    switch = (rng.random(n) < 0.3).astype(int)
    switch[7] = 2
    return pd.DataFrame(
        {
            "id": [f"x{k:05}" for k in range(n)],
            "town": town,
            "switch": switch,
            "constant": 1,
            "count": rng.poisson(3 + 4 * kind),
            "class": np.where(rng.random(n) < 0.1, None, np.array(["low", "middle", "high"])[kind]),
        }
    )


@pytest.mark.parametrize("seed", range(3))
def test_tables_as_people_have_them(seed, tmp_path):
    """The one 2 may be in any split, ids are left out, and some rows have no label."""
    awkward().to_csv(tmp_path / "t.csv", index=False)
    words = [
        "t.csv",
        "--label",
        "class",
        "--seed",
        seed,
        "--json",
        "-o",
        "out",
        "--families",
        "independent,nade,vae",
    ]
    brief = ("--effort", "quick", "--epochs", 2, "--hidden-size", 6)
    code, out, errors = run(*words, *brief, cwd=tmp_path, warn="default")
    assert code == 0, errors
    assert errors.count("left out 'id'") == 1
    found = json.loads(out)
    assert list(found["columns_left_out"]) == ["id"]
    assert found["columns"] == 4
    assert 10 < found["rows_without_label"] < 40
    assert found["most_frequent_label"] > 0.2
    page = (tmp_path / "out" / "report.html").read_text()
    assert "No part of a row: id (" in page
    assert f"{found['rows_without_label']} rows have no label" in page


def test_an_npz_file_with_splits_keeps_them_and_one_column_is_enough(tmp_path):
    rng = np.random.default_rng(0)
    parts = {
        name: rng.integers(0, 2, (n, 1)).astype(np.uint8)
        for name, n in (("train", 50), ("valid", 20), ("test", 30))
    }
    np.savez(tmp_path / "t.npz", **parts)
    code, out, errors = run("t.npz", "--epochs", 1, "--hidden-size", 3, "--json", cwd=tmp_path)
    assert code == 0, errors
    found = json.loads(out)
    assert found["rows"] == {"train": 50, "valid": 20, "test": 30}
    nats = {each["family"]: each["log_likelihood"]["nats_per_row"] for each in found["families"]}
    assert nats["tree"] == pytest.approx(nats["independent"], abs=1e-6)
    assert all(-1 < value < -0.6 for value in nats.values())


def test_the_help_names_every_family():
    from chainrule.cli.compare import FAMILIES_HELP

    assert all(name in FAMILIES_HELP for name in FAMILIES)
