"""Cells filled given an event: it holds in all rows, and draws follow the conditional."""

import numpy as np
import pandas as pd
import pytest

from chainrule.errors import ChainruleError, ShapeError
from chainrule.events import event_of, holds
from chainrule.tasks.asking import filled_given
from tests.tasks.asking.test_measure import Enumerated, density_of, frame

EVENT = "count in [1, 2, 7] and (town == 'north' or last == 'a')"


@pytest.mark.parametrize("redraws", [20, 0])
def test_draws_follow_the_conditional_given_known_cells(redraws, monkeypatch):
    """By drawing again, and by paths within the event."""
    monkeypatch.setattr(filled_given, "REDRAWS", redraws)
    density = density_of("orderless")
    known = pd.DataFrame({"bit": [True] * 1500, "town": None, "count": np.nan, "last": None})
    filled = density.impute(known, seed=0, given=EVENT)
    assert filled.bit.all()
    assert filled["count"].isin([1, 2, 7]).all()
    assert ((filled.town == "north") | (filled["last"] == "a")).all()
    table = Enumerated(density)
    schema = density.schema
    p = table.p * holds(event_of(schema, f"bit and {EVENT}"), table.rows)
    for other in ("town", "last"):
        p *= ~holds(event_of(schema, f"{other} == '(other)'"), table.rows)
    for words, share in (
        ("count == 7", (filled["count"] == 7).mean()),
        ("town == 'north'", (filled.town == "north").mean()),
    ):
        expected = p @ holds(event_of(schema, words), table.rows) / p.sum()
        assert abs(share - expected) < 4.5 * np.sqrt(expected * (1 - expected) / 1500) + 0.01


def test_an_orderless_network_fills_rows_with_other_cells_known():
    density = density_of("orderless")
    known = frame().astype({"count": float})
    known.loc[::2, "count"] = np.nan
    known.loc[1::2, "town"] = None
    known = known[(known["count"] > 3) | known["count"].isna()]
    filled = density.impute(known, seed=0, given="count > 3")
    assert (filled["count"] > 3).all()
    assert filled[known.notna()].equals(known)
    again = density.impute(known[40:], seed=0, given="count > 3", first_row=40)
    assert again.equals(filled[40:])


def test_rows_in_which_the_event_cannot_hold_are_named():
    density = density_of("orderless")
    known = pd.DataFrame({"bit": [True, False], "town": None, "count": np.nan, "last": None})
    with pytest.raises(ChainruleError, match=r"hardly ever holds in 1 row\(s\), .* bit = False"):
        density.impute(known, seed=0, given="bit")
    with pytest.raises(ShapeError, match="how = 'best': cells are filled given an event by"):
        density.impute(known, how="best", given="bit")
