"""The Triton kernels give the plain loop's numbers, on a GPU or in Triton's interpreter."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from helpers.tolerances import FLOAT32_FACTOR, FLOAT32_FLOOR

from chainrule.errors import BackendError
from chainrule.ops.activations import ACTIVATIONS
from chainrule.ops.nade import reference
from chainrule.ops.nade.parameters import Layout, Parameters

CUDA = torch.cuda.is_available()
with pytest.MonkeyPatch.context() as patch:  # Triton asks when a kernel is defined, that is now
    if not CUDA:
        patch.setenv("TRITON_INTERPRET", "1")
    triton = pytest.importorskip(
        "triton", reason="Triton is not installed; it comes with CUDA builds of torch on Linux"
    )
    from chainrule.ops.nade import triton_gpu

DEVICE = "cuda" if CUDA else "cpu"
# Whoever imported Triton or the kernels earlier in this process fixed that they are compiled.
TOO_LATE = not CUDA and any(
    isinstance(f, triton.JITFunction) for f in (triton.language.sum, triton_gpu._outputs_kernel)
)
on_a_gpu = pytest.mark.skipif(
    not CUDA, reason="no CUDA device: the interpreter is too slow for real shapes"
)

pytestmark = [
    # The interpreter computes with NumPy. NumPy warns that exp(100) is inf; a GPU does not.
    pytest.mark.filterwarnings("ignore:overflow encountered in exp:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning"),
]

LAYOUTS = {
    "one column": Layout.of_bits(1),
    "two columns": Layout.of_bits(2),
    "binary": Layout.of_bits(9),
    "mixed widths": Layout((1, 3, 2, 1, 4), (1, 2, 3, 1, 1)),
    "columns without input": Layout((0, 2, 0, 0, 1, 0), (2, 1, 2, 3, 1, 1)),
    "no inputs at all": Layout((0, 0, 0), (1, 2, 1)),
}
NAMES = ("y", "x", "W", "b", "first_hidden", "V", "c")


@pytest.fixture(autouse=True)
def every_buffer_starts_as_nan(monkeypatch, request):
    """What a kernel forgets to write shows up, and what it should not read."""
    if TOO_LATE and request.function is not test_in_a_process_of_its_own:
        pytest.skip(
            "Triton was imported without its interpreter; "
            "test_in_a_process_of_its_own runs this one"
        )
    if not CUDA:
        monkeypatch.setenv("TRITON_INTERPRET", "1")
    empty = triton_gpu._empty
    monkeypatch.setattr(triton_gpu, "_empty", lambda *a, **k: empty(*a, **k).fill_(torch.nan))


@pytest.mark.skipif(not TOO_LATE, reason="this process interprets the kernels itself")
def test_in_a_process_of_its_own():
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__]
    run = subprocess.run(
        command, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout


def problem(layout, rows, hidden, density, seed=0, scale=0.5):
    """x, W, b, first_hidden, V, c: float64 numbers that float32 holds exactly."""
    g = torch.Generator().manual_seed(seed)
    inputs, outputs = sum(layout.input_widths), sum(layout.output_widths)
    x = torch.randn(rows, inputs, generator=g) * (torch.rand(rows, inputs, generator=g) < density)
    shapes = [(inputs, hidden), (hidden,), (hidden,), (outputs, hidden), (outputs,)]
    return [x.double(), *((torch.randn(shape, generator=g) * scale).double() for shape in shapes)]


def weights_of(y):
    return torch.arange(y.numel(), dtype=torch.float64).view(y.shape).cos().float()


def by_the_loop(tensors, layout):
    leaves = [t.detach().clone().requires_grad_() for t in tensors]
    y = reference.recursive(leaves[0], Parameters(*leaves[1:]), layout)
    grads = torch.autograd.grad((y * weights_of(y).to(y.dtype)).sum(), leaves, allow_unused=True)
    return [
        y.detach(),
        *(torch.zeros_like(t) if g is None else g for g, t in zip(grads, leaves, strict=True)),
    ]


def on_device(tensors):
    """x and the parameters where the kernels run."""
    x, *parameters = (t.to(DEVICE) for t in tensors)
    return x, Parameters(*parameters)


def kernels_gradients(dy, x, p, layout, *, need_x=True):
    """The gradients of x, W, b, first_hidden, V and c in one list."""
    dx, dp = triton_gpu.gradients(dy, x, p, layout, need_x=need_x)
    return [dx, *dp]


def by_the_kernels(tensors, layout, *, need_x=True):
    """y and the six gradients, on the CPU; None for x's where it was not asked for."""
    x, p = on_device(tensors)
    y = triton_gpu.outputs(x, p, layout)
    gradients = kernels_gradients(weights_of(y).to(y), x, p, layout, need_x=need_x)
    assert (gradients[0] is not None) == need_x
    return [y.cpu(), *(None if g is None else g.cpu() for g in gradients)]


def assert_as_good_as_the_loop(tensors, layout, activation="sigmoid"):
    """The kernels' float32 error is within a small factor of the loop's own."""
    layout = replace(layout, activation=activation)
    truth = by_the_loop(tensors, layout)
    single = [t.float() for t in tensors]
    loop = by_the_loop(single, layout)
    for need_x in (True, False):
        results = by_the_kernels(single, layout, need_x=need_x)
        for name, got, want, plain in zip(NAMES, results, truth, loop, strict=True):
            if got is None or want.numel() == 0:
                continue
            assert got.shape == want.shape, name
            assert got.dtype == torch.float32, name
            allowed = FLOAT32_FACTOR * (plain - want).abs().max() + FLOAT32_FLOOR * want.abs().max()
            error = (got - want).abs().max()
            assert error <= allowed, (
                f"{name}, need_x={need_x}: off by {error:.1e}, allowed {allowed:.1e}"
            )


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    ("rows", "hidden", "density"),
    [(4, 5, 0.3), (1, 1, 0.5), (0, 3, 0.5), (3, 7, 0.0), (3, 2, 1.0), (9, 33, 0.3)],
)
def test_agrees_with_the_loop(layout, activation, rows, hidden, density):
    assert_as_good_as_the_loop(problem(layout, rows, hidden, density), layout, activation)


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_saturated_units(activation):
    layout = Layout.of_bits(40)
    tensors = problem(layout, 3, 9, 0.4, scale=40.0)
    sums = tensors[2] + torch.cumsum(tensors[0][:, :-1, None] * tensors[1][:-1], 1)
    assert sums.min() < -100
    assert sums.max() > 100
    assert_as_good_as_the_loop(tensors, layout, activation)


def test_sigmoid_at_both_ends():
    """One input moves all hidden units to the same a; V reads one of them: y is σ(a) itself."""
    a = torch.tensor([-1000.0, -104.0, -89.0, -80.0, 0.0, 80.0, 89.0, 104.0, 1000.0])
    ones = torch.ones(1, device=DEVICE)
    two = torch.ones(2, 1, device=DEVICE)
    p = Parameters(two, 0 * ones, ones, two, torch.zeros(2, device=DEVICE))
    y = triton_gpu.outputs(torch.stack([a, 0 * a], 1).to(DEVICE), p, Layout.of_bits(2))
    torch.testing.assert_close(y[:, 1].cpu(), torch.sigmoid(a), rtol=1e-5, atol=1e-38)


def test_sums_taken_apart_do_not_drift():
    """300 real inputs: what subtraction loses on the way back is bounded by the anchors."""
    layout = Layout.of_bits(300)
    assert layout.steps > 8 * triton_gpu.ANCHOR
    assert_as_good_as_the_loop(problem(layout, 2, 3, 1.0), layout)


@pytest.mark.parametrize(
    "layout",
    [Layout.of_bits(14), Layout((1, 0, 3, 2) * 3, (2, 1, 1, 3) * 3)],
    ids=["bits", "mixed"],
)
@pytest.mark.parametrize("anchor", [1, 2, 3, 11, 13])
def test_any_distance_of_anchors(monkeypatch, layout, anchor):
    monkeypatch.setattr(triton_gpu, "ANCHOR", anchor)
    assert_as_good_as_the_loop(problem(layout, 3, 4, 0.5), layout)


def test_many_tiles_groups_slices_and_chunks(monkeypatch):
    """Rows take several tiles per group, groups and slices, and several chunks for x's gradient."""
    layout = Layout((1, 2, 1, 1), (1, 1, 2, 1))
    tensors = problem(layout, 23, 70, 0.4)
    monkeypatch.setattr(triton_gpu, "TILE_ROWS", (8, 4))
    for programs, numbers in [
        (1, 2**26),
        (6, 2**26),
        (10**6, 2**26),
        (9, 1),
    ]:  # 6: a full group and a part of one
        monkeypatch.setattr(triton_gpu, "PROGRAMS", programs)
        monkeypatch.setattr(triton_gpu, "PARTIAL_NUMBERS", numbers)
        assert_as_good_as_the_loop(tensors, layout)
    monkeypatch.setattr(triton_gpu, "DX_NUMBERS", 3 * 4 * 10)
    assert_as_good_as_the_loop(tensors, layout)


def test_strided_input():
    """Tensors laid out in any way give the same bits."""
    layout = LAYOUTS["mixed widths"]
    tensors = [t.float() for t in problem(layout, 5, 6, 0.5)]
    strided = [
        t.repeat_interleave(2, dim=-1)[..., ::2] if t.ndim == 1 else t.T.contiguous().T
        for t in tensors
    ]
    strided[0] = tensors[0].repeat_interleave(3, 0).repeat_interleave(2, 1)[::3, ::2]
    assert not any(t.is_contiguous() for t in strided)
    for got, want in zip(*(by_the_kernels(t, layout) for t in (strided, tensors)), strict=True):
        assert torch.equal(got, want)
    x, p = on_device(tensors)
    dy = weights_of(torch.empty(5, 8)).to(DEVICE)
    plain = kernels_gradients(dy, x, p, layout)
    other = kernels_gradients(dy.T.contiguous().T, x, p, layout)
    one = kernels_gradients(dy[:1].expand(5, -1), x, p, layout)
    same = kernels_gradients(dy[:1].expand(5, -1).contiguous(), x, p, layout)
    assert all(torch.equal(p, q) for p, q in zip([*plain, *one], [*other, *same], strict=True))


def test_bfloat16_is_float32_inside():
    """Numbers stored in bfloat16 give the float32 result, rounded once at the end."""
    layout = LAYOUTS["mixed widths"]
    half = [t.bfloat16() for t in problem(layout, 5, 6, 0.5)]
    wide = by_the_kernels([t.float() for t in half], layout)
    narrow = by_the_kernels(half, layout)
    assert {t.dtype for t in narrow} == {torch.bfloat16}
    assert torch.all((narrow[0] - wide[0]).abs() <= 2**-7 * wide[0].abs())
    # dy is rounded too, so its gradients are compared with those of the rounded one
    x, p = on_device(half)
    wide_p = Parameters(*(t.float() for t in p))
    dy = weights_of(wide[0]).bfloat16().to(DEVICE)
    exact = kernels_gradients(dy.float(), x.float(), wide_p, layout)
    assert all(torch.equal(g, e.cpu().bfloat16()) for g, e in zip(narrow[1:], exact, strict=True))
    mixed = kernels_gradients(dy.float(), x, wide_p, layout)
    assert [g.dtype for g in mixed] == [torch.bfloat16, *[torch.float32] * 5]
    assert all(
        torch.equal(g.float(), e.to(g.dtype).float()) for g, e in zip(mixed, exact, strict=True)
    )


def test_the_same_call_gives_the_same_bits():
    layout = Layout.of_bits(9)
    tensors = [t.float() for t in problem(layout, 9, 40, 0.4)]
    first, second = (by_the_kernels(tensors, layout) for _ in range(2))
    assert all(torch.equal(p, q) for p, q in zip(first, second, strict=True))


@pytest.mark.parametrize("hidden", [3, 70])
def test_a_row_does_not_depend_on_the_others(hidden):
    layout = LAYOUTS["mixed widths"]
    x, p = on_device(t.float() for t in problem(layout, 11, hidden, 0.4))
    together = triton_gpu.outputs(x, p, layout)
    alone = [triton_gpu.outputs(row[None], p, layout) for row in x]
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_nan_reaches_later_outputs_only(activation):
    layout = Layout.of_bits(6, activation)
    x, p = on_device(t.float() for t in problem(layout, 3, 4, 0.5))
    clean = triton_gpu.outputs(x, p, layout)
    for column in range(6):
        spoiled = x.clone()
        spoiled[1, column] = torch.nan
        y = triton_gpu.outputs(spoiled, p, layout)
        assert torch.equal(y[[0, 2]], clean[[0, 2]])
        assert torch.equal(y[1, : column + 1], clean[1, : column + 1])
        assert bool(y[1, column + 1 :].isnan().all())
        _, dp = triton_gpu.gradients(torch.ones_like(y), spoiled, p, layout, need_x=False)
        assert bool(dp.W[column].isnan().all()) == (column < 5)
        assert bool(dp.V[column + 1 :].isnan().all())


def test_where_all_inputs_are_zero_nothing_is_computed():
    """W's rows of such steps are NaN, and no harm comes of it: the branch is a real one."""
    layout = Layout((1, 2, 1, 3, 1), (1, 1, 1, 1, 1))
    x, W, *others = (t.float() for t in problem(layout, 3, 4, 1.0))
    x[:, [0, 2, 4]] = 0
    want = by_the_kernels([x, W, *others], layout, need_x=False)
    W[[0, 2, 4]] = torch.nan
    got = by_the_kernels([x, W, *others], layout, need_x=False)
    assert all(torch.equal(p, q) for p, q in zip(got, want, strict=True) if p is not None)
    assert not got[2][[0, 2, 4]].any()


def sampler_problem(steps, rows, hidden, seed=3):
    _, *parameters = (t.float() for t in problem(Layout.of_bits(steps), rows, hidden, 0, seed=seed))
    uniforms = torch.rand(
        rows, steps, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    return uniforms, Parameters(*parameters)


def drawn(uniforms, parameters, *, activation="sigmoid", **options):
    nothing = {
        "values": torch.full(uniforms.shape, torch.nan),
        "observed": torch.zeros(uniforms.shape).bool(),
    }
    options = nothing | {"temperature": 1.0} | options
    options = {
        name: v.to(DEVICE) if isinstance(v, torch.Tensor) else v for name, v in options.items()
    }
    u, p = on_device([uniforms, *parameters])
    return triton_gpu.sample(u, p, Layout.of_bits(uniforms.shape[1], activation), **options).cpu()


def by_the_reference(uniforms, parameters, activation="sigmoid"):
    return reference.sample(uniforms, parameters, Layout.of_bits(uniforms.shape[1], activation))


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize(
    ("steps", "rows", "hidden"), [(12, 21, 5), (1, 4, 3), (7, 1, 1), (5, 0, 2), (6, 9, 70)]
)
def test_samples_are_the_references(activation, steps, rows, hidden):
    uniforms, parameters = sampler_problem(steps, rows, hidden)
    x = drawn(uniforms, parameters, activation=activation)
    assert x.dtype == torch.float32
    assert torch.equal(x, by_the_reference(uniforms, parameters, activation))
    if x.numel() > 50:
        assert 0.2 < x.mean() < 0.8, "too one-sided to tell"


def test_samples_after_a_zero():
    """Step 0's hidden vector is a parameter, so step 1 needs another, even if no row drew a one."""
    uniforms, parameters = sampler_problem(4, 40, 20)
    uniforms[:, 0] = 1.0
    assert torch.equal(drawn(uniforms, parameters), by_the_reference(uniforms, parameters))


def test_samples_keep_evidence():
    """The reference is made to draw the evidence by uniforms that leave it no choice."""
    uniforms, parameters = sampler_problem(9, 12, 5)
    observed = torch.arange(9) < torch.arange(12)[:, None] % 10  # prefixes of every length
    values = torch.where(observed, (uniforms * 7 % 1 < 0.5).float(), torch.nan)
    forced = torch.where(observed, torch.where(values == 1, -1.0, 2.0).double(), uniforms)
    x = drawn(uniforms, parameters, values=values, observed=observed)
    assert torch.equal(x, by_the_reference(forced, parameters))
    assert torch.equal(x[observed], values[observed])
    one_row = drawn(
        uniforms,
        parameters,
        values=values[4:5].expand(12, -1),
        observed=observed[4:5].expand(12, -1),
    )
    assert torch.equal(one_row[:, :4], values[4:5, :4].expand(12, -1))


@pytest.mark.parametrize("temperature", [0.25, 3.0])
def test_samples_at_a_temperature(temperature):
    """Dividing every logit by a power of two, or by 3 up to rounding, is dividing V and c."""
    uniforms, p = sampler_problem(9, 12, 5)
    x = drawn(uniforms, p, temperature=temperature)
    assert torch.equal(
        x, by_the_reference(uniforms, p._replace(V=p.V / temperature, c=p.c / temperature))
    )
    assert not torch.equal(x, by_the_reference(uniforms, p))


def test_samples_compare_in_float64():
    """A uniform just below the float32 probability draws a one, the probability itself does not."""
    probability = torch.sigmoid(torch.tensor([0.3])).double()
    uniforms = torch.cat([probability - 1e-12, probability, probability + 1e-12])[:, None]
    parameters = Parameters(
        torch.ones(1, 1), torch.ones(1), torch.zeros(1), torch.ones(1, 1), torch.tensor([0.3])
    )
    two = torch.ones(2, 1)
    x, p = on_device(
        [torch.tensor([[0.3, 0.0]]), two, torch.zeros(1), torch.ones(1), two, torch.zeros(2)]
    )
    kernels_own = triton_gpu.outputs(x, p, Layout.of_bits(2))[
        0, 1
    ]  # its sigmoid may differ from torch's in a last bit
    uniforms += kernels_own.double().cpu() - probability
    assert drawn(uniforms, parameters).flatten().tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize(
    ("rows", "hidden", "inputs", "params"),
    [(5, 6, 3, 4), (1, 1, 1, 1), (9, 40, 0, 2), (0, 3, 2, 1)],
)
def test_advance(activation, rows, hidden, inputs, params):
    layout = Layout((inputs, 0), (0, params))
    x, W, b, _, V, c = problem(layout, rows, hidden, 0.4)
    x[: rows // 2] = 0  # these rows keep a and h, whatever h is
    a = b + torch.arange(rows)[:, None].double()
    h = a / 100
    changed = (x != 0).any(1, keepdim=True)
    a_after = a + x @ W
    h_after = torch.where(changed, ACTIVATIONS[activation](a_after), h)
    a_now, h_now = (
        torch.stack([t.float(), t.float()], -1).to(DEVICE)[..., 0] for t in (a, h)
    )  # strided
    got = triton_gpu.advance(
        a_now, h_now, *(t.float().to(DEVICE) for t in (x, W, V, c)), activation=activation
    )
    for result, want in ((got, c + h_after @ V.T), (a_now, a_after), (h_now, h_after)):
        assert result.shape == want.shape
        torch.testing.assert_close(result.cpu().double(), want, rtol=3e-6, atol=3e-6)
    kept = ~changed[:, 0]
    assert torch.equal(a_now.cpu()[kept], a.float()[kept])
    assert torch.equal(h_now.cpu()[kept], h.float()[kept])


def test_advancing_step_by_step_gives_all_outputs():
    layout = LAYOUTS["mixed widths"]
    x, p = on_device(t.float() for t in problem(layout, 6, 7, 0.5))
    want = triton_gpu.outputs(x, p, layout)
    W, b, _, V, c = p
    a, h = b.repeat(6, 1), torch.sigmoid(b).repeat(6, 1)  # of rows whose inputs so far are all zero
    got = [want[:, layout.outputs[0]]]
    for known, new in zip(layout.inputs, layout.outputs[1:], strict=False):
        got.append(
            triton_gpu.advance(a, h, x[:, known], W[known], V[new], c[new], activation="sigmoid")
        )
    torch.testing.assert_close(torch.cat(got, 1), want, rtol=1e-6, atol=1e-6)


def test_what_is_not_served_is_said():
    assert triton_gpu.available() is None
    assert (
        triton_gpu.unsupported(4096, torch.float32)
        is triton_gpu.unsupported(1, torch.bfloat16)
        is None
    )
    message = (
        "the Triton kernels hold a row's hidden vector in registers: at most 4096 units, not 4097"
    )
    assert triton_gpu.unsupported(4097, torch.float32) == message
    message = (
        "the Triton kernels compute in float32 and take float32 or bfloat16 parameters, "
        "not torch.float64"
    )
    with pytest.raises(BackendError) as caught:
        by_the_kernels(problem(Layout.of_bits(2), 1, 1, 1), Layout.of_bits(2))
    assert str(caught.value) == message


COMPILE = """
import os
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from chainrule.ops.nade import triton_gpu

assert os.environ.get("TRITON_INTERPRET") is None

def number(name):
    return name in triton_gpu.SIZES or name.endswith(("_row", "_column"))

SPECIAL = {
    "input_stops": "*i32",
    "output_stops": "*i32",
    "uniforms": "*fp64",
    "observed": "*u8",
    "temperature": "fp32",
}

def build(kernel, warps, **constants):
    names = kernel.arg_names
    types = {n: SPECIAL.get(n, "i32" if number(n) else "*fp32") for n in names}
    types |= dict.fromkeys(constants, "constexpr")
    pointers = [k for k, n in enumerate(names) if types[n][0] == "*" and n != "anchors"]
    aligned = {(k,): [["tt.divisibility", 16]] for k in pointers}
    source = ASTSource(kernel, types, {(names.index(n),): v for n, v in constants.items()}, aligned)
    options = {"num_warps": warps, "enable_fp_fusion": triton_gpu.FUSED}
    assert compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm["cubin"]

for hidden, relu in ((500, False), (3, True), (4096, False)):
    rows, padded, warps = triton_gpu._row_blocks(hidden)
    constants = {"HIDDEN": hidden, "BLOCK_N": rows, "BLOCK_H": padded, "RELU": relu}
    build(triton_gpu._outputs_kernel, warps, **constants, UNIT=not relu)
    build(triton_gpu._sample_kernel, warps, **constants)
    build(triton_gpu._advance_kernel, warps, **constants)
for rows, unit in zip(triton_gpu.TILE_ROWS, (True, False)):
    constants = {"HIDDEN": 500, "BLOCK_N": rows, "BLOCK_H": triton_gpu.SLICE, "RELU": False}
    constants |= {"UNIT": unit, "ANCHOR": triton_gpu.ANCHOR, "NEED_X": unit}
    build(triton_gpu._gradients_kernel, 1, **constants)
"""


def test_the_compiler_accepts_every_kernel(tmp_path):
    """Triton compiles each kernel for an H200; its interpreter accepts more than its compiler."""
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"} | {
        "TRITON_CACHE_DIR": str(tmp_path)
    }
    run = subprocess.run(
        [sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


@on_a_gpu
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_a_real_shape(activation):
    layout = Layout.of_bits(784)
    tensors = problem(layout, 1000, 500, 0.13, scale=0.05)
    tensors[0] = (tensors[0] != 0).double()
    assert_as_good_as_the_loop(tensors, layout, activation)


@on_a_gpu
def test_a_real_shape_gives_the_same_bits_twice():
    """Races would show here: 1008 programs, several tiles each at 4000 rows."""
    layout = Layout.of_bits(784)
    for rows in (1000, 4000):
        tensors = [t.float() for t in problem(layout, rows, 500, 0.13, scale=0.05)]
        first, second = (by_the_kernels(tensors, layout) for _ in range(2))
        assert all(torch.equal(p, q) for p, q in zip(first, second, strict=True))


@on_a_gpu
def test_real_samples_are_the_references():
    """Rows differ from the reference's only if a uniform is within rounding of a probability."""
    uniforms, parameters = sampler_problem(784, 1000, 500)
    parameters.V.mul_(0.1)
    x, want = drawn(uniforms, parameters), by_the_reference(uniforms, parameters)
    assert (x != want).any(1).float().mean() < 0.02
