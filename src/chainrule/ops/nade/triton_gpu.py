"""NADE on a GPU in Triton: forward, backward and sampling, with one kernel launch each.

A program keeps the pre-activations of its rows in registers and goes through the steps. If no row
has a non-zero input, the sum stays the same, and the program skips the load of W and the
activation. Nothing has the size N·D·H. README.md has the derivation and the cost.

This module records no gradients: ``autograd.py`` joins ``outputs`` and ``gradients``. All
arithmetic is float32 without tensor cores, for any dtype of the inputs. Sums have a fixed sequence,
without atomics: the same call gives the same bits.
"""

# A kernel's arguments are pointers and numbers, whose types Triton takes from the call. Its stubs
# describe neither the body of a kernel nor the options of a launch.
# ruff: noqa: ANN001, ANN202
# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache

import torch
import triton
import triton.language as tl

from chainrule.errors import BackendError
from chainrule.ops.nade.parameters import Layout, Parameters

# Reasoning about an H200 (132 multiprocessors with 4 schedulers each) led to these constants; none
# is measured yet.

# Forward: rows × hidden units per warp. a and h take 32 registers each, so nothing spills.
WARP_NUMBERS = 1024
# Rows of a forward program with few hidden units; more rows would skip less often.
MOST_ROWS = 8
# A row then has 4 warps. Wider networks would need a loop over slices of the hidden axis.
MOST_HIDDEN = 4096
# Hidden units of a backward program: one warp, a unit per thread, so sums over rows need no
# barrier.
SLICE = 32
# Rows of a backward program, tried in turn: more reuse V, fewer skip more often and fill the GPU
# sooner.
TILE_ROWS = (16, 8)
# Backward programs, at most: two warps per scheduler. Tiles grow only if there are half as many.
PROGRAMS = 1056
# Steps between stored sums. They bound the roundings of subtraction, and cost 1/32 of N·D·H
# numbers.
ANCHOR = 32
# Numbers of dV and dW before the sum over row groups: 256 MiB of float32.
PARTIAL_NUMBERS = 2**26
# Numbers of dx before the sum over slices: 64 MiB of float32.
DX_NUMBERS = 2**24

# Multiply-adds are rounded once. Each launch says so, because Triton's default depends on its
# version.
FUSED = True
# One kernel serves all values of these.
SIZES = ["rows", "tiles", "tiles_per_group", "steps", "slots", "outputs", "first_output"]


def available() -> str | None:
    """The reason why these kernels cannot run, or None."""
    if not isinstance(_outputs_kernel, triton.JITFunction):
        return None  # under TRITON_INTERPRET=1 they run on the CPU, slowly, for tests
    if not torch.cuda.is_available():
        return "no CUDA device"
    if torch.version.hip is None and torch.cuda.get_device_capability() < (8, 0):
        return f"Triton needs compute capability 8.0, and {torch.cuda.get_device_name()} is older"
    return None


def unsupported(hidden: int, dtype: torch.dtype) -> str | None:
    """The reason why the kernels cannot serve so many hidden units, or this dtype, or None."""
    if dtype not in (torch.float32, torch.bfloat16):
        return (
            "the Triton kernels compute in float32 and take float32 or bfloat16 parameters, "
            f"not {dtype}"
        )
    if hidden > MOST_HIDDEN:
        return (
            "the Triton kernels hold a row's hidden vector in registers: "
            f"at most {MOST_HIDDEN} units, not {hidden}"
        )
    return None


def outputs(x: torch.Tensor, p: Parameters, layout: Layout) -> torch.Tensor:
    """Every step's outputs y (N, P) in W's dtype, equal to those of ``reference.recursive``.

    A row's outputs depend, to the bit, neither on other rows nor on later inputs.
    """
    W, b, first_hidden, V, c = p
    hidden = _checked(W)
    plan = _plan(layout, W.device)
    y = _empty((x.shape[0], V.shape[0]), W, W.dtype)
    first = slice(0, plan.first_output)
    y[:, first] = c[first].float() + (V[first].float() * first_hidden.float()).sum(1)
    if x.shape[0] == 0 or layout.steps == 1:
        return y
    block_n, block_h, warps = _row_blocks(hidden)
    with _on(W):
        _outputs_kernel[(triton.cdiv(x.shape[0], block_n),)](
            x,
            W.contiguous(),
            b.contiguous(),
            V.contiguous(),
            c.contiguous(),
            y,
            plan.input_stops,
            plan.output_stops,
            x.shape[0],
            layout.steps,
            plan.slots,
            V.shape[0],
            plan.first_output,
            *x.stride(),
            *y.stride(),
            HIDDEN=hidden,
            BLOCK_N=block_n,
            BLOCK_H=block_h,
            RELU=layout.activation == "relu",
            UNIT=plan.unit,
            num_warps=warps,
            enable_fp_fusion=FUSED,
        )
    return y


def gradients(
    dy: torch.Tensor, x: torch.Tensor, p: Parameters, layout: Layout, *, need_x: bool
) -> tuple[torch.Tensor | None, Parameters]:
    """Gradients of x (None unless ``need_x``) and of the parameters, each in its own dtype.

    Args:
        dy: gradient of ``outputs``, (N, P).
        x: encoded inputs, (N, I), in step order.
        p: the parameters, in step order.
        layout: which rows belong to which step, and the activation.
        need_x: whether to compute the gradient of x; no step can then be skipped.
    """
    p = Parameters(*(t.contiguous() for t in p))
    W, b, first_hidden, V, _ = p
    hidden = _checked(W)
    plan = _plan(layout, W.device)
    first, rest = slice(0, plan.first_output), slice(plan.first_output, V.shape[0])
    dc = dy.sum(0, dtype=torch.float32)  # (P,)
    dW = torch.zeros(W.shape, dtype=torch.float32, device=W.device)
    dV = torch.zeros(V.shape, dtype=torch.float32, device=W.device)
    db = torch.zeros(hidden, dtype=torch.float32, device=W.device)
    dx = torch.zeros(x.shape, dtype=x.dtype, device=x.device) if need_x else None
    dV[first] = dc[first, None] * first_hidden.float()
    dfirst = (dc[first, None] * V[first].float()).sum(0)
    if x.shape[0] > 0 and layout.steps > 1:
        slices = triton.cdiv(hidden, SLICE)
        size = max(1, DX_NUMBERS // max(1, slices * plan.slots)) if need_x else x.shape[0]
        for start in range(0, x.shape[0], size):
            rows = slice(start, start + size)
            sums = _gradient_sums(dy[rows], x[rows, : plan.slots], p, layout, plan, need_x)
            dV[rest] += sums[0]
            dW[: plan.slots] += sums[1]
            db += sums[2]
            if dx is not None:
                dx[rows, : plan.slots] = sums[3].T
    dfirst, dc = dfirst.to(first_hidden.dtype), dc.to(dy.dtype)
    return dx, Parameters(dW.to(W.dtype), db.to(b.dtype), dfirst, dV.to(V.dtype), dc)


def sample(
    uniforms: torch.Tensor,
    p: Parameters,
    layout: Layout,
    *,
    values: torch.Tensor,
    observed: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Binary rows (N, D) in step order and W's dtype: x_k = 1 where u_k < σ(y_k / temperature).

    Args:
        uniforms: u, float64 (N, D). They are compared in float64 with the float32 probability, as
            in ``reference.sample``.
        p: the parameters, in step order.
        layout: the layout of binary columns.
        values: the values of observed cells, (N, D).
        observed: the mask of cells that keep their values, bool (N, D).
        temperature: divides every logit.
    """
    W, b, first_hidden, V, c = p
    hidden = _checked(W)
    rows, steps = uniforms.shape
    x = _empty((rows, steps), W, W.dtype)
    if rows == 0:
        return x
    block_n, block_h, warps = _row_blocks(hidden)
    with _on(W):
        _sample_kernel[(triton.cdiv(rows, block_n),)](
            uniforms,
            values,
            observed.view(torch.uint8),
            W.contiguous(),
            b.contiguous(),
            first_hidden.contiguous(),
            V.contiguous(),
            c.contiguous(),
            x,
            rows,
            steps,
            float(temperature),
            *uniforms.stride(),
            *values.stride(),
            *observed.stride(),
            *x.stride(),
            HIDDEN=hidden,
            BLOCK_N=block_n,
            BLOCK_H=block_h,
            RELU=layout.activation == "relu",
            num_warps=warps,
            enable_fp_fusion=FUSED,
        )
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
    """One step of sampling: a += x W and h = σ(a) in place; returns c + h Vᵀ (N, p) in W's dtype.

    Rows whose inputs are all zero keep their a and h.

    Args:
        a: pre-activations, (N, H).
        h: hidden vectors of these, (N, H).
        x: the inputs that the last step added, (N, i); i may be 0.
        W: their weights, (i, H).
        V: output weights of the next step, (p, H).
        c: its output biases, (p,).
        activation: "sigmoid" or "relu".
    """
    hidden = _checked(W)
    params = _empty((a.shape[0], V.shape[0]), W, W.dtype)
    if a.shape[0] == 0:
        return params
    a_rows, h_rows = a.contiguous(), h.contiguous()
    block_n, block_h, warps = _row_blocks(hidden)
    with _on(W):
        _advance_kernel[(triton.cdiv(a.shape[0], block_n),)](
            a_rows,
            h_rows,
            x,
            W.contiguous(),
            V.contiguous(),
            c.contiguous(),
            params,
            a.shape[0],
            x.shape[1],
            V.shape[0],
            *x.stride(),
            *params.stride(),
            HIDDEN=hidden,
            BLOCK_N=block_n,
            BLOCK_H=block_h,
            RELU=activation == "relu",
            num_warps=warps,
            enable_fp_fusion=FUSED,
        )
    for given, used in ((a, a_rows), (h, h_rows)):
        if used is not given:
            given.copy_(used)
    return params


@dataclass(frozen=True)
class _Plan:
    """A layout as the kernels read it.

    Attributes:
        input_stops: the end of each step's inputs, int32 (D,); the last step's are left out.
        output_stops: the end of each step's outputs, int32 (D,).
        slots: the number of inputs that some step reads: all but the last step's.
        first_output: the number of outputs of step 0, which the kernels do not compute.
        unit: whether each step has one input and one output, so that nothing is looked up.
    """

    input_stops: torch.Tensor
    output_stops: torch.Tensor
    slots: int
    first_output: int
    unit: bool


@lru_cache(maxsize=64)
def _plan(layout: Layout, device: torch.device) -> _Plan:
    slots = layout.inputs[-1].start
    inputs = [min(s.stop, slots) for s in layout.inputs]
    return _Plan(
        input_stops=torch.tensor(inputs, dtype=torch.int32, device=device),
        output_stops=torch.tensor(
            [s.stop for s in layout.outputs], dtype=torch.int32, device=device
        ),
        slots=slots,
        first_output=layout.outputs[0].stop,
        unit=set(layout.input_widths) == set(layout.output_widths) == {1},
    )


def _checked(W: torch.Tensor) -> int:
    """The number of hidden units; raises BackendError if these kernels cannot serve it."""
    if reason := unsupported(W.shape[1], W.dtype):
        raise BackendError(reason)
    return W.shape[1]


def _empty(
    shape: tuple[int, ...], like: torch.Tensor, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device=like.device)


def _on(tensor: torch.Tensor) -> AbstractContextManager[object]:
    """Makes the tensor's device the current one, on which Triton launches."""
    return torch.cuda.device_of(tensor)


def _row_blocks(hidden: int) -> tuple[int, int, int]:
    """Rows, hidden units (padded) and warps of a program that holds whole hidden vectors.

    They depend on the network, not on N, so a row's sums have the same sequence in every batch. One
    warp is best if it suffices: its sums over the hidden axis need no barrier.
    """
    block_h = max(32, triton.next_power_of_2(hidden))
    warps = max(1, block_h // WARP_NUMBERS)
    return min(MOST_ROWS, max(1, WARP_NUMBERS // block_h)), block_h, warps


def _gradient_sums(
    dy: torch.Tensor,
    x: torch.Tensor,
    p: Parameters,
    layout: Layout,
    plan: _Plan,
    need_x: bool,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The rows' shares of dV (P', H), dW (I', H) and db, and their dx (I', N).

    dV leaves out the first step's outputs, dW the last step's inputs. ``p`` is contiguous.
    """
    W, b, _, V, _ = p
    (rows, slots), hidden, later_outputs = x.shape, W.shape[1], V.shape[0] - plan.first_output
    slices = triton.cdiv(hidden, SLICE)
    enough = (size for size in TILE_ROWS if slices * triton.cdiv(rows, size) >= PROGRAMS // 2)
    block_n = next(enough, TILE_ROWS[-1])
    tiles = triton.cdiv(rows, block_n)
    affordable = PARTIAL_NUMBERS // ((later_outputs + slots) * hidden)
    tiles_per_group = triton.cdiv(tiles, max(1, min(PROGRAMS // slices, affordable)))
    groups = triton.cdiv(tiles, tiles_per_group)
    anchors = _empty((groups, slices, (layout.steps - 1) // ANCHOR, block_n, SLICE), W)
    dV = _empty((groups, later_outputs, hidden), W)
    dW = _empty((groups, slots, hidden), W)
    db = _empty((groups, hidden), W)
    dx = _empty((slices, slots, tiles * block_n) if need_x else (0, 0, 0), W)
    with _on(W):
        _gradients_kernel[(slices, groups)](
            _columns(dy, tiles * block_n),
            _columns(x, tiles * block_n),
            W,
            b,
            V,
            plan.input_stops,
            plan.output_stops,
            anchors,
            dV,
            dW,
            db,
            dx,
            tiles * block_n,
            tiles,
            tiles_per_group,
            layout.steps,
            slots,
            V.shape[0],
            plan.first_output,
            HIDDEN=hidden,
            BLOCK_N=block_n,
            BLOCK_H=SLICE,
            ANCHOR=ANCHOR,
            RELU=layout.activation == "relu",
            UNIT=plan.unit,
            NEED_X=need_x,
            num_warps=1,
            enable_fp_fusion=FUSED,
        )
    return dV.sum(0), dW.sum(0), db.sum(0), dx.sum(0)[..., :rows]


def _columns(table: torch.Tensor, rows: int) -> torch.Tensor:
    """The transpose in float32, (·, rows), zero beyond the table's rows.

    A step of a tile is then one cache line, not one for each row.
    """
    columns = _empty((table.shape[1], rows), table)
    columns[:, : table.shape[0]] = table.T
    columns[:, table.shape[0] :] = 0
    return columns


# Below, n are rows and m hidden units of a program; ``row`` and ``unit`` are the masks of those
# that exist. Others are loaded as zero and add nothing. Offsets that multiply sizes are int64.


@triton.jit
def _activate(a, RELU: tl.constexpr):
    """The activation, without a clamp: NaN stays, and 1 / inf is 0 if exp(−a) overflows."""
    if RELU:
        h = tl.where(a <= 0, 0.0, a)
    else:
        h = 1.0 / (1.0 + tl.exp(-a))
    return h


@triton.jit
def _times_slope(gradient, h, RELU: tl.constexpr):
    if RELU:
        product = tl.where(h <= 0, 0.0, gradient)
    else:
        product = gradient * h * (1.0 - h)
    return product


@triton.jit
def _row(table, i, m, unit, HIDDEN: tl.constexpr):
    """Row i of a contiguous (·, H) table as float32, in the shape of m."""
    return tl.load(table + tl.cast(i, tl.int64) * HIDDEN + m, mask=unit, other=0.0).to(tl.float32)


@triton.jit
def _slot(x_rows, x_column, i, n, rows, slots):
    """Column i of some rows of x as float32; zero for absent rows or columns."""
    exists = n < tl.where(i < slots, rows, 0)
    return tl.load(x_rows + i * tl.cast(x_column, tl.int64), mask=exists, other=0.0).to(tl.float32)


@triton.jit
def _any(x):
    """1 if some number is not zero, or NaN, else 0: a scalar to branch on."""
    return tl.max((x != 0).to(tl.int32), axis=0)


@triton.jit(do_not_specialize=SIZES)
def _outputs_kernel(
    x,
    W,
    b,
    V,
    c,
    y,
    input_stops,
    output_stops,
    rows,
    steps,
    slots,
    outputs,
    first_output,
    x_row,
    x_column,
    y_row,
    y_column,
    HIDDEN: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_H: tl.constexpr,
    RELU: tl.constexpr,
    UNIT: tl.constexpr,
):
    n = tl.program_id(0).to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
    m = tl.arange(0, BLOCK_H)[None, :]  # (1, H): in this shape, threads need not reorder a row of V
    row, unit = n < rows, m < HIDDEN
    x_rows, y_rows = x + n * x_row, y + n * y_row
    a = tl.zeros((BLOCK_N, BLOCK_H), tl.float32) + _row(b, 0, m, unit, HIDDEN)
    h = a
    p_start, i_start = first_output, 0
    # Data of the next output and the next slot are loaded early, so the wait overlaps with work.
    v = _row(V, first_output, m, unit, HIDDEN)
    x_i = _slot(x_rows, x_column, 0, n, rows, slots)
    for k in range(0, steps):
        if UNIT:
            p_stop, i_stop = k + 1, tl.minimum(k + 1, slots)
        else:
            p_stop, i_stop = tl.load(output_stops + k), tl.load(input_stops + k)
        for p in range(p_start, p_stop):  # none at step 0
            v_next = _row(V, tl.minimum(p + 1, outputs - 1), m, unit, HIDDEN)
            y_p = tl.sum(h * v, axis=1) + tl.load(c + p).to(tl.float32)
            tl.store(y_rows + p * tl.cast(y_column, tl.int64), y_p, mask=row)
            v = v_next
        changed = 0
        for i in range(i_start, i_stop):  # none at the last step
            x_next = _slot(x_rows, x_column, i + 1, n, rows, slots)
            if _any(x_i) != 0:
                a += x_i[:, None] * _row(W, i, m, unit, HIDDEN)
                changed = 1
            x_i = x_next
        if (changed != 0) | (k == 0):
            h = _activate(a, RELU)
        p_start, i_start = p_stop, i_stop


@triton.jit(do_not_specialize=SIZES)
def _sample_kernel(
    uniforms,
    values,
    observed,
    W,
    b,
    first_hidden,
    V,
    c,
    x,
    rows,
    steps,
    temperature,
    uniforms_row,
    uniforms_column,
    values_row,
    values_column,
    observed_row,
    observed_column,
    x_row,
    x_column,
    HIDDEN: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_H: tl.constexpr,
    RELU: tl.constexpr,
):
    n = tl.program_id(0).to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
    m = tl.arange(0, BLOCK_H)[None, :]
    row, unit = n < rows, m < HIDDEN
    uniforms_rows, uniforms_column = uniforms + n * uniforms_row, tl.cast(uniforms_column, tl.int64)
    values_rows, values_column = values + n * values_row, tl.cast(values_column, tl.int64)
    observed_rows, observed_column = observed + n * observed_row, tl.cast(observed_column, tl.int64)
    x_rows, x_column = x + n * x_row, tl.cast(x_column, tl.int64)
    a = tl.zeros((BLOCK_N, BLOCK_H), tl.float32) + _row(b, 0, m, unit, HIDDEN)
    h = tl.zeros((BLOCK_N, BLOCK_H), tl.float32) + _row(first_hidden, 0, m, unit, HIDDEN)
    v = _row(V, 0, m, unit, HIDDEN)
    for k in range(0, steps):
        v_next = _row(V, tl.minimum(k + 1, steps - 1), m, unit, HIDDEN)
        u = tl.load(
            uniforms_rows + k * uniforms_column, mask=row, other=2.0
        )  # absent rows draw no ones
        known = tl.load(observed_rows + k * observed_column, mask=row, other=0) != 0
        value = tl.load(values_rows + k * values_column, mask=known, other=0.0).to(tl.float32)
        logit = (tl.sum(h * v, axis=1) + tl.load(c + k).to(tl.float32)) / temperature
        one = u < _activate(logit, False).to(tl.float64)
        x_k = tl.where(known, value, one.to(tl.float32))
        tl.store(x_rows + k * x_column, x_k, mask=row)
        if (_any(x_k) != 0) | (k == 0):  # step 1 is always new, for h_1 is a parameter
            a += x_k[:, None] * _row(W, k, m, unit, HIDDEN)
            h = _activate(a, RELU)
        v = v_next


@triton.jit(do_not_specialize=SIZES)
def _advance_kernel(
    a,
    h,
    x,
    W,
    V,
    c,
    params,
    rows,
    slots,
    outputs,
    x_row,
    x_column,
    params_row,
    params_column,
    HIDDEN: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_H: tl.constexpr,
    RELU: tl.constexpr,
):
    n = tl.program_id(0).to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
    m = tl.arange(0, BLOCK_H)[None, :]
    row, unit = n < rows, m < HIDDEN
    x_rows, params_rows = x + n * x_row, params + n * params_row
    a_cells, h_cells = a + n[:, None] * HIDDEN + m, h + n[:, None] * HIDDEN + m
    cell = row[:, None] & unit
    h_now = tl.load(h_cells, mask=cell, other=0.0).to(tl.float32)
    changed = tl.zeros((BLOCK_N,), tl.int32)
    for i in range(0, slots):
        changed |= (_slot(x_rows, x_column, i, n, rows, slots) != 0).to(tl.int32)
    if _any(changed) != 0:
        a_now = tl.load(a_cells, mask=cell, other=0.0).to(tl.float32)
        for i in range(0, slots):
            x_i = _slot(x_rows, x_column, i, n, rows, slots)
            if _any(x_i) != 0:
                a_now += x_i[:, None] * _row(W, i, m, unit, HIDDEN)
        new = (changed != 0)[:, None] & cell
        h_now = tl.where(new, _activate(a_now, RELU), h_now)
        tl.store(a_cells, a_now, mask=new)
        tl.store(h_cells, h_now, mask=new)
    for p in range(0, outputs):
        y_p = tl.sum(h_now * _row(V, p, m, unit, HIDDEN), axis=1) + tl.load(c + p).to(tl.float32)
        tl.store(params_rows + p * tl.cast(params_column, tl.int64), y_p, mask=row)


# Unspecialised anchors are stored like everything else: a thread has one hidden unit, for all rows
# of the tile. If the compiler knew their alignment, it would store four units per thread and
# reorder others.
@triton.jit(do_not_specialize=SIZES, do_not_specialize_on_alignment=["anchors"])
def _gradients_kernel(
    dy,
    x,
    W,
    b,
    V,
    input_stops,
    output_stops,
    anchors,
    dV,
    dW,
    db,
    dx,
    rows,
    tiles,
    tiles_per_group,
    steps,
    slots,
    outputs,
    first_output,
    HIDDEN: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_H: tl.constexpr,
    ANCHOR: tl.constexpr,
    RELU: tl.constexpr,
    UNIT: tl.constexpr,
    NEED_X: tl.constexpr,
):
    """The gradients of a slice of hidden units and a group of rows.

    dy, x and dx are transposed, (·, N), with whole tiles of rows. For each tile, the program first
    goes up the steps for the sums a, and stores every ANCHOR-th. Then it goes down and subtracts
    the inputs again. ``dh`` sums the gradient of h over the run of steps that share it. ``da`` sums
    that of a over all steps so far. ``dh`` is added to ``da`` when an input ends the run.
    """
    s, group = tl.program_id(0), tl.program_id(1)
    m = s * BLOCK_H + tl.arange(0, BLOCK_H)
    unit = m < HIDDEN
    wide = tl.cast(rows, tl.int64)
    dV += (tl.cast(group, tl.int64) * (outputs - first_output) - first_output) * HIDDEN
    dW += tl.cast(group, tl.int64) * slots * HIDDEN
    dx += tl.cast(s, tl.int64) * slots * wide
    tile_numbers: tl.constexpr = BLOCK_N * BLOCK_H
    anchors += (
        (tl.cast(group, tl.int64) * tl.num_programs(0) + s) * ((steps - 1) // ANCHOR) * tile_numbers
    )
    anchor = anchors + tl.arange(0, BLOCK_N)[:, None] * BLOCK_H + tl.arange(0, BLOCK_H)[None, :]
    bias = _row(b, 0, m, unit, HIDDEN)
    last_slot = tl.maximum(slots - 1, 0)
    for tile in range(0, tl.minimum(tiles_per_group, tiles - group * tiles_per_group)):
        n = (group * tiles_per_group + tile) * BLOCK_N + tl.arange(0, BLOCK_N)
        old = m < tl.where(tile > 0, HIDDEN, 0)  # the first tile has no sums to add to
        tl.debug_barrier()  # anchors and sums of the previous tile are complete

        a = tl.zeros((BLOCK_N, BLOCK_H), tl.float32) + bias[None, :]
        i_start = 0
        if slots > 0:
            x_i, w = tl.load(x + n), _row(W, 0, m, unit, HIDDEN)
        else:
            x_i, w = tl.zeros((BLOCK_N,), tl.float32), bias
        for k in range(0, steps - 1):
            if UNIT:
                i_stop = k + 1
            else:
                i_stop = tl.load(input_stops + k)
            for i in range(i_start, i_stop):
                i_next = tl.minimum(i + 1, last_slot)
                x_next, w_next = tl.load(x + i_next * wide + n), _row(W, i_next, m, unit, HIDDEN)
                if _any(x_i) != 0:
                    a += x_i[:, None] * w[None, :]
                x_i, w = x_next, w_next
            if (k + 1) % ANCHOR == 0:  # a is now what step k + 1 reads
                tl.store(anchor + tl.cast((k + 1) // ANCHOR - 1, tl.int64) * tile_numbers, a)
            i_start = i_stop
        tl.debug_barrier()  # a load below may read what another thread stored, if layouts differ

        h = _activate(a, RELU)
        dh = tl.zeros((BLOCK_N, BLOCK_H), tl.float32)
        da = tl.zeros((BLOCK_N, BLOCK_H), tl.float32)
        p_stop, i_stop = outputs, slots  # x_i and w are already those of the last slot
        v, g = _row(V, outputs - 1, m, unit, HIDDEN), tl.load(dy + (outputs - 1) * wide + n)
        for k in range(steps - 1, 0, -1):  # a and h are those of step k
            if UNIT:
                p_start, i_start = k, k - 1
            else:
                p_start = tl.load(output_stops + k - 1)
                i_start = tl.load(input_stops + k - 2, mask=k > 1, other=0)
            for p in range(p_stop - 1, p_start - 1, -1):
                cells = dV + tl.cast(p, tl.int64) * HIDDEN + m
                total = tl.load(cells, mask=old, other=0.0)
                p_next = tl.maximum(p - 1, first_output)
                v_next, g_next = _row(V, p_next, m, unit, HIDDEN), tl.load(dy + p_next * wide + n)
                dh += g[:, None] * v[None, :]
                tl.store(cells, total + tl.sum(g[:, None] * h, axis=0), mask=unit)
                v, g = v_next, g_next
            changed = 0
            for i in range(
                i_stop - 1, i_start - 1, -1
            ):  # slots of step k − 1, known from step k on
                cells = dW + tl.cast(i, tl.int64) * HIDDEN + m
                total = tl.load(cells, mask=old, other=0.0)
                i_next = tl.maximum(i - 1, 0)
                x_next, w_next = tl.load(x + i_next * wide + n), _row(W, i_next, m, unit, HIDDEN)
                active = _any(x_i)
                if NEED_X or active != 0:
                    da += _times_slope(dh, h, RELU)
                    dh = tl.zeros((BLOCK_N, BLOCK_H), tl.float32)
                    a -= x_i[:, None] * w[None, :]
                    total += tl.sum(x_i[:, None] * da, axis=0)
                    if NEED_X:
                        tl.store(dx + i * wide + n, tl.sum(da * w[None, :], axis=1))
                    changed |= active
                tl.store(cells, total, mask=unit)
                x_i, w = x_next, w_next
            if ((k - 1) % ANCHOR == 0) & (k > 1):
                da += _times_slope(dh, h, RELU)
                dh = tl.zeros((BLOCK_N, BLOCK_H), tl.float32)
                a = tl.load(anchor + tl.cast((k - 1) // ANCHOR - 1, tl.int64) * tile_numbers)
                changed = 1
            if changed != 0:
                h = _activate(a, RELU)
            p_stop, i_stop = p_start, i_start
        da += _times_slope(dh, h, RELU)
        cells = db + tl.cast(group, tl.int64) * HIDDEN + m
        tl.store(cells, tl.load(cells, mask=old, other=0.0) + tl.sum(da, axis=0), mask=unit)
