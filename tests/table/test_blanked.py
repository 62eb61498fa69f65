"""Tables without some cells: every type of column can lack them, and the original stays."""

import numpy as np
import polars as pl
import pytest

from chainrule.table import infer_schema, read_table
from chainrule.table.blanked import blanked
from chainrule.table.values.cells import is_observed


def frame():
    return pl.DataFrame({
        "n": [1, 2, 3],
        "x": [0.5, 1.5, 2.5],
        "label": ["a", "b", "c"],
        "flag": [True, False, True],
        "day": pl.Series(["2024-01-01", "2024-01-02", "2024-01-03"]).str.to_date(),
    })  # fmt: skip


@pytest.mark.parametrize("of", ["polars", "pandas", "file"])
def test_the_cells_are_missing_and_no_others(of, tmp_path):
    source = frame()
    if of == "pandas":
        source = source.to_pandas()
    if of == "file":
        frame().write_csv(tmp_path / "t.csv")
        source = tmp_path / "t.csv"
    table = read_table(source)
    mask = np.array([False, True, False])
    found = blanked(table, dict.fromkeys(range(5), mask))
    for position in range(5):
        assert is_observed(found.columns[position]).tolist() == [True, False, True]
        assert is_observed(table.columns[position]).all()
        assert (
            found.labels(position)[1] in (None, "")
            or found.labels(position)[1] != (table.labels(position)[1])
        )
    schema = infer_schema(found, min_count=1)
    assert [column.rows for column in schema.columns] == [2] * 5


def test_nothing_to_leave_out_changes_nothing():
    table = read_table(frame())
    found = blanked(table, {0: np.zeros(3, dtype=bool)})
    assert found.columns[0] is table.columns[0]
