"""What a tie allows of one column: against all codes tried one by one, in numpy and in torch."""

import json

import numpy as np
import pytest
import torch

from chainrule.errors import FormatError, SchemaError
from chainrule.table.ties import (
    TIES,
    FunctionalTie,
    LinearTie,
    ProductTie,
    QuotientTie,
    tie_from_json,
)

EXAMPLES = {
    "sum": LinearTie((0, 1, 2), (1, -1, -1), 0.0, 0.0, 0.97, "a = b + c"),
    "weighted": LinearTie((2, 0, 1), (3, -2, 5), 1.0, 1.0, text="w"),
    "rounded ratio": LinearTie((0, 2), (100, -19), -50.0, 50.0, text="r"),
    "order": LinearTie((1, 2), (1, -1), most=0.0, text="b ≤ c"),
    "least": LinearTie((1, 2), (-2, 3), least=1.0, text="l"),
    "product": ProductTie((0, 1, 2), (1, 1, 1), (0, 0, 0), text="c = a × b"),
    "rounded product": ProductTie((1, 0, 2), (2, 3, 10), (-4, 1, 3), 5, text="p"),
    "discount": ProductTie((2, 1, 0), (2, -3, 10), (1, 12, -4), 5, text="a = c × (4 − b)"),
    "minus a factor": ProductTie((0, 1, 2), (-1, 2, 3), (2, -3, 1), 1, text="m"),
    "quotient": QuotientTie((0, 1, 2), (20, 1, 2), (0, 0, 0), 1, text="c = a ÷ b, rounded"),
    "shifted quotient": QuotientTie((2, 0, 1), (3, 2, 4), (-4, 7, 2), 2, text="q"),
    "functional": FunctionalTie(1, 2, (3, -1, 0, 7), text="b determines c"),
}
NEAR, FAR = np.arange(-40, 41), 10


def rows():
    """Codes (N, 3) near zero, some of them unknown, and which are known."""
    rng = np.random.default_rng(0)
    x = rng.integers(-FAR, FAR + 1, (300, 3)).astype(float)
    known = rng.random(x.shape) < 0.9
    return np.where(known, x, np.nan), known


def relation(tie, codes):
    """Whether a tie holds for codes by column, written as a formula."""
    if isinstance(tie, LinearTie):
        weighted = zip(tie.columns, tie.coefficients, strict=True)
        return tie.least <= sum(weight * codes[k] for k, weight in weighted) <= tie.most
    if isinstance(tie, ProductTie):
        parts = zip(tie.columns, tie.scales, tie.offsets, strict=True)
        a, b, c = (scale * codes[k] + offset for k, scale, offset in parts)
        return abs(c - a * b) <= tie.slack
    if isinstance(tie, QuotientTie):
        parts = zip(tie.columns, tie.scales, tie.offsets, strict=True)
        a, b, c = (scale * codes[k] + offset for k, scale, offset in parts)
        return b != 0 and abs(c * b - a) <= tie.slack * abs(b)
    source, target = codes[tie.source], codes[tie.target]
    return 0 <= source < len(tie.levels) and tie.levels[int(source)] == target >= 0


def of_either_sign(tie, column, codes, right):
    """The codes without those of divisors below zero, if quotient and dividend allow both signs."""
    if not isinstance(tie, QuotientTie) or column != tie.columns[1]:
        return right
    a, c = (tie.scales[k] * codes[tie.columns[k]] + tie.offsets[k] for k in (0, 2))
    if abs(c) > tie.slack or (a and abs(c) == tie.slack):
        return right
    return [code for code in right if tie.scales[1] * code + tie.offsets[1] > 0]


def says_something(tie, codes):
    """Whether a tie says something of known codes by column."""
    if isinstance(tie, FunctionalTie):
        source = codes[tie.source]
        return 0 <= source < len(tie.levels) and tie.levels[int(source)] >= 0
    if isinstance(tie, QuotientTie):
        return tie.scales[1] * codes[tie.columns[1]] + tie.offsets[1] != 0
    return True


@pytest.mark.parametrize("name", EXAMPLES)
def test_rows_break_a_tie_unless_it_holds_or_says_nothing(name):
    tie, (x, known) = EXAMPLES[name], rows()
    found = tie.breaks(x, known)
    assert found.any()
    for n, broken in enumerate(found.tolist()):
        codes = {k: x[n, k] for k in tie.columns}
        says = known[n, list(tie.columns)].all() and says_something(tie, codes)
        assert broken == bool(says and not relation(tie, codes))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_interval_is_that_of_all_codes_tried(name):
    tie, (x, known) = EXAMPLES[name], rows()
    for column in tie.columns:
        if isinstance(tie, FunctionalTie) and column == tie.source:
            continue
        low, high = tie.interval(column, x, known)
        others = [k for k in tie.columns if k != column]
        tried = 0
        for row in np.flatnonzero(known[:, others].all(axis=1)):
            codes = dict(enumerate(x[row]))
            right = [c for c in NEAR.tolist() if relation(tie, codes | {column: float(c)})]
            right = of_either_sign(tie, column, codes, right)
            if len(right) == len(NEAR):  # a factor of zero says nothing
                assert (low[row], high[row]) == (1, 0)
                continue
            within = NEAR[(low[row] <= NEAR) & (high[row] >= NEAR)].tolist()
            assert within == right, (row, codes)
            tried += bool(right)
        assert tried > 10
        unknown = ~known[:, others].all(axis=1)
        assert unknown.any()
        assert (low[unknown] == 1).all()
        assert (high[unknown] == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", EXAMPLES)
def test_tensors_have_the_same_intervals(name, dtype):
    tie, (x, known) = EXAMPLES[name], rows()
    before = torch.tensor(x, dtype=dtype)
    for column in tie.columns:
        codes = before.clone()
        found = tie.interval(column, codes, torch.tensor(known))
        for each, expected in zip(found, tie.interval(column, x, known), strict=True):
            assert each.dtype == torch.float64
            np.testing.assert_array_equal(each.numpy(), expected)
        torch.testing.assert_close(codes, before, rtol=0, atol=0, equal_nan=True)


def test_large_codes_are_exact():
    tie = LinearTie((0, 1, 2), (1, -1, -1), 0.0, 0.0)
    x = np.array([[0.0, 2.0**52, 2.0**51 + 1]])
    low, high = tie.interval(0, x, np.ones((1, 3), dtype=bool))
    assert int(low[0]) == int(high[0]) == 2**52 + 2**51 + 1


def test_a_determined_column_says_nothing_about_its_source():
    tie, (x, known) = EXAMPLES["functional"], rows()
    low, high = tie.interval(1, x, known)
    assert (low > high).all()


def test_a_column_of_another_tie_is_refused():
    with pytest.raises(SchemaError, match=r"tie 'b ≤ c': it has no column 0, only \(1, 2\)"):
        EXAMPLES["order"].interval(0, *rows())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_tie_holds_where_its_relation_does(name):
    tie, (x, known) = EXAMPLES[name], rows()
    found = tie.holds(x, known)
    for row in range(len(x)):
        codes = dict(enumerate(x[row]))
        if known[row, list(tie.columns)].all() and says_something(tie, codes):
            assert found[row] == relation(tie, codes)
        else:
            assert np.isnan(found[row])


def test_a_divisor_of_zero_leaves_no_range():
    tie = EXAMPLES["quotient"]
    x, known = np.array([[3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), np.ones((2, 3), bool)
    for column in (0, 2):
        low, high = tie.interval(column, x, known)
        assert (low.tolist(), high.tolist()) == ([1.0, 1.0], [0.0, 0.0])
    assert np.isnan(tie.holds(x, known)).all()
    assert not tie.breaks(x, known).any()


def test_ties_without_rounding_are_exact():
    exact = {name for name, tie in EXAMPLES.items() if tie.is_exact}
    assert exact == {"sum", "weighted", "product", "functional"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_json_names_the_same_tie(name):
    text = json.dumps(EXAMPLES[name].to_json(), allow_nan=False)
    assert tie_from_json(json.loads(text)) == EXAMPLES[name]


def test_every_kind_has_an_example():
    assert {type(tie).__name__ for tie in EXAMPLES.values()} == set(TIES)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"kind": "LinearTie", "columns": [0, 0], "coefficients": [1, 1], "least": 0}, "different"),
        ({"kind": "LinearTie", "columns": [0, 1], "coefficients": [1, 0], "least": 0}, "integers"),
        ({"kind": "LinearTie", "columns": [0, 1], "coefficients": [1], "least": 0}, "1 coeff"),
        ({"kind": "LinearTie", "columns": [0, 1], "coefficients": [1, -1]}, "no sum lies"),
        (
            {"kind": "LinearTie", "columns": [0, 1], "coefficients": [1, 1], "least": 2, "most": 1},
            "no sum lies from 2 to 1",
        ),
        ({"kind": "FunctionalTie", "source": 0, "target": 1, "levels": [0.5]}, "are not codes"),
        ({"kind": "FunctionalTie", "source": 0, "target": 1, "levels": []}, "are not codes"),
        (
            {"kind": "FunctionalTie", "source": 0, "target": 1, "levels": [0], "share": 2},
            "2 is no share",
        ),
        (
            {"kind": "ProductTie", "columns": [0, 1, 2], "scales": [1, 0, 1], "offsets": [0, 0, 0]},
            "scales above zero",
        ),
        (
            {"kind": "ProductTie", "columns": [0, 1, 2]}
            | {"scales": [1, -1, -1], "offsets": [0, 0, 0]},
            "scales above zero, or below it for factors",
        ),
        (
            {"kind": "QuotientTie", "columns": [0, 1, 2]}
            | {"scales": [1, -1, 1], "offsets": [0, 0, 0]},
            "scales above zero$",
        ),
        (
            {"kind": "ProductTie", "columns": [0, 1, 2], "scales": [1, 1], "offsets": [0, 0]},
            "three columns",
        ),
        (
            {"kind": "QuotientTie", "columns": [0, 1, 2], "scales": [1, 1, 1], "offsets": [0, 0, 0]}
            | {"slack": -1},
            "slack -1 is no integer",
        ),
        (
            {"kind": "QuotientTie", "columns": [0, 1], "scales": [1, 1], "offsets": [0, 0]}
            | {"slack": 1},
            "a quotient has three columns",
        ),
        ({"kind": "SumTie", "columns": [0, 1]}, "tie 'SumTie' is unknown"),
    ],
)
def test_a_wrong_description_is_refused(spec, message):
    with pytest.raises(FormatError, match=message):
        tie_from_json(spec)
