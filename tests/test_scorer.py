"""A scorer answers as the density does, without PyTorch, and travels to other processes."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from helpers import quick, some_tables
from helpers.second_form import second
from helpers.untrained import untrained

import chainrule as cr
from chainrule import MADE, NADE, Committee, Density, Ensemble, OrderlessNADE
from chainrule.errors import EvidenceError, FormatError
from chainrule.model import Model, columns_of
from chainrule.rng import generator_from
from chainrule.table import infer_schema

SAME = 1e-9


def arrow(table):
    return pa.Table.from_pandas(table, preserve_index=False)


QUESTIONS = {
    "probability": lambda d, t: d.probability("sex and town == 'north'").value,
    "probability given": lambda d, t: d.probability("gain > 9", "price < 4", draws=4000).value,
    "mean": lambda d, t: d.mean("gain", given="price < 4", draws=4000).value,
    "quantile": lambda d, t: d.quantile("height", 0.3, draws=4000).value,
    "expected_rows": lambda d, t: d.expected_rows("gain > 9", 50, draws=4000).high,
    "log_prob": lambda d, t: d.log_prob(t),
    "log_prob, strict": lambda d, t: d.log_prob(t, strict=True),
    "parts": lambda d, t: np.stack(d.log_prob(t, parts=True)),
    "score": lambda d, t: d.score(t),
    "explain": lambda d, t: d.explain(t),
    "explain in units": lambda d, t: d.explain(t, relative=False),
    "terms": lambda d, t: d.terms(t),
    "oddest": lambda d, t: d.oddest(t, top=30),
    "odd_rows": lambda d, t: d.odd_rows(t, fdr=None),
    "proofread": lambda d, t: d.proofread(t, fdr=0.9),
    "conditional of labels": lambda d, t: d.conditional(t, "town"),
    "conditional of numbers": lambda d, t: d.conditional(t, "height"),
    "marginal": lambda d, t: d.marginal("town"),
    "marginal of a pair": lambda d, t: d.marginal("town", "height"),
    "impute, draw": lambda d, t: d.impute(t, seed=3),
    "impute, best": lambda d, t: d.impute(t, "best"),
    "impute, mean": lambda d, t: d.impute(t, "mean"),
    "intervals": lambda d, t: pd.concat(d.impute(t, "best", interval=0.8)[1:], axis=1),
    "score of an Arrow table": lambda d, t: d.answer_arrow(arrow(t), "score").to_pandas(),
    "schema of an answer": lambda d, t: pd.DataFrame([str(d.answer_schema("sample"))]),
    "sample": lambda d, t: d.sample(200, seed=4),
    "sample given": lambda d, t: d.sample(50, given={"town": "west"}, seed=5, temperature=0.5),
}


@pytest.fixture(scope="module")
def mixed():
    """A table with holes and its fitted density, the scorer of its file, and the file."""
    table = some_tables.mixed(120, seed=1, holes=0.1)
    return table, quick.fit(table)


def same(found, expected):
    """Asserts equal numbers to 1e-9, and equal cells of other kinds."""
    if isinstance(expected, pd.DataFrame):
        assert list(found.columns) == list(expected.columns)
        for k, name in enumerate(expected.columns):
            ours, theirs = found.iloc[:, k], expected.iloc[:, k]
            if pd.api.types.is_float_dtype(theirs.dtype):
                np.testing.assert_allclose(ours, theirs, rtol=SAME, atol=SAME, err_msg=str(name))
            else:
                pd.testing.assert_series_equal(ours, theirs)
        return
    np.testing.assert_allclose(found, expected, rtol=SAME, atol=SAME)


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_those_of_the_density(mixed, question):
    table, density = mixed
    same(QUESTIONS[question](density.scorer(), table), QUESTIONS[question](density, table))


def test_every_question_of_a_scorer_is_the_densitys():
    """The same arguments with the same defaults, and each of them is asked above."""
    own = {"of", "over", "ask", "schema", "training"}
    names = {name for name in vars(cr.Scorer) if not name.startswith("_")} - own
    for name in names:
        ours, theirs = (inspect.signature(getattr(c, name)) for c in (cr.Scorer, cr.Density))
        described = [
            [(p.name, p.kind, p.default) for p in each.parameters.values()]
            for each in (ours, theirs)
        ]
        assert described[0] == described[1], name
    sources = " ".join(inspect.getsource(of) for of in QUESTIONS.values())
    assert not [name for name in names if f"d.{name}(" not in sources]


NETWORKS = {
    "nade": lambda columns, g: NADE(columns, hidden_size=4, order="random", generator=g),
    "made": lambda columns, g: MADE(columns, [6, 6], order="reverse", generator=g),
    "committee": lambda columns, g: Committee(
        [NADE(columns, hidden_size=3, generator=g), MADE(columns, [5], generator=g)], [2, 1]
    ),
    "ensemble": lambda columns, g: Ensemble(
        [OrderlessNADE(columns, [5], generator=g), OrderlessNADE(columns, [4], generator=g)]
    ),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_answer_and_refuse_as_the_density(network):
    table = some_tables.people(60).dropna()
    schema, generator = infer_schema(table), generator_from(1)
    columns = columns_of(schema, components=2)
    density = Density(Model(schema, NETWORKS[network](columns, generator)))
    scorer = density.scorer()
    same(scorer.log_prob(table), density.log_prob(table))
    same(scorer.terms(table), density.terms(table))
    same(scorer.sample(20, seed=0), density.sample(20, seed=0))
    same(scorer.conditional(table, "smoker"), density.conditional(table, "smoker"))
    first = schema.names[int(density.model.network.order[0])]
    found = []
    for asked in (scorer, density):
        try:
            found.append(asked.log_prob(table.assign(**{first: None})))
        except EvidenceError as error:
            found.append(str(error))
    if density.model.any_evidence:
        same(*found)
    else:
        assert found[0] == found[1]
        assert first in found[0]


def test_ties_are_kept(tmp_path):
    """Sums of two columns, labels that another column determines, a quotient, a discount.

    A duty is a rounded product, and a part of an exact sum.
    """
    rng = np.random.default_rng(0)
    net, tax = rng.integers(1, 400, 200), rng.integers(0, 60, 200)
    town = rng.choice(["a", "b", "c"], 200)
    table = pd.DataFrame({"net": net, "tax": tax, "gross": net + tax, "town": town})
    table["land"] = table["town"].map({"a": "x", "b": "x", "c": "y"})
    table["pieces"] = rng.integers(1, 30, 200)
    table["price"] = (table["net"] / table["pieces"]).round(2)
    off, rate = rng.choice([5, 10, 15], 200), rng.choice([25, 45], 200)
    table["off"], table["paid"] = off, (net * (100 - off) / 100).round(1)
    table["rate"], table["duty"] = rate, (net * rate / 100).round(1)
    table["whole"] = table["net"] + table["duty"]
    density = quick.fit(table)
    assert {
        "gross = net + tax",
        "price = net ÷ pieces, rounded",
        "paid = net × (100 − off) ÷ 100, rounded",
        "duty = net × rate ÷ 100, rounded",
        "whole = net + duty",
    } <= {tie.text for tie in density.schema.ties}
    odd = table.index % 9
    wrong = table.assign(gross=table["gross"] + (odd == 0), price=table["price"] + (odd == 1))
    for question in (cr.Density.log_prob, cr.Density.explain, cr.Density.proofread):
        same(getattr(density.scorer(), question.__name__)(wrong), question(density, wrong))


def test_a_file_is_scored_without_pytorch(mixed, tmp_path):
    table, density = mixed
    density.save(tmp_path / "m.chainrule")
    table.to_csv(tmp_path / "t.csv", index=False)
    code = (
        "import sys\n"
        "sys.modules['torch'] = None  # an import of it would raise\n"
        "import chainrule as cr\n"
        "scorer = cr.Scorer('m.chainrule')\n"
        "print(repr(scorer.log_prob('t.csv').tolist()))\n"
        "others = 'without_torch.tasks.proofread', 'table.infer', 'table.ties.find', 'events'\n"
        "assert not {f'chainrule.{room}' for room in others} & set(sys.modules)\n"
        "scorer.explain('t.csv'), scorer.impute('t.csv', seed=1), scorer.oddest('t.csv')\n"
        "scorer.conditional('t.csv', 'town')\n"
        "assert not {'numba', 'pandas', 'sklearn'} & set(sys.modules)\n"
    )
    run = [sys.executable, "-W", "error", "-c", code]
    found = subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, text=True)
    expected = density.log_prob(tmp_path / "t.csv")
    np.testing.assert_allclose(eval(found.stdout), expected, rtol=SAME, atol=SAME)


def test_a_scorer_pickles_small_and_answers_in_another_process():
    table = some_tables.three_bits(60)
    density = quick.fit(table)
    pickled = pickle.dumps(density.scorer())
    assert len(pickled) < 1.2 * len(pickle.dumps(density.contents()))
    same(pickle.loads(pickled).log_prob(table), density.log_prob(table))
    code = (
        "import pickle, sys\n"
        "scorer, rows = pickle.load(sys.stdin.buffer)\n"
        "print(repr(scorer.log_prob(rows).tolist()))\n"
        "assert 'torch' not in sys.modules\n"
    )
    rows = table.to_numpy(int)
    found = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps((density.scorer(), rows)),
        check=True,
        capture_output=True,
    )
    same(eval(found.stdout), density.log_prob(rows))


def test_a_class_without_a_numpy_form_is_answered_for_by_pytorch(monkeypatch):
    density = untrained(some_tables.three_bits(60))
    import chainrule.without_torch.conditionals as forms

    table, expected = some_tables.three_bits(20), density.scorer()
    monkeypatch.delitem(forms.CONDITIONALS, "Bernoulli")
    with pytest.warns(
        UserWarning, match="the model: PyTorch answers, because NumPy cannot: .*Bern"
    ):
        scorer = density.scorer()
    assert type(scorer._density) is cr.Density
    same(scorer.log_prob(table), expected.log_prob(table))
    same(scorer.ask("score", table), expected.ask("score", table))


def test_files_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        cr.Scorer(tmp_path / "no.chainrule")
    (tmp_path / "x.chainrule").write_bytes(b"something else, but long enough to have a header.....")
    with pytest.raises(FormatError, match="not a chainrule file"):
        cr.Scorer(tmp_path / "x.chainrule")
    density = untrained(some_tables.three_bits(60))
    contents = density.contents()
    contents.content["model"]["network"]["class"] = "NAD"
    with pytest.raises(FormatError, match=r"the model: .*'NAD'"):
        cr.Scorer.of(contents)


def test_infinite_logarithms_are_no_warnings(monkeypatch):
    """PyTorch computes with them in silence, and so does a scorer."""
    scorer = untrained(some_tables.three_bits(60)).scorer()
    impossible = np.zeros(2)
    monkeypatch.setattr(
        second("tasks"), "score", lambda model, table, **options: np.log(impossible)
    )
    assert np.isneginf(scorer.log_prob(None)).all()
    assert np.isneginf(scorer.ask("score", None)).all()
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.log(impossible)  # outside of answers, NumPy warns as before


def test_the_name_says_what_it_is_and_that_it_is_a_scorer(mixed):
    _, density = mixed
    scorer = density.scorer()
    assert repr(scorer) == repr(density).replace("Density", "Scorer", 1)
    assert scorer.schema == density.schema
    assert dict(scorer.training) == dict(density.training)
