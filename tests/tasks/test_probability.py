"""The probability of events in tables of every kind, in every form of question, by both forms."""

import numpy as np
import polars as pl
import pytest
from helpers.some_tables import mixed
from helpers.untrained import as_from_a_file, untrained

from chainrule.errors import SchemaError
from chainrule.events import event_of
from chainrule.tasks.asking import measure
from chainrule.tasks.asking.answers import Probability
from chainrule.tasks.asking.measure import Measure

DRAWS = 20_000
WORDS = [
    "sex and town == 'north'",
    "height > 172 and price <= 3",
    "gain == 0 and height < 168",
    "gain in [0, 30, 31, 32] and hour > '2024-01-20'",
    "not (sex and gain > 0) and price < 4",
    "hour < '2024-01-12' or height > 180",
]


@pytest.fixture(scope="module")
def density():
    frame = mixed(300)
    frame["total"] = frame.gain + 10 * frame.sex.astype(int)
    return untrained(frame)


def test_paths_agree_with_the_pool_for_columns_of_every_kind(density, monkeypatch):
    """Among them a label and a number that others determine, atoms, dates and densities."""
    words = [*WORDS, "total > 30 and height > 170", "sex and total == 10", "total in [0, 10]"]
    assert any("total" in str(tie.text) for tie in density.schema.ties)
    events = [event_of(density.schema, each) for each in words]
    of = Measure(density.model, DRAWS)
    by_pool = [Probability.of_hits(of.pool.hits(event), DRAWS) for event in events]
    monkeypatch.setattr(measure, "FEW", DRAWS)
    for one, other in zip(of._by_paths(events), by_pool, strict=True):
        error = np.hypot(one.standard_error, other.standard_error)
        assert abs(one.value - other.value) < 4.5 * error
        assert one.standard_error < 2 * other.standard_error


def test_every_form_of_a_question_has_the_same_answer(density):
    forms = [
        "height > 172 and town in ['north', 'south']",
        (pl.col("height") > 172) & pl.col("town").is_in(["north", "south"]),
        {"town": {"north", "south"}, "height": (np.nextafter(172, 173), None)},
    ]
    found = density.probability(forms, draws=DRAWS)
    assert len({answer.value for answer in found}) == 1
    alone = density.probability(forms[0], draws=DRAWS)
    assert (alone.value, alone.standard_error) == (found[0].value, found[0].standard_error)
    given = density.probability("sex", given=forms[1], draws=DRAWS)
    assert given.value == density.probability("sex", given=forms[2], draws=DRAWS).value


def test_a_scorer_and_a_file_answer_as_the_density_does(density):
    scorer = density.scorer()
    rare = "height > 200 and gain == 0 and town == 'north' and price > 9"
    expected = density.probability([*WORDS, rare], draws=DRAWS)
    assert expected[-1].method == "paths"
    for other in (scorer, as_from_a_file(density)):
        for one, two in zip(other.probability([*WORDS, rare], draws=DRAWS), expected, strict=True):
            # Draws on the edge of a region may fall to either side of it.
            assert one.value == pytest.approx(two.value, abs=2e-4, rel=1e-6)
            assert one.method == two.method


def test_draws_of_a_rare_event_lie_within_it(density):
    event = event_of(density.schema, "height > 215 and gain in [0, 7] and hour < '2024-01-05'")
    rows = Measure(density.model, DRAWS).rows_given(event)
    assert rows.weights is not None
    assert rows.hits(event) == len(rows)
    assert (rows.weights > 0).all()


def test_wrong_questions_are_refused_before_anything_is_drawn(density):
    with pytest.raises(SchemaError, match="nearest: 'height'"):
        density.probability(["sex", "hieght > 3"])
    with pytest.raises(SchemaError, match="nearest: 'north'"):
        density.probability("sex", given="town == 'Nroth'")


def test_missing_cells_are_counted_as_the_table_has_them():
    import chainrule as cr

    frame = mixed(600, holes=0.25)[["sex", "town", "gain"]]
    config = cr.FitConfig(hidden_size=16, epochs=60)
    density = cr.fit(frame, seed=0, config=config, missing="informative", verbose=False)
    for words, share in (
        ("gain is null", frame.gain.isna().mean()),
        ("not gain > 0", (~(frame.gain > 0)).mean()),
        ("gain <= 0", (frame.gain <= 0).mean()),
        ("town == 'west' and sex is null", ((frame.town == "west") & frame.sex.isna()).mean()),
    ):
        assert density.probability(words, draws=DRAWS).value == pytest.approx(share, abs=0.05)


def test_intervals():
    assert Probability(0.25, 0.0, "exact").interval() == (0.25, 0.25)
    low, high = Probability.of_hits(0, 1000).interval()
    assert low == 0
    assert 0.001 < high < 0.004
    assert Probability.of_hits(1000, 1000).interval()[1] == 1
    means = np.linspace(0.1, 0.2, 16)
    answer = Probability.of_means(means, float(means.std(ddof=1)) / 4, 1024)
    assert answer.value == pytest.approx(0.15)
    half = 2.131 * answer.standard_error
    assert answer.interval() == pytest.approx((0.15 - half, 0.15 + half), abs=1e-4)
    assert answer.negated().interval() == pytest.approx((0.85 - half, 0.85 + half), abs=1e-4)
    assert float(answer) == answer.value
    with pytest.raises(ValueError, match="level = 95"):
        answer.interval(95)
