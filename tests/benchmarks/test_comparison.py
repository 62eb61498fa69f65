"""The page on families has the measured figures, and they show the lecture's contrast."""

from benchmarks.comparison import page
from benchmarks.likelihood.published import published

QUOTED = {
    "nade": "NADE",
    "rbm": "RBM",
    "vae": "VAE",
    "made": "MADE",
    "mixture": "mixture of Bernoullis",
    "tree": "Chow-Liu tree",
}


def test_the_page_says_what_was_measured():
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.written(text) == text, "run python -m benchmarks.comparison.page to update the page"
    for name in page.COMPARED:
        assert f"### {name}\n" in text


def test_on_binarized_mnist_every_family_stands_where_it_was_published():
    found = page.read("binarized-mnist")
    families = {family["family"]: family for family in found["families"]}
    nats = {name: family["log_likelihood"]["nats_per_row"] for name, family in families.items()}
    marks = {name: family["log_likelihood"]["mark"] for name, family in families.items()}
    (machine,) = (row.nats for row in published("binarized-mnist") if row.model.startswith("RBM"))
    (chain,) = (
        row.nats for row in published("binarized-mnist") if row.model == "NADE, fixed order"
    )
    assert found["effort"]["hidden_size"] == 500
    assert abs(nats["rbm"] - machine) < 1.5
    assert families["rbm"]["log_likelihood"]["monte_carlo_error"] < 0.5
    assert families["rbm"]["seconds"]["train"] > 0
    assert nats["vae"] > -90
    assert nats["nade"] > chain
    assert {mark: sorted(name for name in marks if marks[name] == mark) for mark in "≈≥"} == {
        "≈": ["rbm"],
        "≥": ["vae"],
    }


def test_a_row_keeps_its_mark_and_takes_the_representation_that_the_validation_rows_chose():
    probes = [
        {
            "what": f"NADE: p({what} | x)",
            "size": 3,
            "accuracy": right,
            "standard_error": 0.01,
            "valid_accuracy": valid,
        }
        for what, right, valid in (("last", 0.9, 0.7), ("mean", 0.8, 0.75))
    ]
    family = {
        "title": "NADE",
        "log_likelihood": {
            "mark": "≥",
            "nats_per_row": -1.234,
            "standard_error": 0.1,
            "monte_carlo_error": 0.02,
        },
        "parameters": 1234,
        "seconds": {
            "train": 12.3,
            "score_1000_rows": 0.12,
            "score_once": 0.0,
            "draw_1000_rows": 3.45,
        },
        "representations": probes,
    }
    found = {
        "data": "none",
        "rows": {"train": 5, "valid": 4, "test": 3},
        "columns": 2,
        "effort": {
            "hidden_size": 7,
            "epochs": 1,
            "gibbs_steps": 1,
            "draws": 20,
            "distributions": 30,
        },
        "circumstances": {"threads": 2},
        "seed": 0,
        "families": [family],
        "raw_columns": {"accuracy": 0.5, "standard_error": 0.1},
    }
    lines = page.section(found)
    assert (
        "| NADE | ≥ -1.23 ± 0.10 (Monte Carlo error 0.020) | 1,234 | 12 | 0.12 | 3.5 "
        "| p(mean \\| x): 80.0 ± 1.0 % |"
    ) in lines
    assert any("the columns themselves: 50.0 ± 10.0 %" in line for line in lines)


def test_the_benchmarks_page_quotes_the_comparison():
    quoting = (page.PAGE.parent / "benchmarks.md").read_text(encoding="utf-8")
    quoting = " ".join(quoting.split())  # without the line breaks of its paragraphs
    for name in page.COMPARED:
        families = {family["family"]: family for family in page.read(name)["families"]}
        quoted = [
            f"{title} {found['mark']} {found['nats_per_row']:.2f}"
            for title, found in ((t, families[f]["log_likelihood"]) for f, t in QUOTED.items())
        ]
        assert f"{name}: {', '.join(quoted)}" in quoting
