"""The benchmarks of synthetic tables: what they store, and what the page says of it."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import record
from benchmarks.tables import quality_check
from benchmarks.tables.data import KINDS
from benchmarks.tables.masses.tables import small_table
from benchmarks.tables.synthetic import __main__ as synthetic
from benchmarks.tables.synthetic import measured

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
