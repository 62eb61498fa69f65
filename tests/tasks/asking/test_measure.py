"""Answers to events: all methods agree with a sum over every row of a small table."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.untrained import untrained

from chainrule.density import Density
from chainrule.errors import ChainruleError
from chainrule.events import event_of, holds, negation
from chainrule.model import Model, columns_of
from chainrule.networks import MADE, NADE, Committee, Ensemble
from chainrule.rng import generator_from
from chainrule.table import infer_schema
from chainrule.tasks.asking import measure
from chainrule.tasks.asking.measure import Measure
from chainrule.tasks.asking.pool import CodedRows, pool_of

DRAWS = 40_000
QUESTIONS = [
    "bit",
    "town == 'south'",
    "town == '(other)'",
    "town in ['north', 'west'] and bit",
    "2 <= count < 5",
    "count in [0, 3, 4, 7] and town != 'west'",
    "bit and town == 'south' and count > 2 and last == 'c'",
    "last == 'a'",
    "bit or count == 6 or last == 'b'",
    "not (bit and last == 'a') and count < 2",
    "count <= 9",
    "count > 9",
]


def frame():
    rng = np.random.default_rng(0)
    towns = ["south"] * 40 + ["north"] * 30 + ["west"] * 20 + list("vwxyz")
    return pd.DataFrame(
        {
            "bit": rng.random(95) < 0.4,
            "town": towns,
            "count": rng.integers(0, 10, 95),
            "last": rng.choice(list("abc"), 95),
        }
    )


def noisy(network, scale=0.7, seed=3):
    generator = generator_from(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, scale, generator=generator)
    return network


def density_of(name):
    bounds = {"count": {"kind": "integer", "least": 0, "most": 9}}
    if name == "flags":
        table = frame().mask(np.random.default_rng(1).random((95, 4)) < 0.2)[
            ["town", "count", "bit"]
        ]
        density = untrained(table, kinds=bounds, missing="informative")
        noisy(density.model.network)
        return density
    schema = infer_schema(frame(), kinds=bounds)
    if name == "orderless":
        density = untrained(frame(), kinds=bounds)
        noisy(density.model.network)
        return density
    columns = columns_of(schema, components=2)
    orders = {"nade": None, "made": [2, 0, 3, 1]}
    if name in ("nade", "committee", "ensemble"):
        order = [[3, 1, 0, 2], None] if name == "ensemble" else [[1, 0, 3, 2]] * 2
        members = [noisy(NADE(columns, 4, order=o), seed=k) for k, o in enumerate(order)]
        average = {"committee": Committee, "ensemble": Ensemble}.get(name)
        network = members[0] if average is None else average(members, [0.3, 0.7])
    else:
        network = noisy(MADE(columns, [6], order=orders[name]))
    return Density(Model(schema, network))


class Enumerated:
    """Every row of a small table, with its probability by the network's own likelihoods."""

    def __init__(self, density):
        model = density.model
        network, schema = model.in_float64(), model.schema
        supports = [each.support() for each in network.columns.conditionals]
        codes = np.array(list(itertools.product(*supports)))
        flags = {column: schema.flags[column] for column in schema.flags}
        observed = np.ones(codes.shape, dtype=bool)
        first = np.zeros(codes.shape, dtype=bool)
        for column, flag in flags.items():
            gone = codes[:, flag] == schema.flag_code(flag, missing=True)
            observed[gone, column] = False
            first[:, flag] = True
        kept = np.unique(np.where(observed, codes, -1), axis=0, return_index=True)[1]
        codes, observed, first = codes[kept], observed[kept], first[kept]
        x, known, flag = (torch.from_numpy(each) for each in (codes, observed, first))
        logs = network.log_prob(x, known, flag)
        if flags:
            logs = logs + network.log_prob(x, flag)
        for k, column in enumerate(schema.columns):
            logs = logs + torch.from_numpy(column.log_multiplicity(codes[:, k]) * observed[:, k])
        self.p, self.rows = logs.exp().detach().numpy(), CodedRows.of(schema, codes)

    def probability(self, event, given=None):
        p = self.p if given is None else self.p * holds(given, self.rows)
        return float(p @ holds(event, self.rows) / p.sum())


NAMES = ("nade", "made", "orderless", "committee", "ensemble", "flags")


@pytest.fixture(scope="module", params=NAMES)
def asked(request):
    density = density_of(request.param)
    questions = list(QUESTIONS)
    if request.param == "flags":
        questions = [each for each in questions if "last" not in each]
        questions += ["count is null", "not count > 3", "town is not null and count > 3 and bit"]
    schema = density.schema
    return density.model, [event_of(schema, each) for each in questions], Enumerated(density)


def test_rows_of_the_table_have_all_probability(asked):
    assert asked[2].p.sum() == pytest.approx(1, abs=1e-10)


def test_enumeration_is_the_sum_over_all_rows(asked):
    model, events, table = asked
    found = Measure(model, DRAWS).probabilities(events)
    assert {answer.method for answer in found} == {"exact"}
    assert {answer.standard_error for answer in found} == {0}
    for answer, event in zip(found, events, strict=True):
        assert answer.value == pytest.approx(table.probability(event), rel=1e-9, abs=1e-12)


def test_the_pool_agrees_within_its_errors(asked, monkeypatch):
    model, events, table = asked
    monkeypatch.setattr(measure.exact, "MOST_ROWS", 0)
    monkeypatch.setattr(measure, "FEW", 0)
    for answer, event in zip(Measure(model, DRAWS).probabilities(events), events, strict=True):
        assert answer.method == "pool" or answer.value in (0, 1)
        assert abs(answer.value - table.probability(event)) < 4.5 * answer.standard_error


def test_paths_agree_within_their_errors(asked, monkeypatch):
    model, events, table = asked
    monkeypatch.setattr(measure.exact, "MOST_ROWS", 0)
    monkeypatch.setattr(measure, "FEW", DRAWS)
    sharper = []
    for answer, event in zip(Measure(model, DRAWS).probabilities(events), events, strict=True):
        p = table.probability(event)
        assert answer.method == "paths"
        assert abs(answer.value - p) <= 8 * answer.standard_error + 1e-4 * p
        sharper.append(answer.standard_error <= np.sqrt(abs(p * (1 - p)) / 1024))
    assert np.mean(sharper) > 0.7


@pytest.mark.parametrize("few", [0, 200, 10**9])
def test_conditions_agree_within_their_errors(asked, monkeypatch, few):
    """By the pool, by paths for rare events of the pool's rows, and by paths within a condition."""
    model, events, table = asked
    if few:
        monkeypatch.setattr(measure.exact, "MOST_ROWS", 0)
        monkeypatch.setattr(measure, "FEW", 200)
        monkeypatch.setattr(measure, "FEW_GIVEN", few)
    of = Measure(model, DRAWS)
    for words in ("town in ['south', 'west'] and count > 3", "bit or count == 2"):
        given = event_of(model.schema, words)
        some = [event for event in events if event != given]
        found = of.conditional(some, given)
        others = of.conditional([negation(event) for event in some], given)
        for answer, other, event in zip(found, others, some, strict=True):
            p = table.probability(event, given)
            assert abs(answer.value - p) < 6 * answer.standard_error + 1e-9, (event, answer, p)
            assert answer.value + other.value == pytest.approx(1, abs=1e-12)
            assert (answer.method == "exact") == (few == 0)


def test_answers_never_contradict_each_other(asked, monkeypatch):
    """Each event is counted by hand to be rare, or not; all methods but one answer some."""
    model, _, _ = asked
    monkeypatch.setattr(measure.exact, "MOST_ROWS", 0)
    monkeypatch.setattr(measure, "FEW", 2_000)
    of = Measure(model, DRAWS)
    words = [f"{low} <= count < {high}" for low in range(10) for high in range(low + 1, 11)]
    nested = [event_of(model.schema, f"bit and town != 'west' and {each}") for each in words]
    found = of.probabilities(nested + [negation(event) for event in nested])
    values = {words[k]: found[k].value for k in range(len(words))}
    assert {answer.method for answer in found} == {"pool", "paths"}
    for k in range(len(words)):
        assert found[k].value + found[k + len(words)].value == pytest.approx(1, abs=1e-12)
    by_method = {words[k]: found[k].method for k in range(len(words))}
    for low in range(10):
        for high in range(low + 2, 11):
            wide, narrow = f"{low} <= count < {high}", f"{low} <= count < {high - 1}"
            if "pool" in (by_method[wide], by_method[narrow]):
                assert values[narrow] <= values[wide]
    assert [answer.value for answer in Measure(model, DRAWS).probabilities(nested)] == [
        answer.value for answer in found[: len(nested)]
    ]
    singly = [of.probabilities([event])[0].value for event in nested[:12]]
    assert singly == pytest.approx([answer.value for answer in found[:12]], rel=1e-6)


def test_events_between_columns_are_counted():
    density = density_of("nade")
    table = Enumerated(density)
    event = event_of(density.schema, "count > 3 * bit + 4")
    answer = density.probability("count > 3 * bit + 4", draws=DRAWS)
    assert answer.method == "pool"
    assert abs(answer.value - table.probability(event)) < 4.5 * answer.standard_error


def test_a_condition_without_probability_is_refused():
    density = density_of("nade")
    for given in ("count > 9", "bit and not bit"):
        with pytest.raises(ChainruleError, match="has no probability by the model"):
            density.probability("bit", given=given, draws=DRAWS)
    with pytest.raises(ChainruleError, match="none of 40,000 draws fulfils it"):
        density.probability("bit", given="count > 100 + bit", draws=DRAWS)


def test_a_pool_is_drawn_once_and_has_unlisted_labels():
    density = density_of("nade")
    pool = pool_of(density.model, DRAWS)
    assert pool_of(density.model, DRAWS) is pool
    again = pool_of(Model(density.schema, density_of("nade").model.network), DRAWS)
    assert again is not pool
    assert all(np.array_equal(a, b) for a, b in zip(again.by_column, pool.by_column, strict=True))
    assert 0 < pool.hits(event_of(density.schema, "last == '(other)'")) < DRAWS / 20
