"""NADE in vectorised PyTorch, in blocks of steps. README.md has the derivation.

A block starts from the pre-activation a (N, H) of all earlier inputs. Its distinct hidden states
are the rows of one matrix, so a block costs a few matrix products. Nothing has the size N·D·H.

With ``merge_repeats``, a row gets a new state only after a non-zero input, since the sum changes
only then. With 13 % ones, this saves five sixths of the sigmoids. Without it, every step has its
own state. Shapes then do not depend on the data, and a later input cannot change an earlier output
by one bit.

This module records no gradients: ``autograd.py`` joins ``outputs`` and ``gradients``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch

from chainrule.ops.activations import ACTIVATIONS
from chainrule.ops.nade.parameters import Layout, Parameters

# Steps of a block, by measurement: best with merged states at 13 % ones, and with a state for each
# step.
MERGED_STEPS, FULL_STEPS = 32, 12
BLOCK_NUMBERS = 2**22  # the largest temporary, in numbers: 16 MiB of float32


def outputs(
    x: torch.Tensor, p: Parameters, layout: Layout, *, merge_repeats: bool = False
) -> torch.Tensor:
    """Every step's outputs y (N, P), equal to those of ``reference.recursive``.

    Args:
        x: encoded inputs (N, I), in step order.
        p: the parameters, in step order.
        layout: which rows belong to which step, and the activation.
        merge_repeats: compute a hidden state only after a non-zero input. Results are equal to
            rounding, and several times faster for sparse inputs. The last bits of an output may
            then depend on other cells of the batch.
    """
    W, b, first_hidden, V, c = p
    after_first = layout.outputs[0].stop
    y = x.new_empty(x.shape[0], V.shape[0])
    y[:, :after_first] = V[:after_first] @ first_hidden
    y_later, V_later = y[:, after_first:], V[after_first:]
    blocks = _blocks(layout, MERGED_STEPS if merge_repeats else FULL_STEPS)
    for rows in _row_chunks(x.shape[0], blocks, W.shape[1]):
        a = torch.addmm(b, x[rows, layout.inputs[0]], W[layout.inputs[0]])  # (n, H)
        for block in blocks:
            xb, Wb = x[rows, block.inputs], W[block.inputs]
            states = _states(xb, block, merge=merge_repeats)
            h = _activate_(
                torch.addmm(a[states.row], states.inputs, Wb), layout.activation
            )  # (M, H)
            y_later[rows, block.outputs] = (h @ V_later[block.outputs].T).gather(
                0, states.of_output
            )
            a = torch.addmm(a, xb, Wb)
    return y.add_(c)


def gradients(
    dy: torch.Tensor,
    x: torch.Tensor,
    p: Parameters,
    layout: Layout,
    *,
    need_x: bool,
    merge_repeats: bool = False,
) -> tuple[torch.Tensor | None, Parameters]:
    """Gradients of x (None unless needed) and of the parameters, from dy (N, P) of the outputs."""
    W, b, first_hidden, V, _ = p
    # ∂/∂x_j needs separate states on both sides of j, even if x_j is zero.
    merge = merge_repeats and not need_x
    after_first, first_inputs = layout.outputs[0].stop, layout.inputs[0]
    dy_later, V_later = dy[:, after_first:], V[after_first:]
    dx = torch.zeros_like(x) if need_x else None
    dW, db, dV_later = torch.zeros_like(W), torch.zeros_like(b), torch.zeros_like(V_later)
    blocks = _blocks(layout, MERGED_STEPS if merge else FULL_STEPS)
    for rows in _row_chunks(x.shape[0], blocks, W.shape[1], keeps_starts=True):
        a = torch.addmm(b, x[rows, first_inputs], W[first_inputs])  # (n, H)
        # a at the start of each block, summed as in the forward pass, so h is the same to the bit.
        starts = []
        for block in blocks:
            starts.append(a)
            a = torch.addmm(a, x[rows, block.inputs], W[block.inputs])
        da = torch.zeros_like(a)  # gradient of the a that later blocks start from
        for block, start in zip(reversed(blocks), reversed(starts), strict=True):
            xb, Wb, Vb = x[rows, block.inputs], W[block.inputs], V_later[block.outputs]
            states = _states(xb, block, merge=merge)
            h = _activate_(
                torch.addmm(start[states.row], states.inputs, Wb), layout.activation
            )  # (M, H)
            g = x.new_zeros(len(h), Vb.shape[0])  # (M, P_b)
            g.scatter_(0, states.of_output, dy_later[rows, block.outputs])
            dV_later[block.outputs].addmm_(g.T, h)
            ds = _times_slope_(g @ Vb, h, layout.activation)  # (M, H)
            dW[block.inputs].addmm_(states.inputs.T, ds).addmm_(xb.T, da)
            if dx is not None:
                inside = torch.where(states.known, ds @ Wb.T, 0)  # (M, I_b)
                dx[rows, block.inputs] = (da @ Wb.T).index_add_(0, states.row, inside)
            da.index_add_(0, states.row, ds)
        db += da.sum(0)
        dW[first_inputs].addmm_(x[rows, first_inputs].T, da)
        if dx is not None:
            dx[rows, first_inputs] = da @ W[first_inputs].T
    dy_first = dy[:, :after_first].sum(0)  # (P_0,): all rows have the same first hidden vector
    dV = torch.cat([torch.outer(dy_first, first_hidden), dV_later])
    return dx, Parameters(dW, db, V[:after_first].T @ dy_first, dV, dy.sum(0))


def sample(
    uniforms: torch.Tensor,
    p: Parameters,
    layout: Layout,
    *,
    values: torch.Tensor,
    observed: torch.Tensor,
    temperature: float = 1.0,
) -> torch.Tensor:
    """Binary rows (N, D) in step order, with x_k = 1 where uniforms < σ(y_k / temperature).

    Observed cells keep their values.
    """
    W, b, first_hidden, V, c = p
    x = values.clone()
    a = b.repeat(len(x), 1)  # (N, H)
    h = first_hidden.expand(len(x), -1)  # (N, H)
    for k in range(layout.steps):
        if k == 1:
            a = torch.addmm(a, x[:, :1], W[:1])
            h = ACTIVATIONS[layout.activation](a)
        if k < 2:
            y = torch.addmv(c[k].expand(len(x)), h, V[k])  # (N,)
        else:
            step = W[k - 1 : k], V[k : k + 1], c[k : k + 1]
            y = advance(a, h, x[:, k - 1 : k], *step, activation=layout.activation)[:, 0]
        drawn = (uniforms[:, k] < torch.sigmoid(y / temperature)).to(x.dtype)
        x[:, k] = torch.where(observed[:, k], x[:, k], drawn)
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
    a.addmm_(x, W)
    _activate_(h.copy_(a), activation)
    return torch.addmm(c, h, V.T)


def last_hidden(x: torch.Tensor, p: Parameters, layout: Layout) -> torch.Tensor:
    """The hidden vector that predicts the last step, (N, H): one matrix product."""
    if layout.steps == 1:
        return p.first_hidden.expand(x.shape[0], -1)
    known = layout.inputs[-1].start
    return ACTIVATIONS[layout.activation](torch.addmm(p.b, x[:, :known], p.W[:known]))


def all_hidden(x: torch.Tensor, p: Parameters, layout: Layout) -> torch.Tensor:
    """Every step's hidden vector, (N, D, H), in step order; the only result of this size."""
    a = p.b.expand(x.shape[0], -1)
    hidden = [p.first_hidden.expand(x.shape[0], -1)]
    for inputs in layout.inputs[:-1]:
        a = a + x[:, inputs] @ p.W[inputs]  # (N, H)
        hidden.append(ACTIVATIONS[layout.activation](a))
    return torch.stack(hidden, dim=1)  # (N, D, H)


def _activate_(a: torch.Tensor, activation: str) -> torch.Tensor:
    return a.sigmoid_() if activation == "sigmoid" else a.relu_()


def _times_slope_(gradient: torch.Tensor, h: torch.Tensor, activation: str) -> torch.Tensor:
    """Multiplies the gradient of h by the slope of the activation, given h."""
    if activation == "sigmoid":
        return gradient.mul_(h).mul_(1 - h)
    return gradient.mul_(h > 0)


@dataclass(frozen=True)
class _Block:
    """Consecutive steps after the first, with their inputs and outputs.

    Attributes:
        steps: the number of steps.
        inputs: the inputs of these steps. Later steps of the block read them; then they are added
            to a for the next block.
        outputs: the steps' rows of V, counted from the first row after the first step's.
        input_step: for each input, the step of the block after which it is known, (I_b,).
        output_step: for each output, its step in the block, (P_b,).
    """

    steps: int
    inputs: slice
    outputs: slice
    input_step: torch.Tensor
    output_step: torch.Tensor


@lru_cache(maxsize=64)
def _blocks(layout: Layout, steps_per_block: int) -> tuple[_Block, ...]:
    """Cuts steps 1 … D−1 into blocks. No step reads the inputs of the last one."""
    blocks, after_first = [], layout.outputs[0].stop
    for s in range(1, layout.steps, steps_per_block):
        e = min(s + steps_per_block, layout.steps)
        readable = range(s, min(e, layout.steps - 1))
        start = layout.inputs[s].start
        stop = layout.inputs[readable[-1]].stop if len(readable) else start
        blocks.append(
            _Block(
                steps=e - s,
                inputs=slice(start, stop),
                outputs=slice(
                    layout.outputs[s].start - after_first, layout.outputs[e - 1].stop - after_first
                ),
                input_step=torch.tensor(
                    [k - s for k in readable for _ in range(layout.input_widths[k])]
                ).long(),
                output_step=torch.tensor(
                    [k - s for k in range(s, e) for _ in range(layout.output_widths[k])]
                ),
            )
        )
    return tuple(blocks)


@dataclass(frozen=True)
class _States:
    """The distinct hidden states of one block, M in all, ordered by row, then step.

    Attributes:
        row: the row of each state, (M,).
        inputs: the block's inputs that the state depends on, the others zero, (M, I_b).
        known: the mask of those inputs, bool (M, I_b).
        of_output: the state that each output reads, (N, P_b).
    """

    row: torch.Tensor
    inputs: torch.Tensor
    known: torch.Tensor
    of_output: torch.Tensor


def _states(x: torch.Tensor, block: _Block, *, merge: bool) -> _States:
    input_step, output_step = block.input_step.to(x.device), block.output_step.to(x.device)
    new = torch.ones(x.shape[0], block.steps, dtype=torch.bool, device=x.device)  # (N, steps)
    if merge and block.steps > 1:
        inside = input_step < block.steps - 1  # only the next block reads the last inputs
        changed = torch.zeros(x.shape[0], block.steps - 1, dtype=torch.int32, device=x.device)
        changed.index_add_(1, input_step[inside], (x[:, inside] != 0).int())
        new[:, 1:] = changed > 0
    number = new.flatten().cumsum(0).view_as(new) - 1  # (N, steps)
    row, step = new.nonzero(as_tuple=True)
    known = input_step < step[:, None]  # (M, I_b)
    inputs = torch.where(known, x[row], 0)  # a product would let an unknown NaN through
    return _States(row, inputs, known, number[:, output_step])


def _row_chunks(
    rows: int, blocks: tuple[_Block, ...], hidden: int, *, keeps_starts: bool = False
) -> Iterator[slice]:
    """Chunks of rows so short that no temporary exceeds BLOCK_NUMBERS; none without blocks."""
    if not blocks:
        return
    numbers = [
        block.steps * max(hidden, len(block.input_step), len(block.output_step)) for block in blocks
    ]
    if keeps_starts:  # the backward pass keeps the sums at the starts of blocks
        numbers.append(len(blocks) * hidden)
    size = max(1, BLOCK_NUMBERS // max(numbers))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
