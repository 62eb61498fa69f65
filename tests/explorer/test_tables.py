"""A dropped table stands beside the one that was opened."""

import pytest
from helpers.towns import towns

from chainrule.errors import ShapeError
from chainrule.explorer import Answers
from chainrule.explorer.tables import MOST_DROPPED


def test_a_dropped_table_does_not_replace_the_opened_one(fitted, tmp_path):
    towns().to_csv(tmp_path / "towns.csv", index=False)
    answers = Answers(fitted.model, tmp_path / "towns.csv")
    before = answers.open(230)
    few = towns(9, seed=1)
    assert answers.load(few.to_csv(index=False).encode(), "few.csv") == 1
    assert answers.tables == [
        {"table": 0, "name": "towns.csv", "rows": 240},
        {"table": 1, "name": "few.csv", "rows": 9},
    ]
    assert answers.open(230) == before
    assert answers.open(8, 1)["weight"] == f"{few['weight'][8]:g}"
    with pytest.raises(ShapeError, match="row 9 of a table of 9 rows"):
        answers.open(9, 1)


def test_the_newest_dropped_tables_are_held(fitted):
    answers = Answers(fitted.model, towns(5))
    for rows in range(3, 3 + MOST_DROPPED + 1):
        answers.load(towns(rows + 3).to_csv(index=False).encode(), f"{rows}.csv")
    assert [each["table"] for each in answers.tables] == [0, *range(2, MOST_DROPPED + 2)]
    with pytest.raises(ShapeError, match="table 1 is not held any more; drop its file again"):
        answers.open(0, 1)
