"""Laws of the second form: every conditional, encoding and network answers as PyTorch's does."""

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from conditionals.test_encodings import ENCODED
from helpers.registry import CENTRED, CONDITIONALS, ENSEMBLES, OPEN_NETWORKS, plausible
from helpers.registry import NETWORKS as REGISTERED
from helpers.second_form import agree, arrays_of, second, second_network
from networks.test_linear import NETWORKS as LINEAR

import chainrule.conditionals as first_conditionals
import chainrule.table
import chainrule.tasks
from chainrule import tensors
from chainrule.conditionals import Distribution
from chainrule.networks import nade
from chainrule.networks.ensemble import NETWORKS
from chainrule.networks.relation_kinds import RELATIONS
from chainrule.ops.cells import choose
from chainrule.rng import generator_from
from chainrule.table import log_outside
from chainrule.tensors.errors import NoNumpyFormError
from chainrule.without_torch import ROOMS

SOURCE = Path(chainrule.table.__file__).parents[1]
ROWS = 12
IN_FILES = {
    name: make
    for name, make in {
        **REGISTERED,
        **OPEN_NETWORKS,
        **ENSEMBLES,
        **{f"{name} linear": make for name, make in LINEAR.items()},
    }.items()
    if type(make()).__name__ in NETWORKS
}


@pytest.fixture(autouse=True)
def without_warnings_of_numbers():
    """As a scorer asks: log 0 is −∞ without a warning."""
    with np.errstate(all="ignore"):
        yield


def test_both_forms_know_the_same_kinds():
    """A kind that is registered here has a NumPy form, and the laws below ask it."""
    forms = second("conditionals")
    assert set(forms.CONDITIONALS) == set(first_conditionals.CONDITIONALS)
    assert set(forms.ENCODINGS) == set(first_conditionals.ENCODINGS)
    assert set(second("networks.ensemble").NETWORKS) == set(NETWORKS)
    assert {type(make()).__name__ for make in IN_FILES.values()} == set(NETWORKS)
    relations = {type(each) for make in IN_FILES.values() for each in make().columns.relations}
    assert {each.__name__ for each in relations} == set(RELATIONS)
    assert set(second("networks.relation_kinds").RELATIONS) == set(RELATIONS)
    asked = {type(each).__name__ for each in [*CONDITIONALS, *CENTRED]}
    assert asked == set(forms.CONDITIONALS)


def test_a_second_form_is_the_same_source_with_tensors_of_numpy():
    form = second("networks.nade")
    assert form.__file__ == nade.__file__
    assert (form.torch, nade.torch) == (tensors, torch)
    assert form.NADE is not nade.NADE
    assert second("tasks.score").log_outside is log_outside  # rooms of tables have one form


def test_every_form_of_import_gives_the_second_form():
    package = second("networks").__builtins__["__import__"]
    rooms = package("chainrule.networks.nade")  # import chainrule.networks.nade as nade
    assert rooms.networks.nade is second("networks.nade")
    assert package("chainrule", fromlist=("table",)).table is chainrule.table
    assert package("torch.nn") is tensors  # import torch.nn
    assert package("torch.nn", fromlist=("functional",)).functional is tensors.nn.functional
    assert package("numpy") is np


def test_a_task_is_its_function_though_its_file_has_the_same_name():
    """Whether the file was imported before, by either form, or not."""
    for tasks in (chainrule.tasks, second("tasks")):
        for name in tasks.__all__:
            assert not isinstance(getattr(tasks, name), ModuleType), name
        assert tasks.impute is sys.modules[f"{tasks.__name__}.impute"].impute
        with pytest.raises(AttributeError, match="no attribute 'guess'"):
            _ = tasks.guess
    assert second("tasks").impute is not chainrule.tasks.impute


def test_rooms_import_by_statements_which_the_second_form_changes():
    sources = [SOURCE / room for room in ROOMS] + [SOURCE / f"{room}.py" for room in ROOMS]
    files = [
        path for each in sources for path in ([each] if each.is_file() else each.rglob("*.py"))
    ]
    by_name = [path for path in files if 'import_module("chainrule' in path.read_text("utf-8")]
    assert len(files) > 100
    assert not by_name


@pytest.mark.parametrize("kernels", ["ops.cells.cpu", "ops.cells.ties", "ops.nade.cpu"])
def test_kernels_have_no_second_form(kernels):
    with pytest.raises(ImportError, match="computes with PyTorch's tensors"):
        second(kernels)


def test_kernels_join_after_many_rows(monkeypatch):
    form = second("ops.cells.choose")
    monkeypatch.setattr(form, "_rows_before", 0)
    few, many = tensors.zeros(10, 1).double(), tensors.zeros(choose.ROWS_BEFORE, 1).double()
    assert not form.serves_float64(few)
    assert not form.serves_float64(many.float())
    assert not form.serves_float64(few)
    assert form.serves_float64(many) == choose.is_float64_compiled()
    assert form.serves_float64(few) == choose.is_float64_compiled()


def test_what_numpy_lacks_is_named_with_a_remedy():
    message = r"torch\.fft has no NumPy form, .* ask chainrule\.load\(path\) instead"
    with pytest.raises(NoNumpyFormError, match=message):
        tensors.fft  # noqa: B018
    with pytest.raises(NoNumpyFormError, match=r"torch\.Tensor\.backward has no NumPy form"):
        tensors.zeros(2).backward()


@pytest.mark.parametrize("rows_before", [0, choose.ROWS_BEFORE], ids=["formulas", "kernels"])
@pytest.mark.parametrize("conditional", CONDITIONALS + CENTRED, ids=repr)
def test_conditionals_agree(conditional, rows_before, monkeypatch):
    monkeypatch.setattr(second("ops.cells.choose"), "_rows_before", rows_before)
    params = torch.randn(
        ROWS, 2, conditional.param_width, generator=generator_from(0), dtype=torch.float64
    )
    params = plausible(conditional, params * 1.5)
    log_weight = torch.tensor([0.3, 0.7], dtype=torch.float64).log().expand(ROWS, -1)
    uniform = torch.rand(ROWS, generator=generator_from(1), dtype=torch.float64)
    first = Distribution(conditional, params, log_weight)
    forms = second("conditionals")
    spec = json.loads(json.dumps(conditional.to_json()))
    found = forms.Distribution(forms.conditional_from_json(spec), *arrays_of(params, log_weight))
    u = arrays_of(uniform)[0]
    drawn = first.draw(uniform)
    agree(found.draw(u), drawn)
    agree(found.draw(u, 0.5), first.draw(uniform, 0.5))
    x = torch.cat([drawn[:-2], drawn.new_tensor([0.0, 3.0])])
    agree(found.log_prob(*arrays_of(x)), first.log_prob(x))
    agree(found.mode(), first.mode())
    agree(found.mean(), first.mean())
    if conditional.support() is not None:
        agree(found.entropy(), first.entropy())
    agree(found.tail_bound(*arrays_of(x)), first.tail_bound(x))
    values, weights = first.quadrature()
    for ours, theirs in zip(found.quadrature(), (values, weights), strict=True):
        agree(ours, theirs)
    agree(found.log_prob_grid(*arrays_of(values)), first.log_prob_grid(values))
    if conditional.is_ordered:
        agree(found.cdf(*arrays_of(x)), first.cdf(x))
        agree(found.quantile(u), first.quantile(uniform))


@pytest.mark.parametrize("encoding", ENCODED, ids=repr)
def test_encodings_agree(encoding):
    x = torch.tensor([*ENCODED[encoding], -0.5, 1e4, -1e30], dtype=torch.float64)
    form = second("conditionals").encoding_from_json(encoding.to_json())
    agree(form.encode(*arrays_of(x)), encoding.encode(x))
    agree(form.is_evidence(*arrays_of(x)), encoding.is_evidence(x))


@pytest.mark.parametrize("name", IN_FILES)
def test_networks_agree(name):
    first = IN_FILES[name]().double().eval()
    found = second_network(first)
    generator = generator_from(2)
    with torch.no_grad():
        x = first.sample(ROWS, generator=generator)
        form, (codes,) = second("rng").generator_from, arrays_of(x)
        agree(found.sample(ROWS, generator=form(2)), x)
        agree(found.log_prob(codes), first.log_prob(x))
        known = torch.rand(x.shape, generator=generator) < 0.6
        if not first.any_evidence:
            known = (torch.arange(x.shape[1]) < x.shape[1] // 2)[_steps(first)].expand(x.shape)
        mask = arrays_of(known)[0]
        if bool(first.accepts(known).all()):
            agree(found.log_prob(codes, mask), first.log_prob(x, known))
            draws = [
                each.sample(ROWS, (rows, given), generator=made(3))
                for each, rows, given, made in (
                    (found, codes, mask, form),
                    (first, x, known, generator_from),
                )
            ]
            agree(*draws)
            _agree_on_cells(found, first, codes, x, mask, known)
        if _has_one_order(first):
            agree(found.log_prob_columns(codes), first.log_prob_columns(x))
            for ours, theirs in zip(found.conditionals(codes), first.conditionals(x), strict=True):
                agree(ours.log_prob(codes[:, 0]), theirs.log_prob(x[:, 0]))


def _agree_on_cells(found, first, codes, x, mask, known):
    """Of every cell given the others of its row, if the network answers that."""
    if not first.any_evidence:
        return
    everything, all_of = torch.ones_like(known), tensors.ones_like(mask)
    pairs = zip(
        found.each_given_others(codes, mask, all_of),
        first.each_given_others(x, known, everything),
        strict=True,
    )
    for ours, theirs in pairs:
        assert ours.rows.tolist() == theirs.rows.tolist()
        at, place = (ours.rows, ours.columns), (theirs.rows, theirs.columns)
        agree(ours.distribution.log_prob(codes[at]), theirs.distribution.log_prob(x[place]))


def _has_one_order(network):
    try:
        return network.order is not None
    except Exception:  # an ensemble of several orders has none
        return False


def _steps(network):
    """The step of each column; any, if there are several orders."""
    width = len(network.columns)
    return network.order.argsort() if _has_one_order(network) else torch.arange(width)
