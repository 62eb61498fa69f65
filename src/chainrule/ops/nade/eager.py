"""NADE in vectorised PyTorch: blocks of steps, its own backward, nothing of size N·D·H. Derivation: README.md beside.

A block of steps starts from the pre-activation a (N, H) that all earlier inputs gave. Inside it, the distinct hidden
states are gathered as rows of one matrix, so that a block costs a few matrix products. With ``merge_repeats`` a row
gets a new state only where an input is non-zero (elsewhere the sum did not change): at 13 % ones that is a sixth of
the sigmoids. Without it every step has its own state, shapes do not depend on the data, and a later input cannot change
an earlier output by even one bit.

No gradients are recorded here: ``autograd.py`` joins ``outputs`` and ``gradients``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch

from chainrule.ops.activations import ACTIVATIONS
from chainrule.ops.nade.parameters import Layout, Parameters

MERGED_STEPS, FULL_STEPS = 32, 12  # steps per block: measured best at 13 % ones, and with a state for every step
BLOCK_NUMBERS = 2**22  # the largest temporary, in numbers: 16 MiB of float32


def outputs(x: torch.Tensor, p: Parameters, layout: Layout, *, merge_repeats: bool = False) -> torch.Tensor:
    """Every step's outputs y (N, P): the same numbers as ``reference.recursive``, arguments as there.

    Args:
        x: encoded inputs (N, I), in step order.
        p: the parameters, in step order.
        layout: which rows belong to which step, and the activation.
        merge_repeats: compute the hidden state only where an input is non-zero. Equal to rounding, several times
            faster on sparse inputs; an output's last bits may then depend on other cells of the batch.
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
            h = _activate_(torch.addmm(a[states.row], states.inputs, Wb), layout.activation)  # (M, H)
            y_later[rows, block.outputs] = (h @ V_later[block.outputs].T).gather(0, states.of_output)
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
    """Gradients of x (None unless needed) and of the parameters, given the gradient dy (N, P) of the outputs."""
    W, b, first_hidden, V, _ = p
    merge = merge_repeats and not need_x  # ∂/∂x_j needs the states on either side of j apart, even where x_j is zero
    after_first, first_inputs = layout.outputs[0].stop, layout.inputs[0]
    dy_later, V_later = dy[:, after_first:], V[after_first:]
    dx = torch.zeros_like(x) if need_x else None
    dW, db, dV_later = torch.zeros_like(W), torch.zeros_like(b), torch.zeros_like(V_later)
    blocks = _blocks(layout, MERGED_STEPS if merge else FULL_STEPS)
    for rows in _row_chunks(x.shape[0], blocks, W.shape[1], keeps_starts=True):
        a = torch.addmm(b, x[rows, first_inputs], W[first_inputs])  # (n, H)
        starts = []  # a at the start of each block, summed as the forward pass did, so that h is the same to the bit
        for block in blocks:
            starts.append(a)
            a = torch.addmm(a, x[rows, block.inputs], W[block.inputs])
        da = torch.zeros_like(a)  # gradient of the a that later blocks start from
        for block, start in zip(reversed(blocks), reversed(starts), strict=True):
            xb, Wb, Vb = x[rows, block.inputs], W[block.inputs], V_later[block.outputs]
            states = _states(xb, block, merge=merge)
            h = _activate_(torch.addmm(start[states.row], states.inputs, Wb), layout.activation)  # (M, H)
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
    """Binary rows (N, D) in step order: observed cells keep their values, others are 1 where uniforms < σ(y / temperature)."""
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
    """One step of sampling: a (N, H) += x (N, i) W (i, H) and h = σ(a), both in place; returns c + h Vᵀ, (N, p)."""
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
    """Every step's hidden vector, (N, D, H), in step order. The one result that is of size N·D·H."""
    a = p.b.expand(x.shape[0], -1)
    hidden = [p.first_hidden.expand(x.shape[0], -1)]
    for inputs in layout.inputs[:-1]:
        a = a + x[:, inputs] @ p.W[inputs]  # (N, H)
        hidden.append(ACTIVATIONS[layout.activation](a))
    return torch.stack(hidden, dim=1)  # (N, D, H)


def _activate_(a: torch.Tensor, activation: str) -> torch.Tensor:
    return a.sigmoid_() if activation == "sigmoid" else a.relu_()


def _times_slope_(gradient: torch.Tensor, h: torch.Tensor, activation: str) -> torch.Tensor:
    """Multiplies the gradient of h by the slope of the activation, which is a function of h."""
    if activation == "sigmoid":
        return gradient.mul_(h).mul_(1 - h)
    return gradient.mul_(h > 0)


@dataclass(frozen=True)
class _Block:
    """Some consecutive steps after the first: what they read inside the block, what they write."""

    steps: int
    inputs: slice  # slots of these steps: read by later steps of the block, then added to a for the next block
    outputs: slice  # their rows of V, counted after those of the first step
    input_step: torch.Tensor  # (I_b,): the step of the block after which this slot is known
    output_step: torch.Tensor  # (P_b,): the step of the block that owns this output


@lru_cache(maxsize=64)
def _blocks(layout: Layout, steps_per_block: int) -> tuple[_Block, ...]:
    """Cuts steps 1 … D−1 into blocks. The inputs of earlier steps are in a already; no step reads those of the last."""
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
                outputs=slice(layout.outputs[s].start - after_first, layout.outputs[e - 1].stop - after_first),
                input_step=torch.tensor([k - s for k in readable for _ in range(layout.input_widths[k])]).long(),
                output_step=torch.tensor([k - s for k in range(s, e) for _ in range(layout.output_widths[k])]),
            )
        )
    return tuple(blocks)


@dataclass(frozen=True)
class _States:
    """The distinct hidden states of one block, M in all, ordered by row, then step."""

    row: torch.Tensor  # (M,): the row a state belongs to
    inputs: torch.Tensor  # (M, I_b): the block's inputs known to the state, the others zero
    known: torch.Tensor  # (M, I_b) bool: which those are
    of_output: torch.Tensor  # (N, P_b): the state that each output reads


def _states(x: torch.Tensor, block: _Block, *, merge: bool) -> _States:
    input_step, output_step = block.input_step.to(x.device), block.output_step.to(x.device)
    new = torch.ones(x.shape[0], block.steps, dtype=torch.bool, device=x.device)  # (N, steps)
    if merge and block.steps > 1:
        inside = input_step < block.steps - 1  # the last step's inputs matter to the next block only
        changed = torch.zeros(x.shape[0], block.steps - 1, dtype=torch.int32, device=x.device)
        changed.index_add_(1, input_step[inside], (x[:, inside] != 0).int())
        new[:, 1:] = changed > 0
    number = new.flatten().cumsum(0).view_as(new) - 1  # (N, steps)
    row, step = new.nonzero(as_tuple=True)
    known = input_step < step[:, None]  # (M, I_b)
    inputs = torch.where(known, x[row], 0)  # where, not a product: an unknown NaN must not get through
    return _States(row, inputs, known, number[:, output_step])


def _row_chunks(rows: int, blocks: tuple[_Block, ...], hidden: int, *, keeps_starts: bool = False) -> Iterator[slice]:
    """Rows in runs short enough that no temporary has more than BLOCK_NUMBERS numbers; none where there are no blocks."""
    if not blocks:
        return
    numbers = [block.steps * max(hidden, len(block.input_step), len(block.output_step)) for block in blocks]
    if keeps_starts:  # the backward pass keeps the sums that the blocks start from
        numbers.append(len(blocks) * hidden)
    size = max(1, BLOCK_NUMBERS // max(numbers))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
