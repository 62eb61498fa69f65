"""Fills of text files: known cells stay as they are written, and others are written as they are."""

import re

import numpy as np
import pytest
from helpers.quick import fit

N = 200


def cells(name):
    rng = np.random.default_rng(0)
    number = rng.normal(0, 5, N)
    return {
        "plus": [f"{each:+.2f}" for each in number],
        "plus, not of zero": [f"{each:+.0f}" if round(each) else "0" for each in number],
        "no plus": [f"{each:.2f}" for each in number],
        "a plus of some": [
            f"{each:+.2f}"[int(k % 7 > 0 and each > 0) :] for k, each in enumerate(number)
        ],
        "two signs": ["+1" if each > 0 else "-1" for each in number],
        "capitals": ["TRUE" if each > 0 else "FALSE" for each in number],
        "titles": ["True" if each > 0 else "False" for each in number],
    }[name]


@pytest.mark.parametrize("how", ["draw", "best"])
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("plus", r"(\+|-)[0-9.]+|-?0\.0"),
        ("plus, not of zero", r"(\+|-)[1-9][0-9]*|0"),
        ("no plus", r"-?[0-9.]+"),
        ("a plus of some", r"-?[0-9.]+"),
        ("two signs", r"\+1|-1"),
        ("capitals", "TRUE|FALSE"),
        ("titles", "True|False"),
    ],
)
def test_known_cells_keep_every_byte_and_fills_have_their_notation(name, pattern, how, tmp_path):
    words = ["" if k % 5 == 3 else word for k, word in enumerate(cells(name))]
    source, target = tmp_path / "t.csv", tmp_path / "filled.csv"
    rows = [f"{word},{k % 3}" for k, word in enumerate(words)]
    source.write_text("\n".join(["a,x", *rows, ""]))
    fit(source).impute(source, how=how, seed=0, to=target)
    found = [line.split(",") for line in target.read_text().splitlines()[1:]]
    assert [x for _, x in found] == [row.split(",")[1] for row in rows]
    for word, (new, _) in zip(words, found, strict=True):
        assert new == word or (not word and re.fullmatch(pattern, new)), new
