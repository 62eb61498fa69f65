"""What is known in each row: masks checked, and the one question a fixed order answers exactly, a prefix."""

from __future__ import annotations

import torch

from chainrule.errors import EvidenceError, ShapeError


def as_mask(mask: torch.Tensor | object | None, rows: int, columns: int, *, name: str, default: bool) -> torch.Tensor:
    """A bool mask (N, D) from None (the default everywhere), (D,) or (N, D)."""
    if mask is None:
        return torch.full((rows, columns), default)
    known = torch.as_tensor(mask)
    if known.dtype != torch.bool:
        raise ShapeError(f"{name} has dtype {known.dtype}; it says which cells are known, so pass booleans")
    if known.shape not in ((columns,), (1, columns), (rows, columns)):
        raise ShapeError(f"{name} has shape {tuple(known.shape)}; give ({columns},) or ({rows}, {columns}) booleans")
    return known.expand(rows, columns)


def require_given_within_observed(given: torch.Tensor, observed: torch.Tensor) -> None:
    """Evidence must be observed: raises ShapeError at the first cell that is not."""
    wrong = (given & ~observed.to(given.device)).nonzero()
    if len(wrong):
        row, column = wrong[0].tolist()
        raise ShapeError(f"row {row}: column {column} is given but not observed; mark it as observed too")


def is_prefix(known: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Whether each row's known cells are the first ones of the order, (N,) bool."""
    steps = known[:, order.to(known.device)]
    return (steps[:, 1:] <= steps[:, :-1]).all(1)


def require_prefix(known: torch.Tensor, order: torch.Tensor, *, name: str, remedy: str) -> None:
    """Raises EvidenceError unless each row's known cells are a prefix of the order; says what would serve."""
    good = is_prefix(known, order)
    if bool(good.all()):
        return
    row = int((~good).nonzero()[0])
    steps = known[row, order.to(known.device)].cpu()
    hole = int((~steps).nonzero()[0])
    late = int(steps.nonzero()[-1])
    between = order.cpu()[hole:late][~steps[hole:late]].tolist()
    count = int(known[row].sum())
    missing = _listed(between)
    first = _listed(
        order.cpu()[order.cpu().new_tensor([bool(k) for k in known[row, order.to(known.device)]]).bool()].tolist()
    )
    raise EvidenceError(
        f"row {row}: {name} column {int(order[late])} is step {late} of the order, but column {int(order[hole])} at step {hole} "
        f"is not known. A fixed order answers exactly only when what is known comes first. What would serve: "
        f"knowing column(s) {missing} too; or a network whose order begins with the {count} known column(s) {first}{remedy}"
    )


def _listed(columns: list[int], most: int = 8) -> str:
    shown = ", ".join(map(str, columns[:most]))
    return f"[{shown}{', …' if len(columns) > most else ''}]"
