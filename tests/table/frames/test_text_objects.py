"""Text of frames as objects: cells as they are, in memory that follows the different ones."""

import tracemalloc

import polars as pl
import pytest

from chainrule.table.frames.text_objects import AT_ONCE, text_objects

LONG = 100_000


@pytest.mark.parametrize("rows", [3, 2_000, AT_ONCE + 7])
def test_cells_keep_their_text_and_their_places(rows):
    cells = [None if k % 7 == 3 else f"{k % 5}\0" for k in range(rows)]
    assert text_objects(pl.Series(cells, dtype=pl.String)).tolist() == cells


def test_a_long_cell_that_repeats_is_in_memory_a_few_times():
    cells = ["y" * LONG if k % 3 else None for k in range(3_000)]
    series = pl.Series(cells)
    tracemalloc.start()
    try:
        found = text_objects(series)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.tolist() == cells
    assert most < 0.2 * LONG * len(cells)
