"""Small differences between labels: which mistakes explain them, and how likely each is."""

import math

import pytest

from chainrule.mistakes.edits import edit, near

LEVELS = ("acute care hospitals", "birmingham", "marshall", "yes", "no")


def share(value, level):
    """q(value | level) if all 27 characters are equally likely."""
    return math.exp(edit(value, level).log_share({}, 1 / 27))


@pytest.mark.parametrize(
    ("value", "level", "letters", "mistakes"),
    [
        ("birmingam", "birmingham", "", 1),
        ("birminghham", "birmingham", "h", 1),
        ("birmxngham", "birmingham", "x", 1),
        ("birmxnghxm", "birmingham", "xx", 2),
        ("mxrshxll", "marshall", "x", 1),  # each a
        ("mxrshall", "marshall", "x", 1),  # one of the two
        ("acutexcarexhospitals", "acute care hospitals", "x", 1),
        ("Birmingham", "birmingham", "", 1),
        ("ibrmingahm", "birmingham", "", 2),
        ("yxs", "yes", "x", 1),
    ],
)
def test_mistakes_by_hand(value, level, letters, mistakes):
    found = edit(value, level)
    assert (found.letters, found.mistakes) == (letters, mistakes)
    assert 0 < share(value, level) < 1


@pytest.mark.parametrize(
    ("value", "level"),
    [("yes", "yes"), ("yes", "no"), ("yxx", "yes"), ("montgomery", "birmingham"), ("a", "")],
)
def test_labels_that_no_small_mistake_explains(value, level):
    assert edit(value, level) is None


def test_a_character_replaced_throughout_is_likelier_than_two_mistakes():
    assert share("mxrshxll", "marshall") > 20 * share("mxrshyll", "marshall")


def test_labels_are_compared_with_those_alone_that_may_be_near():
    values = ("birmxngham", "acutexcarexhospitals", "yss", "zebra", "no")
    found = {(values[i], LEVELS[j]) for i, j, _ in near(values, LEVELS)}
    assert found == {
        ("birmxngham", "birmingham"),
        ("acutexcarexhospitals", "acute care hospitals"),
        ("yss", "yes"),
    }
    every = {(v, u) for v in values for u in LEVELS if edit(v, u) is not None}
    assert found == every
    assert list(near([], LEVELS)) == []
