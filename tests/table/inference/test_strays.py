"""Text among numbers: words for missing cells, wrong cells, and codes, which are labels."""

import numpy as np
import pandas as pd
import pytest

from chainrule.table import read_table
from chainrule.table.inference.strays import find_strays


def written(values, wrong):
    """Values as text, some of them replaced."""
    found = [str(value) for value in values]
    for row, text in wrong.items():
        found[row] = text
    return found


def strays(cells, tmp_path=None, **options):
    """The stray cells of a table of one column, of a frame or of a file."""
    frame = pd.DataFrame({"column": cells, "other": np.arange(len(cells))})
    if tmp_path is None:
        return find_strays(read_table(frame), min_count=5, **options)
    frame.to_csv(tmp_path / "table.csv", index=False)
    return find_strays(read_table(tmp_path / "table.csv"), min_count=5, **options)


NUMBERS = np.random.default_rng(0).integers(10, 90, 200)


@pytest.mark.parametrize("is_file", [False, True])
def test_text_among_numbers_is_wrong_and_a_frequent_word_is_missing(is_file, tmp_path):
    wrong = {3: "4x", 8: "much", **dict.fromkeys(range(20, 26), "n.n.")}
    found = strays(written(NUMBERS, wrong), tmp_path if is_file else None)
    assert np.flatnonzero(found.wrong[0]).tolist() == [3, 8]
    assert np.flatnonzero(found.words[0]).tolist() == list(range(20, 26))
    assert found.codes == ()


@pytest.mark.parametrize("is_file", [False, True])
def test_text_among_numbers_in_a_notation_is_wrong(is_file, tmp_path):
    percent = [f"{number}%" for number in NUMBERS]
    percent[5] = "1x%"
    found = strays(percent, tmp_path if is_file else None)
    assert np.flatnonzero(found.wrong[0]).tolist() == [5]


def test_numbers_of_one_length_that_repeat_are_codes():
    codes = np.array([35233, 36301, 35640])[NUMBERS % 3]
    assert strays(written(codes, {4: "3x233"})).codes == ("column",)
    years = written(1990 + NUMBERS % 3, {4: "19x0"})  # years have four digits
    assert strays(years).codes == ()
    many = written(10_000 + np.arange(200), {4: "100x4"})  # they do not repeat
    assert strays(many).codes == ()


def test_columns_of_labels_and_of_known_kinds_have_none():
    mostly_text = written(NUMBERS, dict.fromkeys(range(0, 200, 2), "text"))
    assert strays(mostly_text).wrong == {}
    wrong = written(NUMBERS, {3: "4x"})
    assert strays(wrong, known=["column"]).wrong == {}


@pytest.mark.parametrize("is_file", [False, True])
def test_codes_of_which_a_few_begin_with_a_zero_are_no_stray_cells(is_file, tmp_path):
    codes = [f"{each:05d}" for each in range(7_000, 99_000, 333)]
    found = strays(codes, tmp_path if is_file else None)
    assert not found.wrong
    assert not found.words
    found = strays([*map(str, range(1, 200)), "007"], tmp_path if is_file else None)
    assert np.flatnonzero(found.wrong[0]).tolist() == [199]
