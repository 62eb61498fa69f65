"""The compiled CPU kernels give the reference's numbers; the number of threads changes no bit."""

import subprocess
import sys
import tracemalloc
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from helpers.tolerances import FLOAT32_FACTOR, KERNEL_FLOOR
from ops.test_nade import LAYOUTS, NAMES, problem, value_and_gradients

from chainrule import NADE
from chainrule.errors import ShapeError
from chainrule.ops.activations import ACTIVATIONS
from chainrule.ops.compiled import calls, strips, threads
from chainrule.ops.nade import cpu, dispatch, eager, reference
from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.rng import generator_from

CUTS = {
    "a strip and a lane": (Layout.of_bits(9), 5, strips.LANES + 1),
    "two strips": (Layout.of_bits(9), 3, 2 * strips.LANES),
    "a block and a step": (Layout.of_bits(cpu.BLOCK + 2), 6, 5),
    "blocks of wide steps": (Layout((2,) * 9, (cpu.BLOCK // 2 + 1,) * 9), 4, 3),
    "a step wider than a block": (Layout((1,) * 4, (1, 2 * cpu.BLOCK, 3, cpu.BLOCK)), 4, 3),
    "a chunk and a row": (Layout.of_bits(12), cpu.CHUNK + 1, 5),
    "parted rows": (Layout.of_bits(12), 5 * cpu.LEAST_ROWS + 3, 5),
}


form = partial(dispatch.outputs, backend="cpu")


def assert_as_good_as_the_plain_loop(
    layout, rows, hidden, density, activation, scale=0.5, with_x=True
):
    layout = replace(layout, activation=activation)
    exact = [t.float().double() for t in problem(layout, rows, hidden, density, scale=scale)]
    single = [t.float() for t in exact]
    truth = value_and_gradients(reference.recursive, exact, layout, with_x)
    plain = value_and_gradients(reference.recursive, single, layout, with_x)
    got = value_and_gradients(form, single, layout, with_x)
    for name, mine, want, loop in zip(NAMES, got, truth, plain, strict=True):
        assert mine.dtype == torch.float32
        assert mine.shape == want.shape
        if want.numel():
            allowed = FLOAT32_FACTOR * float(
                (loop.double() - want).abs().max()
            ) + KERNEL_FLOOR * float(want.abs().max())
            assert float((mine.double() - want).abs().max()) <= allowed, name  # false for NaN, too


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    ("rows", "hidden", "density"),
    [(4, 5, 0.3), (1, 1, 0.5), (0, 3, 0.5), (3, 7, 0.0), (6, 65, 1.0)],
)
def test_agrees_with_the_reference(layout, activation, rows, hidden, density):
    for with_x in (True, False):
        assert_as_good_as_the_plain_loop(layout, rows, hidden, density, activation, with_x=with_x)


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_agrees_at_every_seam(cut, activation):
    layout, rows, hidden = cut
    for with_x in (True, False):
        assert_as_good_as_the_plain_loop(layout, rows, hidden, 0.3, activation, with_x=with_x)


def test_gradient_of_many_rows_by_x(monkeypatch):
    """Rows that do not fit one share of the gradient of x are taken one part after the other."""
    monkeypatch.setattr(cpu, "SHARE_NUMBERS", 12 * 70)
    assert_as_good_as_the_plain_loop(
        Layout.of_bits(12), 150, 5, 0.3, "sigmoid"
    )  # parts of 70, 70 and 10 rows


@pytest.mark.parametrize("scale", [20.0, 80.0])
def test_saturated_units(scale):
    """Sums far beyond ±80 give neither inf nor NaN, and the plain loop's numbers."""
    assert_as_good_as_the_plain_loop(Layout.of_bits(60), 6, 17, 0.2, "sigmoid", scale=scale)


def test_sums_do_not_drift():
    """At D = 4096 with real inputs everywhere, rebuilt states are as good as the plain loop's."""
    assert_as_good_as_the_plain_loop(Layout.of_bits(4096), 3, 5, 1.0, "sigmoid", scale=0.05)


@pytest.fixture
def _results_start_as_nan(monkeypatch):
    empty = calls.empty
    filled = []

    def with_nan(*shape):
        filled.append(shape)
        array = empty(*shape)
        array.fill(np.nan)
        return array

    monkeypatch.setattr(cpu, "empty", with_nan)
    yield
    assert filled, "no result was filled with NaN"


@pytest.mark.usefixtures("_results_start_as_nan")
def test_unread_memory_does_not_matter():
    """Buffers full of NaN, or of −1 for integers, change no bit: kernels write before they read."""
    layout = LAYOUTS["mixed widths"]
    tensors = [t.float() for t in problem(layout, 37, 70, 0.3)]
    first = value_and_gradients(form, tensors, layout)
    poisoned = 0
    for scratch in calls._scratch:
        for buffer in scratch.kept.values():
            buffer.view(np.uint8)[:] = 255
            poisoned += 1
    assert poisoned > 8
    assert not any(t.isnan().any() for t in first)
    again = value_and_gradients(form, tensors, layout)
    for name, a, b in zip(NAMES, first, again, strict=True):
        assert torch.equal(a, b), name


def test_strided_and_read_only_input():
    layout = Layout.of_bits(40)
    tensors = [t.float() for t in problem(layout, 11, 5, 0.3)]
    expected = value_and_gradients(form, tensors, layout)
    strided = [
        t.repeat_interleave(2, dim=-1)[..., ::2] if t.ndim == 1 else t.T.contiguous().T
        for t in tensors
    ]
    assert not any(t.is_contiguous() for t in strided)
    leaves = [t.detach().requires_grad_() for t in strided]
    y = form(leaves[0], Parameters(*leaves[1:]), layout)
    # The gradient is strided, too.
    weight = torch.arange(y.numel(), dtype=y.dtype).view_as(y).cos().T.contiguous().T
    got = [y.detach(), *torch.autograd.grad((y * weight).sum(), leaves)]
    for name, a, b in zip(NAMES, got, expected, strict=True):
        assert torch.equal(a, b), name
    frozen = tensors[0].numpy().copy()
    frozen.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch has no read-only tensors and says so
        x = torch.from_numpy(frozen)
    assert torch.equal(form(x, Parameters(*tensors[1:]), layout), expected[0])


@pytest.fixture
def _threads_put_back():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads_put_back")
@pytest.mark.parametrize("pool", ["torch's", "own"])
@pytest.mark.parametrize("hidden", [300, 70], ids=["strips", "parted rows"])
def test_same_bits_whatever_the_threads(pool, hidden, monkeypatch):
    if pool == "own":
        monkeypatch.setattr(threads, "_openmp", None)
    elif threads._openmp is None:
        pytest.skip("this build of torch has no GOMP_parallel to hand tasks to")
    layout = Layout.of_bits(50)
    tensors = [t.float() for t in problem(layout, 150, hidden, 0.3)]
    found = []
    for count in (1, 2, 3, 7):
        torch.set_num_threads(count)
        found.append([t.clone() for t in value_and_gradients(form, tensors, layout)])
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_row_does_not_depend_on_its_batch():
    layout = LAYOUTS["mixed widths"]
    x, *rest = (t.float() for t in problem(layout, 70, 70, 0.3))
    whole = form(x, Parameters(*rest), layout)
    for rows in ([0], [69], [3, 1], list(range(5, 12))):
        assert torch.equal(form(x[rows], Parameters(*rest), layout), whole[rows])


def test_a_later_input_reaches_no_earlier_output():
    layout = Layout.of_bits(30)
    x, *rest = (t.float() for t in problem(layout, 6, 70, 0.3))
    whole = form(x, Parameters(*rest), layout)
    for k, value in ((0, 3.0), (7, float("nan")), (20, 1e30), (29, float("inf"))):
        changed = x.clone()
        changed[:, k] = value
        got = form(changed, Parameters(*rest), layout)
        assert torch.equal(got[:, : k + 1], whole[:, : k + 1])


def test_not_a_number_is_not_hidden():
    """A weight that is NaN makes outputs and gradients NaN, so that training can tell."""
    layout = Layout.of_bits(9)
    tensors = [t.float() for t in problem(layout, 4, 5, 1.0)]
    tensors[2][3] = float("nan")
    y, _, dW, *_ = value_and_gradients(form, tensors, layout)
    assert y[:, 1:].isnan().all()
    assert dW[0].isnan().any()


@pytest.mark.parametrize("with_x", [True, False])
def test_memory_does_not_grow_with_n_d_h(with_x):
    """A step takes little memory beyond inputs and results; N·D·H numbers would need 600 MB."""
    layout, hidden = Layout.of_bits(200), 100
    extra = []
    for rows in (1000, 8000):
        tensors = [
            t.requires_grad_(k > 0 or with_x)
            for k, t in enumerate(problem(layout, rows, hidden, 0.2))
        ]
        leaves = [t.detach().float().requires_grad_(t.requires_grad) for t in tensors]
        calls._scratch.clear()
        tracemalloc.start()
        form(leaves[0], Parameters(*leaves[1:]), layout).sum().backward()
        extra.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    per_row = (extra[1] - extra[0]) / 7000
    # The shares of x's gradient have a bound of their own.
    share = cpu.SHARE_NUMBERS * 4 / 7000 if with_x else 0
    assert per_row <= 4.5 * 4 * 200 + share, "more than a few numbers per row and column"
    assert extra[0] < 20e6 + (4 * cpu.SHARE_NUMBERS if with_x else 0)


# A uniform closer than this to its probability may decide otherwise in float32.
UNIFORM_PLACES = 1e-5


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
@pytest.mark.parametrize("rows", [0, 1, 3, 70])
def test_samples_are_the_references(rows, temperature, activation):
    """The same uniforms give the same rows, evidence kept."""
    generator = torch.Generator().manual_seed(rows)
    layout = Layout.of_bits(23, activation)
    _, *rest = (t.float() for t in problem(layout, 1, 65, 0.3))
    uniform = torch.rand(rows, 23, generator=generator, dtype=torch.float64)
    values = torch.randint(0, 2, (rows, 23), generator=generator).float()
    observed = torch.arange(23) < torch.randint(0, 24, (rows, 1), generator=generator)
    options = {"values": values, "observed": observed, "temperature": temperature}
    got = dispatch.sample(uniform, Parameters(*rest), layout, **options, backend="cpu")
    double = options | {"values": values.double()}
    exact = Parameters(*(t.double() for t in rest))
    want = reference.sample(uniform, exact, layout, **double)
    y = reference.recursive(want, exact, layout)
    near = ((uniform - torch.sigmoid(y / temperature)).abs() < UNIFORM_PLACES) & ~observed
    sure = ~near.any(1)
    assert sure.sum() >= 0.9 * rows
    assert torch.equal(got[sure].double(), want[sure])
    assert torch.equal(got[observed], values[observed])


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("hidden", [1, 64, 70])
def test_advance_is_one_step(hidden, activation):
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(7, hidden, generator=generator)
    x = torch.randn(7, 3, generator=generator) * torch.tensor([1, 0, 1, 1, 0, 1, 1])[:, None]
    W, V, c = (torch.randn(s, generator=generator) for s in ((3, hidden), (4, hidden), (4,)))
    h = ACTIVATIONS[activation](a)
    got_a, got_h, want_a, want_h = a.clone(), h.clone(), a.clone(), h.clone()
    got = dispatch.advance(got_a, got_h, x, W, V, c, activation=activation, backend="cpu")
    want = eager.advance(want_a, want_h, x, W, V, c, activation=activation)
    for mine, other in ((got_a, want_a), (got_h, want_h)):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6)
    # The rounding error of a sum depends on its terms, however small the sum is.
    summed = want_h.abs() @ V.abs().T + c.abs()
    assert bool(((got - want).abs() <= 2 * torch.finfo(torch.float32).eps * summed).all())
    assert torch.equal(got_a[1], a[1])


FORKED_FIRST = """
import os, signal, torch
import chainrule
from chainrule.ops.nade import dispatch
from chainrule.ops.nade.parameters import Layout, Parameters

torch.set_num_threads(2)
torch.randn(600, 600) @ torch.randn(600, 600)  # torch's workers exist, no kernel does
x, W = torch.ones(90, 60), torch.ones(60, 200)
child = os.fork()
if child == 0:
    signal.alarm(600)  # what waits for ever ends
    dispatch.outputs(x, Parameters(W, W[0], W[0], W, W[:, 0]), Layout.of_bits(60), backend="cpu")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system cannot fork")
def test_first_kernel_in_a_forked_child():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED_FIRST], check=True)


SEVERAL = """
import os, signal, sys, threading
import torch
from chainrule import NADE
from chainrule.ops.compiled import threads
from chainrule.ops.nade import cpu
from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.rng import generator_from
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(2)
if sys.argv[1] == "own":
    threads._openmp = None
net = NADE(60, hidden_size=200, generator=generator_from(0))
x = (torch.rand(90, 60, generator=generator_from(1)) < 0.3).float()

def numbers():
    net = NADE(60, hidden_size=200, generator=generator_from(0))
    loss = net.training_loss(x).mean()
    loss.backward()
    return torch.cat([loss.detach()[None], *[p.grad.flatten() for p in net.parameters()]])

parameters = Parameters(*(t.detach() for t in net._in_steps(net._steps)))
layout = Layout.of_bits(60)

def kernels():
    dx, dp = cpu.gradients(x, x, parameters, layout, need_x=True)
    return cpu.outputs(x, parameters, layout), dx, *dp

plain = kernels()

class Scores(Dataset):
    def __len__(self): return 8
    def __getitem__(self, k): return net.log_prob(x[k : k + 5]).detach()

expected = numbers()
found = []
work = lambda: found.extend(numbers() for _ in range(20))
workers = [threading.Thread(target=work) for _ in range(4)]
for worker in workers: worker.start()
for worker in workers: worker.join()
assert len(found) == 80 and all(torch.equal(expected, other) for other in found), "threads"
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:  # only ours: torch's own parallel operations do not survive a fork
        signal.alarm(600)  # what waits for ever ends
        same = all(torch.equal(a, b) for _ in range(5) for a, b in zip(kernels(), plain))
        os._exit(0 if same else 1)
    children.append(child)
assert torch.equal(expected, numbers())
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0], "forked children"
loaded = list(DataLoader(Scores(), batch_size=None, num_workers=2, multiprocessing_context="fork"))
assert all(torch.equal(a, net.log_prob(x[k : k + 5])) for k, a in enumerate(loaded)), "data loader"
assert torch.equal(expected, numbers())
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("pool", ["torch's", "own"])
def test_threads_forks_and_data_loaders(pool):
    """Four threads at once, two forked children and a forked data loader compute the same bits."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", SEVERAL, pool], check=True)


@pytest.mark.parametrize(
    "settings", [{"NUMBA_ENABLE_AVX": "0"}, {"NUMBA_CPU_NAME": "generic"}], ids=str
)
def test_other_processors(settings, tmp_path):
    """With numba's settings for processors without AVX-512, the numbers are the reference's."""
    code = (
        "import torch\n"
        "from chainrule.ops.compiled import strips\n"
        "from chainrule.ops.nade import dispatch\n"
        "from chainrule.ops.nade.parameters import Layout, Parameters\n"
        "assert not strips.SCALES\n"
        "g = torch.Generator().manual_seed(0)\n"
        "x = (torch.rand(9, 30, generator=g) < 0.3).float()\n"
        "W, V = torch.randn(30, 70, generator=g), torch.randn(30, 70, generator=g) / 8\n"
        "p, layout = Parameters(W, W[0], W[1], V, V[:, 0]), Layout.of_bits(30)\n"
        "both = [dispatch.outputs(x, p, layout, backend=b) for b in ('cpu', 'reference')]\n"
        "torch.testing.assert_close(*both, rtol=1e-5, atol=1e-5)\n"
    )
    environment = {**__import__("os").environ, "NUMBA_CACHE_DIR": str(tmp_path), **settings}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_tensors_elsewhere_and_of_other_shapes_are_refused():
    """Kernels read memory by address, so tensors elsewhere or of other shapes are refused."""
    layout = Layout.of_bits(6)
    x, *rest = (t.float() for t in problem(layout, 3, 5, 0.3))
    for index in range(6):
        tensors = [x, *rest]
        tensors[index] = tensors[index].to("meta")
        with pytest.raises(ShapeError, match="a tensor is on the device meta"):
            cpu.outputs(tensors[0], Parameters(*tensors[1:]), layout)
    p = Parameters(*rest)
    u, mask = torch.rand(3, 6, dtype=torch.float64), torch.ones(3, 6)
    for values, observed in ((x[:, :5], mask > 0), (x, (mask > 0)[:1])):
        with pytest.raises(ShapeError, match=r"the uniforms have \(3, 6\)"):
            cpu.sample(u, p, layout, values=values, observed=observed, temperature=1.0)
    numbers = cpu.sample(u, p, layout, values=x, observed=mask, temperature=1.0)
    assert torch.equal(numbers, x)  # a mask of numbers is one of booleans


@pytest.mark.usefixtures("_threads_put_back")
def test_training_gives_the_same_bits_whatever_the_threads():
    from chainrule import NADE
    from chainrule.rng import generator_from
    from chainrule.training.batches import Rows
    from chainrule.training.loop import train
    from chainrule.training.plan import Plan
    from chainrule.training.state import make_state

    x = (torch.rand(120, 300, generator=generator_from(0)) < 0.2).float()
    found = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        net = NADE(300, hidden_size=400, generator=generator_from(1))
        plan = Plan(epochs=1, batch_size=60, clip_norm=0.5)
        state = make_state(net, plan, generator_from(2))
        train(state, Rows(x[:100]), Rows(x[100:]), plan, progress=False)
        found.append(torch.cat([p.detach().flatten() for p in net.parameters()]))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.usefixtures("_results_start_as_nan")
@pytest.mark.parametrize("hidden", [5, 64, 131])
def test_every_task_is_done_once(hidden):
    """Outputs are complete for more tasks than threads, for fewer and for none."""
    layout = Layout.of_bits(9)
    for rows in (0, 1, 2, 3, 5, 63, 64, 65, 300):
        x, *rest = (t.float() for t in problem(layout, rows, hidden, 0.3))
        y = form(x, Parameters(*rest), layout)
        assert y.shape == (rows, 9)
        assert not y.isnan().any()


def test_machine_code_is_kept_on_disk(tmp_path):
    """A second process loads what the first one compiled."""
    code = (
        "import torch\n"
        "from chainrule.ops.nade import cpu_kernels, dispatch\n"
        "from chainrule.ops.nade.parameters import Layout, Parameters\n"
        "x, W = torch.ones(2, 3), torch.ones(3, 4)\n"
        "p = Parameters(W, W[0], W[0], W, W[:, 0])\n"
        "dispatch.outputs(x, p, Layout.of_bits(3), backend='cpu')\n"
        "print(cpu_kernels.forward().cache_hits)\n"
    )
    environment = {**__import__("os").environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for expected in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected


def test_gradients_that_are_kept_stay_as_they_are():
    net = NADE(400, hidden_size=300, generator=generator_from(0), backend="cpu")
    rows = [torch.rand(50, 400, generator=generator_from(k)).round() for k in range(4)]
    kept = [torch.autograd.grad(net.training_loss(x).mean(), net.input_weight)[0] for x in rows]
    copies = [gradient.clone() for gradient in kept]
    for x in rows:
        net.training_loss(x).mean().backward()
        net.zero_grad()
    assert all(map(torch.equal, kept, copies))
    assert len({gradient.data_ptr() for gradient in kept}) == len(rows)
