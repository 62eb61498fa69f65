"""Which backend runs, and that it makes no difference to a user which it is."""

import logging
import re
import sys
import warnings

import pytest
import torch
from helpers.tolerances import SAME_TRAINING_NATS
from ops.test_nade import problem

from chainrule import NADE
from chainrule.errors import BackendError, ShapeError
from chainrule.ops.nade import choose, dispatch
from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.rng import generator_from

LAYOUT = Layout((1, 3, 2, 0, 1), (2, 1, 1, 3, 1))


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv(choose.VARIABLE, raising=False)
    choose._log_once.cache_clear()


def tensors(dtype=torch.float32):
    x, *p = (t.to(dtype).requires_grad_(k > 0) for k, t in enumerate(problem(LAYOUT, 6, 5, 0.4)))
    return x, Parameters(*p)


def test_device_and_dtype_decide():
    assert choose.chosen(torch.zeros(2, 3)) == "cpu"
    assert choose.chosen(torch.zeros(2, 3, dtype=torch.float64)) == "eager"
    assert choose.chosen(torch.zeros(2, 3, dtype=torch.bfloat16)) == "eager"
    assert choose.chosen(torch.zeros(2, 3, device="meta")) == "eager"


def test_argument_before_variable_before_device(monkeypatch):
    monkeypatch.setenv(choose.VARIABLE, "reference")
    assert choose.chosen(torch.zeros(2, 3)) == "reference"
    assert choose.chosen(torch.zeros(2, 3), "eager") == "eager"


def test_wrong_names(monkeypatch):
    with pytest.raises(
        BackendError,
        match="backend 'gpu' is unknown; choose one of 'cpu', 'eager', 'reference', 'triton'",
    ):
        NADE(3, hidden_size=2, backend="gpu")
    monkeypatch.setenv(choose.VARIABLE, "tritn")
    with pytest.raises(
        BackendError, match=r"environment variable CHAINRULE_BACKEND: .*nearest: 'triton'"
    ):
        NADE(3, hidden_size=2).log_prob(torch.zeros(1, 3))


@pytest.mark.parametrize(("asked", "level"), [("cpu", logging.WARNING), (None, logging.INFO)])
def test_what_cannot_be_done_goes_to_eager_with_one_reason(asked, level, caplog):
    with caplog.at_level(logging.INFO, logger="chainrule"):
        for _ in range(3):
            dispatch.outputs(*tensors(torch.float64), LAYOUT, backend=asked)
    message = (
        "NADE runs on backend 'eager', not 'cpu': "
        "its kernels are for float32, the weights are float64"
    )
    assert [(r.levelno, r.message) for r in caplog.records] == [(level, message)]


def test_triton_on_cpu_tensors_goes_to_eager(caplog):
    y = dispatch.outputs(*tensors(), LAYOUT, backend="triton")
    assert torch.equal(y, dispatch.outputs(*tensors(), LAYOUT, backend="eager"))
    assert [r.message for r in caplog.records] == [
        "NADE runs on backend 'eager', not 'triton': the weights are on a cpu device"
    ]


def test_gradcheck_in_double_precision():
    x, p = tensors(torch.float64)
    assert torch.autograd.gradcheck(
        lambda x, *p: dispatch.outputs(x, Parameters(*p), LAYOUT), [x.requires_grad_(), *p]
    )


@pytest.mark.parametrize("backend", ["eager", "cpu"])
def test_second_derivatives_are_refused(backend):
    x, p = tensors()
    y = dispatch.outputs(x, p, LAYOUT, backend=backend)
    (grad,) = torch.autograd.grad(y.square().sum(), p.W, create_graph=True)
    with pytest.raises(BackendError, match=r'first derivatives only.*backend="reference"'):
        grad.sum().backward()


def test_second_derivatives_of_the_reference():
    x, p = tensors(torch.float64)
    y = dispatch.outputs(x, p, LAYOUT, backend="reference")
    (grad,) = torch.autograd.grad(y.square().sum(), p.W, create_graph=True)
    grad.sum().backward()
    assert p.V.grad is not None


def test_without_gradients_and_under_autocast():
    net = NADE(12, hidden_size=9, generator=generator_from(0))
    x = net.sample(8, generator=generator_from(1))
    expected = net.log_prob(x)
    with torch.no_grad():
        assert torch.equal(net.log_prob(x), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = net.log_prob(x)
        assert torch.equal(net.log_prob(x.bfloat16()), mixed)
        mixed.mean().backward()
    torch.testing.assert_close(mixed, expected)


@pytest.mark.parametrize("backend", ["cpu", "eager"])
@pytest.mark.parametrize("order", [None, [4, 2, 0, 1, 3, 5, 8, 7, 6]])
def test_compiled_model(backend, order):
    """The operator causes no graph break in torch.compile, and the same numbers and gradients."""
    net = NADE(9, hidden_size=5, order=order, generator=generator_from(0), backend=backend)
    x = net.sample(4, generator=generator_from(1))
    layout = net._steps.layout
    others = [net.hidden_bias, net.first_hidden, net.output_weight, net.output_bias]

    def outputs(x, W):
        return dispatch.outputs(x, Parameters(W, *others), layout, backend=backend)

    compiled = torch.compile(outputs, backend="aot_eager", fullgraph=True)
    found = []
    for function in (outputs, compiled):
        W = net.input_weight.detach().requires_grad_()
        y = function(x, W)
        found.append([y, *torch.autograd.grad(y.square().sum(), [W, *others])])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler's own looking at gradients
        model = torch.compile(net, backend="aot_eager")
        torch.testing.assert_close(model(x), net(x))


def test_distributed_data_parallel(tmp_path):
    torch.distributed.init_process_group(
        "gloo", store=torch.distributed.FileStore(str(tmp_path / "store"), 1), rank=0, world_size=1
    )
    try:
        net = NADE(9, hidden_size=5, generator=generator_from(0))
        x = net.sample(4, generator=generator_from(1))
        torch.nn.parallel.DistributedDataParallel(net)(x).mean().backward()
        grads = [p.grad for p in net.parameters()]
        expected = torch.autograd.grad(net(x).mean(), list(net.parameters()))
        assert all(
            a is not None and torch.equal(a, b) for a, b in zip(grads, expected, strict=True)
        )
    finally:
        torch.distributed.destroy_process_group()


def test_training_reaches_the_same_likelihood():
    """Each backend trains one network on the same batches; held-out nats agree."""
    from chainrule.training.batches import Rows
    from chainrule.training.loop import train
    from chainrule.training.plan import Plan
    from chainrule.training.state import make_state
    from chainrule.training.validation import validate

    rows = NADE(16, hidden_size=12, generator=generator_from(5))
    with torch.no_grad():
        for p in rows.parameters():
            p.normal_(0, 1.0, generator=generator_from(6))
    x = rows.sample(700, generator=generator_from(7))
    nats = {}
    for backend in ("reference", "eager", "cpu"):
        net = NADE(16, hidden_size=20, generator=generator_from(0), backend=backend)
        plan = Plan(epochs=12, batch_size=50)
        state = make_state(net, plan, generator_from(1))
        train(state, Rows(x[:500]), Rows(x[500:]), plan, progress=False)
        nats[backend] = validate(net, Rows(x[500:]))
    assert max(nats.values()) - min(nats.values()) < SAME_TRAINING_NATS, nats
    assert nats["cpu"] < 16 * 0.6, "learned nothing"


@pytest.mark.parametrize("order", [None, [2, 0, 1, 3, 4]])
def test_scored_first_trained_later(order):
    """What inference mode leaves behind must not stand in autograd's way."""
    net = NADE(5, hidden_size=3, order=order, generator=generator_from(0))
    with torch.inference_mode():
        net.log_prob(torch.zeros(2, 5))
    net.training_loss(torch.ones(2, 5)).mean().backward()
    assert net.input_weight.grad is not None


@pytest.mark.parametrize("backend", ["cpu", "eager"])
def test_sampling_under_autocast(backend):
    net = NADE(12, hidden_size=9, generator=generator_from(0), backend=backend)
    expected = net.sample(8, generator=generator_from(1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(net.sample(8, generator=generator_from(1)), expected)


@pytest.mark.parametrize("backend", ["cpu", "eager"])
@pytest.mark.parametrize("columns", [1, 2, 12])
def test_any_kind_of_column_is_drawn_as_bits_are(backend, columns, monkeypatch):
    """Sampling through each column's conditional gives the same rows as the sampler for bits."""
    net = NADE(columns, hidden_size=9, order="random", generator=generator_from(0), backend=backend)
    with torch.no_grad():
        net.output_weight.normal_(generator=generator_from(1))
    known = torch.zeros(columns, dtype=torch.bool)
    known[net.order[: columns // 3]] = True
    given = (torch.ones(1, columns), known[None])
    options = {"given": given, "temperature": 0.7}
    expected = net.sample(40, **options, generator=generator_from(2))
    monkeypatch.setitem(vars(net.columns), "is_binary", False)
    assert torch.equal(net.sample(40, **options, generator=generator_from(2)), expected)


def test_without_numba(monkeypatch, caplog):
    """No compiler: eager, and the reason."""
    for name in [n for n in sys.modules if "ops.nade.cpu" in n or "ops.compiled" in n]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("cpu", "cpu_kernels"):
        monkeypatch.delattr(f"chainrule.ops.nade.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    caches = choose.implementation, choose._unfit
    for cache in caches:
        cache.cache_clear()
    try:
        with caplog.at_level(logging.INFO, logger="chainrule"):
            assert choose.chosen(torch.zeros(2, 3)) == "eager"
        assert "its compiler cannot be used: import of numba halted" in caplog.text
    finally:
        for cache in caches:
            cache.cache_clear()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (0, "x has shape (6, 6); this layout and 5 hidden units want (6, 7)"),
        (1, "W has shape (6, 5)"),
        (2, "b has shape (4,)"),
        (4, "V has shape (7, 5)"),
        (5, "c has shape (7,)"),
    ],
)
def test_shapes_that_do_not_fit(wrong, message):
    """Kernels read where shapes say: they are compared first."""
    x, p = tensors()
    arguments = [t.detach() for t in (x, *p)]
    arguments[wrong] = arguments[wrong][:, :-1] if wrong == 0 else arguments[wrong][:-1]
    with pytest.raises(ShapeError, match=re.escape(message)):
        dispatch.outputs(arguments[0], Parameters(*arguments[1:]), LAYOUT, backend="cpu")


def test_the_backend_is_no_part_of_the_model():
    net = NADE(3, hidden_size=2, backend="eager")
    assert "backend" not in net.config()
    assert NADE.from_config(net.columns, net.config()).backend is None
