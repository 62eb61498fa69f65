"""The benchmarks of synthetic tables: what they store, and what the page says of it."""

import datetime
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from benchmarks import record
from benchmarks.tables import quality_check
from benchmarks.tables.data import KINDS
from benchmarks.tables.masses.tables import small_table
from benchmarks.tables.synthetic import __main__ as synthetic
from benchmarks.tables.synthetic import measured, page, pictures
from chainrule.synthetic.tables import tables_of

PAGE = Path(__file__).parents[2] / "docs/quality.md"


def test_the_figures_are_those_of_sdmetrics_and_mostlyai_qa():
    """To as many digits as docs/quality.md says; mostlyai-qa rounds each accuracy to 5."""
    parts = json.loads((record.RESULTS / "quality_check.json").read_text())
    assert set(parts) == {*KINDS, quality_check.MADE}
    for name, part in parts.items():
        assert {row["what"] for row in part["rows"]} == {"rows", "shuffled", "wider"}
        for row in part["rows"]:
            assert max(row["largest difference"].values()) < 1e-7, (name, row["what"])
            ours, theirs = row["means"]["ours"], row["means"]["theirs"]
            assert set(ours) == set(theirs)
            for figure, value in ours.items():
                if value is not None or theirs[figure] is not None:
                    assert value == pytest.approx(theirs[figure], abs=1e-5), (name, figure)
    assert "SDMetrics to 7 digits" in PAGE.read_text(encoding="utf-8")


def test_a_protocol_is_measured_once_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("CHAINRULE_RIVALS_QA", raising=False)
    monkeypatch.setattr(measured, "whole_table", lambda name: small_table(rows=400))
    monkeypatch.setitem(measured.TARGETS, "titanic", ("label", "a"))
    monkeypatch.setitem(measured.LEFT_OUT, "titanic", ())
    monkeypatch.setattr(synthetic, "TRIALS", tmp_path)
    words = ["--table", "titanic", "--seed", "3", "--protocol", "halves", "--effort", "quick"]
    synthetic.main(words)
    path = tmp_path / "quick-titanic-halves-3.json"
    kept = path.read_text()
    found = json.loads(kept)
    assert found["rows"] == {"train": 200, "holdout": 200}
    assert found["quality"]["rows"] == {"real": 200, "synthetic": 200, "holdout": 200}
    assert found["quality"]["utility"]["target"] == "label"
    assert found["xgboost"] is None
    assert set(found["nats"]) == {"train", "holdout"}
    missing = [fault["what"] for fault in found["quality"]["faults"] if "missing" in fault["what"]]
    assert missing == []  # draws have missing cells, too
    printed = capsys.readouterr().out
    assert re.match(r"quick-titanic-halves-3: told apart [01]\.\d", printed)
    synthetic.main(words)
    assert path.read_text() == kept
    assert capsys.readouterr().out == printed


def test_all_rows_and_effort_standard_are_results_and_others_trials(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(
        synthetic, "measured", lambda *task, **options: asked.append((task, options)) or {}
    )
    monkeypatch.setattr(synthetic, "line", lambda path: str(path.relative_to(tmp_path)))
    monkeypatch.setattr(synthetic.page, "PAGE", tmp_path / "drawn.md")
    monkeypatch.setattr(synthetic, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(synthetic, "TRIALS", tmp_path / "trials")
    synthetic.main(["--table", "adult", "--seed", "0", "1", "--protocol", "c2st"])
    synthetic.main(["--table", "adult", "--seed", "0", "--rows", "500"])
    assert capsys.readouterr().out.split() == [
        "results/adult-c2st-0.json",
        "results/adult-c2st-1.json",
        "trials/500-adult-c2st-0.json",
        "trials/500-adult-halves-0.json",
    ]
    assert asked[0] == (("adult", "c2st", 0), {"effort": "standard", "rows": None})
    assert asked[-1] == (("adult", "halves", 0), {"effort": "standard", "rows": 500})
    assert (tmp_path / "drawn.md").read_text(encoding="utf-8") == page.text()


def test_the_page_says_what_was_measured():
    assert page.PAGE.read_text(encoding="utf-8") == page.text(), (
        "run python -m benchmarks.tables.synthetic --page to update the page"
    )
    files = [
        each for name in page.PICTURED for each in (page.marginals_of(name), page.pairs_of(name))
    ]
    assert sum((pictures.PICTURES / file).stat().st_size for file in files) < 150_000


def test_figures_of_several_seeds_have_an_error():
    files = [{"a": {"b": value}} for value in (0.5, 0.75)]
    assert page._mean(files, "a", "b") == "0.625 ± 0.125"
    assert page._mean(files[:1], "a", "b", digits=4) == "0.5000"
    assert page._mean([*files, {"a": None}], "a", "b") == "0.625 ± 0.125"
    assert page._mean([{"a": None}], "a", "b") == ""


def made_tables(n=300):
    rng = np.random.default_rng(0)
    parts = [
        pl.DataFrame(
            {
                "x": rng.normal(0, 1 + k, n).round(2),
                "n": rng.integers(0, 7, n),
                "label": rng.choice([f"a label of number {j}" for j in range(12)], n),
                "day": [
                    datetime.date(2024, 1, 1) + datetime.timedelta(days=int(d))
                    for d in rng.integers(0, 300, n)
                ],
            }
        )
        for k in range(2)
    ]
    return parts, tables_of(*parts, kinds={"n": "integer"})


def test_bins_are_the_same_for_real_and_drawn_rows():
    parts, tables = made_tables()
    whole = pictures.binned(tables, "n", 40)
    assert whole.edges.tolist() == [k - 0.5 for k in range(8)]
    for part, shares in zip(parts, whole.shares(), strict=True):
        assert shares.tolist() == [(part["n"] == k).mean() for k in range(7)]
    label = pictures.binned(tables, "label", 40)
    assert len(label.ticks) == len(label.edges) - 1 == 8
    assert label.ticks[-1] == (7, "others")
    assert all(name == "a label of nu…" for _, name in label.ticks[:-1])
    assert [each.sum() for each in label.shares()] == pytest.approx([1, 1])
    x = pictures.binned(tables, "x", 40)
    assert len(x.edges) == 41
    assert x.shares()[0].sum() > 0.98
    day = pictures.binned(tables, "day", 40)
    assert day.ticks[0][1].startswith("2024-01-0")


def test_pictures_show_what_gives_the_rows_away(tmp_path, monkeypatch):
    (real, drawn), _ = made_tables()
    monkeypatch.setattr(
        pictures, "drawn_rows", lambda *task, **how: SimpleNamespace(train=real, rows=drawn)
    )
    found = cr.quality(real, drawn, verbose=False)
    monkeypatch.setattr(cr, "quality", lambda *tables, **how: found)
    files = pictures.draw("titanic", tmp_path, effort="quick", rows=300)
    assert [file.name for file in files] == ["drawn-titanic-columns.png", "drawn-titanic-pairs.png"]
    for file in files:
        assert file.read_bytes().startswith(b"\x89PNG")
        assert 5_000 < file.stat().st_size < 75_000
    names, pairs = pictures.chosen(found)
    assert names[0] == "x"  # drawn twice as wide
    assert len({name for pair in pairs for name in pair}) == 4
