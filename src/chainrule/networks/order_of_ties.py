"""An order in which ties determine columns: net and tax come before gross."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from chainrule.networks.ties import Ranges
from chainrule.table.ties import AbstractTie

MOST_ROWS = 4096  # rows that are looked at
ALIKE = 0.1  # mean logarithms of widths closer than this count as equal
LEAST_ANSWERED = 0.05  # share of rows by which a column may be computed in fewer rows
LEAST_SAID = 0.9  # share of the rows in which copies in part must say the right value
LEAST_ROWS = 0.5  # share of the rows in which a tie must leave a column a finite range


def determined_last(
    order: Sequence[int], ties: Sequence[AbstractTie], x: torch.Tensor
) -> list[int]:
    """The order, changed so that the last column of each tie is one that it determines.

    Columns drawn one after the other then keep the tie: the last one is computed. In another order
    the network would have to know by itself that the difference of two dates is a small number.
    A column moves behind the others of its tie, and otherwise the order stays. If ties contradict
    each other, earlier ones decide.

    Args:
        order: a permutation of the columns.
        ties: the ties between them.
        x: codes (n, D) of training rows, without NaN.

    >>> from chainrule.table.ties import LinearTie
    >>> stay = LinearTie((0, 1, 2), (-1, 1, -1), 0, 0)  # checkout − checkin = nights
    >>> rows = torch.tensor([[10.0, 12.0, 2.0], [250.0, 251.0, 1.0], [90.0, 95.0, 5.0]])
    >>> determined_last([1, 0, 2], [stay], rows)
    [1, 2, 0]
    """
    before: dict[int, set[int]] = {column: set() for column in order}
    x = x[:MOST_ROWS].double()
    computed = [(_last(tie, x), set(tie.columns)) for tie in ties if not _is_copy_in_part(tie)]
    for last, columns in [*computed, *_larger_or_smaller(ties, x)]:
        if last is None:
            continue
        others = columns - {last}
        if not any(last in _all_before(other, before) for other in others):
            before[last] |= others
    placed: list[int] = []
    left = list(order)
    while left:
        column = next(each for each in left if before[each] <= set(placed))
        placed.append(column)
        left.remove(column)
    return placed


def _is_copy_in_part(tie: AbstractTie) -> bool:
    return tie.is_in_part and tie.is_exact


def _larger_or_smaller(
    ties: Sequence[AbstractTie], x: torch.Tensor
) -> Iterator[tuple[int, set[int]]]:
    """Columns that copy one of several others, where surer ties say which, and all these columns.

    The larger of two columns is a copy of the one that is not too small.
    """
    known = torch.ones(x.shape, dtype=torch.bool)
    copied = sorted({k for tie in ties if _is_copy_in_part(tie) for k in tie.targets})
    for column in copied:
        some = [tie for tie in ties if column in tie.targets]
        at = [t for t, tie in enumerate(some) if _is_copy_in_part(tie)]
        ends = Ranges(column, tuple(some)).params(x, known, (column,))[0]
        low, high = ends[:, 0::2][:, at], ends[:, 1::2][:, at]
        values = x[:, [column]]
        is_other = ((low <= high) & (low != values)).any(1)
        is_right = ((low <= high) & (low == values)).any(1) & ~is_other
        if len(x) and float(is_right.double().mean()) >= LEAST_SAID:
            yield column, {k for t in at for k in some[t].columns}


def _last(tie: AbstractTie, x: torch.Tensor) -> int | None:
    """The column with the narrowest range; of several, the one whose codes spread furthest.

    Its range has a value whatever the others are: any start and end have hours between them, but
    some hours, rounded, end between two minutes.
    """
    known, widths, spreads = torch.ones(x.shape, dtype=torch.bool), {}, {}
    answered = {column: _answered(tie, column, x) for column in tie.targets}
    most = max(answered.values(), default=0.0)
    for column in tie.targets:
        if answered[column] < most - LEAST_ANSWERED:
            continue
        low, high = tie.interval(column, x, known)
        ok = (low <= high) & low.isfinite() & high.isfinite()
        if len(x) and float(ok.double().mean()) >= LEAST_ROWS:
            width = float((high - low + 1)[ok].log().mean())
            spread = float(x[:, column].std(unbiased=False).clamp(min=1e-9).log())
            if width < spread or width == 0:
                widths[column], spreads[column] = width, spread
    narrow = [column for column in widths if widths[column] < min(widths.values()) + ALIKE]
    return max(narrow, key=lambda column: spreads[column], default=None)


def _answered(tie: AbstractTie, column: int, x: torch.Tensor) -> float:
    """The least share of rows that leave a value if another column has the code one higher."""
    known, shares = torch.ones(x.shape, dtype=torch.bool), [1.0]
    for other in tie.columns:
        if other != column and len(x):
            moved = x.clone()
            moved[:, other] += 1
            low, high = tie.interval(column, moved, known)
            shares.append(float((low <= high).double().mean()))
    return min(shares)


def _all_before(column: int, before: dict[int, set[int]]) -> set[int]:
    """The column, and all that must come before it."""
    found, waiting = {column}, [column]
    while waiting:
        for other in before[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found
