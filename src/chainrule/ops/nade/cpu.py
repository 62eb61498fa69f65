"""NADE on CPUs: compiled loops over float32, on a few threads. README.md has the derivation.

A hidden state is computed only after a non-zero input. The backward pass rebuilds states from sums
kept at a few steps. Nothing has the size N·D·H.

Every sum has a fixed sequence. Results do not depend on the number of threads. A row's outputs
depend on no other row and on no later input, to the bit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import pad

from chainrule.errors import ShapeError
from chainrule.ops.compiled import threads
from chainrule.ops.compiled.calls import array_of, borrowed, empty, ready, run
from chainrule.ops.compiled.strips import LANES
from chainrule.ops.nade import cpu_kernels as kernels
from chainrule.ops.nade.parameters import Layout, Parameters

BLOCK = 128  # outputs of a block of steps; their weights stay in cache while many rows pass
CHUNK = 64  # rows that pass a block before the next block is loaded
LEAST_ROWS = 32  # rows of a task, at least
TASKS = 4  # backward tasks, at least: with fewer strips of hidden units, rows are split as well
SHARE_NUMBERS = 2**22  # floats for the strips' shares of the gradient of x

NOTHING = torch.empty(0, 0, dtype=torch.uint8)  # an empty mask: no cell is known


def outputs(x: torch.Tensor, p: Parameters, layout: Layout) -> torch.Tensor:
    """Every step's outputs y (N, P) in float32, equal to those of ``reference.recursive``."""
    plan = _plan(layout)
    _check_shapes(plan, x, p)
    y = empty(len(x), len(p.V))
    pitch, size = _pitch(p.W), _rows_per_task(len(x))
    tasks = _ceil(len(x), size)
    threads_ = threads.wanted(tasks)
    with borrowed() as buffer:
        run(kernels.forward, tasks, threads_,
            *(ready(t) for t in (x, *p)), *plan[:4], layout.activation == "relu", y,
            buffer("a", threads_, size, pitch), buffer("h", threads_, size, pitch),
            buffer("V", threads_, plan.widest, pitch),
            buffer("first", threads_, max(pitch, plan.first)),
            buffer("active", threads_, plan.longest, dtype=np.uint8),
        )  # fmt: skip
    return torch.from_numpy(y)


def gradients(
    dy: torch.Tensor, x: torch.Tensor, p: Parameters, layout: Layout, *, need_x: bool
) -> tuple[torch.Tensor | None, Parameters]:
    """Gradients of x (None unless needed) and of the parameters, from dy (N, P) of the outputs."""
    plan, relu = _plan(layout), layout.activation == "relu"
    _check_shapes(plan, x, p)
    W, V = p.W, p.V
    if dy.shape != (len(x), len(V)):
        raise ShapeError(
            f"the gradient of the outputs has shape {tuple(dy.shape)}, "
            f"the outputs {(len(x), len(V))}"
        )
    strips = _ceil(W.shape[1], LANES)
    dx = torch.zeros(x.shape, dtype=torch.float32, device="cpu") if need_x else None
    rows = max(1, SHARE_NUMBERS // max(1, strips * W.shape[0])) if need_x else max(1, len(x))
    sums: list[np.ndarray] = []
    for start in range(0, max(1, len(x)), rows):
        chunk = slice(start, start + rows)
        found = _backward(dy[chunk], x[chunk], p, plan, relu, dx if dx is None else dx[chunk])
        for result, more in zip(sums, found, strict=False):
            result += more
        sums = sums or found
    dW, db, dV, dc = sums
    np.outer(dc[: plan.first], array_of(p.first_hidden), out=dV[: plan.first])
    dfirst = (array_of(V)[: plan.first] * dc[: plan.first, None]).sum(0)  # (H,)
    return dx, Parameters(*(torch.from_numpy(array) for array in (dW, db, dfirst, dV, dc)))


def sample(
    uniforms: torch.Tensor,
    p: Parameters,
    layout: Layout,
    *,
    values: torch.Tensor | None,
    observed: torch.Tensor | None,
    temperature: float,
) -> torch.Tensor:
    """Binary rows (N, D) in step order, with x_k = 1 where uniforms < σ(y_k / temperature).

    Observed cells keep their values.
    """
    _check_shapes(_plan(layout), uniforms, p)
    for name, tensor in (("values", values), ("observed", observed)):
        if tensor is not None and tensor.shape != uniforms.shape:
            raise ShapeError(
                f"{name} has shape {tuple(tensor.shape)}; the uniforms have {tuple(uniforms.shape)}"
            )
    if values is None or observed is None:
        x, known = torch.empty(uniforms.shape, dtype=torch.float32, device="cpu"), NOTHING
    else:
        x = ready(values).clone()
        known = observed.to(torch.bool).contiguous().view(torch.uint8)
    u = uniforms.to(device="cpu", dtype=torch.float64).contiguous()
    pitch, size = _pitch(p.W), _rows_per_task(len(x))
    tasks = _ceil(len(x), size)
    threads_ = threads.wanted(tasks)
    with borrowed() as buffer:
        run(kernels.sample, tasks, threads_,
            u, *(ready(t) for t in p), known, float(temperature), layout.activation == "relu", x,
            buffer("a", threads_, size, pitch), buffer("h", threads_, size, pitch),
            buffer("V", threads_, BLOCK, pitch),
            buffer("thresholds", threads_, 2 * kernels.ROWS, BLOCK),
            buffer("logits", threads_, LANES),
        )  # fmt: skip
    return x


def advance(
    a: torch.Tensor,
    h: torch.Tensor,
    x: torch.Tensor,
    W: torch.Tensor,
    V: torch.Tensor,
    c: torch.Tensor,
    *,
    activation: str,
) -> torch.Tensor:
    """One step of sampling: a (N, H) += x (N, i) W and h = σ(a), in place; returns c + h Vᵀ."""
    inputs, H = W.shape
    expected = (len(x), H), (len(x), inputs), (len(V), H), (len(V),)
    if (a.shape, x.shape, V.shape, c.shape) != expected or h.shape != a.shape:
        shapes = ", ".join(str(tuple(t.shape)) for t in (a, h, x, W, V, c))
        raise ShapeError(
            f"a, h, x, W, V, c of shapes {shapes} do not fit "
            f"(N, {H}), (N, {H}), (N, i), (i, {H}), (p, {H}), (p,)"
        )
    if not (
        a.is_contiguous()
        and h.is_contiguous()
        and a.dtype == h.dtype == torch.float32
        and a.device == h.device == W.device
    ):
        raise ShapeError(
            "a and h are renewed in place: pass contiguous float32 tensors on the weights' device"
        )
    y = torch.empty((len(x), len(V)), dtype=torch.float32, device="cpu")
    size = _rows_per_task(len(x))
    tasks = _ceil(len(x), size)
    arrays = (a, h, *(ready(t) for t in (x, W, V, c)))
    run(kernels.advance, tasks, threads.wanted(tasks), *arrays, activation == "relu", y, size)
    return y


class _Plan(NamedTuple):
    """A layout as the kernels read it.

    Attributes:
        inputs: the start of each step's inputs, and their number, (D + 1,) int64.
        outputs: the start of each step's outputs, and their number, (D + 1,) int64.
        blocks: the start of each block of the steps 1 … D−1, and D.
        step_of: the step of each input, (I,) int64.
        first: the number of outputs of the first step.
        widest: outputs of the widest block, at least 1.
        longest: steps of the longest block, at least 1.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    blocks: np.ndarray
    step_of: np.ndarray
    first: int
    widest: int
    longest: int


@lru_cache(maxsize=64)
def _plan(layout: Layout) -> _Plan:
    inputs = np.cumsum([0, *layout.input_widths], dtype=np.int64)
    outs = np.cumsum([0, *layout.output_widths], dtype=np.int64)
    steps = layout.steps
    blocks = [min(1, steps)]
    for k in range(1, steps + 1):
        if k > blocks[-1] and (k == steps or outs[k + 1] - outs[blocks[-1]] > BLOCK):
            blocks.append(k)
    cut = np.array(blocks, dtype=np.int64)
    return _Plan(
        inputs=inputs,
        outputs=outs,
        step_of=np.repeat(np.arange(steps, dtype=np.int64), layout.input_widths),
        blocks=cut,
        first=int(outs[1]),
        widest=int(max([1, *np.diff(outs[cut])])),
        longest=int(max([1, *np.diff(cut)])),
    )


def _backward(
    dy: torch.Tensor,
    x: torch.Tensor,
    p: Parameters,
    plan: _Plan,
    relu: bool,
    dx: torch.Tensor | None,
) -> list[np.ndarray]:
    """dW, db, dV (without the first step's outputs) and dc of these rows; writes dx."""
    (rows, slots), (P, H) = x.shape, p.V.shape
    strips = _ceil(H, LANES)
    groups = _ceil(rows, kernels.ROWS)
    # The sizes alone decide, not the number of threads: the same bits for any number.
    splits = max(1, min(_ceil(TASKS, strips), rows // LEAST_ROWS))
    size = _ceil(groups, splits)
    # Hidden units of a task, for two tasks a thread. Every cut gives the same bits.
    wide = max(1, strips // (2 * torch.get_num_threads())) * LANES
    sums = [empty(splits, *shape) for shape in (p.W.shape, p.b.shape, p.V.shape)]
    sums[0][:, plan.inputs[-2] :] = 0  # no step reads the last step's inputs
    sums[2][:, : plan.first] = 0  # the first step's hidden vector is the same for all rows
    if len(plan.blocks) == 1:
        for total in sums[:2]:
            total[:] = 0
        return [
            *(total[0] for total in sums),
            array_of(dy).sum(0, dtype=np.float64).astype(np.float32),
        ]
    shares = np.zeros((strips, rows, slots) if dx is not None else (1, 0, 0), np.float32)
    tensors = [ready(t) for t in (x, p.W, p.b, p.V)]
    every, lanes, chunk = dx is not None, LANES, CHUNK
    share, tasks = max(1, _ceil(groups, torch.get_num_threads())), _ceil(H, wide) * splits
    first, seats = threads.wanted(_ceil(groups, share)), threads.wanted(tasks)
    pieces = len(plan.blocks) - 1
    with borrowed() as buffer:
        slot = buffer("slots", rows, slots, dtype=np.int32)
        count = buffer("counts", rows, dtype=np.int32)
        of_groups = buffer("sums of dy", groups, P)
        dy = ready(pad(dy, (0, 0, 0, -rows % kernels.ROWS)) if rows % kernels.ROWS else dy)
        run(kernels.prepare, _ceil(groups, share), first,
            tensors[0], dy, plan.inputs, every, slot, count, of_groups, share,
        )  # fmt: skip
        run(kernels.backward, tasks, seats,
            *tensors, *plan[:4], slot, count, dy, relu, every, shares, *sums, wide, size,
            buffer("W", seats, slots, lanes), buffer("V", seats, P, lanes),
            buffer("dW", seats, slots, lanes), buffer("dV", seats, P, lanes),
            buffer("anchors", seats, chunk, pieces, lanes),
            buffer("carried", seats, 3, chunk, lanes),
            buffer("kept", seats, kernels.ROWS, plan.longest + 1, lanes),
            buffer("marks", seats, chunk, dtype=np.int64),
        )  # fmt: skip
        dc = of_groups.numpy().sum(0, dtype=np.float64).astype(np.float32)
    if dx is not None:
        np.sum(shares, axis=0, out=dx.numpy())
    return [*(s.sum(0) if splits > 1 else s[0] for s in sums), dc]


def _check_shapes(plan: _Plan, x: torch.Tensor, p: Parameters) -> None:
    """Raises ShapeError unless x and the parameters fit the layout; kernels do not check."""
    inputs, outs, H = int(plan.inputs[-1]), int(plan.outputs[-1]), p.W.shape[-1]
    expected = {
        "x": (len(x), inputs),
        "W": (inputs, H),
        "b": (H,),
        "first_hidden": (H,),
        "V": (outs, H),
        "c": (outs,),
    }
    for (name, shape), tensor in zip(expected.items(), (x, *p), strict=True):
        if tensor.shape != shape:
            raise ShapeError(
                f"{name} has shape {tuple(tensor.shape)}; "
                f"this layout and {H} hidden units want {shape}"
            )


def _pitch(W: torch.Tensor) -> int:
    """The number of hidden units, rounded up to whole strips."""
    return _ceil(W.shape[1], LANES) * LANES


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


def _rows_per_task(rows: int) -> int:
    """Rows of a task, in whole groups: a share for each thread, at most CHUNK."""
    share = _ceil(max(rows, 1), torch.get_num_threads())
    return min(CHUNK, _ceil(share, kernels.ROWS) * kernels.ROWS)
