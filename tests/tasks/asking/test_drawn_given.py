"""Rows drawn given an event: it holds in all of them, and they follow the conditional."""

import numpy as np
import pytest
from helpers.some_tables import mixed
from helpers.untrained import untrained

import chainrule as cr
from chainrule.errors import ChainruleError, ShapeError
from chainrule.events import event_of, holds
from chainrule.rng import row_source
from chainrule.tasks.asking.drawn_given import GivenEvent, listed_labels
from chainrule.tasks.asking.measure import Measure
from chainrule.tasks.asking.pool import CodedRows
from tests.tasks.asking.test_measure import DRAWS, NAMES, Enumerated, density_of


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("words", ["count > 3 and not bit", "town == 'south' or count == 2"])
def test_paths_and_the_pool_draw_by_the_conditional(name, words):
    model = density_of(name).model
    given, listed = event_of(model.schema, words), listed_labels(model.schema, rare=True)
    of, n = GivenEvent(model, given, listed, shuffle=0, draws=DRAWS), 2500
    table = Enumerated(density_of(name))
    p = table.p * holds(given, table.rows) * holds(listed, table.rows)
    asked = event_of(model.schema, "town == 'north' or count in [4, 7]")
    expected = p @ holds(asked, table.rows) / p.sum()
    sources = row_source(0, purpose=0)
    first = len(of._hits)
    assert first > n
    for start in (0, first):  # from the pool, and by paths
        codes = of.codes(start, n, sources(start, start + n))
        rows = CodedRows.of(model.schema, codes)
        assert holds(given, rows).all()
        assert holds(listed, rows).all()
        share = holds(asked, rows).mean()
        assert abs(share - expected) < 4.5 * np.sqrt(expected * (1 - expected) / n) + 0.01


def test_rows_of_the_pool_are_not_repeated_and_a_row_depends_on_its_number():
    density = untrained(mixed(100))
    given = "height > 172 and sex"
    whole = density.sample(300, given=given, seed=1)
    assert whole.sex.all()
    assert (whole.height > 172).all()
    assert not whole.height.duplicated().any()
    part = density.sample(100, given=given, seed=1, first_row=200).reset_index(drop=True)
    assert part.equals(whole[200:].reset_index(drop=True))
    other = density.sample(300, given=given, seed=2)
    assert len(set(whole.height) & set(other.height)) < 100


def test_rare_labels_are_drawn_or_omitted():
    density = density_of("nade")
    drawn = density.sample(2000, given="count > 1", seed=0, other="rare")
    assert (drawn.town == "rare").any()
    assert drawn["last"].notna().all()
    drawn = density.sample(2000, given="count > 1", seed=0, rare="omit")
    assert drawn.town.notna().all()


def test_given_is_an_event_wherever_it_has_a_set_and_cells_otherwise():
    density = untrained(mixed(100))
    drawn = density.sample(20, given={"town": {"north", "west"}, "gain": (5, 50)}, seed=0)
    assert set(drawn.town) <= {"north", "west"}
    assert drawn.gain.between(5, 50).all()
    drawn = density.sample(20, given={"town": "north", "gain": 7}, seed=0)
    assert set(drawn.gain) == {7}


def test_what_cannot_be_drawn_is_said():
    density = untrained(mixed(100))
    with pytest.raises(ChainruleError, match="has no probability by the model"):
        density.sample(3, given="sex and not sex")
    with pytest.raises(ChainruleError, match="of 200,000 draws fulfil it, and between columns"):
        density.sample(3, given="gain > 5000 * height")
    with pytest.raises(ShapeError, match=r"temperature = 0\.5"):
        density.sample(3, given="sex", temperature=0.5)


def test_a_scorer_draws_the_same_rows():
    density = density_of("nade")
    given = "count > 3 and town != 'west'"
    ours, theirs = (of.sample(50, given=given, seed=3) for of in (density, density.scorer()))
    assert (ours.fillna("") == theirs.fillna("")).mean().min() > 0.9
    assert Measure(density.model, DRAWS).pool is not None


def test_a_committee_fitted_to_the_table_draws_numbers_that_are_in_it():
    frame = mixed(400)
    config = cr.FitConfig(hidden_size=8, epochs=2)
    density = cr.fit(frame, network="nade", seed=0, config=config, verbose=False)
    drawn = density.sample(200, given="price in [2.5, 3.1] and hour < '2024-01-20'", seed=0)
    assert set(drawn.price) <= {2.5, 3.1}
    assert (drawn.hour < "2024-01-20").all()
    assert len(drawn) == 200
