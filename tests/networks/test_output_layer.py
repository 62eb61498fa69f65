"""The compiled likelihoods of all columns are those of the conditionals, values and gradients."""

import math

import pytest
import torch
from helpers.codes import ALL, AROUND, nats_inside, relative, some_codes
from helpers.registry import CENTRED, CONDITIONALS, plausible
from helpers.tolerances import CELL_GRADIENTS, CELL_NATS

from chainrule.conditionals import (
    Atoms,
    Bernoulli,
    Calendar,
    DiscretizedLogisticMixture,
    GaussianMixture,
    Tied,
)
from chainrule.leaves.warps import Log, Logit, Quantiles, SymmetricLog
from chainrule.networks import Columns, output_layer
from chainrule.ops.cells import cpu
from chainrule.rng import generator_from


@pytest.mark.parametrize("columns", [ALL, AROUND], ids=["all", "centred"])
@pytest.mark.parametrize("scale", [0.3, 3.0, 30.0])
@pytest.mark.parametrize(("members", "rows"), [(1, 1), (2, 37), (1, 64), (3, 130)])
def test_values_and_gradients_are_those_of_the_conditionals(members, rows, scale, columns):
    generator = generator_from(rows)
    x = some_codes(rows, generator, columns)
    params = scale * torch.randn(members, sum(columns.param_widths), rows, generator=generator)
    for k, conditional in enumerate(columns.conditionals):
        of = columns.param_rows(k)
        params[:, of] = plausible(conditional, params[:, of].transpose(1, 2)).transpose(1, 2)
    counts = torch.rand(len(columns), rows, generator=generator)
    counts[:, ::3] = 0
    logs, grads = output_layer.logs_and_grads(columns, params, x, counts)
    again, nothing = output_layer.logs_and_grads(columns, params, x, None)
    assert torch.equal(logs, again)
    assert nothing is None
    exact = params.double().requires_grad_()
    for k, conditional in enumerate(columns.conditionals):
        of_column = exact[:, columns.param_rows(k)].transpose(1, 2)
        want = conditional.log_prob(of_column, x[k].double().expand(members, rows))
        size = nats_inside(conditional, of_column)
        # z = x / s − δ, and float32 rounds a δ of the size of the scale in proportion to it.
        assert relative(logs[:, k], want.detach(), size) < CELL_NATS * max(1, scale / 10), (
            conditional
        )
        (slopes,) = torch.autograd.grad(-(want * counts[k]).sum(), exact)
        slopes, got = slopes[:, columns.param_rows(k)], grads[:, columns.param_rows(k)]
        assert relative(got, slopes) < CELL_GRADIENTS * max(1, scale), conditional
        assert not bool(got[:, :, ::3].any())


def test_all_conditionals_of_the_registry_have_a_kernel():
    """A column without one costs a training step more than all others together."""
    assert all(output_layer.record_of(c) is not None for c in CONDITIONALS + CENTRED)
    assert output_layer.record_of(ALL.conditionals[len(CONDITIONALS)]) is None


STEEP = Quantiles(
    (-4e5, -900.5, -3.0, -2.5, 0.0, 0.25, 60.0, 61.0, 7e6),
    (-3.0, -2.0, -1.9, -1.0, -0.9, 0.0, 0.1, 2.0, 3.0),
)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("warp", [STEEP, Quantiles((1.0, 2.0), (0.0, 1e-5))], ids=["steep", "flat"])
def test_cells_across_many_points_of_a_warp_keep_their_width(warp, tied):
    """Widths of 1e-7 between numbers of size 1, points within a cell, and codes beyond the last."""
    conditional = DiscretizedLogisticMixture(2, center=0.25, spread=0.5, warp=warp)
    conditional = Tied(conditional, (0.9,)) if tied else conditional
    rows = 640
    generator = generator_from(2)
    powers = torch.rand(rows, generator=generator) * 16
    x = (powers.exp2() * torch.randn(rows, generator=generator).sign()).round()
    x[:130] = torch.arange(-65, 65)
    x[130:140] = torch.tensor([-4e5 - 1, -4e5, 7e6, 7e6 + 1, 7.5e6, -5e5, -901, -900, 60, 61])
    params = 0.5 * torch.randn(1, conditional.param_width, rows, generator=generator)
    if tied:  # ranges of one code and of several
        params[:, 2], params[:, 3] = x, x + (torch.arange(rows) % 3)
    columns, counts = Columns.of([conditional]), torch.ones(1, rows)
    assert output_layer.record_of(conditional) is not None
    logs, grads = output_layer.logs_and_grads(columns, params, x[None], counts)
    exact = params.double().requires_grad_()
    want = conditional.log_prob(exact.transpose(1, 2), x.double()[None])
    (slopes,) = torch.autograd.grad(-want.sum(), exact)
    assert relative(logs[:, 0], want.detach()) < CELL_NATS
    assert relative(grads, slopes) < CELL_GRADIENTS


def test_a_base_of_hardly_any_weight_has_finite_gradients():
    conditional = Tied(DiscretizedLogisticMixture(1), (0.9,))
    params = torch.zeros(1, conditional.param_width, 2)
    params[:, 1], params[:, 2:4] = -900.0, 3.0
    x, counts = torch.tensor([[3.0, 4.0]]), torch.ones(1, 2)
    logs, grads = output_layer.logs_and_grads(Columns.of([conditional]), params, x, counts)
    want = conditional.log_prob(params.double().transpose(1, 2), x.double()[None])
    assert relative(logs[:, 0], want) < CELL_NATS
    assert bool(grads.isfinite().all())
    assert grads[0, 1].tolist() == [0.0, -1.0]


def test_points_that_float32_cannot_tell_apart_are_left_to_the_plain_form():
    for warp in (
        Quantiles((2.0**24, 2.0**24 + 0.5, 2.0**25), (0.0, 1.0, 2.0)),
        Quantiles((0.0, 1.0, 2.0), (0.0, 1e-9, 2.0 + 1e-9)),
        Quantiles((0.0, 1.0, 2.0), (1.0, 1.0 + 1e-9, 2.0)),
    ):
        conditional = DiscretizedLogisticMixture(1, warp=warp)
        is_apart = warp.zs[0] == 0 and warp.xs[0] == 0
        assert (output_layer.record_of(conditional) is not None) == is_apart


RANGES = {
    "few": DiscretizedLogisticMixture(3, center=3.0, spread=2.0),
    "bounded": DiscretizedLogisticMixture(2, least=0, most=9, center=4.0, spread=3.0),
    "one bound": DiscretizedLogisticMixture(2, least=0, center=4.0, spread=3.0),
    "logarithm": DiscretizedLogisticMixture(2, least=0, most=60, spread=0.5, warp=Log(-0.5)),
    "symmetric": DiscretizedLogisticMixture(2, -30, center=0.5, warp=SymmetricLog(3.0, 2.0)),
    "logit": DiscretizedLogisticMixture(2, warp=Logit(-0.5, 20.5)),
    "atoms": Atoms((0.0, 7.0), DiscretizedLogisticMixture(2, center=3.0, spread=2.0)),
    "atoms beyond": Atoms((0.0, 12.0), DiscretizedLogisticMixture(2, 3, 9, spread=2.0)),
    "days": Calendar(DiscretizedLogisticMixture(2, center=3.0, spread=9.0), 19_770, -40, 60),
    "bounded days": Calendar(DiscretizedLogisticMixture(2, -7, 9, spread=9.0), 12_000, -7, 9),
    "hours": Calendar(DiscretizedLogisticMixture(2, -9, spread=0.9), -30, -9, 5, slots=4, bins=2),
    "late days": Atoms((2.0,), Calendar(DiscretizedLogisticMixture(1, spread=2.0), 0, -900, -1)),
}


@pytest.mark.parametrize("name", RANGES)
def test_ranges_of_several_values_have_the_gradients_of_the_plain_form(name):
    """Ends of all distances around each code, also infinite ones and such beyond the limits."""
    conditional = Tied(RANGES[name], (0.9, 0.6), 0.02 * (len(name) % 2))
    generator = generator_from(3)
    rows, members = 300, 2
    params = torch.randn(members, conditional.param_width, rows, generator=generator)
    x, base = (6 * torch.randn(rows, generator=generator) + 4).round(), RANGES[name]
    x = x.clamp(*(base.base if isinstance(base, Atoms) else base).limits)
    for k, atom in enumerate(conditional.atoms):
        x[k::9] = atom
    away = (20 * torch.rand(2, 2, rows, generator=generator) ** 2 - 0.7).round()
    params[:, 3:5], params[:, 5:7] = x - away[0], x + away[1]
    params[:, 3, ::7], params[:, 5, ::11] = -math.inf, math.inf
    counts = torch.rand(1, rows, generator=generator)
    columns = Columns.of([conditional])
    logs, grads = output_layer.logs_and_grads(columns, params, x[None], counts)
    assert torch.equal(logs[:, 0], output_layer.column_cells(columns, 0, params, x))
    exact = params.double().requires_grad_()
    want = conditional.log_prob(exact.transpose(1, 2), x.double().expand(members, rows))
    (slopes,) = torch.autograd.grad(-(want * counts[0]).sum(), exact)
    assert relative(logs[:, 0], want.detach()) < CELL_NATS
    assert relative(grads, slopes) < CELL_GRADIENTS
    assert not bool(grads[:, 3:7].any())  # evidence
    wide = conditional._parts(exact.transpose(1, 2)).between != 0
    assert int(wide.sum()) > rows / 2


def test_a_row_depends_on_no_other_row_to_the_bit():
    generator = generator_from(0)
    x = some_codes(130, generator)
    params = torch.randn(2, sum(ALL.param_widths), 130, generator=generator)
    counts = torch.ones(len(ALL), 130)
    logs, grads = output_layer.logs_and_grads(ALL, params, x, counts)
    some = slice(41, 115)
    parts = params[:, :, some].contiguous(), x[:, some], counts[:, some].contiguous()
    part, slopes = output_layer.logs_and_grads(ALL, *parts)
    for k, conditional in enumerate(CONDITIONALS):
        if output_layer.record_of(conditional) is None:
            continue
        assert torch.equal(part[:, k], logs[:, k, some])
        assert torch.equal(slopes[:, ALL.param_rows(k)], grads[:, ALL.param_rows(k), some])


def test_threads_change_no_bit():
    generator = generator_from(0)
    x = some_codes(200, generator)
    params = torch.randn(2, sum(ALL.param_widths), 200, generator=generator)
    counts = torch.ones(len(ALL), 200)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(output_layer.logs_and_grads(ALL, params, x, counts))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_what_no_column_can_hold_has_no_probability():
    for conditional in CONDITIONALS:
        if not conditional.is_discrete or isinstance(conditional, Bernoulli | Atoms):
            continue
        if conditional.limits == (0.0, 1.0):  # a tied Bernoulli
            continue
        columns = Columns.of([conditional])
        x = torch.tensor([[-0.5, math.inf, 1e9]])
        x = x if conditional.is_listed else x[:, :1]
        logs, _ = output_layer.logs_and_grads(
            columns, torch.randn(1, conditional.param_width, x.shape[1]), x, None
        )
        assert bool((logs == -math.inf).all()), conditional


def test_nan_in_parameters_is_seen():
    for k, conditional in enumerate(CONDITIONALS):
        columns = Columns.of([conditional])
        x = some_codes(5, generator_from(1))[k : k + 1]
        params = torch.zeros(1, conditional.param_width, 5)
        params[:, :, 2] = math.nan
        logs, grads = output_layer.logs_and_grads(columns, params, x, torch.ones(1, 5))
        assert bool(logs[0, 0].isnan()[2]), conditional
        assert logs[0, 0].isnan().sum() == 1
        assert bool(grads[0, :, 2].isnan().any())


def test_shapes_are_checked():
    columns = Columns.of([Bernoulli()])
    records = output_layer._plan(columns).records
    with pytest.raises(ValueError, match="do not fit"):
        cpu.cells(torch.zeros(1, 1, 4), torch.zeros(1, 3), records)


def test_values_far_from_every_component_keep_all_gradients_finite():
    """One narrow and one wide component: the wide one decides, and the narrow one has no share."""
    columns = Columns.of([GaussianMixture(2)])
    params = torch.tensor([0.0, 0.0, 0.0, 0.0, -20.0, 1e5])[None, :, None].expand(1, 6, 4)
    x = torch.tensor([[2e5, 5e5, 1e6, 1e6]])
    counts = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    logs, grads = output_layer.logs_and_grads(columns, params.contiguous(), x, counts)
    want = columns.conditionals[0].log_prob(params.transpose(1, 2).double(), x.double()[None, 0])
    assert relative(logs[:, 0], want) < CELL_NATS
    assert bool(grads.isfinite().all())
    assert not bool(grads[..., 3].any())


def test_atoms_that_agree_in_float32_share_one_gradient():
    columns = Columns.of([Atoms((1.0, 1.0 + 1e-9), GaussianMixture(1))])
    params = torch.tensor([0.3, 0.1, 0.2, 0.0, 0.0, 0.5])[None, :, None]
    _, grads = output_layer.logs_and_grads(columns, params, torch.ones(1, 1), torch.ones(1, 1))
    assert abs(float(grads[0, :3].sum())) < 1e-6
    assert float(grads[0, 1]) > 0


def test_a_value_beyond_bounds_that_is_no_atom_has_no_probability():
    conditional = Atoms((0.0,), DiscretizedLogisticMixture(1, least=0, most=5))
    x = torch.tensor([[7.0, -1.0, 0.5]])
    params = torch.zeros(1, conditional.param_width, 3)
    logs, _ = output_layer.logs_and_grads(Columns.of([conditional]), params, x, None)
    assert bool((logs == -math.inf).all())
