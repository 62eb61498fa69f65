"""The forms of NADE in plain PyTorch give the same numbers, values and gradients."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from helpers.tolerances import FLOAT32_FACTOR, FLOAT32_FLOOR, SAME_NUMBERS

from chainrule.errors import BackendError
from chainrule.ops.nade import autograd, eager, reference
from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.testing import assert_agrees

EAGER = {
    merge: partial(autograd.outputs, name="eager", merge_repeats=merge) for merge in (False, True)
}
FORMS = {"masked": reference.masked, "eager": EAGER[False], "eager merged": EAGER[True]}
LAYOUTS = {
    "one column": Layout.of_bits(1),
    "two columns": Layout.of_bits(2),
    "one block": Layout.of_bits(9),
    "a block and a column": Layout.of_bits(eager.FULL_STEPS + 2),
    "blocks": Layout.of_bits(3 * eager.MERGED_STEPS + 5),
    "mixed widths": Layout((1, 3, 2, 1, 4) * 9, (1, 2, 3, 1, 1) * 9),
    "columns without input": Layout((1, 0, 2, 0, 0) * 9, (1, 2, 3, 1, 1) * 9),
}
NAMES = ("y", "x", "W", "b", "first_hidden", "V", "c")


def problem(layout, rows, hidden, density, seed=0, dtype=torch.float64, scale=0.5):
    g = torch.Generator().manual_seed(seed)
    inputs, outputs = sum(layout.input_widths), sum(layout.output_widths)
    x = torch.randn(rows, inputs, generator=g, dtype=dtype) * (
        torch.rand(rows, inputs, generator=g) < density
    )
    shapes = [(inputs, hidden), (hidden,), (hidden,), (outputs, hidden), (outputs,)]
    return [x, *(torch.randn(shape, generator=g, dtype=dtype) * scale for shape in shapes)]


def value_and_gradients(form, tensors, layout, with_x=True):
    leaves = [t.detach().clone().requires_grad_(k > 0 or with_x) for k, t in enumerate(tensors)]
    y = form(leaves[0], Parameters(*leaves[1:]), layout)
    weight = torch.arange(y.numel(), dtype=y.dtype).view_as(y).cos()
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    grads = torch.autograd.grad((y * weight).sum(), wanted, allow_unused=True)
    grads = [
        torch.zeros_like(leaf) if g is None else g for g, leaf in zip(grads, wanted, strict=True)
    ]
    return [y.detach(), *([] if with_x else [torch.zeros_like(tensors[0])]), *grads]


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    ("rows", "hidden", "density"), [(4, 5, 0.3), (1, 1, 0.5), (0, 3, 0.5), (3, 7, 0.0), (3, 2, 1.0)]
)
def test_equals_the_recursive_loop(form, layout, activation, rows, hidden, density):
    layout, tensors = replace(layout, activation=activation), problem(layout, rows, hidden, density)
    expected = value_and_gradients(reference.recursive, tensors, layout)
    assert_agrees(
        value_and_gradients(form, tensors, layout), expected, relative=SAME_NUMBERS, names=NAMES
    )
    # Without a gradient of x, states may be merged in the backward pass, too.
    expected[1] = torch.zeros_like(expected[1])
    got = value_and_gradients(form, tensors, layout, with_x=False)
    assert_agrees(got, expected, relative=SAME_NUMBERS, names=NAMES)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("scale", [0.5, 40.0], ids=["plain", "saturated"])
def test_float32_is_as_good_as_the_plain_loop(form, scale):
    layout = Layout.of_bits(100)
    exact = [t.float().double() for t in problem(layout, 6, 17, 0.2, scale=scale)]
    truth = value_and_gradients(reference.recursive, exact, layout)
    single = [t.float() for t in exact]
    plain = value_and_gradients(reference.recursive, single, layout)
    found = value_and_gradients(form, single, layout)
    for name, got, want, loop in zip(NAMES, found, truth, plain, strict=True):
        scale_of = float(want.abs().max())
        allowed = (
            FLOAT32_FACTOR * float((loop.double() - want).abs().max()) + FLOAT32_FLOOR * scale_of
        )
        assert float((got.double() - want).abs().max()) <= allowed, name


@pytest.mark.parametrize("merge", [False, True])
def test_gradcheck(merge):
    layout = Layout.of_bits(eager.FULL_STEPS + 3)
    tensors = [t.requires_grad_() for t in problem(layout, 2, 3, 0.4)]
    assert torch.autograd.gradcheck(lambda x, *p: EAGER[merge](x, Parameters(*p), layout), tensors)


def test_strided_and_row_chunked_input(monkeypatch):
    """Non-contiguous tensors, and rows that do not fit one chunk, change nothing."""
    layout = Layout.of_bits(40)
    tensors = problem(layout, 11, 5, 0.3)
    expected = value_and_gradients(reference.recursive, tensors, layout)
    strided = [
        t.repeat_interleave(2, dim=-1)[..., ::2] if t.ndim == 1 else t.T.contiguous().T
        for t in tensors
    ]
    monkeypatch.setattr(eager, "BLOCK_NUMBERS", 5 * 40 * 3)
    for merge in (False, True):
        leaves = [t.detach().requires_grad_() for t in strided]
        y = EAGER[merge](leaves[0], Parameters(*leaves[1:]), layout)
        grads = torch.autograd.grad(
            (y * torch.arange(y.numel()).double().view_as(y).cos()).sum(), leaves
        )
        assert_agrees([y.detach(), *grads], expected, relative=SAME_NUMBERS, names=NAMES)


def test_second_derivatives_are_refused():
    layout = Layout.of_bits(4)
    x, *p = (t.requires_grad_() for t in problem(layout, 2, 3, 0.5))
    (grad,) = torch.autograd.grad(
        EAGER[False](x, Parameters(*p), layout).square().sum(), p[0], create_graph=True
    )
    with pytest.raises(BackendError, match="first derivatives only"):
        grad.sum().backward()


@pytest.mark.parametrize(
    ("layout", "rows", "hidden"),
    [
        (Layout.of_bits(200), 1500, 60),
        (Layout.of_bits(200), 9000, 1),
        (Layout((50,) * 40, (50,) * 40), 1500, 16),
    ],
    ids=["binary", "one hidden unit", "wide columns"],
)
@pytest.mark.parametrize("merge", [False, True])
def test_memory_does_not_grow_with_n_d_h(layout, rows, hidden, merge):
    """No tensor of a step exceeds the stated block, or what goes in and out, whatever N."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numbers = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, (tuple, list)) else (out,):
                if isinstance(tensor, torch.Tensor):
                    size = tensor.untyped_storage().nbytes() // max(4, tensor.element_size())
                    Largest.numbers = max(Largest.numbers, size)
            return out

    tensors = [
        t.requires_grad_(k > 0)
        for k, t in enumerate(problem(layout, rows, hidden, 0.2, dtype=torch.float32))
    ]
    with Largest():
        EAGER[merge](tensors[0], Parameters(*tensors[1:]), layout).sum().backward()
    outside = rows * (sum(layout.output_widths) + hidden)
    assert Largest.numbers <= max(eager.BLOCK_NUMBERS, outside)
    if hidden > 1:
        assert rows * layout.steps * hidden > eager.BLOCK_NUMBERS / 6, "too small to tell"


def test_reference_sampler_is_the_networks_sampler():
    """From the same uniforms the lecture's sampler and the network's give the same rows."""
    from chainrule import NADE
    from chainrule.rng import generator_from, uniforms

    net = NADE(20, hidden_size=7, generator=generator_from(0)).double()
    with torch.no_grad():
        net.output_weight.normal_(generator=generator_from(1))
    parameters = Parameters(
        net.input_weight, net.hidden_bias, net.first_hidden, net.output_weight, net.output_bias
    )
    expected = reference.sample(uniforms(50, 20, generator_from(2)), parameters, Layout.of_bits(20))
    assert torch.equal(net.sample(50, generator=generator_from(2)), expected)
