"""The loss of an orderless network as one function: it is the plain form's, with its gradients."""

import math
import resource
from pathlib import Path

import pytest
import torch
from helpers.codes import ALL, relative, some_codes
from helpers.tolerances import CELL_GRADIENTS, CELL_NATS

from chainrule.conditionals import Bernoulli, Categorical, GaussianMixture
from chainrule.networks import Columns, OrderlessNADE, orderless
from chainrule.ops.cells import choose, cpu
from chainrule.ops.cells.dropout import kept
from chainrule.rng import generator_from


@pytest.mark.parametrize("is_wide", [False, True])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("layers", [[70], [12, 9], [5, 20, 6]])
def test_a_training_step_has_the_gradients_of_the_plain_form(
    layers, members, activation, is_wide, monkeypatch
):
    if is_wide:
        monkeypatch.setattr(orderless, "MOST_WRITTEN", 0)
    generator = generator_from(0)
    net = OrderlessNADE(
        ALL, layers, members=members, activation=activation, dropout=0.3, generator=generator
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    x = some_codes(50, generator).t()
    observed = torch.rand(x.shape, generator=generator) < 0.8
    x = torch.where(observed, x, math.nan)
    given = observed & (torch.rand(x.shape, generator=generator) < 0.5)
    loss = net.masked_loss(x, observed, given, generator=generator_from(4))
    (loss * torch.linspace(-1, 2, len(x))).sum().backward()
    got = {name: parameter.grad for name, parameter in net.named_parameters()}
    exact = net.double()
    exact.zero_grad()
    want = exact.masked_loss(x.double(), observed, given, generator=generator_from(4))
    (want * torch.linspace(-1, 2, len(x))).sum().backward()
    assert relative(loss.detach(), want.detach()) < CELL_NATS
    for name, parameter in exact.named_parameters():
        # Sums over rows may cancel, so errors count relative to the largest sum of a unit's.
        scale = 1 + parameter.grad.abs().amax(0)
        error = float(((got[name] - parameter.grad).abs() / scale).max())
        assert error < CELL_GRADIENTS, name


def test_without_a_compiler_the_plain_form_serves(monkeypatch):
    net = OrderlessNADE(ALL, [12], generator=generator_from(0)).train()
    x = some_codes(20, generator_from(1)).t()
    losses = net.training_loss(x, generator=generator_from(2))
    monkeypatch.setattr(choose, "is_compiled", lambda: False)
    plain = net.training_loss(x, generator=generator_from(2))
    assert relative(losses.detach(), plain.detach()) < CELL_NATS


@pytest.mark.parametrize("is_wide", [False, True])
def test_second_derivatives_are_those_of_the_plain_form(is_wide, monkeypatch):
    if is_wide:
        monkeypatch.setattr(orderless, "MOST_WRITTEN", 0)
    columns = Columns.of([Bernoulli(), Bernoulli(), GaussianMixture(2)])
    net = OrderlessNADE(
        columns, [6], activation="sigmoid", dropout=0.4, generator=generator_from(0)
    )
    x = torch.tensor([[1.0, 0.0, 0.3], [0.0, 1.0, -0.7]])
    given = torch.tensor([[True, False, False], [False, False, True]])
    everything = torch.ones_like(given)

    def curvature(network, codes):
        loss = network.masked_loss(codes, everything, given, generator=generator_from(1)).sum()
        slopes = torch.autograd.grad(loss, tuple(network.parameters()), create_graph=True)
        length = sum(slope.square().sum() for slope in slopes)
        return torch.autograd.grad(length, tuple(network.parameters()))

    got = curvature(net, x)
    want = curvature(net.double(), x.double())
    assert all(relative(a, b) < 1e-3 for a, b in zip(got, want, strict=True))
    assert any(float(a.abs().max()) > 0.01 for a in got)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9])
@pytest.mark.parametrize("shape", [(3, 5), (33, 64), (20, 130)])
def test_the_kernel_drops_the_units_of_the_plain_form(shape, share):
    seed = (123, 2**32 - 5)
    units = torch.ones(shape)
    cpu.activated(units, torch.zeros(shape[0]), "relu", share, seed)
    want = kept(shape, seed, share) / (1 - share)
    assert torch.allclose(units, want)
    assert bool((want == 0).any()) == (share > 0)


def test_dropped_units_are_as_many_as_asked_and_independent():
    keep = kept((500, 400), (1, 2), 0.3).double()
    assert abs(float(keep.mean()) - 0.7) < 5 * math.sqrt(0.21 / keep.numel())
    for dim in (0, 1):
        again = keep.roll(1, dim)
        both = float((keep * again).mean())
        assert abs(both - 0.49) < 5 * math.sqrt(0.25 / keep.numel()), dim
    other = kept((500, 400), (1, 3), 0.3).double()
    assert abs(float((keep * other).mean()) - 0.49) < 5 * math.sqrt(0.25 / keep.numel())


def test_nan_in_sums_is_seen():
    for activation in ("relu", "sigmoid"):
        units = torch.full((2, 3), math.nan)
        cpu.activated(units, torch.zeros(2), activation, 0.5, (1, 2))
        assert bool(units.isnan().all())


def test_two_losses_may_be_recorded_before_either_goes_back():
    net = OrderlessNADE(ALL, [12, 9], generator=generator_from(0))
    x = [some_codes(20, generator_from(k)).t() for k in (1, 2)]
    seeds = generator_from(3), generator_from(4)
    alone = []
    for codes, seed in zip(x, seeds, strict=True):
        net.zero_grad()
        net.training_loss(codes, generator=seed).mean().backward()
        alone.append(net.output_weight.grad)
    net.zero_grad()
    losses = [net.training_loss(x[k], generator=generator_from(3 + k)).mean() for k in (0, 1)]
    (losses[0] + losses[1]).backward()
    assert torch.allclose(net.output_weight.grad, alone[0] + alone[1], rtol=1e-4, atol=1e-6)


def test_shapes_of_layers_are_checked():
    with pytest.raises(ValueError, match="2 biases for 3 units"):
        cpu.activated(torch.zeros(3, 4), torch.zeros(2), "relu")
    with pytest.raises(ValueError, match="do not fit units"):
        cpu.slopes(torch.zeros(3, 4), torch.zeros(3, 4), torch.zeros(5), "relu")


@pytest.mark.parametrize("is_wide", [False, True])
def test_autocast_changes_neither_a_step_nor_scores(is_wide, monkeypatch):
    if is_wide:
        monkeypatch.setattr(orderless, "MOST_WRITTEN", 0)
    net = OrderlessNADE(ALL, [12, 9], dropout=0.3, generator=generator_from(0))
    x = some_codes(20, generator_from(1)).t()

    def found(is_cast):
        net.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_cast):
            loss = net.train().training_loss(x, generator=generator_from(2))
            with torch.no_grad():
                net.eval()
                scores = net.log_prob(x), net.order_loss(x, generator=generator_from(3))
        loss.sum().backward()
        return [loss.detach(), *scores, *(parameter.grad for parameter in net.parameters())]

    assert all(torch.equal(a, b) for a, b in zip(found(True), found(False), strict=True))


def test_a_backward_pass_alone_may_run_under_autocast():
    net = OrderlessNADE(ALL, [12, 9], generator=generator_from(0))
    loss = net.training_loss(some_codes(20, generator_from(1)).t(), generator=generator_from(2))
    want = torch.autograd.grad(loss.sum(), tuple(net.parameters()), retain_graph=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = torch.autograd.grad(loss.sum(), tuple(net.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(got, want, strict=True))


def test_kernels_change_no_tensor_of_another_type():
    with pytest.raises(ValueError, match="bfloat16 is to be changed"):
        cpu.activated(torch.zeros(3, 4, dtype=torch.bfloat16), torch.zeros(3), "relu")
    with pytest.raises(ValueError, match="pass contiguous float32"):
        cpu.slopes(torch.zeros(4, 3).t(), torch.zeros(3, 4), torch.zeros(4), "relu")


def second_derivatives(loss, tensors):
    slopes = torch.autograd.grad(loss, tensors, create_graph=True)
    return torch.autograd.grad(sum(slope.square().sum() for slope in slopes), tensors)


def of_both_forms(derive, **options):
    """Some derivatives in float32, by the kernels, and in float64, by the plain form."""
    columns = Columns.of([Bernoulli(), Bernoulli(), GaussianMixture(2)])
    options = {"activation": "sigmoid", "generator": generator_from(0), **options}
    net = OrderlessNADE(columns, [6, 4], **options)
    x = torch.tensor([[1.0, 0.0, 0.3], [0.0, 1.0, -0.7]])
    got = derive(net, x)
    want = derive(net.double(), x.double())
    assert all(relative(a, b) < 1e-3 for a, b in zip(got, want, strict=True))
    assert any(float(a.abs().max()) > 0.01 for a in got)


@pytest.mark.parametrize("is_wide", [False, True])
def test_second_derivatives_leave_out_frozen_parameters(is_wide, monkeypatch):
    if is_wide:
        monkeypatch.setattr(orderless, "MOST_WRITTEN", 0)

    def derive(net, x):
        for frozen in (net.value_weight, net.hidden_biases[0], net.output_weight):
            frozen.requires_grad_(False)
        loss = net.training_loss(x, generator=generator_from(1)).sum()
        return second_derivatives(loss, [p for p in net.parameters() if p.requires_grad])

    of_both_forms(derive)


def test_second_derivatives_by_parameters_that_a_function_computes():
    def derive(net, x):
        scale = torch.ones((), dtype=x.dtype, requires_grad=True)
        scaled = {name: scale * parameter for name, parameter in net.named_parameters()}
        net.forward = lambda: net.training_loss(x, generator=generator_from(1)).sum()
        loss = torch.func.functional_call(net, scaled, ())
        (slope,) = torch.autograd.grad(loss, scale, create_graph=True)
        return [slope.detach(), *torch.autograd.grad(slope, scale)]

    of_both_forms(derive)


def test_second_derivatives_are_of_the_loss_even_if_training_has_ended():
    def derive(net, x):
        loss = net.train().training_loss(x, generator=generator_from(1)).sum()
        net.eval()
        return second_derivatives(loss, tuple(net.parameters()))

    of_both_forms(derive, members=3)


def test_a_share_that_rounds_to_all_units_drops_them():
    share = 1 - 2**-40
    assert not kept((20, 30), (1, 2), share).any()
    units = torch.ones(20, 30)
    cpu.activated(units, torch.zeros(20), "relu", share, (1, 2))
    assert not units.any()


@pytest.mark.parametrize("is_wide", [False, True])
def test_second_derivatives_with_categories_are_slopes_of_the_first(is_wide, monkeypatch):
    if is_wide:
        monkeypatch.setattr(orderless, "MOST_WRITTEN", 0)
    columns = Columns.of([Bernoulli(), Categorical(4), GaussianMixture(2), Categorical(300)])
    net = OrderlessNADE(columns, [6], activation="sigmoid", generator=generator_from(0))
    x = torch.tensor([[1.0, 0, 0.3, 7], [0, 3, -0.7, 299], [1, 2, 0.1, 0], [0, 3, 1.6, 7]])
    parameters = tuple(net.parameters())
    ways = [torch.randn(p.shape, generator=generator_from(k)) for k, p in enumerate(parameters)]

    def slope(network, codes, **options):
        """The derivative of the mean loss as all parameters go their ways."""
        loss = network.training_loss(codes, generator=generator_from(2)).mean()
        slopes = torch.autograd.grad(loss, tuple(network.parameters()), **options)
        return sum((a * b).sum() for a, b in zip(slopes, ways, strict=True))

    got = torch.autograd.grad(slope(net, x, create_graph=True), parameters)
    got = float(sum((a * b).sum() for a, b in zip(got, ways, strict=True)))
    exact, ends, step = net.double(), [], 1e-5
    for sign in (1, -2):
        with torch.no_grad():
            for parameter, way in zip(exact.parameters(), ways, strict=True):
                parameter.add_(way, alpha=sign * step)
        ends.append(float(slope(exact, x.double())))
    assert got == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-3)
    assert abs(got) > 0.1


def test_units_are_dropped_on_the_device_of_the_network():
    with torch.device("meta"):
        keep = kept((20, 30), (1, 2), 0.5)
    assert not keep.is_meta
    assert kept((20, 30), (1, 2), 0.5, torch.device("meta")).is_meta


def test_while_pytorch_compiles_the_plain_form_serves(monkeypatch):
    assert choose.serves(torch.zeros(3))
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert not choose.serves(torch.zeros(3))


@pytest.mark.parametrize("is_training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.int64])
def test_codes_of_another_type_have_the_same_loss_and_gradients(dtype, is_training):
    net = OrderlessNADE(3, [12, 9], generator=generator_from(0)).train(is_training)
    x = torch.tensor([[1.0, 0, 1], [0, 1, 1], [1, 1, 0]])
    given = torch.tensor([[True, False, False], [False, False, True], [False] * 3])

    def found(codes):
        loss = net.masked_loss(codes, torch.ones_like(given), given)
        return [loss.detach(), *torch.autograd.grad(loss.sum(), tuple(net.parameters()))]

    assert all(torch.equal(a, b) for a, b in zip(found(x), found(x.to(dtype)), strict=True))


def test_the_memory_of_steps_does_not_grow():
    net = OrderlessNADE(ALL, [64, 64], members=2, dropout=0.2, generator=generator_from(0))
    generator, x = generator_from(1), some_codes(200, generator_from(2)).t()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-6)

    def steps(number):
        for _ in range(number):
            optimizer.zero_grad()
            net.training_loss(x, generator=generator).mean().backward()
            optimizer.step()
        return resident_bytes()

    one_step = 4 * 200 * 2 * (sum(ALL.param_widths) + 2 * 64)
    before = steps(20)  # buffers and caches are there
    assert steps(200) - before < 2 * one_step


def resident_bytes():
    """The memory of this process; the largest so far where the system tells no more."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()
