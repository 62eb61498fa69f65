"""The benchmark of odd rows: its halves, its splits, and its rivals."""

import numpy as np
import pytest

from benchmarks.tables.odd_rows import page, sets
from benchmarks.tables.odd_rows.measure import _patterns
from benchmarks.tables.odd_rows.rivals import RIVALS, scores


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A folder with one set of ten outliers among a hundred rows."""
    (tmp_path / "tabular").mkdir()
    (tmp_path / "outliers").mkdir()
    rows = np.random.default_rng(0).normal(size=(100, 3))
    rows[:10] += 20
    np.savez(tmp_path / "outliers" / "wine.npz", X=rows, y=np.arange(100) < 10)
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    return rows


def test_each_set_belongs_to_one_half():
    assert set(sets.sets_of("choice")) | set(sets.sets_of("report")) == set(sets.sets_of("both"))
    assert not set(sets.sets_of("choice")) & set(sets.sets_of("report"))
    assert len(sets.sets_of("both")) == 22
    assert len(sets.CHOICE_HALF) == 11


def test_half_of_the_ordinary_rows_are_learned_and_no_outlier_is(stored):
    split = sets.half_of_the_ordinary("wine", 3)
    assert split.train.shape == (45, 3)
    assert split.train.max() < 10
    assert (split.is_outlier.sum(), len(split.test)) == (10, 55)
    both = np.concatenate([split.train, split.test])
    assert np.array_equal(np.sort(both, axis=0), np.sort(stored, axis=0))
    other = sets.half_of_the_ordinary("wine", 4)
    assert not np.array_equal(other.train, split.train)
    few = sets.half_of_the_ordinary("wine", 3, 20)
    assert (len(few.train), len(few.test)) == (20, 30)


@pytest.mark.parametrize("rival", RIVALS)
def test_rivals_find_outliers_far_out(rival, stored):
    split = sets.half_of_the_ordinary("wine", 0)
    found = scores(rival, split.train, split.test, 0)
    assert found[split.is_outlier].min() > found[~split.is_outlier].max()
    whole = sets.contaminated("wine", 0)
    assert scores(rival, whole.train, whole.test, 0).shape == (100,)


def test_patterns_hide_so_many_cells_of_each_row():
    hidden = _patterns((50, 6), 3, np.random.default_rng(0))
    assert (hidden.sum(1) == 3).all()
    assert len(np.unique(hidden, axis=0)) > 1


def areas(name, half, ours, forest):
    found = {"ours": ours, "isolation forest": forest}
    return {
        "set": name, "half": half, "areas": found, "false share": 0.2, "recall": 0.5, "rows": 50
    }  # fmt: skip


def test_the_page_has_means_over_sets_and_their_errors():
    rows = [areas("glass", "choice", 0.8, 0.7), areas("glass", "choice", 0.8, 0.9)]
    rows += [areas("wine", "choice", 0.9, 0.7), areas("wbc", "report", 0.5, 0.6)]
    held = [{"set": "wine", "half": "report", "held": True, "distances": {}}]
    said = page.section({"semi-supervised": {"rows": rows}, "p-values": {"rows": held}})
    table = [line for line in said if line.startswith("| ordinary")]
    assert table[0] == "| ordinary rows learned | choice | 2 | **chainrule** | **85.0** |  |"
    assert table[1].endswith("| 2 | isolation forest | 75.0 | +10.0 ± 10.0 |")
    assert table[2].endswith("| report | 1 | isolation forest | 60.0 | -10.0 ± nan |")
    text = " ".join(" ".join(said).split())
    assert "50% of the outliers, and 20% of the returned rows are ordinary. 4 of 4 cases" in text
    assert "1 of 1 sets keep the 1 % bound" in text
    written = page.written(f"a\n{page.BEGIN}\nold\n{page.END}\nz", {})
    assert written.split(page.BEGIN)[0] == "a\n"
    assert written.split(page.END)[1] == "\nz"
    assert "old" not in written
