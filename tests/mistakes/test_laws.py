"""Laws of every kind of mistake: probabilities, and originals that results lead back to."""

import math

import numpy as np
import pytest

from chainrule.mistakes import (
    MISTAKES,
    AbstractRandom,
    AbstractReplacement,
    AbstractUndo,
    Exchanged,
    Form,
    Misspelt,
    Unit,
)

LEVELS = ("Birmingham", "Dothan", "heart attack", "pneumonia", "no", "yes")
NUMBERS = (
    0.0,
    1.0,
    7.0,
    10.0,
    12.0,
    105.0,
    1001.0,
    1123.0,
    98765.0,
    -42.0,
    -305.0,
    3.25,
    0.5,
    12.5,
)
DATES = ("2024-01-31", "2024-02-29", "2023-05-04", "2023-12-12", "1999-11-01")
FORMS = {"whole": Form(0, 20.0), "two decimals": Form(2, 5.0)}
UNDOS = [mistake for mistake in MISTAKES if isinstance(mistake, AbstractUndo)]


def values_of(mistake, form):
    """Values of a kind that the mistake can have, as its column holds them."""
    if "labels" in mistake.holds:
        return list(LEVELS)
    if "dates" in mistake.holds:
        return [np.datetime64(each, "us") for each in DATES]
    return [number for number in NUMBERS if round(number, form.decimals) == number]


def originals(mistake, value, form):
    """The originals of one value, with q(v | u) summed over equal ones."""
    array = np.array([value], dtype=object if isinstance(value, str) else None)
    found, log_share = mistake.originals(array, form)
    assert found.shape == log_share.shape
    total = {}
    for u, log_q in zip(found[0].tolist(), log_share[0].tolist(), strict=True):
        if u is not None and u == u:
            total[u] = total.get(u, 0.0) + math.exp(log_q)
    return total


def cases():
    for mistake in UNDOS:
        for name, form in FORMS.items():
            form = Form(form.decimals, form.spread, LEVELS)
            for value in values_of(mistake, form):
                yield pytest.param(mistake, form, value, id=f"{mistake.name}, {name}, {value}")


def test_kinds_have_names_and_rates_of_their_own():
    names = [mistake.name for mistake in MISTAKES]
    assert len(set(names)) == len(names)
    assert len({type(mistake) for mistake in MISTAKES}) == len(MISTAKES)
    rates = [mistake.rate for mistake in MISTAKES]
    assert min(rates) > 0
    assert sum(rates) < 0.1
    for mistake in MISTAKES:
        assert mistake.holds
        assert set(mistake.holds) <= {"numbers", "dates", "labels"}
        text = mistake.sentence("12", "21")
        assert text
        assert not text.endswith(".")
        assert len(text.split()) <= 25


def test_every_kind_says_how_it_makes_values():
    ways = AbstractUndo, AbstractReplacement, AbstractRandom
    assert all(sum(isinstance(mistake, way) for way in ways) == 1 for mistake in MISTAKES)


@pytest.mark.parametrize(("mistake", "form", "value"), list(cases()))
def test_results_of_a_value_have_at_most_probability_one(mistake, form, value):
    results = mistake.results(value, form)
    assert value not in results
    assert all(0 < q <= 1 for q in results.values())
    assert sum(results.values()) <= 1 + 1e-12


@pytest.mark.parametrize(("mistake", "form", "value"), list(cases()))
def test_each_result_leads_back_to_its_original_with_the_same_probability(mistake, form, value):
    for result, q in mistake.results(value, form).items():
        found = originals(mistake, result, form)
        key = value.item() if isinstance(value, np.datetime64) else value
        if isinstance(mistake, Unit):  # several numbers may round to one; the nearest is listed
            half = 0.5 * 10.0**-form.decimals * 60
            near = [u for u in found if abs(u - value) <= half]
            assert near
        else:
            matches = [share for u, share in found.items() if u == key or _close(u, key)]
            assert sum(matches) == pytest.approx(q, rel=1e-9)


def _close(first, second):
    return isinstance(first, float) and math.isclose(first, second, rel_tol=1e-9)


def test_every_undo_has_some_result():
    for mistake in UNDOS:
        form = Form(0, 20.0, LEVELS)
        assert any(mistake.results(value, form) for value in values_of(mistake, form))


@pytest.mark.parametrize("mistake", UNDOS, ids=lambda mistake: mistake.name)
def test_many_values_have_the_originals_of_each(mistake):
    form = Form(0, 20.0, LEVELS)
    values = values_of(mistake, form)
    if mistake.holds == ("labels",):
        values = ["Birmingam", "dothan", "yes", "zebra"]
    array = np.array(values, dtype=object if isinstance(values[0], str) else None)
    together, log_share = mistake.originals(array, form)
    for k, value in enumerate(values):
        total = {}
        for u, log_q in zip(together[k].tolist(), log_share[k].tolist(), strict=True):
            if u is not None and u == u:
                total[u] = total.get(u, 0.0) + math.exp(log_q)
        assert total == pytest.approx(originals(mistake, value, form))


def test_random_mistakes_have_densities_that_integrate_to_one():
    for mistake in MISTAKES:
        if isinstance(mistake, AbstractRandom):
            ends, density = mistake.pieces()
            assert (np.diff(ends) > 0).all()
            assert (density >= 0).all()
            assert len(density) == len(ends) - 1
            assert float(np.diff(ends) @ density) == pytest.approx(1, abs=1e-12)


def test_numbers_by_hand():
    whole = Form(0, 20.0)
    by_name = {mistake.name: mistake for mistake in MISTAKES}
    assert by_name["digits transposed"].results(123.0, whole) == {213.0: 0.5, 132.0: 0.5}
    assert by_name["digits transposed"].results(110.0, whole) == {101.0: 1.0}
    assert 105.0 in originals(by_name["digits transposed"], 15.0, whole)
    assert by_name["digit dropped"].results(112.0, whole) == pytest.approx(
        {12.0: 2 / 3, 11.0: 1 / 3}
    )
    assert by_name["digit doubled"].results(12.0, whole) == {112.0: 0.5, 122.0: 0.5}
    assert by_name["sign"].results(3.0, whole) == {-3.0: 1.0}
    assert by_name["decimal point"].results(3.0, whole)[0.3] == 0.35
    assert by_name["unit"].results(10.0, whole)[50.0] == pytest.approx(1 / 12)  # degrees


def test_dates_by_hand():
    by_name = {mistake.name: mistake for mistake in MISTAKES}
    day = np.datetime64("2023-05-04", "us")
    assert by_name["day and month exchanged"].results(day, Form()) == {
        np.datetime64("2023-04-05", "us"): 1.0
    }
    assert (
        by_name["day and month exchanged"].results(np.datetime64("2024-01-31", "us"), Form()) == {}
    )
    leap = by_name["year"].results(np.datetime64("2024-02-29", "us"), Form())
    assert sum(leap.values()) == pytest.approx(0.2)  # the years around have no such day


def test_labels_by_hand():
    form = Form(levels=LEVELS)
    mistake = Misspelt()
    assert list(originals(mistake, "birmingxam", form)) == ["Birmingham"]
    assert list(originals(mistake, "hxart attxck", form)) == ["heart attack"]
    assert originals(mistake, "Dothan", form) == {}  # it is listed
    assert list(originals(mistake, "yess", form)) == ["yes"]
    assert originals(mistake, "maybe", form) == {}


def test_exchanges_are_of_numbers():
    assert Exchanged().holds == ("numbers",)
