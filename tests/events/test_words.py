"""Words: what is in the grammar has the tree it says, and nothing else is read."""

from fractions import Fraction

import pytest

from chainrule.errors import SchemaError
from chainrule.events.tree import Among, Combined, Compared, IsNull, IsTrue, Negated, Sum, Value
from chainrule.events.words import tree_of

AGE = Sum((("age", Fraction(1)),))


def number(value):
    return Sum((), Fraction(value))


@pytest.mark.parametrize(
    ("words", "tree"),
    [
        ("age > 60", Compared(AGE, ">", number(60))),
        ("60 <= age", Compared(number(60), "<=", AGE)),
        ("age == -1.5", Compared(AGE, "==", number("-1.5"))),
        ("age != 0.1", Compared(AGE, "!=", number("0.1"))),
        ("sex == 'Female'", Compared(Sum((("sex", Fraction(1)),)), "==", Value("Female"))),
        ("`hours per-week` is null", IsNull("hours per-week")),
        ("age is not None", IsNull("age", True)),
        ("smoker", IsTrue("smoker")),
        ("not smoker", Negated(IsTrue("smoker"))),
        ("~smoker", Negated(IsTrue("smoker"))),
        ("age in [1, 2]", Among("age", (Fraction(1), Fraction(2)))),
        ("sex not in {'a', \"b\"}", Among("sex", ("a", "b"), True)),
        ("(a) & (b)", Combined((IsTrue("a"), IsTrue("b")), is_all=True)),
        ("a or b", Combined((IsTrue("a"), IsTrue("b")), is_all=False)),
        ("a\nand\nb", Combined((IsTrue("a"), IsTrue("b")), is_all=True)),
    ],
)
def test_words_have_their_tree(words, tree):
    assert tree_of(words) == tree


def test_chained_comparisons_all_hold():
    low, high = Compared(number(30), "<=", AGE), Compared(AGE, "<", number(40))
    assert tree_of("30 <= age < 40") == Combined((low, high), is_all=True)


def test_sums_are_collected():
    found = tree_of("2 * a - (b - 3) / 2 > a")
    assert found.left == Sum((("a", Fraction(2)), ("b", Fraction(-1, 2))), Fraction(3, 2))
    assert tree_of("a - a > 1").left == Sum(())


def test_a_name_in_backquotes_may_be_anything_but_text_in_quotes_stays():
    assert tree_of("`_name_0_` == '`x`'").right == Value("`x`")
    assert tree_of("`a` > _name_0_").left.name == "a"
    assert tree_of('`not` == "it\'s"').left.name == "not"


@pytest.mark.parametrize(
    "words",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__[0]",
        "age.real > 3",
        "age[0] > 3",
        "(lambda: 1)() > 2",
        "[x for x in age]",
        "(age := 3) > 2",
        "f'{age}' == 'a'",
        "age > 3 if smoker else 4",
        "age ** 9 ** 9 > 3",
        "age > b'x'",
        "age > 1j",
        "age > ...",
        "age > 1e999",
        "age / 0 > 1",
        "age * age > 1",
        "age + 'x' > 1",
        "age is 3",
        "age == None",
        "3 in age",
        "age in 'abc'",
        "age in [smoker]",
        "age in []",
        "age > 3 & smoker",
        "await age",
        "True",
        "3",
        "",
        "age >",
        "age; import os",
        "(" * 5000 + "age" + ")" * 5000,
        "not " * 100_000 + "age",
    ],
)
def test_other_words_are_refused(words):
    with pytest.raises(SchemaError, match=r"^(event|an event)"):
        tree_of(words)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("age = 3", "write == for equality"),
        ("age > 3 AND smoker", "in small letters"),
        ("age > 3 && smoker", "instead of &&"),
        ("hours per week > 3", "in backquotes"),
        ("age > 3 & smoker", "put each comparison in parentheses"),
        ("age == None", "write NAME is null"),
        ("age in 'abc'", "write a list after in"),
    ],
)
def test_a_usual_slip_has_its_remedy(words, remedy):
    with pytest.raises(SchemaError, match=remedy):
        tree_of(words)


def test_a_refusal_quotes_the_words_as_written():
    with pytest.raises(SchemaError, match=r"`hours per week`\.real"):
        tree_of("`hours per week`.real > 3")
