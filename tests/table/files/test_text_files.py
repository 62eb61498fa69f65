"""Text files: labels stay as they are written, whatever stands in the rest of their column."""

import numpy as np
import pandas as pd
import pytest
from helpers.quick import N, fit, normal

from chainrule.table import encode, lazy, read_chunks, read_table


@pytest.fixture
def x():
    return normal()


def test_labels_of_text_files_do_not_depend_on_the_rest_of_their_column(x, tmp_path, monkeypatch):
    """01 stays 01 in a file, in its parts, and where columns are read one at a time."""
    zips = np.array(["00", "01", "02", "03"])[np.arange(N) % 4].astype(object)
    zips[-6:] = "A1"
    frame = pd.DataFrame({"zip": zips, "yes": np.where(x > 0, "TRUE", "FALSE"), "x": x})
    frame.loc[N - 5 :, "yes"] = "unknown"
    frame.to_csv(tmp_path / "t.csv", index=False)
    density = fit(tmp_path / "t.csv")
    assert set(density.schema.columns[0].levels) == {"00", "01", "02", "03", "A1"}
    assert np.allclose(density.log_prob(frame), density.log_prob(tmp_path / "t.csv"))
    codes = [
        encode(part, density.schema).values for part in read_chunks(tmp_path / "t.csv", rows=30)
    ]
    assert len(codes) >= 4
    assert np.array_equal(np.concatenate(codes), encode(read_table(frame), density.schema).values)
    frame.iloc[:40].to_csv(tmp_path / "digits.csv", index=False)
    assert np.allclose(density.log_prob(tmp_path / "digits.csv"), density.log_prob(frame.iloc[:40]))
    monkeypatch.setattr(lazy, "LARGE_BYTES", 1)
    monkeypatch.setattr(lazy, "CHUNK_ROWS", 30)
    assert fit(tmp_path / "t.csv").schema == density.schema


def test_files_without_names_and_arrays_of_text_are_filled(tmp_path, x):
    rows = np.stack([np.round(x, 3), np.round(x * 2, 3)], axis=1)
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", fmt="%.3f")
    density = fit(tmp_path / "t.csv")
    (tmp_path / "holes.csv").write_text("1.5,\n,0.25\n")
    filled = density.impute(tmp_path / "holes.csv", seed=0)
    assert filled.shape == (2, 2)
    assert (filled[0, 0], filled[1, 1]) == (1.5, 0.25)
    text = np.array([["1", "x"], ["12", "y"], ["", "x"]] * 20)
    filled = fit(text).impute(text, seed=0)
    assert {len(str(v)) > 0 for v in filled[:, 0]} == {True}
