"""Methods and functions give what PyTorch's give: numbers, shapes and dtypes."""

import numpy as np
import pytest
import torch
from helpers.second_form import agree, arrays_of

from chainrule import tensors
from chainrule.rng import generator_from
from chainrule.tensors.tensor import MetaTensor

X = torch.randn(4, 3, 5, generator=generator_from(0), dtype=torch.float64)
WIDE = torch.randn(6, 70, generator=generator_from(1), dtype=torch.float64)
FLOATS = torch.randn(5, 4, generator=generator_from(2))
WHOLE = torch.tensor([[3, 0, 2], [1, 5, 4]])
EDGES = torch.tensor([-np.inf, -800.0, -1.0, 0.0, 0.5, 30.0, 800.0, np.inf]).double()

# Each is asked of both forms: t is ``torch`` or ``tensors``; the others are tensors of that form.
CASES = {
    "sum": lambda t, x, wide, floats, whole, edges: [
        x.sum(), x.sum(-1), x.sum((1, 2)), x.sum(1, keepdim=True), wide.sum(1), whole.sum(0),
        (x > 0).sum(2), floats.sum(1, dtype=t.float64), floats.sum(0),
    ],
    "mean, var, std, norm": lambda t, x, wide, floats, whole, edges: [
        x.mean(), x.mean(1), x.var(0, unbiased=False), x.std(2), x.std(), floats.norm(dim=1),
    ],
    "any, all": lambda t, x, wide, floats, whole, edges: [
        (x > 1).any(), (x > 1).any(1), (x > -2).all(2), (x > 1).any(-1, keepdim=True),
        whole.count_nonzero(),
    ],
    "extremes": lambda t, x, wide, floats, whole, edges: [
        x.amax(), x.amax(-1), x.amax(2, keepdim=True), x.amin((0, 1)), wide.amax(1), x.max(),
        x.max(1).values, x.max(1).indices, whole.min(), x.argmax(-1), x.argmax(1, keepdim=True),
        whole.amax(1),
    ],
    "logsumexp and softmax": lambda t, x, wide, floats, whole, edges: [
        x.logsumexp(-1), x.logsumexp(1), wide.logsumexp(1, keepdim=True), x.log_softmax(-1),
        x.softmax(0), wide.softmax(1), edges[:4].expand(3, -1).logsumexp(1),
        (x - t.inf).logsumexp(-1), t.nn.functional.softmax(x, dim=-1),
        t.nn.functional.log_softmax(floats, dim=1),
    ],
    "order": lambda t, x, wide, floats, whole, edges: [
        x.cumsum(1), x.diff(), x.diff(dim=0), whole.argsort(), x.sort(1).values, whole.flip(0),
        (x > 0).nonzero(), *(x > 0).nonzero(as_tuple=True), whole.rot90(), (x > 0).cumsum(0),
    ],
    "shapes": lambda t, x, wide, floats, whole, edges: [
        x.flatten(), x.flatten(1), x.flatten(0, 1), x[:0].flatten(1), wide.unflatten(1, (7, -1)),
        x.transpose(0, 2), x.permute(2, 0, 1), floats.t(), floats.T, x[:, :1].expand(4, 6, 5),
        x[:, :1].expand(-1, 6, -1), floats.expand(2, 5, 4), x[:, :1].squeeze(1), x.squeeze(1),
        whole.repeat(2, 3), whole.repeat_interleave(2, 0), floats.reshape(2, -1),
        whole[0].repeat_interleave(whole[0]), x.select(1, 2), x.unsqueeze(-1),
        edges.expand_as(edges), floats.view_as(floats.t()),
    ],
    "parts": lambda t, x, wide, floats, whole, edges: [
        *x.unbind(1), *x.split(2), *wide.split((10, 20, 40), dim=1), *x.split(3, dim=2), x[1, 2, 3],
        x[..., None, :1], x[:, [2, 0]], x[x > 0], x[whole[0], :, 1], *wide[:0].split(3),
    ],
    "places": lambda t, x, wide, floats, whole, edges: [
        wide.gather(1, whole), x.gather(2, (x > 0).long()), floats.index_select(1, whole[0, :2]),
        floats.index_put((whole[:, 1] // 2, whole[:, 0]), floats[0, :2]),
        x.masked_scatter(x > 0, -x.flatten()), x.clone().index_add_(1, whole[0, [2, 1]], x[:, :2]),
        t.zeros(2, 9).scatter_add_(1, whole, t.ones(2, 3)),
        t.take_along_dim(x[:1], (x > 0).long(), dim=-1),
    ],
    "numbers": lambda t, x, wide, floats, whole, edges: [
        x.exp(), x.expm1(), x.abs().log(), x.abs().log1p(), x.abs().log2(), x.abs().sqrt(),
        x.reciprocal(), x.sin(), x.cos(), x.floor(), x.ceil(), x.round(), (5 * x).frac(),
        x.remainder(0.7), edges.isnan(), edges.isinf(), edges.isfinite(), x.minimum(-x),
        (edges - edges).nan_to_num(0.5), x.clamp(-1, 1), x.clamp(min=-x), x.clamp(max=0.0),
        x.round(decimals=1), x.erf(),
    ],
    "dtypes": lambda t, x, wide, floats, whole, edges: [
        x.float(), floats.double(), x.long(), x.int(), x.bool(), floats.to(x), x.to("cpu"),
        x.to(t.float32), x.new_tensor([1, 2]), whole.new_zeros(2, 2), x.new_ones((3,)),
        floats.new_full((2,), 7), (x > 0).to(x.dtype), floats * 2.5, floats + x[0, 0, :1],
        whole + 1, x > 0, ~(x > 0), -floats, floats**2, whole // 2, whole % 2,
        1 - floats, floats.mean() * 2, t.where(floats > 0, floats, 0), t.where(x > 0, -t.inf, x),
    ],
    "in place": lambda t, x, wide, floats, whole, edges: [
        x.clone().mul_(2), x.clone().add_(x), floats.clone().copy_(x[0, 0, :4]),
        floats.clone().addmm_(floats, floats[:4]), x.clone().sigmoid_(), x.clone().relu_(),
    ],
    "new tensors": lambda t, x, wide, floats, whole, edges: [
        t.tensor([1.0, 2.0]), t.tensor([[1, 2]]), t.tensor(0.5), t.tensor([True]),
        t.tensor([1.0], dtype=t.float64), t.as_tensor([1, 2.5]), t.zeros(2, 3), t.zeros((2,)),
        t.ones(3, dtype=t.bool), t.full((2,), 0.5), t.full((2,), 3), t.arange(5), t.arange(2, 7),
        t.arange(0, 6, 2, dtype=t.float64), t.linspace(1, 9, 5), t.zeros_like(whole),
        t.ones_like(x, dtype=t.bool), t.full_like(floats, 2), t.empty(2, 0), t.tensor([]),
        t.tensor([np.float64(1)]), t.from_numpy(np.arange(3.0)),
    ],
    "joined": lambda t, x, wide, floats, whole, edges: [
        t.cat([x, x], 1), t.cat([floats, x[0, 0, None, :4]]), t.stack([x, -x], dim=-1),
        t.stack(list(floats)), t.nn.functional.pad(x, (1, 2), value=-3.0),
    ],
    "products": lambda t, x, wide, floats, whole, edges: [
        t.addmm(floats[0], floats, floats[:4]), t.bmm(x, x.transpose(1, 2)), floats @ floats.T,
        t.baddbmm(x[:, :, :3], x, x.transpose(1, 2)), t.outer(floats[0], floats[1]),
        t.addmv(floats[:, 0], floats, floats[0]), t.diag_embed(x), t.mm(floats, floats.t()),
        t.nn.functional.linear(floats, floats), t.nn.functional.linear(x, x[0], x[0, 0, :3]),
        t.add(x, x, out=t.empty_like(x)),
        t.nn.functional.embedding_bag(
            whole, floats.double().repeat(2, 1), mode="sum", per_sample_weights=x[:2, :, 0]
        ),
    ],
    "solved": lambda t, x, wide, floats, whole, edges: [
        t.linalg.cholesky(wide @ wide.T),
        t.cholesky_solve(wide[:, :2], t.linalg.cholesky(wide @ wide.T)),
    ],
    "saturated": lambda t, x, wide, floats, whole, edges: [
        t.sigmoid(edges), t.relu(edges), t.nn.functional.logsigmoid(edges),
        t.nn.functional.softplus(edges), t.logit(t.sigmoid(edges)), t.logaddexp(edges, -edges),
        t.xlogy(edges[3:5], edges[3:5]), t.hypot(x, x), t.maximum(x, -x), t.clip(x, -0.5, None),
        t.clamp(x, max=0.1), t.sign(edges),
    ],
    "searched": lambda t, x, wide, floats, whole, edges: [
        t.searchsorted(edges, x.contiguous()), t.searchsorted(edges, edges, right=True),
        t.searchsorted(wide.sort(1).values, wide, right=True),
        t.searchsorted(wide.sort(1).values, wide), t.searchsorted(edges, edges, side="right"),
    ],
    "special": lambda t, x, wide, floats, whole, edges: [
        t.special.ndtr(edges), t.special.log_ndtr(edges), t.special.ndtri(t.sigmoid(x)),
        t.special.erfcx(x),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_numbers_shapes_and_dtypes_are_those_of_pytorch(name):
    theirs = X, WIDE, FLOATS, WHOLE, EDGES
    with np.errstate(all="ignore"):
        found = CASES[name](tensors, *arrays_of(*theirs))
    expected = CASES[name](torch, *(each.clone() for each in theirs))
    for ours, each in zip(found, expected, strict=True):
        assert isinstance(ours, tensors.Tensor)
        # Single precision agrees to its own rounding.
        if each.dtype == torch.float32:
            assert ours.dtype == np.float32
            assert ours.shape == each.shape
            np.testing.assert_allclose(ours.numpy(), each.numpy(), rtol=1e-5, atol=1e-6)
        else:
            agree(ours, each)


def test_answers_that_are_no_tensors():
    x, y = arrays_of(X, WHOLE)
    assert tensors.equal(x, x.clone())
    assert not tensors.equal(x, x + 1)
    assert not tensors.equal(x, x[:1])
    assert (y.numel(), y.is_floating_point(), x.is_floating_point()) == (6, False, True)
    assert x[0, 0, 0].item() == float(X[0, 0, 0])
    assert y.tolist() == WHOLE.tolist()
    assert x.data_ptr() != x.clone().data_ptr()
    assert x.expand(2, 4, 3, 5).data_ptr() == x.data_ptr()
    assert x.contiguous() is x
    assert x.transpose(0, 2).contiguous().numpy().flags.c_contiguous
    assert type(x.numpy()) is np.ndarray
    limits, expected = tensors.finfo(tensors.float32), torch.finfo(torch.float32)
    for name in ("eps", "tiny", "min", "max"):
        assert getattr(limits, name) == getattr(expected, name)


def test_a_tensor_without_memory_has_a_shape_and_a_dtype():
    with tensors.device("meta"):
        made = tensors.zeros(10**9, 10**9)
        assert isinstance(made, MetaTensor)
        assert isinstance(tensors.ones(2, device="cpu"), tensors.Tensor)
        assert not tensors.ones(2, device="cpu").is_meta
    assert made.is_meta
    assert made.shape == (10**9, 10**9)
    assert made.double().dtype == tensors.float64
    assert made.double().is_meta
    assert not tensors.zeros(2).is_meta
