"""Masks of cells: their checks, and whether their cells are a prefix of an order."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from chainrule.errors import EvidenceError, ShapeError

# The only cells in memory of masks that are left out.
_TRUE, _FALSE = torch.tensor(True, device="cpu"), torch.tensor(False, device="cpu")


def as_mask(
    mask: torch.Tensor | object | None, rows: int, columns: int, *, name: str, default: bool
) -> torch.Tensor:
    """A bool mask (N, D) from a mask (D,) or (N, D); None means the default everywhere.

    Cells may share memory, so the result is read only.
    """
    if mask is None:
        return (_TRUE if default else _FALSE).expand(rows, columns)
    cells = torch.as_tensor(mask)
    if cells.dtype != torch.bool:
        raise ShapeError(
            f"{name} has dtype {cells.dtype}; it says which cells are known, so pass booleans"
        )
    if cells.shape not in ((columns,), (1, columns), (rows, columns)):
        raise ShapeError(
            f"{name} has shape {tuple(cells.shape)}; give ({columns},) or ({rows}, {columns}) "
            "booleans"
        )
    return cells.expand(rows, columns)


def is_everywhere(mask: torch.Tensor, value: bool) -> bool:
    """Whether a mask is the default of an argument that was left out, by a comparison of pointers.

    False says nothing about the cells.
    """
    return mask.data_ptr() == (_TRUE if value else _FALSE).data_ptr()


def without(mask: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The cells of a mask (N, D) that are not in the other."""
    return mask if is_everywhere(other, False) else mask & ~other


def require_given_within_observed(given: torch.Tensor, observed: torch.Tensor) -> None:
    """Raises ShapeError at the first given cell that is not observed."""
    if is_everywhere(given, False) or is_everywhere(observed, True):
        return
    wrong = (given & ~observed.to(given.device)).nonzero()
    if len(wrong):
        row, column = wrong[0].tolist()
        raise ShapeError(
            f"row {row}: column {column} is given but not observed; mark it as observed too"
        )


def is_prefix(given: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Whether each row's given cells are the first ones of the order, (N,) bool."""
    steps = given[:, order.to(given.device)]
    return (steps[:, 1:] <= steps[:, :-1]).all(1)


def require_prefix(
    given: torch.Tensor,
    order: torch.Tensor,
    *,
    name: str,
    remedy: str = "",
    names: Sequence[str] | None = None,
) -> None:
    """Raises EvidenceError, with remedies, unless each row's given cells are a prefix of the order.

    Args:
        given: bool (N, D).
        order: int64 (D,).
        name: the argument's name in the message, "observed" or "given".
        remedy: a further remedy, appended to the message.
        names: the columns' names in the message; by default their numbers.
    """
    if is_everywhere(given, True) or is_everywhere(given, False):
        return
    good = is_prefix(given, order)
    if bool(good.all()):
        return
    row = int((~good).nonzero()[0])
    steps, cells = order.tolist(), given[row].tolist()
    called = [str(k) for k in range(len(steps))] if names is None else [repr(n) for n in names]
    unknown_from = next(i for i, k in enumerate(steps) if not cells[k])
    last_known = max(i for i, k in enumerate(steps) if cells[k])
    between = [called[k] for k in steps[unknown_from:last_known] if not cells[k]]
    first = [called[k] for k in steps if cells[k]]
    raise EvidenceError(
        f"row {row}: {name} column {called[steps[last_known]]} is step {last_known} of the order, "
        f"but column {called[steps[unknown_from]]} at step {unknown_from} is not known. A fixed "
        "order answers exactly only when what is known comes first. What would serve: knowing "
        f"column(s) {_listed(between)} too; or a network whose order begins with the {len(first)} "
        f"known column(s) {_listed(first)}{remedy}"
    )


def _listed(names: list[str], most: int = 8) -> str:
    return f"[{', '.join(names[:most])}{', …' if len(names) > most else ''}]"
